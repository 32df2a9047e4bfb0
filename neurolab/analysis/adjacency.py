"""Who is whose neighbour: layers and times in a row, units on a grid or a sheet, voxels in a brain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from neurolab.errors import DataError, DesignError, UnknownNameError, did_you_mean, listed
from neurolab.recording import site_table

#: Dims whose neighbours are those next in line, unless said otherwise.
IN_LINE = ("time", "token", "layer", "depth", "row", "col", "slice", "i", "j", "k", "frequency")
#: Dims of a site along which its units lie in space; along others (channel, head, unit) they have no neighbours.
GRID = ("row", "col", "depth", "slice", "i", "j", "k", "time", "token")


@dataclass(frozen=True)
class Nearest:
    """The ``k`` nearest by x, y[, z], within a site; two are neighbours when either has the other among its nearest."""

    k: int

    def __post_init__(self) -> None:
        if self.k != int(self.k) or self.k < 1:
            raise DesignError(f"Nearest({self.k}) given; expected a whole number of neighbours. Type Nearest(6).")


@dataclass(frozen=True)
class Within:
    """All within this ``distance`` by x, y[, z], in the units of these coordinates, and within a site."""

    distance: float

    def __post_init__(self) -> None:
        if not self.distance > 0:
            raise DesignError(f"Within({self.distance}) given; expected a distance above 0. Type Within(0.05).")


def neighbours(data: xr.DataArray, dims: tuple[str, ...] | None = None, how: Any = None) -> sparse.csr_array:
    """Get which places of some data are neighbours, as a sparse 0/1 matrix over all places in C order.

    Two places are neighbours when they differ in one dim only, and are neighbours there.

    Parameters
    ----------
    data : with coordinates on its dims; a Recording, or values per specimen or subject.
    dims : those that count as places; default all but presentation, stimulus, specimen, subject and condition.
    how : per dim, or one for the dim that needs it: "line" (next in order; the default of time, layer, row, col …),
        "grid" (a Recording's own site dims, channels apart; or the coordinates row and col), "same_unit" (unit k at a
        site and at the next one, as in a residual stream), "none", :class:`Nearest`, :class:`Within`, or a matrix over
        the dim or over all places.

    Returns
    -------
    scipy.sparse.csr_array (n_places, n_places): symmetric, without self loops.

    Raises
    ------
    DesignError : a dim of which nothing says who its neighbours are. DataError : a matrix that does not fit.

    When this is invalid
    --------------------
    Hidden units without a place have no neighbours along their index: "line" there invents them.

    Source
    ------
    Agrees with ``mne.stats.combine_adjacency`` and ``sklearn.feature_extraction.image.grid_to_graph``.

    Example
    -------
    >>> data = xr.DataArray(np.zeros((5, 3, 4)), dims=("specimen", "layer", "time"))
    >>> int(neighbours(data).sum()) // 2  # 2 x 4 links over layers and 3 x 3 over time
    17
    """
    dims = places_of(data) if dims is None else dims
    shape = tuple(data.sizes[dim] for dim in dims)
    n = int(np.prod(shape))
    if _is_matrix(how) and len(dims) > 1 and np.shape(how) == (n, n):
        return _checked(how, n, "all places")
    asked = _per_dim(data, dims, how)
    total = sparse.csr_array((n, n), dtype=np.float64)
    for at, dim in enumerate(dims):
        before, after = int(np.prod(shape[:at])), int(np.prod(shape[at + 1 :]))
        own = _links(data, dim, asked[dim])
        total = total + sparse.kron(sparse.kron(sparse.eye_array(before), own), sparse.eye_array(after))
    return sparse.csr_array(total)


def places_of(data: xr.DataArray) -> tuple[str, ...]:
    """Get the dims of some data that are places: all but those of the sample and of conditions."""
    members = ("presentation", "stimulus", "specimen", "subject", "condition")
    return tuple(str(dim) for dim in data.dims if dim not in members)


def _is_matrix(how: Any) -> bool:
    return sparse.issparse(how) or isinstance(how, (np.ndarray, xr.DataArray))


def _per_dim(data: xr.DataArray, dims: tuple[str, ...], how: Any) -> dict[str, Any]:
    """What counts as neighbour in each dim, defaults filled in."""
    known: dict[str, Any] = {dim: "line" for dim in dims if dim in IN_LINE}
    open_dims = [dim for dim in dims if dim not in known]
    if isinstance(how, Mapping):
        strange = sorted(set(how) - set(dims))
        if strange:
            near = did_you_mean(strange[0], dims)
            raise UnknownNameError(f"adjacency names the dims {listed(strange)}.{near} The places are {listed(dims)}.")
        known |= dict(how)
    elif how is not None:
        if len(open_dims) != 1 and len(dims) != 1:
            raise DesignError(
                f"One adjacency was given for the dims {listed(open_dims or dims)}; say which is meant: type "
                f"adjacency={{{(open_dims or dims)[0]!r}: ...}}, or give a matrix over all places."
            )
        known[(open_dims or dims)[0]] = how
    return known | {dim: _default(data, dim) for dim in open_dims if dim not in known}


def _default(data: xr.DataArray, dim: str) -> str:
    """The grid of a Recording's sites where all of them have one."""
    if dim == "neuroid" and _grid_places(data) is not None:
        return "grid"
    space = "Nearest(6) or Within(distance)" if {"x", "y"} <= set(data.coords) else "a matrix"
    raise DesignError(
        f"Nothing says which places along {dim!r} are neighbours: there are no row and col to build a grid from. Type "
        f"adjacency={{{dim!r}: {space}}}, or {{{dim!r}: 'none'}} (a test of the largest statistic, place by place)."
    )


def _links(data: xr.DataArray, dim: str, how: Any) -> sparse.csr_array:
    n = data.sizes[dim]
    if _is_matrix(how):
        return _checked(how, n, repr(dim))
    if isinstance(how, (Nearest, Within)):
        return _by_place(data, dim, how)
    if not isinstance(how, str) or how not in HOW:
        raise UnknownNameError(
            f"adjacency {how!r} for {dim!r} is not known.{did_you_mean(how, HOW)} Choose from {listed(HOW)}, "
            "Nearest(k), Within(distance) or a matrix."
        )
    return HOW[how](data, dim)


def _checked(how: Any, n: int, what: str) -> sparse.csr_array:
    """A given matrix, without its diagonal."""
    given = how.values if isinstance(how, xr.DataArray) else how
    if given.ndim != 2 or given.shape != (n, n):
        raise DataError(
            f"The adjacency over {what} has shape {tuple(given.shape)}; expected ({n}, {n}), one row and column per "
            "place, in the order of the data."
        )
    matrix = sparse.csr_array(given, dtype=np.float64)
    if not np.isfinite(matrix.data).all():
        raise DataError(f"The adjacency over {what} holds NaN or inf; expected 0 (no neighbours) and 1.")
    if abs(matrix - matrix.T).sum() > 0:
        raise DataError(f"The adjacency over {what} is not symmetric; type adjacency + adjacency.T.")
    rows, cols = matrix.nonzero()
    apart = rows != cols
    return sparse.csr_array((np.ones(int(apart.sum())), (rows[apart], cols[apart])), shape=(n, n))


def _pairs(first: np.ndarray, second: np.ndarray, n: int) -> sparse.csr_array:
    """Links between the numbered places, both ways, each once."""
    links = np.unique(np.sort(np.column_stack([first, second]), axis=1), axis=0).astype(np.int64)
    both = np.concatenate([links, links[:, ::-1]])
    return sparse.csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(n, n))


def _line(data: xr.DataArray, dim: str) -> sparse.csr_array:
    n = data.sizes[dim]
    return _pairs(np.arange(n - 1), np.arange(1, n), n)


def _none(data: xr.DataArray, dim: str) -> sparse.csr_array:
    return sparse.csr_array((data.sizes[dim],) * 2, dtype=np.float64)


def _grid_places(data: xr.DataArray) -> tuple[np.ndarray, np.ndarray] | None:
    """Where each neuroid is on its grid (n, 3), and which grid that is (n,); None where one has none."""
    if {"row", "col"} <= set(data.coords) and data["row"].dims == data["col"].dims == ("neuroid",):
        keys = [data[name].values for name in ("site", "channel", "head") if name in data.coords]
        codes = [np.unique(np.asarray(key).astype(str), return_inverse=True)[1] for key in keys]
        axes = [data[name].values for name in ("slice", "depth", "row", "col") if name in data.coords]
        group = np.unique(np.stack([*codes, 0 * axes[0]]), axis=1, return_inverse=True)[1].ravel()
        return np.stack(axes, axis=1).astype(np.int64), group
    if "sites" not in data.attrs or "site" not in data.coords:
        return None
    place, start = np.zeros((data.sizes["neuroid"], len(GRID)), dtype=np.int64), 0
    group = np.zeros(data.sizes["neuroid"], dtype=np.int64)
    for code, entry in enumerate(site_table(data)):
        here, dims, shape = np.flatnonzero(data["site"].values == code), entry["dims"], entry["shape"]
        on_grid = [axis for axis, dim in enumerate(dims) if dim in GRID]
        if len(here) and not on_grid:
            return None
        where = np.array(np.unravel_index(data["unit"].values[here], shape))
        place[here[:, None], np.arange(len(on_grid))] = where[on_grid].T
        apart = [axis for axis in range(len(dims)) if axis not in on_grid]
        sizes = tuple(shape[axis] for axis in apart)
        group[here] = start + (np.ravel_multi_index(tuple(where[axis] for axis in apart), sizes) if apart else 0)
        start += int(np.prod(sizes))
    return place, group


def _grid(data: xr.DataArray, dim: str) -> sparse.csr_array:
    """Neighbours on a lattice: one step along one axis of the same channel of the same site."""
    found = _grid_places(data) if dim == "neuroid" else None
    if found is None:
        raise DesignError(
            f"There are no coordinates to build a grid from along {dim!r}: it needs sites with the dims row and col "
            "(or i, j, k), or the coordinates row and col. Type adjacency=Nearest(6) where x and y are known."
        )
    place, group = found
    place = place - place.min(axis=0)
    shape = (int(group.max()) + 1, *(place.max(axis=0) + 2))  # a gap at the end of an axis, so that rows do not wrap
    code = np.ravel_multi_index((group, *place.T), shape)
    if len(np.unique(code)) < len(code):
        raise DataError("Two neuroids lie at the same place of the same grid; drop one of them, or give a matrix.")
    order, n = np.argsort(code), len(code)
    first: list[np.ndarray] = []
    second: list[np.ndarray] = []
    for stride in np.cumprod((1, *shape[:0:-1]))[:-1].tolist():
        at = np.minimum(np.searchsorted(code[order], code + stride), n - 1)
        hit = code[order][at] == code + stride
        first.append(np.flatnonzero(hit))
        second.append(order[at[hit]])
    return _pairs(np.concatenate(first), np.concatenate(second), n)


def _same_unit(data: xr.DataArray, dim: str) -> sparse.csr_array:
    """Unit k of a site and unit k of the next one."""
    if dim != "neuroid" or not {"site", "unit"} <= set(data.coords):
        raise DesignError(f"'same_unit' links the sites of a Recording; {dim!r} has no coordinates site and unit.")
    site, unit = data["site"].values.astype(np.int64), data["unit"].values.astype(np.int64)
    order = np.lexsort((site, unit))
    near = (np.diff(unit[order]) == 0) & (np.diff(site[order]) == 1)
    return _pairs(order[:-1][near], order[1:][near], len(unit))


def _by_place(data: xr.DataArray, dim: str, how: Nearest | Within) -> sparse.csr_array:
    from scipy.spatial import cKDTree

    axes = [name for name in "xyz" if name in data.coords and data[name].dims == (dim,)]
    if axes[:2] != ["x", "y"]:
        raise DesignError(
            f"{how} needs the coordinates x and y (and z) on {dim!r}; there are {listed(data.coords)}. Type "
            f"data.assign_coords(x=({dim!r}, ...), y=({dim!r}, ...))."
        )
    place = np.stack([data[name].values.astype(np.float64) for name in axes], axis=1)
    known, n = np.isfinite(place).all(axis=1), len(place)
    site = data["site"].values if "site" in data.coords and data["site"].dims == (dim,) else np.zeros(n, np.int64)
    links = [np.zeros((0, 2), dtype=np.int64)]
    for code in np.unique(site[known]):
        here = np.flatnonzero(known & (site == code))
        tree = cKDTree(place[here])
        if isinstance(how, Within):
            links.append(here[tree.query_pairs(how.distance * (1 + 1e-9), output_type="ndarray")])
        elif len(here) > 1:
            near = tree.query(place[here], k=min(how.k + 1, len(here)))[1]
            pairs = np.column_stack([np.repeat(np.arange(len(here)), near.shape[1]), near.ravel()])
            links.append(here[pairs[pairs[:, 0] != pairs[:, 1]]])
    found = np.concatenate(links)
    return _pairs(found[:, 0], found[:, 1], n)


#: What can count as a neighbour, by name.
HOW: dict[str, Callable[[xr.DataArray, str], sparse.csr_array]] = {
    "line": _line,
    "grid": _grid,
    "same_unit": _same_unit,
    "none": _none,
}
