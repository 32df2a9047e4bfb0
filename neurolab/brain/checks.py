"""What every reader asks of a file and of its numbers before they become a recording."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurolab.errors import DataError, FileFormatError, MissingDataError
from neurolab.writing import path_of


def open_file(path: str | os.PathLike[str], reader: Callable[[pathlib.Path], Any], expected: str) -> Any:
    """Get what ``reader`` makes of a file; its troubles become errors that say what to do.

    Parameters
    ----------
    path : of the file.
    reader : of one argument, the path.
    expected : words for what the file should be.

    Raises
    ------
    MissingDataError : no such file.
    FileFormatError : a file that the reader cannot read: truncated, or of another kind.
    """
    file = path_of(path)
    if not file.is_file():
        raise MissingDataError(f"{file} is not there; expected {expected}. Check the path, or copy the file there.")
    try:
        return reader(file)
    # what a broken file raises is the reader's affair: zlib, struct, OSError, nibabel's own; none may pass untyped
    except Exception as error:
        raise FileFormatError(
            f"{file} ({file.stat().st_size} bytes) cannot be read as {expected} ({type(error).__name__}: {error}); it "
            "may be truncated. Copy it again and compare its sha256 with the source."
        ) from error


def require_finite(values: np.ndarray, names: Sequence[str], what: str, advice: str) -> None:
    """Raise DataError that counts NaN and inf in ``values`` (n, ...), names the first row, and gives advice."""
    rows = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(rows):
        raise DataError(
            f"{len(rows)} of {len(values)} {what} hold NaN or inf, the first is {names[rows[0]]!r} (number {rows[0]}); "
            f"expected finite numbers. Type {advice}."
        )
