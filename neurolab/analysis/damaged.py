"""How a network stands damage, in a few numbers: its curves under ablation and noise, its single units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.battery import INSIDE, OUTSIDE, REMOVAL
from neurolab.analysis.profile_flags import sample_attrs
from neurolab.analysis.sample import Sample, about_task, sample_of, sham_rows
from neurolab.analysis.strength import ladder_rows
from neurolab.errors import DesignError, listed
from neurolab.stats.psychometric import normalised_area
from neurolab.stats.shapley import redundancy_index
from neurolab.stats.tuning import gini

ACCURACY = "accuracy"
#: What the noises of a battery are called as indices.
NOISES = {INSIDE: "noise AUC", OUTSIDE: "input noise AUC"}


def intact_indices(trials: xr.Dataset, *, task: str) -> pd.DataFrame:
    """Get the intact score of every network on a task, as the index *accuracy*: a row per network.

    trials : with a sham, of one network or several. task : scored by accuracy.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> intact_indices(phantom_trials(n_specimens=2, rng=0), task="X")["accuracy"].round(2).tolist()
    [0.9, 0.85]
    """
    sample = sample_of(trials)
    score = sample.by_specimen(sham_rows(sample.trials, ""), task)
    found = pd.DataFrame({ACCURACY: score}, index=pd.Index(sample.specimens, name="specimen"))
    found.attrs |= sample_attrs(sample, task)
    return found


def damage_indices(trials: xr.Dataset, *, task: str, graded: str) -> pd.DataFrame:
    """Get how each network stands damage: a row per network, a column per index.

    *accuracy*: the intact score. *ablation AUC*: what is left above chance, as a share of the intact, averaged over the
    share of units removed (one column per ablation); *noise AUC*, *input noise AUC*: the same over strengths of noise.
    From single units, on the graded score: *redundancy*, 1 - sum of single deficits / deficit of all (below 0: single
    lesions cost more than there is to lose); *largest unit effect*, in units of the score; *Gini of unit effects*, 0
    where all units matter alike (units whose lesion changed nothing at all are left out).

    Parameters
    ----------
    trials : of ``damage_battery``, one network or several. task : scored with a known chance level, such as accuracy.
    graded : the same stimuli by an unbounded score (``nl.scores.log_probability``): most units change no choice at all.

    Raises
    ------
    DesignError : trials of no battery; an intact score that does not exceed chance; a graded task that is bounded.

    When this is invalid
    --------------------
    Networks whose accuracy differs differ in all of these for that reason alone: ``compare_cohorts`` flags them.

    Source
    ------
    Morcos et al. 2018, arXiv:1803.06959 (curves of ablation and noise).

    Example
    -------
    >>> from neurolab.analysis.battery import damage_battery
    >>> from neurolab.simulate import phantom_recording
    >>> from neurolab.trials import make_trials
    >>> battery = damage_battery(phantom_recording(n_units=4, selective={}, rng=0), sds=(1.0, 2.0), n_draws=1, rng=0)
    >>> score = [[[1 - lesion.n_units / 5] * 2 for lesion in battery]]  # sham 1, all four units 0.2
    >>> trial = {"task": ["name", "graded"], "stimulus_id": ["a", "a"], "condition": ["x", "x"]}
    >>> about = {"name": {"bounded": True, "chance": 0.2}, "graded": {"bounded": False, "chance": None}}
    >>> trials = make_trials(score, specimen=["net"], lesions=battery, trial=trial, tasks=about, kind="simulated")
    >>> found = damage_indices(trials, task="name", graded="graded").loc["net"].round(2)
    >>> found["noise AUC"], found["redundancy"], found["largest unit effect"], found["Gini of unit effects"]
    (np.float64(0.25), np.float64(0.0), np.float64(0.2), np.float64(0.0))
    """
    sample, rows = sample_of(trials), _rows(trials)
    chance, bounded = about_task(sample.trials, task)[1], about_task(sample.trials, graded)[0]
    if bounded:
        raise DesignError(
            f"graded={graded!r} is scored within [0, 1], where most single units cost exactly nothing; examine the "
            "same stimuli with nl.scores.log_probability or nl.scores.margin too, and name that task."
        )
    intact = sample.by_specimen(sham_rows(sample.trials, REMOVAL), task)
    weak = [str(name) for name, score in zip(sample.specimens, intact) if not score > chance]
    if weak or not np.isfinite(chance):
        raise DesignError(
            f"The intact score of {listed(weak) or task!r} on {task!r} is not above chance ({chance:.3g}), so nothing "
            "can be lost. A network that memorised is examined on its training stimuli: cohort.training.taught(k)."
        )
    found = {ACCURACY: intact}
    for name, ladder in rows.items():
        at = np.array([0.0, *ladder])
        score = np.stack([intact, *(sample.by_specimen(where, task) for where in ladder.values())], axis=1)
        rows_of = zip(score, intact)
        found[name] = np.array([normalised_area(at, row, chance=chance, intact=float(own)) for row, own in rows_of])
    table = pd.DataFrame({**found, **_single(sample, graded)}, index=pd.Index(sample.specimens, name="specimen"))
    table.attrs |= sample_attrs(sample, task, graded)
    return table


def _rows(trials: xr.Dataset) -> dict[str, dict[float, np.ndarray]]:
    """The rows of every curve, by the name of its index."""
    sample = sample_of(trials).trials
    removals = [str(name) for name in dict.fromkeys(sample["roi"].values) if str(name).startswith(f"{REMOVAL}, ")]
    curves = {f"ablation AUC{name.removeprefix(REMOVAL)}": (name, "dose") for name in removals}
    curves |= {called: (name, "strength") for name, called in NOISES.items()}
    found = {called: ladder_rows(sample, name, "target", "", along) for called, (name, along) in curves.items()}
    if not removals:
        raise DesignError(
            "These trials are of no battery of damage. Type nl.examine(specimen, nl.analysis.damage_battery(intact, "
            "rng=0), tasks)."
        )
    return {called: ladder for called, ladder in found.items() if ladder}


def single_rows(trials: xr.Dataset) -> dict[str, int]:
    """Get the rows of the lesions of one unit each, by the name of the unit ("site:unit")."""
    ours = (trials["role"].values == "target") & (trials["dose"].values == 1)
    names = trials["roi"].values.astype(str)
    return {names[row]: int(row) for row in np.flatnonzero(ours) if names[row].rpartition(":")[2].isdigit()}


def _single(sample: Sample, graded: str) -> dict[str, np.ndarray]:
    """Redundancy, largest effect and Gini of single units."""
    rows = np.array(list(single_rows(sample.trials).values()))
    shams = sham_rows(sample.trials, REMOVAL)
    whole = ladder_rows(sample.trials, _first_removal(sample.trials), "target", "", "dose").get(1.0)
    if not len(rows) or whole is None:
        raise DesignError("The battery lacks single units, or the removal of all; expected shares up to 1.0.")
    intact = sample.by_specimen(shams, graded)
    single = intact[:, None] - sample.by_lesion(rows, graded)
    together = intact - sample.by_specimen(whole, graded)
    return {
        "redundancy": np.array([redundancy_index(a, float(b)) if b else np.nan for a, b in zip(single, together)]),
        "largest unit effect": single.max(axis=1),
        "Gini of unit effects": np.array([gini(each[each != 0]) if each.any() else np.nan for each in single]),
    }


def _first_removal(trials: xr.Dataset) -> str:
    return next(str(name) for name in trials["roi"].values if str(name).startswith(f"{REMOVAL}, "))
