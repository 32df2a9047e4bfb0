"""Designs and games that cannot be what they look like: each is refused by a typed error that says what to type."""

import json

import numpy as np
import pytest

from neurolab.analysis import minimal_set, pair_interactions, reserve, search_minimal_set, shapley
from neurolab.coalitions import coalitions, game, parts, removals, walks
from neurolab.errors import DataError, DesignError, LesionPlanError, SchemaError, UnknownNameError
from neurolab.lesion import Zero
from neurolab.report import printed_table
from neurolab.roi import ROI
from neurolab.simulate import phantom_trials
from neurolab.stats import minimal
from neurolab.stats.shapley import along, orders_of
from neurolab.trials import concat, make_trials

A, B, C = (ROI(name, {"conv": [2 * k, 2 * k + 1]}) for k, name in enumerate("abc"))
TRIAL = {"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]}


def made(design, score=None, *, bounded=False, chance=0.0, members=8, prefix="net"):
    about = {"t": {"unit": "score", "bounded": bounded, "chance": chance}}
    values = np.random.default_rng(0).normal(size=(members, len(design), 1)) if score is None else score
    notes = [[json.dumps(dict(one.notes)) for one in design]] * len(values)
    names = [f"{prefix} {k}" for k in range(len(values))]
    settings = {"specimen": names, "lesions": design, "trial": TRIAL, "tasks": about, "kind": "simulated"}
    return make_trials(values, **settings, per_lesion={"lesion_notes": notes})


def scored(design, by_size, **settings):
    """Trials whose score depends on how many regions are gone."""
    gone = [0 if one.role == "sham" else one.name.count(" + ") + 1 for one in design]
    return made(design, np.repeat(np.array(by_size)[gone][None, :, None], 8, axis=0), **settings)


@pytest.mark.parametrize("design", [lambda rois: coalitions(rois, Zero()), lambda rois: walks(rois, Zero(), rng=0),
                                    lambda rois: removals(rois, Zero(), name="order", rng=0)])  # fmt: skip
@pytest.mark.parametrize("rois, said", [
    ([A, A.renamed("again")], "'a' and 'again' are the same units"),
    ([A, ROI("half", {"conv": [1, 7]})], "'a' and 'half' share 1 unit"),
    ([A, B.renamed("a")], "share a name"),
    ([A, ROI("none", {})], "'none' is empty"),
    ([A, B.renamed("x + y")], "which stands between regions"),
    ([A, "b"], "got str"),
    ([], "no region"),
])  # fmt: skip
def test_players_that_are_no_players_are_refused(design, rois, said):
    with pytest.raises(LesionPlanError, match=said.replace("+", r"\+")):
        design(rois)


def test_too_many_coalitions_and_too_few_walks_say_what_to_type():
    many = parts(ROI("layer", {"conv": range(17)}))
    with pytest.raises(DesignError, match=r"2\^17.*walks\(rois, how, n=64, rng=0\)"):
        coalitions(many, Zero())
    with pytest.raises(DesignError, match="n=64 or more, or rotations=1"):
        walks(many, Zero(), n=63, rng=0)
    with pytest.raises(DesignError, match="'unit' or 'site'"):
        parts(A, by="layer")
    with pytest.raises(LesionPlanError, match=r"\(0, 1\]"):
        removals(many, Zero(), name="order", shares=[0.0], rng=0)
    with pytest.raises(LesionPlanError, match=r"\(0, 1\]"):
        removals(many, Zero(), name="order", shares=[1.5], rng=0)


def test_one_player_is_its_deficit():
    trials = made(coalitions([A], Zero()))
    found = shapley(trials, task="t", rng=0)
    np.testing.assert_allclose(found["value"], found["alone_value"])
    assert np.isnan(found["d_index"])
    assert float(found["all_minus_singles_p"]) == 1
    assert "nan" not in printed_table({"one": found}).lower()
    with pytest.raises(DesignError, match="a pair needs two"):
        pair_interactions(trials, task="t", rng=0)
    single = shapley(made(walks([A], Zero(), n=16, rng=0)), task="t", rng=0)
    assert "exact" in single.attrs["method"]


def test_a_coalition_that_is_missing_is_named():
    design = coalitions([A, B, C], Zero())
    lacking = made([one for one in design if one.id != "a + c"])
    for verb in (shapley, pair_interactions):
        with pytest.raises(DesignError, match=r"'a \+ c' was not examined: .* 7 of the 8.*coalitions\(rois, how\)"):
            verb(lacking, task="t", rng=0)
    with pytest.raises(DesignError, match=r"'a \+ c' was not examined"):
        minimal_set(lacking, task="t", costing={"t": 1.0}, rng=0)
    assert shapley(lacking, task="t", players=["a", "b"], rng=0).sizes["player"] == 2
    with pytest.raises(UnknownNameError, match="no target lesion of 'd'"):
        shapley(lacking, task="t", players=["a", "d"], rng=0)
    with pytest.raises(DesignError, match="each once"):
        shapley(lacking, task="t", players=["a", "a"], rng=0)
    with pytest.raises(DesignError, match="sham"):
        shapley(made([one for one in design if one.role != "sham"]), task="t", rng=0)
    with pytest.raises(DesignError, match="at least one, each once"):
        shapley(made([design[0]]), task="t", rng=0)


def test_walks_with_a_gap_and_walks_of_other_orders_are_refused():
    rois = parts(ROI("layer", {"conv": range(7)}))
    design = walks(rois, Zero(), n=16, rotations=1, rng=0)
    long = max(range(len(design)), key=lambda k: (design[k].n_units == 3, design[k].notes != ()))
    with pytest.raises(DesignError, match=r"Walk .* lacks its lesion of 3 of the 7 players"):
        shapley(made([one for k, one in enumerate(design) if k != long]), task="t", rng=0)
    other = walks(rois, Zero(), n=16, rotations=1, rng=1)
    with pytest.raises(SchemaError, match="another lesion_id"):
        concat([made(design), made(other, prefix="other")])
    swapped = made(design)
    notes = swapped["lesion_notes"].values.copy()
    notes[1, [5, 6]] = notes[1, [6, 5]]
    with pytest.raises(SchemaError, match="on other walks in one network"):
        shapley(swapped.assign(lesion_notes=(("specimen", "lesion"), notes)), task="t", rng=0)
    plain = swapped.drop_vars("lesion_notes")
    with pytest.raises(DesignError, match="was not examined"):
        shapley(plain, task="t", rng=0)
    many = walks(parts(ROI("layer", {"conv": range(20)})), Zero(), n=16, rotations=1, rng=0)
    with pytest.raises(DesignError, match=r"2\^20 coalitions of 20 players, and no walks"):
        shapley(made(many).drop_vars("lesion_notes"), task="t", rng=0)


def test_a_bounded_score_is_flagged_at_its_ceiling_and_its_floor():
    design = coalitions([A, B], Zero())
    high = shapley(scored(design, [1.0, 1.0, 0.5], bounded=True, chance=0.5), task="t", rng=0)
    assert "at ceiling" in high.attrs["undermined_by"]
    low = shapley(scored(design, [0.9, 0.5, 0.5], bounded=True, chance=0.5), task="t", rng=0)
    assert "At chance after a and b alone" in low.attrs["undermined_by"]
    free = shapley(scored(design, [1.0, 1.0, 0.5]), task="t", rng=0)
    assert free.attrs["undermined_by"] == "[]"
    with pytest.raises(DesignError, match=r"nl\.scores\.margin.*allow_bounded=True"):
        pair_interactions(scored(design, [0.9, 0.8, 0.5], bounded=True, chance=0.5), task="t", rng=0)
    allowed = pair_interactions(scored(design, [0.9, 0.8, 0.5], bounded=True), task="t", allow_bounded=True, rng=0)
    assert allowed.attrs["override"] == "bounded score allowed"


def test_a_function_that_nothing_serves_has_no_indices():
    flat = shapley(scored(coalitions([A, B], Zero()), [1.0, 1.0, 1.0]), task="t", rng=0)
    assert np.isnan(flat["d_index"])
    assert np.isnan(flat["redundancy_index"])
    assert (flat["p"] == 1).all()


def test_no_minimal_set_is_a_finding_and_a_bad_bound_is_none():
    design = coalitions([A, B, C], Zero())
    trials = scored(design, [1.0, 1.0, 0.9, 0.8])
    none = minimal_set(trials, task="t", costing=0.5, rng=0)
    assert none.attrs["verdict"] == "no set found: all regions together cost less than the bound"
    assert none.sizes["set"] == 0
    assert "no set found" in printed_table({"none": none})
    for bad in (0.0, 1.0, {"t": -1.0}, {"t": float("nan")}):
        with pytest.raises(DesignError):
            minimal_set(trials, task="t", costing=bad, rng=0)
    with pytest.raises(UnknownNameError, match="costing names 'u'"):
        minimal_set(trials, task="t", costing={"u": 1.0}, rng=0)
    for bad in (0.0, 1.0):
        with pytest.raises(DesignError, match="cannot test them"):
            minimal_set(trials, task="t", costing=0.1, choosing=bad, rng=0)
    every = minimal_set(scored(design, [1.0, 0.0, 0.0, 0.0]), task="t", costing=0.5, rng=0)
    assert every["set"].values.tolist() == ["a", "b", "c"]
    assert every.attrs["verdict"] == "3 smallest sets of one region, 0 shown"  # Holm over three sets at 1/32
    (said,) = json.loads(every.attrs["undermined_by"])
    assert said == ("5 networks test 3 sets: the smallest q (Holm) is 0.094, so that none can be shown. It takes 6 "
                    "that test, about 10 in all.")
    few = minimal_set(scored(design, [1.0, 1.0, 1.0, 0.0]).isel(specimen=slice(4)), task="t", costing=0.5, rng=0)
    assert few.attrs["verdict"] == "a + b + c: not shown"
    assert "use 5 or more" in few.attrs["note"]
    flagged = scored(design, [1.0, 1.0, 1.0, 0.0]).isel(specimen=slice(4))
    flagged.attrs |= {"undermined_by": json.dumps(["Seen before."])}
    said = json.loads(minimal_set(flagged, task="t", costing=0.5, rng=0).attrs["undermined_by"])
    assert said == ["Seen before.", *json.loads(few.attrs["undermined_by"])]
    assert "3 networks test one set: the smallest q (Holm) is 0.12" in few.attrs["undermined_by"]


def test_a_search_that_is_answered_badly_or_too_short_says_so():
    def any_left(mask):
        return np.repeat(mask.any(axis=1)[:, None] * 1.0, 8, axis=1)

    enough = search_minimal_set(any_left, list("ab"), task="t", deficit=0.5, rng=0)  # one set, five that test
    assert (enough.attrs["verdict"], json.loads(enough.attrs["undermined_by"])) == ("a + b: shown", [])
    short = search_minimal_set(any_left, list("abcdefgh"), task="t", deficit=0.5, max_evaluations=4, rng=0)
    assert short.attrs["complete"] == 0
    assert "the evaluations were spent" in short.attrs["reasons"]
    for bad in (lambda mask: np.ones(len(mask)), lambda mask: np.full((len(mask), 8), np.nan), lambda mask: 1.0):
        with pytest.raises(DataError, match="answered with shape"):
            search_minimal_set(bad, ["a", "b"], task="t", deficit=0.5, rng=0)
    for names, over in ((["a", "a"], "specimen"), ([], "specimen"), (["a"], "unit")):
        with pytest.raises(DesignError, match="names of their own"):
            search_minimal_set(any_left, names, task="t", deficit=0.5, over=over, rng=0)
    with pytest.raises(DesignError, match="a number above 0"):
        search_minimal_set(any_left, ["a"], task="t", deficit=0.0, rng=0)
    with pytest.raises(DesignError, match="cannot test them"):
        search_minimal_set(lambda mask: mask.any(axis=1)[:, None] * 1.0, ["a"], task="t", deficit=0.5, rng=0)
    with pytest.raises(UnknownNameError):
        game(lambda lesions: made(lesions), [A, B], Zero(), task="u")(np.zeros((1, 2), bool))


def test_reserve_asks_for_networks_shares_and_room():
    rois = parts(ROI("layer", {"conv": range(4)}))
    design = removals(rois, Zero(), name="order", n_random=2, rng=0)
    score = np.array([1.0 if one.role == "sham" else 1.0 - one.dose for one in design])
    trials = made(design, np.repeat(score[None, :, None], 8, axis=0))
    assert reserve(trials, lesion="order", task="t", rng=0)["effect"].values == pytest.approx([0, 0])
    with pytest.raises(DesignError, match="There is one network"):
        reserve(trials.isel(specimen=[0]), lesion="order", task="t", rng=0)
    with pytest.raises(UnknownNameError, match="Did you mean 'order'"):
        reserve(trials, lesion="ordre", task="t", rng=0)
    with pytest.raises(DesignError, match="names one rung"):
        reserve(trials, lesion="order | dose 0.5", task="t", rng=0)
    with pytest.raises(DesignError, match="share 1 dose"):
        reserve(made(removals(rois, Zero(), name="order", shares=[1.0], rng=0)), lesion="order", task="t", rng=0)
    with pytest.raises(DesignError, match="not above chance"):
        reserve(made(design, np.zeros((8, len(design), 1))), lesion="order", task="t", rng=0)
    with pytest.raises(DesignError, match="failing=1"):
        reserve(trials, lesion="order", task="t", failing=1.0, rng=0)
    unknown = made(design, np.repeat(score[None, :, None], 8, axis=0), chance=None)
    assert reserve(unknown, lesion="order", task="t", rng=0).attrs["base"] == "all removed"
    robust = made(design, np.repeat((1 - 0.1 * (1 - score))[None, :, None], 8, axis=0))
    never = reserve(robust, lesion="order", task="t", rng=0)
    assert never.attrs["never_failed"] == 1
    assert "lower bound" in never.attrs["undermined_by"]
    assert np.isposinf(never["own_high"].values).tolist() == [False, True]  # an area is measured whatever happens
    assert np.isposinf(never["control_own_high"].values).tolist() == [False, True]
    assert np.isinf(np.stack([never["low"].values, never["high"].values])).all(axis=0).tolist() == [False, True]
    assert "undermined_by" not in reserve(trials, lesion="order", task="t", rng=0).attrs
    assert float(never["failure_point"]) == 1


def test_reserve_without_random_orders_has_no_p_and_prints_none():
    trials = phantom_trials(deficits={"A": {"X": 0.4}}, doses=(0.5, 1.0), rng=0)
    found = reserve(trials, lesion="A", task="X", rng=0)
    assert np.isnan(found["p"]).all()
    said = printed_table({"reserve": found})
    assert "not defined" not in said
    assert "failure point" in said


def test_orders_and_sets_that_are_none_are_refused():
    with pytest.raises(DataError, match="permutations"):
        along(lambda mask: mask.sum(axis=1), [[0, 0]] * 8)
    with pytest.raises(DesignError, match="8 whole blocks"):
        along(lambda mask: mask.sum(axis=1), [[0, 1]] * 8, per_block=2)
    assert orders_of(3, 5, rng=0)[0].shape == (0, 3)
    with pytest.raises(DataError, match=r"2\^n"):
        minimal.every([True, False, True])
    with pytest.raises(DesignError, match="each of 3 players once"):
        minimal.search(lambda code: True, 3, order=[0, 1])
    assert minimal.search(lambda code: code != 0, 2).sets == (1, 2)
    assert minimal.search(lambda code: False, 2).sets == ()
