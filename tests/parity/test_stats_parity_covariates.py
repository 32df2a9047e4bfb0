"""Single cases given covariates, A', alpha and Fisher's mean: loops over the posterior, statsmodels, pingouin."""

import warnings

import numpy as np
import pytest
from scipy import stats as sps

from neurolab.stats import effects, reliability, single_case


def people(n, m=1, seed=0):
    """Scores on two tasks that follow m covariates."""
    stream = np.random.default_rng(seed)
    covariates = stream.normal(50, 10, (n, m))
    scores = stream.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], n) + 0.08 * covariates.sum(axis=1, keepdims=True)
    return scores, covariates


def slow_posterior(case, scores, own, covariates, df, scale, draws, stream, *, calibrated=False):
    """Draw Sigma by hand as the inverse scatter of normal vectors, then the weights, as the paper says."""
    design = np.column_stack((np.ones(len(scores)), covariates))
    inverse = np.linalg.inv(design.T @ design)
    weights = inverse @ design.T @ scores
    left = scores - design @ weights
    root = np.linalg.cholesky(np.linalg.inv(left.T @ left * scale))
    z, k = [], scores.shape[1]
    while len(z) < draws:
        vectors = root @ stream.normal(size=(k, df))
        sigma = np.linalg.inv(vectors @ vectors.T)
        if calibrated and stream.random() ** 2 > 1 - sigma[0, 1] ** 2 / (sigma[0, 0] * sigma[1, 1]):
            continue
        drawn = stream.multivariate_normal(weights.T.ravel(), np.kron(sigma, inverse)).reshape(k, -1)
        z.append((case - drawn @ np.append(1, own)) / np.sqrt(np.diag(sigma)))
        if k == 2:
            rho = sigma[0, 1] / np.sqrt(sigma[0, 0] * sigma[1, 1])
            z[-1] = (z[-1][0] - z[-1][1]) / np.sqrt(2 - 2 * rho)
    return np.array(z).ravel()


@pytest.mark.parametrize("m", [1, 2])
def test_deficit_equals_a_loop_over_the_posterior(m):
    scores, covariates = people(14, m)
    own = np.full(m, 58.0)
    case = float(scores[:, 0].mean()) - 1.5
    found = single_case.deficit_with_covariates(case, scores[:, 0], case_covariates=own, covariates=covariates)
    stream = np.random.default_rng(1)
    z = slow_posterior(np.array([case]), scores[:, :1], own, covariates, 14 - m - 1, 1.0, 6_000, stream)
    assert found.p == pytest.approx(sps.norm.cdf(z).mean(), abs=0.006)
    assert found.effect == pytest.approx(z.mean(), abs=0.04)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(z, (0.025, 0.975))), abs=0.12)
    assert found.percent_below == pytest.approx(100 * found.p)


def test_deficit_is_the_t_test_of_an_indicator_of_the_case():
    sm = pytest.importorskip("statsmodels.api")
    scores, covariates = people(14, 2)
    own = np.array([58.0, 41.0])
    found = single_case.deficit_with_covariates(1.0, scores[:, 0], case_covariates=own, covariates=covariates)
    design = np.column_stack((np.ones(15), np.vstack((covariates, own)), np.arange(15) == 14))
    theirs = sm.OLS(np.append(scores[:, 0], 1.0), design).fit()
    assert (found.t, found.df) == pytest.approx((theirs.tvalues[-1], theirs.df_resid), rel=1e-9)


def test_a_covariate_without_any_effect_gives_crawford_and_howell():
    # scores orthogonal to the covariate, a case at its mean: the same t, with one degree of freedom less
    covariate = np.array([-1.0, 1, -1, 1, -1, 1, -1, 1])
    scores = np.array([1.0, 1, 2, 2, 4, 4, 5, 5])
    found = single_case.deficit_with_covariates(-1.0, scores, case_covariates=0.0, covariates=covariate)
    plain = single_case.crawford_howell(-1.0, scores)
    assert found.df == plain.df - 1
    assert found.t == pytest.approx(plain.t * np.sqrt(6 / 7))


@pytest.mark.parametrize("prior", ["standard", "calibrated"])
def test_difference_equals_a_loop_over_the_posterior(prior):
    scores, covariates = people(14)
    case, own, calibrated = np.add(scores.mean(axis=0), [-1.5, 0.4]), np.array([55.0]), prior == "calibrated"
    found = single_case.difference_with_covariates(
        case, scores, case_covariates=own, covariates=covariates, prior=prior, rng=0
    )
    df, scale = (14 - 1 - 2, (14 - 1 - 2) / (14 - 1 - 1)) if calibrated else (14 - 1, 1.0)
    stream = np.random.default_rng(1)
    z = slow_posterior(case, scores, own, covariates, df, scale, 6_000, stream, calibrated=calibrated)
    assert found.percent_below == pytest.approx(100 * sps.norm.cdf(z).mean(), abs=0.8)
    assert found.p == pytest.approx(2 * sps.norm.cdf(z).mean(), abs=0.016)
    assert found.effect == pytest.approx(z.mean(), abs=0.05)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(z, (0.025, 0.975))), abs=0.12)


def test_v23_a_prime():
    # statistics.md V23: 20/25 hits, 10/25 false alarms
    assert effects.a_prime(20, 10, 25, 25) == pytest.approx(0.7916667, abs=5e-8)
    assert effects.a_prime(0.8, 0.4) == pytest.approx(0.7916667, abs=5e-8)
    assert effects.a_prime(0.4, 0.8) == pytest.approx(1 - 0.7916667, abs=5e-8)
    # by geometry: the mean of the least and the largest area under proper ROC curves through (F, H)
    h, f = 0.7, 0.2
    least = 0.5 + (h - f) / 2  # two straight lines
    triangle_left, triangle_right = (h - f) * f / (2 * (1 - f)), (1 - h) * (h - f) / (2 * h)
    assert effects.a_prime(h, f) == pytest.approx(least + (triangle_left + triangle_right) / 2)
    np.testing.assert_array_equal(effects.a_prime([1.0, 0.0, 0.5], [0.0, 0.0, 0.5]), [1.0, 0.5, 0.5])


def test_v29_alpha_and_fisher_mean():
    # statistics.md V29: 6 repetitions x 6 stimuli
    z = 0.6 * np.sin(0.29 * np.arange(1, 37).reshape(6, 6) ** 2) + 0.3 * np.arange(6)
    assert reliability.cronbach_alpha(z.T).effect == pytest.approx(0.8410356342, abs=1e-10)
    splits = reliability.split_half(z).splits
    stepped = reliability.spearman_brown(reliability.fisher_mean(splits))
    assert stepped == pytest.approx(0.8979613589, abs=1e-10)


def test_alpha_equals_its_formula_and_pingouin():
    pingouin = pytest.importorskip("pingouin")
    pandas = pytest.importorskip("pandas")
    x = np.random.default_rng(3).normal(size=(20, 5)) + np.random.default_rng(4).normal(size=(20, 1))
    found = reliability.cronbach_alpha(x)
    assert found.effect == pytest.approx(5 / 4 * (1 - x.var(axis=0, ddof=1).sum() / x.sum(axis=1).var(ddof=1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alpha, ends = pingouin.cronbach_alpha(pandas.DataFrame(x))
    assert found.effect == pytest.approx(alpha)
    np.testing.assert_allclose((found.low, found.high), ends, atol=6e-4)  # rounded to 3 decimals there
