"""Lesion maps of bad input: each a typed error that names who or what, or a sentence in the result."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurolab.analysis import lesion_matrix, select_roi, symptom_map
from neurolab.errors import DataError, DesignError, SchemaError, UnknownNameError
from neurolab.recording import make_recording
from neurolab.schema import check_result
from neurolab.trials import make_trials

N = 30
DRAW = np.random.default_rng(0)
CUT = (DRAW.random((N, 12)) < DRAW.uniform(0.2, 0.6, (N, 1))).astype(np.uint8)
CUT[:, 10], CUT[:, 11] = 0, np.arange(N) == 3  # never lesioned; lesioned once
SCORE = 10 - 4.0 * CUT[:, 2] + DRAW.normal(size=N)
IDS = [f"p{k:02d}" for k in range(N)]
SERIES = pd.Series(SCORE, index=IDS, name="naming")


def lesions(values=CUT, *, valid=None, attrs=None, **rows):
    columns = {"stimulus_id": IDS[: len(values)], "condition": ["patient"] * len(values), **rows}
    neuroid = None if valid is None else {"valid": valid}
    return make_recording(values, presentation=columns, neuroid=neuroid, kind="brain", attrs=attrs)


def mapped(given=None, behaviour=SERIES, **choices):
    return symptom_map(lesions() if given is None else given, behaviour, **{"rng": 0, "n_permutations": 50, **choices})


TWICE = lesions().assign_coords(stimulus_id=("presentation", np.array(["p00", *IDS[:-1]], dtype=object)))
DOUBLED = {"volume": CUT.sum(axis=1).astype(float)}

BAD = {
    "a missing person": ({"behaviour": SERIES.drop("p07")}, DataError, "lacks 1 of the 30 lesions: 'p07'"),
    "somebody twice": ({"behaviour": pd.concat([SERIES, SERIES[:1]])}, DataError, "'p00' more than once"),
    "no score": ({"behaviour": SERIES.where(SERIES.index != "p03")}, DataError, "missing .* for 1 of 30: 'p03'"),
    "an infinite score": ({"behaviour": SERIES.replace(SERIES.iloc[4], np.inf)}, DataError, "'p04'"),
    "constant": ({"behaviour": SERIES * 0 + 3}, DataError, "behaviour is 3 in all 30"),
    "too short": ({"behaviour": SCORE[:-1]}, DataError, r"shape \(29,\)"),
    "words": ({"behaviour": SERIES.astype(str)}, DataError, "holds text, such as"),
    "people twice": ({"given": TWICE, "behaviour": SCORE}, DataError, "'p00' more than once"),
    "graded lesions": ({"given": lesions(CUT * 0.5)}, DataError, "other numbers than 0 and 1"),
    "NaN lesions": ({"given": lesions(np.where(CUT, np.nan, 0.0))}, DataError, "other numbers"),
    "no recording": ({"given": CUT}, SchemaError, "from_lesion_masks"),
    "lesions in time": ({"given": lesions(np.zeros((N, 2, 2)))}, SchemaError, "no time"),
    "nobody lesioned": ({"given": lesions(CUT * 0)}, DesignError, "No case has any lesion"),
    "nothing covered": ({"given": lesions(CUT[:, 10:])}, DesignError, "most lesioned one is so in 1"),
    "coverage above half": ({"min_coverage": 0.6}, DesignError, "at most 0.5"),
    "coverage of nobody": ({"min_coverage": 0}, DesignError, "from 1 to 15"),
    "negative volume": ({"given": lesions(volume=-np.ones(N))}, DataError, "less than 0"),
    "a constant covariate": ({"covariates": {"age": np.full(N, 60.0)}}, DesignError, "'age' is constant"),
    "the same covariate twice": (
        {"covariates": {"age": SCORE**2, "years": 2 * SCORE**2 + 1}}, DesignError, "'years' is collinear with 'volume'"
    ),
    "volume again": ({"covariates": DOUBLED}, DesignError, "'volume' is collinear"),
    "more covariates than people": ({"covariates": DRAW.normal(size=(N, 27))}, DesignError, "30 cases for 28"),
    "a covariate that is the score": ({"covariates": {"same": SCORE}}, DesignError, "explains the outcome exactly"),
    "an unknown covariate": ({"covariates": ["agee"]}, UnknownNameError, "'agee'"),
    "a covariate without p07": ({"covariates": (SERIES**2).drop("p07")}, DataError, "'p07'"),
    "t with volume": ({"test": "t"}, DesignError, "test='regression'"),
    "ranks with dtlvc": ({"test": "brunner_munzel", "volume": "dtlvc"}, DesignError, "volume='none'"),
    "unknown test": ({"test": "regresion"}, UnknownNameError, "Did you mean 'regression'"),
    "unknown volume": ({"volume": "dTLVC"}, UnknownNameError, "dtlvc"),
    "unknown correction": ({"correction": "bonferoni"}, UnknownNameError, "'holm'"),
    "no rng": ({"rng": None}, DesignError, "rng=0"),
    "no rng for small groups": (
        {"rng": None, "test": "brunner_munzel", "volume": "none", "correction": "fdr"}, DesignError, "fewer than 10"
    ),
    "too few permutations": ({"n_permutations": 9}, DesignError, "n_permutations=2000, at the least 19"),
    "too few permutations for .01": ({"n_permutations": 98, "level": 0.99}, DesignError, "at the least 99"),
    "unknown sample": ({"given": lesions(attrs={"sample": "voxel"})}, SchemaError, "sample='voxel'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_symptom_map__says_what_is_wrong(case):
    settings, error, words = BAD[case]
    with pytest.raises(error, match=words):
        mapped(**settings)


def test_untested__is_flagged_and_counted():
    valid = np.ones(12, bool)
    valid[0] = False
    found = mapped(lesions(valid=valid))
    assert not found["valid"].values[[0, 10, 11]].any()
    assert (found["p"].values[[0, 10, 11]] == 1).all()
    assert (found["q"].values[[0, 10, 11]] == 1).all()
    assert (found["statistic"].values[[0, 10, 11]] == 0).all()
    assert (found["patch"].values[[0, 10, 11]] == -1).all()
    assert (found.attrs["n_tested"], found.attrs["n_uncovered"], found.attrs["n_never"]) == (9, 2, 1)
    assert "1 marked bad; 2 lesioned, or spared, in fewer than 3 people (1 never lesioned)" in found.attrs["note"]
    np.testing.assert_allclose(found["coverage"].values[[10, 11]], [0, 1 / N])
    check_result(found)


def test_a_marked_neuroid__does_not_take_its_patch_with_it():
    twin = np.concatenate((CUT, CUT[:, 2:3]), axis=1)
    valid = np.ones(13, bool)
    valid[2] = False
    found = mapped(lesions(twin, valid=valid))
    assert (found["valid"].values[2], found["valid"].values[12]) == (False, True)


def test_a_neuroid_that_volume_explains__is_flagged():
    once = CUT.copy()
    once[:, 5] = np.arange(N) % 2
    found = mapped(lesions(once, volume=10.0 + 5 * once[:, 5]))
    assert not found["valid"].values[5]
    assert found["q"].values[5] == 1
    assert "1 what the covariates already say" in found.attrs["note"]


def test_one_volume__is_said_and_left_out_of_the_model():
    fixed = mapped(lesions(volume=np.full(N, 7.0)))
    plain = mapped(lesions(), volume="none")
    assert "All lesions have one volume (7)" in fixed.attrs["note"]
    np.testing.assert_array_equal(fixed["statistic"], plain["statistic"])


def test_volume_that_is_not_controlled__is_said():
    harm = -CUT.sum(axis=1).astype(float) + DRAW.normal(size=N)
    assert "Lesion volume is not controlled" in mapped(behaviour=harm, volume="none").attrs["note"]
    assert "not controlled" not in mapped(behaviour=harm).attrs["note"]


def test_people_without_a_lesion_and_scores_without_a_mask__are_named():
    empty = CUT.copy()
    empty[~empty.any(axis=1), 0] = 1
    empty[4] = 0
    more = pd.concat([SERIES, pd.Series({"p99": 1.0}, name="naming")])
    found = mapped(lesions(empty), more, volume="dtlvc")
    assert "Without any lesion: 'p04'." in found.attrs["note"]
    assert "a behaviour but no lesion and were not used: 'p99'" in found.attrs["note"]


def test_order__is_that_of_the_ids_not_of_the_rows():
    shuffled = SERIES.sample(frac=1, random_state=1)
    by_id = {"stimulus_id": ("presentation", shuffled.index)}
    as_array = xr.DataArray(shuffled.values, dims="presentation", coords=by_id)
    np.testing.assert_array_equal(mapped(behaviour=shuffled)["statistic"], mapped()["statistic"])
    np.testing.assert_array_equal(mapped(behaviour=as_array)["statistic"], mapped()["statistic"])
    age = pd.DataFrame({"age": DRAW.normal(size=N)}, index=IDS)
    np.testing.assert_array_equal(
        mapped(covariates=age.sample(frac=1, random_state=2))["statistic"], mapped(covariates=age)["statistic"]
    )


@pytest.mark.parametrize("test", ["regression", "brunner_munzel", "svr"])
def test_no_p__is_below_its_floor(test):
    huge = 1e6 * CUT[:, 2] + DRAW.normal(size=N)
    found = mapped(behaviour=huge, test=test, volume="none", n_permutations=19)
    for name in ("p", "q"):
        assert (found[name].values >= float(found["p_floor" if name == "p" else "q_floor"])).all()
        assert (found[name].values > 0).all()
    assert float(found["q_floor"]) == 0.05
    assert np.argmax(np.abs(found["statistic"].values)) == 2
    assert found["q"].values[2] == 0.05 or test == "svr"  # its weights are not studentised: power is another matter


def test_huge_and_tiny_units__give_the_same_map():
    there = mapped(behaviour=SERIES * 1e-9 + 1e-3, given=lesions(volume=1e9 + 1e6 * CUT.sum(axis=1).astype(float)))
    here = mapped()
    np.testing.assert_allclose(there["statistic"], here["statistic"], rtol=1e-4)
    np.testing.assert_array_equal(there["q"], here["q"])


def test_svr__that_predicts_nobody_shows_nothing():
    noise = np.random.default_rng(5).normal(size=N)
    found = mapped(behaviour=noise, test="svr", n_permutations=39)
    assert found.attrs["predictive_p"] > 0.05
    assert (found["q"] == 1).all()
    assert "are not predicted" in found.attrs["note"]
    assert np.isnan(found["low"].values).all()
    assert "no interval" in found.attrs["note"]


def test_map__is_a_stat_map_that_a_region_is_chosen_from():
    found = mapped(alternative="less")
    roi = select_roi(found, name="naming area", q=0.05)
    assert roi.units["all"].tolist() == [2]
    assert "the lesion map of naming (regression, volume covariate, 30 people)" in roi.how_chosen
    assert roi.chosen_on == frozenset(IDS)


# -- random lesions of a network ------------------------------------------------------------------------------------


def network_trials(*, units=None, how=None, n_specimens=1, role=None, **more):
    units = [{}, {"a": [0], "b": [2]}, {"a": [1]}, {"b": [0, 2]}] if units is None else units
    n = len(units)
    role = role or ["sham", *["target"] * (n - 1)]
    table = {"lesion_id": ["sham", *IDS[: n - 1]], "roi": ["x", *IDS[: n - 1]], "role": role,
             "family": ["", *["random"] * (n - 1)], "how": how or ["Sham", *["Zero"] * (n - 1)]}  # fmt: skip
    score = np.tile(np.arange(n, 0.0, -1)[None, :, None], (n_specimens, 1, 1))
    return make_trials(
        score, specimen=[f"net {k}" for k in range(n_specimens)], lesions=table, kind="ann",
        trial={"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]},
        tasks={"t": {"unit": "score", "bounded": False, "chance": None}},
        per_lesion={"lesion_units": [[json.dumps(one) for one in units]] * n_specimens, **more},
    )  # fmt: skip


def test_lesion_matrix__has_what_was_cut_and_what_it_cost():
    found, deficit = lesion_matrix(network_trials(), task="t")
    assert found.values.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 1]]
    assert found["site"].values.tolist() == [0, 0, 1, 1]
    assert found["unit"].values.tolist() == [0, 1, 0, 2]
    assert found["volume"].values.tolist() == [2, 1, 2]
    assert deficit.to_dict() == {"p00": 1, "p01": 2, "p02": 3}
    assert found.attrs["sample"] == "lesion draw"


def pool(*sites):
    n = len(sites)
    units = {"site": np.repeat(sites, 4), "unit": np.tile(np.arange(4), n), "row": np.arange(4 * n)}
    showing = {"stimulus_id": ["s"], "condition": ["c"]}
    return make_recording(np.zeros((1, 4 * n)), presentation=showing, kind="ann", neuroid=units)


def test_lesion_matrix__of_a_pool_has_its_units_and_their_coordinates():
    found, _ = lesion_matrix(network_trials(), task="t", pool=pool("b", "c", "a"))
    assert found.sizes["neuroid"] == 12
    assert found.values.sum(axis=1).tolist() == [2, 1, 2]
    assert np.flatnonzero(found.values[0]).tolist() == [2, 8]
    assert found["row"].values.tolist() == list(range(12))


BAD_TRIALS = {
    "several networks": (network_trials(n_specimens=2), {}, DesignError, "specimen='net 0'"),
    "another network": (network_trials(n_specimens=2), {"specimen": "net 7"}, UnknownNameError, "Did you mean"),
    "a digest only": (network_trials(units=[{}, {"a": [0]}, {"digest": "x"}]), {}, DataError, "only a digest"),
    "no units": (network_trials().drop_vars("lesion_units"), {}, DataError, "which units were lesioned"),
    "two ablations": (network_trials(how=["Sham", "Zero", "Mean", "Zero"]), {}, DesignError, "'Mean', 'Zero'"),
    "none of that family": (network_trials(), {"family": "matched"}, DesignError, "families 'random'"),
    "no sham": (network_trials(role=["target"] * 4), {}, DesignError, "no sham"),
    "no such task": (network_trials(), {"task": "u"}, UnknownNameError, "'t'"),
    "a pool without the site": (network_trials(), {"pool": pool("a")}, SchemaError, "'b'"),
    "a pool of fewer units": (
        network_trials(), {"pool": pool("a", "b").isel(neuroid=slice(0, 6))}, DataError, "that the pool lacks"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TRIALS)
def test_lesion_matrix__says_what_is_wrong(case):
    trials, settings, error, words = BAD_TRIALS[case]
    with pytest.raises(error, match=words):
        lesion_matrix(trials, **{"task": "t", **settings})


def test_permutations__that_just_reach_the_level_or_that_nothing_needs_are_no_error():
    assert float(mapped(n_permutations=19)["q_floor"]) == 1 / 20
    assert "q" in mapped(n_permutations=9, correction="fdr", rng=None)
