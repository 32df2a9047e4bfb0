"""Controls that share the selection's optimism: the whole selection, re-run on shuffled condition labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, MatchingError
from neurolab.ids import origins_of, showings_of
from neurolab.lesion import Lesion
from neurolab.roi import ROI
from neurolab.schema import check_recording, strings


def reselected_controls(
    lesion: Lesion,
    recording: xr.DataArray,
    choose: Callable[[xr.DataArray], ROI],
    n: int,
    *,
    among: Sequence[str] | None = None,
    rng: RNG,
) -> tuple[Lesion, ...]:
    """Get ``n`` control lesions of the regions that the same procedure finds when the condition labels mean nothing.

    Labels are shuffled over stimuli (all showings of a stimulus keep one label; within runs, where runs are known and
    each stimulus belongs to one), then ``choose`` is run again. The regions may overlap the target.

    Parameters
    ----------
    lesion : the target; its region must be what ``choose(recording)`` gives.
    recording : the recording that chose the target.
    choose : the whole selection, e.g. ``lambda r: nl.select_roi(nl.localise(r, "faces > objects"), name="", top=0.1)``.
    n : number of controls.
    among : conditions whose labels are shuffled; default all in the recording. Name those of the contrast to keep the
        others as they are.
    rng : integer or Generator.

    Returns
    -------
    Lesions of role "control", family "reselected".

    Raises
    ------
    DesignError : ``choose`` does not give the target's own region on the true labels, so it is another procedure.

    When this is invalid
    --------------------
    Stimuli that are not exchangeable under "the labels mean nothing", e.g. matched pairs: shuffle those yourself.

    Source
    ------
    Randomised classes: Dobs et al. 2022, doi:10.1126/sciadv.abl8913.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> from neurolab.analysis import localise, select_roi
    >>> from neurolab.lesion import Zero
    >>> recording = phantom_recording(n_units=50, rng=0)
    >>> def choose(r):
    ...     return select_roi(localise(r, "faces > objects"), name="area", top=5)
    >>> [c.id for c in reselected_controls(Lesion(choose(recording), Zero()), recording, choose, 2, rng=0)]
    ['area | reselected control | draw 1', 'area | reselected control | draw 2']
    """
    check_recording(recording)
    if n < 1:
        raise DesignError(f"{n} controls were asked for; expected 1 or more (19 is the least that can reach p = .05).")
    if choose(recording).digest != lesion.roi.digest:
        raise DesignError(
            f"choose(recording) does not give the region of {lesion.name!r}; a reselected control must repeat the very "
            "procedure, on the recording that chose the target. Type choose=lambda r: nl.select_roi(nl.localise(r, "
            "...), "
            "...) as it was for the target."
        )
    controls: list[Lesion] = []
    for draw in range(1, n + 1):
        shuffled = shuffle_labels(recording, among=among, rng=generator(rng, "reselected", lesion.roi.digest, draw))
        roi = choose(shuffled)
        if roi.n_units == 0:
            raise MatchingError(
                "On shuffled labels the selection found no unit, so it makes no control of that size; select with top= "
                "instead of q=."
            )
        controls.append(_control(lesion, roi, draw))
    return tuple(controls)


def _control(lesion: Lesion, roi: ROI, draw: int) -> Lesion:
    overlap = (("dice_with_target", roi.dice(lesion.roi)),)
    roi = replace(roi, name=f"reselected control {draw}", how_chosen=f"{roi.how_chosen}, on shuffled labels")
    return replace(lesion, roi=roi, role="control", family="reselected", draw=draw, notes=overlap)


def shuffle_labels(
    recording: xr.DataArray,
    *,
    among: Sequence[str] | None = None,
    blocks: np.ndarray | None = None,
    rng: np.random.Generator,
) -> xr.DataArray:
    """Get the recording with its condition labels dealt out anew over stimuli, as many of each condition as before.

    Presentations of a stimulus stay together, with its marked twins; twins in several conditions trade theirs. Labels
    stay within ``blocks`` (default: the runs, where known) when every stimulus belongs to one block.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(n_stimuli=3, n_units=2, selective={}, rng=0)
    >>> sorted(shuffle_labels(recording, rng=np.random.default_rng(0))["condition"].values)
    ['faces', 'faces', 'faces', 'objects', 'objects', 'objects']
    """
    if blocks is None and "run" in recording.coords:
        blocks = recording["run"].values
    label, block, place = exchangeable(recording, blocks)
    movable = np.isin(label, list(among)) if among is not None else np.ones(len(label), dtype=bool)
    new = label.copy()
    for value in np.unique(block):
        rows = np.flatnonzero((block == value) & movable)
        new[rows] = label[rng.permutation(rows)]
    return recording.assign_coords(condition=("presentation", strings(new[place])))


def exchangeable(recording: xr.DataArray, blocks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Get the label and the block of each stimulus, and the stimulus of each presentation (an index).

    Marked twins in one condition are one stimulus; those in several are a block, and trade their labels.
    """
    _, first, place = np.unique(showings_of(recording), return_index=True, return_inverse=True)
    label = recording["condition"].values.astype(str)[first]
    block = np.zeros(len(first), dtype=np.int64)
    if blocks is not None:
        code = np.unique(np.asarray(blocks).astype(str), return_inverse=True)[1]
        if (code == code[first][place]).all():
            block = code[first]
    _, origin, members = np.unique(origins_of(recording)[first], return_inverse=True, return_counts=True)
    return label, np.where(members[origin] > 1, block.max(initial=0) + 1 + origin, block), place
