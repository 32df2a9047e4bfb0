"""Experiments on nothing: how often units, and networks, taken as the sample call noise an effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats as sps

from neurolab.chance import RNG, generator
from neurolab.errors import DesignError


def false_alarms(
    *, icc: float = 0.2, n_networks: int = 16, n_units: int = 200, n: int = 2_000, alpha: float = 0.05, rng: RNG
) -> pd.DataFrame:
    """Get how often an effect is found where there is none, with units as the sample and with networks as the sample.

    Every experiment has ``n_networks`` networks of ``n_units`` units. No unit prefers anything in the mean; units of
    one network have something in common, the share ``icc`` of their variance. Tested is the mean against 0, by t.

    Parameters
    ----------
    icc : intraclass correlation, 0 to below 1. n : experiments. rng : integer or Generator.

    Returns
    -------
    DataFrame, two rows: ``sample`` ("units", "networks"), ``n`` of the test, ``false_alarms`` (share of p <= alpha).

    Raises
    ------
    DesignError : an icc outside [0, 1), or fewer than two networks or units.

    When this is invalid
    --------------------
    Normal values; how large the icc of a real experiment is must be measured there.

    Example
    -------
    >>> table = false_alarms(n=500, rng=0)
    >>> bool(table["false_alarms"][0] > 0.5), bool(table["false_alarms"][1] < 0.1)
    (True, True)
    """
    if not 0 <= icc < 1 or n_networks < 2 or n_units < 2 or n < 1:
        raise DesignError(
            f"icc={icc}, {n_networks} networks, {n_units} units, {n} experiments; expected an icc from 0 to below 1, "
            "and two or more of each. Type false_alarms(icc=0.2, rng=0)."
        )
    draw, size = generator(rng, "false alarms"), n_networks * n_units
    shared = draw.normal(0, np.sqrt(icc), (n, n_networks))
    # the mean and the variance of the units of a network, drawn as what they are: normal, and chi-squared
    mean = shared + draw.normal(0, np.sqrt((1 - icc) / n_units), (n, n_networks))
    within = (1 - icc) * draw.chisquare(n_units - 1, (n, n_networks)).sum(axis=1)
    around = n_units * ((mean - mean.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    of_units = mean.mean(axis=1) / np.sqrt((within + around) / (size - 1) / size)
    of_networks = mean.mean(axis=1) / (mean.std(axis=1, ddof=1) / np.sqrt(n_networks))
    p = [2 * sps.t.sf(np.abs(t), k - 1) for t, k in ((of_units, size), (of_networks, n_networks))]
    shares = [float((one <= alpha).mean()) for one in p]
    return pd.DataFrame({"sample": ["units", "networks"], "n": [size, n_networks], "false_alarms": shares})
