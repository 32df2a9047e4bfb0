"""Teaching labs: predict, observe, explain; checks that recompute on the student's own network; copies and grades."""

from typing import TYPE_CHECKING

import lazy_loader as _lazy

if TYPE_CHECKING:
    from neurolab.lab.arrays import preference, together
    from neurolab.lab.copies import new
    from neurolab.lab.grading import grade
    from neurolab.lab.noise import false_alarms
    from neurolab.lab.people import people
    from neurolab.lab.session import check, explain, key, predict, read, show, start
    from neurolab.lab.shelf import LABS, list_labs

# ``from neurolab import lab`` in a script: the top level of neurolab has no room for another name.
_NAMES = {
    "arrays": ["preference", "together"],
    "copies": ["new"],
    "grading": ["grade"],
    "noise": ["false_alarms"],
    "people": ["people"],
    "session": ["check", "explain", "key", "predict", "read", "show", "start"],
    "shelf": ["LABS", "list_labs"],
}

__all__ = [
    "LABS",
    "check",
    "explain",
    "false_alarms",
    "grade",
    "key",
    "list_labs",
    "new",
    "people",
    "predict",
    "preference",
    "read",
    "show",
    "start",
    "together",
]

__getattr__, __dir__, _ = _lazy.attach(__name__, submod_attrs=_NAMES)
