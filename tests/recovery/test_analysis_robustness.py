"""Planted robustness and planted recovery in real networks: a unit in noise has a closed-form ED50, an MLP relearns."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from scipy import stats as sps
from torch import nn

import neurolab.scores as scores
from neurolab.analysis import recovery, robustness, savings
from neurolab.design import noise_ladder, sham
from neurolab.lesion import CutWeights, Lesion, Noise, Quantise, WeightNoise, Zero
from neurolab.roi import ROI
from neurolab.specimen import Specimen, Task, examine, record
from neurolab.stimuli import StimulusSet
from neurolab.trials import concat

torch.set_num_threads(1)
N, PAIRS, SPREAD = 6, 200, 0.05
SDS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)


def signs(rng, n_inputs, n=PAIRS):
    """Two kinds of stimuli, +1 or -1 on every input; a little scatter, so that each input has an sd of about 1."""
    side = np.repeat([1, -1], n)
    inputs = side[:, None] + SPREAD * np.random.default_rng(rng).standard_normal((2 * n, n_inputs))
    table = {"stimulus_id": [f"s{rng}-{at}" for at in range(2 * n)], "condition": np.where(side > 0, "plus", "minus")}
    return StimulusSet("signs", inputs.astype(np.float32), pd.DataFrame(table).assign(label=(side < 0).astype(int)))


def adder(n_inputs, name):
    """Adds its inputs up in one unit and answers by the sign: "plus" where the sum is above 0."""
    model = nn.Sequential(nn.Linear(n_inputs, n_inputs), nn.Linear(n_inputs, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(n_inputs))
        model[0].bias.zero_()
        model[1].weight.copy_(torch.tensor([[1.0] * n_inputs, [-1.0] * n_inputs]))
        model[1].bias.zero_()
    return Specimen(model.eval(), np.ones((1, n_inputs), dtype=np.float32), name=name)


def half_of_an_adder(n):
    """P(right) = Phi(sqrt(n) / (s sd)), so half of what lies above chance is left at s = sqrt(n) / (z(.75) sd)."""
    return np.sqrt(n) / sps.norm.ppf(0.75) / np.sqrt(1 + SPREAD**2)


@pytest.fixture(scope="module")
def noisy():
    """Adders of nine inputs; the lesion takes all but one; noise in the stimuli, the same for both."""
    trials = []
    for number in range(N):
        net, stimuli = adder(9, f"adder {number}"), signs(number, 9)
        usual = record(net, stimuli, ["input"])
        everything = Lesion(ROI("input", {"input": range(9)}), Noise(1.0, usual), rng=number)
        ladder = noise_ladder(everything, SDS)
        lesion = Lesion(ROI("eight", {"0": range(8)}), Zero())
        task = Task("sign", signs(100 + number, 9), scores.accuracy)
        design = [sham(lesion), lesion, *ladder, *(lesion & rung for rung in ladder)]
        one = examine(net, design, [task], progress=False)
        trials.append(one.assign_coords(stimulus_id=("trial", [f"s{at}" for at in range(2 * PAIRS)])))
    return concat([one.assign_attrs(inputs="") for one in trials])


def test_the_ed50_of_an_adder_in_noise__is_its_closed_form_intact_and_lesioned(noisy):
    found = robustness(noisy, noise="input", lesion="eight", task="sign", rng=0)
    whole, one = half_of_an_adder(9), half_of_an_adder(1)
    assert whole == pytest.approx(3 * one)
    np.testing.assert_allclose(found["ed50_mean"], [whole, one], rtol=0.12)
    assert (found["ed50_low"].values <= [whole, one]).all()
    assert (found["ed50_high"].values >= [whole, one]).all()
    assert float(found["effect_low"]) <= one - whole <= float(found["effect_high"])
    assert found.attrs["verdict"] == "less robust after eight"
    assert float(found["p"]) == 2 / 2**N
    assert "do not record" not in found.attrs["note"]  # the trials prove that both met the same noise
    np.testing.assert_array_equal(found["score"].sel(strength=0), 1.0)
    right = sps.norm.cdf(np.sqrt([[9], [1]]) / np.sqrt(1 + SPREAD**2) / SDS)
    four = 4 * np.sqrt(right * (1 - right) / (N * 2 * PAIRS))  # standard errors
    assert (np.abs(found["mean"].sel(strength=list(SDS)) - right) < four + 1e-9).all()


def test_the_same_noise_reaches_both_conditions(noisy):
    """Where the lesion spares one input, the lesioned adder answers as that input alone does under that very noise."""
    net, stimuli = adder(9, "adder 0"), signs(0, 9)
    everything = Lesion(ROI("input", {"input": range(9)}), Noise(1.0, record(net, stimuli, ["input"])))
    rung = noise_ladder(everything, [1.0])[0]
    seen = record(net, stimuli, ["input", "0"], lesions=[rung]).values
    cut = record(net, stimuli, ["0"], lesions=[Lesion(ROI("eight", {"0": range(8)}), Zero()) & rung]).values
    np.testing.assert_array_equal(cut[:, 8], seen[:, 17])
    assert not cut[:, :8].any()


@pytest.mark.parametrize("how", [WeightNoise(1.0), Quantise(8)], ids=lambda how: how.label)
def test_noise_in_the_weights_and_rounding__are_ladders_too(how):
    trials = []
    for number in range(N):
        net, task = adder(4, f"adder {number}"), Task("sign", signs(0, 4, 20), scores.margin)
        steps = [8, 4, 2] if isinstance(how, Quantise) else [0.5, 1.0, 2.0]
        ladder = noise_ladder(Lesion(ROI("weights", {"0": range(4)}), how, rng=number), steps)
        lesion = Lesion(ROI("one", {"0": [0]}), CutWeights("in"))
        design = [sham(lesion), lesion, *ladder, *(lesion & rung for rung in ladder)]
        trials.append(examine(net, design, [task], progress=False))
    found = robustness(concat(trials), noise="weights", lesion="one", task="sign", chance=0.0, rng=0)
    if isinstance(how, Quantise):
        assert found["strength"].values.tolist() == [0.0, 2.0**-7, 0.125, 0.5]
        assert found.attrs["strength_name"] == "rounding step (2^(1 − bits))"
        np.testing.assert_array_equal(found["retained"], 1.0)  # weights of 0 and 1 are round already
        assert found.attrs["verdict"].startswith("not measured")
    else:
        assert found.attrs["strength_name"] == "weight noise (sd of the weights)"
        assert float(found["score"].std("specimen").isel(condition=0, strength=-1)) > 0


# -- a network that relearns -----------------------------------------------------------------------------------------

STEPS = (0, 1, 2, 4, 8, 16, 32, 64)


#: Hidden units held at zero while retraining; units 20 to 23 are idle after first learning.
HELD = {"intact": (), "lesioned": range(14), "mild": range(6), "idle lesion": range(20, 24),
        "cut": [*range(19), *range(20, 24)]}  # fmt: skip


def blobs(rng, n=30):
    draw = np.random.default_rng(rng)
    label = np.repeat(np.arange(4), n)
    return torch.tensor(np.eye(4)[label] + 0.35 * draw.standard_normal((4 * n, 4))).float(), torch.tensor(label)


def trained(model, held, xs, ys, test):
    """Accuracies on other stimuli at STEPS of full-batch training, with some hidden units held at zero."""
    optimiser, found = torch.optim.Adam(model.parameters(), lr=0.03), []
    mask = torch.ones(24)
    mask[list(held)] = 0

    def answer(x):
        return model[1](mask * torch.relu(model[0](x)))

    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            with torch.no_grad():
                found.append(float((answer(test[0]).argmax(1) == test[1]).double().mean()))
        optimiser.zero_grad()
        nn.functional.cross_entropy(answer(xs), ys).backward()
        optimiser.step()
    return found


@pytest.fixture(scope="module")
def relearned():
    """Per network: first learning, retraining intact, with most hidden units gone, and with idle units gone."""
    rows = []
    for seed in range(N):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            model = nn.ModuleList([nn.Linear(4, 24), nn.Linear(24, 4)])
            with torch.no_grad():
                model[1].weight[:, 20:] = 0  # idle: nothing reads them
        learn, test = blobs(seed), blobs(1000 + seed)
        curves = {"first learning": trained(model, range(20, 24), *learn, test)}
        state = {name: value.clone() for name, value in model.state_dict().items()}
        for arm, held in HELD.items():
            model.load_state_dict(state)
            curves[arm] = trained(model, held, *learn, test)
        rows.append(list(curves.values()))
    coords = {"specimen": [f"net {at}" for at in range(N)], "arm": list(curves), "step": list(STEPS)}
    return xr.DataArray(rows, coords=coords, dims=list(coords))


def test_an_mlp_recovers_from_losing_most_of_its_units(relearned):
    found = recovery(relearned, control="idle lesion", chance=0.25, rng=0)
    assert float(found["p"]) == float(found["p_floor"]) == 1 / 2**N
    assert float(found["initial_p"]) == 1 / 2**N
    assert float(found["effect_low"]) > 0.5
    assert found.attrs["verdict"] == "recovered"
    assert float(found["time_effect"]) > 0
    assert float(found["time_p"]) == 2 / 2**N
    assert not found["steps"].sel(arm="idle lesion").any()  # units that nothing reads cost nothing


def test_what_cannot_relearn_stays_impaired(relearned):
    """One unit is left where four classes must be told apart, and it is retrained like the rest."""
    found = recovery(relearned, lesioned="cut", chance=0.25, rng=0)
    assert found.attrs["verdict"] == "partly recovered, still impaired"
    assert float(found["effect_high"]) < 1
    assert not found["reached"].sel(arm="cut").any()
    assert f"none of {N} networks reached the criterion" in found.attrs["reasons"]


def test_relearning_after_a_lesion_saves_steps(relearned):
    goal = 0.85
    found = savings(relearned, again="mild", criterion=goal, rng=0)
    first = [next(s for s, y in zip(STEPS, row) if y >= goal) for row in relearned.sel(arm="first learning").values]
    np.testing.assert_array_equal(found["steps"].sel(arm="first learning"), first)
    assert found.attrs["verdict"] == "savings"
    assert float(found["effect_low"]) > 0
    new = savings(relearned, again="cut", criterion=goal, rng=0)
    assert new.attrs["verdict"] == "no savings shown"
    assert new["n_reached"].sel(arm="cut") == 0
