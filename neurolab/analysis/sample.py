"""From trials to one number per member of the sample: networks, people or stimuli, never units or presentations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.flags import Flags, as_attrs, flags_in, flags_of
from neurolab.analysis.idle import idle_flags
from neurolab.chance import RNG, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DesignError, ReplicationUnitError, UnknownNameError, did_you_mean, listed
from neurolab.schema import strings
from neurolab.trials import pick_task, task_table, with_specimen

#: What the sample is called, by the kind of the trials.
MEMBER = {"ann": "specimen", "simulated": "specimen", "brain": "subject"}
PLURAL = {"specimen": "networks", "subject": "people", "stimulus": "stimuli", "run": "runs"}


@dataclass(frozen=True, eq=False)
class Sample:
    """Trials together with what counts once in them.

    over : "specimen", "subject" or "stimulus": what the result generalises over.
    dim : the dim of the per-member values in a result.
    """

    trials: xr.Dataset
    over: str

    @property
    def dim(self) -> str:
        """The dim that holds one value per member."""
        return "stimulus" if self.over == "stimulus" else "specimen"

    @property
    def plural(self) -> str:
        """What several members are called in a sentence."""
        return PLURAL[self.over]

    @property
    def specimens(self) -> np.ndarray:
        """The names of the networks or people."""
        return strings(self.trials["specimen"].values)

    @cached_property
    def scores(self) -> np.ndarray:
        """All scores (specimen, lesion, trial)."""
        return np.asarray(self.trials["score"].transpose("specimen", "lesion", "trial").values, dtype=np.float64)

    def said(
        self,
        rng: RNG,
        *notes: str,
        undermined_by: Sequence[str] | Flags | None = None,
        tasks: Iterable[str] | None = None,
        rows: np.ndarray | None = None,
    ) -> dict[str, str]:
        """Get what every result says about where its numbers come from, its notes, and what undermines it.

        ``sizes`` is there where tasks have other numbers of members (JSON, task -> n); ``kind`` says whether members
        are people, also where the sample is stimuli.

        undermined_by : the result's own sentences, or these with what they are about; None where it has none to give.
        tasks : all that it is about.
        rows : of the lesions that it is about; default all.
        """
        kind = str(self.trials.attrs.get("kind", ""))
        alone = whose_stimuli(len(self.specimens), kind) if self.over == "stimulus" else ""
        tasks = None if tasks is None else list(tasks)
        sizes = {task: self.size(task) for task in tasks or ()}
        return {
            **({"sizes": json.dumps(sizes)} if len(set(sizes.values())) > 1 else {}),
            **({"kind": kind} if kind else {}),
            "note": noted(*notes, alone),
            "generalises_over": self.over,
            "rng": rng_name(rng),
            "source": str(self.trials.attrs.get("source", "")),
            "inputs": digest_of(self.trials["score"].values),
            **self.undermined(undermined_by, tasks, rows),
        }

    def undermined(
        self,
        own: Sequence[str] | Flags | None = None,
        tasks: Iterable[str] | None = None,
        rows: np.ndarray | None = None,
    ) -> dict[str, str]:
        """Get what undermines a result, as attrs: its own sentences, and what the trials say against themselves.

        That is their own flags, and which lesions among the rows (default all) changed no activity.
        """
        flags, nothing = flags_in(self.trials.attrs), dict[str, list[str]]()
        kept = flags if tasks is None else {one: flags[one] for one in flags_of(flags, task=tasks)}
        kept = idle_flags(self.trials, rows, member_words(str(self.trials.attrs.get("kind", "")))) | kept
        mine = own if isinstance(own, Mapping) else dict.fromkeys(own or (), nothing)
        return as_attrs({**mine, **kept}) if kept or own is not None else {}

    def table(self, rows: np.ndarray, task: str) -> pd.Series:
        """Get the mean score of each member on a task, over these lesion rows (draws) and the member's trials."""
        where = pick_task(self.trials, task)
        score = self.scores[:, rows][:, :, where]
        if self.over != "stimulus":
            return pd.Series(score.mean(axis=(1, 2)), index=pd.Index(self.trials["specimen"].values, dtype=object))
        ids = self.trials["stimulus_id"].values[where]
        return pd.Series(score.mean(axis=(0, 1)), index=pd.Index(ids, dtype=object)).groupby(level=0, sort=False).mean()

    def counted(self, task: str) -> bool:
        """Get whether members are stimuli and each of their scores on a task is 0 or 1: right or wrong."""
        return self.over == "stimulus" and self._counted[task]

    @cached_property
    def _counted(self) -> dict[str, bool]:
        where = {task: pick_task(self.trials, task) for task in all_tasks(self.trials)}
        return {task: all(bool(np.isin(row[:, at], (0, 1)).all()) for row in self.scores) for task, at in where.items()}

    def size(self, task: str) -> int:
        """Get how many members a task has."""
        return self.trials.sizes["specimen"] if self.over != "stimulus" else len(self.stimuli(task))

    def stimuli(self, task: str) -> list[str]:
        """Get the distinct stimuli of a task."""
        return list(dict.fromkeys(map(str, self.trials["stimulus_id"].values[pick_task(self.trials, task)])))

    def by_specimen(self, rows: np.ndarray, task: str) -> np.ndarray:
        """Get the mean score (specimen,) on a task over these lesion rows, whatever the sample is."""
        where = pick_task(self.trials, task)
        return self.scores[:, rows][:, :, where].mean(axis=(1, 2))

    def by_lesion(self, rows: np.ndarray, task: str) -> np.ndarray:
        """Get the mean score (specimen, lesion) on a task under each of these lesion rows."""
        return self.scores.take(rows, axis=1).take(pick_task(self.trials, task), axis=2).mean(axis=2)


def sample_of(trials: xr.Dataset, over: str | None = None) -> Sample:
    """Get the sample of some trials: the networks or people where there are several, else the stimuli.

    over : "specimen" (networks or people) or "stimulus", to say it rather than have it chosen.

    Raises
    ------
    ReplicationUnitError : a specimen is named twice, or something else than networks, people or stimuli is asked for.
    """
    trials = _with_defaults(with_specimen(trials))
    names = [str(name) for name in trials["specimen"].values]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ReplicationUnitError(
            f"The trials name the specimens {listed(twice)} more than once; each network or person counts once in the "
            "sample, and its units, folds or repeats do not. Average them first: trials.groupby('specimen').mean()."
        )
    member = MEMBER.get(str(trials.attrs.get("kind", "")), "specimen")
    if over not in (None, "specimen", "subject", "stimulus"):
        raise ReplicationUnitError(
            f"over={over!r} cannot be the sample; expected 'specimen' (networks or people) or 'stimulus'. Units, "
            "draws, folds and permutations are never the sample. Type over='specimen'."
        )
    if over is None:
        over = member if len(names) > 1 else "stimulus"
    over = member if over in ("specimen", "subject") else "stimulus"
    if over != "stimulus" and len(names) < 2:
        raise DesignError(
            f"There is one {member} ({names[0]!r}), so nothing can be said about others. Join several with "
            "nl.concat([...]), or type over='stimulus' to generalise over the stimuli of this one."
        )
    return Sample(trials, over)


def member_words(kind: str) -> tuple[str, str]:
    """Get what one member and several are called, by the kind of the trials.

    Example
    -------
    >>> member_words("brain")
    ('person', 'people')
    """
    return ("person", "people") if MEMBER.get(kind) == "subject" else ("network", "networks")


def whose_stimuli(n: int, kind: str, over: str = "stimulus") -> str:
    """Get the sentence that a result over stimuli (or runs) carries: what it says nothing about.

    Example
    -------
    >>> whose_stimuli(1, "ann")
    'One network: generalises over stimuli only, not to other networks.'
    """
    one, several = member_words(kind)
    who = f"One {one}" if n == 1 else f"These {n} {several}"
    return f"{who}: generalises over {PLURAL[over]} only, not to other {several}."


def noted(*notes: str) -> str:
    """Get the sentences that are not empty, as one note.

    Example
    -------
    >>> noted("First.", "", "Second.")
    'First. Second.'
    """
    return " ".join(filter(None, notes))


def mean_over(trials: xr.Dataset, name: str, rows: np.ndarray) -> float:
    """Get the mean of a quantity of lesions over some rows (and all networks); NaN where it was not kept."""
    if name not in trials.variables:
        return float("nan")
    values = np.asarray(trials[name].values, dtype=np.float64)[..., rows]
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _with_defaults(trials: xr.Dataset) -> xr.Dataset:
    """What hand-made trials need not say about a lesion."""
    n = trials.sizes["lesion"]
    missing = {name: ("lesion", strings([""] * n)) for name in ("family", "how") if name not in trials.coords}
    return trials.assign_coords(missing) if missing else trials


def target_rows(trials: xr.Dataset, name: str) -> np.ndarray:
    """Get the rows of one target lesion by name (its draws at full dose) or of any lesion by ``lesion_id``."""
    ids, rois, roles = (trials[column].values.astype(str) for column in ("lesion_id", "roi", "role"))
    hits = np.flatnonzero((rois == name) & (roles == "target"))
    if not len(hits):
        hits = np.flatnonzero(ids == name)
    if not len(hits):
        known = list(dict.fromkeys(rois[roles == "target"]))
        raise UnknownNameError(
            f"The trials have no target lesion {name!r}.{did_you_mean(name, known)} They have {listed(known)}."
        )
    dose = trials["dose"].values[hits]
    if (dose == 1).any():
        return hits[dose == 1]
    if len(np.unique(dose)) > 1:
        raise DesignError(
            f"Lesion {name!r} was examined at several doses, none of them full; say which by its lesion_id: one of "
            f"{listed(ids[hits])}."
        )
    return hits


def sham_rows(trials: xr.Dataset, roi: str) -> np.ndarray:
    """Get the sham rows of a lesion: its own, or else every sham of the trials."""
    roles, rois = trials["role"].values.astype(str), trials["roi"].values.astype(str)
    own = np.flatnonzero((roles == "sham") & (rois == roi))
    every = np.flatnonzero(roles == "sham")
    if not len(every):
        raise DesignError(
            "The trials have no sham row, so there is nothing to take a deficit from. Type nl.examine(specimen, "
            "[nl.sham(lesion), lesion, ...], tasks), or give the healthy state the role 'sham' in make_trials()."
        )
    return own if len(own) else every


def control_rows(trials: xr.Dataset, roi: str, family: str) -> np.ndarray:
    """Get the control rows of a lesion in one family, in order of their draw."""
    roles, rois, families = (trials[name].values.astype(str) for name in ("role", "roi", "family"))
    ours = (roles == "control") & (rois == roi)
    rows = np.flatnonzero(ours & (families == family))
    if not len(rows):
        known = list(dict.fromkeys(map(str, families[ours])))
        has = (
            f"It has the families {listed(known)}; type family={known[0]!r}." if known else "It has no controls at all."
        )
        raise DesignError(
            f"Lesion {roi!r} has no {family!r} controls.{did_you_mean(family, known)} {has} Draw them with "
            "nl.matched_controls(lesion, pool, 99, rng=0) and examine them with the target."
        )
    return rows[np.argsort(trials["draw"].values[rows], kind="stable")]


def all_tasks(trials: xr.Dataset) -> list[str]:
    """Get the tasks in order of first appearance."""
    return list(dict.fromkeys(map(str, trials["task"].values)))


def about_task(trials: xr.Dataset, task: str) -> tuple[bool, float]:
    """Get whether a task's score is bounded to [0, 1], and its chance level (NaN where unknown)."""
    known = task_table(trials).get(task, {})
    chance = known.get("chance")
    return bool(known.get("bounded", False)), float("nan") if chance is None else float(chance)
