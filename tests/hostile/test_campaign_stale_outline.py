"""What is said of lesions, which designs there are and what lies in a store: the present ones, or an error."""

import functools
import os

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import neurolab as nl
from neurolab.campaign import merge, partial, status
from neurolab.campaign.disk import is_made_of
from neurolab.errors import CampaignWarning, DataError, DesignError, FileFormatError, NeurolabError, StoreWriteError
from neurolab.specimen.past import Past


def net(name="net", seed=0):
    made = torch.Generator().manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    for weights in model.parameters():
        weights.data = torch.randn(weights.shape, generator=made)
    return nl.Specimen(model, torch.zeros(1, 4), name=name)


@functools.cache
def stimuli():
    values = np.random.default_rng(1).normal(size=(6, 4)).astype("f4")
    table = {"stimulus_id": [f"i{k}" for k in range(6)], "condition": ["a", "b"] * 3, "label": [0, 1, 2] * 2}
    return nl.StimulusSet("s", values, pd.DataFrame(table))


def raw(outputs, table):
    return outputs[:, 0]


def tasks():
    return [nl.Task("t", stimuli(), raw)]


def lesions(n=3, **settings):
    return [nl.Lesion(nl.ROI(f"u{k}", {"1": [k]}), nl.Zero(), **settings) for k in range(n)]


def examined(design, store=None, one=None):
    return nl.examine(one or net(), design, tasks(), store=store, progress=False)


@pytest.mark.parametrize("changed", [
    {"rung": ("ladder", 0.9)}, {"notes": (("match", 2.0),)}, {"rung": ("other", 0.5)},
])  # fmt: skip
def test_what_is_said_of_lesions_is_that_of_the_present_call(tmp_path, changed):
    before = {"rung": ("ladder", 0.5), "notes": (("match", 1.0),)}
    first = examined(lesions(1, **before), tmp_path)
    again = examined(lesions(1, **{**before, **changed}), tmp_path)
    plain = examined(lesions(1, **{**before, **changed}))
    assert status(tmp_path)["done"].tolist() == [2]
    for name in ("rung", "ladder", "lesion_notes", "score"):
        xr.testing.assert_equal(again[name].variable, plain[name].variable)
    assert any(not first[name].equals(again[name]) for name in ("rung", "ladder", "lesion_notes"))
    saved = nl.load(next(tmp_path.glob("net/designs/*/trials.zarr")))
    xr.testing.assert_equal(saved["rung"].variable, plain["rung"].variable)


def test_a_file_that_goes_on_is_another_one(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert is_made_of(tmp_path / "a", [b"a", b"bc"])
    assert not any(is_made_of(tmp_path / "a", pieces) for pieces in ([b"ab"], [b"ab", b"d"], [b"abcd"]))


def test_what_networks_were_trained_on_is_said_though_the_cells_are_older(tmp_path):
    trained = net()
    object.__setattr__(trained, "past", Past(learned=frozenset(stimuli().ids)))
    examined(lesions(), tmp_path)
    assert "undermined_by" in examined(lesions(), tmp_path, trained).attrs
    assert "undermined_by" not in examined(lesions(), tmp_path).attrs


def test_a_bit_that_flips_in_finished_trials_is_found(tmp_path):
    right = examined(lesions(), tmp_path)["score"].values
    file = next(tmp_path.glob("net/designs/*/trials.zarr/score/c/0/0/0"))
    place, whole = file.parents[4], file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1 :])
        try:
            found = nl.load(place)
        except NeurolabError:
            continue
        np.testing.assert_array_equal(found["score"].values, right)


def test_a_bit_that_flips_in_saved_data_is_found(tmp_path):
    place = nl.save(examined(lesions()), tmp_path / "trials.zarr")
    file = next(place.glob("score/c/*/*/*"))
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 1
    file.write_bytes(whole)
    with pytest.raises(FileFormatError, match="cannot be read"):
        nl.load(place)


def test_a_network_without_identity_is_no_network_that_was_not_there(tmp_path):
    for at in (0, 1):
        examined(lesions(), tmp_path, net(f"n{at}", at))
    (tmp_path / "n1" / "identity.json").unlink()
    for look in (status, partial, lambda place: merge([place], tmp_path / "joined")):
        with pytest.raises(FileFormatError, match=r"n1 holds finished cells and no identity\.json"):
            look(tmp_path)
    examined(lesions(), tmp_path, net("n1", 1))
    assert status(tmp_path)["finished"].all()


def test_cells_that_are_gone_are_not_finished(tmp_path):
    examined(lesions(), tmp_path)
    for shard in tmp_path.glob("net/shards/*"):
        shard.unlink()
    with pytest.warns(CampaignWarning):
        assert not status(tmp_path)["finished"].any()


def test_a_region_corrected_under_its_name_is_another_design(tmp_path):
    for units in ([0, 1], [2, 3]):
        examined([nl.Lesion(nl.ROI("area", {"1": units}), nl.Zero())], tmp_path)
        os.utime(next(iter(sorted(tmp_path.glob("net/designs/*/plan.json"), key=os.path.getmtime))), (1, 1))
    newest, before = sorted(status(tmp_path)["design"])
    assert before == f"{newest}~1"
    for name, units in ((newest, [2, 3]), (before, [0, 1])):
        found = partial(tmp_path, design=name)
        plain = examined([nl.Lesion(nl.ROI("area", {"1": units}), nl.Zero())])
        np.testing.assert_array_equal(found["score"].values, plain["score"].values)
    with pytest.raises(nl.errors.UnknownNameError, match=f"(?s){newest}.*{before}"):
        partial(tmp_path)


@pytest.mark.parametrize(("commits", "said"), [(2, "1 shard are"), (3, "2 shards are")])
def test_a_journal_that_was_emptied_is_said(tmp_path, commits, said):
    with nl.campaign.Store.open(tmp_path, {"specimen": "net"}) as store:
        for at in range(commits):
            store.put({store.key(str(at)): (np.ones(2), {})})
    next(tmp_path.glob("net/journal/*.jsonl")).write_bytes(b"")
    with pytest.warns(CampaignWarning, match=rf"journal/all\.jsonl was cut, emptied or lost; the cells of {said}"):
        status(tmp_path)


def test_a_journal_that_is_taken_away_while_it_is_written_to_is_said_at_once(tmp_path):
    with nl.campaign.Store.open(tmp_path, {"specimen": "net"}) as store:
        store.put({store.key("a"): (np.ones(2), {})})
        moved = next(tmp_path.glob("net/journal/*.jsonl")).rename(tmp_path / "elsewhere")
        with pytest.raises(StoreWriteError, match="was taken away or replaced"):
            store.put({store.key("b"): (np.ones(2), {})})
        moved.rename(tmp_path / "net" / "journal" / "all.jsonl")
        store.put({store.key("b"): (np.ones(2), {})})
        assert len(store.done()) == 2


def test_foreign_folders_among_the_journals_are_left_alone(tmp_path):
    examined(lesions(), tmp_path)
    (tmp_path / "net" / "journal" / "backup.jsonl").mkdir()
    assert status(tmp_path)["finished"].all()


@pytest.mark.parametrize("store", [5, b"x", ["x"]])
def test_a_store_is_a_folder(store):
    with pytest.raises(DesignError, match="Type store='runs/x'"):
        examined(lesions(), store)


def test_a_cohort_takes_lesions_and_tasks_once_from_generators():
    cohort = nl.Cohort([net("n0"), net("n1", 1)])
    found = nl.examine(cohort, (one for one in lesions()), (one for one in tasks()), progress=False)
    right = nl.examine(cohort, lesions(), tasks(), progress=False)
    np.testing.assert_array_equal(found["score"].values, right["score"].values)


def test_a_score_that_gives_more_than_its_bounds_is_refused():
    class Percent:
        bounded = True

        def __call__(self, outputs, table):
            return 100.0 * (outputs[:, 0] > 0)

    with pytest.raises(DataError, match="Divide percentages by 100"):
        nl.examine(net(), lesions(), [nl.Task("t", stimuli(), Percent())], progress=False)


def trials(score, chance=0.5, **attrs):
    return nl.make_trials(
        score, specimen=["p"], kind="brain", trial={"task": ["t"], "stimulus_id": ["s"], "condition": ["x"]},
        lesions={"lesion_id": ["before", "after"], "roi": ["V5", "V5"], "role": ["sham", "target"]},
        tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": chance}}, attrs=attrs,
    )  # fmt: skip


@pytest.mark.parametrize(("score", "chance"), [([[[75.0], [70.0]]], 0.5), ([[[0.75], [0.7]]], 50), ([[[-1], [0]]], 0)])
def test_percentages_are_no_bounded_scores(score, chance):
    with pytest.raises(DataError, match=r"lie between 0 and 1\. Divide percentages by 100"):
        trials(score, chance)


@pytest.mark.parametrize("chance", ["50%", True, np.nan])
def test_chance_is_a_number(chance):
    with pytest.raises(nl.errors.SchemaError, match="expected a number, such as"):
        trials([[[0.5], [0.5]]], chance)


def test_scores_that_are_missing_or_rounded_pass():
    assert trials([[[1 + 1e-9], [0.0]]]).sizes["lesion"] == 2
    assert trials([[[1.0], [np.nan]]], partial="1 of 2 lesions are done").sizes["lesion"] == 2
