"""Distances between stimuli as a container: RDMs, one per person, session or layer, each distance with its two stimuli.

What a network and a brain have in common where only the distances of the brain are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.spatial.distance import squareform

from neurolab.errors import DataError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.recording import at_site, site_names
from neurolab.schema import KINDS, check_recording, plain_attrs, strings
from neurolab.stats.similarity import rdm

__all__ = [
    "PARTS",
    "check_rdms",
    "dissimilarities",
    "is_rdms",
    "make_rdms",
    "per_subject",
    "square",
    "stimuli_of",
    "with_stimuli",
]
__dir__ = __all__.copy

DIMS = ("rdm", "pair")
#: What a recording may be cut into before its distances are taken.
PARTS = (None, "site")
ASYMMETRY = 1e-6  # share of the largest distance by which the two halves of a matrix may differ: single precision


def make_rdms(
    values: Any,
    *,
    stimuli: Sequence[str],
    rdm: Sequence[str] | None = None,
    kind: str,
    distance: str = "",
    source: str = "",
    columns: Mapping[str, Any] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.DataArray:
    """Get checked RDMs from plain arrays.

    Parameters
    ----------
    values : (n_rdms, n_stimuli, n_stimuli), or condensed (n_rdms, n_pairs) in the order (0, 1), (0, 2) … (1, 2) …;
        one RDM may leave out the first dim.
    stimuli : the stimulus_id of each row, each once. rdm : the name of each RDM; default "0", "1" …
    kind : "ann", "brain" or "simulated". distance : what the numbers are, e.g. "correlation".
    columns : more columns over RDMs, e.g. ``subject`` and ``session``.

    Returns
    -------
    DataArray, dims rdm x pair; ``stimulus_a`` and ``stimulus_b`` on pair.

    Raises
    ------
    DataError : NaN, a matrix that is not symmetric or whose diagonal is not 0, another number of stimuli.

    Example
    -------
    >>> make_rdms([[0, 1, 2], [1, 0, 3], [2, 3, 0]], stimuli=["a", "b", "c"], kind="simulated").values
    array([[1., 2., 3.]])
    """
    ids = [str(one) for one in stimuli]
    if len(set(ids)) < len(ids) or len(ids) < 3:
        raise DataError(f"{len(ids)} stimuli of {len(set(ids))} names given; expected 3 or more, each named once.")
    if kind not in KINDS:
        raise SchemaError(f"kind was {kind!r}; expected one of {listed(KINDS)}.{did_you_mean(kind, KINDS)}")
    condensed = _condensed(np.asarray(values, dtype=np.float64), len(ids))
    names = [str(at) for at in range(len(condensed))] if rdm is None else [str(one) for one in rdm]
    more = {str(name): np.asarray(column) for name, column in dict(columns or {}).items()}
    sizes = {name: len(column) for name, column in more.items()} | {"rdm": len(names)}
    uneven = {name: size for name, size in sizes.items() if size != len(condensed)}
    if uneven or len(set(names)) < len(names):
        raise DataError(f"{len(condensed)} RDMs with the columns {uneven or 'rdm, a name twice'}; expected one each.")
    first, second = np.triu_indices(len(ids), 1)
    coords = {"rdm": strings(names), "stimulus_a": ("pair", strings(ids)[first])}
    coords |= {"stimulus_b": ("pair", strings(ids)[second])}
    coords |= {name: ("rdm", strings(col) if col.dtype.kind in "OUST" else col) for name, col in more.items()}
    about = {"kind": kind, "distance": distance, "source": source, **dict(attrs or {})}
    return xr.DataArray(condensed, dims=DIMS, coords=coords, attrs=plain_attrs(about), name="dissimilarity")


def _condensed(values: np.ndarray, n: int) -> np.ndarray:
    """Distances (n_rdms, n_pairs) from matrices or from what is condensed already."""
    pairs = n * (n - 1) // 2
    if values.shape[-2:] == (n, n):
        values = np.stack([_triangle(one) for one in values.reshape(-1, n, n)])
    elif values.shape[-1:] != (pairs,) or values.ndim > 2:
        raise DataError(
            f"The distances have shape {values.shape}; {n} stimuli have {pairs} pairs: expected (n_rdms, {n}, {n}) or "
            f"(n_rdms, {pairs})."
        )
    values = np.atleast_2d(values)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(axis=1).argmax())
        raise DataError(f"RDM {bad} holds NaN or inf; expected a distance for every pair. Leave out those stimuli.")
    return values


def _triangle(square: np.ndarray) -> np.ndarray:
    """The upper triangle of a symmetric matrix with a diagonal of 0."""
    square = square.copy()
    own = np.diagonal(square)
    square[np.diag_indices(len(square))] = np.where(np.isnan(own), 0.0, own)  # many programs leave it out
    slack = ASYMMETRY * max(float(np.abs(np.nan_to_num(square)).max()), 1e-300)
    if np.abs(np.diag(square)).max() > slack:
        raise DataError("The diagonal of an RDM is not 0: these are similarities. Type 1 - values for correlations.")
    if np.isfinite(square).all() and np.abs(square - square.T).max() > slack:
        raise DataError("An RDM is not symmetric; expected d(a, b) = d(b, a). Type (x + x.T) / 2 if so meant.")
    return squareform((square + square.T) / 2, checks=False)


def is_rdms(value: object) -> bool:
    """Get whether a value is RDMs."""
    return isinstance(value, xr.DataArray) and value.dims == DIMS and {"stimulus_a", "stimulus_b"} <= set(value.coords)


def check_rdms(value: Any) -> xr.DataArray:
    """Check that a value is RDMs and return it."""
    if not is_rdms(value):
        said = f"dims {value.dims}" if isinstance(value, xr.DataArray) else f"type {type(value).__name__}"
        raise SchemaError(
            f"Expected RDMs (rdm x pair), got {said}. Type nl.brain.read_rdms(path, stimuli=ids) for a file, or "
            "nl.analysis.dissimilarities(recording)."
        )
    return value


def stimuli_of(rdms: xr.DataArray) -> list[str]:
    """Get the stimulus_id of every row, in order.

    Example
    -------
    >>> stimuli_of(make_rdms([1, 2, 3], stimuli=["a", "b", "c"], kind="simulated"))
    ['a', 'b', 'c']
    """
    first, second = (check_rdms(rdms)[name].values for name in ("stimulus_a", "stimulus_b"))
    return [str(first[0]), *(str(one) for one in second[first == first[0]])]


def square(rdms: xr.DataArray) -> np.ndarray:
    """Get the matrices (n_rdms, n_stimuli, n_stimuli).

    Example
    -------
    >>> square(make_rdms([1, 2, 3], stimuli=["a", "b", "c"], kind="simulated"))[0].tolist()
    [[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]]
    """
    return np.stack([squareform(one, checks=False) for one in check_rdms(rdms).values])


def with_stimuli(rdms: xr.DataArray, stimuli: Sequence[str]) -> xr.DataArray:
    """Get RDMs of these stimuli in this order.

    Raises
    ------
    DataError : a stimulus that the RDMs do not have.
    """
    own, wanted = stimuli_of(rdms), [str(one) for one in stimuli]
    if own == wanted:
        return rdms
    lacking = [one for one in wanted if one not in own]
    if lacking:
        raise DataError(
            f"The RDMs have no stimulus {listed(lacking, most=3)} ({len(lacking)} of {len(wanted)} are missing); they "
            f"have {listed(own, most=3)}. Expected the same stimulus_id for the same stimuli in both."
        )
    rows = [own.index(one) for one in wanted]
    columns = {str(name): coord.values for name, coord in rdms.coords.items() if coord.dims == ("rdm",)}
    about = {key: rdms.attrs[key] for key in ("kind", "distance", "source")}
    names = columns.pop("rdm")
    cut = square(rdms)[:, rows][:, :, rows]
    return make_rdms(cut, stimuli=wanted, rdm=names, columns=columns, attrs=rdms.attrs, **about)


def per_subject(rdms: xr.DataArray) -> xr.DataArray:
    """Get one RDM per person: the mean over the sessions of each; without ``subject`` each RDM counts as one.

    Example
    -------
    >>> two = make_rdms([[1, 2, 3], [3, 2, 1]], stimuli="abc", kind="brain", columns={"subject": ["BE", "BE"]})
    >>> per_subject(two).values
    array([[2., 2., 2.]])
    """
    check_rdms(rdms)
    if "subject" not in rdms.coords:
        return rdms
    whose = strings(rdms["subject"].values)
    people = list(dict.fromkeys(whose))
    mean = np.stack([rdms.values[whose == one].mean(axis=0) for one in people])
    kept = {name: rdms.coords[name] for name in ("stimulus_a", "stimulus_b")}
    coords = {"rdm": strings(people), "subject": ("rdm", strings(people)), **kept}
    return xr.DataArray(mean, dims=DIMS, coords=coords, attrs=rdms.attrs, name=rdms.name)


def dissimilarities(
    recording: xr.DataArray, *, distance: str = "correlation", by: str | None = None, name: str = ""
) -> xr.DataArray:
    """Get the RDMs of a recording: how far apart the responses to each two stimuli are.

    Parameters
    ----------
    recording : presentation x neuroid, each stimulus once (``nl.average_repetitions`` first).
    distance : "correlation" (1 - r over neuroids) or "euclidean" (squared, divided by the number of neuroids).
    by : None, all neuroids in one RDM; "site", one RDM per site, named after it.
    name : put before the name of each RDM, e.g. "trained".

    Returns
    -------
    DataArray, dims rdm x pair; ``stimulus_a`` and ``stimulus_b`` on pair; neuroids marked not ``valid`` are left out.

    Raises
    ------
    DataError : a stimulus twice; a pattern that is the same on every neuroid (it correlates with nothing).

    When this is invalid
    --------------------
    Distances of noisy responses are biased upwards, between noisy stimuli the more: for repeated brain responses take
    ``nl.stats.similarity.crossnobis``. A network without noise has no such bias.

    Source
    ------
    Kriegeskorte, Mur & Bandettini 2008, doi:10.3389/neuro.06.004.2008; agrees with rsatoolbox's ``calc_rdm``.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> dissimilarities(phantom_recording(n_units=20, rng=0).isel(presentation=range(4)), by="site").sizes["pair"]
    6
    """
    check_recording(recording)
    if by not in PARTS:
        raise UnknownNameError(f"by={by!r} is not known; expected None or 'site'.{did_you_mean(str(by), ['site'])}")
    ids = [str(one) for one in recording["stimulus_id"].values]
    if recording.dims[-1] == "time":
        raise DataError("The recording has a time dim; expected one number per neuroid. Type recording.mean('time').")
    if len(set(ids)) < len(ids):
        raise DataError("A stimulus was shown more than once; type nl.average_repetitions(recording) first.")
    if "valid" in recording.coords:
        recording = recording.isel(neuroid=np.flatnonzero(recording["valid"].values.astype(bool)))
    parts = {"": recording} if by is None else {site: at_site(recording, site) for site in site_names(recording)}
    found = np.stack([rdm(part.values, distance=distance) for part in parts.values()])
    names = [" ".join(filter(None, (name, part))) or "all" for part in parts]
    about = {key: recording.attrs.get(key, "") for key in ("specimen", "lesions")}
    return make_rdms(
        found, stimuli=ids, rdm=names, kind=str(recording.attrs["kind"]), distance=distance,
        source=str(recording.attrs.get("source", "")), attrs=about,
    )  # fmt: skip
