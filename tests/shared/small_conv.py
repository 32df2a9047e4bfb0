"""A small convolutional network on the bench, its stimuli, and a hook written by hand to compare with."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from neurolab.specimen import Specimen
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(1)
N, M = 9, 14
UNITS = np.array([0, 3, 4])
SITE = "2"  # 5 channels x 4 x 3, before a tanh


def seeded(build):
    """Build with a torch state of its own, so that every run has the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build()


def shown(n, prefix):
    return StimulusSet(prefix, DRAW.normal(size=(n, 2, 7, 6)), pd.DataFrame({
        "stimulus_id": [f"{prefix}{at}" for at in range(n)], "condition": ["a"] * n, "label": np.arange(n) % 3}))


MODEL = seeded(lambda: nn.Sequential(
    nn.Conv2d(2, 6, 3), nn.ReLU(inplace=True), nn.Conv2d(6, 5, 2), nn.Tanh(), nn.Flatten(), nn.Linear(60, 8), nn.ReLU(),
    nn.Linear(8, 3),
)).eval()  # fmt: skip
NET = Specimen(MODEL, np.ones((1, 2, 7, 6)), name="net")
STIMULI, REFERENCE_STIMULI = shown(N, "s"), shown(M, "r")


def by_hand(stimuli, site=SITE, edit=None, model=MODEL):
    """Activations at a site from a hook of our own, and the read-out, with ``edit`` in place."""
    seen = []

    def hook(module, args, output):
        out = output.clone() if edit is None else torch.tensor(edit(output.numpy().astype(np.float64))).float()
        seen.append(out.clone())
        return out

    handle = model.get_submodule(site).register_forward_hook(hook)
    try:
        with torch.no_grad():
            answer = model(torch.tensor(stimuli.inputs, dtype=torch.float32))
    finally:
        handle.remove()
    return seen[0].numpy(), answer.numpy()
