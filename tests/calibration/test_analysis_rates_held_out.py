"""The interval of a held-out effect with few presentations per fold, and shuffles computed together."""

import numpy as np
import pytest

from neurolab.analysis import held_out
from neurolab.analysis.column_tests import TWO_GROUPS
from neurolab.analysis.crossfold import CrossFold, Deal, half_interval, residuals
from neurolab.analysis.shuffled import MANY, statistics
from neurolab.simulate import phantom_recording


def one_run(seed, folds, n, n_units, planted, effect):
    """Error of a held-out effect of ``planted`` units among noise, and half its interval."""
    fold, positive = np.repeat(np.arange(folds), 2 * n), np.tile(np.repeat([True, False], n), folds)
    here, draw = np.zeros(n_units, dtype=np.int64), np.random.default_rng(seed)
    cross = CrossFold(fold, "welch", planted, None, here, np.arange(n_units), here == 0)
    deal = Deal(positive, fold, np.arange(len(fold)))
    values = draw.standard_normal((len(fold), n_units))
    values[:, :planted] += effect * positive[:, None]
    labels = np.stack([deal(draw) for _ in range(39)])
    observed = cross.students(values, positive[None])[0]
    null = cross.students(residuals(values, positive, fold), labels)
    true = effect * cross.masks(values, positive)[:, :planted].sum() / (folds * planted)
    return observed[0] - true, half_interval(observed, null, 0.95)


def test_with_one_presentation_per_side_and_fold_the_interval_is_not_doubled(calibrated):
    """Noise units, 8 folds of 1 + 1: half the interval is 2.5 times the sd of the effect (Student's t with 7: 2.4)."""
    off, half = np.array([one_run(seed, 8, 1, 40, 4, 0.0) for seed in range(100)]).T
    assert 1.9 <= np.median(half) / off.std() <= 3.2
    calibrated(np.abs(off) <= half, 0.95, side="lower")


@pytest.mark.parametrize("folds,n,n_units,planted,effect", [(4, 6, 40, 10, 1.0), (2, 10, 40, 4, 0.5)])
def test_the_interval_covers(calibrated, folds, n, n_units, planted, effect):
    """Measured over 200: .98 and .95."""
    off, half = np.array([one_run(seed, folds, n, n_units, planted, effect) for seed in range(100)]).T
    calibrated(np.abs(off) <= half, 0.95, side="lower")


def test_the_scale_of_shuffled_residuals_is_that_of_the_noise():
    """One column, no selection: the mean square of shuffled effects is the variance of the effect, 2 / (n folds)."""
    squares = []
    for seed in range(300):
        draw = np.random.default_rng(seed)
        fold, positive = np.repeat(np.arange(8), 2), np.tile([True, False], 8)
        left = residuals(draw.standard_normal((16, 1)), positive, fold)[:, 0]
        flips = draw.choice([-1.0, 1.0], size=(50, 8))
        squares.append(np.mean((flips * (left[::2] - left[1::2])).mean(axis=1) ** 2))
    assert np.mean(squares) == pytest.approx(2 / 8, rel=0.1)


@pytest.mark.parametrize("test", list(TWO_GROUPS))
@pytest.mark.parametrize("n_units", [1, 17])
def test_shuffles_together_are_the_shuffles_one_by_one_to_the_last_bit(test, n_units):
    draw = np.random.default_rng(0)
    values = draw.standard_normal((20, n_units)).round(1 if test == "rank" else 8)
    values[:, -1] = 3.0
    labels = np.stack([draw.permutation(20) < 9 + (k % 2) for k in range(7)])
    seen = []
    for here, statistic, valid in statistics(test, values, labels):
        for at, one, can in zip(here, statistic, valid):
            alone = TWO_GROUPS[test](values[labels[at]], values[~labels[at]])
            assert one.tobytes() == alone.statistic.tobytes()
            np.testing.assert_array_equal(can, alone.valid)
            seen.append(at)
    assert sorted(seen) == list(range(7))
    assert set(MANY) == set(TWO_GROUPS)


def test_held_out_says_how_its_interval_and_its_p_differ():
    recording = phantom_recording(n_units=20, n_stimuli=1, n_runs=8, rng=0)
    note = held_out(recording, "faces > objects", n_permutations=19, rng=0).attrs["note"]
    assert "p is one-sided" in note
    assert note.endswith("One network: generalises over runs only, not to other networks.")
