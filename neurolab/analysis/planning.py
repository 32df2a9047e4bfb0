"""How many networks would do: the power of the tests that the verbs use, simulated before the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats as sps

from neurolab.analysis.localiser import known
from neurolab.analysis.planning_words import reasons, verdict
from neurolab.analysis.sample import PLURAL
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError
from neurolab.schema import make_result, register_result
from neurolab.stats.design_check import rejections
from neurolab.stats.permutation import n_needed, p_floor
from neurolab.stats.proportion import wilson

MOST = {"sign_flip": 30, "case": 500}  # beyond 30 a sign-flip is a t in all but name
SEARCHED, SLOW, FEWER = 1_000, 24, 300  # simulations for each n on the way to the n needed, and above 24 members

register_result(
    "power",
    {**dict.fromkeys(("power", "low", "high", "n_needed", "needed_power", "p_floor", "attainable", "rank_power"), ())},
)


@dataclass(frozen=True, eq=False)
class Plan:
    """A design of one test: what is expected, in the score's unit, and the draws that all sizes of it share.

    effects, sds : one per claim. members : the draws (simulation, member, claim) are made once, so that a larger
        design holds the smaller one and power grows smoothly with n.
    """

    test: str
    effects: tuple[float, ...]
    sds: tuple[float, ...]
    alpha: float
    alternative: str
    n_controls: int
    correlation: float
    rng: RNG
    over: str = "specimen"

    @property
    def plural(self) -> str:
        """What n counts, in words."""
        return "controls" if self.test == "single_case" else PLURAL[self.over]

    @property
    def most(self) -> int:
        """The largest n that is simulated."""
        return MOST["case" if self.test == "single_case" else "sign_flip"]

    @property
    def least(self) -> int:
        """The smallest n at which the test can reach alpha."""
        if self.test == "single_case":
            return 2
        return n_needed("sign_flip", alpha=self.alpha, alternative=self.alternative)

    @cached_property
    def hits(self) -> dict[tuple[int, int], np.ndarray]:
        """Rejections already simulated, by (n, simulations)."""
        return {}

    def rejected(self, n: int, simulations: int) -> np.ndarray:
        """Get which simulated experiments of size n reject, (simulations,) bool."""
        if (n, simulations) not in self.hits:
            self.hits[n, simulations] = TESTS[self.test](self, n, simulations)
        return self.hits[n, simulations]

    def normal(self, simulations: int, *shape: int, what: str) -> np.ndarray:
        """Get standard normal draws that belong to this plan and to what they are for."""
        return generator(self.rng, "power", self.test, what).standard_normal((simulations, *shape))


def power(
    test: str,
    *,
    effect: float | Sequence[float],
    sd: float | Sequence[float],
    n: int | None = None,
    wanted: float = 0.8,
    alpha: float = 0.05,
    alternative: str | None = None,
    n_controls: int = 19,
    correlation: float = 0.0,
    n_simulations: int = 2_000,
    over: str = "specimen",
    rng: RNG,
) -> xr.Dataset:
    """Get, before the run, how often a verb's test would find an effect of this size, and how many networks would do.

    Every simulated experiment draws normal values and is put through the test of the verb itself; power is the share
    that reaches ``p <= alpha``, with its Monte-Carlo interval.

    Parameters
    ----------
    test : "deficits" (sign-flip over networks of the deficit), "against_controls" (sign-flip of the deficit minus that
        of ``n_controls`` control lesions, and its rank among them), "dissociation" (both claims of a double
        dissociation, by intersection-union) or "single_case" (Crawford-Howell t of one case against n controls).
    effect, sd : in the score's unit: the deficit expected, and its standard deviation over networks (people), from a
        pilot, never from trials. "against_controls": what the target costs more than its controls, and the sd of one
        lesion's deficit. "dissociation": the advantage of each claim, one number or two, and its sd. "single_case":
        how far the case lies below the controls' mean, and their sd.
    n : networks, people or controls; up to 30 for sign-flips. None: the n needed.
    wanted : the power that ``n_needed`` reaches. alternative : "two-sided" (default of "deficits"), else "greater".
    correlation : of both claims of a dissociation over members.
    over : "specimen" (networks) or "subject" (people): whom the words speak of; the numbers are the same.

    Returns
    -------
    Dataset: ``power`` with ``low, high`` (95 % Wilson interval over simulations), ``n_needed`` (NaN if out of reach)
    with ``needed_power``, ``p_floor`` (the smallest p of n), ``attainable`` (the level that the test can hold),
    ``rank_power`` (of the rank p, "against_controls" only). attrs: ``verdict`` in plain words, ``reasons``.

    When this is invalid
    --------------------
    An effect taken from a pilot because it was large there; an sd from few networks; skewed effects, or scores near
    ceiling or floor, where the spread is not that of the pilot.

    Example
    -------
    >>> found = power("deficits", effect=0.2, sd=0.1, n=8, alternative="greater", n_simulations=200, rng=0)
    >>> found.attrs["verdict"]
    '8 networks detect a deficit of 0.2 (sd over networks 0.1) with power 1.00 [0.98, 1.00].'
    """
    known(over, ("specimen", "subject"), "over")
    plan = replace(_plan(test, effect, sd, alpha, alternative, n_controls, correlation, rng), over=over)
    if not 0 < wanted < 1 or int(n_simulations) < 100:
        raise DesignError(
            f"wanted={wanted}, n_simulations={n_simulations} given; expected a power below 1, and 100 or more."
        )
    needed = _needed(plan, wanted, n_simulations)
    size = _size(plan, n, needed)
    share = wilson(int(plan.rejected(size, n_simulations).sum()), n_simulations)
    floor = np.nan if test == "single_case" else p_floor("sign_flip", n=size, alternative=plan.alternative)
    found: dict[str, Any] = {
        "power": share.effect,
        "low": share.low,
        "high": share.high,
        "n_needed": np.nan if needed is None else float(needed),
        "needed_power": np.nan if needed is None else float(_tried(plan, needed, n_simulations)),
        "p_floor": floor,
        "attainable": alpha if np.isnan(floor) else np.floor(alpha / floor * (1 + 1e-12)) * floor,
        "rank_power": _rank(plan, size, n_simulations) if test == "against_controls" else np.nan,
    }
    return make_result(found, n=size, n_simulations=n_simulations, wanted=wanted, **_attrs(plan, found, size, wanted))


def _plan(
    test: str,
    effect: Any,
    sd: Any,
    alpha: float,
    alternative: str | None,
    n_controls: int,
    correlation: float,
    rng: RNG,
) -> Plan:
    known(test, TESTS, "test")
    claims = 2 if test == "dissociation" else 1
    effects, sds = (np.broadcast_to(np.asarray(one, dtype=np.float64), claims) if np.size(one) in (1, claims) else None
                    for one in (effect, sd))  # fmt: skip
    if effects is None or sds is None or not (np.isfinite([*effects, *sds]).all() and (sds > 0).all()):
        raise DataError(
            f"effect={effect!r} and sd={sd!r} given; expected {claims} of each, in the score's unit, and sd above 0."
        )
    side = alternative or ("two-sided" if test == "deficits" else "greater")
    known(side, ("two-sided", "greater") if test == "deficits" else ("greater",), "alternative")
    if not 0 < alpha < 0.5 or not -1 < correlation < 1 or n_controls < 1:
        raise DesignError(
            f"alpha={alpha}, correlation={correlation}, n_controls={n_controls} given; expected alpha below .5, a "
            "correlation between -1 and 1 and one control or more. Type alpha=0.05."
        )
    return Plan(test, tuple(map(float, effects)), tuple(map(float, sds)), alpha, side, n_controls, correlation, rng)


def _tried(plan: Plan, n: int, simulations: int) -> float:
    """The power of n on the way to the n needed, from fewer simulations where each is slow."""
    slow = plan.test != "single_case" and n > SLOW
    return float(plan.rejected(n, min(FEWER if slow else SEARCHED, simulations)).mean())


def _needed(plan: Plan, wanted: float, simulations: int) -> int | None:
    """The smallest n that reaches the power, by doubling and halving; None where the largest does not."""

    def enough(n: int) -> bool:
        return _tried(plan, n, simulations) >= wanted

    low, high = plan.least - 1, plan.least
    while not enough(high):
        if high == plan.most:
            return None
        low, high = high, min(2 * high, plan.most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _size(plan: Plan, n: int | None, needed: int | None) -> int:
    least = 2 if plan.test == "single_case" else 1
    if n is None:
        return plan.most if needed is None else needed
    if int(n) != n or not least <= n <= plan.most:
        raise DesignError(
            f"n={n!r} {plan.plural} given; expected {least} to {plan.most}. For more type "
            "statsmodels.stats.power.TTestPower().power(effect / sd, n, alpha)."
        )
    return int(n)


def _deficits(plan: Plan, n: int, simulations: int) -> np.ndarray:
    draws = plan.normal(simulations, plan.most, what="deficit")[:, :n]
    return rejections(plan.effects[0] + plan.sds[0] * draws, plan.alpha, plan.alternative)


def _against(plan: Plan, n: int, simulations: int) -> np.ndarray:
    target, controls = (plan.normal(simulations, plan.most, what=what)[:, :n] for what in ("target", "controls"))
    mean = controls / np.sqrt(plan.n_controls)  # the mean of so many normal draws
    return rejections(plan.effects[0] + plan.sds[0] * (target - mean), plan.alpha, plan.alternative)


def _rank(plan: Plan, n: int, simulations: int) -> float:
    """The power of the target's rank among its control draws, both averaged over n networks."""
    target, draws = plan.normal(simulations, what="rank"), plan.normal(simulations, plan.n_controls, what="draws")
    above = (draws >= (target + plan.effects[0] / plan.sds[0] * np.sqrt(n))[:, None]).sum(axis=1)
    return float(((1 + above) / (plan.n_controls + 1) <= plan.alpha * (1 + 1e-12)).mean())


def _both(plan: Plan, n: int, simulations: int) -> np.ndarray:
    """Both claims of a double dissociation: the second is only asked where the first holds."""
    draws = plan.normal(simulations, plan.most, 2, what="claims")[:, :n]
    r = plan.correlation
    second = r * draws[..., 0] + np.sqrt(1 - r**2) * draws[..., 1]
    first = rejections(plan.effects[0] + plan.sds[0] * draws[..., 0], plan.alpha, plan.alternative)
    first[first] = rejections(plan.effects[1] + plan.sds[1] * second[first], plan.alpha, plan.alternative)
    return first


def _case(plan: Plan, n: int, simulations: int) -> np.ndarray:
    """The Crawford-Howell t of a case drawn that far below the controls' mean, with their sd."""
    controls = plan.sds[0] * plan.normal(simulations, plan.most, what="controls")[:, :n]
    case = plan.sds[0] * plan.normal(simulations, what="case") - plan.effects[0]
    t = (case - controls.mean(axis=1)) / (controls.std(axis=1, ddof=1) * np.sqrt((n + 1) / n))
    return sps.t.cdf(t, n - 1) <= plan.alpha


#: The tests whose power can be asked for, by the verb that uses them.
TESTS: dict[str, Callable[[Plan, int, int], np.ndarray]] = {
    "deficits": _deficits,
    "against_controls": _against,
    "dissociation": _both,
    "single_case": _case,
}


def _attrs(plan: Plan, found: dict[str, Any], n: int, wanted: float) -> dict[str, Any]:
    return {
        "analysis": "power",
        "estimand": f"the share of experiments like this one in which {plan.test} gives p <= {plan.alpha:.3g}",
        "test": {"single_case": "Crawford-Howell t"}.get(plan.test, f"sign-flip over {PLURAL[plan.over]}"),
        "generalises_over": plan.over,
        "correction": "intersection-union" if plan.test == "dissociation" else "none",
        "alternative": plan.alternative,
        "level": 0.95,
        "alpha": plan.alpha,
        "planned_for": plan.test,
        "expected_effect": list(plan.effects),
        "expected_sd": list(plan.sds),
        "n_controls": plan.n_controls if plan.test == "against_controls" else "",
        "rng": rng_name(plan.rng),
        "source": "simulated before the run",
        "inputs": digest_of(plan.test, plan.effects, plan.sds, plan.alpha, plan.alternative, plan.correlation),
        "verdict": verdict(plan, found, n),
        "reasons": reasons(plan, found, n, wanted),
    }
