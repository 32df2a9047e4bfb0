"""A neuroscience-style lesion and recording laboratory for artificial neural networks.

Design, examine, analyse, draw: ``import neurolab as nl``. Names are loaded when first used, so importing costs nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
