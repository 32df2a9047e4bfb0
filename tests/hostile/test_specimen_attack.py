"""Networks that an attacker built so that a lesion, a replay or a reference would be wrong without a word."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab.scores as scores
from neurolab.lesion import Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen import Specimen, Task, bench, examine
from neurolab.specimen.replay import Batch, Replay
from neurolab.stimuli import StimulusSet


def seeded(build):
    """Build with a torch state of its own, so that every run has the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build()


def shown(x, prefix="s"):
    n = len(x)
    table = pd.DataFrame({"stimulus_id": [f"{prefix}{at}" for at in range(n)], "condition": ["a", "b"] * (n // 2),
                          "label": [0, 1] * (n // 2)})
    return StimulusSet(prefix, np.asarray(x), table)


def draw(*shape, rng=0):
    return np.random.default_rng(rng).standard_normal(shape).astype(np.float32)


def zeroed(site, *units):
    return [Lesion(ROI(f"unit {unit}", {site: [unit]}), Zero()) for unit in units]


def margins(answers, task):
    return scores.margin(answers.numpy(), task.stimuli.table)


# -- replay ----------------------------------------------------------------------------------------------------------


class Masking(nn.Module):
    """Leaves the padding mask aside for a later module: on itself, or (``box``) where no module shows it."""

    def __init__(self, box):
        super().__init__()
        self.inner = nn.Embedding(10, 6)
        on_self, in_box = (lambda mask: setattr(self, "mask", mask)), (lambda mask: box.__setitem__(0, mask))
        self.put = on_self if box is None else in_box

    def forward(self, ids):
        self.put((ids != 0).float())
        return self.inner(ids)


class Masked(nn.Module):
    def __init__(self, box=None):
        super().__init__()
        self.embed, self.mlp, self.head = Masking(box), nn.Linear(6, 8), nn.Linear(8, 2)
        self.get = (lambda: self.embed.mask) if box is None else (lambda: box[0])

    def forward(self, ids):
        h, mask = torch.relu(self.mlp(self.embed(ids))), self.get().unsqueeze(-1)
        return self.head((h * mask).sum(1) / mask.sum(1))


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("hidden", [False, True], ids=["on the module", "in a closure"])
def test_a_mask_left_aside__is_never_stale(hidden, batch_size):
    box = [None]
    model = seeded(lambda: Masked(box if hidden else None))
    net = Specimen(model, np.ones((1, 5), dtype=np.int64))
    full, padded = (np.random.default_rng(rng).integers(1, 10, (8, 5)) for rng in (0, 1))
    padded[:, 2:] = 0
    tasks = [Task(name, shown(x, name), scores.margin) for name, x in (("full", full), ("padded", padded))]
    design = zeroed("mlp", *range(6))
    trials = examine(net, design, tasks, batch_size=batch_size, progress=False)
    for at, lesion in enumerate(design, start=1):
        unit = int(lesion.roi.units["mlp"][0])
        handle = model.mlp.register_forward_hook(
            lambda module, args, out, unit=unit: out.index_fill(-1, torch.tensor([unit]), 0.0))
        with torch.no_grad():
            truth = [margins(model(torch.tensor(x)), task) for x, task in zip((full, padded), tasks)]
        handle.remove()
        np.testing.assert_allclose(trials.score.values[0, at], np.concatenate(truth), atol=1e-6)


class Shared(nn.Module):
    """One activation used by three blocks: a stubbed block hides one of its calls."""

    def __init__(self):
        super().__init__()
        act = nn.ReLU()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(6, 6, bias=False), act) for _ in range(3))
        self.act, self.head = act, nn.Linear(6, 2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


@pytest.mark.parametrize("site", ["blocks.0.1@1", "blocks.0.1@2", "blocks.2.0", "blocks.1"])
def test_scores__do_not_depend_on_the_order_of_the_design_nor_on_replay(site, monkeypatch):
    net = Specimen(seeded(Shared), np.abs(draw(2, 6)))
    task = Task("t", shown(np.abs(draw(10, 6))), scores.margin)
    design = [Lesion(ROI("all", {site: range(6)}), Zero()), *zeroed(site, *range(6))]
    alone = [examine(net, [lesion], [task], progress=False).score.values[0, 1] for lesion in design]
    monkeypatch.setattr("neurolab.specimen.replay.WORTH", 0)
    np.testing.assert_array_equal(examine(net, design, [task], progress=False).score.values[0, 1:], alone)
    back = examine(net, design[::-1], [task], progress=False).score.values[0, 1:]
    np.testing.assert_array_equal(back[::-1], alone)


def test_replay__is_refused_where_the_proof_shows_no_edit_and_used_where_it_does(monkeypatch):
    monkeypatch.setattr("neurolab.specimen.replay.WORTH", 0)

    class Deaf(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.head(torch.relu(self.a(x)) + 0 * self.b(x))

    net = Specimen(seeded(Deaf), draw(1, 4))
    batches = [Batch(net.prepare(draw(4, 4, rng=at)), tuple(f"{at}{row}" for row in range(4))) for at in range(2)]
    design = [*zeroed("a", *range(4)), *zeroed("b", *range(4))]
    with bench(net) as table:
        replay = Replay(table, batches, design)
    assert [replay.proved[replay.cut(lesion)] for lesion in (design[0], design[-1])] == [True, False]


# -- what a model keeps of its tensors -------------------------------------------------------------------------------


def test_one_static_output_buffer__is_read_before_it_is_written_anew():
    class Static(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.head, self.out = nn.Linear(4, 4), nn.Linear(4, 2), {}

        def forward(self, x):
            y = self.head(torch.relu(self.a(x)))
            return self.out.setdefault(len(x), torch.empty_like(y)).copy_(y)

    net, task = Specimen(seeded(Static), draw(1, 4)), Task("t", shown(draw(8, 4)), scores.margin)
    whole, parts = (examine(net, zeroed("a", 0), [task], batch_size=n, progress=False) for n in (8, 4))
    np.testing.assert_allclose(whole.score, parts.score, atol=1e-6)
    assert whole["certificate_downstream"].values[0].tolist() == [0, 1]


def test_an_input_written_through_data__is_a_copy():
    class Halving(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            x.data.mul_(0.5)
            return self.head(torch.relu(self.a(x)))

    net = Specimen(seeded(Halving), np.zeros((1, 4)))
    design = [Lesion(ROI(f"again {at}", {"a": [0]}), Zero()) for at in range(4)]
    found = examine(net, design, [Task("t", shown(9 * draw(8, 4)), scores.margin)], progress=False).score.values[0]
    assert (found[1:] == found[1]).all()
