"""One psychometric data set, checked, with its best curve, its profile likelihood and its simulated twins."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neurolab.errors import DataError, DesignError
from neurolab.stats._curves import FAMILIES, LAPSE, Curve, maximise, starts
from neurolab.stats._given import Floats, Rng, counted, floats, generator, sample

DIRECTIONS = ("increasing", "decreasing")


def counts(x: ArrayLike, k: ArrayLike, n: ArrayLike, family: str, falls: bool) -> tuple[Floats, Floats, Floats]:
    """Get levels, correct answers and trials, one per distinct level, in order."""
    level, correct = sample(x, "x"), sample(k, "k")
    trials = sample(np.broadcast_to(floats(n, "n"), np.shape(n) or level.shape), "n")
    if not level.shape == correct.shape == trials.shape:
        raise DataError(
            f"x, k and n have {level.size}, {correct.size} and {trials.size} values; expected one per level."
        )
    whole = (correct == np.round(correct)).all() and (trials == np.round(trials)).all()
    if not whole or (correct < 0).any() or (correct > trials).any() or (trials < 1).any():
        raise DataError("k or n are no counts with 0 <= k <= n and n >= 1; give numbers of trials, k = share * n.")
    if FAMILIES[family].log_x and (level < 0).any():
        raise DataError("the Weibull runs over x >= 0 and x holds negative levels; type family='norm'.")
    distinct, at = np.unique(level, return_inverse=True)
    correct = np.bincount(at, weights=correct).astype(np.float64)
    trials = np.bincount(at, weights=trials).astype(np.float64)
    share = correct / trials
    if np.ptp(share) == 0:
        raise DataError(
            f"the share correct is {share[0]:g} at every level (floor or ceiling?): no threshold can be seen."
        )
    trend = float((trials * (distinct - np.average(distinct, weights=trials)) * share).sum())
    if (trend < 0) != falls:
        other = DIRECTIONS[not falls]
        raise DataError(f"the share correct {'rises' if falls else 'falls'} with x; type direction={other!r}.")
    return distinct, correct, trials


class Problem:
    """One data set with its curve, its free parameters and its best fit, over levels that run from 0 to 1.

    In other units steps of the search are none, or too large. :meth:`given` takes a centre and log scale back.
    """

    def __init__(self, x: Floats, k: Floats, n: Floats, family: str, guess: float, lapse: float | None, falls: bool):
        kind = FAMILIES[family]
        u = np.log(np.where(x > 0, x, np.nan)) if kind.log_x else x
        seen = u[np.isfinite(u)]
        if seen.size < 2:
            raise DesignError(f"{seen.size} usable levels given; expected 2 or more above 0.")
        self.zero, self.unit = float(seen.min()), float(np.ptp(seen))
        u, seen = (u - self.zero) / self.unit, (seen - self.zero) / self.unit
        u = np.where(np.isfinite(u), u, -1e6)  # log 0: F is 0 there whatever the curve
        least, most = np.log(0.01 * np.diff(np.sort(seen)).min() / kind.span), np.log(1e3 / kind.span)
        top = LAPSE if lapse is None else lapse
        low, high = (np.array(ends) for ends in ((-np.inf, least, 0.0), (np.inf, most, top)))
        self.curve, self.k, self.n = Curve(kind, u, guess, falls, low, high), k, n
        self.inside, self.lapse_free = (seen.min(), seen.max()), lapse is None
        self.free = np.array([True, True, lapse is None])
        if x.size < self.free.sum():
            raise DesignError(f"{x.size} levels for {self.free.sum()} parameters; add levels, or fix one: lapse=0.02.")
        first = starts(Curve(kind, seen, guess, falls, low, high), 0.02 if lapse is None else lapse)
        theta, value = maximise(self.curve, first, k, n, self.free)
        self.theta, self.value = theta[value.argmax()], float(value.max())

    def given(self, theta: Floats) -> tuple[Floats, Floats]:
        """Get centres and log scales, the first two of theta, in the units of the levels."""
        return self.zero + self.unit * theta[0], np.log(self.unit) + theta[1]

    def refit(self, k: Floats) -> tuple[Floats, Floats]:
        """Get theta and the likelihood for each row of simulated answers."""
        spread = self.theta + np.array([[0, 0, 0.0], [0, 0.7, 0], [0, -0.7, 0]])
        tried = [maximise(self.curve, np.tile(start, (len(k), 1)), k, self.n, self.free) for start in spread]
        values = np.stack([value for _, value in tried])
        return np.stack([theta for theta, _ in tried])[values.argmax(axis=0), np.arange(len(k))], values.max(axis=0)

    def simulate(self, n_simulations: int, stream: np.random.Generator) -> Floats:
        """Get answers (n_simulations, levels) of an observer with the fitted curve."""
        psi = self.curve.share(self.theta[None])[0][0]
        drawn = stream.binomial(self.n.astype(np.int64), psi, (n_simulations, psi.size))
        return np.asarray(drawn, dtype=np.float64)

    def profile(self, which: int, values: Floats) -> Floats:
        """Get 2 (best - likelihood) with parameter ``which`` held at each of the values, the others at their best."""
        free = self.free.copy()
        free[which] = False
        worst = np.full(values.size, -np.inf)
        for wider in (0.0, 1.0):
            start = np.tile(self.theta, (values.size, 1))
            start[:, 1] += wider * np.log1p(np.abs(values - self.theta[0]) / np.exp(self.theta[1])) * (which == 0)
            start[:, which] = values
            worst = np.maximum(worst, maximise(self.curve, start, self.k, self.n, free)[1])
        return 2 * (self.value - worst)

    def profile_end(self, which: int, side: float, cut: float) -> float:
        """Get where the profile first passes the cut on one side; infinite where it never does."""
        unit = float(np.exp(self.theta[1])) if which == 0 else 1.0
        offsets = np.concatenate(([0.0], unit * np.geomspace(0.03, 1e3 if which == 0 else 8.0, 11)))
        for _ in range(5):
            beyond = self.profile(which, self.theta[which] + side * offsets) > cut
            if not beyond.any():
                return side * np.inf
            at = max(int(beyond.argmax()), 1)
            offsets = np.linspace(offsets[at - 1], offsets[at], 9)
        return float(self.theta[which] + side * offsets[4])


def ends_of(problem: Problem, interval: str, cut: float, level: float, n_bootstrap: int, rng: Rng | None) -> Floats:
    """Get the ends (low, high) of m and log s, rows m and log s."""
    if interval == "profile":
        return np.array([[problem.profile_end(which, side, cut) for side in (-1.0, 1.0)] for which in (0, 1)])
    stream = generator(rng, "the bootstrap")
    theta, _ = problem.refit(problem.simulate(counted(n_bootstrap, "n_bootstrap"), stream))
    tail = (1 - level) / 2
    return np.quantile(theta[:, :2], (tail, 1 - tail), axis=0).T


def notes(problem: Problem, ends: Floats) -> str:
    """Get what the reader must know about a fit, in sentences."""
    centre, log_scale, lapse = problem.theta
    low, high = problem.inside
    said = {
        "the threshold lies outside the tested levels: it is extrapolated; test harder or easier levels.": not low
        <= centre
        <= high,
        "the curve may be a step between two levels: its width is not seen; test levels between them.": (
            np.isneginf(ends[1, 0]) or log_scale <= problem.curve.low[1] + 1e-6
        ),
        f"the lapse is at its bound {LAPSE}: more errors on easy trials than a lapse explains.": problem.lapse_free
        and lapse >= LAPSE - 1e-9,
        "an end of an interval is infinite: these data do not bound it.": not np.isfinite(ends).all(),
    }
    return " ".join(sentence for sentence, holds in said.items() if holds)
