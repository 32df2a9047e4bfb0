"""Do clusters of connections matter more than random sets of units? Over networks, each against its own sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats as sps

from neurolab.analysis.cut_out import FAMILIES
from neurolab.analysis.flags import as_attrs, flags_in
from neurolab.analysis.profiles import training_flags
from neurolab.analysis.sample import all_tasks, control_rows, noted, sham_rows
from neurolab.analysis.words import floor_text, interval_text, p_text
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DesignError, listed
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.trials import pick_task, task_table, with_specimen

TEST = ("effect", "low", "high", "p", "p_floor")
EACH = ("excess", "deficit", "of_sets", "ratio", "combined_p", "n_clusters")

register_result(
    "importance",
    {
        **dict.fromkeys(EACH, ("condition", "family", "specimen")),
        **dict.fromkeys(TEST, ("condition", "family")),
    },
    [("p", "effect", "low", "high", "p_floor")],
)


def _range(deficits: np.ndarray) -> np.ndarray:
    """How unequal the deficits (task, lesion) are: their range over the mean of their sizes; 0 where there are none."""
    size = np.abs(deficits).mean(axis=0)
    return np.where(size > 0, np.ptp(deficits, axis=0) / np.where(size > 0, size, 1.0), 0.0)


#: What is made of the deficits of a lesion on all tasks: one number, and what it is called.
NUMBERS = {
    "mean": (lambda deficits: deficits.mean(axis=0), "the deficit"),
    "range": (_range, "the range over tasks of the deficit, as a share of its mean size,"),
}


def importance(
    trials: Mapping[str, Sequence[xr.Dataset]],
    *,
    tasks: Sequence[str] | None = None,
    of: str = "mean",
    families: Sequence[str] = FAMILIES,
    training: pd.DataFrame | None = None,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get whether the loss of a cluster's units in a layer costs more than that of random sets of that layer.

    Per network one number: the mean over its clusters of (deficit - mean deficit of the random sets of its size); over
    networks a two-sided sign-flip. A random partition, treated alike, is the control of the procedure.

    Parameters
    ----------
    trials : per condition the trials of each network, its own (``cluster_lesions``): clusters of two networks are not
        homologous, so trials are not joined. As many networks in each condition.
    tasks : whose deficits are averaged, in one unit; default all.
    of : "mean", what a cluster costs; "range", whom it costs: the range of the deficits over tasks (one per class, say)
        divided by the mean of their sizes, 0 where all tasks lose alike and large where one loses alone.
    families : "random" and "activity", as drawn.
    training : of ``nl.specimen.training_table``; what it says against networks that did not learn is passed on, to the
        conditions that are called like it or begin so ("dropout, found").

    Returns
    -------
    Dataset over condition and family: ``effect`` (mean excess deficit, in score), ``low``, ``high``, ``p``,
    ``p_floor``. Per network: ``excess``, ``deficit`` and ``of_sets`` (mean over clusters), ``ratio`` of the two,
    ``n_clusters``, and ``combined_p``: Fisher's combination of each cluster's rank among its sets, which is how the
    paper tests one network (too large, for clusters that share a layer cannot all cost more than its sets).

    Raises
    ------
    DesignError : trials of several networks at once, no clusters or sets, tasks in different units, unequal numbers.

    When this is invalid
    --------------------
    Sets matched in number are not matched in activity: read both families. Overall cost is no specificity: that is
    ``of="range"``, which is noisy where a lesion costs next to nothing; which task it costs is a matter of
    ``alignment``.

    Source
    ------
    Hod, Filan, Casper et al. 2021/22, arXiv:2110.08058 (importance; Fisher's combination).

    Example
    -------
    >>> from neurolab.trials import make_trials
    >>> def one(cost, at):
    ...     rows = {"lesion_id": ["sham", "a", "s1", "s2"], "roi": ["every", "a", "a", "a"],
    ...             "role": ["sham", "target", "control", "control"], "family": ["", "", "random", "random"],
    ...             "draw": [0, 0, 1, 2]}
    ...     return make_trials([[[1.0], [1 - cost], [0.9], [0.7]]], specimen=[f"net {at}"], lesions=rows, kind="ann",
    ...                        trial={"task": ["t"], "stimulus_id": ["s"], "condition": ["x"]},
    ...                        tasks={"t": {"unit": "nats", "bounded": False, "chance": 0.0}})
    >>> nets = {"planted": [one(0.5 + 0.01 * at, at) for at in range(6)]}
    >>> found = importance(nets, families=("random",), rng=0)
    >>> round(float(found["effect"].item()), 3), float(found["p"].item())
    (0.325, 0.03125)
    """
    held = {str(name): [with_specimen(one) for one in some] for name, some in trials.items()}
    named = _check(held, families, tasks)
    if of not in NUMBERS or (of == "range" and len(named) < 2):
        raise DesignError(f"of={of!r} with {len(named)} tasks; expected 'mean', or 'range' with two tasks or more.")
    each = np.array([[[_network(one, named, family, of) for one in some] for family in families]
                     for some in held.values()])  # fmt: skip
    tests = [[sign_flip(each[i, j, :, 0], level=level, rng=generator(rng, "importance", name, family))
              for j, family in enumerate(families)] for i, name in enumerate(held)]  # fmt: skip
    first = next(iter(held.values()))[0]
    return make_result(
        _values(held, each, tests),
        coords={"condition": strings(list(held)), "family": strings(list(families))},
        analysis="importance",
        estimand=f"the mean over networks of {NUMBERS[of][1]} after the loss of a cluster's units in a layer, less "
        "that of random sets of as many units of the layer (mean over clusters)",
        test="two-sided sign-flip over networks",
        n=each.shape[2],
        generalises_over="specimen",
        correction="none",
        alternative="two-sided",
        level=level,
        rng=rng_name(rng),
        source=str(first.attrs.get("source", "")),
        inputs=digest_of(each),
        **_undermined(held, training),
        tasks=named,
        unit=_unit(first, named) if of == "mean" else "mean deficits",
        of=of,
        reasons=_reasons(list(held), families, tests, each, level, of),
        note=noted(floor_text(each.shape[2], tests[0][0].p_floor, plural="networks", alternative="two-sided")),
    )  # fmt: skip


def _values(held: dict[str, list[xr.Dataset]], each: np.ndarray, tests: list[list[SignFlip]]) -> dict[str, Any]:
    """What was found of every network, and over networks."""
    two = ("condition", "family")
    names = [[str(one["specimen"].values[0]) for one in some] for some in held.values()]
    over = {what: np.array([[getattr(one, what) for one in row] for row in tests], dtype=float) for what in TEST}
    return {
        **{what: ((*two, "specimen"), each[..., k]) for k, what in enumerate(EACH)},
        **{what: (two, values) for what, values in over.items()},
        "network": (("condition", "specimen"), strings(names)),
    }


def _check(held: dict[str, list[xr.Dataset]], families: Sequence[str], tasks: Sequence[str] | None) -> list[str]:
    """The tasks; the networks can be read alike."""
    sizes = {name: len(some) for name, some in held.items()}
    if not sizes or len(set(sizes.values())) > 1 or min(sizes.values()) < 2:
        raise DesignError(f"The conditions have {sizes} networks; expected as many in each, two at the least (six can "
                          "reach p = .05).")  # fmt: skip
    joined = [name for name, some in held.items() if any(one.sizes["specimen"] > 1 for one in some)]
    if joined or isinstance(families, str):
        raise DesignError(f"The trials of {listed(joined)} hold several networks, or families={families!r} is no list; "
                          "expected the trials of one network each. Type [nl.examine(net, nl.analysis.cluster_lesions("
                          "...), tasks) for net in cohort].")
    first = next(iter(held.values()))[0]
    named = all_tasks(first) if tasks is None else [str(task) for task in tasks]
    units = {str(task_table(first).get(task, {}).get("unit", "")) for task in named}
    if len(units) > 1:
        raise DesignError(f"The tasks {listed(named)} are scored in {listed(sorted(units))}, which have no mean; type "
                          f"tasks=[{named[0]!r}].")
    return named


def _undermined(held: Mapping[str, Sequence[xr.Dataset]], training: pd.DataFrame | None) -> dict[str, str]:
    """What the trials and the training say against themselves, as attrs."""
    flags = {line: about for some in held.values() for one in some for line, about in flags_in(one.attrs).items()}
    for line, about in training_flags(training).items():
        ours = [name for name in held if any(name == one or name.startswith(f"{one}, ") for one in about["condition"])]
        flags |= {line: {"condition": ours}} if ours else {}
    return as_attrs(flags) if flags else {}


def _unit(trials: xr.Dataset, tasks: list[str]) -> str:
    return str(task_table(trials).get(tasks[0], {}).get("unit", "") or "score")


def _network(trials: xr.Dataset, tasks: list[str], family: str, of: str) -> list[float]:
    """The numbers of one network: ``EACH``."""
    score = np.asarray(trials["score"].transpose("specimen", "lesion", "trial").values[0], dtype=np.float64)
    means = np.array([score[:, pick_task(trials, task)].mean(axis=1) for task in tasks])
    targets = np.flatnonzero(trials["role"].values.astype(str) == "target")
    if not len(targets):
        raise DesignError("The trials have no target lesion; make the lesions with nl.analysis.cluster_lesions(...).")
    deficit = NUMBERS[of][0](means[:, sham_rows(trials, "")].mean(axis=1, keepdims=True) - means)
    sets = [deficit[control_rows(trials, str(trials["roi"].values[row]), family)] for row in targets]
    own, of_sets = deficit[targets], np.array([some.mean() for some in sets])
    ratio = own.mean() / of_sets.mean() if of_sets.mean() > 0 else np.nan
    return [(own - of_sets).mean(), own.mean(), of_sets.mean(), ratio, _combined(own, sets), len(targets)]


def _combined(own: np.ndarray, sets: list[np.ndarray]) -> float:
    """Fisher's combination of mid-ranks, as the paper has it; ties count as extreme."""
    mid = [(1 + int((some >= one - 1e-12).sum()) - 0.5) / (len(some) + 1) for one, some in zip(own, sets)]
    return float(sps.chi2.sf(-2 * np.log(mid).sum(), 2 * len(mid)))


def _reasons(
    names: list[str], families: Sequence[str], tests: list[list[SignFlip]], each: np.ndarray, level: float, of: str
) -> list[str]:
    does = {"mean": "cost", "range": "have a range over tasks of"}[of]
    said: list[Any] = []
    for i, name in enumerate(names):
        parts = [
            f"{interval_text(one.effect, one.low, one.high, level)} more than {family} sets, {p_text(one.p)}"
            for family, one in zip(families, tests[i])
        ]
        deficit, of_sets = each[i, 0, :, 1].mean(), each[i, 0, :, 2].mean()
        said.append(f"{name}: clusters {does} {deficit:.3g}, {families[0]} sets {of_sets:.3g}; {'; '.join(parts)}.")
    return said
