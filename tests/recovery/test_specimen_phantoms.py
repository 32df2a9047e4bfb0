"""What is planted in a phantom is found by recording, localising and lesioning it, and what is not planted is not."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.analysis import localise, select_roi
from neurolab.lesion import Lesion, Mean, Zero
from neurolab.specimen import Recipe, examine, record, train_cohort
from neurolab.specimen.phantoms import (
    PHANTOMS,
    causal_without_selectivity,
    epiphenomenal,
    mutual_backup,
    naming_tasks,
    phantom_stimuli,
    separate_modules,
    shared_bottleneck,
)
from neurolab.specimen.promises import one_thread
from neurolab.stimuli import StimulusSet

SEEDS = [0, 1, 2]
HOLD = ["zero", "mean"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


def accuracies(specimen, stimuli, regions, how="zero"):
    """(regions + sham) x (name faces, name objects) mean accuracy, on stimuli that nothing was chosen on."""
    reference = record(specimen, stimuli, sorted({site for region in regions.values() for site in region.sites}))
    ablation = {"zero": Zero(), "mean": Mean(reference)}[how]
    test = phantom_stimuli(rng=1000)
    design = [Lesion(region, ablation, name=name) for name, region in regions.items()]
    trials = examine(specimen, design, naming_tasks(test))
    mean = trials.score.isel(specimen=0).groupby("task").mean("trial")
    table = {str(name): mean.isel(lesion=at) for at, name in enumerate(trials["lesion_id"].values)}
    return {name: (float(row.sel(task="name "
                                      "faces")), float(row.sel(task="name objects"))) for name, row in table.items()}


def localised(specimen, stimuli, contrast, k, name="found"):
    return select_roi(localise(record(specimen, stimuli, ["relu"]), contrast), name=name, top=k)


@pytest.mark.parametrize("name", sorted(PHANTOMS))
def test_phantoms__name_everything_when_intact_and_hide_their_order_by_seed(name):
    specimen, stimuli, truth = PHANTOMS[name](rng=0)
    other = PHANTOMS[name](rng=1)[2]
    intact = accuracies(specimen, stimuli, truth)[f"{next(iter(truth))} | sham"]
    assert min(intact) >= 0.97
    assert any(truth[key].digest != other[key].digest for key in truth)
    assert specimen.digest == PHANTOMS[name](rng=0)[0].digest


@pytest.mark.parametrize("how", HOLD)
@pytest.mark.parametrize("rng", SEEDS)
def test_separate_modules__are_found_and_doubly_dissociate(rng, how):
    specimen, stimuli, truth = separate_modules(rng=rng)
    found = {"faces": localised(specimen, stimuli, "faces > objects", 8), "objects": localised(
        specimen, stimuli, "objects > faces", 8)}
    again = localised(specimen, phantom_stimuli(rng=rng + 50), "faces > objects", 8)
    assert found["faces"].dice(truth["faces"]) >= 0.9
    assert found["objects"].dice(truth["objects"]) >= 0.9
    assert again.dice(truth["faces"]) >= 0.9
    score = accuracies(specimen, stimuli, found, how)
    assert score["faces"][0] <= 0.35
    assert score["faces"][1] >= 0.95
    assert score["objects"][0] >= 0.95
    assert score["objects"][1] <= 0.35


@pytest.mark.parametrize("how", HOLD)
@pytest.mark.parametrize("rng", SEEDS)
def test_epiphenomenal_units__are_localised_first_and_without_effect(rng, how):
    specimen, stimuli, truth = epiphenomenal(rng=rng)
    found = localised(specimen, stimuli, "faces > objects", 8)
    assert found.dice(truth["selective"]) >= 0.9
    score = accuracies(specimen, stimuli, {"found": found, "causal": truth["causal"]}, how)
    assert score["found"] == score["found | sham"]
    assert score["causal"][0] <= 0.35
    reference = record(specimen, stimuli, ["relu"])
    trials = examine(specimen, [Lesion(found, Mean(reference))], naming_tasks(phantom_stimuli(rng=1000)))
    assert trials["certificate_changed"].values[0, 1] > 0.5
    assert trials["certificate_downstream"].values[0, 1] == 0


@pytest.mark.parametrize("rng", SEEDS)
def test_mutual_backup__is_invisible_to_single_lesions_and_exposed_by_the_pair(rng):
    specimen, stimuli, truth = mutual_backup(rng=rng)
    regions = {**truth, "both": truth["faces a"] | truth["faces b"]}
    score = accuracies(specimen, stimuli, regions)
    for name in truth:
        assert min(score[name]) >= 0.95
    assert score["both"][0] <= 0.35
    assert score["both"][1] >= 0.95


@pytest.mark.parametrize("how", HOLD)
@pytest.mark.parametrize("rng", SEEDS)
def test_causal_units_without_selectivity__escape_the_localiser_and_carry_both_tasks(rng, how):
    specimen, stimuli, truth = causal_without_selectivity(rng=rng)
    stat_map = localise(record(specimen, stimuli, ["relu"]), "faces > objects")
    shared = truth["shared"].units["relu"]
    assert np.all(stat_map["q"].values[shared] > 0.05)
    score = accuracies(specimen, stimuli, {"shared": truth["shared"]}, how)
    assert max(score["shared"]) <= 0.5


@pytest.mark.parametrize("how", HOLD)
@pytest.mark.parametrize("rng", SEEDS)
def test_shared_bottleneck__hurts_both_tasks_where_the_modules_before_it_dissociate(rng, how):
    specimen, stimuli, truth = shared_bottleneck(rng=rng)
    score = accuracies(specimen, stimuli, truth, how)
    assert max(score["bottleneck"]) <= 0.5
    assert score["faces"][0] <= 0.35
    assert score["faces"][1] >= 0.95


# -- training --------------------------------------------------------------------------------------------------------


def mlp():
    return nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8))


def cnn():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(24, 8))




def test_train_cohort__learns_to_a_criterion_and_names_its_networks():
    stimuli = phantom_stimuli(rng=0)
    recipe = Recipe(epochs=80, learning_rate=0.01, criterion=0.95)
    cohort = train_cohort(mlp, stimuli, n=4, rng=0, name="toy", recipe=recipe)
    assert cohort.names == ("toy seed 0", "toy seed 1", "toy seed 2", "toy seed 3")
    assert len({specimen.digest for specimen in cohort}) == 4
    test = phantom_stimuli(rng=1)
    for specimen in cohort:
        right = record(specimen, test, ["output"]).values.argmax(axis=1) == test.table["label"]
        assert right.mean() >= 0.9


def test_train_cohort__a_network_trained_alone_equals_its_slice():
    stimuli, recipe = phantom_stimuli(rng=0), Recipe(epochs=8)
    together = train_cohort(mlp, stimuli, n=3, rng=0, recipe=recipe)
    alone = train_cohort(mlp, stimuli, seeds=[2], rng=0, recipe=recipe)
    for a, b in zip(together[2].model.parameters(), alone[0].model.parameters()):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", [mlp, cnn])
def test_train_cohort__same_rng_same_bytes_and_no_global_chance(build):
    stimuli = phantom_stimuli(rng=0)
    if build is cnn:
        inputs = np.stack([np.roll(stimuli.inputs, shift, axis=1) for shift in range(4)], axis=1)[:, None]
        stimuli = StimulusSet("images", inputs[..., :5], pd.DataFrame(stimuli.table))
    torch.rand(1)
    state = torch.get_rng_state()
    one, two, other = (train_cohort(build, stimuli, n=2, rng=rng, recipe=Recipe(epochs=2)) for rng in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert [specimen.digest for specimen in one] == [specimen.digest for specimen in two]
    assert one[0].digest != other[0].digest
    assert not one[0].model.training
