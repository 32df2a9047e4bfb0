"""From a recording and a contrast to two plain float64 arrays, checked: brain and network enter by the same door."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurolab.contrast import Contrast, parse_contrast
from neurolab.errors import (
    DataError,
    DesignError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
    did_you_mean,
    listed,
)
from neurolab.ids import showings_of
from neurolab.schema import check_recording

#: Any of these on presentations says that a stimulus shown twice was meant to be.
SHOWINGS = ("repetition", "run", "onset")


@dataclass(frozen=True, eq=False)
class Sides:
    """The two sides of a contrast.

    values : (n_rows, n_neuroids) float64, C order; only the presentations of the contrast. Neuroids with ``usable``
        False (declared invalid by the recording) hold zeros.
    positive : (n_rows,) bool. rows : their positions in the recording. ids : their stimulus ids; marked twins on one
        side bear one. again : what to type where a stimulus was shown again.
    """

    values: np.ndarray
    positive: np.ndarray
    rows: np.ndarray
    ids: np.ndarray
    usable: np.ndarray
    contrast: Contrast
    again: str

    @property
    def a(self) -> np.ndarray:
        """Activity of the positive side."""
        return self.values[self.positive]

    @property
    def b(self) -> np.ndarray:
        """Activity of the negative side."""
        return self.values[~self.positive]

    @property
    def stimuli(self) -> list[str]:
        """The distinct stimuli, in order."""
        return list(dict.fromkeys(map(str, self.ids)))

    def check_once(self) -> None:
        """Raise ReplicationUnitError where a stimulus was shown again: its showings are no sample of stimuli."""
        if len(set(self.ids)) < len(self.ids):
            raise ReplicationUnitError(
                f"{len(self.ids)} presentations show {len(self.stimuli)} stimuli; repeats of a stimulus are not new "
                f"stimuli, nor are its marked twins, and their labels cannot be exchanged. Type {self.again} first."
            )


def as_condition(recording: xr.DataArray, column: str = "condition") -> xr.DataArray:
    """Get the recording with a column of its presentations as their condition; its values are named as text.

    Raises
    ------
    UnknownNameError : no such column.
    """
    columns = _columns(check_recording(recording))
    if column not in columns:
        raise UnknownNameError(
            f"column={column!r} is no column of presentations.{did_you_mean(str(column), columns)} There are "
            f"{listed(columns)}."
        )
    if column == "condition":
        return recording
    return recording.assign_coords(condition=("presentation", columns[column].astype(object)))


def _columns(recording: xr.DataArray) -> dict[str, np.ndarray]:
    """What presentations carry, as text."""
    return {str(name): coord.values.astype(str) for name, coord in recording.coords.items()
            if coord.dims == ("presentation",) and name != "presentation"}  # fmt: skip


def by_column(recording: xr.DataArray, contrast: str | Contrast, column: str = "condition") -> xr.DataArray:
    """Get the recording with the column that a contrast speaks of as its condition.

    Raises
    ------
    UnknownNameError : no such column; or the contrast names what another column holds, which the message says.
    """
    made, columns = as_condition(recording, column), _columns(recording)
    sides = parse_contrast(contrast)
    names = {*sides.positive, *sides.negative} - {"*"}
    if not names & set(columns[column]):
        others = [name for name, values in columns.items() if names <= set(values)]
        if others:
            raise UnknownNameError(
                f"The contrast {str(sides)!r} names nothing of the column {column!r}, but the column {others[0]!r} "
                f"holds it. Type column={others[0]!r}."
            )
    return made


def in_blocks(recording: xr.DataArray) -> str:
    """Get the sentence that the presentations of a brain are volumes of blocks, or none.

    They are taken for that where runs are known, none is a mean, and within runs the condition stays for three in a row
    or more (median) and changes less than half as often as it would in random order. ``onset`` says the order.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> volumes = phantom_recording(n_stimuli=8, n_units=2, n_runs=2, selective={}, rng=0).assign_attrs(kind="brain")
    >>> in_blocks(volumes)[:60], in_blocks(volumes.assign_attrs(kind="ann"))
    ('Presentations in a row share their condition (8 of them in t', '')
    """
    columns = {name: recording[name].values for name in ("run", "onset") if name in recording.coords}
    if recording.attrs.get("kind") != "brain" or "n_averaged" in recording.coords or "run" not in columns:
        return ""
    run, condition = (np.unique(one.astype(str), return_inverse=True)[1] for one in
                      (columns["run"], recording["condition"].values))  # fmt: skip
    if "onset" in columns and columns["onset"].dtype.kind in "iuf":
        order = np.lexsort((columns["onset"], run))
        run, condition = run[order], condition[order]
    within = run[1:] == run[:-1]
    changes = within & (condition[1:] != condition[:-1])
    stretches = np.diff(np.r_[0, np.flatnonzero(changes | ~within) + 1, len(run)])
    counts = np.array([np.bincount(condition[run == one], minlength=condition.max() + 1) for one in np.unique(run)])
    expected = (counts.sum(axis=1) - (counts**2).sum(axis=1) / counts.sum(axis=1)).sum()
    if np.median(stretches) < 3 or changes.sum() >= expected / 2:
        return ""
    return (
        f"Presentations in a row share their condition ({np.median(stretches):g} of them in the median): volumes of "
        "one block are no sample of stimuli (counted as such they made an error in .47 of null maps, with noise "
        "correlated by .5 from one to the next). Type neurolab.brain.average_blocks(recording)."
    )


def sides_of(recording: xr.DataArray, contrast: str | Contrast, *, signed: bool = True) -> Sides:
    """Get the two sides of a contrast in float64 from any recording; every bad input is refused with advice.

    signed : False takes the absolute activity first.
    """
    check_recording(recording)
    if "time" in recording.dims:
        raise SchemaError(
            f"The recording still has a time dimension ({recording.sizes['time']} points); a localiser needs one "
            "number per presentation and neuroid. Choose a window: type recording.sel(time=slice(0.1, 0.2))"
            ".mean('time', keep_attrs=True)."
        )
    condition = recording["condition"].values.astype(str)
    resolved = parse_contrast(contrast).resolve(condition)
    positive, negative = resolved.sides(condition)
    rows = np.flatnonzero(positive | negative)
    ids = showings_of(recording, positive.astype(np.int64) - negative)[rows]
    again = _check_stimuli(recording, rows, ids, positive[rows], resolved)
    usable = (
        recording["valid"].values.astype(bool)
        if "valid" in recording.coords
        else np.ones(recording.sizes["neuroid"], bool)
    )
    values = np.array(recording.values[rows], dtype=np.float64, order="C")
    values[:, ~usable] = 0.0
    _check_finite(values, recording, rows)
    if not signed:
        np.abs(values, out=values)
    return Sides(values, positive[rows], rows, ids, usable, resolved, again)


def _check_stimuli(
    recording: xr.DataArray, rows: np.ndarray, shown: np.ndarray, positive: np.ndarray, contrast: Contrast
) -> str:
    """Refuse stimuli that are no sample of their side; get what to type where one was shown again.

    shown : what each presentation shows, where marked twins on one side are showings of one stimulus.
    """
    ids = recording["stimulus_id"].values[rows].astype(str)
    both = sorted(set(ids[positive]) & set(ids[~positive]))
    if both:
        raise DataError(
            f"The stimuli {listed(both, most=4)} stand on both sides of {str(contrast)!r}; expected each stimulus_id "
            "in one condition. Give the two versions ids of their own."
        )
    twins = len(set(shown)) < len(set(ids))
    same = "recording.assign_coords(stimulus_id=recording.unmarked)" if twins else "recording"
    names, counts = np.unique(shown, return_counts=True)
    if (counts > 1).any():
        twice = listed(names[counts > 1], most=4)
        if recording.attrs.get("kind") == "ann":
            raise ReplicationUnitError(
                f"The stimuli {twice} were shown to the network more than once{' (with a mark and without)' * twins}; "
                f"repeats of one stimulus are not new stimuli. Type nl.average_repetitions({same}) first."
            )
        if len(set(ids)) < len(ids) and not any(name in recording.coords for name in SHOWINGS):
            raise DataError(
                f"The stimulus_id {twice} are duplicated and nothing says that they were shown again. Add a coordinate "
                "'repetition' or 'run' on 'presentation', or type nl.average_repetitions(recording)."
            )
    _check_enough(shown, positive, contrast)
    return f"nl.average_repetitions({same})"


def _check_enough(ids: np.ndarray, positive: np.ndarray, contrast: Contrast) -> None:
    for side, name in ((positive, " + ".join(contrast.positive)), (~positive, " + ".join(contrast.negative))):
        if len(set(ids[side])) < 2:
            raise DesignError(
                f"The side {name!r} of the contrast has one stimulus; its variance, and so a statistic, needs at least "
                "two, better 40 or more. Record more stimuli of that condition."
            )


def _check_finite(values: np.ndarray, recording: xr.DataArray, rows: np.ndarray) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        neuroids = np.flatnonzero(bad.any(axis=0))
        first = int(np.flatnonzero(bad[:, neuroids[0]])[0])
        raise DataError(
            f"{int(bad.sum())} values are NaN or inf, in {len(neuroids)} of {values.shape[1]} neuroids (the first: "
            f"neuroid {int(neuroids[0])}, presentation {int(rows[first])}); expected finite activity. To leave those "
            "neuroids out, type recording.assign_coords(valid=('neuroid', np.isfinite(recording).all('presentation')"
            ".values))."
        )
