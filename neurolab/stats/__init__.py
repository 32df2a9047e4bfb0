"""The array floor: statistics as pure functions on float64 arrays, with nothing but numpy and scipy at import.

Every submodule is reachable after ``from neurolab import stats`` and is imported at its first use, by ``lazy_loader``:
a package of one file and of the standard library alone, which computes nothing.
"""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    import neurolab.stats.design_check as design_check
    import neurolab.stats.effects as effects
    import neurolab.stats.equivalence as equivalence
    import neurolab.stats.graphs as graphs
    import neurolab.stats.information as information
    import neurolab.stats.intervals as intervals
    import neurolab.stats.lesion_maps as lesion_maps
    import neurolab.stats.lesion_permutation as lesion_permutation
    import neurolab.stats.maps as maps
    import neurolab.stats.minimal as minimal
    import neurolab.stats.multiplicity as multiplicity
    import neurolab.stats.paired as paired
    import neurolab.stats.permutation as permutation
    import neurolab.stats.proportion as proportion
    import neurolab.stats.psychometric as psychometric
    import neurolab.stats.reliability as reliability
    import neurolab.stats.right_or_wrong as right_or_wrong
    import neurolab.stats.rsa as rsa
    import neurolab.stats.shapley as shapley
    import neurolab.stats.shares as shares
    import neurolab.stats.similarity as similarity
    import neurolab.stats.single_case as single_case
    import neurolab.stats.trend as trend
    import neurolab.stats.tuning as tuning

__all__ = [
    "design_check",
    "effects",
    "equivalence",
    "graphs",
    "information",
    "intervals",
    "lesion_maps",
    "lesion_permutation",
    "maps",
    "minimal",
    "multiplicity",
    "paired",
    "permutation",
    "proportion",
    "psychometric",
    "reliability",
    "right_or_wrong",
    "rsa",
    "shapley",
    "shares",
    "similarity",
    "single_case",
    "trend",
    "tuning",
]

_load, __dir__, _ = _lazy.attach(__name__, submodules=__all__)


def __getattr__(name: str) -> object:
    if name in __all__ or name.startswith("_"):
        return _load(name)
    from neurolab.whereabouts import not_in_arrays

    raise AttributeError(not_in_arrays(name), name=name)
