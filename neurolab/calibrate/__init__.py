"""Calibration: how often every public test rejects at the edge of its null, covers, and finds a stated effect.

``neurolab calibrate`` runs it. An entry more in one of the rooms of ``table.ROOMS`` is a test more.
"""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    from neurolab.calibrate.entry import Entry, Found
    from neurolab.calibrate.run import calibrate
    from neurolab.calibrate.table import ENTRIES
    from neurolab.calibrate.write import result_of, write_rates

_NAMES = {
    "entry": ["Entry", "Found"],
    "run": ["calibrate"],
    "table": ["ENTRIES"],
    "write": ["result_of", "write_rates"],
}

__all__ = ["ENTRIES", "Entry", "Found", "calibrate", "result_of", "write_rates"]

__getattr__, __dir__, _ = _lazy.attach(__name__, submod_attrs=_NAMES)
