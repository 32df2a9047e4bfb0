"""The columns that describe a lesion in trials: what each holds, what stands in for it, what may not lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurolab.errors import SchemaError, listed
from neurolab.lesion import Lesion
from neurolab.schema import ROLES, strings

__all__ = ["LADDER_COLUMNS", "LESION_COLUMNS", "along_lesions", "check_lesion_columns", "lesion_table"]
__dir__ = __all__.copy

#: Columns that describe a lesion, with their defaults.
LESION_COLUMNS: dict[str, Any] = {
    "lesion_id": None, "roi": None, "role": "target", "family": "", "how": "", "dose": 1.0, "draw": 0, "n_units": 0,
}  # fmt: skip
#: What rungs of a ladder of strengths carry besides: the ladder's name and the strength (NaN on other lesions).
LADDER_COLUMNS: dict[str, Any] = {"ladder": "", "rung": float("nan")}
TEXT = ("lesion_id", "roi", "role", "family", "how", "ladder")


def lesion_table(lesions: Sequence[Lesion]) -> pd.DataFrame:
    """Get one row per lesion with the columns that trials carry."""
    table = pd.DataFrame({
        "lesion_id": [lesion.id for lesion in lesions],
        "roi": [lesion.name for lesion in lesions],
        "role": [lesion.role for lesion in lesions],
        "family": [lesion.family for lesion in lesions],
        "how": ["Sham" if lesion.role == "sham" else lesion.label for lesion in lesions],
        "dose": [float(lesion.dose) for lesion in lesions],
        "draw": [int(lesion.draw) for lesion in lesions],
        "n_units": [int(lesion.n_units) for lesion in lesions],
    })  # fmt: skip
    rungs = [lesion.rung or tuple(LADDER_COLUMNS.values()) for lesion in lesions]
    if not any(lesion.rung for lesion in lesions):
        return table
    return table.assign(ladder=[name for name, _ in rungs], rung=[float(strength) for _, strength in rungs])


def check_lesion_columns(table: pd.DataFrame) -> None:
    """Refuse a table of lesions without names, or one of several that does not say which of them is a sham."""
    for column in ("lesion_id", "roi"):
        if column not in table:
            raise SchemaError(f"The lesion table lacks {column!r}; it has {listed(table.columns)}.")
    rungs = "ladder" in table and all(table["ladder"].astype(str))
    if "role" not in table and len(table) > 1 and not rungs:
        raise SchemaError(
            f"The lesion table has {len(table)} lesions and no column 'role', so a sham cannot be told from a target; "
            f"it has {listed(table.columns)}. Say of each whether it is {' or '.join(map(repr, ROLES))}: type "
            "lesions={..., 'role': ['sham', 'target', ...]}."
        )


def along_lesions(table: pd.DataFrame, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Get the columns over lesions as coordinates, with what stands in for those that are not given."""
    found: dict[str, Any] = {}
    for column, default in columns.items():
        cells: Any = table[column] if column in table else [default] * len(table)
        found[column] = ("lesion", strings(cells) if column in TEXT else np.asarray(cells))
    return found
