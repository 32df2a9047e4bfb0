"""Profiles: what is known of every network of a condition, one row each; cohorts are compared by them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from neurolab.analysis.cohort_table import Profile, table_of
from neurolab.errors import DataError, listed

#: The index that says how far training came, on the labels that were taught.
TRAINING = "training accuracy"


def profile(parts: Iterable[Profile], *, training: pd.DataFrame | None = None) -> pd.DataFrame:
    """Get one table of a condition: a row per network, a column per index, joined from parts.

    Parameters
    ----------
    parts : tables of ``damage_indices``, ``tuning_indices``, ``game_indices``, or of your own with the names of the
        networks as index, or DataArrays (specimen,) named after the index. Parts of the same network are joined side
        by side, of others one below the other.
    training : ``nl.specimen.training_table(cohort)``: adds *training accuracy*, on the labels that were taught.

    Raises
    ------
    DataError : an index of a network that two parts give differently; an index that a network lacks.

    Example
    -------
    >>> one, two = (pd.DataFrame({name: [0.5]}, index=["net"]) for name in ("accuracy", "redundancy"))
    >>> profile([one, two]).loc["net"].to_dict()
    {'accuracy': 0.5, 'redundancy': 0.5}
    """
    given = [table_of(part) for part in parts]
    if training is not None:
        column = training.set_index("specimen")["accuracy"].rename(TRAINING)
        given.append(column.to_frame())
    if not given:
        raise DataError("profile() got no parts; expected tables of indices, such as damage_indices(trials, ...).")
    table: dict[str, dict[str, float]] = {}
    columns: dict[str, None] = {}
    for part in given:
        columns |= dict.fromkeys(map(str, part.columns))
        for name, row in zip(map(str, part.index), part.to_dict("records")):
            _joined(table.setdefault(name, {}), name, {str(key): float(value) for key, value in row.items()})
    lacking = [f"{index} of {name}" for name, row in table.items() for index in columns if index not in row]
    if lacking:
        raise DataError(f"profile() lacks {listed(lacking)}; expected every index of every network.")
    return pd.DataFrame(
        [[row[index] for index in columns] for row in table.values()],
        index=pd.Index(list(table), name="specimen"), columns=list(columns), dtype=float,
    )  # fmt: skip


def _joined(row: dict[str, float], name: str, more: dict[str, float]) -> None:
    for index, value in more.items():
        if index in row and not np.isclose(row[index], value, equal_nan=True):
            raise DataError(
                f"Two parts give {index!r} of {name!r} as {row[index]:.4g} and {value:.4g}; rename the column of one."
            )
        row[index] = value
