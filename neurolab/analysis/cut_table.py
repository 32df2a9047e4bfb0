"""What clusterability says of each network, as the tables that cohorts are compared by."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from neurolab.analysis.flags import flags_in, flags_of
from neurolab.analysis.profile_flags import as_table_attrs
from neurolab.analysis.profiles import training_flags
from neurolab.errors import DataError, SchemaError, listed

#: Columns of a profile: what they are called for a kind of shuffle, and the variable.
COLUMNS = {"z ({})": "z", "n-cut above shuffles ({})": "difference"}


def cut_indices(found: xr.Dataset, *, training: pd.DataFrame | None = None) -> dict[str, pd.DataFrame]:
    """Get the n-cuts of networks as profiles, condition -> table (network x index), for ``compare_cohorts``.

    Parameters
    ----------
    found : of ``clusterability``.
    training : of ``nl.specimen.training_table``: its training accuracy is added, so that cohorts of unequal accuracy
        are flagged; networks that are not in it (untrained, glued) have NaN.

    Returns
    -------
    Per condition a DataFrame, its index the networks: "n-cut", and per kind of shuffle "z (shuffled)" and "n-cut above
    shuffles (shuffled)". ``attrs["undermined_by"]`` : what the result and the training say against the condition.

    Example
    -------
    >>> import numpy as np
    >>> from neurolab.analysis import Spectral, clusterability
    >>> nets = [np.kron(np.eye(2), np.ones((4, 4))) + 0.1 * k for k in range(1, 4)]
    >>> found = clusterability(nets, by=Spectral(2, n_init=2), n_null=5, nulls=("shuffled",), rng=0)
    >>> list(cut_indices(found)["networks"])
    ['n-cut', 'z (shuffled)', 'n-cut above shuffles (shuffled)']
    """
    if str(found.attrs.get("analysis", "")) != "clusterability":
        raise SchemaError(f"cut_indices() got a result of {found.attrs.get('analysis')!r}; expected one of "
                          "clusterability().")  # fmt: skip
    tables = {}
    for condition in found["condition"].values.astype(str):
        here = found.sel(condition=condition)
        columns = {"n-cut": here["cut"].values}
        for null in found["null"].values.astype(str):
            columns |= {name.format(null): here[of].sel(null=null).values for name, of in COLUMNS.items()}
        table = pd.DataFrame(columns, index=[str(name) for name in here["network"].values])
        tables[condition] = table if training is None else table.assign(**_accuracy(table, training, condition))
        said = [*flags_of(flags_in(found.attrs), condition=[condition]), *training_flags(training, [condition])]
        tables[condition].attrs |= as_table_attrs({line: {} for line in said}, "ann")
    return tables


def _accuracy(table: pd.DataFrame, training: pd.DataFrame, condition: str) -> dict[str, list[float]]:
    missing = [name for name in ("condition", "specimen", "accuracy") if name not in training]
    if missing:
        raise DataError(f"training lacks the columns {listed(missing)}; expected nl.specimen.training_table({{...}}).")
    known = training[training["condition"] == condition].set_index("specimen")["accuracy"].to_dict()
    return {"training accuracy": [float(known.get(name, float("nan"))) for name in table.index]}
