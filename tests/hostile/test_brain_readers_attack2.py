"""Readers of brains and tables where the numbers or the names came out wrong, or an error was not ours."""

import re

import mne
import nibabel
import numpy as np
import pandas
import pytest
from mne.io.constants import FIFF

import neurolab as nl
from neurolab.brain import average_blocks, from_epochs, from_masked_image, from_table, remove_drift, standardise_runs
from neurolab.errors import DataError, FileFormatError, ReplicationUnitError, SchemaError, UnknownNameError
from neurolab.rdms import make_rdms, per_subject, stimuli_of, with_stimuli


def meg(turn):
    info = mne.create_info(["MEG 0111", "MEG 0121", "EEG 001"], 1000.0, ["mag", "mag", "eeg"])
    with info._unlock():
        for channel, place in zip(info["chs"], ([0.1, 0.0, 0.02], [0.0, 0.0, 0.0], [0.01, 0.02, 0.03])):
            channel["loc"][:3] = place
        info["dev_head_t"] = None if turn is None else mne.transforms.Transform("meg", "head", turn)
    assert info["chs"][0]["coord_frame"] == FIFF.FIFFV_COORD_DEVICE
    return mne.EvokedArray(np.ones((3, 4)), info, comment="a", verbose=False)


def places(recording):
    return np.stack([recording[axis].values for axis in "xyz"], axis=1)


def test_meg_sensors__lie_in_the_head_frame():
    turn = np.array([[0.0, -1, 0, 0.005], [1, 0, 0, 0.01], [0, 0, 1, 0.04], [0, 0, 0, 1]])
    found = places(from_epochs(meg(turn)))
    np.testing.assert_allclose(found[0], [0.005, 0.11, 0.06], atol=1e-7)
    assert np.isnan(found[1]).all()  # not measured: not at the origin of the device either
    unknown = places(from_epochs(meg(None)))
    assert np.isnan(unknown[:2]).all()
    for electrode in (found[2], unknown[2]):
        np.testing.assert_allclose(electrode, [0.01, 0.02, 0.03], atol=1e-7)


def epochs_of_raw(**settings):
    values = np.random.default_rng(0).standard_normal((2, 4000))
    raw = mne.io.RawArray(values, mne.create_info(2, 1000.0, "eeg"), verbose=False).filter(None, 20.0, verbose=False)
    events, settings = np.array([[500, 0, 1], [1500, 0, 1], [2500, 0, 1]]), {"preload": True, **settings}
    return mne.Epochs(raw, events, {"face": 1}, -0.1, 0.2, baseline=None, verbose=False, **settings)


@pytest.mark.parametrize("slower", [lambda e: e, lambda e: e.decimate(10), lambda e: e.resample(100.0)])
def test_onsets__are_in_seconds_of_the_raw_data(slower, tmp_path):
    epochs = slower(epochs_of_raw())
    assert from_epochs(epochs).onset.values.tolist() == [0.5, 1.5, 2.5]
    epochs.save(tmp_path / "slow-epo.fif", verbose=False)
    assert from_epochs(tmp_path / "slow-epo.fif").onset.values.tolist() == [0.5, 1.5, 2.5]


def test_onsets__that_nothing_says_are_left_out():
    info = mne.create_info(1, 100.0, "eeg")
    numbered = mne.EpochsArray(np.ones((4, 1, 5)), info, verbose=False).drop([1], verbose=False)
    assert "onset" not in from_epochs(numbered).coords
    old = epochs_of_raw()
    old._unsafe_annot_add = True  # as mne marks a file without the rate of its raw data
    assert "onset" not in from_epochs(old).coords


@pytest.mark.parametrize("number", [4095.0, 1000.37, -0.1, 1e-7, 0.0])
def test_voxels_constant_in_a_run__are_exactly_0(number):
    runs = np.repeat([1, 2], 37)
    values = np.random.default_rng(0).standard_normal((74, 2))
    values[:37, 0] = number
    for order in (0, 1, 2):
        rest = remove_drift(values, runs, order=order)
        assert (rest[:37, 0] == 0).all()
        assert (standardise_runs(rest, runs)[:37, 0] == 0).all()
        np.testing.assert_allclose(standardise_runs(rest, runs)[:, 1].reshape(2, 37).std(axis=1, ddof=1), 1)


def test_standardise_runs__takes_rounding_for_flat_and_small_signals_for_signals():
    noise = np.random.default_rng(0).standard_normal((30, 1))
    assert (standardise_runs(1000.37 + 1e-13 * noise, np.zeros(30)) == 0).all()
    for small in (1000.0 + 1e-5 * noise, 1e-15 * noise):
        np.testing.assert_allclose(standardise_runs(small, np.zeros(30)).std(ddof=1), 1)


def mean_of(**columns):
    rows = {"stimulus_id": ["a", "b", "a"], "condition": ["x", "y", "x"], **columns}
    return nl.average_repetitions(nl.make_recording(np.eye(3), presentation=rows, kind="brain"))


def test_average_repetitions__averages_fractions_and_leaves_out_what_has_no_mean():
    mean = mean_of(
        rt=[1.0, 4.0, 9.0], luminance=[0.1, 0.2, 0.1], lag=[np.nan, 1.0, 2.0], size=[3, 4, 3], run=[1, 1, 1],
        answer=["yes", "no", "no"], block=[1, 1, 2], colour=["r", "g", "r"],
    )
    assert mean["rt"].values.tolist() == [5.0, 4.0]
    assert mean["luminance"].values.tolist() == [0.1, 0.2]
    assert np.isnan(mean["lag"].values[0])
    assert mean["colour"].values.tolist() == ["r", "g"]
    assert mean["size"].values.tolist() == [3, 4]
    assert not {"answer", "block", "run"} & set(mean.coords)
    assert mean.attrs["note"] == "Left out, as they differ between showings of a stimulus: 'answer', 'block'."
    mean = mean_of(n_averaged=[9, 9, 8], nave=[40, 50, 45])
    assert mean["n_averaged"].values.tolist() == [17, 9]
    assert mean["nave"].values.tolist() == [85, 50]
    assert "note" not in mean.attrs


def volumes(*conditions):
    ids = [f"v{at}" for at in range(len(conditions))]
    columns = {"stimulus_id": ids, "condition": list(conditions), "run": [1] * len(ids)}
    return nl.make_recording(np.arange(len(conditions))[:, None], presentation=columns, kind="brain")


def test_average_blocks__drops_the_condition_named_or_says_that_there_is_none():
    given = volumes("Base", "Baseline", "face", "line")
    assert average_blocks(given, drop="Baseline").condition.values.tolist() == ["Base", "face", "line"]
    with pytest.raises(UnknownNameError, match=r"drop='Rest' .* Did you mean 'rest'"):
        average_blocks(volumes("rest", "face"), drop=("Rest",))
    assert average_blocks(volumes("face", "house")).sizes["presentation"] == 2  # the usual rest may be absent


def test_average_blocks__counts_blocks_of_one_condition():
    names = average_blocks(volumes("face-up", "face", "face-up", "face", "face-2")).stimulus_id.values.tolist()
    assert names == ["run01-face-up", "run01-face", "run01-face-up-2", "run01-face-2", "run01-face-2-2"]


def evoked(bads=(), kind="average"):
    info = mne.create_info(["Fz", "Cz", "Pz"], 100.0, "eeg")
    info["bads"] = list(bads)
    return mne.EvokedArray(np.ones((3, 4)), info, comment="a", kind=kind, verbose=False)


def test_evoked__a_channel_bad_in_any_is_not_valid_and_standard_errors_are_refused():
    given = [evoked(["Pz"]), evoked(["Fz"])]
    assert from_epochs(given).valid.values.tolist() == [False, True, False]
    assert given[0].info["bads"] == ["Pz"]
    with pytest.raises(DataError, match=r"'standard_error'.*one\.kind == 'average'"):
        from_epochs([evoked(), evoked(kind="standard_error")])


def bold(unit=None, zoom=2.0):
    image = nibabel.Nifti1Image(np.random.default_rng(0).standard_normal((2, 2, 2, 4)), np.eye(4))
    image.header.set_zooms((1, 1, 1, zoom))
    if unit is not None:
        image.header.set_xyzt_units("mm", unit)
    return image


MASK = nibabel.Nifti1Image(np.ones((2, 2, 2), dtype=np.int16), np.eye(4))
ROWS = {"condition": list("aabb"), "run": [1, 1, 2, 2]}


@pytest.mark.parametrize(("unit", "zoom"), [("sec", 2.5), ("msec", 2500.0), ("usec", 2.5e6), (None, 2.5)])
def test_repetition_time__is_taken_in_the_unit_of_the_header(unit, zoom):
    recording = from_masked_image(bold(unit, zoom), MASK, presentation=ROWS)
    np.testing.assert_allclose(recording.onset.values, [0, 2.5, 0, 2.5])
    assert "onset" not in from_masked_image(bold("hz"), MASK, presentation=ROWS).coords


def test_volumes__of_two_people_are_different_stimuli():
    one, two = (from_masked_image(bold(), MASK, presentation=ROWS, specimen=who) for who in ("sub-01", "sub-02"))
    assert not set(one.stimulus_id.values) & set(two.stimulus_id.values)
    assert one.stimulus_id.values[0] == "sub-01-run01-vol0000-a"


@pytest.mark.parametrize("given", ["events.tsv", ["a", "a", "b", "b"], None, {"condition": "a"}])
def test_presentation__that_is_no_table_is_refused(given):
    with pytest.raises(SchemaError, match="presentation=\\{'condition'"):
        from_masked_image(bold(), MASK, presentation=given)


def test_table__ids_of_a_file_stay_as_they_are(tmp_path):
    for name, text in (("a.csv", "id ,score\n001,1\n7.0,2\n010,3\n"), ("b.csv", ",score\n001,1\n7.0,2\n010,3\n")):
        (tmp_path / name).write_text(text)
        person = "id" if name == "a.csv" else "Unnamed: 0"
        assert from_table(tmp_path / name, person=person)["score"].to_dict() == {"001": 1, "7.0": 2, "010": 3}
    frame = pandas.DataFrame({"id": [1.0, 7.0], "score": [1, 2]})
    assert from_table(frame, person="id").index.tolist() == ["1", "7"]
    with pytest.raises(UnknownNameError, match="Did you mean 'id'"):
        from_table(frame, person="ID")


def test_table__cells_beyond_the_names_are_refused_and_empty_ones_are_not(tmp_path):
    file = tmp_path / "scores.csv"
    for text, line in (("id,x\na,1,9\nb,2\n", 2), ("id,x\na,1\nb,2,9\n", 3), ('id,x\n"a\nb",1\nc,2,9\n', 4)):
        file.write_text(text)
        with pytest.raises(FileFormatError, match=rf"Line {line} of 'scores.csv' holds 3 cells for 2 names.*quotes"):
            from_table(file, person="id")
    file.write_text("id,x\n1,a,9\n2,b,8\n")
    with pytest.raises(FileFormatError, match="the first one too"):
        from_table(file, person="id")
    file.write_text("1,a,9\n2,b,8\n")
    with pytest.raises(FileFormatError, match="header="):
        from_table(file, person="id", header=["id", "x"])
    file.write_text("id,x,\na,1,,\nb,2,,,\n\n")
    assert from_table(file, person="id", columns=["x"])["x"].to_dict() == {"a": 1, "b": 2}
    file.write_text("id,x\na,1,\nb,2,\n")
    assert from_table(file, person="id")["x"].to_dict() == {"a": 1, "b": 2}


def typed(error, table=None):
    """What the advice of an error gives when it is typed."""
    code = re.search(r"Type (from_table\(.*\))\.$", str(error.value), re.I)[1]
    return eval(code, {"from_table": from_table, "pandas": pandas, "table": table})


def test_table__the_advice_on_other_separators_and_encodings_works_and_semicolons_in_text_are_text(tmp_path):
    file = tmp_path / "scores.csv"
    for sep, encoding in ((";", "utf-8"), (";", "latin-1"), (",", "latin-1"), ("\t", "utf-16")):
        number = "2,5" if sep == ";" else "2.5"
        rows = (("id", "größe"), ("001", number), ("002", "3"))
        file.write_bytes("\n".join(sep.join(row) for row in rows).encode(encoding))
        with pytest.raises(FileFormatError, match="Type") as error:
            from_table(file, person="id")
        assert typed(error)["größe"].to_dict() == {"001": 2.5, "002": 3.0}
    file.write_text("id,said\na,one; two\nb,three; four\n")
    assert from_table(file, person="id")["said"].tolist() == ["one; two", "three; four"]
    file.write_text("a,one; two\nb,three; four\n")
    assert from_table(file, person="id", header=["id", "said"]).index.tolist() == ["a", "b"]


def test_table__the_advice_on_people_who_come_twice_works(tmp_path):
    table = pandas.DataFrame({" who": ["01", "01", "b"], "said": list("xyz"), "score": [1.0, 3.0, 5.0]})
    expected = {"01": 2.0, "b": 5.0}
    for given, person in ((table, "who"), (table.set_index(" who"), None)):
        with pytest.raises(DataError, match="several rows for '01'") as error:
            from_table(given, person=person)
        assert typed(error, given)["score"].to_dict() == expected
    table.rename(columns=str.strip).to_csv(tmp_path / "twice.tsv", sep="\t", index=False)
    with pytest.raises(DataError, match="several rows") as error:
        from_table(tmp_path / "twice.tsv", person="who")
    assert typed(error)["score"].to_dict() == expected
    both = table.set_index([" who", "said"])
    for person in (None, " who"):
        with pytest.raises(ReplicationUnitError, match="sessions are not people") as error:
            from_table(both, person=person)
        assert typed(error, both)["score"].to_dict() == expected


def test_table__the_note_says_all_that_is_empty_or_how_much():
    table = pandas.DataFrame(np.where(np.eye(3), np.nan, 1.0), columns=list("abc"), index=["p", "q", "r"])
    said = from_table(table, allow_missing=True).attrs["note"]
    assert said == "Empty, in 3 of 3 people: a for 'p'; b for 'q'; c for 'r'."
    wide = pandas.concat([table, table.add_suffix("2")], axis=1)
    assert "; a2 for 'p'; … (6 columns in all)." in from_table(wide, allow_missing=True).attrs["note"]
    with pytest.raises(DataError, match=r"empty cells in 6 columns, of 3 of 3 people: .* … \(6 columns in all\)"):
        from_table(wide)


def test_table__text_that_reads_as_numbers_is_said_and_the_advice_works(tmp_path):
    file = tmp_path / "scores.csv"
    file.write_text('id,share,mean,name\na,40%,"2,8",x1\nb,5 %,"3,1",x2\nc,,4,x3\n')
    table = from_table(file, person="id", allow_missing=True)
    note = table.attrs["note"]
    assert "Text that reads as numbers: 'share' ('40%'), 'mean' ('2,8')." in note
    for name in ("share", "mean"):
        code = re.search(r"Type (.*), and so on", note)[1].replace("'share'", repr(name))
        exec(code, {"table": table, "pandas": pandas})
    assert table["share"].tolist()[:2] == [40.0, 5.0]
    assert table["mean"].tolist() == [2.8, 3.1, 4.0]
    assert from_table(table[["name", "mean"]]).attrs["note"] == ""


def test_rdms__subjects_may_be_numbers_and_the_advice_on_another_order_works(tmp_path):
    rdms = make_rdms([[1, 2, 3], [3, 2, 1]], stimuli="abc", kind="brain", columns={"subject": [7, 7]})
    assert per_subject(rdms).values.tolist() == [[2, 2, 2]]
    assert per_subject(rdms).subject.values.tolist() == ["7"]
    file, order = tmp_path / "rdm.csv", ["dog", "cat", "cup"]
    file.write_text(",cat,dog,cup\ncat,0,1,3\ndog,1,0,2\ncup,3,2,0\n")
    with pytest.raises(DataError, match=r"neurolab\.rdms\.with_stimuli\(rdms, stimuli\)"):
        nl.brain.read_rdms(file, stimuli=order)
    assert stimuli_of(with_stimuli(nl.brain.read_rdms(file), order)) == order


def test_epochs__not_loaded_are_refused_until_their_good_ones_are_known():
    lazy = epochs_of_raw(preload=False)
    with pytest.raises(DataError, match=r"epochs\.load_data\(\), or epochs\.drop_bad\(\)"):
        from_epochs(lazy)
    for known in (lazy.copy().drop_bad(verbose=False), lazy.copy().load_data()):
        assert from_epochs(known).sizes["presentation"] == 3


def test_window__may_be_open_and_is_a_pair_of_numbers():
    epochs = epochs_of_raw()
    for window in ((0.0,), (0.0, 0.1, 0.2), 0.1, "ab", ("0", "1"), ()):
        with pytest.raises(DataError, match=r"Type window=\(-0\.1, 0\.2\)"):
            from_epochs(epochs, window=window)
    values = epochs.get_data(copy=True)
    for window, inside in (((None, 0.02), slice(0, 121)), ((0.0, None), slice(100, 301)), ([None, None], slice(None))):
        np.testing.assert_allclose(from_epochs(epochs, window=window).values, values[:, :, inside].mean(axis=2))


@pytest.mark.parametrize("settings", [{"specimen": "sub\0-01"}, {"units": "\0V"}, {"attrs": {"note": "a\0b"}}])
def test_make_recording__a_nul_is_refused_where_it_is_given(settings):
    rows = {"stimulus_id": ["a", "b"], "condition": ["x", "y"]}
    with pytest.raises(SchemaError, match="NUL"):
        nl.make_recording(np.eye(2), presentation=rows, kind="brain", **settings)
    with pytest.raises(SchemaError, match=r"condition is 'x.x00y'"):
        nl.make_recording(np.eye(2), presentation={**rows, "condition": ["x\0y", "y"]}, kind="brain")
