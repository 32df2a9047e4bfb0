"""Electrodes: current into chosen units and, as it spreads, into their like; what that makes a network choose."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
import xarray as xr

from neurolab.design import NOISES
from neurolab.errors import DataError, DesignError, LesionPlanError, listed
from neurolab.lesion import Lesion, ReferencedAblation
from neurolab.recording import at_site
from neurolab.roi import ROI
from neurolab.specimen.ablations import ABLATIONS, Selection
from neurolab.specimen.examine import examine
from neurolab.specimen.held import LINES
from neurolab.specimen.specimen import Cohort, Specimen, Task
from neurolab.stimuli import StimulusSet

#: The share of the current below which a unit counts as out of reach.
LEAST = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Inject(ReferencedAblation):
    """Add a current of each unit's own: ``current`` times its share, in its own sd (or, ``absolute``, as it is).

    ``shares`` says for each site which units are reached and how much of the current reaches them;
    :func:`electrode` makes it.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> Inject(2.0, phantom_recording(rng=0), (("units", (0, 1), (1.0, 0.4)),)).label
    'Inject current=2'
    """

    current: float = 1.0
    reference: xr.DataArray = None  # type: ignore[assignment]
    shares: tuple[tuple[str, tuple[int, ...], tuple[float, ...]], ...] = ()
    absolute: bool = False

    @cached_property
    def label(self) -> str:
        """What figures and tables call it."""
        return f"Inject current={self.current:g}{' absolute' if self.absolute else ''}"  # the same in every network

    def added(self, site: str, units: np.ndarray) -> np.ndarray:
        """Get what is added to each of these units of a site, (n_units,) float64; nothing out of reach."""
        share = np.zeros(len(units))
        for named, reached, parts in self.shares:
            if named == site:
                known = dict(zip(reached, parts))
                share = np.array([known.get(int(unit), 0.0) for unit in units])
        return self.current * share * (1.0 if self.absolute else self.statistics(site, units)[1])


def _injected(how: Inject, values: torch.Tensor, selection: Selection) -> torch.Tensor:
    added = torch.from_numpy(how.added(selection.site, selection.units)).to(values.dtype).to(values.device)
    return values + added[None, :, None]


ABLATIONS[Inject] = _injected
NOISES[Inject] = ("current", lambda how, current: replace(how, current=float(current)))
LINES[Inject] = lambda how, site, units: (1.0, how.added(site, units))


def electrode(
    where: ROI | Lesion, reference: xr.DataArray, *, current: float = 1.0, spread: float = 0.0, absolute: bool = False
) -> Lesion:
    """Get an electrode as a lesion: current into the units of a region and, as far as it spreads, into their like.

    A unit at distance d from the nearest unit of the region at its site receives ``current`` x exp(-d / spread), where
    d is 1 - the correlation of their activity over the reference; below 5 % of the current it counts as out of reach.
    ``nl.noise_ladder(electrode, currents)`` makes a ladder of currents of it.

    Parameters
    ----------
    where : the region in which the tips lie (of a lesion, its region and name).
    reference : recording of the intact network at these sites: the unit's sd, and who is like whom.
    current : in sd of each unit, or with ``absolute`` in units of activity (the sd of a rarely active unit is tiny, so
        that equal currents in sd are unequal currents: report both).
    spread : length of the spread, in units of correlation distance; 0 reaches the region alone.

    Returns
    -------
    Lesion with :class:`Inject`; its region holds every unit that is reached, its notes the energy (sum of the squared
    shares times current squared), ``n_reached`` and ``n_tips``.

    Raises
    ------
    LesionPlanError : the reference lacks a site or unit. DesignError : a spread below 0.

    When this is invalid
    --------------------
    Distance in correlation is a stand-in for tissue: units here lie nowhere.

    Source
    ------
    Stimulation that shifts choices: Salzman et al. 1992, doi:10.1523/JNEUROSCI.12-06-02331.1992.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording, planted_roi
    >>> recording = phantom_recording(rng=0)
    >>> tips = planted_roi(recording, "faces")
    >>> narrow, wide = (electrode(tips, recording, spread=spread) for spread in (0, 0.3))
    >>> narrow.n_units == tips.n_units, wide.n_units > narrow.n_units
    (True, True)
    """
    if not spread >= 0:
        raise DesignError(f"electrode(spread={spread!r}); expected 0 or more, in units of 1 - correlation.")
    roi, name = (where.roi, where.name) if isinstance(where, Lesion) else (where, where.name)
    shares = []
    for site, tips in roi.units.items():
        units, share = _reached(reference, site, tips, spread)
        shares.append((site, tuple(units.tolist()), tuple(share.tolist())))
    how = Inject(float(current), reference, tuple(shares), absolute)
    units_of = {site: np.asarray(units, dtype=np.int64) for site, units, _ in shares}
    energy = float(current) ** 2 * sum(float(np.square(share).sum()) for _, _, share in shares)
    notes = (("energy", energy), ("n_reached", float(sum(map(len, units_of.values())))), ("n_tips", float(roi.n_units)))
    return Lesion(replace(roi, units=units_of), how, name=name, notes=notes)


def _reached(reference: xr.DataArray, site: str, tips: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """The units of a site that the current reaches, sorted, and the share of it that each receives."""
    part = at_site(reference, site)
    units = np.asarray(part["unit"].values, dtype=np.int64)
    missing = sorted(set(tips.tolist()) - set(units.tolist()))
    if missing:
        raise LesionPlanError(f"electrode(): the reference lacks the units {listed(missing, most=4)} of {site!r}; "
                              "record all units of the sites that the electrode touches.")
    inside = np.isin(units, tips)
    share = inside.astype(np.float64)
    if spread > 0:
        values = part.values.astype(np.float64)
        values = values - values.mean(axis=0)
        length = np.linalg.norm(values, axis=0)
        unit = np.divide(values, length, out=np.zeros_like(values), where=length > 0)
        distance = 1 - (unit[:, inside].T @ unit).max(axis=0)
        share = np.where(inside, 1.0, np.exp(-distance / spread))
    kept = share >= LEAST
    return units[kept], share[kept]


@dataclass(frozen=True)
class Withstood:
    """1 where the network does not choose the output that somebody wants it to choose: ``target``, else 0.

    What current costs in this score is how much oftener it makes the network choose the target.

    Example
    -------
    >>> import pandas as pd
    >>> Withstood(1)(np.array([[0.1, 2.0], [3.0, 1.0]]), pd.DataFrame({"label": [0, 0]})).tolist()
    [0.0, 1.0]
    """

    target: int
    unit = "share of choices other than the target"
    bounded = True

    def __call__(self, outputs: np.ndarray, table: Any) -> np.ndarray:
        """Get one score per stimulus, (n_stimuli,) float64."""
        return (np.asarray(outputs).argmax(axis=1) != self.target).astype(np.float64)


def takeover(
    cohort: Cohort,
    design: Callable[[Specimen, int], Sequence[Lesion]],
    stimuli: StimulusSet,
    *,
    targets: Sequence[int],
    label: str = "label",
    task: str = "own choice",
) -> xr.Dataset:
    """Get how often networks withstand electrodes that push them towards a target, averaged over targets.

    For every target the design of each network is examined on the stimuli that are of none of the targets, so that all
    targets are pushed on the same stimuli and none of them is ever right.

    Parameters
    ----------
    cohort : the networks. design : (network, target) -> its lesions, with the same names for every target.
    stimuli : none of them may have chosen an electrode. targets : outputs to push towards. label : column of the right
        output.

    Returns
    -------
    Trials (specimen, lesion, trial) with one task, scored 1 where the target was not chosen (mean over targets): the
    deficit of an electrode is how much oftener it makes a network choose its target. Ladders of strength are read by
    ``nl.dose_response`` and ``nl.analysis.robustness`` (``chance=0``: its ED50 is where the target is chosen half of
    the time). ``lesion_units`` is a JSON list over targets.

    Raises
    ------
    DataError : targets that are no outputs of the networks, or come twice; no stimuli of another label. DesignError :
    designs that differ between targets.

    When this is invalid
    --------------------
    A network driven to one answer whatever the stimulus is taken over, not persuaded: look at several currents.
    """
    _check_targets(cohort, targets)
    right = stimuli.table.get(label)
    if right is None or right.dtype.kind not in "iu":
        raise DataError(f"takeover(label={label!r}); expected a column of integers in {stimuli.name!r}, the right "
                        f"outputs. It has {listed(stimuli.table.columns)}.")
    others = [value for value in sorted(set(right)) if value not in set(map(int, targets))]
    if not others:
        raise DataError(f"takeover(targets={list(targets)}): no stimulus of {stimuli.name!r} has another {label}; "
                        "expected at least one target and stimuli that belong to none.")
    shown = stimuli.where(**{label: others})
    parts = []
    for target in targets:
        def pushed(network: Specimen, target: int = int(target)) -> Sequence[Lesion]:
            return design(network, target)

        parts.append(examine(cohort, pushed, [Task(task, shown, Withstood(int(target)))]))
    return _averaged(parts, targets)


def _check_targets(cohort: Cohort, targets: Sequence[int]) -> None:
    """Refuse what is no output of the networks, or is named twice: nothing would be pushed, or one counted double."""
    outputs = range(int(cohort[0].sites()["output"].shape[-1]))
    known = all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) and one in outputs for one in targets)
    if not len(targets) or not known or len(set(targets)) < len(targets):
        raise DataError(f"takeover(targets={list(targets)!r}); expected different outputs of the networks, whole "
                        f"numbers from 0 to {len(outputs) - 1}. Type targets=(0, 1).")


def _averaged(parts: Sequence[xr.Dataset], targets: Sequence[int]) -> xr.Dataset:
    first = parts[0]
    for part, target in zip(parts, targets):
        if list(part["lesion_id"].values) != list(first["lesion_id"].values):
            raise DesignError(f"takeover(): the design for target {target} has other lesions than that for "
                              f"{targets[0]}; expected the same names, whatever the units.")
    score = sum(part["score"] for part in parts) / len(parts)
    found = first.drop_vars([name for name in first.data_vars if name != "score"]).assign(score=score)
    units = [part["lesion_units"].values.astype(str) for part in parts]
    joined = np.frompyfunc(lambda *texts: json.dumps([json.loads(text) for text in texts]), len(units), 1)(*units)
    found["lesion_units"] = (first["lesion_units"].dims, joined.astype(object))
    said = f"mean over the targets {listed(list(map(str, targets)))}"
    return found.assign_attrs(source=f"{said}; {first.attrs['source']}")
