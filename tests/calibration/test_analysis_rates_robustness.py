"""Rates of robustness, recovery and savings at the edge of their nulls: eight networks, sign-flips, attainable level.

The verbs do what is simulated here; ``tests/parity/test_analysis_robustness.py`` holds them to it number by number.
"""

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr, ndtri

from neurolab.analysis.saved import Times, savings
from neurolab.analysis.steps import first_reached
from neurolab.stats.equivalence import sign_flip_tost
from neurolab.stats.permutation import sign_flip
from neurolab.stats.psychometric import half_point, normalised_area
from neurolab.stats.shares import sign_flip_share

N, ONE, TWO = 200, 12 / 256, 12 / 256  # 8 networks: p steps by 1/256 one-sided, by 2/256 two-sided
FIVE = np.array([0, 0.25, 0.5, 1, 2, 4])
EIGHT = np.array([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 4])


def heard(seed, strengths, n_stimuli, true, spread=0.1):
    """Mean scores (8, condition, strength) of units in noise, ED50 ``true``, as ``phantom_noise`` draws them."""
    draw = np.random.default_rng(seed)
    own = np.asarray(true) * (1 + spread * draw.standard_normal((8, len(true))))
    with np.errstate(divide="ignore"):
        right = 0.5 + 0.45 * (2 * ndtr(ndtri(0.75) * own[..., None] / strengths) - 1)
    luck = draw.random((8, n_stimuli, 1, 1))
    return (luck < right[:, None]).mean(axis=1)


def halves(seed, strengths=FIVE, n_stimuli=100, true=(1.0, 1.0)):
    score = heard(seed, strengths, n_stimuli, true)
    found = [[half_point(strengths, y, chance=0.5) for y in of] for of in score]
    return score, np.minimum(found, strengths[-1])


@pytest.fixture(scope="module")
def null():
    """(area, ED50) differences of two conditions that are equally robust, a hundred stimuli each."""
    found = []
    for seed in range(N):
        score, ed50 = halves(seed)
        area = [normalised_area(FIVE, y, chance=0.5, intact=y[:, 0]) for y in score.transpose(1, 0, 2)]
        found.append((area[1] - area[0], ed50[:, 1] - ed50[:, 0]))
    return found


@pytest.mark.parametrize("at", [0, 1], ids=["area", "ED50"])
def test_equal_robustness_is_called_a_shift_at_the_attainable_level(null, calibrated, at):
    calibrated([sign_flip(pair[at]).p <= 0.05 for pair in null], TWO)


def test_the_shift_of_censored_halves_keeps_its_level(calibrated):
    """Both ED50 lie about the end of the ladder, so that half of the readings are cut off there."""
    found = [halves(seed, true=(4.0, 4.0))[1] for seed in range(N)]
    assert 0.2 < np.mean(np.stack(found) == 4.0) < 0.8
    calibrated([sign_flip(ed50[:, 1] - ed50[:, 0]).p <= 0.05 for ed50 in found], TWO, side="upper")


@pytest.mark.parametrize(
    ("strengths", "n_stimuli", "published"), [(FIVE, 100, 0.90), (FIVE, 400, 0.94), (EIGHT, 100, 0.94)],
    ids=["5 strengths, 100 stimuli", "5 strengths, 400 stimuli", "8 strengths, 100 stimuli"],
)  # fmt: skip
def test_the_interval_of_the_ed50_covers_it_at_the_published_rate(calibrated, strengths, n_stimuli, published):
    """A half read off few, noisy scores is a little too high: limits of use, in the docstring of ``robustness``."""
    tests = [sign_flip(halves(10_000 + seed, strengths, n_stimuli, (1.0,))[1][:, 0]) for seed in range(N)]
    calibrated([test.low <= 1.0 <= test.high for test in tests], published)


def test_the_interval_of_the_shift_covers_it(calibrated):
    tests = []
    for seed in range(N):
        _, ed50 = halves(20_000 + seed, EIGHT, 400, (1.0, 0.5))
        tests.append(sign_flip(ed50[:, 1] - ed50[:, 0]))
    calibrated([test.low <= -0.5 <= test.high for test in tests], 0.95)


def deficits(seed, initial, remaining, scatter=0.1):
    draw = np.random.default_rng(seed)
    return initial + scatter * draw.standard_normal(8), remaining + scatter * draw.standard_normal(8)


def test_no_recovery_is_called_recovery_at_the_attainable_level(calibrated):
    tests = [sign_flip(a - b, alternative="greater") for a, b in (deficits(seed, 0.5, 0.5) for seed in range(N))]
    calibrated([test.p <= 0.05 for test in tests], ONE)


def test_the_interval_of_the_share_covers_it(calibrated):
    """Exact where gain - share x base is symmetric, which normal scatter about any share is."""
    shares = [sign_flip_share(a - b, a) for a, b in (deficits(30_000 + seed, 0.5, 0.2) for seed in range(N))]
    calibrated([share.low <= 0.6 <= share.high for share in shares], 1 - TWO)


def test_the_interval_of_the_share_covers_it_where_some_deficits_are_negative(calibrated):
    drawn = [deficits(40_000 + seed, 0.2, 0.1, scatter=0.15) for seed in range(100)]
    assert np.mean([(a < 0).any() for a, _ in drawn]) > 0.3
    shares = [sign_flip_share(a - b, a) for a, b in drawn if a.mean() > 0]
    calibrated([share.low <= 0.5 <= share.high for share in shares], 1 - TWO, side="lower")


def test_impaired_at_the_bound_is_called_recovered_at_the_attainable_level(calibrated):
    tests = [sign_flip_tost(deficits(50_000 + seed, 0.5, 0.08, 0.02)[1], bounds=0.08, alpha=0.05) for seed in range(N)]
    calibrated([test.p <= 0.05 for test in tests], ONE)


def learned(seed, cost):
    """Steps to criterion of two trainings of eight networks, looked at every fifth step and cut off at 60."""
    draw = np.random.default_rng(seed)
    steps = np.arange(0, 61, 5)
    times = draw.gamma(8, 5, (2, 8)) * np.array([1.0, cost])[:, None]
    return [first_reached((steps >= row[:, None]).astype(float), steps, np.full(8, 0.5))[0] for row in times]


@pytest.mark.parametrize("ends", [(80, 25), (25, 80)])
def test_to_follow_one_training_further_saves_nothing(calibrated, ends):
    """Both take as long, with an sd as large as the mean, and one is followed to 80, the other to 25."""
    tests = []
    for seed in range(1000):
        times = np.ceil(np.random.default_rng(seed).exponential(25, (2, 8)))
        last = np.array(ends, dtype=float)[:, None]
        known = Times(np.minimum(times, last), times <= last, np.broadcast_to(last, times.shape))
        tests.append(sign_flip(known.even[0] - known.even[1], alternative="greater").p)
    calibrated([p <= 0.05 for p in tests], ONE, side="upper")
    one = savings(_curves(ends), criterion=0.5, rng=0)  # the verb takes its p from there
    known = Times(one["steps"].values, one["reached"].values, np.array([[ends[0]] * 8, [ends[1]] * 8], dtype=float))
    assert float(one["p"]) == sign_flip(known.even[0] - known.even[1], alternative="greater").p
    assert float(one["p"]) != sign_flip(known.saved, alternative="greater").p


def _curves(ends):
    times = np.ceil(np.random.default_rng(3).exponential(25, (8, 2)))
    step = np.arange(max(ends) + 1)
    score = (step >= times[..., None]).astype(float)
    score[step > np.array(ends)[None, :, None] * np.ones((8, 2, 1))] = np.nan
    coords = {"specimen": np.arange(8), "arm": ["first learning", "relearning"], "step": step}
    return xr.DataArray(score, dims=list(coords), coords=coords)


def test_relearning_as_slow_as_learning_is_called_savings_no_more_than_asked(calibrated):
    """Steps tie, and some are cut off: ties count against the claim."""
    tests = [sign_flip(a - b, alternative="greater") for a, b in (learned(seed, 1.0) for seed in range(N))]
    calibrated([test.p <= 0.05 for test in tests], ONE, side="upper")
    tests = [sign_flip(a - b, alternative="greater") for a, b in (learned(seed, 0.4) for seed in range(40))]
    assert np.mean([test.p <= 0.05 for test in tests]) > 0.9
