"""Files of tables: text or R's, each cell in the column it stands in; what leaves that open is refused with advice."""

from __future__ import annotations

import csv
import io
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import pandas as pd

from neurolab.brain.checks import open_file
from neurolab.errors import (
    FileFormatError,
    MissingPackageError,
    SchemaError,
    UnknownNameError,
    did_you_mean,
    listed,
)

#: What separates columns, by the ending of the file.
SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
R_ENDINGS = (".rda", ".rdata")
EXPECTED = "a table of text with one row per person"


def read_table(path: Any, header: Sequence[str] | None, frame: str | None, person: str | None) -> pd.DataFrame:
    """Get the table of a file: .csv, .tsv, .txt or R's .rda.

    Parameters
    ----------
    path : of the file. header : names of the columns, where the file has no line of them.
    frame : which data frame of an .rda file. person : the column of ids, which stay text as they are.

    Raises
    ------
    FileFormatError : another format, separator or encoding; lines that hold more cells than there are names.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise SchemaError(f"{type(path).__name__} was given; expected a path or a DataFrame.")
    ending = pathlib.Path(path).suffix.lower()
    if ending in R_ENDINGS:
        return _from_r(path, frame)
    if ending not in SEPARATORS:
        raise FileFormatError(
            f"{pathlib.Path(path).name!r} ends in {ending!r}; expected one of {listed((*SEPARATORS, *R_ENDINGS))}. "
            "Read it with pandas and give the frame: from_table(pandas.read_excel(path), person=...)."
        )
    own = None if header is None else [str(name) for name in header]
    text, encoding = _decoded(open_file(path, pathlib.Path.read_bytes, EXPECTED))
    _check_kind(path, text, encoding, own, person)
    lines = open_file(path, lambda _: _lines(text, SEPARATORS[ending]), EXPECTED)
    names = own or (lines[0][1] if lines else [])
    _check_width(path, lines, len(names), own is not None)
    if any(len(row) > len(names) for _, row in lines):  # separators at the end of a line, with nothing between
        text = _written([row[: len(names)] for _, row in lines], SEPARATORS[ending])
    ids = [name or f"Unnamed: {at}" for at, name in enumerate(names)]
    settings: dict[str, Any] = {"sep": SEPARATORS[ending], "skipinitialspace": True, "index_col": False}
    settings["dtype"] = {name: str for name in ids if name.strip() == str(person)}
    if own is not None:
        settings |= {"header": None, "names": own}
    return open_file(path, lambda _: pd.read_csv(io.StringIO(text), **settings), EXPECTED)


def code_for(path: str | os.PathLike[str], person: str | None, **settings: str) -> str:
    """Get what to type to read a file as a frame, with these settings of pandas.

    Example
    -------
    >>> code_for("scores.csv", "id", sep=";")
    "pandas.read_csv('scores.csv', sep=';', dtype={'id': str})"
    """
    ending = pathlib.Path(path).suffix.lower()
    if ending in R_ENDINGS:
        return f"rdata.read_rda({str(path)!r})['...']"
    asked = ({"sep": "\t"} if SEPARATORS[ending] == "\t" else {}) | settings
    words = "".join(f", {name}={value!r}" for name, value in asked.items())
    return f"pandas.read_csv({str(path)!r}{words}{f', dtype={{{person!r}: str}}' if person is not None else ''})"


def _decoded(raw: bytes) -> tuple[str, str]:
    """The text, and its encoding where that is not UTF-8."""
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
        return raw.decode(encoding, errors="replace"), encoding


def _check_kind(path: Any, text: str, encoding: str, own: list[str] | None, person: str | None) -> None:
    """Refuse a file in another encoding, or with other separators than its ending says."""
    usual = SEPARATORS[pathlib.Path(path).suffix.lower()]
    other = _other_separator([line for line in text.splitlines() if line.strip()], usual, own)
    settings = {"sep": other} if other else {}
    settings |= {"decimal": ","} if other == ";" else {}
    settings |= {"encoding": encoding} if encoding else {}
    if not settings:
        return
    wrong = ["it is not in UTF-8"] * bool(encoding) + [f"its cells are separated by {other!r}"] * bool(other)
    raise FileFormatError(
        f"{pathlib.Path(path).name!r}: {' and '.join(wrong)}; expected UTF-8 with {usual!r} between the cells. Type "
        f"from_table({code_for(path, person, **settings)}, person={'...' if person is None else person!r})."
    )


def _other_separator(lines: list[str], usual: str, own: list[str] | None) -> str:
    """What separates the cells instead; an empty string where it is the usual, or nothing says so."""
    for other in (one for one in (";", "\t", ",") if one != usual and lines):
        n = lines[0].count(other) if own is None else len(own) - 1
        amiss = [usual in lines[0]] if own is None else [line.count(usual) == n for line in lines]
        if n > 0 and not all(amiss) and all(line.count(other) >= n for line in lines):
            return other
    return ""


def _lines(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """The cells of each line that holds any, with the number of the line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    return [(reader.line_num, row) for row in reader if row]


def _check_width(path: Any, lines: list[tuple[int, list[str]]], n: int, given: bool) -> None:
    """Refuse cells beyond the last name: pandas would shift all others by one column."""
    wide = [(number, len(row)) for number, row in lines if any(cell.strip() for cell in row[n:])]
    if wide:
        number, cells = wide[0]
        advice = 'In the file, put "quotes" around a text that holds the sign between cells'
        if len(wide) == len(lines) - (not given):
            advice = "Name every column in header=" if given else "In the file, name every column, the first one too"
        raise FileFormatError(
            f"Line {number} of {pathlib.Path(path).name!r} holds {cells} cells for {n} names ({len(wide)} such lines); "
            f"expected one for each, or the columns would shift. {advice}."
        )


def _written(rows: list[list[str]], separator: str) -> str:
    held = io.StringIO()
    csv.writer(held, delimiter=separator).writerows(rows)
    return held.getvalue()


def _from_r(path: Any, frame: str | None) -> pd.DataFrame:
    try:
        import rdata
    except ImportError as error:
        raise MissingPackageError(
            "Reading R's .rda files needs the package rdata, which is not installed. Type `pip install rdata`, or save "
            "the table in R: write.csv(table, 'table.csv')."
        ) from error
    held = open_file(path, lambda file: rdata.read_rda(file), "an R data file")
    frames = {str(name): value for name, value in held.items() if isinstance(value, pd.DataFrame)}
    if frame is None and len(frames) == 1:
        frame = next(iter(frames))
    if frame not in frames:
        raise UnknownNameError(
            f"frame={frame!r} given; {pathlib.Path(path).name!r} holds the data frames {listed(frames)}."
            f"{did_you_mean(frame, frames)}"
        )
    found = frames[frame]
    factors = [name for name in found if isinstance(found[name].dtype, pd.CategoricalDtype)]
    return found.astype(dict.fromkeys(factors, object))
