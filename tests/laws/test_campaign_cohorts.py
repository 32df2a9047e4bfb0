"""A campaign over a cohort that was stopped says which of its networks are still to come, and so does what is read."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab import campaign
from neurolab.campaign import disk
from neurolab.campaign.kin import cohorts, note_cohort
from neurolab.cli import main
from neurolab.errors import PartialTrialsError
from neurolab.simulate import phantom_trials
from neurolab.specimen.phantoms import naming_tasks, phantom_stimuli
from neurolab.trials import concat, finished

NAMES = [f"net-{seed}" for seed in range(4)]
TASKS = naming_tasks(phantom_stimuli(n_each=3, rng=0))


def network(seed, size):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(nn.Linear(size, 6), nn.ReLU(), nn.Linear(6, 8)).eval()


def cohort():
    example = TASKS[0].stimuli.inputs[:1]
    return nl.Cohort([nl.Specimen(network(seed, example[0].size), example, name=name)
                      for seed, name in enumerate(NAMES)])


class Stopped(Exception):
    """The power goes."""


def design(specimen, roi="area", last=4):
    if specimen.name in NAMES[last:]:
        raise Stopped
    return [nl.Lesion(nl.ROI(roi, {"1": [unit]}, specimen=specimen.name), nl.Zero(), draw=unit) for unit in range(3)]


def stopped(store, last=2, **options):
    with pytest.raises(Stopped):
        nl.examine(cohort(), lambda one: design(one, last=last), TASKS, store=store, progress=False, **options)


def test_stopped_cohort__says_which_networks_are_to_come(tmp_path, capsys):
    stopped(tmp_path)
    table = campaign.status(tmp_path).set_index("specimen")
    assert list(table.index) == NAMES
    assert list(table["done"]) == [4, 4, 0, 0]
    assert set(table["planned"]) == {4}
    assert list(table["finished"]) == [True, True, False, False]
    assert table["design"].nunique() == 1
    assert table["bytes"].iloc[2] == 0
    assert np.isnan(table["seconds_left"].iloc[3])
    assert main(["status", str(tmp_path)]) == 0
    assert "8 of 16 cells; 2 of 4 networks finished" in capsys.readouterr().out


def test_stopped_cohort__its_trials_are_partial_and_results_say_so(tmp_path):
    stopped(tmp_path)
    trials = campaign.partial(tmp_path)
    assert trials.attrs["partial"] == "2 of 4 networks have not begun ('net-2', 'net-3')"
    with pytest.raises(PartialTrialsError, match="2 of 4 networks"):
        nl.deficits(trials, rng=0)
    kept = finished(trials)
    assert list(kept["specimen"].values) == NAMES[:2]
    said = json.loads(nl.deficits(kept, rng=0).attrs["undermined_by"])
    assert "Not all was examined: 2 of 4 networks have not begun ('net-2', 'net-3')." in said
    whole = nl.examine(cohort(), design, TASKS, store=tmp_path, progress=False)
    assert "partial" not in campaign.partial(tmp_path).attrs
    assert whole.sel(specimen=NAMES[:2])["score"].identical(kept["score"])
    assert campaign.status(tmp_path)["finished"].all()
    assert not list(tmp_path.glob(".*"))


def test_networks_of_another_design_or_cohort__are_not_missed(tmp_path):
    every = cohort()
    nl.examine(every[0], design(every[0], "other"), TASKS, store=tmp_path, progress=False)  # one network by itself
    nl.examine(nl.Cohort(list(every)[:2]), design, TASKS, store=tmp_path, progress=False)
    table = campaign.status(tmp_path)
    assert len(table) == 3
    assert table["finished"].all()
    assert "partial" not in campaign.partial(tmp_path, design=table["design"].mode().item()).attrs
    stopped(tmp_path, last=3)  # more networks in the same design
    table = campaign.status(tmp_path)
    assert sorted(table.loc[~table["finished"], "specimen"]) == NAMES[3:]


def test_networks_of_two_cohorts__are_said_once(tmp_path):
    trials = phantom_trials(n_specimens=1, rng=0)
    for names in (["a", "b"], ["b", "c"], ["a", "b"]):
        note_cohort(tmp_path, trials, names, "me")
    (found,) = cohorts(tmp_path).values()
    assert sorted(found) == ["a", "b", "c"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_note__says_nothing_and_merged_stores_keep_theirs(tmp_path):
    stopped(tmp_path / "one", last=1)
    stopped(tmp_path / "two", last=2, n_jobs=1)
    campaign.merge([tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    assert list(campaign.status(tmp_path / "all")["done"]) == [4, 4, 0, 0]
    (note,) = (tmp_path / "all").glob("cohort-*.json")
    assert disk.unsealed(note.read_bytes())["specimens"] == NAMES
    note.write_bytes(note.read_bytes()[:-4])
    assert list(campaign.status(tmp_path / "all")["done"]) == [4, 4]


def test_finished__adds_to_what_the_trials_say_already():
    one = phantom_trials(n_specimens=1, rng=0).assign_attrs(undermined_by='["Trained on it."]', partial="shard 1/2")
    waiting = one.assign(score=one["score"].where(one["role"] != "control"))
    assert json.loads(finished(waiting).attrs["undermined_by"]) == [
        "Trained on it.", "Not all was examined: shard 1/2."]
    assert concat([finished(waiting)]).attrs["undermined_by"] == finished(waiting).attrs["undermined_by"]
