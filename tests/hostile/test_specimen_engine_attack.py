"""Networks and designs that once made a fast path differ from the hook loop unseen: each is right, or refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.design import sham
from neurolab.digest import digest_of
from neurolab.lesion import Clamp, Lesion, Scale, Zero
from neurolab.roi import ROI
from neurolab.specimen import ABLATIONS, Specimen, bench, selftest
from neurolab.specimen.engine import Engine
from neurolab.specimen.identity import identity_of
from neurolab.specimen.plan import PATHS, ROUNDING
from neurolab.specimen.promises import one_thread
from neurolab.specimen.replay import Batch
from neurolab.specimen.specimen import Task
from neurolab.specimen.survey import rows
from neurolab.stimuli import StimulusSet

N, BATCH = 21, 8  # the last batch is a small one


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build().eval()


def shown(values):
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(len(values))], "condition": ["a"] * len(values)})
    return StimulusSet("shown", values, table)


def drawn(*shape, n=N):
    return np.random.default_rng(1).normal(size=(n, *shape))


def cut(site, units, how=None, dims=None):
    how = how or Zero()
    name = f"{how.label} {digest_of(list(units))}"
    return Lesion(ROI(name, {site: units}, {site: dims} if dims else {}), how)


def answers_by(net, stimuli, design, paths, exact):
    with one_thread(), bench(net) as table:
        inputs, ids = net.prepare(stimuli.inputs), stimuli.ids
        batches = [Batch(inputs[at : at + BATCH], ids[at : at + BATCH]) for at in range(0, len(ids), BATCH)]
        engine = Engine(table, batches, design, always=True)
        plan = engine.plan(exact, paths)
        return {at: torch.cat(out) for tile in plan.tiles() for at, _, out in engine.answers(tile)}, plan


def check(net, stimuli, lesions, exact="rounding", paths=PATHS):
    """Answers of every lesion as the hook loop gives them, to the class; get the plan."""
    design = [sham(lesions[0]), *lesions]
    found, plan = answers_by(net, stimuli, design, paths, exact)
    whole, _ = answers_by(net, stimuli, design, ("hooks",), exact)
    for at, lesion in enumerate(design):
        bound = 0.0 if exact == "bit" else ROUNDING * float(whole[at].abs().max())
        assert float((found[at] - whole[at]).abs().max()) <= bound, (lesion.id, plan.groups[-1].path)
    return plan


def unseen(build, told):
    """Lesions by a level that is turned until the one that the canary draws is among the told places."""
    for level in range(999):
        lesions = build(1 + level / 1000)
        if min(range(len(lesions)), key=lambda at: digest_of("canary", lesions[at].digest)) in told:
            return lesions
    raise AssertionError("no level will do")


class Dense(nn.Module):
    def __init__(self, hidden=8, behind=8):
        super().__init__()
        self.up, self.mid, self.down = nn.Linear(6, hidden), nn.Linear(hidden, behind), nn.Linear(behind, 3)
        self.top, self.act = 1e3, nn.ReLU()

    def behind(self, x):
        return self.act(self.mid(torch.relu(self.up(x)).clamp(max=self.top)))

    def forward(self, x):
        return self.down(self.behind(x))


def test_single_positions_that_make_up_a_channel__are_lesioned_alone():
    net = Specimen(seeded(lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU(),
                                                nn.Flatten(), nn.Linear(20, 3))), np.ones((1, 2, 6, 6)))
    places = np.arange(4 * 16).reshape(4, 16)
    dims = ("channel", "row", "col")
    wholes = [places[list(which)].ravel() for which in ([0], [1], [2], [3], [0, 1], [1, 2], [2, 3], [0, 3], [0, 2])]
    together = [cut("1", units, dims=dims) for units in (*wholes, places[3, [2]])]
    check(net, shown(drawn(2, 6, 6)), together)


def test_unit_that_is_loud_for_some_stimuli_and_features__is_not_subtracted():
    class Apart(nn.Module):
        def __init__(self):
            super().__init__()
            self.mid, self.head = nn.Linear(4, 4), nn.Linear(4, 3)
            weights = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0.5, -1]])
            self.mid.weight = nn.Parameter(weights)

        def forward(self, x):
            return self.head(torch.tanh(self.mid(x)))

    values = np.abs(drawn(4)) * 0.3
    values[BATCH:, 0] *= 1e6
    values[BATCH:, 1] *= 1e8
    net = Specimen(seeded(Apart), np.ones((1, 4)))
    check(net, shown(values), [cut("input", units) for units in ([2], [0], [3], [2, 3])])


@pytest.mark.parametrize("change", ["attribute", "module", "hook"])
def test_model_changed_between_two_campaigns__is_read_anew(change):
    model = seeded(Dense)
    net, stimuli = Specimen(model, np.ones((1, 6))), shown(drawn(6))

    def build(level):
        mild = [cut("up", [k], Scale(1.2 * level)) for k in range(8)] + [cut("up", [0, 1], Scale(1.2 * level))]
        return mild + [cut("up", [k], Scale(80.0)) for k in range(8)]

    lesions = unseen(build, range(9))
    check(net, stimuli, lesions)
    if change == "attribute":
        model.top = 6.0
    elif change == "module":
        model.act = nn.ReLU6()
    else:
        model.mid.register_forward_hook(lambda module, args, output: output.clamp(-3, 3))
    check(net, stimuli, lesions)


@pytest.mark.parametrize("exact", ["rounding", "bit"])
def test_forward_that_branches_on_the_batch_size__is_right(exact):
    class Branching(Dense):
        def forward(self, x):
            behind = self.behind(x)
            return self.down(behind.clamp(max=9.0) if x.shape[0] < 6 else behind)

    def build(level):
        mild = [cut("up", [k], Scale(1.01 * level)) for k in range(8)] + [cut("up", [0, 1], Scale(1.01 * level))]
        return mild + [cut("up", [k], Scale(90.0)) for k in range(8)]

    lesions = unseen(build, range(9))
    check(Specimen(seeded(Branching), np.ones((1, 6))), shown(drawn(6) * 2), lesions, exact)


class Peak(Dense):
    def forward(self, x):
        behind = self.behind(x)
        loud = (behind.sum(1, keepdim=True) - 0.6).clamp(min=0).cummax(0).values
        return self.down(behind * (1 + loud))


class Room(Dense):
    def forward(self, x):
        behind = self.behind(x)
        ask = (behind.sum(1) > 0.6).to(behind)
        return self.down(behind * (1 + ask * (ask.cumsum(0) <= 4).to(behind))[:, None])


@pytest.mark.parametrize("kind", [Peak, Room])
def test_rows_that_interact_in_later_batches_only__are_kept_apart(kind):
    values = drawn(6) * 2
    values[:BATCH] *= 0.1
    check(Specimen(seeded(kind), np.ones((1, 6))), shown(values), [cut("up", [k]) for k in range(8)])


class Gathered(Dense):
    """One position of each sequence is read, by an index along the batch."""

    def forward(self, x):
        return self.down(self.behind(x)[torch.arange(x.shape[0]), x[:, :, 0].argmax(1)])


class Sorted(Dense):
    """Sequences are sorted, worked on and put back, as packed ones are."""

    def forward(self, x):
        order = x[:, :, 0].mean(1).argsort()
        return self.down(self.behind(x).mean(1)[order].mul(2)[order.argsort()])


@pytest.mark.parametrize("path", ["sparse", "slice"])
@pytest.mark.parametrize("kind", [Gathered, Sorted])
def test_rows_read_by_index__are_those_of_their_own_lesion(kind, path):
    # the drawn canary lies at the first place of a tile, where a wrong row is the right one
    lesions = unseen(lambda level: [cut("up", [k], Clamp(level)) for k in range(8)], [0])
    check(Specimen(seeded(kind), np.ones((1, 4, 6))), shown(drawn(4, 6, n=13)), lesions, paths=(path,))


def test_read_out_that_is_a_transposed_view__is_answered():
    class Turned(Dense):
        def forward(self, x):
            return self.mid(torch.relu(self.up(x))).view(-1, 2, 4).transpose(1, 2)

    check(Specimen(seeded(Turned), np.ones((1, 6))), shown(drawn(6)), [cut("mid", [k]) for k in range(8)])


def test_slice_one_at_a_time__is_served_where_side_by_side_is_wrong(monkeypatch):
    class Rolled(Dense):
        def forward(self, x):
            behind = self.behind(x)
            return self.down(behind + 0.1 * behind.roll(1, 0))

    monkeypatch.setattr(selftest, "_different", lambda net: rows(net.example, 3))  # else it is refused at load
    plan = check(Specimen(seeded(Rolled), np.ones((1, 6))), shown(drawn(6)), [cut("up", [k]) for k in range(8)])
    assert plan.groups[-1].path in ("sparse", "slice")
    assert plan.groups[-1].copies == 1


def test_built_in_ablation_with_another_entry__is_what_the_entry_says(monkeypatch):
    monkeypatch.setitem(ABLATIONS, Scale, lambda how, values, of: values * (how.factor if len(of.units) % 2 else 1.0))
    sets = [[0], [1], [2], [3], [0, 1], [1, 2], [2, 3], [0, 1, 2, 3, 4]]
    lesions = unseen(lambda level: [cut("up", one, Scale(0.3 * level)) for one in sets], [0, 1, 2, 3, 7])
    check(Specimen(seeded(Dense), np.ones((1, 6))), shown(drawn(6)), lesions)


class Column:
    def __init__(self, at):
        self.at = at

    def score(self, outputs, table):
        return outputs[:, self.at]


def closing_over(column):
    return lambda outputs, table: column.score(outputs, table)


@pytest.mark.parametrize("made", [lambda at: Column(at).score, lambda at: closing_over(Column(at))])
def test_identity__knows_what_a_score_holds(made):
    net, stimuli = Specimen(seeded(Dense), np.ones((1, 6)), name="net"), shown(drawn(6))
    one, other, again = (identity_of(net, [Task("t", stimuli, made(at))], 8, "rounding") for at in (0, 1, 0))
    assert one != other
    assert one == again
