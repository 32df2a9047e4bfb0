"""A curve over doses or over noise: which doses it is about, and that it is the planted one."""

import json

import numpy as np
import pytest
import torch

from neurolab import scores
from neurolab.analysis import dose_response
from neurolab.analysis.strength import made_shares
from neurolab.design import dose_ladder, noise_ladder, pairs, sham
from neurolab.errors import DesignError, UnknownNameError
from neurolab.lesion import Lesion, Noise, Zero
from neurolab.matching import matched_controls
from neurolab.simulate import phantom_trials
from neurolab.specimen import Task, examine, record
from neurolab.specimen.phantoms import phantom_stimuli, separate_modules
from neurolab.trials import concat, make_trials

torch.set_num_threads(1)
SDS = (0.5, 2.0, 8.0)


def test_controls_at_one_dose_are_compared_there_and_the_result_says_so():
    trials = phantom_trials(doses=(0.25, 0.5, 1.0), n_controls=3, rng=0)
    found = dose_response(trials, lesion="A", task="X", rng=0)
    assert json.loads(found.attrs["tested_doses"]) == [0.0, 1.0]
    assert "over the doses 0 and 1, divided by their range, against" in found.attrs["estimand"]
    assert "were not examined at 0.25 and 0.5" in found.attrs["note"]
    assert "for rung in nl.dose_ladder(control, doses, rng=0)" in found.attrs["note"]
    bare = dose_response(phantom_trials(doses=(0.25, 0.5, 1.0), rng=0), lesion="A", task="X", rng=0)
    assert json.loads(bare.attrs["tested_doses"]) == [0.0, 0.25, 0.5, 1.0]
    assert "not examined" not in bare.attrs["note"]


def patient(rng, how, ladder):
    """The face module of one phantom network and two controls, each on a ladder."""
    specimen, stimuli, truth = separate_modules(rng=rng)
    intact = record(specimen, stimuli, ["relu"])
    target = Lesion(truth["faces"], how(intact), name="area")
    every = [target, *matched_controls(target, intact, 2, rng=0)]
    faces = phantom_stimuli(n_each=4, rng=100).where(condition="faces")
    design = [sham(target), *(rung for lesion in every for rung in ladder(lesion))]
    return examine(specimen, design, [Task("name faces", faces, scores.margin)])


def test_the_documented_ladder_of_controls_is_compared_over_all_doses():
    doses = [0.25, 0.5, 1.0]
    trials = concat(patient(rng, lambda _: Zero(), lambda one: dose_ladder(one, doses, rng=0)) for rng in range(5))
    found = dose_response(trials, lesion="area", task="name faces", rng=0)
    assert json.loads(found.attrs["tested_doses"]) == [0.0, *doses]
    assert found.attrs["along"] == "dose"
    assert float(found["p"]) == 1 / 2**5


def test_doses_that_whole_units_made_larger_are_told():
    doses = [0.01, 0.5, 1.0]
    trials = concat(patient(rng, lambda _: Zero(), lambda one: dose_ladder(one, doses, rng=0)) for rng in range(5))
    rows = (trials["role"].values == "target") & (trials["dose"].values == 0.01)
    assert set(trials["n_units"].values[..., rows].ravel()) == {1}
    share = 1 / trials["n_units"].values[..., (trials["role"].values == "target") & (trials["dose"].values == 1)].max()
    assert share > 0.02
    assert made_shares(trials, {0.01: np.flatnonzero(rows), 0.5: np.arange(0)}) == {0.01: pytest.approx(share)}
    found = dose_response(trials, lesion="area", task="name faces", rng=0)
    assert f"Doses are named as they were asked for; of whole units, 0.01 was {share:.2g}." in found.attrs["note"]
    bare = dose_response(phantom_trials(doses=(0.25, 1.0), rng=0), lesion="A", task="X", rng=0)
    assert "whole units" not in bare.attrs["note"]


@pytest.fixture(scope="module")
def noisy():
    return concat(
        patient(rng, lambda intact: Noise(1.0, intact), lambda one: noise_ladder(one, SDS)) for rng in range(5)
    )


def test_a_noise_ladder_is_read_as_a_curve_over_the_sd(noisy):
    found = dose_response(noisy, lesion="area", task="name faces", rng=0)
    np.testing.assert_array_equal(found["dose"], [0.0, *SDS])
    assert (found.attrs["along"], found.attrs["dose_name"]) == ("strength", "noise (sd of each unit)")
    assert (np.diff(found["mean"]) > 0).all()
    assert np.isfinite(found["control_mean"]).all()
    assert json.loads(found.attrs["tested_doses"]) == [0.0, *SDS]
    row = list(noisy["lesion_id"].values).index("area noise 2")
    intact = noisy["score"].isel(lesion=list(noisy["role"].values).index("sham")).mean("trial")
    np.testing.assert_allclose(
        found["value"].sel(dose=2.0), intact - noisy["score"].isel(lesion=row).mean("trial"), atol=1e-12
    )


def test_rungs_of_controls_stay_apart_and_shams_and_pairs_are_no_rungs(noisy):
    ids = list(noisy["lesion_id"].values)
    assert len(set(ids)) == len(ids) == 1 + 3 * len(SDS)
    assert "area noise 0.5 | matched control | draw 2" in ids
    assert set(noisy["ladder"].values[noisy["role"].values != "sham"]) == {"area"}
    assert np.isnan(noisy["rung"].values[noisy["role"].values == "sham"]).all()
    specimen, stimuli, truth = separate_modules(rng=0)
    lesion = Lesion(truth["faces"], Noise(1.0, record(specimen, stimuli, ["relu"])))
    rung = noise_ladder(lesion, [0.5], n_draws=2)[1]
    assert rung.rung == ("faces", 0.5)
    assert sham(rung).rung is None
    assert pairs([rung, rung])[0].rung is None


def test_trials_without_rungs_have_no_such_columns_and_stimuli_may_use_the_names():
    assert not {"ladder", "rung"} & set(phantom_trials(rng=0).coords)
    made = make_trials(
        [[[1.0], [0.5]]],
        specimen=["net"],
        lesions={"lesion_id": ["s", "a"], "roi": ["a", "a"], "role": ["sham", "target"]},
        trial={"task": ["t"], "stimulus_id": ["x"], "condition": ["c"], "rung": [3]},
        tasks={"t": {"unit": "score", "bounded": False, "chance": None}},
        kind="simulated",
    )
    assert made["rung"].dims == ("trial",)


def test_two_ladders_of_one_lesion_must_be_told_apart(noisy):
    dose = noisy["dose"].values.copy()
    rungs = np.flatnonzero(noisy["role"].values == "target")
    roi = noisy["roi"].values.copy()
    roi[rungs] = "area"
    dose[rungs] = [0.25, 0.5, 1.0]
    both = noisy.assign_coords(dose=("lesion", dose), roi=("lesion", roi))
    with pytest.raises(DesignError, match="along='dose' or along='strength'"):
        dose_response(both, lesion="area", task="name faces", rng=0)
    found = dose_response(both, lesion="area", task="name faces", along="dose", rng=0)
    np.testing.assert_array_equal(found["dose"], [0.0, 0.25, 0.5, 1.0])
    with pytest.raises(UnknownNameError, match="Did you mean 'strength'"):
        dose_response(both, lesion="area", task="name faces", along="strenght", rng=0)
