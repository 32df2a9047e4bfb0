"""What single cases showed, in sentences: verdict, reasons, and what would undermine them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.case_found import CaseFound, CaseTable
from neurolab.analysis.idle import idle_flags
from neurolab.analysis.sample import member_words, sample_of, target_rows
from neurolab.analysis.words import interval_text, joined, p_text, uncorrected_text
from neurolab.stats.single_case import power

MOST = 12  # sentences; the tables hold the rest
EXTREME = 4.0  # control sds on both tasks, from which the revised test loses its level
FEW = 10
SOME, FAR = 6, 20.0  # of so many controls, one this many median absolute deviations away is no score like theirs
OTHER = 1e-3  # a case with this p or less on the other side may be tested on the wrong one


def verdict(found: CaseFound) -> str:
    """Get the verdict on every case, a double dissociation first."""
    said = []
    for k, (x, y) in enumerate(found.pairs):
        for one, other in found.doubles(k):
            said.append(
                f"double dissociation of {found.table.tasks[x]} and {found.table.tasks[y]} by {one} and {other}"
            )
    said += [f"{name}: {_of_case(found, i)}" for i, name in enumerate(found.table.case_names)]
    return "; ".join(said)


def _of_case(found: CaseFound, i: int) -> str:
    tasks, lost = found.table.tasks, found.deficit[i]
    kinds = found.classes[i]
    told = []
    for k, (x, y) in enumerate(found.pairs):
        if kinds[k] == "classical dissociation":
            worse, other = (x, y) if lost[x] else (y, x)
            told.append(f"classical dissociation, deficit on {tasks[worse]} and none shown on {tasks[other]}")
        elif kinds[k] == "strong dissociation":
            worse = x if (found.values["difference_effect"][i, k] < 0) == (found.alternative == "less") else y
            told.append(f"strong dissociation, deficits on {tasks[x]} and {tasks[y]}, the larger on {tasks[worse]}")
    if told:
        return " and ".join(told[:MOST])
    names = [tasks[j] for j in np.flatnonzero(lost)]
    if not names:
        return "no deficit shown"
    return f"deficit on {joined(names)}, no dissociation shown" if found.pairs else f"deficit on {joined(names)}"


def reasons(found: CaseFound) -> list[str]:
    """Get one sentence per test, each with its numbers."""
    table, v, said = found.table, found.values, []
    for i, who in enumerate(found.who):
        for j, task in enumerate(table.tasks):
            if np.isnan(v["p"][i, j]):
                continue
            z, low, high = (float(v[name][i, j]) for name in ("effect", "low", "high"))
            below, *ends = (_share(v[f"percent_{name}"][i, j]) for name in ("below", "low", "high"))
            spread = "" if {below} == set(ends) else f"({' to '.join(ends)} %) "
            said.append(
                f"{'Shown' if found.deficit[i, j] else 'Not shown'}: a deficit of {who} on {task}, "
                f"z_cc = {interval_text(z, low, high, found.level)}, "
                f"t({v['df'][i, j]:.0f}) = {v['t'][i, j]:.3g}, {p_text(v['p'][i, j])}; an estimated {below} % "
                f"{spread}of the controls' population score lower."
            )
        said += [_pair(found, i, k) for k in range(len(found.pairs)) if np.isfinite(v["difference_p"][i, k])]
    more = [f"{len(said) - MOST} more tests are in the tables."] if len(said) > MOST else []
    return said[:MOST] + more


def _share(percent: float) -> str:
    """Per cent of a population, without digits that a sample cannot give."""
    return "under 0.01" if percent < 0.01 else "over 99.99" if percent > 99.99 else f"{percent:.3g}"


def _pair(found: CaseFound, i: int, k: int) -> str:
    x, y = (found.table.tasks[at] for at in found.pairs[k])
    v = {name: found.values[f"difference_{name}"][i, k] for name in ("t", "df", "p", "effect")}
    t = f"t({v['df']:.0f}) = {v['t']:.3g}, " if np.isfinite(v["t"]) else ""
    shown = "Shown" if v["p"] <= found.alpha else "Not shown"
    unit = "difference to controls" if found.kind == "unstandardised" else "z_dcc"
    return (
        f"{shown}: {found.who[i]} scores further apart on {x} and {y} than controls, {unit} = {v['effect']:.3g}, {t}"
        f"{p_text(v['p'])} (Bayesian: {p_text(found.values['bsdt_p'][i, k])}); class: {found.classes[i, k]}."
    )


def undermined_by(found: CaseFound) -> list[str]:
    """What in these data would undermine the verdict, a sentence each."""
    table, v, said = found.table, found.values, []
    n = len(table.control_names)
    tested = np.isfinite(v["p"]).any(axis=0)
    high = [task for task, at, able in zip(table.tasks, found.ceiling, tested) if at and able]
    if high:
        said.append(
            f"Half the controls or more share the best score on {joined(high)} (ceiling): their sd is too small and "
            "skewed, and the case looks rarer than it is."
        )
    tails = {task: found.tail(at) for at, task in enumerate(table.tasks) if tested[at]}
    odd = [f"{task} ({tail:.2g})" for task, tail in tails.items() if np.isfinite(tail)]
    if odd:
        said.append(
            f"The controls are skewed on {joined(odd)}, with a tail where deficits lie. The t takes them for normal; "
            "where that tail is exponential it calls 8 to 10 of 100 healthy cases impaired, not 5."
        )
    if n < FEW:
        said.append(f"{n} controls are few: the intervals are wide, and normality cannot be seen.")
    said += [*_far(table), *_own_group(table)]
    for i, who in enumerate(table.case_names):
        said += [*_before(found, i), *_other_side(found, i)]
        if who in found.beyond:
            said.append(f"The covariates of {who} lie outside those of all controls: what is expected is extrapolated.")
        for k, (x, y) in enumerate(found.pairs):
            if np.abs(v["effect"][i, [x, y]]).min() >= EXTREME and found.kind == "revised":
                said.append(
                    f"{who} is extreme on both {table.tasks[x]} and {table.tasks[y]}, where the revised test gives up "
                    "to 35 % false alarms: take the Bayesian p, difference='bayesian'."
                )
            p = np.array([v["difference_p"][i, k], v["bsdt_p"][i, k]])
            if np.isfinite(p).all() and len(set(p <= found.alpha)) > 1:
                said.append(f"The two tests of {table.tasks[x]} against {table.tasks[y]} disagree for {who}.")
    return said


def _before(found: CaseFound, i: int) -> list[str]:
    """A network that was an outlier before its lesion."""
    said = []
    mean, sd, _ = found.table.moments()
    for j, task in enumerate(found.table.tasks):
        z = (found.table.before[i, j] - mean[j]) / sd[j] if sd[j] > 0 else np.nan
        if abs(z) > 2:
            name = found.table.case_names[i]
            said.append(f"{name} stood {z:.3g} sds from the controls on {task} before its lesion already.")
    return said


def _other_side(found: CaseFound, i: int) -> list[str]:
    """Where a case lies as far from the controls as a deficit would, on the side where none was looked for."""
    table, low = found.table, found.alternative == "less"
    where, bad, side = ("above", "high", "greater") if low else ("below", "low", "less")
    return [
        f"{table.case_names[i]} lies {abs(found.values['effect'][i, j]):.3g} sds {where} the controls on {task}: if "
        f"{bad} is bad, type alternative={side!r} or negate that column."
        for j, task in enumerate(table.tasks)
        if 1 - found.values["p"][i, j] <= OTHER
    ]


def _far(table: CaseTable) -> list[str]:
    """Controls whose score may be a code for a missing one."""
    said = []
    for task, column in zip(table.tasks, table.controls.T):
        kept = np.flatnonzero(~np.isnan(column))
        away = np.abs(column[kept] - np.median(column[kept])) if len(kept) >= SOME else np.zeros(1)
        spread = (np.median(away) or np.median(away[away > 0])) if away.any() else np.inf
        said += [
            f"The control {table.control_names[k]} scores {column[k]:.4g} on {task}, {far:.0f} median absolute "
            "deviations from the controls' median: if that is a code for a missing score, make it NaN."
            for k, far in zip(kept, away / spread)
            if far > FAR
        ]
    more = [f"{len(said) - MOST} more controls lie as far away."] if len(said) > MOST else []
    return said[:MOST] + more


def _own_group(table: CaseTable) -> list[str]:
    """Whether everybody else includes people of the case's own group, and not only those."""
    said: dict[str, None] = {}
    for column, labels in table.labels.items():
        cases, controls = labels[: len(table.case_names)], labels[len(table.case_names) :]
        for own in filter(None, cases):
            others = Counter(label for label in controls if label and label not in cases).most_common(1)
            if own in controls and others:
                said[
                    f"controls include {controls.count(own)} with the case's own {column} {own!r}: type "
                    f"controls={{{column!r}: {others[0][0]!r}}}."
                ] = None
    return list(said)


def notes(found: CaseFound) -> str:
    """Get what holds besides: whom it speaks of, who is missing, how many tests, and how much can be seen at all."""
    table, n = found.table, len(found.table.control_names)
    whose = "networks" if table.over == "specimen" else "people"
    cases = "One case" if len(table.case_names) == 1 else f"{len(table.case_names)} cases, each alone"
    said = [
        f"{cases}: the p says how rare such a score is in the population of {whose} that the {n} controls are a sample "
        f"of, and nothing of other {whose} with such damage."
    ]
    left = [(task, int(np.isnan(column).sum())) for task, column in zip(table.tasks, table.controls.T)]
    said += [f"{k} of {n} controls have no score on {task} and are left out there." for task, k in left if k]
    said += [*found.said, *filter(None, [table.note])]
    tests = int(np.isfinite(found.values["p"]).sum() + np.isfinite(found.values["difference_p"]).sum())
    said += [uncorrected_text(tests, found.alpha, least=2)]
    reach = (power(-2, n=size, alpha=found.alpha) for size in (n, 100_000))
    said.append(
        "A case truly 2 control sds low is found with power {:.2f} here, and with {:.2f} by any number of controls: "
        "power is capped by the effect, not by n.".format(*reach)
    )
    return " ".join(filter(None, said))


def idle_cases(data: xr.Dataset | pd.DataFrame, table: CaseTable) -> list[str]:
    """Get a sentence for every case whose lesion changed no activity."""
    if not isinstance(data, xr.Dataset):
        return []
    trials, called = sample_of(data, "specimen").trials, member_words(str(data.attrs.get("kind", "")))
    said = []
    for who, lesion in zip(table.case_names, table.lesions):
        if lesion:
            own = trials.isel(specimen=[list(map(str, trials["specimen"].values)).index(who)])
            said += [f"{who}: {one}" for one in idle_flags(own, target_rows(own, lesion), called)]
    return said
