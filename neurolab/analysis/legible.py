"""How selective the units of a network are, and whether selective units matter: numbers of one network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import spearmanr

from neurolab.analysis.battery import INPUT
from neurolab.analysis.damaged import single_rows
from neurolab.analysis.sample import sample_of
from neurolab.errors import DesignError, listed
from neurolab.recording import site_names
from neurolab.schema import check_recording
from neurolab.stats.tuning import tuning


def tuning_indices(
    recording: xr.DataArray, trials: xr.Dataset | None = None, *, graded: str = "", label: str = "condition"
) -> pd.DataFrame:
    """Get how selective the units of one network are in the mean, and whether selective units matter: a row of indices.

    *class selectivity*, *selectivity AUC*, *selectivity d′*: means over living units, each measured on stimuli that did
    not choose the preferred class (see ``stats.tuning``). *living units*: their share. With the trials of its battery,
    *selectivity against importance*: Spearman's rank correlation, over living units, of class selectivity with the
    single deficit on the graded score.

    Parameters
    ----------
    recording : of one network, presentation x neuroid; the site "input" is left out.
    trials : of the same network's ``damage_battery``. graded : the task of the single deficits.
    label : the coordinate of presentations that holds the class.

    When this is invalid
    --------------------
    Units are no sample: a mean over them is one number of one network, compared over networks.

    Source
    ------
    Morcos et al. 2018, arXiv:1803.06959.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> found = tuning_indices(phantom_recording(n_units=40, selective={"faces": 40}, rng=0))
    >>> bool(found["selectivity AUC"].iloc[0] > 0.7)
    True
    """
    check_recording(recording)
    names = site_names(recording)
    site = [names[int(code)] for code in recording["site"].values]
    inner = np.array([name != INPUT for name in site])
    found = tuning(np.asarray(recording.values)[:, inner], recording[label].values,
                   recording["stimulus_id"].values.astype(str))
    row = {
        "class selectivity": float(np.nanmean(found.class_selectivity)),
        "selectivity AUC": float(np.nanmean(found.auc)),
        "selectivity d′": float(np.nanmean(found.d_prime)),
        "living units": float(found.alive.mean()),
    }
    if trials is not None:
        units = [f"{name}:{unit}" for name, unit in zip(site, recording["unit"].values)]
        kept = np.array(units, dtype=object)[inner][found.alive]
        row["selectivity against importance"] = _relation(found.class_selectivity[found.alive], kept, trials, graded)
    return pd.DataFrame([row], index=pd.Index([str(recording.attrs.get("specimen", ""))], name="specimen"))


def _relation(selectivity: np.ndarray, units: np.ndarray, trials: xr.Dataset, graded: str) -> float:
    """Spearman's rho of selectivity with the cost of losing each unit; NaN where either is constant."""
    sample = sample_of(trials)
    if len(sample.specimens) > 1 or not graded:
        raise DesignError(
            "tuning_indices() needs the trials of this one network, and graded=, the task of its single deficits."
        )
    rows = single_rows(sample.trials)
    lost = [str(unit) for unit in units if unit not in rows]
    if lost:
        raise DesignError(f"The trials lack the lesions of {listed(lost)} alone; examine damage_battery(recording).")
    at = np.array([rows[unit] for unit in units])
    cost = -sample.by_lesion(at, graded)[0]
    if not (np.ptp(cost) > 0 and np.ptp(selectivity) > 0):
        return float("nan")
    return float(spearmanr(selectivity, cost).statistic)
