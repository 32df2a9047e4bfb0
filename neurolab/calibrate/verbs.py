"""The verbs on trials, at the edge of their nulls, on phantoms whose truth is planted."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.controls import against_controls
from neurolab.analysis.deficit import deficits
from neurolab.analysis.dissociate import dissociation
from neurolab.analysis.dose import dose_response
from neurolab.analysis.matrix import localiser_matrix
from neurolab.analysis.spare import spared
from neurolab.analysis.together import interaction
from neurolab.calibrate.entry import Entry, Found, approximate, attainable, conservative, covers, exact
from neurolab.simulate import phantom_trials

Stream = np.random.Generator
Plan = dict[str, dict[str, float]]
PAIR: dict[str, Any] = {"lesions": ("A", "B"), "tasks": ("X", "Y")}
SINGLE: Plan = {"A": {"X": 5.0, "Y": 0.3}, "B": {"X": 0.0, "Y": 0.3}}


def normal_trials(plan: Plan, rng: Stream | int, **more: Any) -> xr.Dataset:
    """Get trials of 8 networks with an unbounded score, two stimuli per task."""
    settings = {"n_specimens": 8, "n_stimuli": 2, "bounded": False, "chance": 0.0, "rng": rng}
    return phantom_trials(deficits=plan, **{**settings, **more})


def main_test(result: xr.Dataset, p: str = "p", truth: float = float("nan")) -> Found:
    """Get a p of a result, with its interval where it is the result's main one."""
    low, high = (float(result[end].item()) if p == "p" else float("nan") for end in ("low", "high"))
    return Found(float(result[p].item()), low, high, truth)


def deficit(stream: Stream, effect: float) -> Found:
    """Test one lesion's deficit over networks."""
    return main_test(deficits(normal_trials({"A": {"X": effect}}, stream), rng=0), truth=effect)


def controls(stream: Stream, effect: float, *, p: str = "p", n_controls: int = 5, n_specimens: int = 8) -> Found:
    """Test a lesion against matched controls that cost 0.5; it costs ``effect`` more."""
    trials = normal_trials(
        {"A": {"X": 0.5 + effect}}, stream, n_specimens=n_specimens, n_controls=n_controls,
        control_deficits={"X": 0.5}, spread=0.5,
    )  # fmt: skip
    return main_test(against_controls(trials, lesion="A", task="X", rng=0), p, effect)


def crossover(stream: Stream, effect: float) -> Found:
    """Test a crossover: A hurts X hugely, B hurts Y by ``effect`` more than A does."""
    plan = {"A": {"X": 5.0, "Y": 0.3}, "B": {"X": 0.0, "Y": 0.3 + effect}}
    return Found(float(dissociation(normal_trials(plan, stream), **PAIR, rng=0)["p_double"]))


def called_double(stream: Stream, effect: float, *, bounded: bool) -> Found:
    """Say whether a single dissociation is called a double one; B hurts Y by ``effect`` more than A does."""
    if bounded:
        plan = {"A": {"X": 0.35, "Y": 0.1}, "B": {"X": 0.0, "Y": 0.1 + effect}}
        trials = phantom_trials(deficits=plan, n_specimens=8, n_stimuli=40, spread=0.05, rng=stream)
    else:
        plan = {"A": SINGLE["A"], "B": {"X": 0.0, "Y": 0.3 + effect}}
        trials = normal_trials(plan, stream, spread=0.5)
    verdict = str(dissociation(trials, **PAIR, rng=0).attrs["verdict"])
    return Found(0.0 if verdict.startswith(("classical", "crossover")) else 1.0)


def called_any(stream: Stream, effect: float) -> Found:
    """Say whether two lesions of the same cost are called any dissociation; A hurts X by ``effect`` more."""
    plan = {"A": {"X": 0.3 + effect, "Y": 0.3}, "B": {"X": 0.3, "Y": 0.3}}
    found = dissociation(normal_trials(plan, stream, spread=0.5), **PAIR, rng=0)
    return Found(1.0 if found.attrs["verdict"] == "no dissociation shown" else 0.0)


def classical(stream: Stream, effect: float) -> Found:
    """Say whether "classical" is claimed: all but A's own deficit, of ``effect``, is sure."""
    plan = {"A": {"X": effect, "Y": 0.0}, "B": {"X": effect - 5.0, "Y": 5.0}}
    found = dissociation(normal_trials(plan, stream), **PAIR, spared_within={"X": 10.0, "Y": 10.0}, rng=0)
    return Found(float(found["p_classical"]))


def spared_in_dissociation(stream: Stream, effect: float, *, share: bool) -> Found:
    """Test whether A spares Y within 1, stated in score or as a tenth of the intact score of 10."""
    plan = {"A": {"X": 3.0, "Y": effect}, "B": {"X": 0.0, "Y": 3.0}}
    trials = normal_trials(plan, stream, n_stimuli=8, intact=10.0)
    bound: Any = 0.1 if share else {"X": 1.0, "Y": 1.0}
    return Found(float(dissociation(trials, **PAIR, spared_within=bound, rng=0)["spared_p"][0]))


def sparing(stream: Stream, effect: float) -> Found:
    """Test whether a lesion that costs ``effect`` spares a task within 1."""
    trials = normal_trials({"A": {"X": effect}}, stream, n_stimuli=8)
    return main_test(spared(trials, lesion="A", tasks=["X"], within={"X": 1.0}, rng=0), truth=effect)


def sparing_items(stream: Stream, effect: float, *, n: int) -> Found:
    """Test over n items whether a lesion spares a task within .2; three networks lose most of the same weak items."""
    trials = phantom_trials(deficits={"A": {"X": 0.0}}, n_specimens=3, n_stimuli=n, intact=1.0, chance=0.0, rng=stream)
    lost = (stream.random(n) < effect / 0.8) & (stream.random((3, n)) < 0.8)
    score = np.ones(trials["score"].shape)
    score[:, 0] -= lost
    trials = trials.assign(score=(trials["score"].dims, score))
    found = spared(trials, lesion="A", tasks=["X"], within={"X": 0.2}, over="stimulus", rng=0)
    return main_test(found, truth=effect)


def together(stream: Stream, effect: float, *, within: float | None = None) -> Found:
    """Test whether two lesions together cost ``effect`` more than both apart, or that they do not."""
    plan = {"A": {"X": 1.0}, "B": {"X": 0.5}, "A + B": {"X": 1.5 + effect}}
    more: dict[str, Any] = {} if within is None else {"additive_within": {"X": within}}
    found = interaction(normal_trials(plan, stream), a="A", b="B", both="A + B", task="X", rng=0, **more)
    return main_test(found, truth=effect) if within is None else Found(0.0 if bool(found["additive_shown"]) else 1.0)


def matrix(stream: Stream, effect: float, *, cells: bool) -> Found:
    """Test that the diagonal of two lesions x two tasks costs more, or look for any cell."""
    plan = {"A": {"X": effect, "Y": 0.0}, "B": {"X": 0.0, "Y": effect}}
    found = localiser_matrix(normal_trials(plan, stream), rng=0)
    return Found(float(found["q"].min()) if cells else float(found["diagonal_p"]))


def doses(stream: Stream, effect: float) -> Found:
    """Test a dose-response against controls that cost 0.5 at full dose; the lesion costs ``effect`` more."""
    trials = normal_trials(
        {"A": {"X": 0.5 + effect}}, stream, n_controls=2, control_deficits={"X": 0.5}, doses=(0.5, 1.0), spread=0.3
    )
    return Found(float(dose_response(trials, lesion="A", task="X", rng=0)["p"]))


_ROOT, _EIGHT = "analysis.", attainable(256)
_NETWORKS, _SAME = "8 networks", "The target is one more draw of the controls' own distribution."
_ONLY_ONE = "A hurts X, both hurt Y alike: a single dissociation, called double in error."

ENTRIES = (
    Entry("deficits", _ROOT + "deficits", "The lesion costs nothing.", _NETWORKS, deficit, exact(_EIGHT),
          covers(rate=1 - _EIGHT), power_at=1.5, effect="deficit 1.5 sd", quick=True),
    Entry("against_controls, over networks", _ROOT + "against_controls", _SAME, "8 networks, 5 controls", controls,
          exact(_EIGHT), covers(rate=1 - _EIGHT), power_at=1.5, effect="1.5 more than controls"),
    Entry("against_controls, rank among draws", _ROOT + "against_controls", _SAME, "2 networks, 19 controls",
          partial(controls, p="rank_p", n_controls=19, n_specimens=2), exact(), power_at=2.0,
          effect="2 more than controls"),
    Entry("against_controls, t among draws", _ROOT + "against_controls", _SAME, "2 networks, 19 controls",
          partial(controls, p="t_cc_p", n_controls=19, n_specimens=2), exact(), power_at=2.0,
          effect="2 more than controls"),
    Entry("dissociation, crossover", _ROOT + "dissociation", "A hurts X hugely, both hurt Y alike.", _NETWORKS,
          crossover, exact(_EIGHT), power_at=2.0, effect="B hurts Y by 2 more"),
    Entry("dissociation, single called double (margin)", _ROOT + "dissociation", _ONLY_ONE, _NETWORKS,
          partial(called_double, bounded=False), conservative(), power_at=2.0, effect="B hurts Y by 2 more"),
    Entry("dissociation, single called double (accuracy)", _ROOT + "dissociation", _ONLY_ONE, "8 networks, 40 stimuli",
          partial(called_double, bounded=True), conservative(), power_at=0.2, effect="B hurts Y by .2 more"),
    Entry("dissociation, none called any", _ROOT + "dissociation", "Two lesions of the same cost on both tasks.",
          _NETWORKS, called_any, conservative(), power_at=2.0, effect="A hurts X by 2 more"),
    Entry("dissociation, called classical", _ROOT + "dissociation", "All sure but A's own deficit, which is 0.",
          _NETWORKS, classical, exact(_EIGHT), power_at=1.5, effect="own deficit 1.5 sd"),
    Entry("dissociation, spared in score", _ROOT + "dissociation", "The cost is the bound itself.", _NETWORKS,
          partial(spared_in_dissociation, share=False), exact(_EIGHT), at=1.0, power_at=0.0,
          effect="no cost, bound 2 sd"),
    Entry("dissociation, spared as a share", _ROOT + "dissociation",
          "The cost is the bound itself, a share of the estimated intact score.", _NETWORKS,
          partial(spared_in_dissociation, share=True), approximate(), at=1.0, power_at=0.0,
          effect="no cost, bound 2 sd"),
    Entry("spared", _ROOT + "spared", "The cost is the bound itself.", _NETWORKS, sparing, exact(_EIGHT),
          covers(0.90, rate=1 - 2 * _EIGHT), at=1.0, power_at=0.0, effect="no cost, bound 2 sd"),
    Entry("spared, stimuli of 3 networks", _ROOT + "spared",
          "A quarter of the items turn wrong in each network at .8: a fifth, the bound itself.", "3 networks, 40 items",
          partial(sparing_items, n=40), conservative(), covers(0.90, "conservative"), at=0.2, power_at=0.0,
          effect="no cost, bound .2"),
    Entry("interaction", _ROOT + "interaction", "Costs add up.", _NETWORKS, together, exact(_EIGHT),
          covers(rate=1 - _EIGHT), power_at=2.5, effect="2.5 more together"),
    Entry("interaction, additive shown", _ROOT + "interaction", "The interaction is the bound itself.", _NETWORKS,
          partial(together, within=2.5), exact(_EIGHT), at=2.5, power_at=0.0, effect="none, bound 1.8 sd"),
    Entry("localiser_matrix, diagonal", _ROOT + "localiser_matrix", "Nothing costs anything.", _NETWORKS,
          partial(matrix, cells=False), exact(_EIGHT), power_at=1.5, effect="diagonal 1.5 sd"),
    Entry("localiser_matrix, any cell", _ROOT + "localiser_matrix", "Nothing costs anything: any cell is an error.",
          _NETWORKS, partial(matrix, cells=True), conservative(), power_at=2.0, effect="diagonal 2 sd"),
    Entry("dose_response, against controls", _ROOT + "dose_response", "The target is one more draw of the controls'.",
          "8 networks, 2 controls", doses, exact(_EIGHT), power_at=1.5, effect="1.5 more than controls"),
)  # fmt: skip
