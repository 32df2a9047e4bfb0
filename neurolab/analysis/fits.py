"""Models of single trials, fitted by statsmodels, each with what it warned of: a check beside a test, not the test."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats as sps

MOST_ROWS, MOST_PER_CLUSTER, MANY = 20_000, 1_000, 40  # above MANY clusters a sandwich needs no small-sample mending
FEWEST = 3


@dataclass(frozen=True, eq=False)
class Pairs:
    """Scores of the same presentations without and with a lesion, and whose they are.

    intact, lesioned : (n,). cluster : (n,) number of the member of the sample. plural : what members are called.
    single : whether both are single rows of trials, not means over draws.
    """

    intact: np.ndarray
    lesioned: np.ndarray
    cluster: np.ndarray
    plural: str
    single: bool

    @property
    def n(self) -> int:
        """The number of members."""
        return int(self.cluster.max()) + 1

    @property
    def binary(self) -> bool:
        """Whether every score is 0 or 1."""
        return bool(np.isin(self.intact, (0, 1)).all() and np.isin(self.lesioned, (0, 1)).all())

    @property
    def means(self) -> np.ndarray:
        """The mean deficit of each member (n,)."""
        count = np.bincount(self.cluster)
        return np.bincount(self.cluster, self.intact - self.lesioned) / count


@dataclass(frozen=True)
class Fit:
    """One model's estimate of the deficit; NaN with a reason in ``said`` where it was not fitted."""

    effect: float = np.nan
    se: float = np.nan
    df: float = np.nan
    unit: str = "score"
    said: tuple[str, ...] = ()

    def interval(self, level: float) -> tuple[float, float]:
        """Get the ends of the interval."""
        half = float(sps.t.ppf(0.5 + level / 2, self.df)) * self.se
        return self.effect - half, self.effect + half

    @property
    def p(self) -> float:
        """Two-sided, from t with one df less than there are members: a normal would reject too often over few."""
        p = 2 * sps.t.sf(abs(self.effect / self.se), self.df) if self.se > 0 else np.nan
        return float(max(p, np.finfo(float).tiny)) if np.isfinite(p) else np.nan


def linear_mixed(pairs: Pairs) -> Fit:
    """Get the mean deficit from a linear mixed model of the paired differences with a random intercept per member.

    Of the scores themselves that is the model with random intercepts and slopes for member and fixed presentations.
    """
    import statsmodels.api as sm

    difference = pairs.intact - pairs.lesioned
    if np.bincount(pairs.cluster).max() < 2:
        return Fit(said=(f"one difference for each of the {pairs.plural} leaves nothing for a mixed model to mix.",))
    if np.ptp(difference) == 0:
        return Fit(said=("all differences are the same, so there is no variance to model.",))
    fitted, said = _heard(lambda: sm.MixedLM(difference, np.ones((len(difference), 1)), groups=pairs.cluster).fit())
    if fitted is None or not np.isfinite(fitted.bse[0]):
        return Fit(said=said or ("it gave no standard error.",))
    more = () if fitted.converged else ("it did not converge.",)
    return Fit(float(fitted.params[0]), float(fitted.bse[0]), pairs.n - 1, "score", (*said, *more))


def gee(pairs: Pairs) -> Fit:
    """Get the deficit from generalised estimating equations clustered by member, exchangeable within.

    Log odds for scores of 0 and 1 (binomial), else the score (normal). Under 40 members the bias-reduced sandwich of
    Mancl & DeRouen.
    """
    import statsmodels.api as sm

    unit = "log odds" if pairs.binary else "score"
    if pairs.binary and (np.ptp(pairs.intact) == 0 or np.ptp(pairs.lesioned) == 0):
        return Fit(unit=unit, said=("all scores are 0, or all 1, on one side: log odds are infinite there.",))
    if np.ptp(pairs.means) <= 1e-12 * max(1.0, np.abs(pairs.means).max()):
        return Fit(unit=unit, said=(f"all {pairs.plural} have the same deficit, so there is no spread between them.",))
    if np.bincount(pairs.cluster).max() > MOST_PER_CLUSTER:
        return Fit(unit=unit, said=(f"more than {MOST_PER_CLUSTER:,} presentations a member: too large a matrix.",))
    order = np.argsort(np.tile(pairs.cluster, 2), kind="stable")
    score = np.concatenate((pairs.intact, pairs.lesioned))[order]
    state = np.repeat([1.0, 0.0], len(pairs.intact))[order]
    family = sm.families.Binomial() if pairs.binary else sm.families.Gaussian()
    model = sm.GEE(score, np.column_stack((np.ones(len(score)), state)), groups=np.tile(pairs.cluster, 2)[order],
                   family=family, cov_struct=sm.cov_struct.Exchangeable())  # fmt: skip
    fitted, said = _heard(lambda: model.fit(cov_type="bias_reduced" if pairs.n < MANY else "robust"))
    if fitted is None or not np.isfinite(fitted.bse[1]):
        return Fit(unit=unit, said=said or ("it gave no standard error.",))
    more = () if fitted.converged else ("it did not converge.",)
    return Fit(float(fitted.params[1]), float(fitted.bse[1]), pairs.n - 1, unit, (*said, *more))


def conditional_logit(pairs: Pairs) -> Fit:
    """Get the deficit in log odds from pairs of the same presentation, standard error clustered by member.

    With a stratum per pair the maximum of the conditional likelihood is log(b / c), of the b pairs right only without
    the lesion and the c right only with it (what statsmodels' ConditionalLogit climbs to). The usual standard error
    takes every pair for independent, which is false where lesions cost networks differently; this one sums scores
    within members first.
    """
    if not pairs.single:
        return Fit(unit="log odds", said=("several draws of the lesion or of its sham: pairs are of one and one.",))
    apart = pairs.intact != pairs.lesioned
    b, c = (int((pairs.intact[apart] == side).sum()) for side in (1, 0))
    if not (b and c):
        return Fit(unit="log odds", said=(f"{b} pairs against {c}: one-sided, so that the log odds are infinite.",))
    share = b / (b + c)
    inside = np.bincount(pairs.cluster[apart], pairs.intact[apart] - share, minlength=pairs.n)
    mending = pairs.n / (pairs.n - 1)
    se = float(np.sqrt(mending * (inside**2).sum())) / ((b + c) * share * (1 - share))
    if se <= 1e-9:
        return Fit(unit="log odds", said=(f"all {pairs.plural} have the same odds, so there is no spread.",))
    return Fit(float(np.log(b / c)), se, pairs.n - 1, "log odds")


def _heard(fit: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """A fit and what it warned of; None and why where it broke."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = fit()
        except (np.linalg.LinAlgError, ValueError, FloatingPointError) as problem:
            return None, (f"it failed: {problem}.",)
    said = [f"{type(one.message).__name__}: {str(one.message).rstrip('.')}." for one in caught]
    return found, tuple(dict.fromkeys(said))


#: The models, by the name to ask for: what they are called, and how they are fitted.
MODELS: dict[str, tuple[str, Callable[[Pairs], Fit]]] = {
    "mixedlm": ("linear mixed model", linear_mixed),
    "gee": ("GEE", gee),
    "conditional_logit": ("conditional logit", conditional_logit),
}

