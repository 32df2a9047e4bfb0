"""Files of RDMs: what is left of many published brains, as MATLAB structs, arrays or tables."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.brain.checks import open_file
from neurolab.brain.rdm_tables import cells_of, check_square, of_table
from neurolab.errors import DataError, FileFormatError, UnknownNameError, did_you_mean, listed
from neurolab.rdms import make_rdms
from neurolab.writing import path_of

#: What separates the columns of a table, by its ending.
TABLES = {".csv": ",", ".tsv": "\t", ".txt": " "}
FIELD, NAME = "RDM", "name"  # of a struct, as in the files of rsatoolbox and its forerunners


def read_rdms(
    path: str | os.PathLike[str],
    *,
    stimuli: Sequence[str] | None = None,
    variable: str | None = None,
    distance: str = "",
    source: str = "",
) -> xr.DataArray:
    """Get the RDMs of a file, one per person, session or model that it holds.

    Parameters
    ----------
    path : .mat (version 7 or older: structs with a field ``RDM`` and, where known, ``name``; or plain matrices), .npy
        ((n, n), (n_rdms, n, n) or condensed (n_rdms, n_pairs)), or .csv, .tsv, .txt: one matrix, bare or with a line
        of stimulus ids, a column of them, or both; or condensed, an RDM per line, without names.
    stimuli : the stimulus_id of each row; default those of a table, else "stimulus001" and so on. An RDM says nothing
        of its stimuli: take the order from whoever made the file. Their number decides where the numbers of a file
        could be a matrix or condensed.
    variable : of a .mat file that holds several sets of RDMs.
    distance : what the numbers are, e.g. "correlation".

    Returns
    -------
    RDMs, rdm x pair, kind "brain"; add people with ``rdms.assign_coords(subject=("rdm", [...]))``.

    Raises
    ------
    MissingDataError, FileFormatError : no file, or not one of these. UnknownNameError : which variable?
    DataError : a matrix that is not symmetric or has another number of stimuli; a file that could be a matrix, or
        condensed.

    Example
    -------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "rdm.csv"
    >>> _ = file.write_text(",cat,dog,cup\\ncat,0,1,3\\ndog,1,0,2\\ncup,3,2,0\\n")
    >>> read_rdms(file).values
    array([[1., 3., 2.]])
    """
    file = path_of(path)
    names: list[str] | None = None
    own: list[str] | None = None
    n = None if stimuli is None else len(stimuli)
    if file.suffix == ".mat":
        values, names = _of_matlab(_matlab(file), variable, file.name)
    elif file.suffix == ".npy":
        values = open_file(file, lambda one: np.load(one, allow_pickle=False), "an .npy array of RDMs")
        check_square(values, file.name, n)
    elif file.suffix in TABLES:
        cells = open_file(file, lambda one: cells_of(one, TABLES[file.suffix]), "a table of distances")
        values, own = of_table(cells, file.name, n)
    else:
        raise FileFormatError(f"{file.name} is no .mat, .npy, .csv, .tsv or .txt file; expected one. Save it as .npy.")
    if stimuli is not None and own and list(stimuli) != own:
        raise DataError(
            f"{file.name} names its own stimuli, {listed(own, most=4)}, and stimuli= names others or another order. "
            "Leave stimuli= out; to put them in another order type neurolab.rdms.with_stimuli(rdms, stimuli)."
        )
    ids = list(stimuli) if stimuli is not None else own or _numbered(values, file.name)
    return make_rdms(
        values, stimuli=ids, rdm=names, kind="brain", distance=distance, source=source or file.name
    )


def _matlab(file: pathlib.Path) -> dict[str, Any]:
    from scipy.io import loadmat

    def reader(path: pathlib.Path) -> dict[str, Any]:
        try:
            return loadmat(path)
        except NotImplementedError as error:
            raise FileFormatError("it is of version 7.3: in MATLAB type save(file, '-v7')") from error

    return {key: one for key, one in open_file(file, reader, "a MATLAB file").items() if not key.startswith("__")}


def _of_matlab(held: dict[str, Any], variable: str | None, what: str) -> tuple[np.ndarray, list[str] | None]:
    """The distances of one variable, and the names in its struct."""
    able = [key for key, one in held.items() if _holds_rdms(one)]
    if variable is None and len(able) == 1:
        variable = able[0]
    if variable not in able:
        given = "no variable was named" if variable is None else f"variable={variable!r} is none of them"
        near = did_you_mean(variable or "", able)
        there = listed(able, empty="no variable")
        raise UnknownNameError(f"{what} holds RDMs in {there}; {given}.{near} Type variable=….")
    found = held[variable]
    if found.dtype.names is None:
        return np.asarray(found, dtype=np.float64), None
    every = found.ravel()
    matrices = [np.squeeze(one[FIELD]).astype(np.float64) for one in every]
    if len({one.shape for one in matrices}) > 1:
        raise DataError(f"The RDMs of {variable!r} in {what} differ in shape: {[one.shape for one in matrices]}.")
    texts = [str(np.ravel(one[NAME])[0]) if NAME in found.dtype.names and one[NAME].size else "" for one in every]
    named = all(texts) and len(set(texts)) == len(texts)
    return np.stack(matrices), texts if named else None


def _holds_rdms(value: Any) -> bool:
    """A struct with RDMs, or a square matrix of numbers."""
    if not isinstance(value, np.ndarray):
        return False
    if value.dtype.names is not None:
        return FIELD in value.dtype.names
    return value.dtype.kind in "fiu" and value.ndim == 2 and value.shape[0] == value.shape[1] > 2


def _numbered(values: np.ndarray, what: str) -> list[str]:
    """Names for stimuli of which only the number is known."""
    last = values.shape[-1] if values.ndim else 0
    of_pairs = round((1 + np.sqrt(1 + 8 * last)) / 2)
    n = last if values.ndim > 1 and values.shape[-2] == last else of_pairs
    if values.ndim == 0 or n < 3 or (n != last and n * (n - 1) // 2 != last):
        raise DataError(f"{what} holds an array of shape {values.shape}; expected (n, n), (n_rdms, n, n) or pairs.")
    return [f"stimulus{at + 1:03d}" for at in range(n)]
