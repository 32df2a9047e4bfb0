"""Rows of trials that belong together: the draws of one lesion at one dose, or of one family of controls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

#: What the draws of one lesion have in common.
GROUP = ("roi", "role", "family", "how", "dose")


def draws_together(trials: xr.Dataset) -> list[np.ndarray]:
    """Get the rows of every lesion at one dose and of every control family, in order; without the shams.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> [rows.tolist() for rows in draws_together(phantom_trials(n_controls=2, rng=0))]
    [[0], [2, 3], [4], [6, 7]]
    """
    table = pd.DataFrame({name: trials[name].values for name in GROUP})
    table = table[table["role"] != "sham"]
    if table.empty:
        return []
    return [table.index.to_numpy()[where] for where in table.groupby(list(GROUP), sort=False).indices.values()]


def draws_label(trials: xr.Dataset, rows: np.ndarray) -> str:
    """Get the lesion_id of a single lesion; of several draws, the id without its draw.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> draws_label(phantom_trials(n_controls=2, rng=0), np.array([2, 3]))
    'A | matched control'
    """
    first = str(trials["lesion_id"].values[rows[0]])
    return first if len(rows) == 1 else first.split(" | draw ")[0]
