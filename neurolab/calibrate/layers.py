"""The comparison of two models by their best layers, at its edge: many layers as good as the one of the other."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.analysis.two_models import best_layers
from neurolab.calibrate.entry import Entry, Found, conservative, covers

Stream = np.random.Generator
N_PATTERNS = 199


def twenty_against_three(stream: Stream, effect: float) -> Found:
    """Compare 20 layers, all as good as the best of 3, on 20 stimuli; ``effect`` makes one of the 20 better."""
    stimulus = 0.7 * stream.standard_normal((20, 1))
    a = stimulus + stream.standard_normal((20, 20))
    b = stimulus + stream.standard_normal((20, 3)) - np.array([0.0, 9.0, 9.0])
    a[:, 0] += effect
    first, second = (xr.DataArray(one, dims=("stimulus", "layer")) for one in (a, b))
    found = best_layers(first, second, n_permutations=N_PATTERNS, rng=int(stream.integers(2**31)))
    p, low, high = (float(found[name]) for name in ("p", "low", "high"))
    return Found(p, low, high, effect)


ENTRIES = (
    Entry("best_layers", "analysis.best_layers", "20 layers of one model, all as good as the best of the other's 3.",
          "20 stimuli", twenty_against_three, conservative(), covers(kind="conservative"), power_at=1.5,
          effect="one layer better by 1.5 sd"),
)  # fmt: skip
