"""The verbs that select: localisers under each correction, held-out effects, a picked pair."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.heldout import held_out
from neurolab.analysis.localiser import localise
from neurolab.analysis.picked import picked_dissociation
from neurolab.analysis.readable import decode
from neurolab.calibrate.entry import Entry, Found, approximate, attainable, conservative, exact
from neurolab.calibrate.verbs import normal_trials
from neurolab.simulate import phantom_recording

Stream = np.random.Generator
CONTRAST = "faces > objects"
AT_ONCE = 200


def units(stream: Stream, effect: float, *, test: str, **settings: Any) -> Found:
    """Test 200 independent units of one recording without correction; for Welch, faces spread thrice as much."""
    noise = phantom_recording(n_units=AT_ONCE, selective={}, n_stimuli=15, rng=stream)
    faces = (noise["condition"].values == "faces")[:, None]
    values = noise.values * np.where(faces & (test == "welch"), 3.0, 1.0) + effect * faces
    more = {"pair": ("presentation", np.arange(30) % 15), "age": ("presentation", np.arange(30.0) % 7)}
    recording = noise.copy(data=values).assign_coords(more)
    return Found(localise(recording, CONTRAST, test=test, correction="none", **settings)["p"].values)


def any_unit(stream: Stream, effect: float, *, correction: str) -> Found:
    """Look for any unit among 20, of which two are dead and one prefers faces by ``effect``."""
    noise = phantom_recording(
        n_units=20, selective={"faces": 1}, effect=effect, n_stimuli=10, dead=2, rng=stream
    )
    seed = int(stream.integers(2**31))
    return Found(float(localise(noise, CONTRAST, correction=correction, n_permutations=199, rng=seed)["q"].min()))


def held(stream: Stream, effect: float) -> Found:
    """Test the held-out effect of the best tenth of 30 units; 3 units prefer faces by ``effect``."""
    recording = phantom_recording(
        n_units=30, selective={"faces": 3}, effect=effect, n_stimuli=6, n_runs=2, rng=stream
    )
    seed = int(stream.integers(2**31))
    return Found(float(held_out(recording, CONTRAST, top=3, n_permutations=19, rng=seed)["p"]))


def read_out(stream: Stream, effect: float) -> Found:
    """Decode two conditions, one shown twice as often, from 20 units, of which 5 prefer one by ``effect``."""
    recording = phantom_recording(n_units=20, selective={"faces": 5}, effect=effect, n_stimuli=16, rng=stream)
    some = recording.isel(presentation=slice(0, 24))
    return Found(float(decode(some, n_permutations=19, rng=int(stream.integers(2**31)))["p"]))


def picked(stream: Stream, effect: float, *, p: str, n: int = 30, n_picked: int = 4) -> Found:
    """Pick the best pair of candidates drawn like the pool; ``effect`` is a true double dissociation."""
    plan = {f"r{k}": {"X": 0.2, "Y": 0.2} for k in range(n)}
    plan["r0"]["X"] += effect
    plan["r1"]["Y"] += effect
    names = list(plan)
    found = picked_dissociation(
        normal_trials(plan, stream, spread=0.3, n_stimuli=4), candidates=names[:n_picked], pool=names[n_picked:],
        tasks=("X", "Y"), n_permutations=59, rng=int(stream.integers(2**31)),
    )  # fmt: skip
    return Found(float(found[p].max()) if p == "held_p" else float(found[p]))


def picked_among_own(stream: Stream, effect: float, *, p: str, gap: float = 1.0) -> Found:
    """Pick between A and B, each a draw of its own 19 controls; those of A cost X ``gap`` more, those of B cost Y."""
    plan = {"A": {"X": effect, "Y": 0.0}, "B": {"X": 0.0, "Y": effect}}
    trials = normal_trials(plan, stream, spread=0.5, n_stimuli=4, n_controls=19)
    site, task, hurt = trials["roi"].values[:, None], trials["task"].values, trials["role"].values[:, None] != "sham"
    more = gap * hurt * ((site == "A") & (task == "X") | (site == "B") & (task == "Y"))
    seed = int(stream.integers(2**31))
    found = picked_dissociation(
        trials.assign(score=trials["score"] - xr.DataArray(more, dims=("lesion", "trial"))), candidates=["A", "B"],
        pool="matched", tasks=("X", "Y"), n_permutations=59, rng=seed,
    )  # fmt: skip
    return Found(float(found[p]))


def picked_alike(stream: Stream, effect: float) -> Found:
    """Pick among 4 of 30 lesions, each of which does alike in all networks; ``effect`` is a true dissociation."""
    costs = stream.normal(0, 0.5, (30, 2))
    costs[0, 0] += effect
    costs[1, 1] += effect
    plan = {f"r{k}": {"X": x, "Y": y} for k, (x, y) in enumerate(costs)}
    names = list(plan)
    found = picked_dissociation(
        normal_trials(plan, stream, n_stimuli=4), candidates=names[:4], pool=names[4:], tasks=("X", "Y"),
        n_permutations=59, rng=int(stream.integers(2**31)),
    )  # fmt: skip
    return Found(float(found["rank_p"]))


def first_claim(stream: Stream, effect: float) -> Found:
    """Test the first held-out claim of a picked pair of lesions that truly cost the same."""
    plan = {f"r{k}": {"X": 0.2, "Y": 0.2} for k in range(10)}
    names, seed = list(plan), int(stream.integers(2**31))
    trials = normal_trials(plan, stream, n_stimuli=4)
    found = picked_dissociation(
        trials, candidates=names[:5], pool=names[5:], tasks=("X", "Y"), n_permutations=19, rng=seed
    )
    return Found(float(found["held_p"].values[0]))


_LOCALISE, _PICKED = "analysis.localise", "analysis.picked_dissociation"
_MORE: dict[str, dict[str, Any]] = {"welch": {}, "rank": {}, "paired": {"pair": "pair"}, "glm": {"nuisance": "age"}}
_KIND = {"welch": approximate(0.0445), "rank": conservative(), "paired": exact(), "glm": exact()}
_SIZE: dict[str, Any] = {"power_at": 2.5, "effect": "one unit at 2.5 sd"}

ENTRIES = (
    *(Entry(f"localise, {test}, one unit", _LOCALISE, "Units that prefer nothing.", "15 + 15 presentations",
            partial(units, test=test, **more), _KIND[test], power_at=1.5, effect="1.5 sd (Welch: 0.5 of the larger)",
            at_once=AT_ONCE) for test, more in _MORE.items()),
    *(Entry(f"localise, {correction}, any unit", _LOCALISE, "20 units, none prefers faces: any q <= .05 is an error.",
            "10 + 10 presentations", partial(any_unit, correction=correction),
            exact(attainable(200)) if correction == "max_t" else conservative(), **_SIZE)
      for correction in ("fdr", "by", "holm", "max_t")),
    Entry("held_out", "analysis.held_out", "No unit prefers faces; the selection is run again on shuffled labels.",
          "2 runs of 6 + 6 presentations", held, exact(attainable(20)), power_at=1.0, effect="3 of 30 units at 1 sd"),
    Entry("decode", "analysis.decode", "No unit prefers anything; the decoder is fitted again on shuffled conditions.",
          "16 + 8 stimuli", read_out, conservative(), power_at=1.5, effect="5 of 20 units at 1.5 sd", quick=True),
    Entry("picked_dissociation, rank p", _PICKED, "Candidates are draws of the pool.", "8 networks",
          partial(picked, p="rank_p"), exact(attainable(60)), power_at=2.0, effect="double dissociation of 2"),
    Entry("picked_dissociation, sign flip", _PICKED, "Candidates are draws of the pool; the excess is skewed.",
          "8 networks", partial(picked, p="p"), approximate(), power_at=2.0, effect="double dissociation of 2"),
    Entry("picked_dissociation, rank p among own controls", _PICKED,
          "Two candidates are draws of their own controls, at two sites that cost unlike tasks 2 sd more.",
          "8 networks, 19 controls each", partial(picked_among_own, p="rank_p"), exact(attainable(60)), power_at=1.5,
          effect="each 1.5 more than its controls"),
    Entry("picked_dissociation, sign flip among own controls", _PICKED, "The same; the excess is skewed.",
          "8 networks, 19 controls each", partial(picked_among_own, p="p"), approximate(), power_at=1.5,
          effect="each 1.5 more than its controls"),
    Entry("picked_dissociation, rank p of lesions alike in all networks", _PICKED,
          "Candidates are draws of the pool; a lesion costs the same in all networks.", "8 networks", picked_alike,
          exact(attainable(60)), power_at=4.0, effect="double dissociation of 4"),
    Entry("picked_dissociation, held out", _PICKED, "Lesions of equal cost, measured where they were not picked.",
          "8 networks", first_claim, exact(attainable(256))),
)  # fmt: skip
