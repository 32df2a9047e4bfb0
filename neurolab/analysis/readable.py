"""Whether a function can be read out of units by a linear decoder, on stimuli that did not fit it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats as sps

from neurolab.analysis.entry import as_condition
from neurolab.analysis.folds import FOLDS, fold_labels, shared_stimuli, usual_folds
from neurolab.analysis.sample import noted, whose_stimuli
from neurolab.analysis.words import interval_text, p_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError, DoubleDippingError, ReplicationUnitError, SchemaError, listed
from neurolab.ids import showings_of
from neurolab.recording import average_repetitions, stimuli_of
from neurolab.roi import ROI
from neurolab.schema import make_result, register_result, strings

register_result(
    "decode",
    {
        **dict.fromkeys(("effect", "low", "high", "p", "p_floor", "accuracy", "chance"), ()),
        "recall": ("condition",), "confusion": ("condition", "said"), "fold_effect": ("fold",),
    },
    [("p", "effect", "low", "high", "p_floor")],
)  # fmt: skip


def decode(
    recording: xr.DataArray,
    *,
    column: str = "condition",
    roi: ROI | None = None,
    by: str | int | None = None,
    ridge: float = 1.0,
    n_permutations: int = 999,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get whether a linear decoder reads the condition of a stimulus from these units, on stimuli that did not fit it.

    In each fold a ridge regression of the conditions on the activity of all other folds (each unit standardised there)
    names the condition of every stimulus left out; conditions count alike, however often they were shown. *effect* is
    the balanced accuracy (mean share of each condition that is named right) above chance. p: the conditions are
    shuffled within folds, and all is fitted again. A stimulus counts once, however often it was shown: where folds are
    dealt out by stimulus its showings are averaged first, and with them its marked twins in the same condition.

    Parameters
    ----------
    recording : presentation x neuroid; neuroids marked not ``valid`` are left out.
    column : of presentations, what is read out: "condition", or any other, e.g. "label".
    roi : the units to read from; default all. It may not have been chosen on these stimuli.
    by : a presentation coordinate whose values are the folds, or a number of folds, dealt out by stimulus; default
        "run" where the recording has several that share no stimulus, else 4.
    ridge : penalty, as a share of the summed variance of the units. rng : integer or Generator.

    Returns
    -------
    Dataset: ``effect`` with ``low, high, p`` (one-sided) and ``p_floor``; ``accuracy`` (balanced), ``chance``; over
    condition ``recall``; ``confusion`` (condition, said), shares; over fold ``fold_effect``.

    Raises
    ------
    DoubleDippingError : the region was chosen on these stimuli; a stimulus in several folds. ReplicationUnitError : a
    stimulus twice in a named fold. DataError : one with several conditions. DesignError : fewer than 19 shuffles; one
    condition; a fold that lacks one.

    When this is invalid
    --------------------
    What can be read out need not be used: that takes a lesion. What goes with the condition (brightness, length) is
    read out as well. The sample is stimuli of one network; for networks, compare their effects. The interval takes the
    decoders as they are: it is of new stimuli, not of new decoders.

    Source
    ------
    Decoders and shuffled conditions: Pereira, Mitchell & Botvinick 2009, doi:10.1016/j.neuroimage.2008.11.007; Ojala &
    Garriga 2010, JMLR 11, 1833-1863. The ridge regression agrees with scikit-learn's.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> found = decode(phantom_recording(n_units=40, effect=2.0, rng=0), n_permutations=99, rng=0)
    >>> bool(found["accuracy"] > 0.9), float(found["p"])
    (True, 0.01)
    """
    if n_permutations < 19 or not ridge > 0:
        raise DesignError(f"n_permutations={n_permutations}, ridge={ridge}; expected 19 or more, and above 0.")
    here, by, shown = _by_stimulus(_units(as_condition(recording, column), roi), by)
    truth, names = _conditions(here, column)
    k, chance = len(names), 1 / len(names)
    folds = fold_labels(here, by, [truth == at for at in range(k)], generator(rng, "folds", str(by)))
    decoder = _decoder(np.asarray(here.values, dtype=np.float64), folds, ridge, k)
    said = decoder.said(truth)
    effect = _balanced(truth, said, k) - chance
    shuffled = [_shuffled(truth, folds, generator(rng, "decode", draw)) for draw in range(n_permutations)]
    null = np.array([_balanced(one, decoder.said(one), k) for one in shuffled]) - chance
    p = (1 + int((null >= effect - 1e-12).sum())) / (n_permutations + 1)
    confusion = np.array([[np.mean(said[truth == a] == b) for b in range(k)] for a in range(k)])
    recall = np.diag(confusion)
    low, high = _interval(recall, np.bincount(truth), chance, level)
    parts = {str(fold): _balanced(truth[folds == fold], said[folds == fold], k) for fold in np.unique(folds)}
    found = {"effect": effect, "low": low, "high": high, "p": p, "p_floor": 1 / (n_permutations + 1)}
    table = {"confusion": (("condition", "said"), confusion), "recall": ("condition", recall)}
    return make_result(
        {**found, **table, "accuracy": effect + chance, "chance": chance,
         "fold_effect": ("fold", np.array(list(parts.values())) - chance)},
        coords={"condition": strings(names), "said": strings(names), "fold": strings(list(parts))},
        **_about(here, roi, column, k, found, level, shown),
        n=len(truth),
        level=level,
        rng=rng_name(rng),
        by=str(by),
        inputs=digest_of(here.values, truth, folds),
    )  # fmt: skip


def _about(
    recording: xr.DataArray, roi: ROI | None, column: str, k: int, found: dict[str, float], level: float, shown: str
) -> dict[str, Any]:
    """What the result says of itself."""
    where, n = "all units" if roi is None else f"the region {roi.name}", recording.sizes["neuroid"]
    numbers = interval_text(found["effect"], found["low"], found["high"], level)
    return {
        "analysis": "decode",
        "estimand": f"the balanced accuracy, above chance, with which a linear decoder names the {column} of new "
        f"stimuli from {where}",
        "test": "conditions shuffled within folds, decoder fitted again",
        "generalises_over": "stimulus",
        "correction": "none",
        "alternative": "greater",
        "column": column,
        "n_units": n,
        "reasons": [
            f"Read from {where} ({n} units): {100 * (found['effect'] + 1 / k):.3g} % of {k} conditions named right "
            f"where {100 / k:.3g} % is chance; {numbers} above it, {p_text(found['p'])}."
        ],
        "note": noted(
            whose_stimuli(1, str(recording.attrs.get("kind", ""))), "What is read out need not be used.", shown
        ),
        "source": str(recording.attrs.get("source", "")),
    }


def _units(recording: xr.DataArray, roi: ROI | None) -> xr.DataArray:
    """The recording of these units, checked: numbers, no time, no stimuli that chose them."""
    if "time" in recording.dims:
        raise SchemaError("The recording has a time dimension. Type recording.sel(time=slice(a, b)).mean('time').")
    keep = np.ones(recording.sizes["neuroid"], bool) if roi is None else roi.mask(recording)
    if "valid" in recording.coords:
        keep = keep & recording["valid"].values.astype(bool)
    dipped = sorted(set(stimuli_of(recording)) & set(roi.chosen_on if roi is not None else ()))
    if dipped:
        raise DoubleDippingError(
            f"The region was chosen on {len(dipped)} of these stimuli ({listed(dipped, most=3)}); what is read from it "
            "there is inflated. Choose it on other stimuli: choose, test = stimuli.split(2, by='condition', rng=0)."
        )
    here = recording.isel(neuroid=np.flatnonzero(keep))
    if not here.sizes["neuroid"] or not np.isfinite(here.values).all():
        raise DataError(f"{here.sizes['neuroid']} units, some values NaN or inf or none at all; expected numbers.")
    return here


def _by_stimulus(recording: xr.DataArray, by: str | int | None) -> tuple[xr.DataArray, str | int, str]:
    """One presentation per stimulus where folds are dealt out by stimulus, the folds, and what was done, in words."""
    recording = recording.assign_coords(stimulus_id=("presentation", strings(showings_of(recording))))
    folds = usual_folds(recording) if by is None else by
    if isinstance(folds, str) and folds in recording.coords and recording[folds].dims == ("presentation",):
        labels = recording[folds].values.astype(str)
        shared = shared_stimuli(recording, labels)
        if by is not None or not shared:
            _once(recording, labels)
        if not shared:
            return recording, folds, ""
        if by is not None:
            raise DoubleDippingError(
                f"{shared} stimuli are in several folds of by={by!r}: the decoder would be tested on stimuli that "
                "fitted it, and could know them one by one. Type by=4, which deals out stimuli with all their showings."
            )
        folds = FOLDS
    shown, n = recording.sizes["presentation"], len(np.unique(recording["stimulus_id"].values.astype(str)))
    if isinstance(folds, str) or shown == n:
        return recording, folds, ""
    return average_repetitions(recording), folds, f"{shown} showings were averaged by stimulus; folds are of stimuli."


def _conditions(recording: xr.DataArray, column: str) -> tuple[np.ndarray, list[str]]:
    """The condition of each presentation as a number, and the names in order."""
    names, truth = np.unique(recording["condition"].values.astype(str), return_inverse=True)
    if not 2 <= len(names) <= len(truth) // 2:
        raise DesignError(
            f"The column {column!r} has {len(names)} values on {len(truth)} presentations; a decoder needs two or "
            "more, each several times. Type column= another one."
        )
    return truth, [str(name) for name in names]


def _once(recording: xr.DataArray, folds: np.ndarray) -> None:
    ids = np.char.add(np.char.add(folds.astype(str), " | "), recording["stimulus_id"].values.astype(str))
    names, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        twice = [name.split(" | ", 1)[1] for name in names[counts > 1]]
        raise ReplicationUnitError(
            f"The stimuli {listed(twice, most=3)} come more than once in a fold; showings of one stimulus are not new "
            "stimuli. Type nl.average_repetitions(recording) first."
        )


@dataclass(frozen=True)
class _Decoder:
    """Per fold: who is left out, who fits, and the weight of each fitting presentation in each prediction."""

    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    n_conditions: int

    def said(self, truth: np.ndarray) -> np.ndarray:
        """What is named for every presentation, fitted on the others' conditions."""
        said = np.zeros(len(truth), dtype=np.int64)
        for out, fit, weights in self.parts:
            wanted = np.eye(self.n_conditions)[truth[fit]]
            each = wanted / wanted.mean(axis=0)  # conditions count alike
            said[out] = (1 + weights @ (each - 1)).argmax(axis=1)
        return said


def _decoder(values: np.ndarray, folds: np.ndarray, ridge: float, n_conditions: int) -> _Decoder:
    """Ridge regression in its dual form, whose weights do not depend on what is to be named."""
    parts = []
    for fold in np.unique(folds):
        out, fit = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        mean, spread = values[fit].mean(axis=0), values[fit].std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        x, new = (values[fit] - mean) / scale, (values[out] - mean) / scale
        penalty = ridge * max(int((spread > 0).sum()), 1)
        parts.append((out, fit, np.linalg.solve(x @ x.T + penalty * np.eye(len(fit)), x @ new.T).T))
    return _Decoder(parts, n_conditions)


def _balanced(truth: np.ndarray, said: np.ndarray, n: int) -> float:
    """The mean over conditions of the share that is named right."""
    right = np.bincount(truth, weights=truth == said, minlength=n)
    return float((right / np.bincount(truth, minlength=n)).mean())


def _shuffled(truth: np.ndarray, folds: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    shuffled = truth.copy()
    for fold in np.unique(folds):
        here = np.flatnonzero(folds == fold)
        shuffled[here] = truth[draw.permutation(here)]
    return shuffled


def _interval(recall: np.ndarray, n: np.ndarray, chance: float, level: float) -> tuple[float, float]:
    """The normal interval of a mean of independent shares; one more right and wrong each keep it open at the ends."""
    share = (recall * n + 1) / (n + 2)
    error = float(np.sqrt((share * (1 - share) / (n + 2)).sum())) / len(n)
    half = float(sps.norm.ppf(0.5 + level / 2)) * error
    centre = float(recall.mean())
    return max(0.0, centre - half) - chance, min(1.0, centre + half) - chance
