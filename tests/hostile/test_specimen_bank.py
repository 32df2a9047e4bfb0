"""The bank of hostile networks: each is recorded right and lesioned right, against plain hooks, or refused in words.

``figures/make_hostile_table.py`` runs this file and writes what it found to ``figures/hostile_models.md``.
"""

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint

from neurolab.errors import NeurolabError, RefusedSiteError
from neurolab.lesion import CutWeights, Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen import Padded, Probe, Specimen, bench, record
from neurolab.specimen.feeds import fed
from neurolab.specimen.leaves import first_tensor, with_first_tensor
from neurolab.specimen.promises import plain_kernels
from neurolab.stimuli import StimulusSet

N = 6


class Net(nn.Module):
    """A module from parts and a function, so that each hostile habit is one line."""

    def __init__(self, forward: Callable, **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.habit = forward

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.habit(self, *args, **kwargs)


@dataclass
class Answer:
    """What some models return."""

    hidden: torch.Tensor
    logits: torch.Tensor


@dataclass(frozen=True)
class Hostile:
    """One network, the site that is tried, the plain hook that says what is right, or the words of the refusal.

    hook : where a plain hook of torch finds the tensor: the module's path; "" for the input of the whole network.
    unrecorded : the words with which a recording is refused where a lesion is served.
    call, before, axis, columns : which call; what enters instead of what leaves; the units' axis; their places on it.
    """

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...] = (4,)
    site: str = "inner"
    units: tuple[int, ...] = (1, 2)
    hook: str = ""
    call: int = 0
    before: bool = False
    axis: int = -1
    columns: tuple[int, ...] = ()
    batch: int = 0
    ids: int = 0
    how: Any = field(default_factory=Zero)
    settings: dict = field(default_factory=dict)
    refused: str = ""
    at: str = ""
    unrecorded: str = ""
    tolerance: float = 0.0
    torchlens: bool = False


def linear(*sizes):
    return {"inner": nn.Linear(4, 6), "head": nn.Linear(6, 3)}


def plain(self, x):
    return self.head(torch.relu(self.inner(x)))


def after_all(forward, **parts):
    return lambda: Net(forward, **{**linear(), **{name: make() for name, make in parts.items()}})


def attends(**settings):
    def forward(self, x):
        return self.head(self.attn(x, x, x, need_weights=False)[0].mean(1))

    return lambda: Net(forward, attn=nn.MultiheadAttention(8, 2, batch_first=True, **settings), head=nn.Linear(8, 3))


def recurrent(cell, **settings):
    def forward(self, x):
        return self.head(self.inner(x)[0][:, -1])

    width = 5 * (2 if settings.get("bidirectional") else 1)
    return lambda: Net(forward, inner=cell(4, 5, batch_first=True, **settings), head=nn.Linear(width, 3))


def routed(self, x):
    weight = self.router(x)
    chosen = weight.argmax(-1)
    out = torch.zeros(len(x), 6)
    for at, expert in enumerate(self.experts):
        mine = chosen == at
        if mine.any():
            out[mine] = expert(x[mine]) * weight[mine, at, None]
    return self.head(out)


def mixture():
    def forward(self, x):
        flat = x.flatten(0, 1)
        weight, chosen = self.router(flat).softmax(-1).topk(2)
        out = torch.zeros(len(flat), 5)
        for at, expert in enumerate(self.experts):
            row, rank = (chosen == at).nonzero(as_tuple=True)
            if len(row):
                out.index_add_(0, row, expert(flat[row]) * weight[row, rank, None])
        return self.head(out.unflatten(0, (len(x), -1)).mean(1))

    experts = nn.ModuleList(Net(lambda self, x: self.out(torch.relu(self.inner(x))), inner=nn.Linear(4, 6),
                                out=nn.Linear(6, 5)) for _ in range(3))
    return Net(forward, router=nn.Linear(4, 3), experts=experts, head=nn.Linear(5, 3))


def grouped(self, x):
    q, k, v = (part(x).unflatten(-1, (-1, 2)).transpose(1, 2) for part in (self.q_proj, self.k_proj, self.v_proj))
    mixed = functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    return self.o_proj(mixed.transpose(1, 2).flatten(2))


def fused(self, x):
    q, k, v = (part.transpose(1, 2) for part in self.qkv(x).unflatten(-1, (self.num_heads, 3, -1)).unbind(-2))
    return self.proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def backwards(self, x):
    v, k, q = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
    return self.proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def around(forward, **parts):
    def whole(self, x):
        return self.head((x + self.attn(x)).mean(1))

    return lambda: Net(whole, attn=Net(forward, num_heads=4, **{k: nn.Linear(*v) for k, v in parts.items()}),
                       head=nn.Linear(8, 3))


def grouped_net():
    return around(grouped, q_proj=(8, 8), k_proj=(8, 4), v_proj=(8, 4), o_proj=(8, 8))()


def kept_aside(self, x):
    returned = self.inner(x)
    return self.head(self.inner.kept + 0 * returned.mean())


def keeper():
    def forward(self, x):
        self.kept = self.layer(x) * 2
        return self.kept

    return Net(forward, layer=nn.Linear(4, 6))


def residual(self, x):
    return self.head(x + self.inner(self.norm(x)))


def with_user_hook():
    model = after_all(plain)()
    model.inner.register_forward_hook(lambda module, args, output: output * 3)
    return model


def compiled():
    model = after_all(plain)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.compile(model, backend="eager")
        made(torch.zeros(2, 4))
    return made


def pruned():
    model = after_all(plain)()
    prune.random_unstructured(model.inner, "weight", amount=0.4)
    return model


def parametrised():
    model = after_all(plain)()
    parametrizations.weight_norm(model.inner)
    return model


def tied():
    model = Net(lambda self, x: self.head(torch.relu(self.inner(self.embedding(x))).mean(1)),
                embedding=nn.Embedding(9, 6), inner=nn.Linear(6, 6), head=nn.Linear(6, 9, bias=False))
    model.head.weight = model.embedding.weight
    return model


def half():
    return after_all(plain)().to(torch.bfloat16)


def masked_mean(self, input_ids, attention_mask):
    hidden = torch.relu(self.inner(self.embedding(input_ids)))
    weight = attention_mask[..., None]
    return {"aux": None, "logits": self.head((hidden * weight).sum(1) / weight.sum(1))}


def quantised():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(after_all(plain)(), {nn.Linear}, dtype=torch.qint8)


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3)))


def half_loaded():
    model = after_all(plain)()
    model.head.to("meta")
    return model


def counts(self, x):
    self.seen += 1
    return plain(self, x)


def counting():
    model = after_all(counts)()
    model.register_buffer("seen", torch.zeros(()))
    return model


IMAGE = (1, 8, 8)
SEQUENCE = (5, 8)
CNN = {"inner": lambda: nn.Conv2d(1, 4, 3), "head": lambda: nn.Linear(144, 3)}
EXPERTS = {"router": lambda: nn.Linear(4, 2),
           "experts": lambda: nn.ModuleList([nn.Linear(4, 6), nn.Linear(4, 6)])}
HEAD_ONE = {"units": (1,), "columns": (2, 3)}

BANK = [
    # -- activity that is written over, used twice, kept elsewhere
    Hostile("convolution, batch norm, ReLU in place",
            after_all(lambda self, x: self.head(self.relu(self.norm(self.inner(x))).flatten(1)), **CNN,
                      norm=lambda: nn.BatchNorm2d(4), relu=lambda: nn.ReLU(inplace=True)),
            IMAGE, hook="inner", axis=1, torchlens=True),
    Hostile("the ReLU in place itself",
            after_all(lambda self, x: self.head(self.relu(self.inner(x)).flatten(1)), **CNN,
                      relu=lambda: nn.ReLU(inplace=True)), IMAGE, site="relu", hook="relu", axis=1, torchlens=True),
    Hostile("one ReLU called three times, its second call",
            after_all(lambda self, x: self.relu(self.head(self.relu(self.middle(self.relu(self.inner(x)))))),
                      middle=lambda: nn.Linear(6, 6), relu=nn.ReLU), site="relu@1", hook="relu", call=1,
            torchlens=True),
    Hostile("a module called for its effect in place, its return ignored",
            after_all(lambda self, x: self.head(_ignoring(self, self.inner(x))),
                      relu=lambda: nn.ReLU(inplace=True)), site="relu", hook="relu"),
    Hostile("a return that is ignored (not in place)",
            after_all(lambda self, x: self.head(_ignoring(self, self.inner(x))), relu=nn.ReLU), site="relu",
            hook="relu", refused="nothing read the lesioned value", at="lesion"),
    Hostile("an output that its module keeps aside for the parent", after_all(kept_aside, inner=keeper), hook="inner",
            refused="the intact value was read, past the hook", at="lesion"),
    Hostile("a network that writes into its input", after_all(lambda self, x: plain(self, x.mul_(2.0))), hook="inner"),
    Hostile("residual stream before a norm: the block's update",
            after_all(residual, inner=lambda: nn.Linear(4, 4), norm=lambda: nn.LayerNorm(4),
                      head=lambda: nn.Linear(4, 3)), hook="inner", torchlens=True),
    Hostile("a hook of the user's that changes the output", with_user_hook, hook="inner"),
    Hostile("training mode with dropout and batch norm",
            after_all(lambda self, x: self.head(self.drop(self.norm(self.inner(x)))), drop=lambda: nn.Dropout(0.5),
                      norm=lambda: nn.BatchNorm1d(6)), site="norm", hook="norm", torchlens=True),
    # -- structure
    Hostile("a block that returns a tuple",
            after_all(lambda self, x: self.head(self.inner(x)[0]),
                      inner=lambda: Net(lambda self, x: (torch.relu(self.part(x)), x), part=nn.Linear(4, 6))),
            hook="inner", torchlens=True),
    Hostile("a network that returns a dataclass",
            after_all(lambda self, x: Answer(h := self.inner(x), self.head(torch.relu(h)))), hook="inner",
            settings={"output": "logits"}),
    Hostile("a block that returns a dataclass",
            after_all(lambda self, x: self.head(self.inner(x).hidden),
                      inner=lambda: Net(lambda self, x: Answer(self.part(x), x), part=nn.Linear(4, 6))), hook="inner"),
    Hostile("a network fed by keywords, answering with a dict",
            after_all(lambda self, image, scale: {"logits": plain(self, image * scale)}), hook="inner",
            settings={"output": "logits", "feed": lambda x: {"image": x, "scale": 2.0}}),
    Hostile("a network fed with a dataclass",
            after_all(lambda self, given: plain(self, given.hidden + given.logits)), hook="inner",
            settings={"feed": lambda x: Answer(x, x.flip(1))}),
    Hostile("padded text with a mask",
            after_all(masked_mean, embedding=lambda: nn.Embedding(9, 4)), (5,), hook="inner", ids=9,
            settings={"output": "logits", "feed": Padded(0)}),
    Hostile("padding that contradicts the mask's side",
            after_all(masked_mean, embedding=lambda: nn.Embedding(9, 4)), (5,), ids=9, at="load",
            settings={"output": "logits", "feed": Padded(0, side="left")}, refused="expected padding on the left only"),
    Hostile("a network that returns a dict, no read-out named", after_all(lambda self, x: {"logits": plain(self, x)}),
            refused="output='logits'", at="load"),
    Hostile("stimuli on axis 1",
            after_all(lambda self, x: self.head(self.inner(x.transpose(0, 1))).mean(0)), (5, 4), hook="inner", batch=1,
            torchlens=True),
    Hostile("stimuli and positions merged on one axis",
            after_all(lambda self, x: self.head(self.inner(x.reshape(-1, 4)).reshape(len(x), 5, 6).mean(1))), (5, 4),
            hook="inner"),
    Hostile("positions and stimuli merged on one axis",
            after_all(lambda self, x: self.head(
                self.inner(x.transpose(0, 1).reshape(-1, 4)).reshape(5, len(x), 6).mean(0))), (5, 4), hook="inner",
            batch=-1),
    Hostile("one module under two names, its second call",
            lambda: _twice(nn.Linear(4, 4)), site="second@1", hook="first", call=1, units=(0,)),
    Hostile("checkpointed layers",
            after_all(lambda self, x: self.head(checkpoint(self.inner, x, use_reentrant=False))), hook="inner",
            torchlens=True),
    # -- weights
    Hostile("a pruned layer (weight_orig, weight_mask)", pruned, hook="inner", torchlens=True),
    Hostile("a pruned layer, its weights cut", pruned, hook="inner", how=CutWeights("in"), at="lesion",
            refused="no single weight makes"),
    Hostile("a parametrised layer (weight norm)", parametrised, hook="inner", torchlens=True),
    Hostile("tied embedding and read-out", tied, (5,), hook="inner", ids=9, torchlens=True),
    Hostile("tied embedding, the read-out's weights cut", tied, (5,), site="head", hook="head", ids=9,
            how=CutWeights("in"), refused="storage is shared by 'embedding.weight', 'head.weight'", at="lesion"),
    Hostile("bfloat16", half, hook="inner", torchlens=True),
    Hostile("dynamically quantised layers", quantised, refused="pass the float model", at="load"),
    # -- attention
    Hostile("nn.MultiheadAttention, one head", attends(), SEQUENCE, site="attn/heads", hook="heads", units=(1,),
            columns=(4, 5, 6, 7), tolerance=1e-6),
    Hostile("nn.MultiheadAttention, its projection", attends(), SEQUENCE, site="attn.out_proj", at="record",
            refused="uses its weights directly"),
    Hostile("fused transformer encoder in evaluation",
            lambda: Net(lambda self, x: self.head(self.layers(x).mean(1)), head=nn.Linear(8, 3),
                        layers=nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1,
                                                     enable_nested_tensor=False)),
            SEQUENCE, site="layers.layers.0.linear1", hook="layers.layers.0.linear1"),
    Hostile("grouped queries, a query head", grouped_net, SEQUENCE, site="attn.o_proj/heads", hook="attn.o_proj",
            before=True, **HEAD_ONE),
    Hostile("grouped queries, a key-value head", grouped_net, SEQUENCE, site="attn.v_proj/kv_heads", hook="attn.v_proj",
            torchlens=True, **HEAD_ONE),
    Hostile("fused queries, keys and values, a key head",
            around(fused, qkv=(8, 24), proj=(8, 8)), SEQUENCE, site="attn.qkv/k_heads", hook="attn.qkv", units=(1,),
            columns=(8, 9), torchlens=True),
    Hostile("fused projection in an order of its own", around(backwards, qkv=(8, 24), proj=(8, 8)), SEQUENCE,
            site="attn.qkv/q_heads", refused="not laid out as queries, keys and values", at="record"),
    # -- recurrence
    Hostile("nn.RNN, its output", recurrent(nn.RNN), (5, 4), hook="inner", refused="recurrence", at="lesion"),
    Hostile("nn.GRU, its output", recurrent(nn.GRU), (5, 4), hook="inner", refused="recurrence", at="lesion"),
    Hostile("nn.LSTM, two layers, both ways, its output", recurrent(nn.LSTM, num_layers=2, bidirectional=True), (5, 4),
            hook="inner", refused="recurrence", at="lesion"),
    Hostile("nn.RNN, its state", recurrent(nn.RNN), (5, 4), site="inner/l0", hook="steps", tolerance=1e-6),
    Hostile("nn.GRU, its state", recurrent(nn.GRU), (5, 4), site="inner/l0", hook="steps", tolerance=1e-6),
    Hostile("nn.LSTM, its state", recurrent(nn.LSTM), (5, 4), site="inner/l0", hook="steps", tolerance=1e-6),
    # -- what runs, and for whom
    Hostile("a compiled network", compiled, hook="inner"),
    Hostile("a layer whose forward is called past its hooks",
            after_all(lambda self, x: self.head(self.inner.forward(x))), refused="never calls it", at="record"),
    Hostile("a layer that is never used", after_all(plain, spare=lambda: nn.Linear(2, 2)), site="spare", units=(0,),
            refused="never calls it", at="record"),
    Hostile("mixture of experts, what all share", after_all(routed, **EXPERTS), site="router", units=(1,),
            hook="router", torchlens=True),
    Hostile("mixture of experts, one expert", after_all(routed, **EXPERTS), site="experts.0",
            hook="experts.0", unrecorded="Record 'output', or the router"),
    Hostile("mixture of experts, inside one, two experts per token", mixture, shape=(5, 4), site="experts.1.inner",
            hook="experts.1.inner", unrecorded="Record 'output', or the router"),
    Hostile("batch statistics", after_all(lambda self, x: plain(self, x - x.mean(0))), at="load",
            refused="depends on which others are in the batch"),
    Hostile("chance in evaluation",
            after_all(lambda self, x: functional.dropout(plain(self, x), 0.5, training=True)), at="load",
            refused="Two runs of the same input give different"),
    Hostile("a network that counts its runs", counting, refused="changes itself in forward", at="load"),
    Hostile("TorchScript", scripted, refused="TorchScript, in which hooks do not run", at="load"),
    Hostile("DataParallel", lambda: nn.DataParallel(after_all(plain)()), refused="pass model.module", at="load"),
    Hostile("a part on the meta device", half_loaded, refused="meta device", at="load"),
    Hostile("complex activity",
            after_all(lambda self, x: self.head(self.inner(x).abs()),
                      inner=lambda: Net(lambda self, x: torch.fft.fft(self.part(x)), part=nn.Linear(4, 6))),
            refused="complex", at="record"),
]


def _ignoring(self, h):
    self.relu(h)
    return h


def _twice(block):
    return Net(lambda self, x: self.head(self.second(torch.relu(self.first(x)))), first=block, second=block,
               head=nn.Linear(4, 3))


def built(case):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return case.build()


def shown(case):
    chance = np.random.default_rng(0)
    if case.ids:
        inputs = chance.integers(1, case.ids, size=(N, *case.shape))
        inputs[::2, -2:] = 0
    else:
        inputs = chance.normal(size=(N, *case.shape))
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(N)], "condition": ["a", "b"] * (N // 2)})
    return StimulusSet("shown", inputs, table)


def by_hand(case, net, x, *, cut):
    """The tensor at the place, and the network's answer, by one plain hook of torch on a copy of the network."""
    model = copy.deepcopy(net.model) if not net.notes else net.model
    seen, columns, calls = [], list(case.columns or case.units), []

    def edit(value):
        calls.append(1)
        if len(calls) - 1 != case.call:
            return None
        tensor = first_tensor(value)
        seen.append(tensor.clone())
        if not cut:
            return None
        new = tensor if "inplace" in repr(getattr(model, case.hook, "")) else tensor.clone()
        new.index_fill_(case.axis, torch.tensor(columns), 0.0)
        return with_first_tensor(value, new)

    with torch.no_grad(), plain_kernels():
        model.eval()
        if case.hook == "heads":
            return _heads_by_hand(model, x, columns if cut else [])
        if case.hook == "steps":
            return _steps_by_hand(model, x, columns if cut else [])
        module = model.get_submodule(case.hook)
        if case.before:
            module.register_forward_pre_hook(lambda module, args: edit(args))
        else:
            handle = module.register_forward_hook(lambda module, args, output: edit(output))
        raw = fed(model, net.feed, x.clone())
        if not case.before:
            handle.remove()
    answer = raw if case.settings.get("output") is None else raw["logits"] if isinstance(raw, dict) else raw.logits
    return seen[0], answer


def _heads_by_hand(model, x, columns):
    attn = model.attn
    q, k, v = functional.linear(x, attn.in_proj_weight, attn.in_proj_bias).chunk(3, -1)
    q, k, v = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in (q, k, v))
    mixed = ((q @ k.transpose(-1, -2) / 2.0).softmax(-1) @ v).transpose(1, 2).flatten(2)
    seen = mixed.clone()
    mixed[..., columns] = 0
    return seen, model.head(attn.out_proj(mixed).mean(1))


def _steps_by_hand(model, x, columns):
    cell = {nn.RNN: nn.RNNCell, nn.GRU: nn.GRUCell, nn.LSTM: nn.LSTMCell}[type(model.inner)](4, 5)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in model.inner.state_dict().items()})
    state, seen = None, []
    for step in x.unbind(1):
        state = cell(step, state)
        now = state[0] if isinstance(state, tuple) else state
        seen.append(now.clone())
        now[:, columns] = 0
    return torch.stack(seen, 1), model.head(now)


def laid(case, tensor):
    """The tensor of a plain hook, stimuli first, the tried units only, flat."""
    columns = torch.tensor(case.columns or case.units)
    picked = tensor.float().index_select(case.axis, columns)
    if case.batch == -1:  # positions x stimuli on one axis
        return picked.unflatten(0, (-1, N)).movedim(1, 0).flatten(1).numpy()
    return picked.movedim(case.batch, 0).reshape(N, -1).numpy()


def recorded(case, net, stimuli):
    values = record(net, stimuli, [Probe(case.site, pool=None)], batch_size=N).values  # by hand all are shown at once
    site = net.sites()[case.site]
    grid = values.reshape(N, *site.shape)
    return np.take(grid, case.units, axis=1 + site.dims.index(site.unit_axis)).reshape(N, -1)


def lesioned(case, net, stimuli):
    unit = ("head",) if case.site.endswith("heads") else None
    region = ROI("region", {case.site: list(case.units)}, {case.site: unit} if unit else {})
    inputs = net.prepare(stimuli.inputs)
    with bench(net) as table, table.lesioned(Lesion(region, case.how)) as damage:
        table.prove(damage, [(inputs, stimuli.ids)])
        answer = table.forward(inputs, stimuli.ids)
        damage.certificate()
    return answer


def loaded(case, stimuli):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a compiled network says that it was unwrapped
        return Specimen(built(case), stimuli.inputs[:3], **case.settings)


def test_bank__is_large_and_its_names_differ():
    assert len(BANK) >= 24
    assert len({case.name for case in BANK}) == len(BANK)


@pytest.mark.parametrize("case", BANK, ids=lambda case: case.name)
def test_hostile_network__is_right_or_refused(case, record_property):
    stimuli = shown(case)
    said = {"recorded": "refused", "lesioned": "refused", "sentence": ""}
    tolerance = {"rtol": 10 * case.tolerance, "atol": case.tolerance}
    stage = "load"
    try:
        net = loaded(case, stimuli)
        stage = "record"
        values = None if case.unrecorded else recorded(case, net, stimuli)
        if case.hook:
            truth, intact = by_hand(case, net, net.prepare(stimuli.inputs), cut=False)
        if case.hook and not case.unrecorded:
            np.testing.assert_allclose(values, laid(case, truth), **tolerance)
            said["recorded"] = "right"
        stage = "lesion"
        answer = lesioned(case, net, stimuli)
        _, cut = by_hand(case, net, net.prepare(stimuli.inputs), cut=True)
        torch.testing.assert_close(answer, cut, **tolerance)
        assert not torch.equal(cut, intact)
        said["lesioned"] = "right"
    except NeurolabError as error:
        said["sentence"] = str(error)
    if case.unrecorded:
        with pytest.raises(RefusedSiteError, match=case.unrecorded) as refusal:
            recorded(case, net, stimuli)
        assert not said["sentence"]
        said["sentence"] = str(refusal.value)
    assert case.refused in said["sentence"]
    assert bool(said["sentence"]) == bool(case.refused or case.unrecorded), said["sentence"]
    assert not case.refused or stage == case.at
    for what, value in {"model": case.name, "site": case.site, **said}.items():
        record_property(what, value)
    assert bool(case.refused) == (said["lesioned"] == "refused")


@pytest.mark.parametrize("case", [case for case in BANK if case.torchlens], ids=lambda case: case.name)
def test_recordings__agree_with_torchlens(case, record_property):
    torchlens = pytest.importorskip("torchlens", reason="torchlens is not installed: pip install torchlens")
    stimuli = shown(case)
    net = loaded(case, stimuli)
    model = copy.deepcopy(net.model).eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = torchlens.trace(model, net.prepare(stimuli.inputs))
        theirs = trace.modules[case.hook].calls[case.call].outs[0]
    np.testing.assert_allclose(recorded(case, net, stimuli), laid(case, theirs), rtol=1e-5, atol=1e-6)
    record_property("agrees", case.name)
    record_property("torchlens", torchlens.__version__)


def test_torchlens__is_asked_about_ten():
    assert sum(case.torchlens for case in BANK) >= 10
