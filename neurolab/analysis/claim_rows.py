"""The conditions of a claim: the one effect of each result, and what it says of what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from neurolab.analysis.sample import PLURAL
from neurolab.errors import DesignError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.schema import RESULTS
from neurolab.stats.multiplicity import holm

SUPPORTED, REFUTED, NOT_SHOWN = "supported", "refuted", "not shown"
#: What a claim can expect of the effect, with the sign that it should have.
EXPECTS = {"more": 1, "less": -1, "none": 0}
TEST = ("p", "effect", "low", "high", "p_floor")
#: The sign that a one-sided test looks for.
SIDES = {"greater": 1, "less": -1}
#: Tests, by analysis and p, whose small p says that an effect is small, and the bound that each was stated with: they
#: show no side, their interval may.
EQUIVALENCES = {("spared", "p"): "bound", ("dissociation", "spared_p"): "spared_bound",
                ("interaction", "additive_p"): "additive_bound", ("recovery", "recovered_p"): "recovered_bound"}
#: Other tests of the same effect, for which that bound was stated as well.
BOUNDS = {**EQUIVALENCES, ("interaction", "p"): "additive_bound", ("recovery", "remaining_p"): "recovered_bound"}


@dataclass(frozen=True)
class Row:
    """One condition of a claim: the numbers of its result, and what they say."""

    condition: str
    effect: float
    low: float
    high: float
    p: float
    p_floor: float
    level: float
    alternative: str
    n: str
    over: str
    null: float = 0.0
    bound: float = np.nan
    decision: str = NOT_SHOWN
    vacuous: bool = False  # what the claim presumes is not supported here

    @property
    def members(self) -> str:
        """What its sample is called in a sentence: networks, stimuli, control draws."""
        return PLURAL.get(self.over, f"{self.over}s")

    def from_null(self) -> Row:
        """Get the same numbers as they lie about the value that the effect was tested against."""
        return replace(self, effect=self.effect - self.null, low=self.low - self.null, high=self.high - self.null)

    @property
    def endless(self) -> bool:
        """Whether its interval has no end, whatever was found: the smallest p of the design is above 1 - level."""
        floor = self.p_floor * (2 if self.alternative in SIDES else 1)
        return bool(floor > (1 - self.level) * (1 + 1e-9) and np.isinf(self.low) and np.isinf(self.high))

    @property
    def flat(self) -> bool:
        """Whether its interval has no width: all members gave one value, and say nothing of how they vary."""
        return bool(np.isfinite(self.effect) and self.high - self.low <= 1e-12 * max(1.0, abs(self.effect)))

    @property
    def unknown(self) -> bool:
        """Whether its interval has no end although its design could have given one: a share of what may be nothing."""
        return bool(np.isfinite(self.effect) and np.isinf(self.low) and np.isinf(self.high) and not self.endless)

    def out_of_reach(self, expects: str, alpha: float) -> bool:
        """Get whether no data could bear the claim out: its smallest p is above alpha, or its interval has no end."""
        tested = expects != "none" or self.alternative == "equivalence"
        return bool(tested and self.p_floor > alpha * (1 + 1e-12)) or (expects == "none" and self.endless)


def conditions_of(
    results: xr.Dataset | Mapping[str, xr.Dataset], test: str | None = None
) -> Mapping[str, xr.Dataset]:
    """Get condition -> result: as given, or a result whose tests all have a dimension left, split along the first one.

    Example
    -------
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> list(conditions_of(deficits(phantom_trials(rng=0), rng=0).sel(lesion="A")))
    ['X', 'Y']
    """
    if isinstance(results, Mapping) and not isinstance(results, xr.Dataset):
        return results
    spec = RESULTS.get(str(getattr(results, "attrs", {}).get("analysis", "")))
    meant = [names for names in (spec.tests if spec else ()) if set(names) <= set(results.variables)]
    dims = [{str(dim) for name in names for dim in results[name].dims} for names in meant if test in (None, names[0])]
    along = next((some for some in dims if len(some) == 1), set())
    if set() in dims or not along or not along <= set(results.coords):
        return {"": results}
    (dim,) = along
    return {str(one): results.isel({dim: at}) for at, one in enumerate(results[dim].values)}


def rows_of(
    results: Mapping[str, xr.Dataset], sentence: str, alpha: float, test: str | None, within: float | None
) -> list[Row]:
    """Get the row of every condition; where ``within`` is given, intervals must be wide enough for an equivalence."""
    if not results:
        raise DesignError(f"The claim {sentence!r} was given no result; expected one, or a mapping of condition to it.")
    rows = [_row(str(condition), result, test) for condition, result in results.items()]
    levels = {row.level for row in rows}
    if len(levels) > 1:
        raise DesignError(
            f"The results of {sentence!r} have intervals of the levels {listed(sorted(levels))}; expected one level in "
            "a claim. Give every analysis the same level= or alpha=."
        )
    if within is None:
        return rows
    if not rows[0].level >= 1 - 2 * alpha - 1e-9:
        raise DesignError(
            f"The results of {sentence!r} have intervals of level {rows[0].level:g}; an equivalence at alpha={alpha:g} "
            f"needs {1 - 2 * alpha:g} or more. Type level={1 - 2 * alpha:g} in the analysis."
        )
    wider = [row for row in rows if within > row.bound * (1 + 1e-9)]
    if wider:
        raise DesignError(
            f"The claim {sentence!r} counts effects within ±{within:g} as none; its result"
            f"{f' in {wider[0].condition}' if wider[0].condition else ''} was tested against ±{wider[0].bound:.3g}. A "
            "bound is not widened after the result is seen: type within= that bound or less, or no within=."
        )
    return rows


def _row(condition: str, result: xr.Dataset, test: str | None) -> Row:
    """The numbers of a result that has one effect."""
    if not isinstance(result, xr.Dataset) or not result.attrs.get("analysis"):
        raise SchemaError(f"A claim got a {type(result).__name__}; expected the result of an analysis.")
    if str(result.attrs.get("effect_unit", "")) == "AUC":
        raise DesignError("The effect of this result is an AUC, 0.5 where there is none; a claim compares with 0.")
    names = _names(result, test)
    p, effect, low, high, floor = (float(result[name]) for name in names)
    null = float(result.attrs.get("popmean", 0.0))  # what a mean was tested against
    said = _sample(result, names[0])
    which = str(result.attrs["analysis"]), names[0]
    equivalence, bound = which in EQUIVALENCES, _bound_of(result, BOUNDS.get(which, ""))
    alternative = "equivalence" if equivalence else str(result.attrs.get("alternative", "two-sided"))
    level = float(result.attrs.get("level", np.nan))
    return Row(condition, effect, low, high, p, floor, level, alternative, said["n"], said["over"], null, bound)


def _sample(result: xr.Dataset, p: str) -> dict[str, str]:
    """How many of what the test of this p speaks for: its own ``rank_generalises_over``, else that of the result."""
    own = f"{p.removesuffix('p')}generalises_over"
    if p == "p" or own not in result.attrs:
        return {"n": str(result.attrs["n"]), "over": str(result.attrs["generalises_over"])}
    n = result.attrs.get(f"{p.removesuffix('p')}n", result.attrs.get("n_draws", result.attrs["n"]))
    return {"n": str(n), "over": str(result.attrs[own])}


def _bound_of(result: xr.Dataset, name: str) -> float:
    """The bound that a result was tested against; NaN where there is none."""
    return float(result[name]) if name in result and result[name].ndim == 0 else np.nan


def _names(result: xr.Dataset, test: str | None) -> tuple[str, ...]:
    """The p, effect, low, high and floor that are meant: one test of the result, with no dimension left."""
    spec = RESULTS.get(str(result.attrs["analysis"]))
    known = {one[0]: one for one in (spec.tests if spec else (TEST,)) if set(one) <= set(result.variables)}
    if test is not None and test not in known:
        raise UnknownNameError(f"This result has no test {test!r}; it has {listed(known)}.{did_you_mean(test, known)}")
    wanted = known.values() if test is None else [known[test]]
    whole = [one for one in wanted if all(result[name].ndim == 0 for name in one)]
    if whole:
        return whole[0]
    dims = {str(dim): list(map(str, result[dim].values[:4])) for one in wanted for dim in result[one[0]].dims
            if dim in result.coords}  # fmt: skip
    raise SchemaError(
        f"A claim needs one effect with low, high, p and p_floor; this {result.attrs['analysis']!r} result "
        f"{f'has one along {dims}' if known else 'has no test'}. Type result.sel(...) or result.isel(...) first."
    )


def decided(rows: Sequence[Row], expects: str, within: float | None, alpha: float) -> list[Row]:
    """Get every row with its decision, corrected over the rows where they disagree.

    All alike: as they are. Both sides shown among k rows: false only if one of k was called on its wrong side, which
    one-sided p of alpha / k bound by alpha. Else, that some row shows a side: Holm's method.
    """

    def decisions(p: Iterable[float], many: int) -> list[str]:
        return [_decision(row.from_null(), one, expects, within, alpha, many) for row, one in zip(rows, p)]

    k, known = len(rows), np.array([1.0 if np.isnan(row.p) else row.p for row in rows])
    found = decisions(known, 1)
    if len(set(found)) > 1:
        two_sided = np.array([row.alternative not in SIDES for row in rows])
        apart = decisions(np.where(two_sided, np.maximum(known, known * k / 2), known * k), k)
        found = apart if {SUPPORTED, REFUTED} <= set(apart) else decisions(holm(known).p, k)
    return [replace(row, decision=decision) for row, decision in zip(rows, found)]


def _decision(row: Row, p: float, expects: str, within: float | None, alpha: float, many: int) -> str:
    """The decision on one condition of ``many``, whose p is corrected for them already."""
    side = EXPECTS[expects]
    none = within is not None and -within < row.low and row.high < within
    none &= row.alternative != "equivalence" or bool(row.p <= alpha * (1 + 1e-12))  # its own test has the last word
    if side == 0:
        beyond = within is not None and (row.low >= within or row.high <= -within)
        return SUPPORTED if none else REFUTED if beyond else NOT_SHOWN
    if none or _shown(row, p, -side, alpha, many):
        return REFUTED
    return SUPPORTED if _shown(row, p, side, alpha, many) else NOT_SHOWN


def _shown(row: Row, p: float, side: int, alpha: float, many: int) -> bool:
    """Whether the effect is shown to lie on a side; where the test does not ask that, its interval may show it."""
    if row.alternative == "equivalence" or SIDES.get(row.alternative, side) != side:
        wide = many * (1 - row.level) / 2 <= alpha * (1 + 1e-12)
        return wide and (row.low > 0 if side > 0 else row.high < 0)
    return bool(p <= alpha * (1 + 1e-12) and row.effect * side > 0)


def granted(rows: Sequence[Row], presumes: xr.Dataset | None) -> list[Row]:
    """Get the rows; not shown where another claim, without which they say nothing, is not supported.

    That is in the condition of the same name, or, where it has none so called, in all of its conditions.
    """
    if presumes is None:
        return list(rows)
    if not isinstance(presumes, xr.Dataset) or presumes.attrs.get("analysis") != "claim":
        raise SchemaError(f"presumes= is a {type(presumes).__name__}; expected what claim(...) gave.")
    known = dict(zip(presumes["row"].values.astype(str), presumes["decision"].values.astype(str) == SUPPORTED))
    whole = all(known.values())
    return [row if known.get(row.condition, whole) else replace(row, decision=NOT_SHOWN, vacuous=True) for row in rows]


def verdict_of(decisions: Mapping[str, str], by: str) -> str:
    """Get the verdict on the claim from those of its conditions; that it holds in part names the parts.

    Example
    -------
    >>> verdict_of({"X": "supported", "Y": "refuted"}, "task"), verdict_of({"X": "supported", "Y": "not shown"}, "task")
    ('depends on task', 'supported in part (X)')
    """
    found = set(decisions.values())
    if len(found) == 1:
        return found.pop()
    if {SUPPORTED, REFUTED} <= found:
        return f"depends on {by}"
    side = SUPPORTED if SUPPORTED in found else REFUTED
    return f"{side} in part ({', '.join(name for name, one in decisions.items() if one == side)})"


def out_of_reach(rows: Sequence[Row], expects: str, alpha: float) -> bool:
    """Get whether no result could show the claim: no row can, however its networks turn out."""
    return all(row.out_of_reach(expects, alpha) for row in rows)
