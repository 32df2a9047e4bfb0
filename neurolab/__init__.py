"""A neuroscience-style lesion and recording laboratory for artificial neural networks.

Design, examine, analyse, draw: ``import neurolab as nl``. Names are loaded when first used, so importing costs nothing.
What is not here is in a room: ``dir(nl.specimen)``, ``dir(nl.analysis)``; a wrong name is told where it is.
"""

import lazy_loader

__version__ = "0.1.0"

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name in __all__ or name.startswith("_"):
        return _load(name)
    from neurolab.whereabouts import not_here

    raise AttributeError(not_here(name, __all__), name=name)
