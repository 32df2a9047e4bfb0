"""Random lesions of a network as rows of 0 and 1, with what each cost: the same pair as people and their scores."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.sample import sample_of, sham_rows
from neurolab.errors import DataError, DesignError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.recording import make_recording, site_table
from neurolab.trials import pick_task, with_specimen


def lesion_matrix(
    trials: xr.Dataset,
    *,
    task: str,
    pool: xr.DataArray | None = None,
    family: str | None = "random",
    specimen: str | None = None,
) -> tuple[xr.DataArray, pd.Series]:
    """Get what was lesioned (lesion x unit, 0 or 1) and what each lesion cost, ready for ``symptom_map``.

    Parameters
    ----------
    trials : of ``nl.examine`` with many lesions that differ in where (``nl.random_lesions``), of one ablation.
    task : name; the deficit is the mean sham score minus the mean score after the lesion on the same presentations.
    pool : the recording that the lesions were drawn from: its units are the columns, with their coordinates. Default:
        the units that any lesion has.
    family : the lesions to take ("random", "matched", "" for targets made by hand); None takes all but the shams.
    specimen : which network, where the trials have several: units of two networks do not correspond.

    Returns
    -------
    DataArray presentation x neuroid, uint8, with ``volume`` (units) on presentation; and a Series of deficits with the
    lesion ids as index. They say ``sample="lesion draw"``: the sample is draws of lesions in this one network, never
    patients. The stimuli that measured the deficits are remembered, so that a region chosen from the map is not
    tested on them.

    Raises
    ------
    DataError : trials that do not say which units were lesioned (regions above 4,096 units keep a digest only).
    DesignError : several ablations, or fewer than two lesions.

    When this is invalid
    --------------------
    A deficit is measured on the task's stimuli and says nothing of others. Lesions of one size cannot say what size
    does: draw several sizes.

    Example
    -------
    >>> import json
    >>> from neurolab.trials import make_trials
    >>> table = pd.DataFrame({"lesion_id": ["sham", "a", "b"], "roi": ["a", "a", "b"], "n_units": [0, 1, 2],
    ...     "role": ["sham", "target", "target"], "family": ["", "random", "random"]})
    >>> cut = [[json.dumps(units) for units in ({}, {"conv": [1]}, {"conv": [1, 3]})]]
    >>> trials = make_trials([[[1.0], [0.5], [0.0]]], specimen=["net"], lesions=table, kind="ann",
    ...     trial={"task": ["t"], "stimulus_id": ["s"], "condition": ["x"]}, per_lesion={"lesion_units": cut},
    ...     tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.5}})
    >>> lesions, deficit = lesion_matrix(trials, task="t")
    >>> lesions.values.tolist(), deficit.tolist()
    ([[1, 0], [1, 1]], [0.5, 1.0])
    """
    one = _one_network(with_specimen(trials), specimen)
    rows = _rows(one, family)
    cut = [_units(one, row) for row in rows]
    sites, site, unit, more = _columns(cut, pool)
    values = _filled(cut, sites, site, unit)
    ids = one["lesion_id"].values[rows].astype(str)
    where = pick_task(one, task)
    deficit = pd.Series(_deficits(one, rows, where), index=pd.Index(ids, dtype=object), name=f"deficit in {task}")
    about = {
        "sample": "lesion draw",
        "stimuli": sorted(set(one["stimulus_id"].values[where].astype(str))),
        "how": str(one["how"].values[rows[0]]) if "how" in one.coords else "",
        "score_unit": _unit_of(one, task),
        "task": task,
    }
    condition = one["family"].values[rows] if "family" in one.coords else [""] * len(rows)
    lesions = make_recording(
        values, presentation={"stimulus_id": ids, "condition": condition, "volume": values.sum(axis=1, dtype=np.int64)},
        neuroid={"site": site, "unit": unit, **more}, sites=sites, kind=str(one.attrs.get("kind", "ann")),
        units="lesioned", specimen=str(one["specimen"].values[0]), source=str(one.attrs.get("source", "")), attrs=about,
    )  # fmt: skip
    return lesions, deficit


def _one_network(trials: xr.Dataset, specimen: str | None) -> xr.Dataset:
    names = [str(name) for name in trials["specimen"].values]
    if specimen is None and len(names) > 1:
        raise DesignError(
            f"The trials have {len(names)} networks, whose units do not correspond: one lesion map each. Type "
            f"specimen={names[0]!r}."
        )
    if specimen is not None and specimen not in names:
        raise UnknownNameError(
            f"The trials have no specimen {specimen!r}.{did_you_mean(specimen, names)} There are {listed(names)}."
        )
    return trials.isel(specimen=[names.index(specimen) if specimen else 0])


def _rows(trials: xr.Dataset, family: str | None) -> np.ndarray:
    if "lesion_units" not in trials:
        raise DataError(
            "The trials do not say which units were lesioned (no 'lesion_units'); make them with nl.examine(), or "
            "build the matrix yourself: nl.make_recording(cut, presentation=..., neuroid=..., kind='ann')."
        )
    wanted = trials["role"].values.astype(str) != "sham"
    families = trials["family"].values.astype(str) if "family" in trials.coords else np.full(wanted.size, "")
    if family is not None:
        wanted = wanted & (families == family)
    rows = np.flatnonzero(wanted)
    if len(rows) < 2:
        known = sorted(set(families[trials["role"].values.astype(str) != "sham"]))
        raise DesignError(
            f"The trials have {len(rows)} lesions of family {family!r}; they have the families {listed(known)}. Draw "
            "some hundreds with nl.random_lesions(pool, how, n, n_units=..., rng=0), or type family=None for all."
        )
    how = sorted(set(trials["how"].values[rows].astype(str))) if "how" in trials.coords else []
    if len(how) > 1:
        raise DesignError(f"The lesions have the ablations {listed(how)}; a map needs one. Select them by family=.")
    return rows


def _units(trials: xr.Dataset, row: int) -> dict[str, np.ndarray]:
    given = json.loads(str(trials["lesion_units"].values[0, row]))
    if "digest" in given:
        raise DataError(
            f"The trials hold only a digest of the units of {trials['lesion_id'].values[row]!r}, a large region. "
            "Build the matrix from the lesions themselves: [lesion.roi.mask(pool) for lesion in lesions]."
        )
    return {site: np.asarray(units, dtype=np.int64) for site, units in given.items()}


def _columns(cut: list[dict[str, np.ndarray]], pool: xr.DataArray | None) -> tuple[list[Any], Any, Any, dict[str, Any]]:
    """The sites, and per column its site's code, its unit, and what else the pool knows of it."""
    if pool is not None:
        known = {str(name): coord.values for name, coord in pool.coords.items() if coord.dims == ("neuroid",)}
        more = {name: column for name, column in known.items() if name not in ("site", "unit")}
        return site_table(pool), pool["site"].values, pool["unit"].values, more
    names = sorted({site for one in cut for site in one})
    units = [np.unique(np.concatenate([one[site] for one in cut if site in one])) for site in names]
    table = [{"name": site, "dims": ["unit"], "shape": [int(at.max()) + 1]} for site, at in zip(names, units)]
    return table, np.repeat(np.arange(len(names)), [len(at) for at in units]), np.concatenate(units), {}


def _filled(cut: list[dict[str, np.ndarray]], sites: list[Any], site: np.ndarray, unit: np.ndarray) -> np.ndarray:
    values = np.zeros((len(cut), len(unit)), dtype=np.uint8)
    for code, entry in enumerate(sites):
        here = np.flatnonzero(site == code)
        place = np.full(int(np.prod(entry["shape"])), -1, dtype=np.int64)
        place[unit[here]] = here
        for row, one in enumerate(cut):
            at = place[one.get(str(entry["name"]), np.zeros(0, dtype=np.int64))]
            if (at < 0).any():
                raise DataError(f"Lesion {row + 1} has units at {entry['name']!r} that the pool lacks; give its own.")
            values[row, at] = 1
    outside = sorted({site for one in cut for site in one} - {str(entry["name"]) for entry in sites})
    if outside:
        raise SchemaError(f"The lesions have the sites {listed(outside)}, which the pool lacks; record these too.")
    return values


def _deficits(trials: xr.Dataset, rows: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean sham score minus mean score, per lesion, on one task."""
    scores = sample_of(trials, "stimulus").scores[0][:, where].mean(axis=1)
    return scores[sham_rows(trials, "")].mean() - scores[rows]


def _unit_of(trials: xr.Dataset, task: str) -> str:
    return str(json.loads(str(trials.attrs.get("tasks", "{}"))).get(task, {}).get("unit", "") or "")
