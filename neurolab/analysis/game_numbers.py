"""The shape of a game of parts, in a few numbers: redundancy, and what lesions of one or two parts say of it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import spearmanr

from neurolab.analysis.game import Played, played
from neurolab.analysis.profile_flags import result_attrs
from neurolab.errors import DesignError


def game_indices(found: xr.Dataset, trials: xr.Dataset | None = None) -> pd.DataFrame:
    """Get the shape of each network's game: how redundant its parts are, and what single lesions say of it.

    *redundancy* and *D index* (0: one part does it all, 1: all alike) are those of ``shapley``; *single against
    Shapley*: Spearman's rank correlation over parts of single deficits with contributions; with ``trials``, *pairs
    against Shapley*: the same for single deficits plus half of all pair interactions of the part, both measured with
    all others intact, which is what lesions of one and two can know.

    Parameters
    ----------
    found : of ``shapley``, over networks. trials : those that it was made of, with every pair lesioned.

    When this is invalid
    --------------------
    Contributions sum to what the task loses, so that their size is accuracy's; their shape is compared.

    Source
    ------
    Keinan et al. 2004, doi:10.1162/0899766041336387; Fakhar & Hilgetag 2022, doi:10.1371/journal.pcbi.1010250.

    Example
    -------
    >>> from neurolab.analysis.contributions import shapley
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, n_stimuli=2000, n_specimens=2, rng=0)
    >>> game_indices(shapley(trials, task="X", rng=0))["redundancy"].round(1).tolist()
    [1.0, 1.0]
    """
    if found.attrs.get("analysis") != "shapley" or "specimen" not in found["value"].dims:
        raise DesignError("game_indices() needs the result of nl.analysis.shapley over networks: two or more of them.")
    value, alone = (found[name].transpose("specimen", "player").values for name in ("value", "alone_value"))
    row = {
        "redundancy": found["redundancy_index_value"].values,
        "D index": found["d_index_value"].values,
        "single against Shapley": _each(alone, value),
    }
    if trials is not None:
        game = played(trials, str(found.attrs["task"]), [str(name) for name in found["player"].values], None)
        row["pairs against Shapley"] = _each(alone + _half_of_pairs(game), value)
    table = pd.DataFrame(row, index=pd.Index(found["specimen"].values.astype(str), name="specimen"))
    table.attrs |= result_attrs(found, "", {name: name for name in row})
    return table


def _each(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's rho of every row; NaN where a row is constant."""
    return np.array([spearmanr(x, y).statistic if np.ptp(x) > 0 and np.ptp(y) > 0 else np.nan for x, y in zip(a, b)])


def _half_of_pairs(game: Played) -> np.ndarray:
    """Half of what each player loses more (or less) together with each other one than alone (members, players)."""
    found = np.zeros((game.members, game.n))
    for i, j in combinations(range(game.n), 2):
        one, other = game.deficit(1 << i), game.deficit(1 << j)
        extra = game.deficit(1 << i | 1 << j) - one - other
        found[:, [i, j]] += extra[:, None] / 2
    return found
