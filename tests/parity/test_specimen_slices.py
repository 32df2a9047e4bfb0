"""Slices against the hook loop: every ablation, weights, several sites, many slices of one batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.lesion import (
    Ablation,
    Clamp,
    CutWeights,
    Lesion,
    Mean,
    Noise,
    Quantise,
    Resample,
    Scale,
    Stimulate,
    WeightNoise,
    Zero,
)
from neurolab.roi import ROI
from neurolab.specimen import Probe, Specimen, record
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.graph import Graph, exported
from neurolab.specimen.program import NotExported
from neurolab.specimen.promises import snapshot
from neurolab.specimen.proof import close, difference
from neurolab.specimen.slices import Standing, edits_by_node, slice_at
from neurolab.stimuli import StimulusSet

ROWS = tuple("abcde")


class Net(nn.Module):
    """A convolution in a block, a residual, heads: small, and with one of each thing that matters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU(inplace=True)
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.tokens = nn.Linear(16, 12)
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.lstm = nn.LSTM(12, 6, batch_first=True)
        self.out = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.act(self.norm(self.conv(x)))
        hidden = self.block(hidden) + hidden
        tokens = self.tokens(hidden.flatten(2))
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        return self.out(self.lstm(tokens)[0][:, -1])


@pytest.fixture(scope="module")
def specimen() -> Specimen:
    torch.manual_seed(0)
    return Specimen(Net().eval(), torch.randn(2, 3, 4, 4))


@pytest.fixture(scope="module")
def graph(specimen: Specimen) -> Graph:
    return exported(specimen)


@pytest.fixture
def inputs(specimen: Specimen) -> torch.Tensor:
    return specimen.prepare(torch.randn((len(ROWS), 3, 4, 4), generator=torch.Generator().manual_seed(1)))


@pytest.fixture
def table(specimen: Specimen) -> Iterator[Bench]:
    with bench(specimen) as made:
        yield made


def at(address: str, units: list[int], how: Ablation, **more: object) -> Lesion:
    return Lesion(ROI("some", {address: units}), how, **more)  # type: ignore[arg-type]


def by_hooks(table: Bench, lesion: Lesion, inputs: torch.Tensor) -> torch.Tensor:
    with table.lesioned(lesion):
        return table.forward(inputs, ROWS)


def by_slice(
    table: Bench, graph: Graph, lesions: list[Lesion], inputs: torch.Tensor, copies: int
) -> list[torch.Tensor]:
    """The answers of one slice that serves all of these lesions."""
    with ExitStack() as stack:
        damages = [stack.enter_context(table.lesioned(lesion)) for lesion in lesions]
        nodes = [graph.node(edit.site) for damage in damages for edit in damage.edits]
        standing = Standing(slice_at(graph, nodes), inputs, copies)
        return standing.answers([edits_by_node(graph, damage.edits, ROWS) for damage in damages])


@pytest.fixture(scope="module")
def usual(specimen: Specimen) -> object:
    rng = np.random.default_rng(0)
    names = pd.DataFrame({"stimulus_id": [f"r{at}" for at in range(12)], "condition": "x"})
    shown = StimulusSet("usual", rng.normal(size=(12, 3, 4, 4)).astype(np.float32), names)
    return record(specimen, shown, [Probe("act", pool=None)])


def ablations(usual: object) -> list[Ablation]:
    return [Zero(), Mean(usual), Resample(usual), Noise(1.0, usual), Scale(0.3), Clamp(1.5), Stimulate(2.0, usual)]


def test_every_ablation_alone_gives_the_same_bits_and_side_by_side_the_same_to_rounding(
    table: Bench, graph: Graph, inputs: torch.Tensor, usual: object
) -> None:
    for how in ablations(usual):
        known = by_hooks(table, at("act", [1, 4], how, rng=3), inputs)
        (alone,) = by_slice(table, graph, [at("act", [1, 4], how, rng=3)], inputs, 1)
        assert torch.equal(alone, known), how
    lesions = [at("act", [n % 8, (n + 3) % 8], how, rng=n) for n, how in enumerate(ablations(usual))]
    together = by_slice(table, graph, lesions, inputs, len(lesions) + 1)
    assert len(together) == len(lesions)
    for lesion, got in zip(lesions, together):
        known = by_hooks(table, lesion, inputs)
        assert close(got, known)
        assert difference(known, table.forward(inputs, ROWS)) > 1e-4


def test_certificates_count_the_same_as_under_hooks(table: Bench, graph: Graph, inputs: torch.Tensor) -> None:
    lesion = at("block", [0, 5], Zero())
    with table.lesioned(lesion) as hooked:
        table.forward(inputs, ROWS)
        known = hooked.edits[0].tally
    with table.lesioned(lesion) as damage:
        part = slice_at(graph, [graph.node(damage.edits[0].site)])
        Standing(part, inputs, 2).answers([edits_by_node(graph, damage.edits, ROWS)])
        assert damage.edits[0].tally == known
    assert known.total > 0


@pytest.mark.parametrize("how", [CutWeights(), WeightNoise(0.5), Quantise(2)], ids=repr)
def test_lesions_of_weights_give_the_same_bits(
    how: Ablation, table: Bench, graph: Graph, inputs: torch.Tensor
) -> None:
    lesion = at("tokens", [0, 3], how, rng=2)
    standing = None
    for _ in range(2):  # the second time on what was kept before the weights were lesioned
        with table.lesioned(lesion) as damage:
            known = table.forward(inputs, ROWS)
            if standing is not None:
                assert torch.equal(standing.answers([{}])[0], known)
            nodes = [graph.weight(edit.parameter) for edit in damage.weights]
        standing = standing or Standing(slice_at(graph, nodes), inputs)
    assert torch.equal(standing.answers([{}])[0], standing.answer)  # they are as they were
    assert not torch.equal(known, standing.answer)
    with pytest.raises(NotExported, match="weights"):
        Standing(standing.part, inputs, 2)


def test_several_sites_with_one_behind_the_other(table: Bench, graph: Graph, inputs: torch.Tensor) -> None:
    early, late = at("act", [2, 3], Scale(0.2)), at("attention", [0, 7], Clamp(1.0))
    heads = Lesion(ROI("heads", {"attention/heads": [1]}, {"attention/heads": ("head",)}), Zero())
    for both in (early & late, early & heads, late & early):
        known = by_hooks(table, both, inputs)
        (alone,) = by_slice(table, graph, [both], inputs, 1)
        assert torch.equal(alone, known)
    other = at("act", [0], Zero()) & at("attention", [5], Zero())
    got = by_slice(table, graph, [early & late, other], inputs, 3)
    assert all(close(one, by_hooks(table, lesion, inputs)) for one, lesion in zip(got, (early & late, other)))


def test_a_block_and_its_last_part_act_in_the_order_of_their_hooks(
    table: Bench, graph: Graph, inputs: torch.Tensor
) -> None:
    outer, inner = at("block", [0], Clamp(1.0)), at("block.1", [0], Scale(3.0))
    both = outer & inner
    with table.lesioned(both) as damage:
        assert len({graph.node(edit.site) for edit in damage.edits}) == 1  # one tensor, two places
    (alone,) = by_slice(table, graph, [both], inputs, 1)
    assert torch.equal(alone, by_hooks(table, both, inputs))
    with table.lesioned(both) as damage:
        known = edits_by_node(graph, damage.edits, ROWS)
        again = edits_by_node(graph, damage.edits[::-1], ROWS)
    (node,) = known
    value, _ = graph.values(inputs, [node])
    assert torch.equal(known[node](value[node]), again[node](value[node]))


def test_one_run_of_the_network_serves_many_slices_and_is_never_written_into(
    table: Bench, graph: Graph, inputs: torch.Tensor, specimen: Specimen
) -> None:
    sites = [specimen.sites()[address] for address in ("conv", "act", "block", "tokens", "output")]
    parts = [slice_at(graph, [graph.node(site)]) for site in sites]
    known = graph.values(inputs, [node for part in parts for node in part.reads])
    before = {node: value.clone() for node, value in known[0].items() if isinstance(value, torch.Tensor)}
    for site, part in zip(sites, parts):
        lesion = at(site.address, [0, 1], Clamp(3.0))
        with table.lesioned(lesion) as damage:
            got = Standing(part, inputs, 1, known).answers([edits_by_node(graph, damage.edits, ROWS)])[0]
        assert torch.equal(got, by_hooks(table, lesion, inputs)), site.address
    assert all(torch.equal(known[0][node], value) for node, value in before.items())
    spared = [part.spared for part in parts]
    assert spared == sorted(spared)
    assert spared[0] > 0
    assert spared[-1] == 1.0
    assert torch.equal(known[1], table.forward(inputs, ROWS))


def test_given_values_of_all_copies_lead_to_their_read_outs(
    table: Bench, graph: Graph, inputs: torch.Tensor, specimen: Specimen
) -> None:
    part = slice_at(graph, [graph.node(specimen.sites()["tokens"])], given=True)
    (node,) = part.starts
    standing = Standing(part, inputs, 2)
    answers = standing.behind({node: torch.cat([standing.values[node] * 0.5, standing.values[node]])})
    known = by_hooks(table, Lesion(ROI("all", {"tokens": range(12)}), Scale(0.5)), inputs)
    assert close(answers[: len(inputs)], known)
    assert close(answers[len(inputs):], standing.answer)


def test_exporting_leaves_the_network_and_chance_as_they_were(specimen: Specimen) -> None:
    before, flat = snapshot(specimen.model), [id(one) for one in specimen.model.lstm._flat_weights]
    chance = torch.get_rng_state()
    exported(specimen)
    assert snapshot(specimen.model) == before
    assert [id(one) for one in specimen.model.lstm._flat_weights] == flat
    assert torch.equal(torch.get_rng_state(), chance)


def test_weights_that_are_read_by_another_tensor_too_are_refused() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.aside = self.a.weight.detach()[0]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.a(x + self.aside)

    specimen = Specimen(Aside(), torch.randn(2, 4))
    with pytest.raises(NotExported, match="another tensor"):
        exported(specimen).weight(specimen.model.a.weight)


class Crowded(nn.Module):
    """Only the first six stimuli of a batch get through, as with experts that have room for so many."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.a(x)
        through = (hidden[:, :1] > -1e6).float().cumsum(0) <= 6
        return self.b(hidden * through)


def test_rows_that_interact_in_a_tile_only_are_refused_and_would_be_found_by_comparing_with_hooks(monkeypatch) -> None:
    torch.manual_seed(0)
    crowded = Specimen(Crowded(), torch.randn(2, 4))
    graph, inputs = exported(crowded), crowded.prepare(torch.randn(5, 4))
    assert "runs along the rows" in slice_at(graph, [graph.node(crowded.sites()["a"])]).why_single
    monkeypatch.setattr("neurolab.specimen.slices.joins_rows", lambda node: False)
    lesions = [at("a", [unit], Zero()) for unit in range(3)]
    with bench(crowded) as table:
        known = [by_hooks(table, lesion, inputs) for lesion in lesions]
        alone = [by_slice(table, graph, [lesion], inputs, 1)[0] for lesion in lesions]
        together = by_slice(table, graph, lesions, inputs, 3)
    assert all(map(torch.equal, alone, known))
    assert close(together[0], known[0])
    assert not close(together[2], known[2])  # what a canary on the last lesion of a tile sees


def test_rows_that_are_compared_can_only_be_computed_one_lesion_at_a_time() -> None:
    class Alike(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = self.a(x)
            return self.b(hidden) + 1e-6 * (hidden @ hidden.T).sum(1, keepdim=True)

    torch.manual_seed(0)
    specimen = Specimen(Alike(), torch.randn(2, 4))
    graph = exported(specimen)
    part = slice_at(graph, [graph.node(specimen.sites()["a"])])
    assert "grow with the batch" in part.why_single
    with pytest.raises(NotExported, match="grow with the batch"):
        Standing(part, specimen.prepare(torch.randn(5, 4)), 2)
