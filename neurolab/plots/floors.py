"""The smallest p that a design can give, test by test: a reader must not take one test's floor for another's."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.read import level
from neurolab.plots.words import NO_FLOOR, probability
from neurolab.schema import RESULTS

#: What a floor belongs to, by the name of its p; the first test of a result goes by the name of its method.
FLOOR_OF = {"rank_p": "rank among draws", "diagonal_p": "diagonal", "own_p": "own deficit", "spared_p": "sparing",
            "held_p": "held-out half", "people_p": "sign-flip over people alone"}  # fmt: skip


def floor_words(result: xr.Dataset) -> str:
    """Get the smallest p of every test of a result in words, empty where p comes from a formula.

    Example
    -------
    >>> floor_words(xr.Dataset({"p": 0.5, "p_floor": 0.03125}))
    '.0312'
    """
    said: dict[str, list[str]] = {}
    for p, floor in _floors(result).items():
        called = _method(result) if p == "p" else p[:-2].replace("_", " ")
        said.setdefault(_range(floor), []).append(FLOOR_OF.get(p, called))
    corrected = _after_correction(result)
    if len(said) == 1 and not corrected and len(next(iter(said.values()))) == len(_tests(result)):
        return next(iter(said))
    parts = [f"{text} ({', '.join(names)})" for text, names in said.items()]
    return "; ".join([*parts, corrected] if corrected else parts)


def _floors(result: xr.Dataset) -> dict[str, np.ndarray]:
    found = {p: np.ravel(np.asarray(result[floor], dtype=float)) for p, floor in _tests(result).items()}
    real = {p: floor[np.isfinite(floor) & (floor > NO_FLOOR)] for p, floor in found.items()}
    return {p: floor for p, floor in real.items() if floor.size}


def _tests(result: xr.Dataset) -> dict[str, str]:
    """The p of every test that was made, with the name of its floor; a planned design has floors and no p."""
    given = str(result.attrs.get("analysis", ""))
    tests = RESULTS[given].tests if given in RESULTS and RESULTS[given].tests else (("p", "", "", "", "p_floor"),)
    made = [test for test in tests if test[0] not in result or np.isfinite(result[test[0]].values.astype(float)).any()]
    return {test[0]: test[4] for test in made if test[4] in result}


def _range(floor: np.ndarray) -> str:
    low, high = probability(float(floor.min())), probability(float(floor.max()))
    return low if low == high else f"{low} to {high}"


def _method(result: xr.Dataset) -> str:
    if "p" in result and result["p"].ndim == 2:  # a planned design has a floor before it has a p
        return "each cell"
    return "sign-flip" if "sign-flip" in str(result.attrs.get("test", "")) else "the test"


def corrected_floor(result: xr.Dataset) -> float:
    """Get the smallest p that is left after the correction of a result, nan where it has no such floor."""
    if "q_floor" in result:
        floor = np.asarray(result["q_floor"], dtype=float)
        return float(floor.min()) if floor.min() > NO_FLOOR else float("nan")
    if str(result.attrs.get("correction", "")) != "holm" or "q" not in result or "p_floor" not in result:
        return float("nan")
    if result["q"].dims != result["p_floor"].dims or not result["q"].size:
        return float("nan")
    return min(1.0, float(result["p_floor"].min()) * int(np.isfinite(result["q"].values).sum()))


def _after_correction(result: xr.Dataset) -> str:
    floor = corrected_floor(result)
    if not np.isfinite(floor):
        return ""
    none = ", so that nothing can pass" if floor > 1 - level(result) + 1e-12 else ""
    return f"{probability(floor)} (after correction{none})"
