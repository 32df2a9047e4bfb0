"""The narrow path: where only one position of a text is read out, no more is computed, and the answer is the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

import neurolab as nl
from neurolab.design import sham
from neurolab.lesion import Lesion, Noise, Zero
from neurolab.roi import ROI
from neurolab.specimen.bench import bench
from neurolab.specimen.engine import Engine
from neurolab.specimen.graphs import graph_of
from neurolab.specimen.plan import ROUNDING
from neurolab.specimen.positions import NotApart, Spot, said
from neurolab.specimen.promises import one_thread
from neurolab.specimen.replay import Batch
from neurolab.specimen.slices import slice_at

TOKENS, WIDTH = 6, 8


class Block(nn.Module):
    """A decoder's layer; ``attend`` is how positions are joined."""

    def __init__(self, attend: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.attend, self.ln1, self.ln2 = attend, nn.LayerNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.qkv, self.join = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.fc, self.act, self.proj = nn.Linear(WIDTH, 2 * WIDTH), nn.GELU("tanh"), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.qkv(self.ln1(x)).split(WIDTH, dim=-1)
        query, key, value = (one.view(*x.shape[:2], 2, -1).transpose(1, 2) for one in (query, key, value))
        seen = self.attend(query, key, value).transpose(1, 2).reshape(x.shape)
        x = x + self.join(seen)
        return x + self.proj(self.act(self.fc(self.ln2(x))))


def causal(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return functional.scaled_dot_product_attention(query, key, value, is_causal=True)


def free(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return functional.scaled_dot_product_attention(query, key, value)


def biased(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    far = -(torch.arange(TOKENS)[:, None] - torch.arange(TOKENS)[None]).abs().to(query.dtype)
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=far)


def by_hand(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Rotated queries and keys, a mask of its own, a softmax in the open."""
    angle = torch.arange(TOKENS, dtype=query.dtype)[:, None] * torch.tensor([1.0, 0.1, 1.0, 0.1])

    def rotated(x: torch.Tensor) -> torch.Tensor:
        return x * angle.cos() + torch.cat([-x[..., 2:], x[..., :2]], dim=-1) * angle.sin()

    score = rotated(query) @ rotated(key).transpose(-1, -2) / 2
    ahead = torch.ones(TOKENS, TOKENS, dtype=torch.bool).triu(1)
    return score.masked_fill(ahead, -torch.inf).softmax(-1) @ value


class Reader(nn.Module):
    """Two layers and a read-out: of one position, or of what ``read`` makes of all of them."""

    def __init__(self, attend: Callable[..., torch.Tensor], read: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.enter, self.read = nn.Linear(4, WIDTH), read
        self.layers = nn.ModuleList(Block(attend) for _ in range(2))
        self.ln, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.enter(x)
        for layer in self.layers:
            x = layer(x)
        return self.read(self.head(self.ln(x)))


READ = {
    "last": lambda out: out[:, -1], "last kept": lambda out: out[:, -1:].flatten(1), "first": lambda out: out[:, 0],
    "middle": lambda out: out[:, 2], "twice": lambda out: out[:, -1] + out[:, TOKENS - 1].tanh(),
}
def middle_of_all(out: torch.Tensor) -> torch.Tensor:
    """One position, of what all positions went into."""
    return out.cumsum(1)[:, 2]


NARROW = {
    "causal": (causal, "last"), "causal, kept": (causal, "last kept"), "causal, read twice": (causal, "twice"),
    "no mask, first": (free, "first"), "a mask of numbers": (biased, "middle"), "by hand": (by_hand, "last"),
    "by hand, middle": (by_hand, "middle"),
}  # fmt: skip


@cache
def net_of(attend: Callable[..., torch.Tensor], read: Callable[[torch.Tensor], torch.Tensor]) -> nl.Specimen:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Reader(attend, read).eval()
    return nl.Specimen(model, np.ones((1, TOKENS, 4), dtype=np.float32), name="reader")


def shown(n: int = 7) -> nl.StimulusSet:
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": "a"})
    return nl.StimulusSet("texts", np.random.default_rng(0).normal(size=(n, TOKENS, 4)).astype(np.float32), table)


def design_at(address: str, net: nl.Specimen, stimuli: nl.StimulusSet) -> list[Lesion]:
    known = nl.record(net, stimuli, [nl.Probe(address, pool=None)])
    cuts = [Lesion(ROI(f"{units}", {address: units}), how, rng=3) for units in ([1], [0, 5]) for how in
            (Zero(), Noise(1.0, known))]  # fmt: skip
    return [sham(cuts[0]), *cuts]


def answers(net: nl.Specimen, design: list[Lesion], stimuli: nl.StimulusSet, paths: tuple[str, ...], size: int = 4):
    """Place -> answers, and the plan's last group."""
    with one_thread(), bench(net) as table:
        inputs, ids = net.prepare(stimuli.inputs), stimuli.ids
        batches = [Batch(inputs[at : at + size], ids[at : at + size]) for at in range(0, len(ids), size)]
        engine = Engine(table, batches, design, always=True)
        plan = engine.plan(paths=paths)
        found = {at: torch.cat(out) for tile in plan.tiles() for at, _, out in engine.answers(tile)}
    return found, plan.groups[-1]


SITES = ("enter", "layers.0.act", "layers.1.qkv", "layers.1.act", "ln")


@pytest.mark.parametrize("name", NARROW)
def test_answers_are_those_of_the_hook_loop_at_every_site(name: str) -> None:
    attend, read = NARROW[name]
    net, stimuli = net_of(attend, READ[read]), shown()
    for address in SITES:
        design = design_at(address, net, stimuli)
        whole, _ = answers(net, design, stimuli, ("hooks",))
        for paths in (("narrow",), ("sparse",)):
            found, group = answers(net, design, stimuli, paths)
            assert group.path == paths[0] or (paths[0] == "sparse" and not address.endswith("act")), group.why
            bound = ROUNDING * max(float(one.abs().max()) for one in whole.values())
            for at, answer in whole.items():
                assert float((found[at] - answer).abs().max()) <= bound, (address, at)
            assert torch.equal(found[0], whole[0])


@pytest.mark.parametrize("name", NARROW)
def test_the_last_layer_is_computed_at_one_position(name: str) -> None:
    attend, read = NARROW[name]
    graph = graph_of(net_of(attend, READ[read]))
    part = slice_at(graph, [graph.places["layers.0"].node], narrow=True)
    kinds = [getattr(node.target, "__name__", "") for node in part.spots]
    assert sum("linear" in kind for kind in kinds) == 4  # join, fc, proj and the head; queries, keys, values are whole
    late = [graph.places["layers.1.join"].node]
    assert slice_at(graph, late, narrow=True).largest() * TOKENS == slice_at(graph, late).largest()
    assert all(graph.places[one].node not in part.spots for one in ("layers.0", "layers.1.qkv"))


def test_a_product_of_a_tensor_with_itself_is_whole() -> None:
    def twice(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        weights = (query @ key.transpose(-1, -2)).softmax(-1)
        return weights @ weights @ value

    net, stimuli = net_of(twice, READ["last"]), shown()
    design = design_at("layers.0.act", net, stimuli)
    whole, _ = answers(net, design, stimuli, ("hooks",))
    found, group = answers(net, design, stimuli, ("narrow",))
    assert group.path == "narrow"
    bound = ROUNDING * max(float(one.abs().max()) for one in whole.values())
    assert all(float((found[at] - whole[at]).abs().max()) <= bound for at in whole)


def test_an_axis_that_is_told_by_name_is_not_guessed() -> None:
    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    x.meta["val"] = torch.empty(2, TOKENS, WIDTH)
    by_place = graph.call_function(torch.ops.aten.cat.default, ([x, x], 2))
    by_name = graph.call_function(torch.ops.aten.cat.default, ([x, x],), {"dim": 1})
    by_place.meta["val"] = torch.empty(2, TOKENS, 2 * WIDTH)
    by_name.meta["val"] = torch.empty(2, 2 * TOKENS, WIDTH)
    assert said(by_place, Spot(1, 3))[0] == {x: Spot(1, 3)}
    with pytest.raises(NotApart, match="by name"):
        said(by_name, Spot(2, 3))


def test_what_a_row_of_numbers_shares_is_not_taken_apart() -> None:
    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    soft = [graph.call_function(torch.ops.aten.softmax.int, (x, axis)) for axis in (1, -1)]
    normed = graph.call_function(torch.ops.aten.layer_norm.default, (x, [TOKENS, WIDTH]))
    for node in (x, normed, *soft):
        node.meta["val"] = torch.empty(2, TOKENS, WIDTH)
    assert said(soft[1], Spot(1, 3))[0] == {x: Spot(1, 3)}
    for node in (soft[0], normed):
        with pytest.raises(NotApart, match="joins positions"):
            said(node, Spot(1, 3))


def test_nothing_is_narrow_where_all_positions_are_read() -> None:
    for attend, read in ((causal, lambda out: out.mean(1)), (causal, lambda out: out[:, -1] - out[:, 0]),
                         (free, lambda out: out.cumsum(1)[:, -1])):  # fmt: skip
        graph = graph_of(net_of(attend, read))
        part = slice_at(graph, [graph.places["layers.0"].node], narrow=True)
        assert not any("linear" in str(node.target) or "attention" in str(node.target) for node in part.spots)


def test_a_causal_attention_is_not_taken_apart_but_at_the_last_position() -> None:
    graph = graph_of(net_of(causal, READ["middle"]))
    part = slice_at(graph, [graph.places["layers.0"].node], narrow=True)
    assert part.spots
    assert not any("attention" in str(node.target) for node in part.spots)


def test_equal_bits_are_not_given_up_for_next_to_nothing() -> None:
    net, stimuli = net_of(free, middle_of_all), shown()
    design = design_at("layers.0.act", net, stimuli)
    assert graph_of(net).takes_a_position
    _, group = answers(net, design, stimuli, ("narrow", "slice"))
    assert group.path == "slice"
    assert "next to nothing" in group.why


def test_a_lesioned_tensor_is_whole_until_it_is_lesioned() -> None:
    net, stimuli = net_of(causal, READ["last"]), shown()
    both = Lesion(ROI("two", {"layers.0.act": [1], "layers.1.act": [2, 3]}), Zero())
    design = [sham(both), both]
    whole, _ = answers(net, design, stimuli, ("hooks",))
    found, group = answers(net, design, stimuli, ("narrow",))
    assert group.path == "narrow"
    assert float((found[1] - whole[1]).abs().max()) <= ROUNDING * float(whole[1].abs().max())
    assert not torch.equal(whole[1], whole[0])


def test_equal_bits_are_never_asked_of_it() -> None:
    net, stimuli = net_of(causal, READ["last"]), shown()
    design = design_at("layers.0.act", net, stimuli)
    with one_thread(), bench(net) as table:
        batches = [Batch(net.prepare(stimuli.inputs), stimuli.ids)]
        plan = Engine(table, batches, design, always=True).plan("bit")
    assert {group.path for group in plan.groups} == {"hooks", "slice"}
