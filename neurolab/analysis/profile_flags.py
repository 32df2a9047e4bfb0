"""What profiles, tables of indices, say against themselves: which of their indices a sentence is about, and of whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from neurolab.analysis.flags import Flags, flags_in, flags_of
from neurolab.analysis.sample import MEMBER, PLURAL, Sample
from neurolab.analysis.whose import seeds_of


def as_table_attrs(flags: Flags, kind: str = "") -> dict[str, Any]:
    """Get flags as the attrs of a table; ``kind``, where known, is of those in its rows: "ann", "brain".

    Example
    -------
    >>> as_table_attrs({"Half.": {"index": ["AUC"]}, "All.": {}}, "ann")["flags_about"]
    {'Half.': {'index': ['AUC']}}
    """
    about = {sentence: {dim: list(names) for dim, names in dims.items()} for sentence, dims in flags.items() if dims}
    return {"undermined_by": list(flags), "flags_about": about} | ({"kind": kind} if kind else {})


def table_flags(table: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Get what a table says against itself, and of which of its columns; of all, where none is called as is said.

    Example
    -------
    >>> table = pd.DataFrame({"AUC": [0.5], "Gini": [0.2]})
    >>> table.attrs |= as_table_attrs({"Half.": {"index": ["AUC"]}})
    >>> table_flags(table), table_flags(table.rename(columns={"AUC": "area"}))
    ({'Half.': {'index': ['AUC']}}, {'Half.': {}})
    """
    columns = list(map(str, table.columns))
    named = {line: [str(one) for one in about.get("index", ())] for line, about in flags_in(table.attrs).items()}
    known = {line: [one for one in columns if one in names] for line, names in named.items()}
    return {line: {"index": hit} if 0 < len(hit) < len(columns) else {} for line, hit in known.items()}


def plural_of(tables: Iterable[pd.DataFrame]) -> str:
    """What the members in several tables are called: by ``attrs["kind"]``, or networks where they have seeds."""
    kinds = {str(table.attrs.get("kind", "")) or ("ann" if seeds_of(table) else "") for table in tables}
    over = {MEMBER.get(kind, "") for kind in kinds}
    return PLURAL.get(over.pop(), "members") if len(over) == 1 else "members"


def joined_tables(parts: Sequence[pd.DataFrame], all_of_them: Iterable[str] = ()) -> Flags:
    """Get what parts of one profile say: each of its own columns. ``all_of_them`` : sentences about every index."""
    columns = dict.fromkeys(str(one) for part in parts for one in part.columns)
    said: dict[str, dict[str, None]] = dict.fromkeys(all_of_them, columns)
    for part in parts:
        for line, about in table_flags(part).items():
            said[line] = said.get(line, {}) | dict.fromkeys(about.get("index", map(str, part.columns)))
    return {line: {} if len(names) == len(columns) else {"index": list(names)} for line, names in said.items()}


def result_attrs(result: xr.Dataset, dim: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """Get the attrs of a table made of a result: what it says of what was taken out of it, column by column.

    dim : whose entries the columns are, "" for none. columns : entry -> what it is called.
    """
    taken = {str(name): [str(coord.item())] for name, coord in result.coords.items() if not coord.dims}
    flags = flags_in(result.attrs)
    said: dict[str, dict[str, list[str]]] = {}
    for line in flags_of(flags, **taken):
        hit = [called for entry, called in columns.items() if entry in flags[line].get(dim, columns)]
        if hit:
            said[line] = {"index": hit} if len(hit) < len(columns) else {}
    over = str(result.attrs.get("generalises_over", ""))
    return as_table_attrs(said, next((kind for kind, member in MEMBER.items() if member == over), ""))


def sample_attrs(sample: Sample, *tasks: str) -> dict[str, Any]:
    """Get the attrs of a table made of trials: what these say against themselves on the tasks that are used."""
    kind = str(sample.trials.attrs.get("kind", ""))
    return as_table_attrs(flags_in(sample.undermined([], tasks)), kind if kind in MEMBER else "")
