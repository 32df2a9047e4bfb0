"""Recurrent layers under every ablation against a network stepped by hand in numpy.

The numbers on the other side are the equations of torch's documentation of nn.RNN, nn.GRU and nn.LSTM, in float64, with
the lesion written into the state of every step before anything reads it.
"""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import neurolab.scores as scores
from neurolab.lesion import Clamp, Lesion, Mean, Noise, Resample, Scale, Stimulate, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, Task, bench, draws, examine, record
from neurolab.specimen.promises import one_thread
from neurolab.stimuli import StimulusSet

DRAW = np.random.default_rng(3)
STEPS, WIDE, HIDDEN = 6, 3, 5
LENGTHS = np.array([6, 2, 5, 6, 3, 1, 4])


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


class Reader(nn.Module):
    """A recurrent layer, all of its answers read out: outputs over time and last states."""

    def __init__(self, cell, packed=False, time_first=False, **options):
        super().__init__()
        self.rnn = cell(WIDE, HIDDEN, batch_first=not time_first, **options)
        self.packed, self.time_first = packed, time_first

    def forward(self, x):
        if self.packed:
            lengths = (x.abs().sum(-1) > 0).sum(1).cpu()
            out, last = self.rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
            out = pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]
        elif self.time_first:
            out, last = self.rnn(x.transpose(0, 1))
            out = out.transpose(0, 1)
        else:
            out, last = self.rnn(x)
        last = last if isinstance(last, tuple) else (last,)
        return torch.cat([out.flatten(1), *(state.transpose(0, 1).flatten(1) for state in last)], dim=1)


def specimen(cell, **options):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = Reader(cell, **options)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1.5)  # far enough from linear
        return Specimen(model.eval(), np.ones((1, STEPS, WIDE)), name="net")


def shown(n, prefix, ragged=False):
    inputs = DRAW.normal(size=(n, STEPS, WIDE))
    if ragged:
        inputs[np.arange(STEPS)[None] >= LENGTHS[np.arange(n) % len(LENGTHS)][:, None]] = 0.0
    table = pd.DataFrame({"stimulus_id": [f"{prefix}{at}" for at in range(n)], "condition": ["a"] * n,
                          "label": np.arange(n) % 3})
    return StimulusSet(prefix, inputs, table)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(net, stimuli, edit=lambda part, step, rows, state: state):
    """The read-out of a Reader and its states over time, in numpy; ``edit`` gets a copy of the state of some rows."""
    rnn, inputs = net.model.rnn, stimuli.inputs.astype(np.float32).astype(np.float64)
    n = len(inputs)
    ends = (np.abs(inputs).sum(-1) > 0).sum(1) if net.model.packed else np.full(n, STEPS)
    below, last, kept = inputs, [], {}
    for layer in range(rnn.num_layers):
        outputs = []
        for suffix in ("", "_reverse") if rnn.bidirectional else ("",):
            w = {name.removesuffix(f"_l{layer}{suffix}"): value.detach().numpy().astype(np.float64)
                 for name, value in rnn.named_parameters() if name.endswith(f"_l{layer}{suffix}")}
            part, out = f"l{layer}{suffix}", np.zeros((n, STEPS, rnn.proj_size or HIDDEN))
            h, c = np.zeros((n, rnn.proj_size or HIDDEN)), np.zeros((n, HIDDEN))
            for step in range(STEPS)[:: -1 if suffix else 1]:
                on = np.flatnonzero(step < ends)
                if len(on):
                    into = partial(write, edit, part, step, on)
                    h[on], c[on] = one_step(rnn.mode, w, below[on, step], h[on], c[on], into)
                    out[on, step] = h[on]
                    kept.setdefault(part, np.zeros((n, STEPS, h.shape[1])))[on, step] = h[on]
                    kept.setdefault(f"{part}/c", np.zeros((n, STEPS, HIDDEN)))[on, step] = c[on]
            outputs.append(out)
            last.append((h, c))
        below = np.concatenate(outputs, axis=2)
    finals = [np.concatenate(states, axis=1) for states in zip(*last)][: 2 if rnn.mode == "LSTM" else 1]
    return np.concatenate([below.reshape(n, -1), *finals], axis=1), kept


def write(edit, part, step, rows, which, state):
    return edit(part + which, step, rows, state.copy())


def one_step(mode, w, x, h, c, edit):
    none = np.zeros(len(w["weight_ih"]))
    gi, gh = x @ w["weight_ih"].T + w.get("bias_ih", none), h @ w["weight_hh"].T + w.get("bias_hh", none)
    if mode == "LSTM":
        enter, forget, new, leave = np.split(gi + gh, 4, axis=1)
        c = edit("/c", sigmoid(forget) * c + sigmoid(enter) * np.tanh(new))
        h = sigmoid(leave) * np.tanh(c)
        return edit("", h @ w["weight_hr"].T if "weight_hr" in w else h), c
    if mode == "GRU":
        (ir, iz, im), (hr, hz, hm) = np.split(gi, 3, axis=1), np.split(gh, 3, axis=1)
        z = sigmoid(iz + hz)
        return edit("", (1 - z) * np.tanh(im + sigmoid(ir + hr) * hm) + z * h), c
    return edit("", np.maximum(gi + gh, 0) if mode == "RNN_RELU" else np.tanh(gi + gh)), c


def answer(net, stimuli, *lesions, batch_size=64):
    inputs, parts = net.prepare(stimuli.inputs), []
    with bench(net) as table, table.lesioned(*lesions) as damage:
        if lesions:
            table.check_read(damage, inputs[:2], stimuli.ids[:2])
        for low in range(0, len(inputs), batch_size):
            parts.append(table.forward(inputs[low : low + batch_size], stimuli.ids[low : low + batch_size]))
        if lesions:
            damage.certificate()
    return torch.cat(parts).double().numpy()


CELLS = {
    "rnn": (nn.RNN, {}), "relu": (nn.RNN, {"nonlinearity": "relu"}), "gru": (nn.GRU, {}), "lstm": (nn.LSTM, {}),
    "projected": (nn.LSTM, {"proj_size": 4}), "unbiased": (nn.LSTM, {"bias": False}),
}  # fmt: skip
SHAPES = {
    "plain": {}, "two": {"num_layers": 2, "dropout": 0.3}, "both": {"bidirectional": True},
    "two-both": {"num_layers": 2, "bidirectional": True}, "time-first": {"time_first": True},
    "packed": {"packed": True}, "packed-two-both": {"packed": True, "num_layers": 2, "bidirectional": True},
}  # fmt: skip
UNITS = np.array([0, 3])


def parts_of(net):
    return [site.part for site in net.sites() if site.kind == "state"]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")  # torch's own, of its speed
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_states_and_clamped_states__equal_the_network_stepped_by_hand(cell, shape):
    net = specimen(CELLS[cell][0], **CELLS[cell][1], **SHAPES[shape])
    stimuli = shown(7, "s", ragged=net.model.packed)
    intact, states = by_hand(net, stimuli)
    with torch.no_grad():
        np.testing.assert_allclose(net.model(net.prepare(stimuli.inputs)).numpy(), intact, atol=1e-6)
    parts = parts_of(net)
    kept = record(net, stimuli, [Probe(f"rnn/{part}", pool=None, dtype="float64") for part in parts])
    expected = np.concatenate([states[part].reshape(7, -1) for part in parts], axis=1)
    np.testing.assert_allclose(kept.values, expected, atol=1e-6)
    for part in parts:
        def clamp(where, step, rows, state, part=part):
            state[:, UNITS] = 0.7 if where == part else state[:, UNITS]
            return state

        cut = answer(net, stimuli, Lesion(ROI("r", {f"rnn/{part}": UNITS}), Clamp(0.7)))
        np.testing.assert_allclose(cut, by_hand(net, stimuli, clamp)[0], atol=1e-6, err_msg=part)
        assert np.abs(cut - intact).max() > 1e-2


def twin(how, address, ids, reference, tokens):
    """What an ablation makes of a state, in numpy; ``reference`` (n, steps or 1, units) is what was recorded."""
    mean, sd = reference.mean(0), reference.std(0, ddof=1)
    donors = np.floor(draws.uniforms(draws.key(5, "resample"), ids, np.zeros(1, dtype=int))[:, 0] * len(reference))

    def edit(part, step, rows, state):
        if f"rnn/{part}" != address or step not in tokens:
            return state
        at, names = (step if len(mean) > 1 else 0), [ids[row] for row in rows]
        old = state[:, UNITS]
        noise = draws.normals(draws.key(5, "normal", address), names, step * state.shape[1] + UNITS)
        state[:, UNITS] = {
            "Zero": lambda: old * 0, "Mean": lambda: mean[at, UNITS], "Clamp": lambda: how.value,
            "Scale": lambda: old * how.factor, "Stimulate": lambda: old + how.current * sd[at, UNITS],
            "Noise": lambda: old + how.sd * sd[at, UNITS] * noise,
            "Resample": lambda: reference[donors[rows].astype(int), at][:, UNITS],
        }[type(how).__name__]()
        return state

    return edit


HOWS = {
    "zero": lambda ref: Zero(), "mean": Mean, "noise": lambda ref: Noise(1.5, ref), "clamp": lambda ref: Clamp(-0.4),
    "scale": lambda ref: Scale(0.3), "stimulate": lambda ref: Stimulate(2.0, ref), "resample": Resample,
}  # fmt: skip


@pytest.mark.parametrize("tokens", [range(STEPS), (1, 4)])
@pytest.mark.parametrize("pool", [None, "mean"])
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("part", ["l0", "l1_reverse", "l1/c"])
def test_every_ablation__equals_its_numpy_twin_at_every_step(part, how, pool, tokens):
    net, stimuli, others = NET, shown(7, "s"), REFERENCE
    address = f"rnn/{part}"
    reference = record(net, others, [Probe(address, pool=pool, dtype="float64")])
    made = HOWS[how](reference)
    whole = len(tokens) == STEPS
    units = UNITS if whole else (np.array(tokens)[:, None] * HIDDEN + UNITS).reshape(-1)
    roi = ROI("r", {address: units}, {address: ("unit",) if whole else ("token", "unit")})
    known = reference.values.reshape(len(others), -1, HIDDEN)
    expected, _ = by_hand(net, stimuli, twin(made, address, stimuli.ids, known, tokens))
    np.testing.assert_allclose(answer(net, stimuli, Lesion(roi, made, rng=5)), expected, atol=1e-6)


NET = specimen(nn.LSTM, num_layers=2, bidirectional=True)
REFERENCE = shown(9, "r")
PACKED = specimen(nn.GRU, num_layers=2, packed=True)


@pytest.mark.parametrize("net", [NET, PACKED], ids=["plain", "packed"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_batch_size_and_order__change_neither_states_nor_noise(net, batch_size):
    stimuli = shown(7, "s", ragged=net.model.packed)
    reference = record(net, stimuli, ["rnn/l0"])
    lesion = Lesion(ROI("r", {"rnn/l0": UNITS}), Noise(1.0, reference), rng=5)
    whole = answer(net, stimuli, lesion)
    np.testing.assert_allclose(answer(net, stimuli, lesion, batch_size=batch_size), whole, atol=1e-6)
    back = np.arange(7)[::-1]
    np.testing.assert_allclose(answer(net, stimuli.take(back), lesion)[back], whole, atol=1e-6)
    again = record(net, stimuli.take(back), ["rnn/l0"], batch_size=batch_size)
    np.testing.assert_allclose(again.values[back], reference.values, atol=1e-6)


@pytest.mark.parametrize("pool", ["mean", "max", "last"])
def test_packed_sequences__are_pooled_up_to_their_own_ends(pool):
    stimuli = shown(7, "s", ragged=True)
    _, states = by_hand(PACKED, stimuli)
    kept = record(PACKED, stimuli, [Probe("rnn/l1", pool=pool)])
    own = [states["l1"][row, : LENGTHS[row]] for row in range(7)]
    expected = [{"mean": one.mean(0), "max": one.max(0), "last": one[-1]}[pool] for one in own]
    np.testing.assert_allclose(kept.values, expected, atol=1e-6)


def test_two_lesions_of_one_layer__act_together_and_in_order():
    stimuli = shown(7, "s")

    def both(part, step, rows, state):
        state[:, 1] = 0.5 if part == "l0/c" else state[:, 1]
        state[:, 1] = -1.0 if part == "l0" else state[:, 1]
        return state

    lesions = [Lesion(ROI("c", {"rnn/l0/c": [1]}), Clamp(0.5)), Lesion(ROI("h", {"rnn/l0": [1]}), Clamp(-1.0))]
    np.testing.assert_allclose(answer(NET, stimuli, *lesions), by_hand(NET, stimuli, both)[0], atol=1e-6)


def test_first_states_that_the_model_hands_in__are_stepped_from():
    class Begun(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(WIDE, HIDDEN, batch_first=True)
            self.start = nn.Linear(WIDE, HIDDEN)

        def forward(self, x):
            return self.rnn(x, hx=self.start(x[:, 0])[None])[0].flatten(1)

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        net = Specimen(Begun(), np.ones((1, STEPS, WIDE)))
    stimuli = shown(5, "s")
    cut = answer(net, stimuli, Lesion(ROI("r", {"rnn/l0": [2]}), Zero()))
    with torch.no_grad():
        x, cell = net.prepare(stimuli.inputs), nn.GRUCell(WIDE, HIDDEN)
        cell.load_state_dict({name: net.model.rnn.state_dict()[f"{name}_l0"] for name in cell.state_dict()})
        h, steps = net.model.start(x[:, 0]), []
        for step in range(STEPS):
            h = cell(x[:, step], h)
            h[:, 2] = 0
            steps.append(h.clone())
    np.testing.assert_allclose(cut, torch.stack(steps, 1).flatten(1).numpy(), atol=1e-6)


class Loop(nn.Module):
    """A cell that the model itself steps."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.head = cell(WIDE, HIDDEN), nn.Linear(HIDDEN, 3)

    def forward(self, x):
        state = None
        for step in range(STEPS):
            state = self.cell(x[:, step], state)
        return self.head(state[0] if isinstance(state, tuple) else state)


@pytest.mark.parametrize("part", ["", "/c"])
@pytest.mark.parametrize(("cell", "fused"), [(nn.RNNCell, nn.RNN), (nn.GRUCell, nn.GRU), (nn.LSTMCell, nn.LSTM)])
def test_cells_that_the_model_steps_itself__equal_the_fused_layer_under_the_same_lesion(cell, fused, part):
    if part and cell is not nn.LSTMCell:
        with torch.random.fork_rng(devices=[]):
            assert "cell/c" not in Specimen(Loop(cell), np.ones((1, STEPS, WIDE))).sites()
        return
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(2)
        net = Specimen(Loop(cell), np.ones((1, STEPS, WIDE)))
    other = specimen(fused)
    other.model.rnn.load_state_dict({f"{name}_l0": value for name, value in net.model.cell.state_dict().items()})
    stimuli = shown(5, "s")
    cut = answer(net, stimuli, Lesion(ROI("r", {f"cell{part}": UNITS}), Clamp(0.9)))
    twin_cut = answer(other, stimuli, Lesion(ROI("r", {f"rnn/l0{part}": UNITS}), Clamp(0.9)))
    last = torch.tensor(twin_cut[:, (STEPS - 1) * HIDDEN : STEPS * HIDDEN]).float()
    with torch.no_grad():
        np.testing.assert_allclose(cut, net.model.head(last).numpy(), atol=1e-6)


def test_examined_trials__equal_whole_forwards_also_behind_a_replay():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.rnn = nn.Linear(WIDE, 4), nn.GRU(4, HIDDEN, batch_first=True)
            self.head = nn.Linear(HIDDEN, 3)

        def forward(self, x):
            h = torch.tanh(self.first(x))
            return self.head(self.rnn(h)[0][:, -1] + self.rnn(h.flip(1))[0][:, -1])

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(4)
        net = Specimen(Deep(), np.ones((1, STEPS, WIDE)))
    stimuli = shown(8, "s")
    lesions = [Lesion(ROI(site, {site: UNITS}), Clamp(0.8)) for site in ("rnn/l0", "rnn/l0@0", "rnn/l0@1", "first")]
    trials = examine(net, lesions, [Task("t", stimuli, scores.margin)])
    for lesion in lesions:
        row = int(np.flatnonzero(trials["roi"].values == lesion.roi.name)[-1])
        expected = scores.margin(answer(net, stimuli, lesion), stimuli.table)
        np.testing.assert_allclose(trials["score"].values[0, row], expected, atol=1e-6)
    fired = trials["certificate_fired"].values[0, 1:]
    assert fired.tolist() == [STEPS, STEPS, STEPS, 1]
