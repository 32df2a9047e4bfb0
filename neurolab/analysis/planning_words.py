"""Power in plain words: what n networks detect, how many would do, and what no number of them can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats as sps

from neurolab.analysis.words import floor_text, joined, rank_texts

if TYPE_CHECKING:
    from neurolab.analysis.planning import Plan

#: What would help where no number does, by whom the design is of.
HELPS = {
    "specimen": "Use more trials per network, a larger lesion, or a less noisy score.",
    "subject": "Use more trials per person, or a less noisy score.",
}
#: One of several.
ONE = {"people": "person", "networks": "network", "controls": "control"}
#: The effect that is looked for, in words.
LOOKED_FOR = {
    "deficits": "a deficit of {size} (sd over {plural} {sd})",
    "against_controls": "a deficit {size} larger than that of control lesions (sd of one lesion over {plural} {sd})",
    "dissociation": "a double dissociation with advantages of {size} (sd over {plural} {sd})",
    "single_case": "a case {size} below their mean (sd of controls {sd})",
}


def _effect(plan: Plan) -> str:
    size, sd = (joined([f"{one:.3g}" for one in dict.fromkeys(every)]) for every in (plan.effects, plan.sds))
    return LOOKED_FOR[plan.test].format(size=size, sd=sd, plural=plan.plural)


def who(plural: str, n: int) -> str:
    """Get ``8 networks`` or ``1 control``.

    Example
    -------
    >>> who("networks", 1), who("controls", 8), who("people", 1)
    ('1 network', '8 controls', '1 person')
    """
    return f"{n} {plural if n != 1 else ONE[plural]}"


def verdict(plan: Plan, found: Mapping[str, Any], n: int) -> str:
    """Get the answer: what this many detect with which power."""
    if found["p_floor"] > plan.alpha * (1 + 1e-12):
        return f"{who(plan.plural, n)} cannot reach p = {plan.alpha:.3g}: the smallest p is {found['p_floor']:.3g}."
    ends = f"[{found['low']:.2f}, {found['high']:.2f}]"
    verb = "detects" if n == 1 else "detect"
    at = f" at p <= {plan.alpha:.3g}" if plan.alpha != 0.05 else ""
    return f"{who(plan.plural, n)} {verb} {_effect(plan)} with power {found['power']:.2f} {ends}{at}."


def reasons(plan: Plan, found: Mapping[str, Any], n: int, wanted: float) -> list[str]:
    """Get how many would do, the smallest p, and the caps, a sentence each."""
    alpha, held = plan.alpha, found["attainable"]
    said = [_enough(plan, found, wanted)]
    if plan.test == "single_case":
        cap = float(sps.norm.cdf(plan.effects[0] / plan.sds[0] - sps.norm.isf(alpha)))
        return [*said, f"No number of controls lifts the power above {cap:.2f}: it is capped by the effect, not by n."]
    plural = who(plan.plural, n).partition(" ")[2]
    said.append(floor_text(n, found["p_floor"], plural=plural, alternative=plan.alternative, alpha=alpha))
    if 0 < held < alpha * (1 - 1e-9):
        said.append(f"With {who(plan.plural, n)} a test at {alpha:.3g} rejects {held:.3g} at most under the null.")
    if plan.test == "against_controls":
        rank = found["rank_power"]
        said.append(f"The rank p among {plan.n_controls} control draws reaches {alpha:.3g} with power {rank:.2f}.")
        said += rank_texts(plan.n_controls, what="control draws", alpha=alpha)
    return said


def _enough(plan: Plan, found: Mapping[str, Any], wanted: float) -> str:
    if not np.isfinite(found["n_needed"]):
        return (
            f"{who(plan.plural, plan.most)} do not reach power {wanted:.3g}: {_effect(plan)} is too small for that "
            f"spread. {HELPS[plan.over]}"
        )
    needed = int(found["n_needed"])
    fewer = f"; fewer cannot reach p = {plan.alpha:.3g}" if needed == plan.least and needed > 2 else ""
    return f"{who(plan.plural, needed)} or more reach power {wanted:.3g} ({found['needed_power']:.2f}){fewer}."
