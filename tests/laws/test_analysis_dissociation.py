"""Laws of lesion analyses: what a verdict may and may not depend on."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab.analysis import (
    against_controls,
    deficits,
    dissociation,
    dose_response,
    localiser_matrix,
    picked_dissociation,
)
from neurolab.analysis.verdict import CLASSICAL, NO_DEFICIT, Evidence, verdict
from neurolab.simulate import phantom_trials
from neurolab.stats.equivalence import sign_flip_tost
from neurolab.stats.permutation import sign_flip

PAIR = {"lesions": ("A", "B"), "tasks": ("X", "Y")}
SINGLE = {"A": {"X": 0.3, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.0}}
seeds = st.integers(0, 10_000)


def unbounded(seed, deficits_of=None, **more):
    plan = deficits_of or {"A": {"X": 1.0, "Y": 0.0}, "B": {"X": 0.5, "Y": 0.3}}
    return phantom_trials(deficits=plan, n_specimens=7, n_stimuli=6, bounded=False, chance=0.0, rng=seed, **more)


def rescaled(trials, task, scale, shift=0.0):
    factor = np.where(trials["task"].values == task, scale, 1.0)
    moved = np.where(trials["task"].values == task, shift, 0.0)
    return trials.assign(score=trials["score"] * factor + moved)


@given(seed=seeds, scale=st.floats(0.01, 100), shift=st.floats(-5, 5))
@settings(max_examples=25, deadline=None)
def test_rescaling_a_task_cannot_make_or_break_a_crossover(seed, scale, shift):
    trials = unbounded(seed)
    before, after = (dissociation(t, **PAIR, rng=0) for t in (trials, rescaled(trials, "X", scale, shift)))
    np.testing.assert_array_equal(before["p"], after["p"])
    assert after["effect"].values[0] == pytest.approx(scale * before["effect"].values[0], rel=1e-6, abs=1e-9)


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_the_order_of_networks_lesions_and_trials_does_not_matter(seed):
    trials = unbounded(seed, n_controls=3)
    draw = np.random.default_rng(seed)
    moved = trials.isel({dim: draw.permutation(trials.sizes[dim]) for dim in ("specimen", "lesion", "trial")})
    one, two = (dissociation(t, **PAIR, rng=0) for t in (trials, moved))
    np.testing.assert_allclose(one["p"], two["p"])
    np.testing.assert_allclose(one["effect"], two["effect"], atol=1e-12)
    assert one.attrs["verdict"] == two.attrs["verdict"]
    first, second = (against_controls(t, lesion="A", task="X", rng=0) for t in (trials, moved))
    assert float(first["p"]) == float(second["p"])
    assert float(first["rank_p"]) == float(second["rank_p"])


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_exchanging_the_names_exchanges_the_claims(seed):
    trials = unbounded(seed)
    one = dissociation(trials, **PAIR, rng=0)
    two = dissociation(trials, lesions=("B", "A"), tasks=("Y", "X"), rng=0)
    np.testing.assert_array_equal(one["p"], two["p"].values[::-1])
    np.testing.assert_array_equal(one["spared_p"], two["spared_p"].values[::-1])


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_intervals_leave_out_zero_exactly_when_the_claim_is_shown(seed):
    found = dissociation(unbounded(seed), **PAIR, rng=0)
    for low, p in zip(found["low"].values, found["p"].values):
        assert (low > 0) == (p <= 0.05)
    found = dissociation(unbounded(seed), **PAIR, spared_within={"X": 0.8, "Y": 0.8}, rng=0)
    for at in (0, 1):
        inside = found["spared_low"].values[at] > -0.8 and found["spared_high"].values[at] < 0.8
        assert inside == bool(found["spared_shown"].values[at])


def test_a_classical_verdict_always_is_a_crossover_and_never_rests_on_absence():
    """Five networks, deficits far from the bound but noisy: crossover, never classical."""
    plan = {"A": {"X": 3.0, "Y": 0.0}, "B": {"X": 0.0, "Y": 3.0}}
    wide = phantom_trials(
        deficits=plan, n_specimens=6, n_stimuli=4, bounded=False, chance=0.0, spread=0.3, intact=1.0, rng=1
    )
    found = dissociation(wide, **PAIR, spared_within=0.1, rng=0)
    assert found.attrs["verdict"] == "crossover, sparing not shown"
    assert not found["spared_shown"].any()


def test_one_network_falls_back_on_stimuli_and_says_so():
    trials = phantom_trials(n_specimens=1, n_stimuli=60, n_controls=19, rng=0)
    found = dissociation(trials, **PAIR, rng=0)
    assert found.attrs["generalises_over"] == "stimulus"
    assert found.attrs["verdict"] == "crossover, sparing not shown"  # of 60 stimuli, right or wrong
    many = phantom_trials(n_specimens=1, n_stimuli=600, rng=0)
    assert dissociation(many, **PAIR, rng=0).attrs["verdict"] == "classical double dissociation"
    assert any("says nothing about others" in said for said in json.loads(found.attrs["undermined_by"]))
    for result in (
        deficits(trials, rng=0),
        against_controls(trials, lesion="A", task="X", rng=0),
        localiser_matrix(trials, rng=0),
    ):
        assert result.attrs["generalises_over"] == "stimulus"
    picked = picked_dissociation(trials, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), rng=0)
    assert picked.attrs["generalises_over"] == "control draw"


def test_repeats_of_a_stimulus_do_not_enlarge_the_sample():
    trials = phantom_trials(n_specimens=1, n_stimuli=20, rng=0)
    tripled = trials.isel(trial=np.tile(np.arange(40), 3))
    once, thrice = deficits(trials, rng=0), deficits(tripled, rng=0)
    assert thrice.attrs["n"] == once.attrs["n"] == 20
    np.testing.assert_array_equal(once["p"], thrice["p"])
    np.testing.assert_allclose(once["high"], thrice["high"])


def test_people_are_called_people():
    found = deficits(phantom_trials(n_specimens=6, rng=0).assign_attrs(kind="brain"), rng=0)
    assert found.attrs["generalises_over"] == "subject"
    assert "people" in found.attrs["estimand"]


@pytest.mark.parametrize(
    "n,expected",
    [
        (4, "cannot be decided: 4 networks: the smallest one-sided p is .0625; use 5 or more."),
        (5, "classical double dissociation"),
    ],
)
def test_too_few_networks_cannot_decide_and_it_is_said_how_many_can(n, expected):
    found = dissociation(phantom_trials(n_specimens=n, rng=0), **PAIR, rng=0)
    assert found.attrs["verdict"] == expected


def test_the_floor_of_deficits_is_said_in_the_words_of_the_doctrine():
    found = deficits(phantom_trials(n_specimens=5, rng=0), rng=0)
    assert found.attrs["note"] == "5 networks: the smallest two-sided p is .0625; use 6 or more."
    assert np.isinf(found["low"].values).all()


def test_same_integer_same_bytes():
    trials = phantom_trials(n_specimens=1, n_stimuli=50, n_controls=5, rng=0)
    for analyse in (
        lambda: deficits(trials, rng=1),
        lambda: dissociation(trials, **PAIR, rng=1),
        lambda: against_controls(trials, lesion="A", task="X", rng=1),
        lambda: picked_dissociation(trials, candidates=["A", "B"], pool="matched", tasks=("X", "Y"), rng=1),
    ):
        assert analyse().identical(analyse())


def test_a_sham_of_its_own_is_preferred_to_the_shams_of_others():
    trials = phantom_trials(n_specimens=6, rng=0)
    drifted = trials.copy(deep=True)
    other = list(trials["lesion_id"].values).index("B | sham")
    drifted["score"][:, other] = 0.0
    np.testing.assert_array_equal(
        deficits(trials, rng=0)["intact"].sel(lesion="A"), deficits(drifted, rng=0)["intact"].sel(lesion="A")
    )
    alone = trials.isel(lesion=np.flatnonzero(trials["lesion_id"].values != "B | sham"))
    np.testing.assert_array_equal(deficits(alone, rng=0)["deficit"], deficits(trials, rng=0)["deficit"])


def test_a_lesion_name_means_its_full_dose_and_its_id_means_that_row():
    trials = phantom_trials(doses=(0.5, 1.0), n_specimens=6, rng=0)
    full = dissociation(trials, **PAIR, rng=0)
    half = dissociation(trials, lesions=("A | dose 0.5", "B | dose 0.5"), tasks=("X", "Y"), rng=0)
    assert (full["effect"] > half["effect"]).all()
    curve = dose_response(trials, lesion="A", task="X", rng=0)
    np.testing.assert_array_equal(curve["dose"], [0.0, 0.5, 1.0])
    assert float(curve["mean"].sel(dose=0.0)) == 0.0


def test_one_claim_alone_needs_half_of_alpha():
    """Five networks: p is .031 at best, enough for each of two claims, not for one that might have been either."""
    single = {"A": {"X": 3.0, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.0}}
    settings_of = {"n_stimuli": 4, "bounded": False, "chance": 0.0}
    five, six = (
        dissociation(phantom_trials(deficits=single, n_specimens=n, rng=1, **settings_of), **PAIR, rng=0)
        for n in (5, 6)
    )
    assert float(five["p"][0]) == 2**-5
    assert five.attrs["verdict"].startswith("cannot be decided: One claim alone")
    needs = "needs p <= .025. 5 networks: the smallest one-sided p is .0312; use 6 or more."
    assert needs in json.loads(five.attrs["reasons"])[-1]
    assert six.attrs["verdict"] == "single dissociation"


def test_a_control_as_harmful_as_the_target_counts_as_extreme():
    trials = phantom_trials(n_controls=19, rng=0)
    ids = list(trials["lesion_id"].values)
    tied = trials.copy(deep=True)
    tied["score"][:, ids.index("A | matched control | draw 4")] = trials["score"][:, ids.index("A")].values
    assert float(against_controls(trials, lesion="A", task="X", rng=0)["rank_p"]) == 1 / 20
    assert float(against_controls(tied, lesion="A", task="X", rng=0)["rank_p"]) == 2 / 20


def test_a_gain_is_no_deficit_and_it_is_said_where_the_difference_comes_from():
    """B improves X, A does nothing to it: A "hurts X more than B does", and the reader is told why."""
    plan = {"A": {"X": 0.0, "Y": 0.0}, "B": {"X": -0.2, "Y": 0.2}}
    found = dissociation(phantom_trials(deficits=plan, intact=0.7, rng=0), **PAIR, rng=0)
    assert found["p"].values[0] <= 0.05
    assert "A costs X nothing itself" in found.attrs["undermined_by"]
    assert found.attrs["verdict"] != "classical double dissociation"


@pytest.mark.parametrize(("own", "says"), [((0.4, 0.4), CLASSICAL), ((0.4, 0.0), NO_DEFICIT), ((0.0, 0.4), NO_DEFICIT)])
def test_a_classical_dissociation_needs_both_own_deficits(own, says):
    wobble = 0.01 * np.array([-3.0, -2, -1, 0, 0, 1, 2, 3])
    claims = [sign_flip(0.4 + wobble, alternative="greater", rng=0) for _ in own]
    costs = [sign_flip(cost + wobble, alternative="greater", rng=0) for cost in own]
    spares = [sign_flip_tost(wobble, bounds=0.1, rng=0) for _ in own]
    names = ("one", "other")
    assert verdict(Evidence(None, names, names, names, claims, costs, spares, alpha=0.05)) == says
