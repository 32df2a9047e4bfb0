"""One case against a sample of controls: a patient against people, a lesioned network against intact seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.case_found import SAME, CaseFound, CaseTable
from neurolab.analysis.case_words import idle_cases, notes, reasons, undermined_by, verdict
from neurolab.analysis.flags import flags_in, flags_of
from neurolab.analysis.localiser import known
from neurolab.analysis.people import Names, case_table
from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DataError, DesignError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats import single_case as stats

#: Which test says that a case's two tasks lie apart, and what it is called.
DIFFERENCES = {
    "revised": "revised standardised difference test",
    "unstandardised": "unstandardised difference test",
    "bayesian": "Bayesian standardised difference test",
}
SIDES = ("less", "greater")
TEST = ("t", "df", "p", "effect", "low", "high", "percent_below", "percent_low", "percent_high")
APART = ("t", "df", "p", "effect", "low", "high")
FLOOR = float(np.finfo(np.float64).tiny)  # p of a t has no floor but that of floating point

register_result(
    "single_case",
    {
        **dict.fromkeys(("score", *TEST, "p_floor", "deficit"), ("case", "task")),
        **dict.fromkeys(("control_mean", "control_sd", "n_controls", "ceiling"), ("task",)),
        **dict.fromkeys(("control_score", "control_z"), ("control_id", "task")),
        **dict.fromkeys((f"difference_{name}" for name in (*APART, "p_floor")), ("case", "pair")),
        **dict.fromkeys((f"bsdt_{name}" for name in (*APART[2:], "p_floor")), ("case", "pair")),
        "classification": ("case", "pair"),
        "double": ("pair",),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("difference_p", "difference_effect", "difference_low", "difference_high", "difference_p_floor"),
        ("bsdt_p", "bsdt_effect", "bsdt_low", "bsdt_high", "bsdt_p_floor"),
    ],
)  # fmt: skip


def single_case(
    data: xr.Dataset | pd.DataFrame,
    *,
    case: Names,
    lesion: Names | None = None,
    controls: Names | Mapping[str, Any] | None = None,
    tasks: Names | None = None,
    covariates: Names = (),
    difference: str | None = None,
    alternative: str = "less",
    alpha: float = 0.05,
    n_draws: int = 20_000,
    rng: RNG,
) -> xr.Dataset:
    """Get whether one case falls outside its controls: a patient among people, a lesioned network among intact seeds.

    Per task the Crawford-Howell t of the case's score against the controls' (a sample, not norms); per pair of tasks
    whether the case's two scores lie further apart than controls' do, and the classification that follows. A score
    low is bad; ``alternative="greater"`` for error rates.

    Parameters
    ----------
    data : trials of networks or people, or a DataFrame with one row per person (names as index), a column per task.
    case : name of the case, or several names: each is tested, and two of them may make a double dissociation.
    lesion : in trials, the target lesion that the case has, by name or ``lesion_id`` (one for each case, if they
        differ). The controls are the sham rows of the others, examined with lesions of these names. None: all as is.
    controls : names, or ``{column: value}`` such as ``{"group": "healthy"}``. Default: everybody else.
    tasks : which of them; default all (all columns of numbers but covariates, age, sex, session and the like).
    covariates : columns (in trials, coordinates on ``specimen``) that the case should be compared given: age, volume.
    difference : "revised" (tasks on different scales; the default), "unstandardised" (one scale) or "bayesian" (holds
        where both deficits are extreme; always used with covariates). The Bayesian one is reported besides.
    alternative : the side on which a deficit lies. alpha : level of each test; intervals cover 1 - alpha.
    rng : integer or Generator, for the ``n_draws`` of the Bayesian test.

    Returns
    -------
    Dataset over case, task, pair, control_id: ``score``, ``t, df, p, p_floor``; ``effect`` (z_cc, in control sds) with
    ``low, high``; ``percent_below`` (of the controls' population) with ``percent_low, percent_high``; ``deficit``;
    ``control_mean, control_sd, n_controls``; ``difference_*`` and ``bsdt_*`` (z_dcc; the revised test has no interval
    of its own and carries the Bayesian one); ``classification``; ``double``. attrs: ``verdict``, ``reasons``,
    ``undermined_by`` and ``note``. A task on which all controls score the same is NaN, and said.

    Raises
    ------
    ReplicationUnitError : rows that are trials, or a person twice. DataError : no task has spread; the case lacks one.

    When this is invalid
    --------------------
    Skewed controls, or many of them at ceiling: false alarms (``undermined_by`` says so). "No deficit" is not "spared",
    see ``spared``. The p is about this case, not about others with its lesion: for lesions in general use ``deficits``
    over networks. Nothing is corrected for the number of tasks.

    Source
    ------
    Crawford & Howell 1998, doi:10.1076/clin.12.4.482.7241; Crawford & Garthwaite 2005, doi:10.1037/0894-4105.19.3.318,
    2007, doi:10.1080/02643290701290146; classification: Crawford, Garthwaite & Gray 2003, Cortex 39: 357-370; agrees
    with the R package singcar.

    Example
    -------
    >>> table = pd.DataFrame({"naming": [2, 8, 9, 7, 8, 10], "reading": [8, 8, 9, 9, 7, 8]}, index=list("ABCDEF"))
    >>> found = single_case(table, case="A", rng=0)
    >>> found.attrs["verdict"]
    'A: classical dissociation, deficit on naming and none shown on reading'
    """
    known(alternative, SIDES, "alternative")
    if not 0 < alpha < 0.5:
        raise DesignError(f"alpha={alpha} given; expected a number between 0 and 0.5. Type alpha=0.05.")
    table = case_table(data, case, lesion, controls, tasks, covariates)
    found = CaseFound(table, alternative, alpha, _kind(table, difference))
    _fill_tasks(found)
    _fill_pairs(found, n_draws, rng)
    return make_result(_variables(found), coords=_coords(found), **_attrs(found, data), rng=rng_name(rng))


def _kind(table: CaseTable, difference: str | None) -> str:
    given = bool(table.covariate_names)
    kind = difference or ("bayesian" if given else "revised")
    known(kind, DIFFERENCES, "difference")
    if given and kind != "bayesian":
        raise DesignError(f"difference={kind!r} takes no covariates; type difference='bayesian', or leave it out.")
    return kind


def _fill_tasks(found: CaseFound) -> None:
    table = found.table
    found.fill(TEST, (len(table.case_names), len(table.tasks)))
    for j, task in enumerate(table.tasks):
        for i in range(len(table.case_names)):
            test = _said(found, f"{task} was not tested", partial(_deficit, found, i, j))
            for name in TEST if test else ():
                found.values[name][i, j] = getattr(test, name)
    if np.isnan(found.values["p"]).all():
        raise DataError(f"No task could be tested. {' '.join(found.said)}")


def _said(found: CaseFound, what: str, test: Callable[[], Any]) -> Any:
    """A test, or None and in the notes why these data do not have it."""
    try:
        return test()
    except (DataError, DesignError) as problem:
        line = f"{what}: {problem}"
        found.said += [] if line in found.said else [line]
        return None


def _spread(values: np.ndarray) -> None:
    if np.ptp(values) <= SAME * np.abs(values).max():
        raise DataError(
            f"all {len(values)} controls score {values[0]:.4g} on it (ceiling?), and without spread among controls "
            "no case can be compared with them. Use a harder test, or an unbounded score (margin)."
        )


def _deficit(found: CaseFound, i: int, j: int) -> Any:
    table, kept = found.table, found.tested_controls(j)
    values = table.controls[kept, j]
    if len(values) < 2:
        raise DesignError(f"{len(values)} controls have a score on it; expected 2 or more.")
    _spread(values)
    score, sided = float(table.cases[i, j]), _settings(alternative=found.alternative, level=found.level)
    if not table.covariate_names:
        return stats.crawford_howell(score, values, **sided)
    return _outside(found, i, stats.deficit_with_covariates(
        score, values, case_covariates=table.case_covariates[i], covariates=table.covariates[kept], **sided
    ))  # fmt: skip


def _settings(**given: Any) -> dict[str, Any]:
    return given


def _outside(found: CaseFound, i: int, test: Any) -> Any:
    if test.note:
        found.beyond.add(found.table.case_names[i])
    return test


def _fill_pairs(found: CaseFound, n_draws: int, rng: RNG) -> None:
    shape = (len(found.table.case_names), len(found.pairs))
    found.fill([f"difference_{name}" for name in APART] + [f"bsdt_{name}" for name in APART[2:]], shape)
    for k, (x, y) in enumerate(found.pairs):
        names = found.table.tasks[x], found.table.tasks[y]
        for i, who in enumerate(found.table.case_names):
            if np.isnan(found.values["p"][i, [x, y]]).any():
                continue  # said of the task already
            stream = generator(rng, "single_case", who, *names)
            for name, test in _tests_of_pair(found, i, (x, y), n_draws, stream).items():
                called = DIFFERENCES["bayesian" if name == "bsdt" else found.kind]
                done = _said(found, f"{names[0]} and {names[1]} were not compared ({called})", test)
                for part in APART if done else ():
                    if f"{name}_{part}" in found.values and getattr(done, part, None) is not None:
                        found.values[f"{name}_{part}"][i, k] = getattr(done, part)
    if found.kind != "unstandardised":  # z_dcc has one interval, the credible one
        for end in ("low", "high"):
            found.values[f"difference_{end}"] = found.values[f"bsdt_{end}"].copy()


def _tests_of_pair(
    found: CaseFound, i: int, pair: tuple[int, int], n_draws: int, rng: np.random.Generator
) -> dict[str, Callable]:
    """The test of the difference that was asked for, and the Bayesian one."""
    table, kept = found.table, found.tested_controls(*pair)
    own, others = table.cases[i, list(pair)], table.controls[np.ix_(np.flatnonzero(kept), np.array(pair))]

    def bayes() -> Any:
        drawn = _settings(n_draws=n_draws, level=found.level, rng=rng)
        if not table.covariate_names:
            return stats.bayesian_standardised_difference(own, others, **drawn)
        given = _settings(case_covariates=table.case_covariates[i], covariates=table.covariates[kept])
        return stats.difference_with_covariates(own, others, **given, **drawn)

    def asked() -> Any:
        test = stats.revised_standardised_difference
        return (test if found.kind == "revised" else stats.unstandardised_difference)(own, others, level=found.level)

    if found.kind != "bayesian":
        return {"difference": asked, "bsdt": bayes}
    drawn = _said(found, "two tasks were not compared", bayes)
    return {"difference": lambda: drawn, "bsdt": lambda: drawn}


def _variables(found: CaseFound) -> dict[str, Any]:
    table, both = found.table, ("case", "task")
    mean, sd, z = table.moments()
    pairs = {name: (("case", "pair"), value) for name, value in found.values.items() if name not in TEST}
    floors = {name: np.where(np.isnan(found.values[f"{name}_p"]), np.nan, FLOOR) for name in ("difference", "bsdt")}
    return {
        "score": (both, table.cases),
        **{name: (both, found.values[name]) for name in TEST},
        "p_floor": (both, np.where(np.isnan(found.values["p"]), np.nan, FLOOR)),
        "deficit": (both, found.deficit),
        "control_mean": ("task", mean),
        "control_sd": ("task", sd),
        "n_controls": ("task", (~np.isnan(table.controls)).sum(axis=0)),
        "ceiling": ("task", found.ceiling),
        "control_score": (("control_id", "task"), table.controls),
        "control_z": (("control_id", "task"), z),
        **pairs,
        **{f"{name}_p_floor": (("case", "pair"), floor) for name, floor in floors.items()},
        "classification": (("case", "pair"), strings(found.classes)),
        "double": ("pair", [bool(found.doubles(k)) for k in range(len(found.pairs))]),
    }


def _coords(found: CaseFound) -> dict[str, Any]:
    table = found.table
    named = [(table.tasks[x], table.tasks[y]) for x, y in found.pairs]
    return {
        "case": strings(table.case_names),
        "task": strings(table.tasks),
        "control_id": strings(table.control_names),
        "lesion": ("case", strings(table.lesions)),
        "pair": strings([f"{x} − {y}" for x, y in named]),
        "task_x": ("pair", strings([x for x, _ in named])),
        "task_y": ("pair", strings([y for _, y in named])),
    }


def _attrs(found: CaseFound, data: xr.Dataset | pd.DataFrame) -> dict[str, Any]:
    table, given = found.table, "".join(f", given {name}" for name in found.table.covariate_names)
    whose = "networks" if table.over == "specimen" else "people"
    t = "Bayesian test of deficit" if given else "Crawford-Howell t"
    return {
        "analysis": "single_case",
        "estimand": f"how far {' and '.join(found.who)} {'lies' if len(found.who) == 1 else 'lie'} from the population "
        f"of {whose} that the controls are drawn from, in control sds (z_cc), per task{given}",
        "test": f"one-sided {t}; pairs of tasks: two-sided {DIFFERENCES[found.kind]}",
        "n": len(table.control_names),
        "generalises_over": table.over,
        "correction": "none",
        "alternative": found.alternative,
        "level": found.level,
        "alpha": found.alpha,
        "difference": found.kind,
        "covariates": list(table.covariate_names),
        "effect_unit": "control sd",
        "source": table.source,
        "inputs": table.inputs,
        "verdict": verdict(found),
        "reasons": reasons(found),
        "undermined_by": [
            *undermined_by(found), *idle_cases(data, table), *flags_of(flags_in(data.attrs), task=table.tasks),
        ],
        "note": notes(found),
    }
