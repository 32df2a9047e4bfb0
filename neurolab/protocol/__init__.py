"""Running a protocol script: its options, its findings on disk, its figures, its report, and its folds."""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    from neurolab.protocol.folds import cross_fit
    from neurolab.protocol.run import run_script
    from neurolab.protocol.shelf import find_protocol, list_protocols

# A package and not one file: the shelf is read by ``neurolab --help`` and must not pay for what running needs.
_NAMES = {"folds": ["cross_fit"], "run": ["run_script"], "shelf": ["find_protocol", "list_protocols"]}

__all__ = ["cross_fit", "find_protocol", "list_protocols", "run_script"]

__getattr__, __dir__, _ = _lazy.attach(__name__, submod_attrs=_NAMES)
