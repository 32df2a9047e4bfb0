"""What trials say about how they were made: what was lesioned and how, how well controls match, the tasks."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.errors import amount
from neurolab.plots.words import number, percent, sentences, words_between
from neurolab.report.overridden import override_words
from neurolab.trials import pick_task, task_table, with_specimen

#: More lesions than these are counted, not named.
MOST_SAID = 24
KIND = ("roi", "role", "family", "how", "dose")


def is_trials(value: object) -> bool:
    """Get whether a finding is trials: a dataset of scores by lesion and trial."""
    return isinstance(value, xr.Dataset) and "score" in value and {"lesion", "trial"} <= set(value.dims)


def damage_table(trials: xr.Dataset) -> pd.DataFrame:
    """Get one row per lesion and family of controls: ablation, dose, draws, units, and the mean score in each task.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> damage_table(phantom_trials(n_controls=3, rng=0))[["lesion", "draws"]].values.tolist()
    [['sham', 2], ['A', 1], ['B', 1], ['matched for A', 3], ['matched for B', 3]]
    """
    trials = with_specimen(trials)
    rows = []
    for kind, where in _kinds(trials):
        row: dict[str, Any] = {"lesion": _called(kind), "ablation": kind["how"], "dose": f"{float(kind['dose']):.3g}"}
        row |= {"draws": len(where), "units": _units(trials, where)}
        for task in dict.fromkeys(map(str, trials["task"].values)):
            row[task] = number(float(trials["score"].isel(lesion=where, trial=pick_task(trials, task)).mean()))
        rows.append(row)
    return pd.DataFrame(rows)


def damage_tables(name: str, trials: xr.Dataset) -> str:
    """Get :func:`damage_table` as HTML below its name."""
    table = damage_table(trials)
    said = f"<p>Mean score by lesion and task; n = {with_specimen(trials).sizes['specimen']} specimens.</p>"
    return f"<h3>{html.escape(name)}</h3>{said}{table.to_html(index=False, border=0)}"


def damage_paragraph(trials: xr.Dataset) -> tuple[str, tuple[str, ...]]:
    """Get the methods paragraph of trials: lesions, controls with their match, tasks; and the references it needs."""
    trials = with_specimen(trials)
    kinds = list(_kinds(trials))
    targets, controls = (_listed(trials, [one for one in kinds if one[0]["role"] == role])
                         for role in ("target", "control"))
    several = trials.sizes["specimen"] > 1
    parts = [
        f"Examined {'were' if several else 'was'} {trials.sizes['specimen']} {'specimens' if several else 'specimen'}.",
        f"Lesions: {'; '.join(targets)}." if targets else "",
        f"Controls: {'; '.join(controls)}." if controls else "No control lesions were made.",
        f"Tasks: {words_between([_task(trials, task) for task in dict.fromkeys(map(str, trials['task'].values))])}.",
        *dict.fromkeys((override_words(trials), *sentences(trials, "undermined_by"))),
    ]
    return " ".join(part for part in parts if part), ()


def _kinds(trials: xr.Dataset) -> Iterator[tuple[dict[str, str], np.ndarray]]:
    """Every kind of lesion with the rows of its draws, shams first, then targets, then controls."""
    n = trials.sizes["lesion"]
    # a copy: a table made of these arrays would write into the trials
    table = pd.DataFrame({name: list(trials[name].values) if name in trials.coords else [""] * n for name in KIND})
    table.loc[table["role"] == "sham", ["roi", "how", "dose"]] = "", "", 0.0
    groups = [
        ({name: part[name].iloc[0] for name in KIND}, np.sort(part.index.to_numpy()))
        for _, part in table.groupby(list(KIND), sort=False)
    ]
    order = ("sham", "target", "control")
    yield from sorted(groups, key=lambda group: (order.index(str(group[0]["role"])), int(group[1][0])))


def _called(kind: dict[str, str]) -> str:
    family = f"{kind['family'] or 'control'} for {kind['roi']}"
    return {"sham": "sham", "target": str(kind["roi"])}.get(str(kind["role"]), family)


def _units(trials: xr.Dataset, where: np.ndarray) -> str:
    if "n_units" not in trials.coords and "n_units" not in trials:
        return ""
    mean = float(trials["n_units"].isel(lesion=where).mean())
    return f"{mean:.4g}"


def _sites(trials: xr.Dataset, at: int) -> str:
    """Where the units are, as the first specimen has them; empty where trials do not know."""
    if "lesion_units" not in trials:
        return ""
    text = str(trials["lesion_units"].transpose("specimen", "lesion").values[0, at])
    units = json.loads(text) if text.startswith("{") else {}
    return words_between([site for site, held in units.items() if isinstance(held, list)])


def _said(trials: xr.Dataset, kind: dict[str, str], where: np.ndarray) -> str:
    dose, sites = float(kind["dose"]), _sites(trials, int(where[0]))
    units = _in_units(_units(trials, where)) or "units"
    parts = [str(kind["how"]), f"{units}{f' of {sites}' if sites else ''}"]
    parts += [f"dose {dose:.3g}"] if dose != 1 else []
    if kind["role"] == "control":
        parts.insert(0, f"{len(where)} {'draw' if len(where) == 1 else 'draws'} per specimen")
        parts += _match(trials, where)
    return f"{_called(kind)} ({', '.join(part for part in parts if part.strip())})"


def _listed(trials: xr.Dataset, kinds: list[tuple[dict[str, str], np.ndarray]]) -> list[str]:
    """The lesions one by one, or, where there are too many to read, how many there are of each size and kind."""
    if len(kinds) <= MOST_SAID:
        return [_said(trials, kind, where) for kind, where in kinds]
    alike: dict[tuple[str, str, str, str], list[np.ndarray]] = {}
    for kind, where in kinds:
        family = str(kind["family"] or "control") if kind["role"] == "control" else ""
        key = family, _in_units(_units(trials, where)), str(kind["how"]), f"{float(kind['dose']):.3g}"
        alike.setdefault(key, []).append(where)
    said = []
    for (family, units, how, dose), groups in alike.items():
        sites = len({_sites(trials, int(where[0])) for where in groups} - {""})
        what = f"{family} controls of {amount(len(groups), 'lesion')}" if family else amount(len(groups), "lesion")
        parts = [units, how, *([] if dose == "1" else [f"dose {dose}"])]
        parts += [f"{sites} {'site' if sites == 1 else 'sites'}"] if sites else []
        said.append(f"{what} ({', '.join(part for part in parts if part)})")
    return said


def _in_units(number: str) -> str:
    """A number of units with its word."""
    return f"{number} {'unit' if number == '1' else 'units'}" if number else ""


def _match(trials: xr.Dataset, where: np.ndarray) -> list[str]:
    """How well controls match, from the notes that their draw left."""
    if "lesion_notes" not in trials:
        return []
    texts = trials["lesion_notes"].transpose("specimen", "lesion").values[:, where].ravel()
    notes = [json.loads(str(text)) for text in texts if str(text).startswith("{")]
    held = {key: [float(note[key]) for note in notes if key in note] for key in ("match_distance", "match_outside")}
    if not all(held.values()):
        return []
    away, outside = (float(np.mean(held[key])) for key in ("match_distance", "match_outside"))
    if not any(map(any, held.values())):  # no unit has its like: all distances are 0 where no column was matched
        return ["matched in site and size only"]
    return [
        f"mean distance of a unit to its match {number(away)} sd",
        f"{percent(round(outside, 4))} outside the caliper",
    ]


def _task(trials: xr.Dataset, task: str) -> str:
    """Score, stimuli, guessing level and the mean score without a lesion."""
    known, here = task_table(trials).get(task, {}), pick_task(trials, task)
    stimuli = len(set(map(str, trials["stimulus_id"].values[here])))
    sham = np.flatnonzero(trials["role"].values.astype(str) == "sham")
    chance = known.get("chance")
    parts = [_short(str(known.get("score", "") or "score")), f"{stimuli} stimuli"]
    parts += [f"guessing level {number(float(chance))}"] if chance is not None and np.isfinite(chance) else []
    if len(sham):
        mean = float(trials["score"].isel(lesion=sham, trial=here).mean())
        parts.append(f"mean without a lesion {number(mean)}")
    return f"{task} ({', '.join(parts)})"


def _short(score: str) -> str:
    """The score without the arguments that it leaves as they are."""
    return re.sub(r"(, )?\b\w+=None(?=[,)])", "", score).replace("(, ", "(")
