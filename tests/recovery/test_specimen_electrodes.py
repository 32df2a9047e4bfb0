"""Electrodes: what is added where, whom it takes over; what a learning changed; orders of pruning and doses by hand."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.specimen import Inject, Withstood, before_and_after, electrode, takeover


def stimuli(n=36, seed=0, name="points"):
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    table = pd.DataFrame({"stimulus_id": [f"{name}-{at}" for at in range(n)], "condition": labels.astype(str),
                          "label": labels})
    inputs = 2 * np.eye(3, 4)[labels] + 0.3 * chance.standard_normal((n, 4))
    return nl.StimulusSet(name, inputs.astype(np.float32), table)


def trained(n=2):
    build = lambda: nn.Sequential(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 3))  # noqa: E731
    return nl.train_cohort(build, stimuli(), n=n, recipe=nl.specimen.Recipe(epochs=80), name="nets", rng=0)


TEST = stimuli(seed=1, name="others")
MARGIN = nl.Task("margin", TEST, nl.scores.margin)


@pytest.fixture(scope="module")
def nets():
    return trained()


@pytest.fixture(scope="module")
def usual(nets):
    return nl.record(nets[0], stimuli(seed=2, name="choose"), ["1"])


@pytest.mark.parametrize(("spread", "absolute"), [(0.0, False), (0.4, False), (0.4, True)])
def test_electrode__adds_what_a_slow_loop_adds(nets, usual, spread, absolute):
    tips = nl.region(usual, name="tips", site="1", units=[1, 7])
    lesion = electrode(tips, usual, current=2.0, spread=spread, absolute=absolute)
    values = usual.values.astype(np.float64)
    expected = {}
    for unit in range(12):
        pairs = [np.corrcoef(values[:, unit], values[:, tip])[0, 1] if values[:, unit].std() else 0 for tip in (1, 7)]
        d = 1 - max(pairs)
        share = 1.0 if unit in (1, 7) else (np.exp(-d / spread) if spread else 0.0)
        if share >= 0.05:
            expected[unit] = 2.0 * share * (1.0 if absolute else values[:, unit].std(ddof=1))
    assert lesion.roi.units["1"].tolist() == sorted(expected)
    assert dict(lesion.notes)["n_tips"] == 2
    model = nets[0].model
    with torch.no_grad():
        hidden = model[1](model[0](torch.tensor(TEST.inputs)))
        for unit, amount in expected.items():
            hidden[:, unit] += amount
        answer = model[2](hidden).numpy()
    trials = nl.examine(nets[0], [lesion], [MARGIN], progress=False)
    np.testing.assert_allclose(trials.score[0, 1], nl.scores.margin(answer, TEST.table), atol=1e-4)


def test_electrode__without_spread_is_stimulate_and_ladders_of_current_rise(nets, usual):
    tips = nl.region(usual, name="tips", site="1", units=[1, 7])
    plain = nl.Lesion(tips, nl.Stimulate(2.0, usual), name="stimulate")
    both = nl.examine(nets[0], [electrode(tips, usual, current=2.0), plain], [MARGIN], progress=False)
    np.testing.assert_allclose(both.score[0, 1], both.score[0, 2], atol=1e-5)
    for lesion in (plain, electrode(tips, usual, spread=0.4)):
        ladder = nl.noise_ladder(lesion, [1, 3])
        assert [rung.rung for rung in ladder] == [(lesion.name, 1.0), (lesion.name, 3.0)]
        assert [rung.how.current for rung in ladder] == [1.0, 3.0]
        assert ladder[0].name == f"{lesion.name} current 1"
    with pytest.raises(nl.errors.LesionPlanError, match="draws nothing"):
        nl.noise_ladder(plain, [1, 3], n_draws=2)


def test_electrode__can_be_held_while_a_network_learns(nets, usual):
    lesion = electrode(nl.region(usual, name="tips", site="1", units=[1]), usual, current=2.0, spread=0.4)
    one = nl.Cohort((nets[0],), "one")
    learn = stimuli(seed=5, name="learn")
    _, trials = nl.specimen.retrain(one, learn, watch=[MARGIN], held=lesion, recipe=nl.specimen.Recipe(epochs=1), rng=0)
    bench = nl.examine(nets[0], [lesion], [MARGIN], progress=False)
    np.testing.assert_allclose(trials.score[0, 0], bench.score[0, 1], atol=1e-4)


def test_takeover__is_the_mean_over_targets_of_what_examine_says(nets):
    choose = stimuli(seed=2, name="choose")

    def design(network, target):
        intact = nl.record(network, choose, ["1"])
        stat_map = nl.localise(intact, f"{target} > *")
        ladder = nl.analysis.nested_lesions(stat_map, nl.Stimulate(8.0, intact), (1, 3), name="units")
        return [*ladder, *nl.matched_controls(ladder[1], intact, 2, rng=0)]

    found = takeover(nets, design, TEST, targets=(0, 1))
    others, rises = TEST.where(label=2), []
    for target in (0, 1):
        task = nl.Task("own choice", others.assign(target=target), nl.scores.Accuracy("target"))
        one = nl.examine(nets, lambda network, target=target: design(network, target), [task], progress=False)
        rises.append(one.score.values)
    np.testing.assert_allclose(found.score.values, 1 - np.mean(rises, axis=0))
    cost = nl.deficits(found, rng=0)["effect"].isel(task=0)
    assert float(cost.sel(lesion="units 3")) > 0.5  # current into the units for a digit makes the network see it
    assert list(found["trial"].values) == list(range(len(others))) or found.sizes["trial"] == len(others)


@pytest.mark.parametrize("targets", [["0"], [0, 0], [99], [-1], [True], [0.5], []])
def test_takeover__targets_are_different_outputs(nets, usual, targets):
    """Text that looks like an output kept the stimuli of that class; an output that is none was never chosen."""
    with pytest.raises(nl.errors.DataError, match="whole numbers from 0 to 2"):
        takeover(nets, lambda network, target: [], TEST, targets=targets)


def test_takeover__labels_are_integers(nets):
    words = TEST.assign(label=TEST.table["label"].astype(str))
    for shown, label in ((words, "label"), (TEST, "lable")):
        with pytest.raises(nl.errors.DataError, match="expected a column of integers"):
            takeover(nets, lambda network, target: [], shown, targets=[0], label=label)


def test_takeover__shows_no_stimulus_of_a_target(nets, usual):
    tips = nl.Lesion(nl.ROI("tips", {"1": [0]}), nl.Zero())
    found = takeover(nets, lambda network, target: [tips], TEST, targets=[np.int64(1)])
    assert 1 not in found["label"].values


def test_takeover__bad_input(nets, usual):
    tips = nl.Lesion(nl.ROI("tips", {"1": [1]}), nl.Clamp(9.0))
    with pytest.raises(nl.errors.DataError, match="at least one target"):
        takeover(nets, lambda network, target: [tips], TEST, targets=(0, 1, 2))
    with pytest.raises(nl.errors.DesignError, match="same names"):
        takeover(nets, lambda network, target: [nl.Lesion(tips.roi, tips.how, name=str(target))], TEST, targets=(0, 1))
    with pytest.raises(nl.errors.DesignError, match="spread"):
        electrode(tips, usual, spread=-1.0)
    with pytest.raises(nl.errors.LesionPlanError, match="lacks the units"):
        electrode(nl.ROI("tips", {"1": [40]}), usual)
    assert Withstood(0)(np.eye(3), pd.DataFrame(index=range(3))).tolist() == [0.0, 1.0, 1.0]
    assert Inject(1.5, usual).digest != Inject(2.5, usual).digest


def test_before_and_after__finds_the_unit_that_learning_changed(nets):
    model = copy.deepcopy(nets[0].model)
    with torch.no_grad():
        model[0].bias[4] += 3.0
    after = nl.Specimen(model, TEST.inputs[:1], name=nets[0].name)
    both = before_and_after(nets[0], after, stimuli(seed=2, name="choose"), ["1"])
    found = nl.localise(both, "after > before", test="paired")
    assert nl.select_roi(found, name="changed", top=1).units["1"].tolist() == [4]
    assert both.attrs["specimen"] == after.name
    with pytest.raises(nl.errors.SpecimenError, match="two states of one network"):
        before_and_after(nets[0], nets[1], TEST, ["1"])
    with pytest.raises(nl.errors.DoubleDippingError):
        nl.examine(after, [nl.Lesion(nl.select_roi(found, name="changed", top=1), nl.Zero())],
                   [nl.Task("name", stimuli(seed=2, name="choose"), nl.scores.accuracy)], progress=False)


def test_pruning_map__orders_units_as_a_slow_loop_does(usual):
    wanted, unwanted = (np.abs(usual.values[usual["condition"].values == kind]).mean(axis=0) for kind in ("1", "0"))
    orders = {"selective": [u / (w + 1e-3) for u, w in zip(unwanted, wanted)], "dormant": [-w for w in wanted]}
    for order, score in orders.items():
        found = nl.analysis.pruning_map(usual, "0 > 1", order=order)
        np.testing.assert_allclose(found["statistic"], score, rtol=1e-5)
        first = nl.select_roi(found, name="first", top=3)
        assert set(first.units["1"].tolist()) == set(np.argsort(score)[::-1][:3].tolist())
    assert first.chosen_on == frozenset(usual["stimulus_id"].values[np.isin(usual["condition"].values, ["0", "1"])])
    broken = nl.analysis.unit_map(usual, [np.nan] * 11 + [1.0], chosen_by="a guess")
    assert nl.select_roi(broken, name="only", top=1.0).units["1"].tolist() == [11]
    with pytest.raises(nl.errors.DataError, match="12 neuroids"):
        nl.analysis.unit_map(usual, [1.0], chosen_by="a guess")
    with pytest.raises(nl.errors.UnknownNameError, match="dormant"):
        nl.analysis.pruning_map(usual, "0 > 1", order="dormnt")


def steps():
    score = np.array([[0.0, 0.4, 0.9], [0.2, 0.6, 0.8]])[:, :, None]
    rows = {"lesion_id": ["a 0", "a 5", "a 9"], "roi": ["a"] * 3, "ladder": ["a"] * 3, "rung": [0.0, 5.0, 9.0]}
    return nl.make_trials(score, specimen=["n seed 0", "n seed 1"], lesions=rows, kind="ann",
                          trial={"task": ["t"], "stimulus_id": ["x"], "condition": ["c"]},
                          tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.5}})


def test_arm_scores__at_one_step():
    assert nl.analysis.arm_scores(steps())["a"]["t"].tolist() == [0.9, 0.8]
    assert nl.analysis.arm_scores(steps(), step=5)["a"].loc["n seed 1", "t"] == 0.6
    with pytest.raises(nl.errors.DesignError, match="step 7"):
        nl.analysis.arm_scores(steps(), step=7)


def test_smallest_dose__is_the_first_that_costs_enough():
    score = np.array([[1.0, 0.9, 0.6, 0.2], [1.0, 0.8, 0.4, 0.3]])[:, :, None]
    rows = {"lesion_id": ["s", "a 4", "a 8", "a 16"], "roi": ["a 4", "a 4", "a 8", "a 16"],
            "role": ["sham", "target", "target", "target"], "ladder": ["", "a", "a", "a"], "rung": [np.nan, 4, 8, 16]}
    trials = nl.make_trials(score, specimen=["n0", "n1"], lesions=rows, kind="ann",
                            trial={"task": ["t"], "stimulus_id": ["x"], "condition": ["c"]},
                            tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.5}})
    for costing, expected in ((0.1, 4), (0.5, 8), (0.51, 16)):
        assert nl.analysis.smallest_dose(trials, lesion="a", task="t", costing=costing) == expected
    with pytest.warns(nl.errors.DoseWarning, match=r"the largest, 16, costs 0\.75"):
        dose = nl.analysis.smallest_dose(trials, lesion="a", task="t", costing=0.9, most=True)
    assert (dose, dose.reached, dose.chosen_on) == (16, False, {"x"})
    with pytest.raises(nl.errors.DesignError, match=r"most is 0\.75"):
        nl.analysis.smallest_dose(trials, lesion="a", task="t", costing=0.9)
    with pytest.raises(nl.errors.UnknownNameError, match="no ladder"):
        nl.analysis.smallest_dose(trials, lesion="b", task="t", costing=0.1)
