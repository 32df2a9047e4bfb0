"""Bootstrap intervals, for samples of stimuli; and of stimuli within networks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps

from neurolab.errors import DataError
from neurolab.stats._given import Floats, Rng, choice, counted, generator, same_shape, sample, unit_interval
from neurolab.stats._interval import Interval

METHODS = ("bca", "percentile", "basic")
BLOCK = 2**22  # resampled values held at once


def _samples(given: ArrayLike | tuple[ArrayLike, ...], paired: bool) -> tuple[Floats, ...]:
    several = given if isinstance(given, tuple) else (given,)
    samples = tuple(sample(x, f"sample {i}", least=2) for i, x in enumerate(several))
    if paired:
        for other in samples[1:]:
            same_shape(samples[0], other)
    return samples


def bootstrap(
    samples: ArrayLike | tuple[ArrayLike, ...],
    statistic: Callable[..., Any] = np.mean,
    *,
    level: float = 0.95,
    method: str = "bca",
    n_resamples: int = 9_999,
    paired: bool = False,
    rng: Rng,
) -> Interval:
    """Get a bootstrap interval of any statistic of one or more samples of stimuli, through ``scipy.stats.bootstrap``.

    Parameters
    ----------
    samples: one sample (n,), or a tuple of them, each of which is an argument of ``statistic``.
    statistic: takes the samples; if it takes ``axis`` too, all resamples are done at once.
    method: "bca" (bias-corrected and accelerated), "percentile" or "basic".
    paired: resample rows that belong together, as for a correlation.

    Returns
    -------
    Interval.  Where BCa is undefined (equal values) it falls back to the percentile method; ``method`` and ``note``
    say so.

    When this is invalid
    --------------------
    Fewer than 30 values: BCa at n = 8 covers .88 where .95 is asked; for networks or people use ``mean_interval``.

    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap.

    Example
    -------
    >>> bootstrap([1.0, 1.0, 1.0], rng=0).note
    'BCa is undefined for these data (a degenerate bootstrap distribution); percentile interval instead.'
    """
    data = _samples(samples, paired)
    choice(method, METHODS, "method")
    unit_interval(level, "level")
    stream = generator(rng, "a bootstrap")
    kept: dict[str, Any] = {"paired": paired, "confidence_level": level}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", sps.DegenerateDataWarning)
        scipy_method: Any = {"bca": "BCa"}.get(method, method)
        done = sps.bootstrap(
            data, statistic, n_resamples=counted(n_resamples, "n_resamples"), method=scipy_method, rng=stream, **kept
        )
    note = ""
    if not np.isfinite(done.confidence_interval).all() and method == "bca":
        note = "BCa is undefined for these data (a degenerate bootstrap distribution); percentile interval instead."
        method = "percentile"
        done = sps.bootstrap(
            data, statistic, n_resamples=0, bootstrap_result=done, method="percentile", rng=stream, **kept
        )
    low, high = (float(end) for end in done.confidence_interval)
    return Interval(float(statistic(*data)), low, high, level, method, data[0].size, note)


def acceleration(
    samples: ArrayLike | tuple[ArrayLike, ...], statistic: Callable[..., Any] = np.mean, *, paired: bool = False
) -> float:
    """Get the acceleration of BCa from the jackknife: sum d^3 / (6 (sum d^2)^1.5), samples pooled as in R's ``boot``.

    Source: Efron & Tibshirani (1993), eq. 14.15; Davison & Hinkley (1997), eq. 5.21 for several samples.

    Example
    -------
    >>> round(acceleration([10.0, 12, 12.5, 12.5, 13.9, 15, 21, 22, 23, 34]), 4)
    0.0577
    """
    data = _samples(samples, paired)
    left_out = []
    for i, x in enumerate(data[:1] if paired else data):
        without = [[np.delete(y, at) if paired or i == j else y for j, y in enumerate(data)] for at in range(x.size)]
        values = np.array([float(statistic(*some)) for some in without])
        left_out.append((values.mean() - values) * (x.size - 1) / x.size)
    d = np.concatenate(left_out)
    if not (d**2).sum() > 0:
        raise DataError("the statistic does not change when a value is left out; its acceleration is undefined.")
    return float((d**3).sum() / (6 * (d**2).sum() ** 1.5))


def hierarchical_bootstrap(
    x: ArrayLike | Sequence[ArrayLike], *, level: float = 0.95, n_resamples: int = 9_999, rng: Rng
) -> Interval:
    """Get the percentile interval of the mean over networks of each network's mean over its stimuli, both resampled.

    Networks are drawn with replacement, then stimuli within each drawn network.

    Parameters
    ----------
    x: networks x stimuli, or a list with one (n_stimuli,) array per network.

    When this is invalid
    --------------------
    Few networks: like every bootstrap it is too narrow below some 30 of them; report ``mean_interval`` of the network
    means, and this beside it.

    Source: Saravanan, Berman & Sober (2020), arXiv:2007.07797.

    Example
    -------
    >>> ends = hierarchical_bootstrap([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], n_resamples=500, rng=0)
    >>> ends.effect, ends.low < 2.5 < ends.high
    (2.5, True)
    """
    if not isinstance(x, list | tuple) and np.ndim(x) == 0:  # type: ignore[arg-type]
        raise DataError(f"{x!r} given; expected networks x stimuli, or a list with one array per network.")
    networks = [sample(row, f"network {i}") for i, row in enumerate(x)]  # type: ignore[arg-type]
    unit_interval(level, "level")
    counted(len(networks), "the number of networks", least=2)
    stream, n_resamples = generator(rng, "a bootstrap"), counted(n_resamples, "n_resamples")
    drawn = stream.integers(len(networks), size=(n_resamples, len(networks)))
    means = np.empty(drawn.shape)
    for i, values in enumerate(networks):
        rows, places = np.nonzero(drawn == i)
        step = max(1, BLOCK // values.size)
        for start in range(0, rows.size, step):
            at = slice(start, start + step)
            picks = stream.integers(values.size, size=(rows[at].size, values.size))
            means[rows[at], places[at]] = values[picks].mean(axis=1)
    tail = (1 - level) / 2
    low, high = (float(q) for q in np.quantile(means.mean(axis=1), (tail, 1 - tail)))
    effect = float(np.mean([values.mean() for values in networks]))
    return Interval(effect, low, high, level, "hierarchical", len(networks))
