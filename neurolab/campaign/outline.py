"""The outline of a design: everything of its trials but the scores, so that part of them can be read at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurolab.errors import DataError, listed

if TYPE_CHECKING:
    import xarray as xr

Facts = Mapping[str, Any]


def outlined(trials: xr.Dataset, keys: Sequence[str]) -> dict[str, Any]:
    """Get plain JSON of trials without their scores, and of the key of each lesion's cell.

    Parameters
    ----------
    trials : made by ``make_trials`` for one specimen; a variable ``score`` is left out.
    keys : the key of the cell of each lesion, in the order of ``trials``.
    """
    if trials.sizes.get("specimen") != 1 or trials.sizes["lesion"] != len(keys):
        raise DataError(
            f"An outline of {dict(trials.sizes)} came with {len(keys)} keys; expected one specimen, a key per lesion."
        )
    if len(set(keys)) != len(keys):
        raise DataError("Two lesions of a design share a key; give each a recipe of its own.")
    return {
        "keys": list(keys),
        "coords": {str(name): _packed(trials[name]) for name in trials.coords},
        "variables": {str(name): _packed(trials[name]) for name in trials.data_vars if name != "score"},
        "attrs": dict(trials.attrs),
    }


def unpacking() -> Callable[[dict[str, Any]], Any]:
    """Get what makes a column, dims and values, of each packed one as soon as it is read.

    Most texts of a design are there many times; they are kept once.
    """
    once: dict[str, str] = {}
    return lambda found: _unpacked(found, once) if found.keys() == {"dims", "shape", "kind", "data"} else found


def shape_of(outline: Mapping[str, Any]) -> tuple[int, int]:
    """Get how many lesions and how many trials an unpacked outline has."""
    _, shown = outline["coords"]["stimulus_id"]
    return len(outline["keys"]), len(shown)


def skeleton_of(outline: Mapping[str, Any]) -> xr.Dataset:
    """Get the trials without scores back from an unpacked outline."""
    import xarray as xr

    return xr.Dataset(outline["variables"], coords=outline["coords"], attrs=dict(outline["attrs"]))


class Columns:
    """What is known of lesions besides their scores: a list of values per name, None where nothing was said."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.values: dict[str, list[Any]] = {}
        self._once: dict[str, str] = {}

    def put(self, places: Iterable[int], facts: Iterable[Facts]) -> None:
        """Take in what is known of some lesions, by their places."""
        for at, known in zip(places, facts):
            for name, value in known.items():
                said = self._once.setdefault(value, value) if isinstance(value, str) else value
                self.values.setdefault(name, [None] * self.n)[at] = said

    def arrays(self) -> dict[str, np.ndarray]:
        """Get an array (lesion,) per name, by name."""
        return {name: _column(self.values[name]) for name in sorted(self.values)}


def filled(skeleton: xr.Dataset, scores: np.ndarray, facts: Sequence[Facts]) -> xr.Dataset:
    """Get checked trials: an outline with scores, and a variable (specimen, lesion) per name among the facts.

    Parameters
    ----------
    skeleton : trials of one specimen; scores and facts are put in, whatever of their names is there is replaced.
    scores : (n_lesions, n_trials).
    facts : one mapping per lesion: numbers, truth values, texts; anything else is written as JSON. A fact that some
        lesions lack is NaN there, or an empty text. The order of the names does not matter.

    A lesion whose scores are all NaN is still to come; attrs["partial"] of the outline must then say why.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(n_specimens=1, rng=0)
    >>> made = filled(trials, trials["score"].values[0], [{"fired": 2}] * trials.sizes["lesion"])
    >>> made["fired"].dims, made["score"].identical(trials["score"])
    (('specimen', 'lesion'), True)
    """
    columns = Columns(len(facts))
    columns.put(range(len(facts)), facts)
    return completed(skeleton, scores, columns)


def completed(skeleton: xr.Dataset, scores: np.ndarray, known: Columns) -> xr.Dataset:
    """Get what :func:`filled` gives, of facts that lie in columns already."""
    from neurolab.schema import check_trials

    columns = known.arrays()
    taken = [name for name in columns if name in skeleton.coords or name == "score"]
    if taken:
        raise DataError(f"The facts of a cell are called {listed(taken)}, as coordinates of trials are; rename them.")
    made = skeleton.drop_vars("score", errors="ignore")
    variables: dict[str, Any] = {"score": (("specimen", "lesion", "trial"), np.asarray(scores, dtype=np.float64)[None])}
    variables |= {str(name): (made[name].dims, made[name].values, made[name].attrs) for name in made.data_vars}
    variables |= {name: (("specimen", "lesion"), column[None]) for name, column in columns.items()}
    whole = type(made)(variables, coords=made.coords, attrs=made.attrs)
    return check_trials(whole, partial=True) if "partial" in made.attrs else check_trials(whole)


def _column(values: Sequence[Any]) -> np.ndarray:
    there = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=bool)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.int64)
    if all(isinstance(value, (int, float)) for value in there):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    texts = ["" if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
    return np.array(texts, dtype=object)


def _packed(variable: xr.DataArray) -> dict[str, Any]:
    values, data = variable.values, list[Any]()
    if values.dtype.kind in "OUT":
        kind, data = "text", [str(value) for value in values.ravel()]
    elif values.dtype.kind in "mM":
        kind, data = values.dtype.str, values.ravel().view(np.int64).tolist()
    elif values.dtype.kind in "biuf":
        kind, data = values.dtype.str, values.ravel().tolist()
    else:
        raise DataError(
            f"The column {variable.name!r} of the trials has dtype {values.dtype}; expected numbers, texts or times."
        )
    return {"dims": list(map(str, variable.dims)), "shape": list(values.shape), "kind": kind, "data": data}


def _unpacked(packed: Mapping[str, Any], once: dict[str, str]) -> tuple[tuple[str, ...], np.ndarray]:
    kind, shape = packed["kind"], tuple(packed["shape"])
    if kind == "text":
        values = np.empty(len(packed["data"]), dtype=object)
        values[:] = [once.setdefault(text, text) for text in packed["data"]]
    elif np.dtype(kind).kind in "mM":
        values = np.array(packed["data"], dtype=np.int64).view(kind)
    else:
        values = np.array(packed["data"], dtype=kind)
    return tuple(packed["dims"]), values.reshape(shape)
