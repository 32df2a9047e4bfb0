"""Rows of the table of torch traps that no other test holds: compiled siblings, nested answers, bombs, what is said."""

import ast
import copy
import dataclasses
import hashlib
import pathlib
import pickle
import sys
import types
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab.errors import FileFormatError, NeurolabError, SpecimenError
from neurolab.lesion import Clamp, Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, Task, examine, record
from neurolab.specimen.folder import from_folder
from neurolab.stimuli import StimulusSet

N = 6
PACKAGE = pathlib.Path(nl.__file__).parent


def shown(*shape, n=N, rng=0):
    condition = ["a", "b"] * (n // 2) + ["a"] * (n % 2)
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": condition})
    return StimulusSet("shown", np.random.default_rng(rng).normal(size=(n, *shape)), table)


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return build()


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(torch.relu(self.inner(x)))


def by_hand(model, x, cut=()):
    hidden = model.inner(x)
    hidden[:, list(cut)] = 0
    return model.head(torch.relu(hidden))


# -- G1: hooks that never fire ---------------------------------------------------------------------------------------


def _wrapped(model):
    compiled = torch.compile(model, backend="eager")
    compiled(torch.zeros(2, 4))
    return compiled


def _in_place(model):
    model.compile(backend="eager")
    model(torch.zeros(2, 4))
    return model


def _part(model):
    model.inner = torch.compile(model.inner, backend="eager")
    model(torch.zeros(2, 4))
    return model


@pytest.mark.parametrize("build", [lambda model: model, _wrapped, _in_place, _part],
                         ids=["plain", "wrapped", "in place", "a part"])
def test_compiled__a_lesion_acts_though_a_sibling_was_compiled_before(build):
    inputs = shown(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sibling, model = seeded(Plain), seeded(Plain)
        torch.compile(sibling, backend="eager")(torch.zeros(2, 4))
        net = Specimen(build(model), inputs.inputs[:1])
    site = next(name for name in net.sites().names if name.startswith("inner"))
    answer = record(net, inputs, ["output"], lesions=[Lesion(ROI("r", {site: [0, 2, 3]}), Zero())]).values
    with torch.no_grad():
        x = net.prepare(inputs.inputs)
        expected, intact = by_hand(seeded(Plain), x, (0, 2, 3)), by_hand(seeded(Plain), x)
    np.testing.assert_array_equal(answer, expected)
    assert not torch.equal(expected, intact)


# -- G3, G5: what follows, nested answers, dtypes ---------------------------------------------------------------------


class Follows(nn.Module):
    def __init__(self, inplace):
        super().__init__()
        self.conv, self.relu, self.head = nn.Conv2d(1, 4, 3), nn.ReLU(inplace=inplace), nn.Linear(4 * 36, 3)

    def forward(self, x):
        return self.head(self.relu(self.conv(x)).flatten(1))


@pytest.mark.parametrize("inplace", [True, False])
def test_in_place_successor__is_found_by_the_version_counter_and_said(inplace):
    site = Specimen(Follows(inplace), np.ones((1, 1, 8, 8))).sites()["conv"]
    assert ("written into afterwards" in site.why) == inplace
    assert site.status == ("warned" if inplace else "ok")


@dataclasses.dataclass
class Inner:
    hidden: torch.Tensor
    cache: tuple


class Nested(nn.Module):
    """Hands out a dataclass that holds tuples, inside a tuple, inside a dict."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 6)

        def forward(self, x):
            hidden = torch.relu(self.linear(x))
            return {"out": (Inner(hidden, (x, [x])), None), "name": "block"}

    def __init__(self):
        super().__init__()
        self.block, self.head = self.Block(), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.block(x)["out"][0].hidden)


def test_nested_answers__are_read_and_cut_at_their_first_tensor_and_keep_their_shape():
    net, stimuli = Specimen(seeded(Nested), np.ones((1, 4))), shown(4)
    seen = record(net, stimuli, ["block"]).values
    cut = record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"block": [0, 5]}), Clamp(2.0))]).values
    with torch.no_grad():
        hidden = torch.relu(net.model.block.linear(net.prepare(stimuli.inputs)))
        np.testing.assert_array_equal(seen, hidden)
        hidden[:, [0, 5]] = 2.0
        np.testing.assert_array_equal(cut, net.model.head(hidden))


def test_model_output_of_transformers__is_read_by_key_and_lesioned():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")

    class Answers(Plain):
        def forward(self, x):
            hidden = torch.relu(self.inner(x))
            return transformers.modeling_outputs.CausalLMOutputWithPast(logits=self.head(hidden), hidden_states=(x,))

    net, stimuli = Specimen(seeded(Answers), np.ones((1, 4)), output="logits"), shown(4)
    answer = record(net, stimuli, ["output"], lesions=[Lesion(ROI("r", {"inner": [1]}), Zero())]).values
    with torch.no_grad():
        np.testing.assert_array_equal(answer, by_hand(net.model, net.prepare(stimuli.inputs), (1,)))
    with pytest.raises(SpecimenError, match="output='logits'"):
        Specimen(seeded(Answers), np.ones((1, 4)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_trap_12__maps_of_half_precision_values_equal_those_in_float64(dtype):
    values = np.random.default_rng(0).normal(40, 12, size=(24, 9)).astype(dtype)
    frame = {"stimulus_id": [f"s{at}" for at in range(24)], "condition": ["a", "b"] * 12}

    def t_of(given):
        return nl.localise(_recording(given, frame), "a > b")["statistic"].values

    np.testing.assert_allclose(t_of(values), t_of(values.astype(np.float64)), rtol=1e-6)
    assert values.sum() > 2000


def _recording(values, frame):
    return nl.make_recording(
        values, presentation=frame, neuroid={"site": np.zeros(9, int), "unit": np.arange(9)}, units="a.u.",
        sites=[{"name": "x", "dims": ["unit"], "shape": [9], "pool": ""}], kind="ann", source="made", specimen="made")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_recordings_and_trials__say_dtype_device_and_batch_size(dtype):
    net, stimuli = Specimen(seeded(Plain).to(dtype), np.ones((1, 4))), shown(4)
    recording = record(net, stimuli, [Probe("inner")])
    assert (recording.attrs["dtype"], recording.attrs["device"]) == (str(dtype).removeprefix("torch."), "cpu")
    task = Task("t", stimuli, lambda outputs, table: outputs[:, 0].astype(float))
    trials = examine(net, [Lesion(ROI("r", {"inner": [0]}), Zero())], [task], batch_size=4)
    assert (trials.attrs["dtype"], trials.attrs["device"], trials.attrs["batch_size"]) == (
        str(dtype).removeprefix("torch."), "cpu", 4)


# -- looking changes nothing -----------------------------------------------------------------------------------------


class Caches(Plain):
    """Makes a table on first use and keeps it, as rotary positions do; it must stay fit for training."""

    def forward(self, x):
        if not hasattr(self, "table"):
            self.table = torch.linspace(0, 1, 4) * self.inner.weight.detach().abs().mean()
        return super().forward(x + self.table)


def test_what_a_model_caches_under_the_bench__is_no_inference_tensor_and_can_be_trained_with():
    model = seeded(Caches)
    model.train()
    net = Specimen(model, np.ones((1, 4)))
    record(net, shown(4), ["inner"], lesions=[Lesion(ROI("r", {"inner": [0]}), Zero())])
    assert not model.table.is_inference()
    assert model.training
    model(torch.ones(2, 4)).sum().backward()
    assert model.inner.weight.grad is not None


def test_looking_in_training_mode__never_runs_it():
    class Tells(Plain):
        seen = ()

        def forward(self, x):
            type(self).seen = (*type(self).seen, self.training, torch.is_grad_enabled(),
                               torch.is_inference_mode_enabled())
            return super().forward(x)

    model = seeded(Tells)
    model.train()
    record(Specimen(model, np.ones((1, 4))), shown(4), ["inner"])
    assert set(Tells.seen) == {False}
    assert model.training


# -- what is told ----------------------------------------------------------------------------------------------------


class Warned(nn.Module):
    """A fused encoder, tied weights, a layer before a norm, a module called twice: each is a warning of the table."""

    def __init__(self):
        super().__init__()
        self.embed, self.before, self.norm, self.act = nn.Embedding(9, 8), nn.Linear(8, 8), nn.LayerNorm(8), nn.ReLU()
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 9, bias=False)
        self.head.weight = self.embed.weight
        self.spare = nn.Linear(2, 2)

    def forward(self, ids):
        h = self.act(self.norm(self.act(self.before(self.embed(ids)))))
        return self.head(self.encoder(h)).mean(1)


WARNINGS = {
    "encoder": "fast path is off here", "head": "weights are tied", "embed": "weights are tied",
    "act@0": "a normalisation follows; called 2 times", "act@1": "called 2 times",
    "encoder.self_attn.out_proj": "refused: nn.MultiheadAttention uses its weights directly",
    "spare": "refused: the forward never calls it; use 'output'",
}


@pytest.mark.parametrize("where", ["repr", "html", "command line"])
def test_table__shows_every_warning(where, monkeypatch, capsys):
    if where == "command line":
        from neurolab.cli import main

        module = types.ModuleType("warned_network")
        module.build = lambda: Specimen(seeded(Warned), torch.ones(1, 5, dtype=torch.int64))
        monkeypatch.setitem(sys.modules, "warned_network", module)
        assert main(["sites", "warned_network:build"]) == 0
        lines = capsys.readouterr().out.splitlines()
    else:
        net = Specimen(seeded(Warned), torch.ones(1, 5, dtype=torch.int64))
        text = repr(net.sites()) if where == "repr" else net._repr_html_().replace("&#x27;", "'")
        lines = text.splitlines() if where == "repr" else text.replace("<td>", " ").split("<tr>")
    for site, said in WARNINGS.items():
        row = next(line for line in lines if line.replace("</td>", " ").split()[:1] == [site])
        assert said in row, (site, row)


def test_compiled__is_said_in_the_notebook_too():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = Specimen(torch.compile(seeded(Plain), backend="eager"), np.ones((1, 4)))
    assert "lesioned eager" in net._repr_html_()


# -- pickles ---------------------------------------------------------------------------------------------------------


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return self.mark.touch, ()


@pytest.fixture
def bomb(tmp_path):
    mark = tmp_path / "it ran"
    yield Bomb(mark)
    assert not mark.exists()


def test_the_bomb_itself__goes_off(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "it ran")))
    assert (tmp_path / "it ran").exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "weights.pt"])
def test_from_folder__runs_no_pickle_under_any_name(tmp_path, bomb, name):
    folder = tmp_path / "model"
    folder.mkdir()
    config = '{"model_type": "bert", "architectures": ["BertModel"], "vocab_size": 20, "hidden_size": 16, ' \
             '"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}'
    (folder / "config.json").write_text(config)
    (folder / name).write_bytes(pickle.dumps(bomb))
    torch.save(bomb, folder / "also.bin")
    with pytest.raises(NeurolabError):
        from_folder(folder)


def test_from_folder__runs_no_code_that_lies_in_the_folder(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed")
    (tmp_path / "config.json").write_text(
        '{"model_type": "mine", "architectures": ["Mine"], "auto_map": {"AutoModel": "code.Mine"}}')
    (tmp_path / "code.py").write_text(f"open({str(tmp_path / 'it ran')!r}, 'w')\nclass Mine: pass\n")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(NeurolabError, match="Mine"):
        from_folder(tmp_path)
    assert not (tmp_path / "it ran").exists()


def test_arrays_and_packaged_weights__run_no_pickle(tmp_path, bomb, monkeypatch):
    from neurolab import found
    from neurolab.specimen import vision

    np.save(tmp_path / "lfw_subset.npy", np.array([bomb], dtype=object), allow_pickle=True)
    monkeypatch.setattr(found, "package_file", lambda *parts, what: tmp_path / "lfw_subset.npy")
    with pytest.raises(FileFormatError, match="cannot be read"):
        nl.datasets.load_stimuli("lfw-faces")
    torch.save({"w": bomb}, tmp_path / "weights.pth")
    monkeypatch.setattr(vision, "SHA256", hashlib.sha256((tmp_path / "weights.pth").read_bytes()).hexdigest())
    with pytest.raises(FileFormatError, match="cannot be read"):
        vision._state(tmp_path / "weights.pth")


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".pkl", ".npy"])
def test_load__runs_no_pickle_under_any_name(tmp_path, bomb, suffix):
    (tmp_path / f"x{suffix}").write_bytes(pickle.dumps(bomb))
    with pytest.raises(FileFormatError):
        nl.load(tmp_path / f"x{suffix}")


OPENERS = {("pickle", "load"), ("pickle", "loads"), ("pickle", "Unpickler"), ("pd", "read_pickle"), ("joblib", "load"),
           ("dill", "load"), ("dill", "loads"), ("cloudpickle", "load"), ("cloudpickle", "loads"), ("marshal", "loads")}
SAFE = {("torch", "load"): ("weights_only", True), ("np", "load"): ("allow_pickle", False)}


def test_no_line_of_the_package__opens_a_pickle():
    checked = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            name = (getattr(node.func.value, "id", ""), node.func.attr)
            assert name not in OPENERS, (path.name, node.lineno)
            if name in SAFE:
                word, value = SAFE[name]
                given = {one.arg: getattr(one.value, "value", None) for one in node.keywords}
                assert given.get(word) is value, (path.name, node.lineno)
                checked.append(name)
    assert set(checked) == set(SAFE)


# -- batches ---------------------------------------------------------------------------------------------------------


def test_another_batch_size__changes_no_decision_and_scores_by_rounding_only():
    net = Specimen(seeded(lambda: Follows(True)), np.ones((1, 1, 8, 8)))
    stimuli = shown(1, 8, 8, n=23)
    design = [Lesion(ROI(f"c{at}", {"conv": [at]}), Zero()) for at in range(4)]
    tasks = [Task("margin", stimuli, lambda outputs, table: (outputs[:, 0] - outputs[:, 1]).astype(float)),
             Task("decision", stimuli, lambda outputs, table: outputs.argmax(1).astype(float))]
    one, other = (examine(net, design, tasks, batch_size=size) for size in (1, 23))
    assert one.attrs["batch_size"] != other.attrs["batch_size"]
    np.testing.assert_allclose(one.score.values[..., :23], other.score.values[..., :23], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(one.score.values[..., 23:], other.score.values[..., 23:])
    assert len(np.unique(one.score.values[..., 23:])) > 1


def test_a_copy_of_the_network__gives_the_same_values():
    net, stimuli = Specimen(seeded(Plain), np.ones((1, 4))), shown(4)
    again = Specimen(copy.deepcopy(net.model), np.ones((1, 4)))
    np.testing.assert_array_equal(record(net, stimuli, ["inner"]).values, record(again, stimuli, ["inner"]).values)
