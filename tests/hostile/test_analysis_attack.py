"""What an adversarial reading found in the analyses: each stays closed."""

import json

import numpy as np
import pytest

from neurolab.analysis import against_controls, dissociation, localise, picked_dissociation
from neurolab.analysis.halves import picking_half
from neurolab.errors import DesignError
from neurolab.recording import make_recording
from neurolab.simulate import phantom_trials
from neurolab.trials import make_trials

PAIR = {"lesions": ("A", "B"), "tasks": ("X", "Y")}
TASKS = {name: {"unit": "share", "bounded": True, "chance": 0.5} for name in "XY"}


def planted(costs, n=8, trials=50):
    """Networks whose deficits, lesion by task, are these to within .002."""
    score, draw = np.zeros((n, 3, 2 * trials)), np.random.default_rng(0)
    for network, lesion, task in np.ndindex(n, 3, 2):
        cost = costs[lesion - 1][task] + 0.002 * draw.standard_normal() if lesion else 0.0
        score[network, lesion, task * trials : (task + 1) * trials] = 0.8 - cost
    return make_trials(
        score,
        specimen=[f"n{i}" for i in range(n)],
        kind="simulated",
        lesions={"lesion_id": ["sham", "A", "B"], "roi": ["A", "A", "B"], "role": ["sham", "target", "target"]},
        trial={
            "task": ["X"] * trials + ["Y"] * trials,
            "stimulus_id": [f"{task}{i}" for task in "xy" for i in range(trials)],
            "condition": ["c"] * 2 * trials,
        },
        tasks=TASKS,
    )


@pytest.mark.parametrize("costs", [[[0, -0.02], [-0.02, 0]], [[-0.002, -0.02], [-0.02, -0.002]]])
def test_lesions_that_cost_nothing_make_no_classical_double_dissociation(costs):
    """Each improves the other's task: a crossover, both "spared", and nothing that either lesion took away."""
    found = dissociation(planted(costs), **PAIR, rng=0)
    assert found["spared_shown"].all()
    assert (found["p"] <= 0.05).all()
    assert found.attrs["verdict"] == "crossover, own deficits not shown"
    assert float(found["p_classical"]) == float(found["own_p"].max()) > 0.05
    reasons = json.loads(found.attrs["reasons"])
    assert any(said.startswith("Not shown: lesion of A itself costs X") for said in reasons)


def test_a_deficit_that_the_bound_calls_none_is_named():
    found = dissociation(planted([[0.015, 0], [0, 0.015]]), **PAIR, rng=0)
    said = json.loads(found.attrs["undermined_by"])
    assert sum("lies within the bound of ±0.03" in one for one in said) == 2
    large = dissociation(planted([[0.1, 0], [0, 0.1]]), **PAIR, rng=0)
    assert not any("lies within the bound" in one for one in json.loads(large.attrs["undermined_by"]))
    assert large.attrs["verdict"] == "classical double dissociation"


def test_five_networks_cannot_decide_a_single_dissociation():
    """A costs X .3 in every network, p = .031; one claim alone needs .025."""
    five, six = (dissociation(planted([[0.3, 0], [0, 0]], n), **PAIR, rng=0) for n in (5, 6))
    assert five.attrs["verdict"].startswith("cannot be decided: One claim alone")
    assert "use 6 or more" in five.attrs["verdict"]
    assert six.attrs["verdict"] == "single dissociation"


def test_where_five_networks_show_nothing_it_is_said_that_they_could_not_have():
    found = dissociation(planted([[0.1, 0.1], [0.1, 0.1]], 5), **PAIR, rng=0)
    assert found.attrs["verdict"] == "no dissociation shown"
    assert "needs p <= .025" in json.loads(found.attrs["reasons"])[-1]


def silent_in_b(sign=1.0):
    draw, n = np.random.default_rng(0), 20
    values = draw.standard_normal((2 * n, 5))
    values[:, 0] = 0.0
    values[:n, 0] = sign * (draw.random(n) + 1)
    values[:, 1] = 0.0
    rows = {"stimulus_id": [f"s{i}" for i in range(2 * n)], "condition": ["a"] * n + ["b"] * n}
    return make_recording(values, presentation=rows, kind="simulated")


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_unit_silent_in_one_condition_is_found_by_ranks_under_every_correction(alternative, sign):
    found = {
        name: localise(silent_in_b(sign), "a > b", test="rank", correction=name, alternative=alternative, rng=0)
        for name in ("holm", "max_t")
    }
    expected = alternative in ("two-sided", "greater" if sign > 0 else "less")
    for result in found.values():
        np.testing.assert_array_equal(result["valid"].values, [True, False, True, True, True])
        assert bool(result["q"].values[0] <= 0.05) == expected
    np.testing.assert_array_equal(found["holm"]["q"] <= 0.05, found["max_t"]["q"] <= 0.05)


def shared(groups=None, n_y=6):
    """Both tasks on the same eight images, Y on two or more of its own."""
    ids = [f"i{k}" for k in range(8)] * 2 + [f"own{k}" for k in range(n_y)]
    task = ["X"] * 8 + ["Y"] * (8 + n_y)
    trial = {"task": task, "stimulus_id": ids, "condition": ["c"] * len(ids)}
    if groups is not None:
        trial["group"] = groups(ids)
    lesions = {"lesion_id": ["sham"], "roi": ["A"], "role": ["sham"]}
    return make_trials(
        np.zeros((2, 1, len(ids))), specimen=["a", "b"], kind="simulated", lesions=lesions, trial=trial, tasks=TASKS
    )


def test_no_stimulus_picks_and_measures_though_two_tasks_share_it():
    for seed in range(20):
        trials = shared()
        pick = picking_half(trials, ("X", "Y"), seed)
        ids, task = trials["stimulus_id"].values, trials["task"].values
        assert not set(ids[pick]) & set(ids[~pick])
        assert (pick & (task == "X")).sum() == 4
        assert (pick & (task == "Y")).sum() == 7
        turned = trials.isel(trial=slice(None, None, -1))
        np.testing.assert_array_equal(picking_half(turned, ("X", "Y"), seed), pick[::-1])


def test_matched_stimuli_stay_together():
    trials = shared(lambda ids: [f"g{int(name[-1]) // 2}" if name[0] == "i" else "" for name in ids])
    for seed in range(20):
        pick = picking_half(trials, ("X", "Y"), seed)
        group, grouped = trials["group"].values, trials["group"].values != ""
        assert not set(group[pick & grouped]) & set(group[~pick & grouped])
        assert 0 < (pick & ~grouped).sum() < 6


def test_a_task_of_one_stimulus_cannot_be_halved():
    trials = shared(lambda ids: ["all"] * len(ids))
    with pytest.raises(DesignError, match="1 stimulus"):
        picking_half(trials, ("X", "Y"), 0)


def test_held_out_claims_do_not_see_their_own_noise_again():
    """Y is the mirror of X on the same images, pure noise: picked and measured on one image, both claims are sure."""
    draw, n_trials, names = np.random.default_rng(1), 40, [f"c{k}" for k in range(20)]
    hits = 0
    for seed in range(20):
        noise = draw.standard_normal((8, 21, n_trials))
        lesions = {
            "lesion_id": ["sham", *names],
            "roi": ["c0", *names],
            "role": ["sham"] + ["target"] * 20,
            "family": [""] * 11 + ["random"] * 10,
        }
        trials = make_trials(
            np.concatenate([noise, -noise], axis=2),
            specimen=[f"n{i}" for i in range(8)],
            kind="simulated",
            lesions=lesions,
            trial={
                "task": ["X"] * n_trials + ["Y"] * n_trials,
                "stimulus_id": [f"i{k}" for k in range(n_trials)] * 2,
                "condition": ["c"] * 2 * n_trials,
            },
            tasks={name: {"unit": "m", "bounded": False, "chance": 0.0} for name in "XY"},
        )
        found = picked_dissociation(
            trials, candidates=names[:10], pool="random", tasks=("X", "Y"), n_permutations=19, rng=seed
        )
        hits += int((found["held_p"] <= 0.05).any())
    assert hits <= 5


def noted(distance, outside):
    """Trials with 19 controls of each target, whose matching left these notes (one, or one per draw)."""
    trials = phantom_trials(n_controls=19, n_specimens=6, rng=0)
    draw, control = trials["draw"].values, trials["role"].values == "control"
    texts = [
        json.dumps({"match_distance": distance, "match_outside": outside(int(draw[row]))}) if control[row] else "{}"
        for row in range(trials.sizes["lesion"])
    ]
    return trials.assign(lesion_notes=(("specimen", "lesion"), np.array([texts] * 6, dtype=object)))


@pytest.mark.parametrize(
    "distance,outside,expected",
    [
        (0.79, lambda draw: 0.09, "The controls of A lie 0.79 sd from its units on average; 9 % outside the caliper."),
        (2.7, lambda draw: 1.0, "Warning: every unit of every control of A lies outside the caliper (2.7 sd away"),
        (2.7, lambda draw: float(draw == 1), "Warning: in 6 of 114 controls every unit lies outside it."),
        (0.0, lambda draw: 0.0, "The controls of A are matched in site and size only, not in activity."),
    ],
)
def test_a_result_says_how_near_its_controls_came(distance, outside, expected):
    trials = noted(distance, outside)
    assert expected in against_controls(trials, lesion="A", task="X", rng=0).attrs["note"]
    said = json.loads(dissociation(trials, **PAIR, rng=0).attrs["undermined_by"])
    assert any(expected in one for one in said)
    assert any(expected.replace("of A", "of B") in one for one in said)
    alone = json.loads(against_controls(trials, lesion="A", task="X", rng=0).attrs["undermined_by"])
    assert any(expected in one for one in alone)


def test_random_controls_beside_matched_ones_do_not_dilute_how_near_these_came():
    """Half of the controls are random ones, matched in nothing but size: the others are as far as they are."""
    trials = noted(0.8, lambda draw: 0.1 * (draw <= 10))
    random = (trials["role"].values == "control") & (trials["draw"].values > 10)
    texts = trials["lesion_notes"].values.copy()
    texts[:, random] = json.dumps({"match_distance": 0.0, "match_outside": 0.0})
    families = np.where(random, "random", trials["family"].values.astype(str)).astype(object)
    mixed = trials.assign(lesion_notes=(("specimen", "lesion"), texts)).assign_coords(family=("lesion", families))
    said = json.loads(dissociation(mixed, **PAIR, rng=0).attrs["undermined_by"])
    assert any("The controls of A lie 0.8 sd from its units on average; 10 % outside the caliper." in one
               for one in said)
    assert not any("size only" in one for one in said)


def test_controls_within_the_caliper_undermine_nothing():
    trials = noted(0.3, lambda draw: 0.0)
    assert "lie 0.3 sd from its units on average; 0 % outside" in (
        against_controls(trials, lesion="A", task="X", rng=0).attrs["note"]
    )
    assert "caliper" not in dissociation(trials, **PAIR, rng=0).attrs["undermined_by"]
    said = json.loads(against_controls(trials, lesion="A", task="X", rng=0).attrs["undermined_by"])
    assert [one for one in said if "rank interval has no width" not in one] == []  # phantoms' controls all cost nothing


def test_trials_without_notes_say_nothing_of_a_match():
    trials = phantom_trials(n_controls=19, n_specimens=6, rng=0)
    assert "caliper" not in against_controls(trials, lesion="A", task="X", rng=0).attrs["note"]
    mixed = trials.assign(lesion_notes=(("specimen", "lesion"), np.full(trials["score"].shape[:2], "", dtype=object)))
    assert "caliper" not in against_controls(mixed, lesion="A", task="X", rng=0).attrs["note"]
