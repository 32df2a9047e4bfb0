"""Lesion maps against statsmodels, scipy, scikit-learn and slow loops; people and networks through one path."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats as sps
import statsmodels.api as sm
from sklearn.svm import SVR

from neurolab.analysis import lesion_matrix, symptom_map
from neurolab.analysis.support_vectors import COSTS, support_vector_map
from neurolab.recording import make_recording
from neurolab.stats.lesion_maps import brunner_munzel, outcome_of, patches, regression_t
from neurolab.stats.lesion_permutation import brunner_munzel_max_t, orders_of, regression_max_t
from neurolab.stats.permutation import freedman_lane
from neurolab.trials import make_trials

N = 40
DRAW = np.random.default_rng(3)
CUT = (DRAW.random((N, 30)) < DRAW.uniform(0.15, 0.6, (N, 1))).astype(np.uint8)
CUT[:, 7] = CUT[:, 3]  # a patch of two
VOLUME = CUT.sum(axis=1) + DRAW.integers(0, 30, N)  # the lesion goes on outside what is mapped
AGE = DRAW.normal(60, 10, N)
SCORE = np.round(50 - 8.0 * CUT[:, 3] - 0.5 * VOLUME + DRAW.normal(0, 4, N))  # with ties
IDS = [f"person {k:02d}" for k in range(N)]


def people(values=CUT, kind="brain", **rows):
    columns = {"stimulus_id": IDS[: len(values)], "condition": ["patient"] * len(values), **rows}
    return make_recording(values, presentation=columns, kind=kind)


@pytest.mark.parametrize("weights", [None, 1 / np.sqrt(VOLUME)])
def test_regression__agrees_with_statsmodels(weights):
    nuisance = np.column_stack((VOLUME, AGE))
    found = regression_t(SCORE, CUT, nuisance, weights=weights)
    for k in range(CUT.shape[1]):
        column = CUT[:, k] if weights is None else CUT[:, k] * weights
        fit = sm.OLS(SCORE, sm.add_constant(np.column_stack((column, nuisance)))).fit()
        mine = [found.effect[k], found.statistic[k], found.p[k], found.low[k], found.high[k]]
        np.testing.assert_allclose(mine, [fit.params[1], fit.tvalues[1], fit.pvalues[1], *fit.conf_int()[1]], rtol=1e-9)
        assert found.df[k] == fit.df_resid


def test_regression__gives_the_published_t_and_p():
    """V24 of the statistics notes: statsmodels, nilearn's run_glm and permuted_ols agree on 5.8811873111."""
    draw = np.random.default_rng(0)
    behaviour, volume, voxels = draw.standard_normal(30), draw.standard_normal(30), draw.standard_normal((30, 50))
    voxels[:, 0] += 1.2 * behaviour + volume
    found = regression_max_t(behaviour, voxels, volume, n_permutations=2_000, rng=0)
    assert found.t[0] == pytest.approx(5.8811873111, abs=1e-9)
    assert -np.log10(found.p[0]) == pytest.approx(3.3012470887, abs=1e-9)
    # partial correlation is symmetric: the same t as with the roles of behaviour and voxel exchanged
    other = freedman_lane(voxels, behaviour, volume, n_permutations=9, rng=0)
    np.testing.assert_allclose(found.t, other.t, rtol=1e-9)


def slow_maxima(y, columns, nuisance, orders, tail):
    """Freedman and Lane by the letter: permute residuals, add the fit back, refit every full model, take its t."""
    reduced = np.column_stack((np.ones(len(y)), nuisance))
    fit = reduced @ np.linalg.lstsq(reduced, y, rcond=None)[0]
    found = []
    for order in orders:
        again = fit + (y - fit)[order]
        t = [sm.OLS(again, np.column_stack((column, reduced))).fit().tvalues[0] for column in columns.T]
        found.append(max(tail(value) for value in t))
    return np.array(found)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_max_t__agrees_with_refitting_every_model(alternative):
    tail = {"two-sided": abs, "less": lambda t: -t, "greater": lambda t: t}[alternative]
    columns, m = CUT[:, :6], 60
    found = regression_max_t(SCORE, columns, VOLUME, n_permutations=m, rng=5, alternative=alternative)
    orders = next(orders_of(N, m, np.random.default_rng(5)))
    null = slow_maxima(SCORE, columns, VOLUME, orders, tail)
    p = [(1 + (null >= tail(t) - 1e-9).sum()) / (m + 1) for t in found.t]
    np.testing.assert_allclose(found.p, p)
    df = found.df[0]
    np.testing.assert_allclose(found.null / np.sqrt((1 - found.null**2) / df), null, rtol=1e-8)


def test_t__agrees_with_scipy():
    found = symptom_map(people(), SCORE, test="t", volume="none", correction="none", min_coverage=0.1)
    for k in np.flatnonzero(found["valid"].values):
        t, p = sps.ttest_ind(SCORE[CUT[:, k] == 1], SCORE[CUT[:, k] == 0])
        np.testing.assert_allclose([found["statistic"][k], found["p"][k]], [t, p], rtol=1e-9)
        assert float(found["effect"][k]) == pytest.approx(SCORE[CUT[:, k] == 1].mean() - SCORE[CUT[:, k] == 0].mean())


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_brunner_munzel__agrees_with_scipy_and_with_counting_pairs(alternative):
    found = brunner_munzel(SCORE, CUT, alternative=alternative)
    other = {"less": "greater", "greater": "less"}.get(alternative, alternative)  # scipy asks whether the first is so
    for k in range(CUT.shape[1]):
        cut, spared = SCORE[CUT[:, k] == 1], SCORE[CUT[:, k] == 0]
        w, p = sps.brunnermunzel(spared, cut, alternative=other)
        np.testing.assert_allclose([found.statistic[k], found.p[k]], [w, p], rtol=1e-9)
        pairs = np.subtract.outer(cut, spared)
        assert found.effect[k] == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
        half = sps.t.ppf(0.975, found.df[k]) * (found.effect[k] - 0.5) / w
        ends = np.clip(found.effect[k] + half * np.array([-1, 1]), 0, 1)  # of a probability
        np.testing.assert_allclose([found.low[k], found.high[k]], ends)


def test_brunner_munzel__permuted_as_scipy_would():
    columns, m = CUT[:, :3], 50
    found, alone = brunner_munzel_max_t(SCORE, columns, n_permutations=m, rng=2)
    up = np.sort(SCORE)
    null = np.array([
        [abs(sps.brunnermunzel(up[row[order] == 0], up[row[order] == 1]).statistic) for row in columns.T]
        for order in next(orders_of(N, m, np.random.default_rng(2)))
    ])
    seen = np.abs(found.t)
    np.testing.assert_allclose(alone, (1 + (null >= seen * (1 - 1e-9)).sum(axis=0)) / (m + 1))
    np.testing.assert_allclose(found.p, (1 + (null.max(axis=1)[:, None] >= seen * (1 - 1e-9)).sum(axis=0)) / (m + 1))


def test_groups_that_do_not_overlap__have_a_finite_statistic_and_the_smallest_p():
    y, cut = np.arange(20.0), np.repeat([0, 1], 10)[:, None]
    found, alone = brunner_munzel_max_t(y, cut, n_permutations=99, rng=0)
    assert np.isfinite(found.t[0])
    assert alone[0] == found.p[0] == 0.01
    exact = regression_max_t(cut[:, 0].astype(float), cut, n_permutations=99, rng=0)  # no error left at all
    assert np.isfinite(exact.t[0])
    assert exact.p[0] == 0.01


def test_patches__are_the_unique_columns():
    found = patches(CUT)
    columns, size = np.unique(CUT, axis=1, return_counts=True)
    assert len(found.size) == columns.shape[1] == 29
    np.testing.assert_array_equal(CUT[:, found.first][:, found.where], CUT)
    np.testing.assert_array_equal(np.sort(found.size), np.sort(size))
    assert found.where[3] == found.where[7]


def test_map__is_that_of_every_neuroid_by_itself():
    found = symptom_map(people(volume=VOLUME), SCORE, rng=0, n_permutations=200)
    alone = regression_t(SCORE, CUT, VOLUME)
    able = found["valid"].values
    assert 0 < able.sum() <= 30
    np.testing.assert_allclose(found["statistic"].values[able], alone.statistic[able], rtol=1e-9)
    np.testing.assert_allclose(found["p"].values[able], alone.p[able], rtol=1e-9)
    assert found["q"].values[3] == found["q"].values[7] <= 0.05
    assert found.attrs["n_patches"] == able.sum() - 1
    np.testing.assert_allclose(found["coverage"], CUT.mean(axis=0))


def test_fdr__is_over_voxels_not_patches():
    values = np.concatenate((CUT, np.repeat(CUT[:, 3:4], 25, axis=1)), axis=1)  # the true voxel is one of a large patch
    found = symptom_map(people(values, volume=VOLUME), SCORE, correction="fdr")
    able = found["valid"].values
    np.testing.assert_allclose(found["q"].values[able], sps.false_discovery_control(found["p"].values[able]))
    assert (found["q"].values[~able] == 1).all()


def test_dtlvc__is_the_regression_on_rows_over_the_root_of_volume():
    found = symptom_map(people(volume=VOLUME), SCORE, volume="dtlvc", correction="none")
    for k in np.flatnonzero(found["valid"].values)[:8]:
        fit = sm.OLS(SCORE, sm.add_constant(CUT[:, k] / np.sqrt(VOLUME))).fit()
        assert float(found["statistic"][k]) == pytest.approx(fit.tvalues[1])
        typical = fit.params[1] / np.sqrt(np.median(VOLUME))  # the effect of a lesion of the median volume
        assert float(found["effect"][k]) == pytest.approx(typical)


def test_svr__has_the_weights_of_scikit_learn_on_all_voxels():
    unique = patches(CUT)
    settings = {"nuisance": np.empty((N, 0)), "weights": None, "alternative": "two-sided", "n_permutations": 20}
    found = support_vector_map(SCORE, CUT[:, unique.first], size=unique.size, rng=np.random.default_rng(0), **settings)
    centred = CUT - CUT.mean(axis=0)
    kernel = centred @ centred.T
    scale = np.sqrt(np.trace(kernel) / N)
    machine = SVR(kernel="linear", C=found.cost, epsilon=0.1).fit(centred / scale, (SCORE - SCORE.mean()) / SCORE.std())
    assert found.cost in COSTS
    tolerance = 2e-3 * abs(machine.coef_).max()  # of the solver
    np.testing.assert_allclose(found.weight[unique.where] / scale, machine.coef_[0], atol=tolerance)
    assert found.p_floor == 1 / 21
    assert (found.family >= found.p - 1e-12).all()


def test_svr__counts_permutations_as_a_loop_does(monkeypatch):
    from neurolab.analysis import support_vectors

    draw = np.random.default_rng(1)
    duals, best = draw.standard_normal((12, len(COSTS), N)) * np.array(COSTS)[:, None], draw.integers(0, 4, 12)
    fits = iter(zip(duals, draw.random(12), best))
    monkeypatch.setattr(support_vectors, "_fitted", lambda kernel, y, folds: next(fits))
    settings = {"nuisance": np.empty((N, 0)), "weights": None, "alternative": "greater", "n_permutations": 11}
    found = support_vector_map(SCORE, CUT, size=np.ones(30), rng=np.random.default_rng(0), **settings)
    every = duals @ (CUT - CUT.mean(axis=0))
    scale = np.sqrt((every**2).sum(axis=2).mean(axis=0))  # the length of maps at each cost, the observed one among them
    maps = np.stack([every[k, cost] / scale[cost] for k, cost in enumerate(best)])
    np.testing.assert_allclose(found.p, (1 + (maps[1:] >= maps[0]).sum(axis=0)) / 12)
    np.testing.assert_allclose(found.family, (1 + (maps[1:].max(axis=1)[:, None] >= maps[0]).sum(axis=0)) / 12)


def as_network(score):
    """The same 0/1 rows as random lesions in trials: one site, its units; deficit = intact score - score."""
    units = [json.dumps({"conv": np.flatnonzero(row).tolist()} if row.any() else {}) for row in CUT]
    table = {"lesion_id": ["sham", *IDS], "roi": ["all", *IDS], "role": ["sham", *["target"] * N],
             "family": ["", *["random"] * N], "how": ["Sham", *["Zero"] * N]}  # fmt: skip
    trials = make_trials(
        np.r_[100.0, 100.0 - score][None, :, None], specimen=["net"], lesions=table, kind="ann",
        trial={"task": ["t"], "stimulus_id": ["s"], "condition": ["x"]},
        tasks={"t": {"unit": "score", "bounded": False, "chance": None}}, per_lesion={"lesion_units": [["{}", *units]]},
    )  # fmt: skip
    return lesion_matrix(trials, task="t")


PATHS = [
    {"rng": 0},
    {"rng": 0, "volume": "dtlvc", "alternative": "less"},
    {"correction": "fdr", "volume": "none", "test": "t"},
    {"rng": 0, "volume": "none", "test": "brunner_munzel", "n_permutations": 50},
    {"rng": 0, "test": "svr", "n_permutations": 19},
]


@pytest.mark.parametrize("choices", PATHS, ids=lambda one: f"{one.get('test', 'regression')} {one.get('volume', '')}")
def test_people_and_networks__go_through_one_path_bit_for_bit(choices):
    network, deficit = as_network(SCORE)
    np.testing.assert_array_equal(network.values, CUT)
    np.testing.assert_array_equal(deficit.values, SCORE)
    choices = {"n_permutations": 100, **choices}
    brain = symptom_map(people(volume=CUT.sum(axis=1)), pd.Series(SCORE[::-1], index=IDS[::-1]), **choices)
    units = symptom_map(network, deficit, **choices)
    assert {"brain", "ann"} == {brain.attrs["kind"], units.attrs["kind"]}
    for name in ("statistic", "effect", "low", "high", "p", "q", "coverage", "patch", "valid"):
        assert brain[name].values.tobytes() == units[name].values.tobytes()
    assert brain.attrs["inputs"] == units.attrs["inputs"]
    assert (brain.attrs["generalises_over"], units.attrs["generalises_over"]) == ("subject", "lesion draw")
    assert "not to other networks" in units.attrs["note"]
    assert "other networks" not in brain.attrs["note"]


def test_outcome__leaves_nothing_of_the_nuisance():
    left = outcome_of(SCORE, np.column_stack((VOLUME, AGE))).residual
    np.testing.assert_allclose([left.sum(), left @ VOLUME, left @ AGE], 0, atol=1e-8)
