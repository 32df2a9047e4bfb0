"""What attrs say in passing: on which side the p of a result lies, and how many members each of its tasks has."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

#: Tests whose side is not that of their result's others: what ``alternative`` is for them.
OWN_SIDE = {"diagonal_p": "greater", "time_p": "two-sided", "difference_p": "two-sided", "bsdt_p": "two-sided",
            "spared_p": "equivalence", "recovered_p": "equivalence", "additive_p": "equivalence"}  # fmt: skip
#: What the side of a test is called in a table; "none" has none.
SIDES = {"two-sided": "two-sided", "greater": "one-sided", "less": "one-sided", "equivalence": "equivalence"}


def sided(result: xr.Dataset) -> str:
    """Get ``, two-sided`` or ``, one-sided`` where a test has a side, else nothing."""
    side = side_of(result)
    return f", {side}" if side.endswith("sided") and side not in str(result.attrs.get("test", "")) else ""


def side_of(result: xr.Dataset, p: str = "p") -> str:
    """Get the side of one test of a result: two-sided, one-sided, equivalence, or nothing where it has none.

    Example
    -------
    >>> side_of(xr.Dataset(attrs={"alternative": "greater"})), side_of(xr.Dataset(), "spared_p")
    ('one-sided', 'equivalence')
    """
    return SIDES.get(OWN_SIDE.get(p, str(result.attrs.get("alternative", "two-sided"))), "")


def strongest(result: xr.Dataset, among: np.ndarray) -> int:
    """Get which neuroid has the largest statistic towards the side that was tested, among those of a mask.

    Example
    -------
    >>> found = xr.Dataset({"statistic": ("neuroid", [3.0, -5.0])})
    >>> every = np.ones(2, dtype=bool)
    >>> strongest(found, every), strongest(found.assign_attrs(alternative="greater"), every)
    (1, 0)
    """
    given = np.asarray(result["statistic"].values, dtype=float)
    towards = {"greater": given, "less": -given}.get(str(result.attrs.get("alternative", "")), np.abs(given))
    return int(np.argmax(np.where(among & np.isfinite(towards), towards, -np.inf)))


def sizes_by_task(result: xr.Dataset) -> dict[str, int]:
    """Get how many members each task of a result has, where they differ.

    Example
    -------
    >>> sizes_by_task(xr.Dataset(attrs={"sizes": '{"few": 12, "many": 200}'}))
    {'few': 12, 'many': 200}
    """
    each = json.loads(str(result.attrs.get("sizes", "") or "{}"))
    return {task: n for task, n in each.items() if "task" not in result.coords or task in result["task"].values}


def sizes_words(result: xr.Dataset) -> str:
    """Get the sizes of tasks that differ, for a sample: ``12 to 200``; empty where all are alike.

    Example
    -------
    >>> sizes_words(xr.Dataset(attrs={"sizes": '{"few": 12, "many": 200}'}))
    '12 to 200'
    """
    sizes = sorted(sizes_by_task(result).values())
    return " to ".join(map(str, dict.fromkeys((sizes[0], sizes[-1])))) if sizes else ""
