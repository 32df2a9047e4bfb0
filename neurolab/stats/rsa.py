"""How alike models and brains are in their distances between stimuli, tested for new people and new stimuli at once.

Distances that share a stimulus vary together, and so do all distances of one person. What each distance adds to a
score (its influence) is therefore summed by stimulus and by person before it is squared: no resampling, no chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as sps
from scipy.optimize import brentq

from neurolab.errors import DataError, DesignError
from neurolab.stats._given import ALTERNATIVES, TINY, Floats, choice, floats, unit_interval

METHODS = ("spearman", "corr", "cosine")
FEWEST = 10  # stimuli: with fewer the variance over them is hardly known
FEW = 4  # people: with fewer the degrees of freedom are not estimated but the fewest


@dataclass(frozen=True)
class Influence:
    """Scores (model, person), and what each pair of stimuli adds to them (model, person, pair), with a mean of 0."""

    score: Floats
    influence: Floats
    n_stimuli: int


@dataclass(frozen=True)
class RsaTest:
    """A mean over people, tested by t, one per leading entry, with its degrees of freedom."""

    effect: Floats
    low: Floats
    high: Floats
    p: Floats
    p_floor: float
    se: Floats
    df: Floats


def influences(models: ArrayLike, data: ArrayLike, *, method: str = "spearman") -> Influence:
    """Get how alike every model is to every person, and the influence of each pair of stimuli on that.

    The score of slightly other stimuli is the score + the mean influence of their pairs, to first order; that of
    Spearman's rho counts how a pair moves the ranks of the others.

    Parameters
    ----------
    models, data: condensed RDMs (n_models, n_pairs), (n_people, n_pairs), over the same stimuli in the same order.
    method: "spearman", "corr" or "cosine", as in ``stats.similarity.compare_rdms``.

    Source: Hampel (1974); Croux & Dehon (2010), doi:10.1007/s10260-010-0142-z, for Spearman's rho.

    Example
    -------
    >>> brain = np.random.default_rng(0).random((3, 45))
    >>> found = influences(brain.mean(axis=0), brain)
    >>> found.score.shape, found.influence.shape, found.n_stimuli
    ((1, 3), (1, 3, 45), 10)
    """
    choice(method, METHODS, "method")
    first, second = (_given(x, what) for x, what in ((models, "models"), (data, "data")))
    if first.shape[1] != second.shape[1]:
        raise DataError(f"RDMs of {first.shape[1]} and {second.shape[1]} distances given; expected the same stimuli.")
    n = round((1 + np.sqrt(1 + 8 * first.shape[1])) / 2)
    if n * (n - 1) // 2 != first.shape[1]:
        raise DataError(f"{first.shape[1]} distances given, which no number of stimuli has; expected n (n - 1) / 2.")
    if n < FEWEST:
        raise DesignError(f"{n} stimuli given; to generalise over stimuli takes {FEWEST} or more.")
    ready = [[_Ready(vector, method) for vector in some] for some in (first, second)]
    found = [[_pairwise(a, b, method) for b in ready[1]] for a in ready[0]]
    score = np.array([[one[0] for one in row] for row in found])
    return Influence(score, np.array([[one[1] for one in row] for row in found]), n)


def _given(rdms: ArrayLike, what: str) -> Floats:
    array = np.atleast_2d(floats(rdms, what))
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise DataError(f"{what} has shape {array.shape}, or holds NaN; expected condensed RDMs (n, n_pairs).")
    if (np.ptp(array, axis=1) == 0).any():
        raise DataError(f"{what} holds an RDM of equal distances: no order of distances to compare.")
    return array


class _Ready:
    """One RDM as it is compared, of mean square 1; for ranks also its order and where its ties begin."""

    def __init__(self, vector: Floats, method: str) -> None:
        turned = {"spearman": sps.rankdata, "corr": np.asarray, "cosine": np.asarray}[method](vector)
        turned = turned if method == "cosine" else turned - turned.mean()
        self.value = turned / np.sqrt(np.mean(turned**2))
        if method == "spearman":
            self.order = np.argsort(vector, kind="stable")
            ordered = vector[self.order]
            self.starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
            self.sizes = np.diff(np.append(self.starts, len(vector)))
            # what a pair adds to the rank of those above it, in the unit of ``value``
            self.step = 1.0 / np.sqrt(np.mean((turned / len(vector)) ** 2))

    def above(self, other: Floats) -> Floats:
        """Get, for each pair, the mean of ``other`` over the pairs whose distance is larger (half of those alike)."""
        sums = np.add.reduceat(other[self.order], self.starts)
        reached = sums[::-1].cumsum()[::-1] - sums / 2
        found = np.empty_like(other)
        found[self.order] = np.repeat(reached, self.sizes)
        return found * self.step / len(other)


def _pairwise(a: _Ready, b: _Ready, method: str) -> tuple[float, Floats]:
    """Get a score and the influence of each pair on it."""
    product = a.value * b.value
    score = float(product.mean())
    if method == "spearman":
        return score, product + a.above(b.value) + b.above(a.value) - 3 * score
    return score, product - score * (a.value**2 + b.value**2) / 2


def rsa_test(
    score: ArrayLike, influence: ArrayLike, *, level: float = 0.95, alternative: str = "two-sided"
) -> RsaTest:
    """Get the t test that a mean over people is 0, for new people and new stimuli (of one RDM: for new stimuli).

    The variance is that over people + that over stimuli - what both count, never below either.  That over stimuli is
    dyadic: influences are summed by stimulus, squared and summed, so that distances which share one may vary together.
    The degrees of freedom are Satterthwaite's of the two, or with 2 or 3 people those of the smaller sample.

    Parameters
    ----------
    score: (..., n_people), a score or a difference of scores per person. influence: (..., n_people, n_pairs), from
        ``influences``; of a difference of scores, the difference of their influences.

    Returns
    -------
    RsaTest; a difference that is 0 in every pair has p = 1.

    When this is invalid
    --------------------
    Approximate: at .05 it rejected .02 to .07 of true nulls with one or with 4 or more people and 20 or more stimuli,
    and .00 with 2 people (2,000 simulations each; ``neurolab calibrate --only rsa_test``). More with one RDM whose
    distances rest on few features: of Euclidean distances in 6 to 8 features it called two equally good models
    different in .10 to .11 with 20 stimuli and .07 to .10 with 40, an unrelated model related in .07 to .08 (500 to
    1,000 simulations each; correlation distances of 6 features: .07, .02). Bootstraps of stimuli, as
    rsatoolbox's, count the noise of a pair three times and are conservative where pairs, not stimuli, are noisy.

    Source: Aronow, Samii & Assenova (2015), doi:10.1093/pan/mpv018; Cameron, Gelbach & Miller (2011),
    doi:10.1198/jbes.2010.07136, for the two kinds of cluster; Schuett et al. (2023), doi:10.7554/eLife.82566, for
    people and stimuli at once.

    Example
    -------
    >>> draw = np.random.default_rng(0).normal(0.3, 0.3, size=(4, 190))
    >>> bool(rsa_test(draw.mean(axis=1), draw - draw.mean(axis=1, keepdims=True)).p < 0.01)
    True
    """
    values, each = floats(score, "score"), floats(influence, "influence")
    n = round((1 + np.sqrt(1 + 8 * each.shape[-1])) / 2)
    if each.shape[:-1] != values.shape or n * (n - 1) // 2 != each.shape[-1]:
        raise DataError(f"influence has shape {each.shape}; expected (*{values.shape}, n_pairs) from influences().")
    choice(alternative, ALTERNATIVES, "alternative")
    effect = values.mean(axis=-1)
    variance, df = _variance(values, each, n)
    se = np.sqrt(variance)
    none = (se == 0) & (effect == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(none, 0.0, effect / se)
    tails = {"two-sided": 2 * sps.t.sf(np.abs(t), df), "greater": sps.t.sf(t, df), "less": sps.t.cdf(t, df)}
    p = np.where(none, 1.0, np.maximum(tails[alternative], TINY))
    reach = sps.t.ppf(0.5 + unit_interval(level, "level") / 2, df) * se
    return RsaTest(effect, effect - reach, effect + reach, p, TINY, se, df)


def share_of(
    score: ArrayLike, influence: ArrayLike, whole: ArrayLike, whole_influence: ArrayLike, *, level: float = 0.95
) -> tuple[float, float, float]:
    """Get a mean over people as a share of another mean, with the interval that inverts ``rsa_test`` (Fieller's).

    A share r lies in the interval where ``score - r * whole`` is not told apart from 0. Where the whole itself is not
    told apart from 0, any share may be: the interval is endless.

    Parameters
    ----------
    score, influence: as for ``rsa_test``, of one difference. whole, whole_influence: of what it is a share of.

    Source: Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x.

    Example
    -------
    >>> draw = np.random.default_rng(0).normal(0.3, 0.3, size=(4, 190))
    >>> own = draw - draw.mean(axis=1, keepdims=True)
    >>> [round(float(x), 6) for x in share_of(draw.mean(axis=1) / 2, own / 2, draw.mean(axis=1), own)]
    [0.5, 0.5, 0.5]
    """
    part, pull, all_, drag = (floats(x, "a share") for x in (score, influence, whole, whole_influence))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = float(part.mean() / all_.mean())

    def beyond(r: float) -> float:
        return float(1 - level - rsa_test(part - r * all_, pull - r * drag, level=level).p)

    if not rsa_test(all_, drag, level=level).p < 1 - level:
        return share, -np.inf, np.inf
    if not part.any() and not pull.any():
        return 0.0, 0.0, 0.0
    ends = []
    for side in (-1, 1):
        reach = 1e-9
        while beyond(share + side * reach) < 0:
            reach *= 2
        ends.append(share if beyond(share) >= 0 else float(brentq(beyond, share, share + side * reach, xtol=1e-12)))
    return share, ends[0], ends[1]


def _variance(score: Floats, influence: Floats, n: int) -> tuple[Floats, Floats]:
    """Get the variance of the mean over people, for new people and new stimuli, and its degrees of freedom."""
    people, common = score.shape[-1], influence.mean(axis=-2)
    stimuli = _dyadic(common, n)
    if people == 1:
        return stimuli, np.full(stimuli.shape, n - 1.0)
    subjects = score.var(axis=-1, ddof=1) / people
    own = _dyadic(influence - common[..., None, :], n).sum(axis=-1) / (people * (people - 1))
    variance = np.maximum(subjects + stimuli - own, np.maximum(subjects, stimuli))
    fewest = np.full(variance.shape, min(people, n) - 1.0)
    if people < FEW:
        return variance, fewest
    with np.errstate(invalid="ignore", divide="ignore"):
        df = variance**2 / (subjects**2 / (people - 1) + stimuli**2 / (n - 1))
    return variance, np.where(variance > 0, np.clip(df, fewest, people + n - 2.0), fewest)


def _dyadic(influence: Floats, n: int) -> Floats:
    """Get the variance of a mean over pairs in which pairs with a stimulus in common vary together."""
    i, j = np.triu_indices(n, 1)
    member = np.zeros((len(i), n))
    member[np.arange(len(i)), i] = member[np.arange(len(j)), j] = 1.0
    apart = (influence**2).sum(axis=-1)  # as if all pairs were independent: the least it can be
    shared = ((influence @ member) ** 2).sum(axis=-1) - apart
    return np.maximum(shared, apart) / len(i) ** 2 * n / (n - 1)
