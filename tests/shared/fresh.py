"""Stimuli and answers for networks that a test builds on the spot."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from torch import nn

from neurolab.specimen import Specimen, bench
from neurolab.stimuli import StimulusSet

CHANCE = torch.Generator().manual_seed(0)


@contextmanager
def own_chance():
    """The same torch state, and the same ``normal`` numbers, for every test, whatever ran before it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        CHANCE.manual_seed(1)
        yield


def shown(inputs, name="shown"):
    n = len(inputs)
    return StimulusSet(name, np.asarray(inputs), pd.DataFrame({
        "stimulus_id": [f"s{at}" for at in range(n)], "condition": ["ab"[at % 2] for at in range(n)],
        "label": np.arange(n) % 2}))  # fmt: skip


def normal(*shape):
    return torch.randn(*shape, generator=CHANCE)


def small(**settings):
    torch_free = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    return Specimen(torch_free, np.ones((1, 4)), name="small", **settings)


def answer(specimen, stimuli, *lesions):
    with bench(specimen) as table, table.lesioned(*lesions) as damage:
        out = table.forward(specimen.prepare(stimuli.inputs), stimuli.ids)
        if lesions:
            table.check_read(damage, specimen.prepare(stimuli.inputs)[:2], stimuli.ids[:2])
            damage.certificate()
    return out
