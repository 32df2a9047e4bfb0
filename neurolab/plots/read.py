"""Reading names and numbers out of a result, with an error that says which of them is not there."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.errors import SchemaError, listed
from neurolab.schema import RESULTS

#: Where the names along a dimension are kept, in the order of looking.
NAMED_BY = {"lesion": ("lesion", "name", "roi", "lesion_id"), "specimen": ("specimen", "subject")}


def names(result: xr.Dataset, dim: str) -> list[str]:
    """Get the names along a dimension of a result; numbers from 1 where it has none."""
    for coord in NAMED_BY.get(dim, (dim,)):
        if coord in result.coords and result.coords[coord].dims == (dim,):
            values = result.coords[coord].values
            if values.dtype.kind in "OUST":
                return [str(value) for value in values]
    return [str(position + 1) for position in range(result.sizes[dim])]


def values(result: xr.Dataset, variable: str, *dims: str) -> np.ndarray:
    """Get a variable as floats with its dims in this order."""
    if variable not in result:
        raise SchemaError(
            f"This {result.attrs.get('analysis')!r} result has no {variable!r}; it has {listed(result.data_vars)}. "
            "Make it again with the analysis of this version of neurolab."
        )
    return np.asarray(result[variable].transpose(*dims), dtype=float)


def whole(result: xr.Dataset) -> xr.Dataset:
    """Get a result of which one entry was selected, as by ``found.sel(index="accuracy")``, with that dim back."""
    promised = RESULTS[str(result.attrs["analysis"])].variables
    for dim in dict.fromkeys(dim for dims in promised.values() for dim in dims):
        if dim in result.coords and result.coords[dim].ndim == 0:
            held = [name for name, dims in promised.items() if dim in dims]
            result = result.drop_vars(dim).assign({name: result[name].expand_dims(dim) for name in held})
    return result


def tested(result: xr.Dataset, variable: str) -> np.ndarray:
    """Get a variable over neuroids as floats, NaN where the unit could not be tested (dead, constant)."""
    found = values(result, variable, "neuroid").copy()
    if "valid" in result.variables:
        found[~result["valid"].values.astype(bool)] = np.nan
    return found


def by_member(result: xr.Dataset, variable: str, *dims: str) -> np.ndarray:
    """Get a variable as (dims..., member of the sample), whatever the sample's dim is called."""
    other = [str(dim) for dim in result[variable].dims if dim not in dims]
    return values(result, variable, *dims, *other)


def scalar(result: xr.Dataset, variable: str) -> float:
    """Get a variable without dims; nan where the result has none."""
    return float(result[variable]) if variable in result and result[variable].ndim == 0 else float("nan")


def level(result: xr.Dataset) -> float:
    """Get the confidence level of the intervals of a result."""
    try:
        return float(result.attrs.get("level", 0.95))
    except (TypeError, ValueError):
        return 0.95


def likened(result: xr.Dataset) -> tuple[str, str, str]:
    """Get what models are likened to, and what one and several of its sample are called.

    Example
    -------
    >>> likened(xr.Dataset(attrs={"compared_with": "network"}))
    ('network', 'network', 'networks')
    """
    network = result.attrs.get("compared_with") == "network"
    return ("network", "network", "networks") if network else ("brain", "person", "people")
