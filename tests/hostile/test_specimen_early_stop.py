"""A forward is left once every wanted site has fired, where nothing can tell; the numbers are the same to the bit."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.lesion import Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, bench, record
from neurolab.specimen.stopping import saved
from neurolab.stimuli import StimulusSet

N, BATCH = 96, 16


def shown(n=N):
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["a"] * n})
    return StimulusSet("shown", np.random.default_rng(0).normal(size=(n, 1, 8, 8)).astype(np.float32), table)


#: Counters by their id: where a forward keeps count itself it is not left, so that it is counted behind its back.
COUNTERS = {}


def known(calls):
    COUNTERS[id(calls)] = calls
    return id(calls)


def note(number, name):
    COUNTERS[number].update([name])


class Counted(nn.Module):
    """Counts its calls, where nobody looks."""

    def __init__(self, name, module, calls):
        super().__init__()
        self.inner, self.name, self.number = module, name, known(calls)

    def forward(self, x):
        note(self.number, self.name)
        return self.inner(x)


class Layers(nn.Module):
    def __init__(self, calls):
        super().__init__()
        made = {"conv": nn.Conv2d(1, 4, 3), "relu": nn.ReLU(inplace=True), "flat": nn.Flatten(),
                "hidden": nn.Linear(144, 6), "head": nn.Linear(6, 3)}
        self.layers = nn.ModuleDict({name: Counted(name, part, calls) for name, part in made.items()})

    def forward(self, x):
        for layer in self.layers.values():
            x = layer(x)
        return x


def made(kind=Layers):
    calls = Counter()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        net = Specimen(kind(calls), shown().inputs[:1], name="net")
    calls.clear()
    return net, calls


def reference(net, address):
    """What a plain hook sees of every stimulus."""
    kept = []
    path = net.model.get_submodule(address)
    handle = path.register_forward_hook(lambda module, args, output: kept.append(output.detach().clone().flatten(1)))
    with torch.no_grad():
        for low in range(0, N, BATCH):
            net.model.eval()(torch.from_numpy(shown().inputs[low : low + BATCH].copy()))
    handle.remove()
    return torch.cat(kept).numpy()


@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("deepest, after", [("layers.conv", 4), ("layers.relu", 3), ("layers.hidden", 1)])
def test_stop__nothing_after_the_deepest_site_runs(deepest, after, store, tmp_path):
    net, calls = made()
    out = record(net, shown(), [Probe(deepest, pool=None), Probe("input", pool=None)], batch_size=BATCH,
                 store=tmp_path / "a.zarr" if store else None)
    names = list(net.model.layers)
    batches, trial = N // BATCH, 2  # the trial answers two stimuli twice, and leaves them once
    assert [calls[name] for name in names[: 5 - after]] == [batches + trial + 1] * (5 - after)
    assert [calls[name] for name in names[5 - after :]] == [trial] * after
    expected = reference(net, deepest)
    here = out.isel(neuroid=out["site"].values == 0).values
    np.testing.assert_array_equal(here, expected)


def test_input__alone_needs_no_forward():
    net, calls = made()
    out = record(net, shown(), [Probe("input", pool=None)], batch_size=BATCH)
    assert set(calls.values()) == {2}
    np.testing.assert_array_equal(out.values, shown().inputs.reshape(N, -1))


def test_whole__where_the_read_out_a_lesion_or_a_hook_is_wanted():
    net, calls = made()
    record(net, shown(), ["layers.conv", "output"], batch_size=BATCH)
    assert calls["head"] == N // BATCH
    net, calls = made()
    late = Lesion(ROI("late", {"layers.head": [0]}), Zero())
    record(net, shown(), ["layers.conv"], lesions=[late], batch_size=BATCH)
    assert calls["head"] >= N // BATCH
    net, calls = made()
    seen = []
    handle = net.model.layers["head"].register_forward_hook(lambda *given: seen.append(1))
    record(net, shown(), ["layers.conv"], batch_size=BATCH)
    handle.remove()
    assert len(seen) == calls["head"] == N // BATCH
    net, calls = made()
    with bench(net) as table:
        got = []
        with table.probed({net.sites()["layers.head"]: lambda tensor: got.append(len(tensor))}):
            record(net, shown(), ["layers.conv"], batch_size=BATCH)
    assert got == [BATCH] * (N // BATCH)


def test_little_to_save__is_not_worth_a_trial():
    net, calls = made()
    record(net, shown(3), ["layers.conv"])
    assert calls == dict.fromkeys(net.model.layers, 1)
    assert saved(net, [net.sites()["layers.head"]]) == 0
    assert saved(net, [net.sites()["input"]]) == 1


class Swallows(Layers):
    """Catches whatever is raised in its middle, and goes on with something else."""

    def forward(self, x):
        try:
            x = self.layers["relu"](self.layers["conv"](x))
        except:  # noqa: E722
            x = torch.zeros(len(x), 4, 6, 6)
        return self.layers["head"](self.layers["hidden"](self.layers["flat"](x)))


class Catches(Layers):
    """Catches errors, as a forward with a fallback does: what leaves a forward is none."""

    def forward(self, x):
        try:
            return super().forward(x)
        except Exception:
            return torch.zeros(len(x), 3)


class Counting(Layers):
    """Notes on itself that it is in the middle of a forward."""

    depth = 0

    def forward(self, x):
        self.depth = self.depth + 1
        x = super().forward(x)
        self.depth = self.depth - 1
        return x


class Remembers(Layers):
    """Keeps what it answered last."""

    def forward(self, x):
        self.last = super().forward(x)
        return self.last


@pytest.mark.parametrize("kind, stops", [(Swallows, False), (Catches, True), (Counting, False), (Remembers, False)])
def test_odd_models__are_left_only_where_nothing_can_tell(kind, stops):
    net, calls = made(kind)
    out = record(net, shown(), [Probe("layers.conv", pool=None)], batch_size=BATCH)
    assert (calls["head"] < N // BATCH) == stops
    np.testing.assert_array_equal(out.values, reference(net, "layers.conv"))
    assert getattr(net.model, "depth", 0) == 0
    assert all(not module._forward_hooks for module in net.model.modules())


def test_recording__afterwards_is_as_ever():
    net, _ = made()
    before = record(net, shown(), ["output"])
    record(net, shown(), ["layers.conv"], batch_size=BATCH)
    np.testing.assert_array_equal(record(net, shown(), ["output"]).values, before.values)
