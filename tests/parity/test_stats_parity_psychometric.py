"""Psychometric and dose-response fits against general optimisers, statsmodels and psignifit."""

import warnings

import numpy as np
import pytest
from scipy import stats as sps
from scipy.optimize import brentq, curve_fit, minimize

from neurolab.stats import psychometric

X = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
K = np.array([27, 31, 37, 46, 49, 48])
CDF = {
    "norm": lambda x, m, s: sps.norm.cdf((x - m) / s),
    "logistic": lambda x, m, s: sps.logistic.cdf((x - m) / s),
    # scipy's Weibull with its median at m and exponent 1/s
    "weibull": lambda x, m, s: sps.weibull_min.cdf(x, 1 / s, scale=m / np.log(2) ** s),
}


def slow_deviance(family, guess, lapse, m, s):
    psi = guess + (1 - guess - lapse) * CDF[family](X, m, s)
    return -2 * sps.binom.logpmf(K, 50, np.clip(psi, 1e-12, 1 - 1e-12)).sum()


def slow_fit(family, guess, held=None):
    """Minimise by simplex from several starts, with the threshold free or held."""

    def loss(v):
        m = v[2] if held is None else held
        return slow_deviance(family, guess, 0.1 * sps.logistic.cdf(v[0]), m, np.exp(v[1]))

    tried = []
    for log_s in (-1.0, 0.0, 1.0):
        for centre in (2.0, 3.5):
            start = [-1.0, log_s] + ([centre] if held is None else [])
            options = {"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000}
            tried.append(minimize(loss, start, method="Nelder-Mead", options=options))
    return min(tried, key=lambda found: found.fun)


@pytest.mark.parametrize("family", list(CDF))
def test_the_fit_and_its_profile_equal_a_slow_search(family):
    found, slow = psychometric.fit(X, K, 50, guess=0.5, family=family), slow_fit(family, 0.5)
    ours = slow_deviance(family, 0.5, found.lapse, found.threshold, found.scale)
    assert ours <= slow.fun + 1e-6  # at least as likely as the best of the slow search
    assert found.threshold == pytest.approx(slow.x[2], abs=2e-3)
    cut = slow.fun + sps.chi2.ppf(0.95, 1)
    low = brentq(lambda m: slow_fit(family, 0.5, m).fun - cut, found.threshold * 0.6, found.threshold, xtol=1e-4)
    high = brentq(lambda m: slow_fit(family, 0.5, m).fun - cut, found.threshold, found.threshold * 1.5, xtol=1e-4)
    assert (found.threshold_low, found.threshold_high) == pytest.approx((low, high), abs=2e-3)


@pytest.mark.parametrize(("family", "link"), [("norm", "Probit"), ("logistic", "Logit"), ("weibull", "CLogLog")])
def test_without_guess_and_lapse_it_is_a_generalised_linear_model(family, link):
    sm = pytest.importorskip("statsmodels.api")
    k = np.array([2, 9, 20, 33, 46, 49])
    u = np.log(X) if family == "weibull" else X
    model = sm.GLM(
        np.column_stack((k, 50 - k)),
        sm.add_constant(u),
        family=sm.families.Binomial(link=getattr(sm.families.links, link)()),
    ).fit(tol=1e-14)
    a, b = model.params
    middle = np.log(np.log(2)) if family == "weibull" else 0.0
    found = psychometric.fit(X, k, 50, guess=0.0, lapse=0.0, family=family)
    threshold = np.log(found.threshold) if family == "weibull" else found.threshold
    assert (threshold, found.scale) == pytest.approx(((middle - a) / b, 1 / b), rel=1e-6)
    assert found.deviance == pytest.approx(model.deviance, rel=1e-8)
    np.testing.assert_allclose(found.predict(X), model.fittedvalues, rtol=1e-6)


def test_width_is_the_span_from_05_to_95():
    for family in CDF:
        found = psychometric.fit(X, K, 50, guess=0.5, lapse=0.02, family=family)
        ends = [brentq(lambda x, q=q, f=family, r=found: CDF[f](x, r.threshold, r.scale) - q, 0.01, 50)
                for q in (0.05, 0.95)]  # fmt: skip
        span = np.log(ends[1] / ends[0]) if family == "weibull" else ends[1] - ends[0]
        assert found.width == pytest.approx(span, rel=1e-6)
        assert found.predict(found.threshold) == pytest.approx(0.5 + 0.48 / 2)


def test_bootstrap_ends_equal_a_loop_of_single_fits():
    found = psychometric.fit(X, K, 50, guess=0.5, interval="bootstrap", n_bootstrap=99, rng=3)
    answers = np.random.default_rng(3).binomial(50, found.predict(X), (99, 6))
    loop = [psychometric.fit(X, k, 50, guess=0.5, interval="bootstrap", n_bootstrap=1, rng=0) for k in answers]
    ends = np.quantile([one.threshold for one in loop], (0.025, 0.975))
    assert (found.low, found.high) == pytest.approx(tuple(ends), abs=0.03)


def test_goodness_of_fit_equals_chi_square_for_many_trials():
    k = np.round(2000 * (0.5 + 0.5 * sps.norm.cdf((X - 3) / 1.2))) + np.array([20, -25, 30, -30, 25, -15])
    found = psychometric.goodness_of_fit(X, k, 2000, guess=0.5, lapse=0.0, n_simulations=4_000, rng=0)
    assert found.p == pytest.approx(sps.chi2.sf(found.deviance, 4), abs=0.02)
    assert found.effect == pytest.approx(found.deviance / 4)


def test_psignifit_agrees_on_many_trials():
    psignifit = pytest.importorskip("psignifit", reason="the second opinion psignifit is not installed")
    x = np.linspace(0.5, 6, 8)
    n = np.full(8, 2000)
    k = np.random.default_rng(0).binomial(n, 0.5 + 0.48 * sps.norm.cdf((x - 3) / 1.1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = psignifit.psignifit(
            np.column_stack((x, k, n)), experiment_type="2AFC", sigmoid="norm", fixed_parameters={"eta": 0.0}
        )
    found = psychometric.fit(x, k, n, guess=0.5)
    mode = theirs.get_parameter_estimate(estimate_type="MAP")
    assert found.threshold == pytest.approx(mode["threshold"], abs=0.02)
    assert found.width == pytest.approx(mode["width"], rel=0.02)
    assert found.lapse == pytest.approx(mode["lambda"], abs=0.004)
    ends = np.ravel(theirs.confidence_intervals["threshold"]["0.95"])
    assert (found.low, found.high) == pytest.approx(tuple(ends), abs=0.02)


DOSES = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8])


def four_parameters(x, m, s, top):
    return 0.25 + (top - 0.25) / (1 + np.exp((x - m) / s))


def test_v33_dose_response():
    # statistics.md V33 (closed form)
    y = [0.890076, 0.877611, 0.850692, 0.703089, 0.446911, 0.259924, 0.250068]
    np.testing.assert_allclose(four_parameters(DOSES, 0.25, 0.06, 0.9), y, atol=6e-7)
    exact = psychometric.dose_response(DOSES, four_parameters(DOSES, 0.25, 0.06, 0.9), chance=0.25)
    assert (exact.midpoint, exact.scale, exact.top) == pytest.approx((0.25, 0.06, 0.9), abs=1e-6)
    np.testing.assert_allclose(exact.predict(DOSES), y, atol=6e-7)
    rounded = psychometric.dose_response(DOSES, y, chance=0.25)
    assert (rounded.midpoint, rounded.scale, rounded.top) == pytest.approx((0.25, 0.06, 0.9), abs=1e-4)


def test_dose_response_equals_scipy_curve_fit_and_a_slow_profile():
    y = four_parameters(DOSES, 0.25, 0.08, 0.9) + 0.02 * np.random.default_rng(1).normal(size=7)
    found = psychometric.dose_response(DOSES, y, chance=0.25)
    best, _ = curve_fit(four_parameters, DOSES, y, p0=[0.25, 0.08, 0.9])
    assert (found.midpoint, found.scale, found.top) == pytest.approx(tuple(best), rel=1e-5)
    least = ((y - four_parameters(DOSES, *best)) ** 2).sum()
    assert found.residual_sd == pytest.approx(np.sqrt(least / 4), rel=1e-8)

    def excess(m):
        (s, top), _ = curve_fit(lambda x, s, top: four_parameters(x, m, s, top), DOSES, y, p0=best[1:])
        return ((y - four_parameters(DOSES, m, s, top)) ** 2).sum() - least * (1 + sps.f.ppf(0.95, 1, 4) / 4)

    ends = (brentq(excess, 0.15, best[0]), brentq(excess, best[0], 0.35))
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-5)


def test_area_equals_a_sum_of_trapezoids():
    y = np.random.default_rng(2).random((3, 7))
    intact = np.array([0.9, 0.8, 0.95])
    found = psychometric.normalised_area(DOSES, y, chance=0.25, intact=intact)
    for row in range(3):
        above = [(value - 0.25) / (intact[row] - 0.25) for value in y[row]]
        slow = sum((DOSES[i + 1] - DOSES[i]) * (above[i] + above[i + 1]) / 2 for i in range(6)) / 0.8
        assert found[row] == pytest.approx(slow)
    turned = psychometric.normalised_area(DOSES[::-1], y[:, ::-1], chance=0.25, intact=intact)
    np.testing.assert_allclose(turned, found)
