"""E1: on a zoo of networks, a slice is right at every site or refused with a reason; none is wrong and says nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn

from neurolab.lesion import Clamp, Lesion, Scale
from neurolab.roi import ROI
from neurolab.specimen import Padded, Specimen
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.causal import CausalReader
from neurolab.specimen.graph import Graph, exported
from neurolab.specimen.program import NotExported
from neurolab.specimen.proof import difference
from neurolab.specimen.sites import Site
from neurolab.specimen.slices import Standing, edits_by_node, slice_at

transformers = pytest.importorskip("transformers")


def ids(vocabulary: int = 50, length: int = 6) -> torch.Tensor:
    return torch.randint(1, vocabulary, (4, length), generator=torch.Generator().manual_seed(3))


def noise(*shape: int) -> torch.Tensor:
    return torch.randn((4, *shape), generator=torch.Generator().manual_seed(3))


def last(raw: object) -> torch.Tensor:
    return raw.logits[:, -1]  # type: ignore[attr-defined]


TINY = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24,
        "bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}


def hugging(kind: str, output: object, inputs: torch.Tensor, feed: object = None, **config: object) -> Specimen:
    model = getattr(transformers, kind)
    return Specimen(model(model.config_class(**config)).eval(), inputs[:2], output=output, feed=feed)  # type: ignore


def gpt2(attention: str, feed: object = None) -> Specimen:
    return hugging("GPT2LMHeadModel", last, ids(), feed, vocab_size=50, n_positions=8, n_embd=16, n_layer=1, n_head=2,
                   attn_implementation=attention, bos_token_id=None, eos_token_id=None)


class Block(nn.Module):
    """Parts by name, and a forward given as a function of the module and the batch."""

    def __init__(self, run: Callable[[nn.Module, torch.Tensor], torch.Tensor], **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = run

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(self, x)


def _cells(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    state = x.new_zeros(x.shape[0], 6)
    for step in range(x.shape[1]):
        state = block.cell(x[:, step], state)
    return block.out(state)


def _in_place(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    first = block.a(x)
    kept = first
    first = block.act(first)
    first.add_(block.b(first))
    kept.mul_(2)
    return block.out(first + kept)


def _branch(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    hidden = block.a(x)
    return block.out(hidden * 2 if hidden.sum() > -1e6 else hidden)


def _shared(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return block.out(block.act(block.b(block.act(block.a(x)))) + block.act(x))


def _attending(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return block.out(block.attention(x, x, x, need_weights=False)[0][:, -1])


def _handed_on(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    hidden = block.a(x)
    return block.out(block.same(block.drop(hidden)) - 0.5 * hidden)  # past the identity, the intact value is read


def _merged(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    rows = block.a(x.transpose(0, 1).reshape(-1, 4))  # (position x stimulus, unit)
    return block.out(rows).unflatten(0, (3, -1)).sum(0)


ZOO: dict[str, tuple[Callable[[], Specimen], Callable[[], torch.Tensor]]] = {
    "gpt2 sdpa, padded": (lambda: gpt2("sdpa", Padded(0)),
                          lambda: ids() * (torch.arange(6) < 3 + torch.arange(4)[:, None])),
    "gpt2 eager": (lambda: gpt2("eager"), ids),
    "bert": (lambda: hugging("BertModel", "pooler_output", ids(), **TINY), ids),
    "llama": (lambda: hugging("LlamaForCausalLM", last, ids(), **TINY | {"num_attention_heads": 4},
                              num_key_value_heads=2), ids),
    "llama reader": (lambda: Specimen(CausalReader(transformers.LlamaForCausalLM(transformers.LlamaConfig(**TINY)), 0)
                                      .eval(), ids()[:2]), ids),
    "vit": (lambda: hugging("ViTModel", "pooler_output", noise(3, 16, 16), hidden_size=16, num_hidden_layers=1,
                            num_attention_heads=2, intermediate_size=24, image_size=16, patch_size=8),
            lambda: noise(3, 16, 16)),
    "resnet": (lambda: hugging("ResNetForImageClassification", "logits", noise(3, 32, 32), embedding_size=8,
                               hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5),
               lambda: noise(3, 32, 32)),
    "convnext": (lambda: hugging("ConvNextForImageClassification", "logits", noise(3, 32, 32), hidden_sizes=[8, 16],
                                 depths=[1, 1], num_stages=2, num_labels=5, layer_scale_init_value=1.0),
                 lambda: noise(3, 32, 32)),
    "qwen2 experts": (lambda: hugging(
        "Qwen2MoeForCausalLM", last, ids(), **TINY, num_key_value_heads=2, moe_intermediate_size=8,
        shared_expert_intermediate_size=8, num_experts=4, num_experts_per_tok=2), ids),
    "mamba": (lambda: hugging("MambaForCausalLM", last, ids(), **TINY, state_size=4), ids),
    "encoder": (lambda: Specimen(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), 1)
                                 .eval(), noise(5, 8)), lambda: noise(5, 8)),
    "attention": (lambda: Specimen(Block(_attending, attention=nn.MultiheadAttention(8, 2, batch_first=True),
                                         out=nn.Linear(8, 3)).eval(), noise(5, 8)), lambda: noise(5, 8)),
    "cells": (lambda: Specimen(Block(_cells, cell=nn.RNNCell(4, 6), out=nn.Linear(6, 2)), noise(5, 4)),
              lambda: noise(5, 4)),
    "lstm": (lambda: Specimen(Block(lambda b, x: b.out(b.lstm(x)[0][:, -1]), lstm=nn.LSTM(4, 6, 2, batch_first=True),
                                    out=nn.Linear(6, 2)), noise(5, 4)), lambda: noise(5, 4)),
    "in place": (lambda: Specimen(Block(_in_place, a=nn.Linear(4, 6), act=nn.ReLU(inplace=True), b=nn.Linear(6, 6),
                                        out=nn.Linear(6, 2)), noise(4)), lambda: noise(4)),
    "shared": (lambda: Specimen(Block(_shared, a=nn.Linear(4, 4), act=nn.ReLU(), b=nn.Linear(4, 4),
                                      out=nn.Linear(4, 2)), noise(4)), lambda: noise(4)),
    "handed on": (lambda: Specimen(Block(_handed_on, a=nn.Linear(4, 6), same=nn.Identity(), drop=nn.Dropout(),
                                         out=nn.Linear(6, 2)).eval(), noise(4)), lambda: noise(4)),
    "positions first": (lambda: Specimen(Block(_merged, a=nn.Linear(4, 6), out=nn.Linear(6, 2)), noise(3, 4)),
                        lambda: noise(3, 4)),
}

#: Networks that no graph is, and what the refusal says.
REFUSED: dict[str, tuple[Callable[[], Specimen], str]] = {
    "branch": (lambda: Specimen(Block(_branch, a=nn.Linear(4, 6), out=nn.Linear(6, 2)), noise(4)), "data-dependent"),
    "numpy": (lambda: Specimen(Block(lambda b, x: b.out(torch.from_numpy(b.a(x).numpy() * 2)), a=nn.Linear(4, 6),
                                     out=nn.Linear(6, 2)), noise(4)), "numpy"),
    "batch size baked in": (lambda: Specimen(Block(lambda b, x: b.out(x + torch.zeros(len(x), 4)),
                                                   out=nn.Linear(4, 2)), noise(4)), "size"),
}


@dataclass
class Seen:
    """What came of a network's sites: largest differences, refusals, effects."""

    alone: dict[str, float] = field(default_factory=dict)
    together: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    single: dict[str, str] = field(default_factory=dict)
    effect: float = 0.0


def compared(specimen: Specimen, inputs: torch.Tensor) -> Seen:
    """Compare every site that can be cut with the hook loop: one lesion by itself, and three side by side."""
    graph, seen = exported(specimen), Seen()
    inputs = specimen.prepare(inputs)
    seen.refused = dict(graph.refused)
    with bench(specimen) as table:
        for site in specimen.sites():
            if site.cut and site.address in graph.places:
                _compare(table, graph, site, inputs, seen)
    return seen


def _compare(table: Bench, graph: Graph, site: Site, inputs: torch.Tensor, seen: Seen) -> None:
    rows = tuple(map(str, range(len(inputs))))
    dims = site.unit_dims or site.dims
    units = np.arange(int(np.prod(site.sizes(dims))))
    lesions = [Lesion(ROI("some", {site.address: some}, {site.address: dims}), how)
               for some, how in ((units[::2], Scale(0.5)), (units[-1:], Clamp(2.0)))]
    try:
        part = slice_at(graph, [graph.node(site)])
    except NotExported as no:
        seen.refused[site.address] = str(no)
        return
    known, edits = [], []
    with ExitStack() as stack:
        for lesion in lesions:
            with table.lesioned(lesion):
                known.append(table.forward(inputs, rows))
        edits = [edits_by_node(graph, stack.enter_context(table.lesioned(lesion)).edits, rows) for lesion in lesions]
        standing = Standing(part, inputs)
        alone = [standing.answers([one])[0] for one in edits]
        seen.alone[site.address] = max(map(difference, alone, known))
        seen.effect = max([seen.effect, *(difference(one, standing.answer) for one in known)])
        if part.why_single:
            seen.single[site.address] = part.why_single
        else:
            together = Standing(part, inputs, 3).answers(edits)  # a tile of three, the third is intact
            seen.together[site.address] = max(map(difference, together, known))


@pytest.mark.parametrize("name", ZOO)
def test_every_site_of_the_zoo_is_right_or_refused(name: str) -> None:
    torch.manual_seed(0)
    made, inputs = ZOO[name]
    seen = compared(made(), inputs())
    assert seen.effect > 1e-3  # the lesions do something
    assert set(seen.alone.values()) == {0.0}
    assert all(far <= 1e-5 for far in seen.together.values()), seen.together
    assert not seen.single or name == "qwen2 experts"  # whose router counts the rows of the whole batch
    assert len(seen.together) + len(seen.single) == len(seen.alone)
    assert all((*seen.refused.values(), *seen.single.values()))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_graph_is_refused_with_a_reason(name: str) -> None:
    made, said = REFUSED[name]
    with pytest.raises(NotExported, match=said):
        exported(made())
