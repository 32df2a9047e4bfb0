"""What each unit is for: every unit lesioned alone, and the task that it costs most."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.sample import all_tasks, sham_rows
from neurolab.errors import DataError, DesignError, UnknownNameError, did_you_mean, listed
from neurolab.lesion import Ablation, Lesion
from neurolab.lineage import weights_of
from neurolab.recording import at_site, check_recording, site_names
from neurolab.roi import ROI
from neurolab.schema import strings
from neurolab.trials import pick_task, with_specimen


def unit_lesions(recording: xr.DataArray, how: Ablation) -> tuple[Lesion, ...]:
    """Get a sham and the lesion of every recorded unit alone.

    recording : of the intact network, at the sites whose units are lesioned. how : the ablation, for instance
    ``nl.Zero()``. Trials of these are what ``functional_labels`` reads.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> len(unit_lesions(phantom_recording(n_units=20, rng=0), Zero()))
    21
    """
    check_recording(recording)
    owner, weights = str(recording.attrs.get("specimen", "")), weights_of(recording)
    alone = [
        Lesion(ROI(f"{site}/{unit}", {site: np.array([unit])}, specimen=owner, weights=weights, how_chosen="given"),
               how)
        for site in site_names(recording) for unit in at_site(recording, site)["unit"].values.tolist()
    ]  # fmt: skip
    everything = {site: at_site(recording, site)["unit"].values for site in site_names(recording)}
    return (Lesion(ROI("every unit", everything, specimen=owner, weights=weights), how, role="sham"), *alone)


def functional_labels(
    trials: xr.Dataset, *, of: xr.DataArray | xr.Dataset, tasks: Sequence[str] | None = None, n: int | None = None,
    rng: Any = None,
) -> xr.DataArray:
    """Get the function of every unit: the task on which its loss costs most, or a cluster of units that cost alike.

    Deficits are counted in the root mean square over units of their task, so that a task on which everything costs
    more takes no more units.

    Parameters
    ----------
    trials : of one network, every unit lesioned alone (``unit_lesions``), on two tasks or more; score them by an
        unbounded score (``nl.scores.LogProbability``), for most units change no choice at all.
    of : the graph (``nl.specimen.structure``) or result whose units are to be labelled, in its order.
    tasks : names; default all. n : clusters (k-means) of the profiles of deficits, in place of the task that loses
        most; needs ``rng``, an integer.

    Returns
    -------
    DataArray (neuroid), text: the task, or "function 1", ...; "" for units that were not lesioned or whose loss changed
    nothing. The coordinates "cost of <task>" are the deficits so counted.

    When this is invalid
    --------------------
    Units that back each other up cost nothing alone. A largest effect is chosen even where two are nearly alike.

    Source
    ------
    The argmax over tasks: specification of the essays' protocols (ALIGN); k-means of task profiles: Yang et al. 2019,
    doi:10.1038/s41593-018-0310-2.

    Example
    -------
    >>> from neurolab.specimen import examine, phantoms, record, structure
    >>> from neurolab.lesion import Zero
    >>> net, stimuli, truth = phantoms.separate_modules(rng=0)
    >>> trials = examine(net, unit_lesions(record(net, stimuli, ["relu"]), Zero()), phantoms.naming_tasks(stimuli),
    ...                  progress=False)
    >>> functional_labels(trials, of=structure(net)).values[8 + truth["faces"].units["relu"][0]]
    'name faces'
    """
    columns = all_tasks(trials) if tasks is None else [str(task) for task in tasks]
    if len(columns) < 2:
        raise DesignError(f"functional_labels() got the tasks {listed(columns, empty='()')}; expected two or more, for "
                          "what a unit is for is the one that it costs most.")
    place = _places(of)
    deficits = np.full((len(place), len(columns)), np.nan)
    for unit, costs in _alone(trials, columns):
        if unit in place:
            deficits[place[unit]] = costs
    lesioned = np.isfinite(deficits).all(axis=1)
    if not lesioned.any():
        raise DataError("No unit of the graph was lesioned alone in these trials; type nl.examine(net, "
                        "nl.analysis.unit_lesions(nl.record(net, stimuli, sites), nl.Zero()), tasks), with sites as "
                        f"the graph names its layers: {listed(dict.fromkeys(site for site, _ in place))}.")
    scale = np.sqrt(np.mean(deficits[lesioned] ** 2, axis=0))
    profile = np.divide(deficits, scale, out=np.zeros_like(deficits), where=scale > 0)
    acts = lesioned & (np.abs(np.nan_to_num(deficits)) > 0).any(axis=1)
    label = np.full(len(place), "", dtype=object)
    label[acts] = _named(profile[acts], columns, n, rng)
    coords = {str(name): coord.variable for name, coord in of.coords.items() if coord.dims == ("neuroid",)}
    return xr.DataArray(
        strings(label), dims=("neuroid",), name="function",
        coords={**coords, **{f"cost of {task}": ("neuroid", profile[:, k]) for k, task in enumerate(columns)}},
        attrs={"specimen": str(with_specimen(trials)["specimen"].values[0]), "n_idle": int((lesioned & ~acts).sum())},
    )  # fmt: skip


def _places(of: xr.DataArray | xr.Dataset) -> dict[tuple[str, int], int]:
    """Where each (layer, unit) stands in a graph."""
    missing = [name for name in ("layer", "unit") if name not in of.coords]
    if missing:
        raise DataError(f"of= has no coordinate {listed(missing)}; expected a graph of nl.specimen.structure(net).")
    return {(str(layer), int(unit)): at for at, (layer, unit) in enumerate(zip(of["layer"].values, of["unit"].values))}


def _alone(trials: xr.Dataset, tasks: list[str]) -> list[tuple[tuple[str, int], np.ndarray]]:
    """Each unit that was lesioned alone, as (site, unit), and its deficit on every task."""
    one = with_specimen(trials)
    if one.sizes["specimen"] != 1:
        raise DesignError(f"The trials have {one.sizes['specimen']} networks, whose units do not correspond. Type "
                          "functional_labels(trials.isel(specimen=[0]), ...) for each.")
    if "lesion_units" not in one:
        raise DataError("The trials do not say which units were lesioned; make them with nl.examine().")
    known = all_tasks(one)
    for task in tasks:
        if task not in known:
            raise UnknownNameError(f"The trials have no task {task!r}.{did_you_mean(task, known)} They have "
                                   f"{listed(known)}.")  # fmt: skip
    score = np.asarray(one["score"].transpose("specimen", "lesion", "trial").values[0], dtype=np.float64)
    means = np.stack([score[:, pick_task(one, task)].mean(axis=1) for task in tasks], axis=1)
    intact = means[sham_rows(one, "")].mean(axis=0)
    found = []
    for row in np.flatnonzero(one["role"].values.astype(str) == "target"):
        units = json.loads(str(one["lesion_units"].values[0, row]))
        held = [(site, int(unit)) for site, some in units.items() if site != "digest" for unit in some]
        if len(held) == 1:
            found.append((held[0], intact - means[row]))
    return found


def _named(profile: np.ndarray, tasks: list[str], n: int | None, rng: Any) -> np.ndarray:
    if n is None:
        return np.array(tasks, dtype=object)[profile.argmax(axis=1)]
    from sklearn.cluster import KMeans

    if rng is None or not 2 <= n <= len(profile):
        raise DesignError(f"n={n} and rng={rng!r} given for {len(profile)} units that act; expected from 2 clusters to "
                          "one per unit, and rng=0.")
    size = np.linalg.norm(profile, axis=1, keepdims=True)
    codes = KMeans(n, n_init=20, random_state=int(rng)).fit_predict(profile / np.where(size > 0, size, 1.0))
    return np.array([f"function {code + 1}" for code in codes], dtype=object)
