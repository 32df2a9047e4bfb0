"""Choose the units on all folds but one, measure them on the one left out: the effect without the optimism."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats as sps

from neurolab.analysis.column_tests import TESTS
from neurolab.analysis.entry import sides_of
from neurolab.analysis.folds import fold_labels, shared_stimuli
from neurolab.analysis.localiser import known, map_of
from neurolab.analysis.measured import Measured, measured
from neurolab.analysis.reselect import exchangeable, shuffle_labels
from neurolab.analysis.select import top_mask
from neurolab.chance import RNG, generator, rng_name
from neurolab.contrast import Contrast, parse_contrast
from neurolab.digest import digest_of
from neurolab.errors import DesignError
from neurolab.recording import site_names
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.reliability import dice

SCALARS = ("effect", "low", "high", "d_prime", "t", "df")

register_result(
    "held_out",
    {
        **dict.fromkeys(("fold_effect", "fold_n", "n_units"), ("fold",)),
        "dice": ("fold", "other_fold"),
        "profile": ("condition",),
        **dict.fromkeys((*SCALARS, "p", "p_floor", "mean_dice"), ()),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


@dataclass(frozen=True)
class Choosing:
    """How the units of a fold are chosen."""

    contrast: Contrast
    test: str
    top: int | float
    per_site: bool
    signed: bool

    def __call__(self, recording: xr.DataArray) -> np.ndarray:
        """Get the mask of the chosen neuroids."""
        sides = sides_of(recording, self.contrast, signed=self.signed)
        found = map_of(TESTS[self.test](recording, sides, None, None), recording.sizes["neuroid"])
        valid = found.valid & sides.usable
        names = site_names(recording) if self.per_site else None
        site, unit = recording["site"].values, recording["unit"].values
        return top_mask(found.statistic, valid, valid, site, unit, top=self.top, names=names)


def held_out(
    recording: xr.DataArray,
    contrast: str | Contrast,
    *,
    by: str | int = "run",
    top: int | float = 0.1,
    per_site: bool = False,
    test: str = "welch",
    signed: bool = True,
    n_permutations: int = 199,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get the effect of a localiser on data that did not choose its units, over left-out folds.

    In each fold the ``top`` units of all other folds are averaged, and their response to the two sides is compared in
    the fold left out; fold effects are averaged *after* measuring. p: the condition labels are shuffled within folds
    and the whole procedure, selection included, is run again.

    Parameters
    ----------
    recording : presentation x neuroid, of a network or a brain.
    by : a presentation coordinate whose values are the folds ("run"), or a number of folds, dealt out by stimulus.
    top, per_site : as in :func:`neurolab.select_roi`. test : "welch" or "rank". signed : as in ``localise``.
    n_permutations : shuffles; each repeats the whole procedure.
    rng : integer or Generator.

    Returns
    -------
    Dataset: ``effect`` (mean over folds of the difference, in units of activity) with ``low, high`` (Student interval
    from the presentations left out, for these regions), ``p`` (one-sided) and ``p_floor``; ``d_prime``, ``t``, ``df``;
    per fold ``fold_effect``, ``fold_n``, ``n_units``; ``dice`` (fold, other_fold) of the chosen regions and
    ``mean_dice``; ``profile`` (condition): the mean held-out response to every condition of the recording.

    When this is invalid
    --------------------
    Folds that share stimuli (refused for a network) or noise. The sample is what was left out of this one network or
    brain; for a claim about networks or people, test their held-out effects across them.

    Source
    ------
    Leave-one-run-out functional ROIs: Fedorenko et al. 2010, doi:10.1152/jn.00032.2010; why: Kriegeskorte et al. 2009,
    doi:10.1038/nn.2303.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> found = held_out(phantom_recording(n_runs=2, rng=0), "faces > objects", n_permutations=19, rng=0)
    >>> float(found["p"]), bool(found["low"] > 0)
    (0.05, True)
    """
    known(test, ("welch", "rank"), "test")
    if n_permutations < 19:
        raise DesignError(f"n_permutations={n_permutations} cannot reach p = .05; expected 19 or more. Type 199.")
    sides_of(recording, contrast, signed=signed)
    resolved = parse_contrast(contrast).resolve(recording["condition"].values)
    choose = Choosing(resolved, test, top, per_site, signed)
    sides = resolved.sides(recording["condition"].values.astype(str))
    labels = fold_labels(recording, by, sides, generator(rng, "folds", str(by)))
    masks, response = _cross(recording, labels, choose)
    found = measured(response, sides, labels)
    null = np.empty(n_permutations)
    both = (*resolved.positive, *resolved.negative)
    for draw in range(n_permutations):
        stream = generator(rng, "held_out", draw)
        shuffled = shuffle_labels(recording, among=both, blocks=labels, rng=stream)
        dealt = resolved.sides(shuffled["condition"].values.astype(str))
        null[draw] = measured(_cross(shuffled, labels, choose)[1], dealt, labels).effect
    reached = int((null >= found.effect - 1e-12 * abs(found.effect)).sum())
    folds = np.unique(labels)
    return make_result(
        {
            **_per_fold(found, folds, labels, masks),
            **_profile(recording, response, labels),
            **dict(zip(("low", "high"), _ends(found, level))),
            **{name: getattr(found, name) for name in ("effect", "d_prime", "t", "df")},
            "p": (reached + 1) / (n_permutations + 1),
            "p_floor": max(1 / (n_permutations + 1), 1 / _arrangements(recording, resolved, labels)),
        },
        **_about(recording, choose, labels, by, found),
        alternative="greater",
        level=level,
        rng=rng_name(rng),
    )


def _cross(recording: xr.DataArray, labels: np.ndarray, choose: Choosing) -> tuple[np.ndarray, np.ndarray]:
    """The mask chosen without each fold (fold, neuroid), and every presentation's mean response in its own fold's."""
    folds = np.unique(labels)
    masks = np.stack([choose(recording.isel(presentation=np.flatnonzero(labels != fold))) for fold in folds])
    response = np.empty(recording.sizes["presentation"])
    for fold, mask in zip(folds, masks):
        rows = np.flatnonzero(labels == fold)
        values = recording.values[np.ix_(rows, np.flatnonzero(mask))].astype(np.float64)
        response[rows] = (values if choose.signed else np.abs(values)).mean(axis=1)
    return masks, response


def _ends(found: Measured, level: float) -> tuple[float, float]:
    half = float(sps.t.ppf(0.5 + level / 2, found.df)) * found.se
    return found.effect - half, found.effect + half


def _per_fold(found: Measured, folds: np.ndarray, labels: np.ndarray, masks: np.ndarray) -> dict[str, Any]:
    overlap = np.array([[dice(one, other) for other in masks] for one in masks])
    return {
        "fold_effect": xr.DataArray(found.per_fold, dims="fold", coords={"fold": strings(folds)}),
        "fold_n": ("fold", [int((labels == fold).sum()) for fold in folds]),
        "n_units": ("fold", masks.sum(axis=1)),
        "dice": (("fold", "other_fold"), overlap),
        "mean_dice": float(overlap[~np.eye(len(folds), dtype=bool)].mean()),
    }


def _profile(recording: xr.DataArray, response: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Mean response to each condition, over the folds that have it (folds weigh alike)."""
    condition = recording["condition"].values.astype(str)
    names = list(dict.fromkeys(condition))
    means = [
        np.mean(
            [
                response[rows].mean()
                for fold in np.unique(labels)
                if (rows := (condition == name) & (labels == fold)).any()
            ]
        )
        for name in names
    ]
    return {"profile": xr.DataArray(means, dims="condition", coords={"condition": strings(names)})}


def _arrangements(recording: xr.DataArray, contrast: Contrast, labels: np.ndarray) -> float:
    """How many ways there are to deal the two sides out over the stimuli, within folds."""
    label, block, _ = exchangeable(recording, labels)
    positive, negative = contrast.sides(label)
    counts = [(int(positive[block == b].sum()), int(negative[block == b].sum())) for b in np.unique(block)]
    return float(math.prod(math.comb(p + n, p) for p, n in counts))


def _about(
    recording: xr.DataArray, choose: Choosing, labels: np.ndarray, by: str | int, found: Measured
) -> dict[str, Any]:
    rows = np.concatenate([np.flatnonzero(side) for side in choose.contrast.sides(recording["condition"].values)])
    shared = shared_stimuli(recording, labels)
    note = (
        f"{shared} stimuli were shown in several folds: the effect is of these stimuli, in new {by}s." if shared else ""
    )
    whose = "brain" if recording.attrs.get("kind") == "brain" else "network"
    return {
        "analysis": "held_out",
        "estimand": f"the mean response of the top {choose.top} neuroids to {choose.contrast}, in presentations that "
        f"did not choose them, in this {whose}",
        "test": f"shuffled conditions within folds, {choose.test} selection re-run; Student interval",
        "n": len(set(recording["stimulus_id"].values[rows])),
        "n_folds": len(np.unique(labels)),
        "by": str(by),
        "generalises_over": found.sample,
        "correction": "none",
        "source": recording.attrs.get("source", ""),
        "inputs": digest_of(np.asarray(recording.values[rows], dtype=np.float64)),
        "contrast": str(choose.contrast),
        "signed": choose.signed,
        "effect_unit": recording.attrs.get("units", ""),
        "note": note,
    }
