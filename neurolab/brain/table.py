"""Tables of people: scores and covariates by id, from a file or a frame; nobody is dropped in silence."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurolab.brain.checks import open_file
from neurolab.errors import (
    DataError,
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


def from_table(
    table: str | os.PathLike[str] | pd.DataFrame,
    *,
    person: str | None = None,
    people: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    header: Sequence[str] | None = None,
    frame: str | None = None,
    allow_missing: bool = False,
) -> pd.DataFrame:
    """Get a table of people with their ids as index, one row each: ``table["score"]`` is a behaviour for a lesion map.

    Parameters
    ----------
    table : a file (.csv, .tsv, .txt with tabs, .rda of R) or a DataFrame.
    person : the column of ids. None: the frame's own index or, for a file, row r is ``people[r]``.
    people : the ids that are wanted, in this order, e.g. ``lesions.stimulus_id.values``; one who is not in the table is
        an error that names them, one more is named in ``attrs["note"]``. Default: everybody in the table.
    columns : those to keep; default all.
    header : names of the columns of a file that has no line of names.
    frame : which data frame of an .rda file, where it has several.
    allow_missing : keep empty cells as NaN, and name the people; else they are an error.

    Returns
    -------
    DataFrame, index ``person`` (text, unique); attrs ``source`` and ``note``.

    Raises
    ------
    DataError : people who are missing, who come twice, or who have empty cells.
    UnknownNameError : no such column; near misses are suggested.
    MissingDataError, FileFormatError, MissingPackageError : no file, not this format, no reader for R's.

    When this is invalid
    --------------------
    A file without ids in another order than ``people``: nothing can show that.

    Example
    -------
    >>> people = pd.DataFrame({"who": ["b", "a"], "naming": [3, 7]})
    >>> from_table(people, person="who", people=["a", "b"])["naming"].to_dict()
    {'a': 7, 'b': 3}
    """
    found = (table if isinstance(table, pd.DataFrame) else _read(table, header, frame)).copy()
    found.columns = pd.Index([str(name).strip() for name in found.columns])
    twice = sorted(set(found.columns[found.columns.duplicated()]))
    if twice:
        raise SchemaError(f"The table has the columns {listed(twice)} more than once; rename them first.")
    wanted = None if people is None else [str(one) for one in people]
    found = _indexed(found, person, wanted, isinstance(table, pd.DataFrame))
    found, extra = (found, []) if wanted is None else _in_order(found, wanted)
    if columns is not None:
        found = found[[_column(found, name) for name in ([columns] if isinstance(columns, str) else columns)]]
    empty = _empty(found, allow_missing)
    notes = [f"In the table but not asked for: {listed(extra)}." if extra else "", empty]
    found.attrs = {
        "source": "DataFrame" if isinstance(table, pd.DataFrame) else pathlib.Path(table).name,
        "note": " ".join(filter(None, notes)),
    }
    return found


def _read(path: Any, header: Sequence[str] | None, frame: str | None) -> pd.DataFrame:
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
    settings: dict[str, Any] = {"sep": SEPARATORS[ending], "encoding": "utf-8-sig", "skipinitialspace": True}
    if header is not None:
        settings |= {"header": None, "names": [str(name) for name in header], "index_col": False}
    return open_file(path, lambda file: pd.read_csv(file, **settings), "a table of text with one row per person")


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


def _column(found: pd.DataFrame, name: Any) -> str:
    if str(name) not in found.columns:
        raise UnknownNameError(
            f"The table has no column {str(name)!r}.{did_you_mean(name, found.columns)} It has {listed(found.columns)}."
        )
    return str(name)


def _indexed(found: pd.DataFrame, person: str | None, people: list[str] | None, framed: bool) -> pd.DataFrame:
    """The table with ids as index."""
    if person is not None:
        name = _column(found, person)
        none = np.flatnonzero(found[name].isna())
        if len(none):
            raise DataError(f"{len(none)} rows have no {name!r}, the first is row {none[0] + 1}; who are they?")
        found = found.set_index(name)
    elif not framed:
        if people is None or len(people) != len(found):
            told = "no people= was given" if people is None else f"people= has {len(people)} ids"
            raise DataError(
                f"The file has {len(found)} rows and {told}: which row is whom? Type person='...', one of "
                f"{listed(found.columns)}; or people=[...], one id per row."
            )
        found.index = pd.Index(people)
    found.index = pd.Index([_id(one) for one in found.index], dtype=object, name="person")
    twice = sorted(set(found.index[found.index.duplicated()]))
    if twice:
        raise DataError(
            f"The table has several rows for {listed(twice, most=6)}; each person counts once. Choose one assessment "
            "each, or average them: table.groupby(person).mean()."
        )
    return found


def _id(one: Any) -> str:
    """An id as text; 7.0, as a column with a gap has it, is 7."""
    return str(int(one)) if isinstance(one, float) and one.is_integer() else str(one).strip()


def _in_order(found: pd.DataFrame, people: list[str]) -> tuple[pd.DataFrame, list[str]]:
    twice = sorted({one for one in people if people.count(one) > 1})
    if twice:
        raise DataError(f"people= names {listed(twice)} more than once; expected each once.")
    absent = [one for one in people if one not in found.index]
    if absent:
        raise DataError(
            f"The table lacks {len(absent)} of {len(people)} people: {listed(absent, most=6)}."
            f"{did_you_mean(absent[0], found.index)} It has {listed(found.index, most=4)}. Leave them out of people=, "
            "and say so."
        )
    return found.loc[people], [one for one in found.index if one not in set(people)]


def _empty(found: pd.DataFrame, allowed: bool) -> str:
    """Who has empty cells, in words; an error unless that is allowed."""
    gaps = {str(name): found.index[found[name].isna()].tolist() for name in found if found[name].isna().any()}
    if not gaps:
        return ""
    said = "; ".join(f"{name} for {listed(who, most=6)}" for name, who in list(gaps.items())[:4])
    if not allowed:
        raise DataError(
            f"The table has empty cells in {len(gaps)} columns: {said}. Keep the columns you need (columns=[...]), "
            "leave those people out yourself (people=[...]), or type allow_missing=True to keep them as NaN."
        )
    return f"Empty: {said}."
