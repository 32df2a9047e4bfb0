"""Phantoms made of numbers: recordings and trials whose answer is planted, to try an analysis before believing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr, ndtri

from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed
from neurolab.recording import make_recording
from neurolab.roi import ROI, roi_from_mask
from neurolab.trials import make_trials

__all__ = ["phantom_noise", "phantom_recording", "phantom_trials", "planted_roi"]
__dir__ = __all__.copy


def phantom_recording(
    *,
    selective: Mapping[str, int] | None = None,
    n_units: int = 200,
    n_stimuli: int = 40,
    conditions: Sequence[str] = ("faces", "objects"),
    effect: float = 1.0,
    dead: int = 0,
    twins: int = 0,
    n_runs: int = 1,
    sites: Sequence[str] = ("layer",),
    n_times: int = 0,
    rng: RNG,
) -> xr.DataArray:
    """Get a simulated recording in which some neuroids prefer a condition, and the rest do not.

    Activity is standard normal noise; a unit planted for condition c gets ``effect`` (in noise sd) more on c.

    Parameters
    ----------
    selective : condition -> number of planted units; default 10 % of the units for the first condition.
    n_units : units over all sites; sites get equal shares, the planted units lie spread over the sites.
    n_stimuli : stimuli per condition and run.
    effect : planted difference in noise sd.
    dead : units that are 0 for every stimulus.
    twins : units that copy the first planted unit exactly (ties).
    n_runs : runs with stimuli of their own; above 1 the coordinate ``run`` is added.
    n_times : time points, 0 for none.

    Returns
    -------
    DataArray presentation x neuroid [x time], with the truth in the neuroid coordinate ``planted``: a condition,
    "dead", or "" for nothing. :func:`planted_roi` reads it.

    Example
    -------
    >>> recording = phantom_recording(n_units=20, dead=2, rng=0)
    >>> recording.sizes["presentation"], planted_roi(recording, "faces").n_units
    (80, 2)
    """
    selective = {conditions[0]: max(1, n_units // 10)} if selective is None else dict(selective)
    planted = _plan(selective, n_units, dead, twins, conditions)
    draw = generator(rng, "phantom recording")
    condition = np.tile(np.repeat(np.asarray(conditions, dtype=object), n_stimuli), n_runs)
    run = np.repeat(np.arange(n_runs), n_stimuli * len(conditions))
    shape = (len(condition), n_units, n_times) if n_times else (len(condition), n_units)
    values = draw.standard_normal(shape)
    prefers = condition[:, None] == planted[None]
    values += effect * (prefers[..., None] if n_times else prefers)
    _copy_and_kill(values, planted, twins)
    rows = {"stimulus_id": [f"{name}-{row:05d}" for row, name in enumerate(condition)], "condition": condition}
    if n_runs > 1:
        rows["run"] = run
    order = draw.permutation(n_units)
    return make_recording(
        values[:, order],
        presentation=rows,
        neuroid={**_addresses(n_units, sites), "planted": planted[order]},
        kind="simulated",
        units="sd",
        source="neurolab.simulate.phantom_recording",
        specimen="phantom",
        time=np.arange(n_times) / 100 if n_times else None,
        attrs={"rng": rng_name(rng)},
    )


def _plan(selective: Mapping[str, int], n_units: int, dead: int, twins: int, conditions: Sequence[str]) -> np.ndarray:
    """What is planted in each unit, before they are shuffled: planted units first, twins after the first, dead last."""
    for name in selective:
        if name not in conditions:
            raise UnknownNameError(
                f"selective names condition {name!r}.{did_you_mean(name, conditions)} There are {listed(conditions)}."
            )
    plan = [name for name, count in selective.items() for _ in range(count)]
    if twins and not plan:
        raise DesignError("twins copy the first planted unit; plant one with selective={'faces': 1}.")
    plan = plan[:1] * (twins + 1) + plan[1:] if twins else plan
    if len(plan) + dead > n_units:
        raise DesignError(
            f"{len(plan)} planted and {dead} dead units do not fit into n_units={n_units}; "
            f"type n_units={len(plan) + dead} or more."
        )
    return np.array(plan + [""] * (n_units - len(plan) - dead) + ["dead"] * dead, dtype=object)


def _addresses(n_units: int, sites: Sequence[str]) -> dict[str, np.ndarray]:
    """The site and the number of each unit, site by site, in equal shares."""
    which, unit = np.arange(n_units) % len(sites), np.arange(n_units) // len(sites)
    by_site = np.lexsort((unit, which))
    return {"site": np.asarray(sites, dtype=object)[which[by_site]], "unit": unit[by_site]}


def _copy_and_kill(values: np.ndarray, planted: np.ndarray, twins: int) -> None:
    values[:, 1 : twins + 1] = values[:, :1]
    values[:, planted == "dead"] = 0.0


def planted_roi(recording: xr.DataArray, condition: str) -> ROI:
    """Get the units that were planted for a condition: the truth that a localiser should find.

    Example
    -------
    >>> planted_roi(phantom_recording(n_units=30, rng=0), "faces").n_units
    3
    """
    if "planted" not in recording.coords:
        raise DesignError("The recording has no coordinate 'planted'; make one with nl.simulate.phantom_recording().")
    truth = recording["planted"].values.astype(str)
    if condition not in truth:
        raise UnknownNameError(
            f"Nothing is planted for {condition!r}.{did_you_mean(condition, set(truth))} "
            f"There is {listed(sorted(set(truth) - {''}))}."
        )
    return roi_from_mask(truth == condition, recording, name=f"planted {condition}", how_chosen="planted")


def phantom_trials(
    *,
    deficits: Mapping[str, Mapping[str, float]] | None = None,
    intact: float | Mapping[str, float] = 0.9,
    n_specimens: int = 10,
    n_stimuli: int = 100,
    spread: float = 0.0,
    bounded: bool = True,
    chance: float | None = 0.5,
    n_controls: int = 0,
    control_deficits: Mapping[str, float] | None = None,
    doses: Sequence[float] = (1.0,),
    rng: RNG,
) -> xr.Dataset:
    """Get simulated trials of a cohort whose lesions cost what is planted.

    In every network i, lesion j lowers the expected score on task k by ``dose * (deficits[j][k] + spread * z)``, with z
    standard normal per network, lesion and task. A bounded score is one Bernoulli draw per stimulus, right where a
    uniform number of that network and stimulus, the same under every lesion, lies below the probability; an unbounded
    one is the expectation plus unit normal noise of each presentation.

    Parameters
    ----------
    deficits : lesion -> task -> planted deficit in score; default a double dissociation of size 0.3. A lesion has 10
        units, a union named ``"A + B"`` 20.
    intact : expected intact score, for all tasks or per task.
    n_specimens, n_stimuli : networks; stimuli per task.
    spread : sd over networks of the planted deficits, controls included.
    bounded : Bernoulli trials, or a normal score.
    chance : chance level that the trials declare (None: unknown).
    n_controls : matched control lesions per target.
    control_deficits : task -> planted deficit of every control, plus a share of its own of size ``spread``.
    doses : doses of each target; each is a lesion of its own.

    Returns
    -------
    Dataset: trials with one sham per lesion; the plan is in ``attrs["planted"]`` as JSON.

    Example
    -------
    >>> trials = phantom_trials(n_specimens=4, rng=0)
    >>> trials.sizes["specimen"], list(trials["lesion_id"].values)
    (4, ['A', 'A | sham', 'B', 'B | sham'])
    """
    plan = {"A": {"X": 0.3, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.3}} if deficits is None else deficits
    tasks = list(dict.fromkeys(task for of in plan.values() for task in of))
    starts = {task: intact[task] if isinstance(intact, Mapping) else float(intact) for task in tasks}
    lesions, losses = _lesion_rows(plan, tasks, doses, n_controls, control_deficits or {})
    draw = generator(rng, "phantom trials")
    sham = lesions["role"].to_numpy() == "sham"
    share = np.where(sham, 0.0, lesions["dose"].to_numpy())[:, None]  # of the planted loss: none under a sham
    loss = share * (losses + spread * draw.standard_normal((n_specimens, *losses.shape)))
    expected = np.repeat(np.array([starts[task] for task in tasks]) - loss, n_stimuli, axis=2)
    score = _right_or_wrong(expected, draw) if bounded else _with_noise(expected, sham, draw)
    trial = pd.DataFrame({"task": np.repeat(tasks, n_stimuli), "condition": np.repeat(tasks, n_stimuli)})
    trial["stimulus_id"] = [f"{task}-{row:05d}" for row, task in enumerate(trial["task"])]
    unit = "proportion correct" if bounded else "score"
    about = {"score": "phantom", "unit": unit, "bounded": bounded, "chance": chance}
    return make_trials(
        score,
        specimen=[f"phantom-{number}" for number in range(n_specimens)],
        lesions=lesions,
        trial=trial,
        tasks=dict.fromkeys(tasks, about),
        kind="simulated",
        attrs={"source": "neurolab.simulate.phantom_trials", "rng": rng_name(rng), "planted": plan},
    )


def _right_or_wrong(expected: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Bernoulli scores of (specimen, lesion, trial): a network meets the same luck under every lesion."""
    luck = draw.random((expected.shape[0], 1, expected.shape[2]))
    return (luck < expected).astype(np.float64)


def _with_noise(expected: np.ndarray, sham: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Unbounded scores: noise of every presentation, but every sham is the same intact network."""
    noise = draw.standard_normal(expected.shape)
    noise[:, sham] = noise[:, [int(np.argmax(sham))]]
    return expected + noise


def _lesion_rows(
    plan: Mapping[str, Mapping[str, float]],
    tasks: Sequence[str],
    doses: Sequence[float],
    n_controls: int,
    control_deficits: Mapping[str, float],
) -> tuple[pd.DataFrame, np.ndarray]:
    """The lesion table (each target at each dose, its sham, its controls) and the planted loss (lesion, task)."""
    rows, losses = [], []
    for name, costs in plan.items():
        own = [costs.get(task, 0.0) for task in tasks]
        for dose in doses:
            rows.append((name if dose == 1 else f"{name} | dose {dose:g}", name, "target", "", "phantom", dose, 0))
            losses.append(own)
        rows.append((f"{name} | sham", name, "sham", "", "Sham", 1.0, 0))
        losses.append([0.0] * len(tasks))
        for number in range(n_controls):
            identity = f"{name} | matched control" + (f" | draw {number}" if number else "")
            rows.append((identity, name, "control", "matched", "phantom", 1.0, number))
            losses.append([control_deficits.get(task, 0.0) for task in tasks])
    names = ("lesion_id", "roi", "role", "family", "how", "dose", "draw")
    table = pd.DataFrame(rows, columns=list(names))
    return table.assign(n_units=10 * (1 + table["roi"].str.count(r" \+ "))), np.array(losses)


def phantom_noise(
    *,
    ed50: Mapping[str, float] | None = None,
    strengths: Sequence[float] = (0.25, 0.5, 1.0, 2.0, 4.0),
    intact: float = 0.95,
    chance: float = 0.5,
    n_specimens: int = 8,
    n_stimuli: int = 100,
    spread: float = 0.1,
    rng: RNG,
) -> xr.Dataset:
    """Get simulated trials under a ladder of noise called "input", for the intact network and after lesions.

    A unit that tells two answers apart by its sign, and is drowned in Gaussian noise of strength s, keeps the share
    2 Phi(z m / s) - 1 of its performance above chance, with z the upper quartile of the normal distribution: one half
    exactly at s = m, its ED50. Right answers are Bernoulli draws; a network meets the same luck in every condition.

    Parameters
    ----------
    ed50 : condition -> planted ED50; "intact" first, the rest are lesions, on task "X".
    intact : expected score without noise, in every condition. chance : its floor.
    spread : sd over networks of the ED50, as a share of it, drawn anew for every condition.

    Example
    -------
    >>> trials = phantom_noise(rng=0)
    >>> sorted(set(trials["ladder"].values) - {""})
    ['A & input', 'input']
    """
    plan = {"intact": 1.0, "A": 0.5} if ed50 is None else dict(ed50)
    draw = generator(rng, "phantom noise")
    rows = [("sham", "input", "sham", "", "Sham", np.nan, 0)]
    for at, name in enumerate(plan):
        rows += [(name, name, "target", "", "phantom", np.nan, at)] if at else []
        who, how = (f"{name} & input", "phantom & Noise") if at else ("input", "Noise")
        for s in strengths:
            rows.append((f"{who} noise {s:g}", f"{who} noise {s:g}", "target", who, f"{how} sd={s:g}", float(s), at))
    table = pd.DataFrame(rows, columns=["lesion_id", "roi", "role", "ladder", "how", "rung", "condition"])
    own = np.array(list(plan.values())) * (1 + spread * draw.standard_normal((n_specimens, len(plan))))
    with np.errstate(divide="ignore"):
        ratio = own[:, table["condition"]] / np.nan_to_num(table["rung"].to_numpy())
    left = 2 * ndtr(ndtri(0.75) * ratio) - 1
    expected = chance + (intact - chance) * left
    score = _right_or_wrong(np.repeat(expected[:, :, None], n_stimuli, axis=2), draw)
    trial = pd.DataFrame({"stimulus_id": [f"X-{at:05d}" for at in range(n_stimuli)]}).assign(task="X", condition="X")
    about = {"score": "phantom", "unit": "proportion correct", "bounded": True, "chance": chance}
    return make_trials(
        score,
        specimen=[f"phantom-{number}" for number in range(n_specimens)],
        lesions=table.drop(columns="condition"),
        trial=trial,
        tasks={"X": about},
        kind="simulated",
        attrs={"source": "neurolab.simulate.phantom_noise", "rng": rng_name(rng), "planted": plan},
    )
