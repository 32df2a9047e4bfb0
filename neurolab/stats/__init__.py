"""The array floor: statistics as pure functions on float64 arrays, with nothing but numpy and scipy at import.

Every submodule is reachable after ``from neurolab import stats`` and is imported at its first use.
"""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    from neurolab.stats import (
        effects,
        equivalence,
        intervals,
        maps,
        multiplicity,
        paired,
        permutation,
        proportion,
        reliability,
        single_case,
    )

__all__ = [
    "effects",
    "equivalence",
    "intervals",
    "maps",
    "multiplicity",
    "paired",
    "permutation",
    "proportion",
    "reliability",
    "single_case",
]

__getattr__, __dir__, _ = _lazy.attach(__name__, submodules=__all__)
