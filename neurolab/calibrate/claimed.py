"""The verdicts on claims, at the edge of what each of them says."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.claimed import claim, claims
from neurolab.analysis.deficit import deficits
from neurolab.calibrate.entry import Entry, Found, attainable, conservative, exact
from neurolab.calibrate.verbs import normal_trials

Stream = np.random.Generator


def costs(stream: Stream, level: float = 0.95, **cost: float) -> dict[str, xr.Dataset]:
    """Get the deficit of one lesion in every task, of 8 networks."""
    found = deficits(normal_trials({"A": dict(cost)}, stream, n_stimuli=8), level=level, rng=0)
    return {task: found.isel(lesion=0).sel(task=task) for task in cost}


def called(results: dict[str, xr.Dataset], **choices: Any) -> str:
    """Get the verdict on a claim about all of these tasks."""
    return str(claims(claim("It is so.", results, **choices))["verdict"].values[0])


def everywhere(stream: Stream, effect: float) -> Found:
    """Say whether a claim about two tasks is supported, of which one is sure."""
    verdict = called(costs(stream, X=5.0, Y=effect), expects="more")
    return Found(0.0 if verdict == "supported" else 1.0)


def bounded(stream: Stream, effect: float, *, expects: str, wanted: str) -> Found:
    """Say whether a claim about one task gets the verdict that an interval of .9 within 1 gives."""
    verdict = called(costs(stream, 0.9, X=effect), expects=expects, within=1.0)
    return Found(0.0 if verdict == wanted else 1.0)


def anything(stream: Stream, effect: float) -> Found:
    """Say whether a claim about two tasks gets any verdict but "not shown"."""
    verdict = called(costs(stream, X=effect, Y=effect), expects="more")
    return Found(1.0 if verdict == "not shown" else 0.0)


def apart(stream: Stream, effect: float) -> Found:
    """Say whether a claim about two tasks is called to depend on the task, of which one is sure."""
    verdict = called(costs(stream, X=5.0, Y=-effect), expects="more")
    return Found(0.0 if verdict.startswith("depends") else 1.0)


_EIGHT, _NETWORKS = attainable(256), "8 networks"

ENTRIES = (
    Entry("claim, supported", "analysis.claim", "Of two conditions one is sure, the other has no effect: supported in "
          "both is an error.", _NETWORKS, everywhere, conservative(), power_at=1.5, effect="1.5 in the other"),
    Entry("claim, none supported", "analysis.claim", "The effect is the bound itself.", _NETWORKS,
          partial(bounded, expects="none", wanted="supported"), exact(_EIGHT), at=1.0, power_at=0.0,
          effect="no effect, bound 2 sd"),
    Entry("claim, refuted by the bound", "analysis.claim", "The effect is the bound itself.", _NETWORKS,
          partial(bounded, expects="more", wanted="refuted"), exact(_EIGHT), at=1.0, power_at=0.0,
          effect="no effect, bound 2 sd"),
    Entry("claim, depends", "analysis.claim", "Of two conditions one is sure, the other has no effect: depends is an "
          "error.", _NETWORKS, apart, conservative(), power_at=1.5, effect="1.5 the other way"),
    Entry("claims, any verdict", "analysis.claims", "No effect in either of two conditions: any verdict but not shown "
          "is an error.", _NETWORKS, anything, conservative(), power_at=1.5, effect="1.5 in both"),
)  # fmt: skip
