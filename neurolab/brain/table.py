"""Tables of people: scores and covariates by id, from a file or a frame; nobody is dropped in silence."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurolab.brain.table_files import code_for, read_table
from neurolab.errors import (
    DataError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
    amount,
    did_you_mean,
    listed,
)
from neurolab.ids import id_of

#: Text that was meant as a number: 40%, or 2,8 where a comma is the decimal point.
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?\s*%?")


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
    person : the column of ids, in a file text as it stands ("001"). None: the frame's own index or, for a file, row r
        is ``people[r]``.
    people : the ids that are wanted, in this order, e.g. ``lesions.stimulus_id.values``; one who is not in the table is
        an error that names them, one more is named in ``attrs["note"]``. Default: everybody in the table.
    columns : those to keep; default all.
    header : names of the columns of a file that has no line of names.
    frame : which data frame of an .rda file, where it has several.
    allow_missing : keep empty cells as NaN, and name the people; else they are an error.

    Returns
    -------
    DataFrame, index ``person`` (text, unique); attrs ``source`` and ``note`` (who is over, what is empty, which columns
    are text that reads as numbers).

    Raises
    ------
    DataError : people who are missing, who come twice, or who have empty cells.
    UnknownNameError : no such column; near misses are suggested.
    ReplicationUnitError : an index of several levels: sessions are not people.
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
    framed = isinstance(table, pd.DataFrame)
    found = (table if isinstance(table, pd.DataFrame) else read_table(table, header, frame, person)).copy()
    given = {str(name).strip(): name for name in found.columns}
    found.columns = pd.Index([str(name).strip() for name in found.columns])
    twice = sorted(set(found.columns[found.columns.duplicated()]))
    if twice:
        raise SchemaError(f"The table has the columns {listed(twice)} more than once; rename them first.")
    wanted = None if people is None else [str(one) for one in people]
    if wanted is not None and len(set(wanted)) < len(wanted):
        again = sorted({one for one in wanted if wanted.count(one) > 1})
        raise DataError(f"people= names {listed(again)} more than once; expected each once.")
    found = _indexed(found, person, wanted, framed)
    code = "table" if isinstance(table, pd.DataFrame) else code_for(table, person)
    by = "level=0" if person is None else repr(given[str(person)])
    _once(found, f"{code}.groupby({by}).mean(numeric_only=True)")
    found, extra = (found, []) if wanted is None else _in_order(found, wanted)
    if columns is not None:
        found = found[[_column(found, name) for name in ([columns] if isinstance(columns, str) else columns)]]
    empty = _empty(found, allow_missing)
    notes = [f"In the table but not asked for: {listed(extra)}." if extra else "", empty, _texts(found)]
    found.attrs = {
        "source": "DataFrame" if isinstance(table, pd.DataFrame) else pathlib.Path(table).name,
        "note": " ".join(filter(None, notes)),
    }
    return found


def _column(found: pd.DataFrame, name: Any) -> str:
    if str(name) not in found.columns:
        raise UnknownNameError(
            f"The table has no column {str(name)!r}.{did_you_mean(name, found.columns)} It has {listed(found.columns)}."
        )
    return str(name)


def _indexed(found: pd.DataFrame, person: str | None, people: list[str] | None, framed: bool) -> pd.DataFrame:
    """The table with ids as index."""
    levels = list(found.index.names) if framed and isinstance(found.index, pd.MultiIndex) else []
    if levels and (person is None or person in levels):
        by = person if person is not None else levels[0] if levels[0] is not None else 0
        raise ReplicationUnitError(
            f"The index of the table has {len(levels)} levels, {listed(levels)}; expected one, of people: sessions are "
            f"not people. Average first: type from_table(table.groupby(level={by!r}).mean(numeric_only=True))."
        )
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
    return found


def _once(found: pd.DataFrame, mean: str) -> None:
    """Refuse people who come twice; ``mean`` is what makes one row of theirs."""
    twice = sorted(set(found.index[found.index.duplicated()]))
    if twice:
        raise DataError(
            f"The table has several rows for {listed(twice, most=6)}; each person counts once. Choose one assessment "
            f"each, or average them: type from_table({mean})."
        )


def _id(one: Any) -> str:
    """An id as text; 7.0, as a column with a gap has it, is 7."""
    return id_of(one).strip()


def _in_order(found: pd.DataFrame, people: list[str]) -> tuple[pd.DataFrame, list[str]]:
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
    said += f"; … ({len(gaps)} columns in all)" if len(gaps) > 4 else ""
    whose = int(found.isna().any(axis=1).sum())
    if not allowed:
        raise DataError(
            f"The table has empty cells in {amount(len(gaps), 'column')}, of {whose} of "
            f"{amount(len(found), 'person', 'people')}: {said}. Keep the columns you need (columns=[...]), "
            "leave those people out yourself (people=[...]), or type allow_missing=True to keep them as NaN."
        )
    return f"Empty, in {whose} of {len(found)} people: {said}." if whose > 1 else f"Empty: {said}."


def _texts(found: pd.DataFrame) -> str:
    """Which columns are text that reads as numbers, in words, and how to make numbers of them."""
    texts: dict[str, str] = {}
    for name in found:
        cells = [one for one in found[name].dropna().tolist() if isinstance(one, str)]
        if cells and all(NUMBER.fullmatch(one.strip()) for one in cells):
            texts[str(name)] = next((one for one in cells if not one.strip().isdigit()), cells[0])
    if not texts:
        return ""
    said = ", ".join(f"{name!r} ({cell!r})" for name, cell in texts.items())
    first = f"table[{next(iter(texts))!r}]"
    return (
        f"Text that reads as numbers: {said}. Type {first} = pandas.to_numeric({first}.astype(str).str.rstrip('% ')"
        ".str.replace(',', '.')), and so on."
    )
