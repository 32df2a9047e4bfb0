"""Lesion-symptom mapping: which voxels or units, when lesioned, go with a deficit; people and networks alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.correct import CORRECTIONS, FROM_P
from neurolab.analysis.localiser import known
from neurolab.analysis.sample import noted
from neurolab.analysis.symptom_cases import VOLUMES, Cases, cases_of, chosen_on
from neurolab.analysis.symptom_tests import EFFECTS, TESTS, Mapped, Settings
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.lesion_maps import Patches, patches

PER_NEUROID = ("statistic", "effect", "low", "high", "p", "q", "coverage", "patch")

register_result(
    "symptom_map",
    {**dict.fromkeys((*PER_NEUROID, "valid"), ("neuroid",)), "chosen_on": ("stimulus",), "p_floor": (), "q_floor": ()},
    [("p", "effect", "low", "high", "p_floor")],
)


def symptom_map(
    lesions: xr.DataArray,
    behaviour: Any,
    *,
    test: str = "regression",
    volume: str = "covariate",
    covariates: Any = None,
    min_coverage: int | float = 0.1,
    correction: str = "max_t",
    n_permutations: int = 2_000,
    alternative: str = "two-sided",
    level: float = 0.95,
    rng: RNG | None = None,
) -> xr.Dataset:
    """Get a lesion-symptom map: for each voxel of many people, or each unit of a network, what its lesion goes with.

    Voxels (or units) that the same cases have lesioned are one *patch*: it is tested once and the map expanded. One
    code path: the same 0/1 matrix gives the same bits, whether its rows are people or random lesions of a network.

    Parameters
    ----------
    lesions : presentation (person or lesion) x neuroid (voxel or unit), 0 or 1: of ``nl.brain.from_lesion_masks`` or
        ``nl.analysis.lesion_matrix``. The coordinate ``volume`` (presentation), where there is one, is the volume of
        the whole lesion; else the row's sum is. ``valid`` False neuroids are left out.
    behaviour : a Series with the ids of the lesions as index (``nl.brain.from_table``), or an array in their order. A
        deficit has positive effects where lesions do harm, a score negative ones: type ``alternative="less"`` for it.
    test : "regression" (behaviour on lesion, volume and covariates); "t" (lesioned against spared, pooled) or
        "brunner_munzel" (the same by ranks), which take no covariate; "svr" (linear support vector regression).
    volume : "covariate"; "dtlvc" (each row divided by the root of its volume); "none". Report both of the first two.
    covariates : names of presentation coordinates, a table with the ids as index, or arrays.
    min_coverage : the smallest share (or, as an integer, number) of cases that must have a neuroid lesioned, and as
        many spared, for it to be tested.
    correction : "max_t" (family-wise, by permutation of the behaviour; Freedman and Lane's where there are covariates),
        "fdr", "by", "holm" (over neuroids, not patches) or "none".
    n_permutations, rng : for "max_t", "svr", and "brunner_munzel" with groups under 10.

    Returns
    -------
    Dataset over neuroid: ``statistic``, ``effect`` with ``low`` and ``high`` (in units of the behaviour; for
    "brunner_munzel" a probability, 0 to 1; for "svr" a weight, which has no interval: NaN), ``p``, ``q`` (corrected),
    ``coverage`` (share of cases), ``patch`` (its number, -1 where untested), ``valid``. attrs: ``n_patches``,
    ``n_tested``, ``volume_r`` (correlation of volume and behaviour), ``note``; for "svr" ``predictive_r`` and
    ``predictive_p``: where left-out cases are not predicted, q is 1 everywhere.

    Raises
    ------
    DataError : people without behaviour, by name; a behaviour that is constant or text; lesions that are not 0 or 1.
    ReplicationUnitError : over a tenth of a network's random lesions repeat another one, units and deficit.
    DesignError : collinear covariates; no neuroid with enough coverage; a test that has no room for a covariate; too
        few permutations for the level.

    When this is invalid
    --------------------
    Vessels lesion neighbours together: a voxel that does nothing is found when its neighbour does much, and without
    volume control the map spreads. "dtlvc" assumes harm that grows with the root of volume: where it grows with volume
    (131 strokes, no voxel guilty) it finds 371 of 5,111 voxels, "none" 2,426, "covariate" none. With volume in the
    model an effect is against average damage of that size, so that harmless units get the other sign: test one side.
    "covariate" takes harm as linear in volume: of 200 maps where it grew with its logarithm .14 were false (log volume
    among the covariates instead: .08). "regression" and "t" ask for one spread: where the fifth of 60 people who are
    lesioned scatter twice or three times as much as the rest and score alike, "max_t" finds something in .39 and .59
    of maps, by "brunner_munzel" in .05.
    Absence from the map says nothing where coverage is low. The sample is people, or draws of lesions in this one
    network: then it says nothing of other networks.

    Source
    ------
    Bates et al. 2003, doi:10.1038/nn1050; Rorden et al. 2007, doi:10.1162/jocn.2007.19.7.1081; volume: DeMarco &
    Turkeltaub 2018, doi:10.1002/hbm.24289; Zhang et al. 2014, doi:10.1002/hbm.22590.

    Example
    -------
    >>> from neurolab.recording import make_recording
    >>> draw = np.random.default_rng(0)
    >>> cut = (draw.random((60, 8)) < draw.uniform(0.2, 0.6, (60, 1))).astype(np.uint8)
    >>> rows = {"stimulus_id": [f"person {k}" for k in range(60)], "condition": ["patient"] * 60}
    >>> lesions = make_recording(cut, presentation=rows, kind="brain")
    >>> found = symptom_map(lesions, 5 - 3.0 * cut[:, 2] + draw.normal(size=60), rng=0, n_permutations=200)
    >>> np.flatnonzero(found["q"] <= 0.05).tolist()
    [2]
    """
    known(test, TESTS, "test")
    known(volume, VOLUMES, "volume")
    known(correction, CORRECTIONS, "correction")
    _check_numbers(behaviour)
    cases = cases_of(lesions, behaviour, covariates=covariates, volume=volume)
    unique = patches(cases.lesioned)
    columns = np.ascontiguousarray(cases.lesioned[:, unique.first])
    count = columns.sum(axis=0, dtype=np.int64)
    tested, least = _tested(cases, unique, count, min_coverage)
    stream = None if rng is None else generator(rng, "symptom map", test, volume, correction)
    use = Settings(alternative, level, n_permutations, correction == "max_t", unique.size[tested], stream)
    mapped = TESTS[test](cases, columns[:, tested], use)
    variables, counts = _expanded(mapped, cases, unique, tested, count, correction)
    counts |= {"n_patches": len(tested), "n_patches_all": len(count), "least": least}
    coords = _coords(lesions, cases, variables.pop("valid"))
    return make_result(
        variables | {"chosen_on": ("stimulus", strings(chosen_on(lesions, cases.ids)))},
        coords=coords,
        analysis="symptom_map",
        test=test,
        volume=volume,
        correction=correction,
        alternative=alternative,
        level=level,
        rng="" if stream is None or not _drew(mapped, correction) else rng_name(rng),  # type: ignore[arg-type]
        **_about(lesions, cases, mapped, counts, test=test, volume=volume),
    )


def _tested(cases: Cases, unique: Patches, count: np.ndarray, min_coverage: int | float) -> tuple[np.ndarray, int]:
    """Which patches enough cases have lesioned, and as many spared; and how many are enough."""
    n = len(cases.lesioned)
    least = _least(min_coverage, n, int(count.max()))
    wanted = np.bincount(unique.where, weights=cases.usable, minlength=len(count)) > 0
    tested = np.flatnonzero((count >= least) & (count <= n - least) & wanted)
    if not len(tested):
        raise DesignError(
            f"No {cases.column} is lesioned in {least} or more of {n} and spared in as many (the most lesioned one is "
            f"so in {int(count.max())}). Get more {cases.plural}, or type min_coverage={min(least, 3)}."
        )
    return tested, least


def _least(min_coverage: int | float, n: int, most: int) -> int:
    """The smallest number of lesioned cases, from a number or a share."""
    whole = isinstance(min_coverage, (int, np.integer)) and not isinstance(min_coverage, bool)
    least = int(min_coverage) if whole else int(np.ceil(float(min_coverage) * n - 1e-9))
    if not (1 <= least <= n / 2) or (not whole and not 0 < min_coverage < 1):
        raise DesignError(
            f"min_coverage={min_coverage!r} of {n} cases given; expected a share above 0 and at most 0.5, or a number "
            f"from 1 to {n // 2}. Type min_coverage=0.1."
        )
    return max(2, least)


def _expanded(
    mapped: Mapped, cases: Cases, unique: Patches, tested: np.ndarray, count: np.ndarray, correction: str
) -> tuple[dict[str, Any], dict[str, int]]:
    """The map over neuroids from the one over patches, corrected; and how many were left out why."""
    number = np.full(len(count), -1, dtype=np.int64)
    number[tested] = np.arange(len(tested))
    patch = np.where(cases.usable, number[unique.where], -1)
    seen, at = mapped.seen, np.maximum(patch, 0)
    valid = (patch >= 0) & seen.valid[at]

    def spread(values: np.ndarray, otherwise: float, where: np.ndarray) -> np.ndarray:
        return np.where(where, values[at], otherwise)

    p = spread(mapped.p, 1.0, valid)
    if correction == "max_t":
        q, floor = spread(np.asarray(mapped.family), 1.0, valid), mapped.family_floor
    else:
        q, floor = FROM_P[correction](p, mask=valid), float(np.finfo(np.float64).tiny)
    if not _predicts(mapped, seen.level):
        q = np.ones_like(q)
    fields = {"statistic": spread(seen.statistic, 0.0, valid), "p": p, "q": q, "patch": patch}
    fields |= {name: spread(getattr(seen, name), np.nan, patch >= 0) for name in ("effect", "low", "high")}
    fields |= {"coverage": count[unique.where] / len(cases.score), "valid": valid}
    counts = {
        "n_neuroids": len(patch),
        "n_tested": int(valid.sum()),
        "n_marked_bad": int((~cases.usable).sum()),
        "n_uncovered": int((cases.usable & (patch < 0)).sum()),
        "n_collinear": int(((patch >= 0) & ~valid).sum()),
        "n_never": int((count[unique.where] == 0).sum()),
    }
    return {k: ("neuroid", v) for k, v in fields.items()} | {"p_floor": mapped.p_floor, "q_floor": floor}, counts


def _predicts(mapped: Mapped, level: float) -> bool:
    """Whether left-out cases are predicted; True for tests that predict nobody."""
    return float(mapped.said.get("predictive_p", 0.0)) <= 1 - level + 1e-12


def _drew(mapped: Mapped, correction: str) -> bool:
    return correction == "max_t" or "predictive_p" in mapped.said or bool(mapped.said.get("n_permuted"))


def _coords(lesions: xr.DataArray, cases: Cases, valid: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {str(name): one for name, one in lesions.coords.items() if one.dims == ("neuroid",)}
    if "n_lesioned" in kept:  # of these people, not of all that were read before some were left out
        kept["n_lesioned"] = ("neuroid", cases.lesioned.sum(axis=0, dtype=np.int64))
    return {**kept, "valid": valid}


def _check_numbers(behaviour: Any) -> None:
    """Refuse text as behaviour, with an example and the way to numbers."""
    cells = np.ravel(np.asarray(behaviour))
    text = next((str(cell) for cell in cells if isinstance(cell, str)), None) if cells.dtype.kind in "OUT" else None
    if text is not None:
        name = str(getattr(behaviour, "name", None) or "behaviour")
        raise DataError(
            f"The behaviour {name!r} holds text, such as {text!r}; expected numbers. Type pd.to_numeric(behaviour), "
            "after behaviour.str.replace(',', '.') for decimal commas, or behaviour.str.rstrip('%') for percent."
        )


def _about(
    lesions: xr.DataArray, cases: Cases, mapped: Mapped, counts: dict[str, int], *, test: str, volume: str
) -> dict[str, Any]:
    """What the result says of itself in words."""
    given = {"covariate": ", given lesion volume", "dtlvc": ", rows divided by the root of lesion volume", "none": ""}
    more = cases.nuisance.shape[1] - (volume == "covariate" and np.ptp(cases.volume) > 0)
    effect = EFFECTS[test].format(name=cases.name, plural=cases.plural)
    carried = {name: lesions.attrs.get(name, "") for name in ("source", "specimen", "kind", "sites", "units")}
    return {
        "estimand": f"per {cases.column}, the {effect}{given[volume]}{f' and {more} covariates' if more else ''}",
        "n": len(cases.score),
        "inputs": digest_of(cases.lesioned, cases.score, cases.volume, cases.nuisance),
        "generalises_over": cases.sample,
        "contrast": f"{cases.name} by lesion",
        "signed": True,
        "chosen_by": f"the lesion map of {cases.name} ({test}, volume {volume}, {len(cases.score)} {cases.plural})",
        "effect_unit": {"brunner_munzel": "AUC", "svr": "weight"}.get(test, str(lesions.attrs.get("score_unit", ""))),
        "volume_r": cases.volume_r,
        "behaviour": cases.name,
        "note": noted(*_untested(cases, counts), *cases.notes, *_caveats(cases, mapped, test, volume)),
        **counts,
        **mapped.said,
        **carried,
    }


def _untested(cases: Cases, counts: dict[str, int]) -> list[str]:
    rule = f"lesioned, or spared, in fewer than {counts['least']} {cases.plural}"
    never = f" ({counts['n_never']} never lesioned)" if counts["n_never"] else ""
    why = {"n_marked_bad": "marked bad", "n_uncovered": rule + never, "n_collinear": "what the covariates already say"}
    said = [f"{counts[key]} {words}" for key, words in why.items() if counts[key]]
    return [f"Of {counts['n_neuroids']} {cases.column}s were not tested: {'; '.join(said)}."] if said else []


def _caveats(cases: Cases, mapped: Mapped, test: str, volume: str) -> list[str]:
    said = []
    if volume == "none" and abs(np.nan_to_num(cases.volume_r)) > 0.2:
        said.append(
            f"Lesion volume is not controlled and correlates with {cases.name} by {cases.volume_r:.2f}: the map shows "
            "where large lesions lie, too."
        )
    if cases.sample == "lesion draw":
        said.append("One network: generalises over draws of lesions only, not to other networks.")
    if test == "svr":
        said.append("A weight of a multivariate map has no interval.")
        if not _predicts(mapped, mapped.seen.level):
            said.append(f"Left-out {cases.plural} are not predicted (r = {mapped.said['predictive_r']:.2f}): q is 1.")
    return said
