"""On which side the p of a result lies: its intervals have two ends whatever that is."""

from __future__ import annotations

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
