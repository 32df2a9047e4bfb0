"""Files of RDMs: every shape that is about comes in alike; what is broken, ambiguous or missing says what to type."""

import numpy as np
import pytest
from scipy.io import savemat
from scipy.spatial.distance import squareform

import neurolab as nl
from neurolab.errors import DataError, DesignError, FileFormatError, MissingDataError, SchemaError, UnknownNameError
from neurolab.rdms import make_rdms, per_subject, square, stimuli_of, with_stimuli

ONE = np.array([[0.0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]])
PAIRS = [1.0, 2, 3, 4, 5, 6]


def struct(*matrices, names=None):
    made = np.zeros((1, len(matrices)), dtype=[("RDM", "O"), ("name", "O")])
    for k, matrix in enumerate(matrices):
        made[0, k] = (np.asarray(matrix), names[k] if names else f"person {k}")
    return made


def test_every_format__gives_the_same_distances(tmp_path):
    savemat(tmp_path / "struct.mat", {"RDMs": struct(ONE, ONE)})
    savemat(tmp_path / "pairs.mat", {"RDMs": struct([PAIRS], [PAIRS])})
    savemat(tmp_path / "matrix.mat", {"brain": ONE.astype(np.float32), "note": "other things"})
    np.save(tmp_path / "matrix.npy", ONE)
    np.save(tmp_path / "stack.npy", np.stack([ONE, ONE]))
    np.save(tmp_path / "pairs.npy", np.array([PAIRS, PAIRS]))
    np.savetxt(tmp_path / "bare.csv", ONE, delimiter=",")
    np.savetxt(tmp_path / "bare.txt", ONE)
    rows = [",a,b,c,d", *(f"{name}," + ",".join(map(str, row)) for name, row in zip("abcd", ONE))]
    (tmp_path / "named.csv").write_text("\n".join(rows))
    for file in sorted(tmp_path.iterdir()):
        found = nl.brain.read_rdms(file)
        assert (found.values == PAIRS).all(), file.name
        assert found.attrs["kind"] == "brain"
    assert nl.brain.read_rdms(tmp_path / "struct.mat")["rdm"].values.tolist() == ["person 0", "person 1"]
    assert stimuli_of(nl.brain.read_rdms(tmp_path / "named.csv")) == list("abcd")
    assert stimuli_of(nl.brain.read_rdms(tmp_path / "matrix.npy")) == [f"stimulus00{k}" for k in range(1, 5)]
    assert stimuli_of(nl.brain.read_rdms(tmp_path / "matrix.npy", stimuli="dcba")) == list("dcba")


def test_broken_files__say_what_they_are(tmp_path):
    with pytest.raises(MissingDataError, match="is not there"):
        nl.brain.read_rdms(tmp_path / "none.mat")
    (tmp_path / "cut.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(FileFormatError, match="truncated"):
        nl.brain.read_rdms(tmp_path / "cut.mat")
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(FileFormatError, match=r"save\(file, '-v7'"):
        nl.brain.read_rdms(tmp_path / "new.mat")
    np.save(tmp_path / "code.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileFormatError, match=r"\.npy array of RDMs"):
        nl.brain.read_rdms(tmp_path / "code.npy")
    with pytest.raises(FileFormatError, match=r"expected one\. Save it as \.npy"):
        nl.brain.read_rdms(tmp_path / "rdm.xlsx")
    (tmp_path / "odd.csv").write_text(",a,b,c\na,0,1,2\nb,1,0,3\nx,2,3,0\n")
    with pytest.raises(DataError, match=r"names of odd\.csv differ"):
        nl.brain.read_rdms(tmp_path / "odd.csv")
    (tmp_path / "gap.csv").write_text("0,1,2\n1,0,\n2,3,0\n")
    with pytest.raises(DataError, match=r"1 cells of gap\.csv are no numbers"):
        nl.brain.read_rdms(tmp_path / "gap.csv")


def test_several_variables__must_be_named(tmp_path):
    savemat(tmp_path / "two.mat", {"human": struct(ONE), "monkey": struct(ONE), "words": "none"})
    with pytest.raises(UnknownNameError, match=r"holds RDMs in 'human', 'monkey'; no variable was named"):
        nl.brain.read_rdms(tmp_path / "two.mat")
    with pytest.raises(UnknownNameError, match=r"variable='monky' is none of them.*monkey"):
        nl.brain.read_rdms(tmp_path / "two.mat", variable="monky")
    assert nl.brain.read_rdms(tmp_path / "two.mat", variable="monkey").sizes["rdm"] == 1
    savemat(tmp_path / "uneven.mat", {"RDMs": struct(ONE, ONE[:3, :3])})
    with pytest.raises(DataError, match="differ in shape"):
        nl.brain.read_rdms(tmp_path / "uneven.mat")


def test_distances_that_are_none__are_told():
    kept = {"stimuli": "abcd", "kind": "brain"}
    with pytest.raises(DataError, match="similarities"):
        make_rdms(1 - ONE / 10, **kept)
    with pytest.raises(DataError, match="not symmetric"):
        make_rdms(np.triu(ONE), **kept)
    with pytest.raises(DataError, match="4 stimuli have 6 pairs"):
        make_rdms(PAIRS[:5], **kept)
    with pytest.raises(DataError, match="RDM 1 holds NaN"):
        make_rdms([PAIRS, [*PAIRS[:5], np.nan]], **kept)
    with pytest.raises(DataError, match="3 or more, each named once"):
        make_rdms(PAIRS, stimuli="abca", kind="brain")
    with pytest.raises(SchemaError, match="Did you mean 'brain'"):
        make_rdms(PAIRS, stimuli="abcd", kind="brian")


def test_stimuli__are_brought_in_order_or_are_missing():
    rdms = make_rdms(np.stack([ONE, 2 * ONE]), stimuli="abcd", kind="brain", columns={"subject": ["x", "y"]})
    turned = with_stimuli(rdms, "cadb")
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(square(turned)[1], 2 * ONE[np.ix_(order, order)])
    assert turned["subject"].values.tolist() == ["x", "y"]
    np.testing.assert_array_equal(with_stimuli(rdms, "abd").values[0], squareform(ONE[np.ix_([0, 1, 3], [0, 1, 3])]))
    with pytest.raises(DataError, match=r"no stimulus 'e' \(1 of 4"):
        with_stimuli(rdms, "abce")
    assert per_subject(rdms.assign_coords(subject=("rdm", ["x", "x"]))).values.tolist() == [[1.5 * d for d in PAIRS]]


def geometries(n_stimuli=12, n=6, seed=0):
    draw = np.random.default_rng(seed)
    values = [draw.random(n_stimuli * (n_stimuli - 1) // 2) for _ in range(n)]
    return make_rdms(values, stimuli=[f"s{k}" for k in range(n_stimuli)], kind="brain")


def test_compare__names_what_does_not_fit():
    every = geometries()
    with pytest.raises(SchemaError, match=r"Expected a recording|dissimilarities"):
        nl.analysis.compare(np.zeros((3, 3)), every)
    with pytest.raises(DesignError, match="8 stimuli given; to generalise over stimuli takes 10"):
        nl.analysis.compare(geometries(8), geometries(8))
    with pytest.raises(DataError, match="have no stimulus 's10', 's11'"):
        nl.analysis.compare(geometries(10), every)
    with pytest.raises(DataError, match="equal distances"):
        nl.analysis.compare(every[:1] * 0 + 1, every)
    with pytest.raises(DesignError, match="got no models"):
        nl.analysis.compare({}, every)
    with pytest.raises(UnknownNameError, match="spearman"):
        nl.analysis.RSA(method="sperman")
    with pytest.raises(UnknownNameError, match="correction='holms'"):
        nl.analysis.compare(every, every, correction="holms")
    with pytest.raises(DesignError, match="no list of others"):
        nl.analysis.compare_models(every[0:1], every, every)
    with pytest.raises(DataError, match=r"others\[0\] has the models '1'"):
        nl.analysis.compare_models(every[0:1], [every[1:2]], every)


def test_missing_data__say_what_to_type(monkeypatch, tmp_path):
    monkeypatch.delenv("NEUROLAB_DATA", raising=False)
    for load in (nl.datasets.load_brain, nl.datasets.load_stimuli):
        with pytest.raises(MissingDataError, match=r"MIT; cite Kriegeskorte.*rsatoolbox.*export NEUROLAB_DATA="):
            load("ninety-two-images")
    monkeypatch.setenv("NEUROLAB_DATA", str(tmp_path))
    (tmp_path / "kriegeskorte-92").mkdir()
    for name in ("92_brainRDMs.mat", "Kriegeskorte_Neuron2008_supplementalData.mat"):
        (tmp_path / "kriegeskorte-92" / name).write_bytes(b"changed")
    with pytest.raises(FileFormatError, match="truncated or changed"):
        nl.datasets.load_brain("ninety-two-images")


def test_a_table_that_names_its_stimuli_is_not_given_other_names(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text(",cat,dog,cup\ncat,0,1,3\ndog,1,0,2\ncup,3,2,0\n")
    assert nl.brain.read_rdms(file, stimuli=["cat", "dog", "cup"]).identical(nl.brain.read_rdms(file))
    with pytest.raises(DataError, match="names its own stimuli"):
        nl.brain.read_rdms(file, stimuli=["dog", "cup", "cat"])


def test_a_diagonal_that_is_left_out_hides_no_asymmetry(tmp_path):
    half = np.array([[np.nan, 1.0, 5.0], [9.0, np.nan, 2.0], [0.0, 0.0, np.nan]])
    np.save(tmp_path / "half.npy", half)
    with pytest.raises(DataError, match="not symmetric"):
        nl.brain.read_rdms(tmp_path / "half.npy")
    np.save(tmp_path / "whole.npy", np.fmax(np.triu(half, 1), np.triu(half, 1).T) + np.diag([np.nan] * 3))
    assert nl.brain.read_rdms(tmp_path / "whole.npy").values.tolist() == [[1.0, 5.0, 2.0]]


SIX = np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0)))


def table(folder, lines, name="t.csv"):
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def lines_of(values, line=None, column=None, corner=None, by=","):
    rows = [[f"{one:g}" for one in row] for row in values]
    if column is not None:
        rows = [[name, *row] for name, row in zip(column, rows)]
    first = [] if line is None else [[*([] if corner is None else [corner]), *line]]
    return [by.join(row) for row in first + rows]


@pytest.mark.parametrize("names", ["abcdef", "012345", "123456", ["7", "3", "9", "1", "5", "2"]])
@pytest.mark.parametrize(
    ("line", "column", "corner"),
    [(True, False, None), (False, True, None), (True, True, ""), (True, True, "id"), (True, True, None)],
)
def test_names_around_a_matrix_are_seen_wherever_they_stand(tmp_path, names, line, column, corner):
    """Six columns are the pairs of four stimuli too: what pandas and R write is a matrix all the same."""
    about = {"line": names if line else None, "column": names if column else None, "corner": corner}
    found = nl.brain.read_rdms(table(tmp_path, lines_of(SIX, **about)))
    assert stimuli_of(found) == list(names)
    assert found.values.tolist() == [squareform(SIX).tolist()]


def test_a_numbering_beside_a_line_of_names_is_no_name(tmp_path):
    found = nl.brain.read_rdms(table(tmp_path, lines_of(SIX, line="abcdef", column="012345", corner="")))
    assert stimuli_of(found) == list("abcdef")


def test_tables_of_pandas_and_of_r(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(SIX, index=list("abcdef"), columns=list("abcdef"))
    numbered = [f"stimulus{k:03d}" for k in range(1, 7)]
    for index, header, ids in [(True, True, "abcdef"), (False, True, "abcdef"), (True, False, "abcdef"),
                               (False, False, numbered)]:  # fmt: skip
        frame.to_csv(tmp_path / "p.csv", index=index, header=header)
        assert stimuli_of(nl.brain.read_rdms(tmp_path / "p.csv")) == list(ids)
    pd.DataFrame(SIX).to_csv(tmp_path / "q.csv")
    assert stimuli_of(nl.brain.read_rdms(tmp_path / "q.csv")) == list("012345")
    quoted = [f'"{one} x"' for one in "abcdef"]
    file = table(tmp_path, lines_of(SIX, line=quoted, column=quoted, by="  "), "r.txt")  # write.table leaves no corner
    assert stimuli_of(nl.brain.read_rdms(file)) == [f"{one} x" for one in "abcdef"]


def test_condensed_tables(tmp_path):
    assert nl.brain.read_rdms(table(tmp_path, ["1,2,3,4,5,6", "6,5,4,3,2,1"])).values[1].tolist() == PAIRS[::-1]
    assert nl.brain.read_rdms(table(tmp_path, [f"{one:g}" for one in PAIRS])).values.tolist() == [PAIRS]
    seven = [",".join(f"{row + pair}.5" for pair in range(6)) for row in range(7)]  # 7 x 6, and no matrix below a line
    assert nl.brain.read_rdms(table(tmp_path, seven)).sizes == {"rdm": 7, "pair": 6}
    five = [",".join(f"{row + pair}.5" for pair in range(6)) for row in range(5)]
    assert nl.brain.read_rdms(table(tmp_path, five)).sizes == {"rdm": 5, "pair": 6}


def test_what_could_be_a_matrix_or_condensed_is_asked(tmp_path):
    six = [",".join(f"{row + pair}.5" for pair in range(6)) for row in range(6)]
    ask = r"could be one matrix of 6 stimuli.*or 6 RDMs of 4 stimuli.*stimuli="
    with pytest.raises(DataError, match=ask):
        nl.brain.read_rdms(table(tmp_path, six))
    assert nl.brain.read_rdms(table(tmp_path, six), stimuli="abcd").sizes == {"rdm": 6, "pair": 6}
    with pytest.raises(DataError, match="diagonal"):
        nl.brain.read_rdms(table(tmp_path, six), stimuli="abcdef")
    np.save(tmp_path / "six.npy", np.arange(36.0).reshape(6, 6) + 0.5)
    with pytest.raises(DataError, match=ask):
        nl.brain.read_rdms(tmp_path / "six.npy")
    assert nl.brain.read_rdms(tmp_path / "six.npy", stimuli="abcd").sizes == {"rdm": 6, "pair": 6}
    lined = table(tmp_path, lines_of(SIX, line=["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]))
    with pytest.raises(DataError, match=r"one matrix of 6 stimuli with a line of names.*or 7 RDMs of 4 stimuli"):
        nl.brain.read_rdms(lined)
    assert nl.brain.read_rdms(lined, stimuli="abcd").sizes == {"rdm": 7, "pair": 6}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a,b,c", "0,1,2"], r"2 x 3 cells.*expected"),
        (["1,2,3,4,5"], r"1 x 5 cells.*expected"),
        (["a,b,c,d,e,f", "1,2,3,4,5,6"], "2 x 6 cells.*without names"),
        (["a,b,a", "0,1,2", "1,0,3", "2,3,0"], "each named once"),
        (["a,,c", "0,1,2", "1,0,3", "2,3,0"], "no name"),
        (["a,b,c", "0,1,x", "1,0,3", "x,3,0"], "2 cells of t.csv are no numbers"),
        (["1,2,3", "0,1,2", "9,0,3", "2,3,0"], "not symmetric"),
        ([",a,b,c", "x,0,1,2", "y,1,0,3", "z,2,3,0"], "names of t.csv differ"),
        ([""], "empty"),
    ],
)
def test_other_tables_are_told(tmp_path, lines, said):
    with pytest.raises((DataError, FileFormatError), match=said):
        nl.brain.read_rdms(table(tmp_path, lines))
