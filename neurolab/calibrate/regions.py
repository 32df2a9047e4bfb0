"""The verbs on many lesions and many steps: contributions, minimal sets, reserve, robustness, recovery, savings."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.contributions import shapley
from neurolab.analysis.in_pairs import pair_interactions
from neurolab.analysis.noise import robustness
from neurolab.analysis.relearn import recovery
from neurolab.analysis.removed import reserve
from neurolab.analysis.saved import savings
from neurolab.analysis.smallest import minimal_set
from neurolab.calibrate.entry import NAN, Entry, Found, attainable, conservative, covers, exact
from neurolab.calibrate.verbs import main_test, normal_trials
from neurolab.coalitions import removals
from neurolab.lesion import Zero
from neurolab.roi import ROI
from neurolab.simulate import phantom_noise
from neurolab.trials import make_trials

Stream = np.random.Generator


def backups(stream: Stream, effect: float) -> xr.Dataset:
    """Get trials of every coalition of three regions: A and B back each other up, C costs ``effect``, all else adds."""
    plan = {}
    for size in (1, 2, 3):
        for names in combinations("ABC", size):
            both = 3.0 * ("A" in names and "B" in names)
            plan[" + ".join(names)] = {"X": both + effect * ("C" in names)}
    return normal_trials(plan, stream, n_stimuli=1)


def contribution(stream: Stream, effect: float, *, family: bool = False) -> Found:
    """Test the Shapley value of C, or look at C's corrected p."""
    found = shapley(backups(stream, effect), task="X", rng=0).sel(player="C")
    return main_test(found, truth=effect) if not family else Found(float(found["q"]))


def pair(stream: Stream, effect: float) -> Found:
    """Test the interaction of A and C, which act apart; with an effect, of A and B, who then share 3 of it."""
    found = pair_interactions(backups(stream, 0.0), task="X", rng=0)
    named = list(zip(found["first"].values.astype(str), found["second"].values.astype(str)))
    return main_test(found.isel(pair=named.index(("A", "B") if effect else ("A", "C"))), truth=effect)


def bound_exactly(stream: Stream, effect: float) -> Found:
    """Say whether a region is shown to cost more than 1 by networks that did not choose it; it costs ``effect``."""
    while True:
        trials, seed = normal_trials({"A": {"X": effect}}, stream, n_stimuli=1), int(stream.integers(2**31))
        found = minimal_set(trials, task="X", costing={"X": 1.0}, rng=seed)
        if found.sizes["set"]:
            return Found(0.0 if bool(found["shown"][0]) else 1.0)


def random_orders(stream: Stream, effect: float) -> xr.Dataset:
    """Get trials of 8 networks in which an order of removal costs 0.4 of the score at full dose, random ones less."""
    rois = [ROI(name, {"site": np.array([at])}) for at, name in enumerate("abcd")]
    design = removals(rois, Zero(), name="order", shares=[0.5], n_random=2, rng=0)
    at = np.array([0.0 if one.role == "sham" else one.dose for one in design])
    own = np.array([one.role == "target" for one in design])
    score = 1 - (0.4 + effect * own) * at + 0.05 * stream.normal(size=(8, len(at))) * (at > 0)
    return make_trials(
        score[:, :, None], lesions=design, specimen=[f"net {at}" for at in range(8)], kind="simulated",
        trial={"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]},
        tasks={"t": {"unit": "score", "bounded": False, "chance": 0.0}},
    )  # fmt: skip


def order(stream: Stream, effect: float) -> Found:
    """Test whether an order of removal costs more than random orders, by ``effect`` at full dose."""
    found = reserve(random_orders(stream, effect), lesion="order", task="t", rng=0)
    return Found(float(found["p"].sel(measure="area")))


def noise_stood(stream: Stream, effect: float) -> Found:
    """Test whether a lesion shifts the noise that halves the score, by ``effect`` (a share of it)."""
    trials = phantom_noise(ed50={"intact": 1.0, "A": 1.0 - effect}, rng=stream)
    return Found(float(robustness(trials, noise="input", lesion="A", task="X", rng=0)["p"]))


def won_back(stream: Stream, effect: float) -> Found:
    """Test whether retraining wins back any of a deficit of 0.5; the truth is the share ``effect``."""
    deficit = 0.5 * np.array([1.0, 1.0 - effect / 2, 1.0 - effect])
    score = np.stack([0.9 - deficit, np.full(3, 0.9)]) + 0.05 * stream.normal(size=(8, 2, 3))
    arms: dict[str, Any] = {"specimen": range(8), "arm": ["lesioned", "intact"], "step": [0, 10, 50]}
    found = recovery(xr.DataArray(score, coords=arms, dims=list(arms)), chance=0.1, rng=0)
    low, high = (float(found[f"effect_{end}"]) for end in ("low", "high"))
    return Found(float(found["p"]), low, high, effect)


def relearnt(stream: Stream, effect: float) -> Found:
    """Test whether relearning takes fewer steps than the 50 of first learning; the truth is the share ``effect``."""
    steps = 50 * (1 - effect * np.array([0.0, 1.0])) + 5 * stream.normal(size=(8, 2))
    arms: dict[str, Any] = {"specimen": range(8), "arm": ["first learning", "relearning"]}
    found = savings(xr.DataArray(steps, coords=arms, dims=list(arms)), rng=0)
    low, high = (float(found.get(f"effect_{end}", NAN)) for end in ("low", "high"))
    return Found(float(found["p"]), low, high, effect)


_ROOT, _EIGHT, _N = "analysis.", attainable(256), "8 networks"

ENTRIES = (
    Entry("shapley, over networks", _ROOT + "shapley", "A region contributes nothing beside two backups.", _N,
          contribution, exact(_EIGHT), covers(rate=1 - _EIGHT), power_at=1.5, effect="contribution 1.5"),
    Entry("shapley, corrected over regions", _ROOT + "shapley", "A region contributes nothing beside two backups.", _N,
          partial(contribution, family=True), conservative()),
    Entry("pair_interactions", _ROOT + "pair_interactions", "Two regions act apart.", _N, pair, exact(_EIGHT),
          covers(rate=1 - _EIGHT), power_at=3.0, effect="backups of 3"),
    Entry("minimal_set", _ROOT + "minimal_set", "The region costs the bound itself.", "5 of 8 networks",
          bound_exactly, exact(1 / 32), at=1.0, power_at=3.0, effect="costs 3, bound 1"),
    Entry("reserve, area", _ROOT + "reserve", "The order is one more random order.", _N, order, exact(_EIGHT),
          power_at=0.1, effect="0.1 more at full dose"),
    Entry("robustness, shift of the ED50", _ROOT + "robustness", "The lesion shifts nothing.",
          "8 networks, 100 stimuli", noise_stood, exact(_EIGHT), power_at=0.4, effect="ED50 40 % lower"),
    Entry("recovery", _ROOT + "recovery", "Retraining wins back nothing.", _N, won_back, exact(_EIGHT),
          covers(rate=1 - _EIGHT), power_at=0.3, effect="30 % won back"),
    Entry("savings", _ROOT + "savings", "Relearning takes as many steps.", _N, relearnt, exact(_EIGHT),
          covers(rate=1 - _EIGHT), power_at=0.2, effect="20 % saved"),
)  # fmt: skip
