"""Attention heads under any roof: a lesion of a head is the slice of the projection's input at zero, by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

from neurolab.errors import RefusedSiteError
from neurolab.lesion import CutWeights, Lesion, Mean, Zero
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, Task, bench, examine, record
from neurolab.specimen.promises import plain_kernels
from neurolab.stimuli import StimulusSet

WIDTH, HEADS, TOKENS = 12, 4, 5
CHANCE = torch.Generator().manual_seed(0)


@pytest.fixture(autouse=True)
def _own_chance():
    """Every test builds its networks from the same torch state."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def shown(n=6, first=None):
    inputs = torch.randn(n, TOKENS, WIDTH, generator=CHANCE).numpy()
    inputs[:, 0, 0] = inputs[:, 0, 0] if first is None else first
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["ab"[at % 2] for at in range(n)]})
    return StimulusSet("shown", inputs, table)


def answer(specimen, stimuli, *lesions):
    with bench(specimen) as table, table.lesioned(*lesions) as damage:
        inputs = specimen.prepare(stimuli.inputs)
        out = table.forward(inputs, stimuli.ids)
        if lesions:
            table.check_read(damage, inputs[:2], stimuli.ids[:2])
            damage.certificate()
    return out


def by_hand(module, edit, run, *, before):
    """The network's answer with a plain hook of torch: on what enters a module, or on what leaves it."""
    if before:
        handle = module.register_forward_pre_hook(lambda module, args: (edit(args[0].clone()), *args[1:]))
    else:
        handle = module.register_forward_hook(lambda module, args, output: edit(output.clone()))
    try:
        with torch.no_grad(), plain_kernels():
            return run()
    finally:
        handle.remove()


def zero(start, stop):
    def edit(tensor):
        tensor[..., start:stop] = 0
        return tensor

    return edit


def head(site, *heads):
    return Lesion(ROI("heads", {site: list(heads)}, {site: ("head",)}), Zero())


# -- nn.MultiheadAttention -------------------------------------------------------------------------------------------


class MultiHead(nn.Module):
    def __init__(self, batch_first, need_weights, masks, **settings):
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first, **settings)
        self.head, self.need_weights, self.masks = nn.Linear(WIDTH, 3), need_weights, masks
        self.mask = nn.Buffer(torch.triu(torch.ones(TOKENS, TOKENS, dtype=torch.bool), diagonal=1))

    def options(self, x):
        masks = {"attn_mask": self.mask, "key_padding_mask": x[..., 0] > 1.2} if self.masks else {}
        return {"need_weights": self.need_weights, **masks}

    def forward(self, x):
        rows = x if self.attn.batch_first else x.transpose(0, 1)
        out = self.attn(rows, rows, rows, **self.options(x))[0]
        return self.head(out if self.attn.batch_first else out.transpose(0, 1))

    def expected(self, x, heads):
        """Written out: softmax attention, with heads at zero before the projection."""
        q, k, v = functional.linear(x, self.attn.in_proj_weight, self.attn.in_proj_bias).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (q, k, v))
        scores = q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        if self.masks:
            scores = scores.masked_fill(self.mask | (x[..., 0] > 1.2)[:, None, None], -torch.inf)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).clone()
        mixed[:, :, heads] = 0
        return mixed, self.head(self.attn.out_proj(mixed.flatten(2)))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("masks", [True, False])
def test_trap_8__heads_of_multihead_attention_are_slices_of_the_projections_input(batch_first, need_weights, masks):
    stimuli = shown(first=0.0)  # the first token is never padding
    model = MultiHead(batch_first, need_weights, masks)
    net = Specimen(model, stimuli.inputs[:3])
    x = net.prepare(stimuli.inputs)
    with torch.no_grad():
        mixed, intact = model.expected(x, [])
        _, cut = model.expected(x, [1, 3])
    torch.testing.assert_close(answer(net, stimuli), intact, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(answer(net, stimuli, head("attn/heads", 1, 3)), cut, rtol=1e-5, atol=1e-6)
    recorded = record(net, stimuli, [Probe("attn/heads", pool=None)])
    np.testing.assert_allclose(recorded.values, mixed.flatten(1), rtol=1e-5, atol=1e-6)


def test_multihead__looking_and_sham_give_the_fused_operations_own_bits():
    stimuli = shown()
    model = MultiHead(True, False, True)
    net = Specimen(model, stimuli.inputs[:3])
    with torch.no_grad(), plain_kernels():
        plain = model(net.prepare(stimuli.inputs))
    sham = Lesion(ROI("heads", {"attn/heads": [1]}, {"attn/heads": ("head",)}), Zero(), role="sham")
    assert torch.equal(answer(net, stimuli), plain)
    assert torch.equal(answer(net, stimuli, sham), plain)
    with bench(net) as table:
        table.forward(net.prepare(stimuli.inputs), stimuli.ids)
        assert "forward" not in model.attn.__dict__  # only where the site is used
    assert "forward" not in model.attn.__dict__


@pytest.mark.parametrize("settings", [{"add_bias_kv": True}, {"add_zero_attn": True}, {"bias": False}])
def test_multihead__options_of_torch_are_kept(settings):
    stimuli = shown()
    model = MultiHead(True, False, False, **settings)
    net = Specimen(model, stimuli.inputs[:3])
    with torch.no_grad(), plain_kernels():
        plain = model(net.prepare(stimuli.inputs))
    sham = Lesion(head("attn/heads", 0).roi, Zero(), role="sham")
    assert torch.equal(answer(net, stimuli, sham), plain)
    everything = answer(net, stimuli, head("attn/heads", *range(HEADS)))
    with torch.no_grad():
        bias = model.attn.out_proj.bias
        expected = model.head(torch.zeros(WIDTH) if bias is None else bias)
    torch.testing.assert_close(everything, expected.expand_as(everything), rtol=1e-5, atol=1e-6)


def test_multihead__its_outgoing_weights_can_be_cut_and_a_mean_can_be_held():
    stimuli = shown()
    net = Specimen(MultiHead(True, False, False), stimuli.inputs[:3])
    region = ROI("head 2", {"attn/heads": [2]}, {"attn/heads": ("head",)})
    torch.testing.assert_close(answer(net, stimuli, Lesion(region, CutWeights("out"))),
                               answer(net, stimuli, Lesion(region, Zero())), rtol=1e-5, atol=1e-6)
    reference = record(net, stimuli, [Probe("attn/heads", pool="mean")])
    held = record(net, stimuli, [Probe("attn/heads", pool=None)], lesions=[Lesion(region, Mean(reference))])
    rows = held.values.reshape(6, TOKENS, HEADS, -1)[:, :, 2]
    mean = reference.values.reshape(6, HEADS, -1)[:, 2].astype(np.float64).mean(0)
    np.testing.assert_allclose(rows, np.broadcast_to(mean, rows.shape), rtol=1e-5, atol=1e-6)
    assert np.isfinite(reference["out_norm"].values).all()


def test_multihead__a_subclass_with_its_own_forward_has_no_heads_to_offer():
    class Own(nn.MultiheadAttention):
        def forward(self, *args, **kwargs):
            return super().forward(*args, **kwargs)

    model = MultiHead(True, False, False)
    model.attn = Own(WIDTH, HEADS, batch_first=True)
    assert "attn/heads" not in Specimen(model, shown().inputs[:2]).sites()


def test_multihead__inside_a_transformer_encoder():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(WIDTH, HEADS, 16, batch_first=True), 2,
                                  enable_nested_tensor=False).eval()
    stimuli = shown()
    net = Specimen(model, stimuli.inputs[:2])
    first, second = model.layers
    x = net.prepare(stimuli.inputs)
    with torch.no_grad(), plain_kernels():
        q, k, v = functional.linear(x, first.self_attn.in_proj_weight, first.self_attn.in_proj_bias).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (q, k, v))
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).clone()
        mixed[:, :, 0] = 0
        h = first.norm1(x + first.self_attn.out_proj(mixed.flatten(2)))
        h = first.norm2(h + first.linear2(torch.relu(first.linear1(h))))
        expected = second(h)
    cut = answer(net, stimuli, head("layers.0.self_attn/heads", 0))
    torch.testing.assert_close(cut, expected, rtol=1e-5, atol=1e-5)


# -- grouped queries, fused projections ------------------------------------------------------------------------------


class Grouped(nn.Module):
    """Four query heads, two key-value heads."""

    def __init__(self):
        super().__init__()
        self.num_heads, self.head_dim = HEADS, 3
        self.q_proj, self.o_proj = nn.Linear(WIDTH, HEADS * 3), nn.Linear(HEADS * 3, WIDTH)
        self.k_proj, self.v_proj = nn.Linear(WIDTH, 2 * 3), nn.Linear(WIDTH, 2 * 3)

    def forward(self, x):
        q, k, v = (p(x).unflatten(-1, (-1, 3)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class Fused(nn.Module):
    """One projection for all three, side by side or head by head."""

    def __init__(self, order, heads=HEADS):
        super().__init__()
        self.num_heads, self.order = heads, order
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        whole = self.qkv(x)
        if self.order == "by head":
            parts = list(whole.unflatten(-1, (self.num_heads, 3, -1)).unbind(-2))
        else:
            parts = [part.unflatten(-1, (self.num_heads, -1)) for part in whole.chunk(3, dim=-1)]
            parts = [parts[at] for at in self.order]
        q, k, v = (part.transpose(1, 2) for part in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Around(nn.Module):
    def __init__(self, attn):
        super().__init__()
        self.attn, self.head = attn, nn.Linear(WIDTH, 3)

    def forward(self, x):
        return self.head(x + self.attn(x))


@pytest.mark.parametrize(
    ("attn", "site", "module", "before", "columns"),
    [
        (Grouped, "attn.o_proj/heads", "o_proj", True, [(3, 6)]),
        (Grouped, "attn.q_proj/q_heads", "q_proj", False, [(3, 6)]),
        (Grouped, "attn.k_proj/kv_heads", "k_proj", False, [(3, 6)]),
        (Grouped, "attn.v_proj/kv_heads", "v_proj", False, [(3, 6)]),
        (lambda: Fused((0, 1, 2)), "attn.proj/heads", "proj", True, [(3, 6)]),
        (lambda: Fused((0, 1, 2)), "attn.qkv/q_heads", "qkv", False, [(3, 6)]),
        (lambda: Fused((0, 1, 2)), "attn.qkv/k_heads", "qkv", False, [(15, 18)]),
        (lambda: Fused((0, 1, 2)), "attn.qkv/v_heads", "qkv", False, [(27, 30)]),
        (lambda: Fused("by head"), "attn.qkv/q_heads", "qkv", False, [(9, 12)]),
        (lambda: Fused("by head"), "attn.qkv/k_heads", "qkv", False, [(12, 15)]),
        (lambda: Fused("by head"), "attn.qkv/v_heads", "qkv", False, [(15, 18)]),
    ],
)  # fmt: skip
def test_trap_8__a_head_is_its_slice(attn, site, module, before, columns):
    stimuli = shown()
    net = Specimen(Around(attn()), stimuli.inputs[:3])
    x = net.prepare(stimuli.inputs)
    part = getattr(net.model.attn, module)
    ((start, stop),) = columns
    expected = by_hand(part, zero(start, stop), lambda: net.model(x), before=before)
    assert torch.equal(answer(net, stimuli, head(site, 1)), expected)
    assert not torch.equal(expected, answer(net, stimuli))
    seen = []
    handle = part.register_forward_hook(lambda module, args, output: seen.append((args[0], output)))
    with torch.no_grad():
        net.model(x)
    handle.remove()
    slice_ = seen[0][0 if before else 1][..., start:stop]
    recorded = record(net, stimuli, [Probe(site, pool=None)]).values.reshape(6, TOKENS, -1, 3)
    np.testing.assert_array_equal(recorded[:, :, 1], slice_.numpy())


def test_grouped_queries__count_their_heads_apart():
    table = Specimen(Around(Grouped()), shown().inputs[:3]).sites()
    assert table["attn.o_proj/heads"].n_heads == table["attn.q_proj/q_heads"].n_heads == 4
    assert table["attn.k_proj/kv_heads"].n_heads == table["attn.v_proj/kv_heads"].n_heads == 2


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 1, 0)])
def test_fused_projection_in_another_order__is_refused_not_guessed(order):
    net = Specimen(Around(Fused(order)), shown().inputs[:3])
    with pytest.raises(RefusedSiteError, match=r"not laid out as queries.*Use 'attn\.proj/heads'"):
        net.sites()["attn.qkv/q_heads"]


@pytest.mark.parametrize(
    ("architecture", "config", "sites"),
    [
        ("GPT2LMHeadModel", {"n_embd": 12, "n_head": 4, "n_layer": 2, "n_positions": 8, "vocab_size": 20},
         {"transformer.h.1.attn.c_proj/heads": 4, "transformer.h.1.attn.c_attn/v_heads": 4}),
        ("LlamaForCausalLM", {"hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 20,
                              "num_hidden_layers": 2, "intermediate_size": 8},
         {"model.layers.1.self_attn.o_proj/heads": 4, "model.layers.1.self_attn.v_proj/kv_heads": 2}),
        ("GPTNeoXForCausalLM", {"hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 20,
                                "intermediate_size": 8},
         {"gpt_neox.layers.1.attention.dense/heads": 4, "gpt_neox.layers.1.attention.query_key_value/k_heads": 4}),
        ("Phi3ForCausalLM", {"hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 20,
                             "num_hidden_layers": 2, "intermediate_size": 8, "pad_token_id": 0},
         {"model.layers.1.self_attn.o_proj/heads": 4, "model.layers.1.self_attn.qkv_proj/v_heads": 2}),
        ("BertModel", {"hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 20,
                       "intermediate_size": 8},
         {"encoder.layer.1.attention.output.dense/heads": 4, "encoder.layer.1.attention.self.key/kv_heads": 4}),
    ],
)  # fmt: skip
def test_hugging_face__heads_are_found_and_cut(architecture, config, sites):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed (extra: specimens)")
    kind = getattr(transformers, architecture)
    model = kind(kind.config_class(**config)).eval()
    ids = torch.randint(1, 20, (4, 6), generator=CHANCE)
    net = Specimen(model, ids, output=0)
    stimuli = StimulusSet("ids", ids.numpy(), pd.DataFrame({"stimulus_id": list("abcd"), "condition": list("xyxy")}))
    for address, count in sites.items():
        site = net.sites()[address]
        assert (site.n_heads, site.status) == (count, "ok")
        out = net.sites()[next(iter(sites))]
        cut = record(net, stimuli, [Probe(out.address, pool=None)], lesions=[head(address, 0)])
        whole = record(net, stimuli, [Probe(out.address, pool=None)])
        share = out.n_heads // count
        different = (cut.values != whole.values).reshape(4, 6, out.n_heads, -1).any((0, 1, 3))
        assert different.tolist() == [True] * share + [False] * (out.n_heads - share)


# -- together with the rest of the bench -------------------------------------------------------------------------------


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(WIDTH, HEADS, 16, batch_first=True), 3,
                                            enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, x):
        return self.head(self.layers(x).mean(1))


def test_examine__replays_what_lies_before_a_head_to_the_bit():
    stimuli = shown(20)
    net = Specimen(Stack(), stimuli.inputs[:3])
    design = [head(f"layers.layers.{layer}.self_attn/heads", one) for layer in range(3) for one in range(HEADS)]
    design = [Lesion(lesion.roi, lesion.how, name=str(at)) for at, lesion in enumerate(design)]
    trials = examine(net, design, [Task("first", stimuli, lambda outputs, table: outputs[:, 0])], batch_size=8)
    for row, lesion in zip(trials.score.values[0, 1:], design):
        np.testing.assert_allclose(row, answer(net, stimuli, lesion)[:, 0].numpy(), rtol=1e-5, atol=1e-6)
    assert (trials["certificate_downstream"].values[0] == [0] + [1] * len(design)).all()
    assert net.verify().ok


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_trap_12__heads_in_half_precision_are_pooled_and_averaged_in_full(dtype):
    stimuli = shown(30)
    net = Specimen(Stack().to(dtype), stimuli.inputs[:3])
    site = "layers.layers.1.self_attn/heads"
    whole = record(net, stimuli, [Probe(site, pool=None, dtype="float64")]).values.reshape(30, TOKENS, -1)
    pooled = record(net, stimuli, [Probe(site)])
    np.testing.assert_allclose(pooled.values, whole.mean(1), rtol=1e-5, atol=1e-6)
    lesion = Lesion(ROI("r", {site: [5]}, {site: ("head", "unit")}), Mean(pooled))
    held = record(net, stimuli, [Probe(site, pool=None, dtype="float64")], lesions=[lesion]).values
    mean = torch.tensor(pooled.values[:, 5].astype(np.float64).mean()).to(dtype).double().item()
    assert set(held.reshape(30, TOKENS, -1)[:, :, 5].ravel()) == {mean}
