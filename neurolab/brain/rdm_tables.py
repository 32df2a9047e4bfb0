"""Tables of distances: a matrix, bare or with names around it, or condensed pairs; what could be either is asked."""

from __future__ import annotations

import csv
import pathlib
import re
from typing import NamedTuple

import numpy as np

from neurolab.errors import DataError

GAPS = ("nan", "na", "n/a", "null", "-")
#: What stands around a matrix: lines and columns of names.
FRAMES = {
    "": (0, 0), " with a line of names": (1, 0), " with a column of names": (0, 1),
    " with a line and a column of names": (1, 1),
}  # fmt: skip
FRAME_OF = {False: "", True: " with a line and a column of names"}


class Reading(NamedTuple):
    """What a table may hold: a matrix of n stimuli inside a frame, or (frame None) RDMs as condensed pairs."""

    n: int
    frame: str | None = None


def cells_of(path: pathlib.Path, separator: str) -> np.ndarray:
    """Get the cells of a table as text (lines, columns); a gap is empty, and so is the corner that R leaves out."""
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    if separator.isspace():
        rows = list(csv.reader(lines, delimiter=separator)) if separator == "\t" else _by_spaces(lines)
    else:
        rows = list(csv.reader(lines, delimiter=separator))
    if not rows:
        raise DataError("it is empty")
    width = max(len(row) for row in rows)
    if len(rows[0]) == width - 1 == len(rows) - 1:
        rows[0] = ["", *rows[0]]
    uneven = [at + 1 for at, row in enumerate(rows) if len(row) != width]
    if uneven:
        raise DataError(f"line {uneven[0]} has {len(rows[uneven[0] - 1])} cells and others {width}")
    cells = np.array([[cell.strip() for cell in row] for row in rows], dtype=object)
    cells[np.isin(np.char.lower(cells.astype(str)), GAPS)] = ""
    return cells


def _by_spaces(lines: list[str]) -> list[list[str]]:
    return list(csv.reader([re.sub(r"\s+", " ", line.strip()) for line in lines], delimiter=" "))


def of_table(cells: np.ndarray, what: str, n: int | None = None) -> tuple[np.ndarray, list[str] | None]:
    """Get the distances of a table and its names of stimuli, None where it has none.

    cells : (lines, columns) of text. what : the name of the file. n : how many stimuli there are, where known.

    Raises
    ------
    DataError : cells that are no numbers; names that differ; a shape that is none of these, or two of them.

    Example
    -------
    >>> of_table(np.array([["a", "b", "c"], ["0", "1", "2"], ["1", "0", "3"], ["2", "3", "0"]]), "t.csv")[1]
    ['a', 'b', 'c']
    """
    numbers = np.vectorize(_number, otypes=[np.float64])(cells)
    reading = _only(_readings(cells, numbers), cells, numbers, n, what)
    line, column = FRAMES[reading.frame or ""]
    inner = numbers[line:, column:]
    if np.isnan(inner).any():
        bad = int(np.isnan(inner).sum())
        raise DataError(f"{bad} cells of {what} are no numbers; expected a distance in each.")
    if reading.frame is None:
        return (inner.T if inner.shape[1] == 1 else inner), None
    return inner, _names(cells, line, column, what)


def check_square(values: np.ndarray, what: str, n: int | None = None) -> None:
    """Refuse a square array that is no matrix of distances but may be as many condensed RDMs, unless n says which.

    Raises
    ------
    DataError : it could be a matrix, not symmetric, or as many RDMs, condensed.
    """
    if n is None and values.ndim == 2 and values.shape[0] == values.shape[1]:
        k = _stimuli_of(len(values))
        if k not in (0, len(values)) and not _distances(np.asarray(values, dtype=np.float64)):
            raise _asked(Reading(len(values), ""), Reading(k), values.shape, what)


def _readings(cells: np.ndarray, numbers: np.ndarray) -> list[Reading]:
    """All that a table may be, by its shape and by where it holds words: a matrix first, then condensed pairs."""
    words = np.isnan(numbers) & (cells != "")
    lines, columns = cells.shape
    named = words[0].any() or words[:, 0].any() or cells[0, 0] == ""
    square = FRAME_OF[bool(named and lines > 3)]
    frame = {0: square, 1: " with a line of names", -1: " with a column of names"}.get(lines - columns)
    found = [Reading(n, frame)] if frame is not None and (n := lines - FRAMES[frame][0]) >= 3 else []
    k = _stimuli_of(lines if columns == 1 else columns)
    return found + ([Reading(k)] if k and not np.isnan(numbers).any() else [])


def _only(found: list[Reading], cells: np.ndarray, numbers: np.ndarray, n: int | None, what: str) -> Reading:
    """The one thing that a table is; refused where it could be two, or is none."""
    if not found:
        raise DataError(
            f"{what} holds {cells.shape[0]} x {cells.shape[1]} cells; expected a matrix, with or without a line and a "
            "column of names, or condensed pairs (an RDM per line) without names. Save them with header=False, "
            "index=False."
        )
    fits = [one for one in found if n in (None, one.n)] or found
    matrix, other = fits[0], fits[-1]
    if matrix.n == other.n:
        return matrix
    line, column = FRAMES[matrix.frame or ""]
    names = numbers[0] if line else numbers[:, 0] if column else np.arange(matrix.n)
    numbering = any((names == np.arange(matrix.n) + first).all() for first in (0, 1))
    if _distances(numbers[line:, column:]):
        if (names == np.round(names)).all():
            return matrix
    elif line or column:
        return matrix if numbering else other
    raise _asked(matrix, other, cells.shape, what)


def _asked(matrix: Reading, other: Reading, shape: tuple[int, ...], what: str) -> DataError:
    few = " or ".join(str(n) for n in sorted({matrix.n, other.n}))
    return DataError(
        f"{what} holds {shape[0]} x {shape[1]} numbers, which could be one matrix of {matrix.n} stimuli{matrix.frame} "
        f"or {shape[0]} RDMs of {other.n} stimuli, condensed. Type "
        f"stimuli=[the {few} ids, in order]."
    )


def _names(cells: np.ndarray, line: int, column: int, what: str) -> list[str] | None:
    """The names in the line, or in the column; where both have some they are the same, or one is a numbering."""
    of_line, of_column = [str(one) for one in cells[0, column:]], [str(one) for one in cells[line:, 0]]
    given = [names for names, there in ((of_line, line), (of_column, column)) if there]
    if any("" in names for names in given):
        raise DataError(f"A stimulus of {what} has no name; expected one for each, or none at all.")
    numberings = [[str(at + first) for at in range(cells.shape[0] - line)] for first in (0, 1)]
    own = [names for names in given if names not in numberings] or given
    if len(own) == 2 and own[0] != own[1] and given[0] not in numberings:
        raise DataError(f"The line and the column of names of {what} differ; expected the same ids in both.")
    return own[0] if own else None


def _distances(values: np.ndarray) -> bool:
    """Whether a square array is symmetric with a diagonal of 0, or one left out."""
    own = np.nan_to_num(np.diagonal(values))
    return bool(np.allclose(own, 0) and np.allclose(values, values.T, equal_nan=True))


def _stimuli_of(n_pairs: int) -> int:
    """How many stimuli have so many pairs; 0 where none do."""
    n = round((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    return n if n >= 3 and n * (n - 1) // 2 == n_pairs else 0


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")
