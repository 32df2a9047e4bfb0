"""The tests of a lesion-symptom map: each turns cases into one test per patch, and into its family-wise p."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurolab.analysis.support_vectors import support_vector_map
from neurolab.analysis.symptom_cases import Cases
from neurolab.errors import DesignError
from neurolab.stats import lesion_maps, lesion_permutation
from neurolab.stats.maps import StatMap

SMALL_GROUP = 10  # below this Brunner and Munzel's p is permuted (Medina et al. 2010)
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Settings:
    """What the tests are told. ``stream`` is None where no rng was given; ``size`` voxels or units per patch."""

    alternative: str
    level: float
    n_permutations: int
    family_wise: bool
    size: np.ndarray
    stream: np.random.Generator | None

    def drawn(self, why: str) -> np.random.Generator:
        """Get the stream; an error that says what it is needed for, or that so few draws could find nothing."""
        if self.stream is None:
            raise DesignError(f"{why} permutes at random and got no rng; type rng=0.")
        alpha, m = round(1 - self.level, 12), self.n_permutations
        if m >= 1 and 1 / (m + 1) > alpha * (1 + 1e-12):
            least = math.ceil(round(1 / alpha, 9)) - 1
            raise DesignError(
                f"{why} with {m} permutations has {1 / (m + 1):.3g} as its smallest possible p, above 1 - level = "
                f"{alpha:g}: nothing could be found. Type n_permutations={max(least, 2_000)}, at the least {least}."
            )
        return self.stream


@dataclass(frozen=True, eq=False)
class Mapped:
    """One test per patch; ``family`` its family-wise p where asked for; ``said`` what is known of the whole map."""

    seen: StatMap
    p: np.ndarray
    p_floor: float
    family: np.ndarray | None = None
    family_floor: float = float("nan")
    said: dict[str, Any] = field(default_factory=dict)


def _regression(cases: Cases, patches: np.ndarray, use: Settings) -> Mapped:
    plain: dict[str, Any] = {"weights": cases.weights, "alternative": use.alternative, "level": use.level}
    if not use.family_wise:
        seen = lesion_maps.regression_t(cases.score, patches, cases.nuisance, **plain)
        return Mapped(seen, seen.p, TINY)
    stream = use.drawn("correction='max_t'")
    found = lesion_permutation.regression_max_t(
        cases.score, patches, cases.nuisance, n_permutations=use.n_permutations, rng=stream, **plain
    )
    seen = lesion_maps.regression_t(cases.score, patches, cases.nuisance, **plain)
    return Mapped(seen, seen.p, TINY, found.p, found.p_floor)


def _pooled(cases: Cases, patches: np.ndarray, use: Settings) -> Mapped:
    """Lesioned against spared: the regression with nothing else in it."""
    _groups_only("t", cases)
    return _regression(cases, patches, use)


def _brunner_munzel(cases: Cases, patches: np.ndarray, use: Settings) -> Mapped:
    _groups_only("brunner_munzel", cases)
    tails: dict[str, Any] = {"alternative": use.alternative, "level": use.level}
    seen = lesion_maps.brunner_munzel(cases.score, patches, **tails)
    count = patches.sum(axis=0, dtype=np.int64)
    small = np.minimum(count, len(patches) - count) < SMALL_GROUP
    p, family, floor = seen.p.copy(), None, float("nan")
    if use.family_wise or (small & seen.valid).any():
        stream = use.drawn("correction='max_t'" if use.family_wise else f"A group of fewer than {SMALL_GROUP}")
        part = np.ones_like(small) if use.family_wise else small
        found, alone = lesion_permutation.brunner_munzel_max_t(
            cases.score, patches[:, part], n_permutations=use.n_permutations, rng=stream, **tails
        )
        p[small] = alone[small[part]]
        family, floor = (found.p, found.p_floor) if use.family_wise else (None, floor)
    said = {"n_permuted": int((small & seen.valid).sum())}
    p_floor = 1 / (use.n_permutations + 1) if small[seen.valid].all() else TINY
    return Mapped(seen, p, p_floor, family, floor, said)


def _groups_only(test: str, cases: Cases) -> None:
    """Two groups have no room for a covariate."""
    if cases.nuisance.shape[1] or cases.weights is not None:
        raise DesignError(
            f"test={test!r} compares lesioned with spared and takes neither lesion volume nor covariates. Type "
            "test='regression', which does; or volume='none' and no covariates, knowing that larger lesions do more "
            f"harm everywhere (here volume and behaviour correlate by {cases.volume_r:.2f})."
        )


def _svr(cases: Cases, patches: np.ndarray, use: Settings) -> Mapped:
    found = support_vector_map(
        cases.score, patches, cases.nuisance, weights=cases.weights, size=use.size, alternative=use.alternative,
        n_permutations=use.n_permutations, rng=use.drawn("test='svr'"),
    )  # fmt: skip
    none = np.full(found.weight.size, np.nan)
    zero = np.where(found.valid, found.weight, 0.0)
    seen = StatMap(zero, none, found.p, found.weight, none, none, found.valid, "svr", use.alternative, use.level)
    said = {"predictive_r": found.r, "predictive_p": found.r_p, "cost": found.cost}
    return Mapped(seen, found.p, found.p_floor, found.family, found.p_floor, said)


#: Every test by name.
TESTS: dict[str, Callable[[Cases, np.ndarray, Settings], Mapped]] = {
    "regression": _regression,
    "t": _pooled,
    "brunner_munzel": _brunner_munzel,
    "svr": _svr,
}
#: What each estimates, of a column and given what else is in the model.
EFFECTS = {
    "regression": "difference in {name} between lesioned and spared {plural}",
    "t": "difference in {name} between lesioned and spared {plural}",
    "brunner_munzel": "probability that {name} is larger after a lesion there than without one",
    "svr": "weight in a linear support vector regression of {name} on all lesions together",
}
