"""Recordings: activity as presentation x neuroid [x time], the same container for a network and for a brain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import DataError, SchemaError, UnknownSiteError, did_you_mean, listed
from neurolab.ids import ids_of, origins_of
from neurolab.neuroids import flags
from neurolab.schema import KINDS, check_recording, plain_attrs, strings

__all__ = [
    "align",
    "at_site",
    "average_repetitions",
    "make_recording",
    "site_code",
    "site_names",
    "site_table",
    "stimuli_of",
    "unflatten",
]
__dir__ = __all__.copy

#: Units of a neuroid whose site has no inner structure.
FLAT = ("unit",)
#: What belongs to one showing, and never to a mean over several.
SHOWINGS = ("repetition", "run", "onset")
#: How many measurements went into a presentation: what adds up when presentations become one.
COUNTS = ("n_averaged", "nave")


def make_recording(
    values: Any,
    *,
    presentation: Mapping[Any, Any] | pd.DataFrame,
    neuroid: Mapping[str, Any] | None = None,
    sites: Sequence[Mapping[str, Any]] | None = None,
    kind: str,
    units: str = "",
    source: str = "",
    specimen: str = "",
    time: Any = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """Get a checked recording from plain arrays.

    Parameters
    ----------
    values : (n_presentations, n_neuroids[, n_times]) numbers.
    presentation : columns over presentations: ``stimulus_id``, ``condition``, and any others (repetition, run, onset).
    neuroid : columns over neuroids: ``site`` (names, or codes into ``sites``), ``unit`` (integer within the site), and
        any others (row, col, x, y, z, parcel, out_norm; valid, True or False). Default: one site called "all".
    sites : by code: ``{"name": str, "dims": [str, ...], "shape": [int, ...]}``. Default: flat sites, from ``neuroid``.
    kind : "ann", "brain" or "simulated".
    units : physical units of the values, e.g. "V", "z", "a.u.".
    time : (n_times,) seconds, when there is a third dimension.

    Returns
    -------
    DataArray, dims presentation x neuroid [x time].

    Example
    -------
    >>> import numpy as np
    >>> columns = {"stimulus_id": ["a", "b"], "condition": ["face", "house"]}
    >>> make_recording(np.zeros((2, 3)), presentation=columns, kind="simulated").sizes["neuroid"]
    3
    """
    values = np.asarray(values)
    if values.ndim not in (2, 3):
        raise SchemaError(f"values have shape {values.shape}; expected (n_presentations, n_neuroids[, n_times]).")
    if kind not in KINDS:
        raise SchemaError(f"kind was {kind!r}; expected one of {listed(KINDS)}.{did_you_mean(kind, KINDS)}")
    rows = {str(name): np.asarray(column) for name, column in dict(presentation).items()}
    units_of = {str(name): np.asarray(column) for name, column in dict(neuroid or {}).items()}
    units_of.setdefault("site", np.zeros(values.shape[1], dtype=np.int64))
    units_of.setdefault("unit", np.arange(values.shape[1]))
    units_of["site"], table = _site_codes(units_of["site"], units_of["unit"], sites)
    _check_names(dict(presentation), {*units_of, "valid", *(["time"] if values.ndim == 3 else [])})
    coords: dict[str, Any] = {}
    for dim, columns, size in (("presentation", rows, values.shape[0]), ("neuroid", units_of, values.shape[1])):
        for name, column in columns.items():
            coords[name] = _column(name, column, dim, size)
    dims = ("presentation", "neuroid") + (("time",) if values.ndim == 3 else ())
    if values.ndim == 3:
        coords["time"] = np.arange(values.shape[2], dtype=float) if time is None else np.asarray(time, dtype=float)
    about = {"specimen": specimen, "kind": kind, "units": units, "source": source, "lesions": "", "rng": "",
             **dict(attrs or {}), "sites": table}  # fmt: skip
    for name, text in about.items():
        _check_text(name, [text])
    return check_recording(xr.DataArray(values, dims=dims, coords=coords, attrs=plain_attrs(about), name="activity"))


def _check_names(presentation: Mapping[Any, Any], others: set[str]) -> None:
    """Refuse columns that would take one another's place: of presentations and of neuroids, or ``1`` and ``"1"``."""
    names = [str(name) for name in presentation]
    taken = others | {"neuroid", "activity"}
    twice = next((name for name in names if name in taken or names.count(name) > 1), None)
    if twice is not None:
        what = "two columns of the" if twice not in taken else "what every recording has, and of a column of the"
        raise SchemaError(f"{twice!r} is the name of {what} stimuli or presentations; one would be lost. Rename it: "
                          f"table.rename(columns={{{twice!r}: 'stimulus_{twice}'}}).")


def _column(name: str, column: np.ndarray, dim: str, size: int) -> tuple[str, np.ndarray]:
    if column.shape != (size,):
        raise SchemaError(f"Column {name!r} on {dim!r} has shape {column.shape}; expected ({size},).")
    if name in ("stimulus_id", "unmarked"):
        column = np.array(ids_of(column), dtype=object)
    if name == "valid":
        return dim, flags(column)
    if name == "condition" or column.dtype.kind in "OUT":
        column = strings(column)
        _check_text(name, column)
    return dim, column


def _check_text(name: str, texts: Iterable[Any]) -> None:
    """Refuse the one sign that no file can hold in a text."""
    held = next((text for text in texts if isinstance(text, str) and "\0" in text), None)
    if held is not None:
        raise SchemaError(f"{name} is {held!r}, with a NUL, which no file can hold; expected text without. Type "
                          "text.replace('\\0', '').")


def _site_codes(
    site: np.ndarray, unit: np.ndarray, sites: Sequence[Mapping[str, Any]] | None
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Turn site names into integer codes with a table; flat sites are as large as their highest unit."""
    if site.dtype.kind in "iu" and sites is not None:
        table = [dict(entry) for entry in sites]
        codes = site.astype(np.int64)
    else:
        names = strings(site) if site.dtype.kind not in "iu" else strings(["all"] * len(site))
        order = list(dict.fromkeys(names))
        known = {str(entry["name"]): dict(entry) for entry in sites or ()}
        codes = (
            np.array([order.index(name) for name in order], dtype=np.int64)[
                pd.Categorical(names, categories=order).codes
            ]
            if len(names)
            else np.zeros(0, dtype=np.int64)
        )
        table = [known.get(name, {"name": name}) for name in order]
    for code, entry in enumerate(table):
        here = unit[codes == code]
        entry.setdefault("dims", list(FLAT))
        entry.setdefault("shape", [int(here.max()) + 1 if len(here) else 0])
        entry["dims"], entry["shape"] = list(entry["dims"]), [int(size) for size in entry["shape"]]
    if len(codes) and (codes.min() < 0 or codes.max() >= len(table)):
        raise SchemaError(f"site codes run from {codes.min()} to {codes.max()}; the table has {len(table)} sites.")
    return codes, table


def site_table(recording: xr.DataArray) -> list[dict[str, Any]]:
    """Get the sites of a recording or stat map by code: name, dims and shape of each."""
    return json.loads(recording.attrs["sites"])


def site_names(recording: xr.DataArray) -> list[str]:
    """Get the names of the sites, by code."""
    return [str(entry["name"]) for entry in site_table(recording)]


def stimuli_of(recording: xr.DataArray | xr.Dataset) -> list[str]:
    """Get the distinct stimuli of a recording or of trials, and those that they are marked twins of.

    Example
    -------
    >>> import numpy as np
    >>> rows = {"stimulus_id": ["a red", "b"], "condition": ["x", "x"], "unmarked": ["a", "b"]}
    >>> stimuli_of(make_recording(np.zeros((2, 1)), presentation=rows, kind="simulated"))
    ['a red', 'b', 'a']
    """
    return list(dict.fromkeys([*ids_of(recording["stimulus_id"].values), *map(str, origins_of(recording))]))


def site_code(recording: xr.DataArray, site: str) -> int:
    """Get the integer code of a site; near misses are suggested."""
    names = site_names(recording)
    if site not in names:
        raise UnknownSiteError(
            f"The recording has no site {site!r}.{did_you_mean(site, names)} It has {listed(names)}; record it first."
        )
    return names.index(site)


def at_site(recording: xr.DataArray, site: str) -> xr.DataArray:
    """Get the neuroids of one site."""
    return recording.isel(neuroid=np.flatnonzero(recording["site"].values == site_code(recording, site)))


def unflatten(recording: xr.DataArray, site: str) -> xr.DataArray:
    """Get one site with its native dims back, e.g. presentation x channel x row x col; missing units are NaN.

    Example
    -------
    >>> import numpy as np
    >>> sites = [{"name": "conv", "dims": ["channel", "row"], "shape": [2, 3]}]
    >>> columns = {"stimulus_id": ["a"], "condition": ["face"]}
    >>> flat = make_recording(np.arange(6.0)[None], presentation=columns, kind="simulated",
    ...                       neuroid={"site": np.zeros(6, int), "unit": np.arange(6)}, sites=sites)
    >>> unflatten(flat, "conv").shape
    (1, 2, 3)
    """
    entry = site_table(recording)[site_code(recording, site)]
    part = at_site(recording, site)
    shape = tuple(entry["shape"])
    whole = part.sizes["neuroid"] == int(np.prod(shape))
    dtype = part.dtype if whole else np.result_type(part.dtype, np.float32)
    rest = part.values.shape[2:]
    full = np.full((part.sizes["presentation"], int(np.prod(shape)), *rest), 0 if whole else np.nan, dtype=dtype)
    full[:, part["unit"].values] = part.values
    coords = {name: coord for name, coord in part.coords.items() if "neuroid" not in coord.dims}
    dims = ("presentation", *entry["dims"], *(("time",) if rest else ()))
    return xr.DataArray(full.reshape(full.shape[0], *shape, *rest), dims=dims, coords=coords, attrs=dict(part.attrs))


def average_repetitions(recording: xr.DataArray) -> xr.DataArray:
    """Get one presentation per stimulus: the mean over its repetitions, in order of first showing.

    Columns of fractions (a reaction time) are averaged as well where they differ between showings of a stimulus;
    ``n_averaged`` and ``nave`` are added up. Other columns that differ (whole numbers, text) are left out, which
    ``attrs["note"]`` says; repetition, run and onset always are.

    Example
    -------
    >>> import numpy as np
    >>> columns = {"stimulus_id": ["a", "a"], "condition": ["x", "x"], "rt": [0.4, 0.6], "answer": ["yes", "no"]}
    >>> mean = average_repetitions(make_recording(np.eye(2), presentation=columns, kind="simulated"))
    >>> mean["rt"].values.tolist(), mean.attrs["note"]
    ([0.5], "Left out, as they differ between showings of a stimulus: 'answer'.")
    """
    check_recording(recording)
    ids = recording["stimulus_id"].values
    pairs = set(zip(ids, recording["condition"].values))
    if len(pairs) > len(set(ids)):
        twice = next(identity for identity in ids if sum(identity == other for other, _ in pairs) > 1)
        raise DataError(
            f"Stimulus {twice!r} was shown under several conditions; a mean over them belongs to none. Give it one "
            "stimulus_id per condition."
        )
    shown = [np.flatnonzero(ids == identity) for identity in dict.fromkeys(ids)]
    values = recording.values  # once: what lies on disk, or is still to be computed, is read at every asking
    mean = np.empty((len(shown), *values.shape[1:]))
    for at, rows in enumerate(shown):
        mean[at] = values[rows].mean(axis=0, dtype=np.float64)
    out = recording.isel(presentation=[rows[0] for rows in shown]).copy(data=mean)
    own = {str(name): coord.values for name, coord in recording.coords.items() if coord.dims == ("presentation",)}
    means = {name: _of_showings(name, column, shown) for name, column in own.items() if name not in SHOWINGS}
    out = out.drop_vars([name for name in own if means.get(name) is None])
    out = out.assign_coords({name: ("presentation", mean) for name, mean in means.items() if mean is not None})
    lost = [name for name, mean in means.items() if mean is None]
    if lost:
        said = f"Left out, as they differ between showings of a stimulus: {listed(lost)}."
        out = out.assign_attrs(note=" ".join(filter(None, (str(out.attrs.get("note", "")), said))))
    return out


def _of_showings(name: str, column: np.ndarray, shown: list[np.ndarray]) -> np.ndarray | None:
    """A column with one value per stimulus; None where its showings differ and have no mean."""
    if name in COUNTS and column.dtype.kind in "iuf":
        return np.array([column[rows].sum() for rows in shown])
    if all((column[rows] == column[rows[0]]).all() for rows in shown):
        return column[[rows[0] for rows in shown]]
    return np.array([column[rows].mean() for rows in shown]) if column.dtype.kind == "f" else None


def align(a: xr.DataArray, b: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Get both recordings restricted to their common stimuli, in the same order (that of ``a``).

    Example
    -------
    >>> import numpy as np
    >>> a, b = (make_recording(np.eye(2), presentation={"stimulus_id": ids, "condition": ["x", "y"]}, kind="simulated")
    ...         for ids in (["s1", "s2"], ["s2", "s3"]))
    >>> [recording["stimulus_id"].values.tolist() for recording in align(a, b)]
    [['s2'], ['s2']]
    """
    for recording in (a, b):
        check_recording(recording)
        if len(set(recording["stimulus_id"].values)) != recording.sizes["presentation"]:
            raise DataError("align() needs each stimulus once; type average_repetitions(recording) first.")
    place = {identity: row for row, identity in enumerate(b["stimulus_id"].values)}
    keep = [row for row, identity in enumerate(a["stimulus_id"].values) if identity in place]
    if not keep:
        raise DataError("The two recordings share no stimulus_id; expected the same ids for the same stimuli.")
    there = [place[a["stimulus_id"].values[row]] for row in keep]
    return a.isel(presentation=keep), b.isel(presentation=there)
