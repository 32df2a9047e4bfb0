"""Corrections of a stat map for the number of neuroids."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurolab.analysis.column_tests import ColumnTest
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError
from neurolab.stats import multiplicity
from neurolab.stats.maps import StatMap


def _unchanged(p: np.ndarray, *, mask: np.ndarray) -> np.ndarray:
    return np.where(mask, p, 1.0)


#: Corrections that need the p-values only; "max_t" needs the data and stands beside them.
FROM_P: dict[str, Callable[..., np.ndarray]] = {
    "fdr": lambda p, mask: multiplicity.benjamini_hochberg(p, mask=mask).p,
    "by": lambda p, mask: multiplicity.benjamini_yekutieli(p, mask=mask).p,
    "holm": lambda p, mask: multiplicity.holm(p, mask=mask).p,
    "none": lambda p, mask: _unchanged(p, mask=mask),
}
#: Every correction, for checks and documentation.
CORRECTIONS = (*FROM_P, "max_t")


def corrected(
    correction: str, found: StatMap, column_test: ColumnTest, *, n_permutations: int, rng: RNG | None
) -> tuple[np.ndarray, float]:
    """Get the corrected p of every neuroid (1 where it is not valid) and the smallest one that the design can give."""
    if correction != "max_t":
        return FROM_P[correction](found.p, mask=found.valid), float(np.finfo(np.float64).tiny)
    if rng is None:
        raise DesignError("correction='max_t' shuffles at random and got no rng; type rng=0.")
    q = np.ones(len(found.p))
    where = np.flatnonzero(found.valid)
    if not len(where):
        return q, 1.0
    stream = generator(rng, "localise max_t")
    family_wise = column_test.max_t(where, alternative=found.alternative, n_permutations=n_permutations, rng=stream)
    q[where] = family_wise.p
    return q, float(family_wise.p_floor)
