"""Methods paragraph of deficits: of each lesion by name, or, where there are very many, of so many of each kind."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.errors import amount
from neurolab.plots.deficits import lesion_labels
from neurolab.plots.read import level, names, values, whole
from neurolab.plots.sides import sided
from neurolab.plots.words import number, percent, words_between
from neurolab.report.lesions import MOST_SAID
from neurolab.report.methods_of_maps import Paragraph


def deficits(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of deficits."""
    draws = np.asarray(result["n_draws"], dtype=int) if "n_draws" in result else np.zeros(0, dtype=int)
    pooled = [f"{label} ({n} draws)" for label, n in zip(lesion_labels(result), draws) if n > 1]
    test, _, shares = str(result.attrs.get("test")).partition("; ")
    ends = "are those of paired shares where stimuli are right or wrong" if shares else "invert that test"
    return (
        f"A deficit is the sham score minus the score after the lesion on the same presentations, here for "
        f"{_named(lesion_labels(result), 'lesions')} in the tasks {words_between(names(result, 'task'))}"
        f"{'; averaged over draws: ' + _named(pooled, 'families') if pooled else ''}. Mean deficits were tested by "
        f"{test}{sided(result)}; intervals have {percent(level(result))} coverage and {ends}."
        f"{_damage(result)}{_intact(result)}{f' {room}' if (room := room_words(result)) else ''}",
        ("Nichols & Holmes 2002", "Tango 1998" if shares else ""),
    )


def room_words(result: xr.Dataset) -> str:
    """Get which deficits had no room to show in full, as the dagger of a figure marks them; empty where all had.

    Example
    -------
    >>> from neurolab.analysis import deficits as tested
    >>> from neurolab.simulate import phantom_trials
    >>> found = tested(phantom_trials(rng=0), rng=0)
    >>> room_words(found.assign(ceiling=found["ceiling"] | (found["task"] == "X")))
    '† Little room for a deficit: X at ceiling without a lesion. The size of such a deficit means little.'
    """
    if str(result.attrs.get("analysis")) != "deficits" or "ceiling" not in result or "floor" not in result:
        return ""
    found, labels = whole(result), lesion_labels(whole(result))
    high, low = (values(found, name, "lesion", "task").astype(bool).T for name in ("ceiling", "floor"))
    said = [f"{task} at ceiling without a lesion" for task, at in zip(names(found, "task"), high) if at.any()]
    for task, at in zip(names(found, "task"), low):
        floored = [label for label, one in zip(labels, at) if one]
        said += [f"{task} at floor after {_named(floored, 'lesions')}"] if floored else []
    return f"† Little room for a deficit: {'; '.join(said)}. The size of such a deficit means little." if said else ""


def _named(labels: list[str], what: str) -> str:
    """The labels, or how many there are where nobody would read them."""
    return words_between(labels) if len(labels) <= MOST_SAID else f"{len(labels):,} {what}"


def _damage(result: xr.Dataset) -> str:
    """What was done to how many units, by lesion, where the result knows."""
    if "how" not in result.coords or "n_units" not in result.coords:
        return ""
    how, units = result["how"].values.astype(str), result["n_units"].values.astype(float)
    done = [(name, f"{kind}, {amount(n, 'unit')}") for name, kind, n in zip(lesion_labels(result), how, units) if kind]
    each = [f"{name} ({what})" for name, what in done]
    if len(each) > MOST_SAID:
        kinds = [what for _, what in done]
        each = [f"{amount(kinds.count(what), 'lesion')} ({what})" for what in dict.fromkeys(kinds)]
    return f" Ablation and size: {words_between(each)}." if each else ""


def _intact(result: xr.Dataset) -> str:
    """The mean score before any lesion, by task."""
    if "intact" not in result:
        return ""
    mean = result["intact"].mean(["specimen", "lesion"])
    each = [f"{number(float(mean.sel(task=task)))} in {task}" for task in names(result, "task")]
    return f" Mean score without a lesion: {words_between(each)}."
