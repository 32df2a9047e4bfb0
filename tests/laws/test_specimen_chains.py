"""Chains of lesions: every lesion once, each containing the one before, and the same answers as one by one."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.fx import Interpreter

from neurolab.specimen.chains import LONGEST, chains_of
from neurolab.specimen.skinny import Skinny, Turn
from neurolab.specimen.sparse import sparse_plan
from neurolab.specimen.steps import Change, Running, Step

UNITS, ROWS = 9, 11
SETS = st.lists(st.frozensets(st.integers(0, UNITS - 1)), max_size=25)


@given(SETS, st.integers(1, 5))
def test_every_lesion_is_in_one_chain_and_contains_the_one_before(sets, longest):
    chains = chains_of(sets, longest)
    assert sorted(at for chain in chains for at in chain) == list(range(len(sets)))
    assert all(1 <= len(chain) <= longest for chain in chains)
    for chain in chains:
        for before, after in pairwise(chain):
            assert sets[before] <= sets[after]
            assert 2 * len(sets[before]) >= len(sets[after])


@given(st.permutations(range(UNITS)), st.randoms(use_true_random=False))
def test_a_walk_is_one_chain_again_in_whatever_order_its_lesions_come(order, random):
    sets = [frozenset(order[:at]) for at in range(1, UNITS + 1)]
    random.shuffle(sets)
    assert len(chains_of(sets)) == 1


def test_a_lesion_is_put_behind_the_largest_that_it_contains():
    assert chains_of([(0,), (1, 2, 3), (0, 1, 2, 3)]) == ((0,), (1, 2))


def test_a_long_walk_is_cut():
    chains = chains_of([range(at) for at in range(1, 2 * LONGEST + 2)])
    assert [len(chain) for chain in chains] == [LONGEST, LONGEST, 1]


class Bench:
    """A small perceptron exported, ready to be answered under lesions of its first or second hidden layer."""

    def __init__(self):
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.export warns of its own deprecations
            torch.default_generator.manual_seed(0)
            layers = [nn.Linear(6, UNITS), nn.ReLU(), nn.Linear(UNITS, 70), nn.GELU(), nn.Linear(70, 3)]
            self.net = nn.Sequential(*layers).eval().requires_grad_(False)
            self.x = torch.randn(ROWS, 6)
            shapes = ({0: torch.export.Dim.DYNAMIC},)
            module = torch.export.export(self.net, (self.x,), dynamic_shapes=shapes).run_decompositions({}).module()
        nodes = {node.name: node for node in module.graph.nodes}
        (output,) = module.graph.output_node().args[0]
        plan, self.values = sparse_plan(nodes["relu"], 1, output), {}

        class Keeping(Interpreter):
            def run_node(keeping, node):
                made = super().run_node(node)
                self.values[node] = made
                return made

        self.intact = Keeping(module).run(self.x)
        self.hidden = self.values[nodes["relu"]]
        self.ground = Skinny(plan, self.values, self.intact)
        self.sheet = self.ground.sheet(torch.arange(UNITS), 0.25 * self.hidden)

    def answers(self, sets):
        return list(self.ground.answers([(self.sheet, np.array(sorted(units), dtype=np.int64)) for units in sets]))

    def whole(self, units):
        new = self.hidden.clone()
        new[:, sorted(units)] *= 0.25
        return self.net[2:](new)


@pytest.fixture(scope="module")
def bench():
    return Bench()


#: Shares of an answer: none is run anew for being less, some are, all are.
FAINT = st.sampled_from([0.0, 0.7, 1e9])


@settings(max_examples=60)
@given(sets=SETS, steps=st.integers(1, 4), faint=FAINT)
@example(sets=[frozenset(range(at)) for at in range(UNITS + 1)], steps=2, faint=0.0)
@example(sets=[frozenset(range(at)) for at in range(UNITS + 1)], steps=9, faint=1e9)
@example(sets=[frozenset({0})] * 3 + [frozenset(range(9))] * 2 + [frozenset()] * 2, steps=64, faint=0.0)
def test_a_chain_answers_as_its_lesions_do_alone(bench, sets, steps, faint):
    """Whatever chains are made, and however often their sums are begun anew; exactly, where nothing changes."""
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurolab.specimen.loud.FAINT", faint)
        patch.setattr("neurolab.specimen.skinny.STEPS", steps)
        for chain in chains_of(sets):
            together = bench.answers([sets[at] for at in chain])
            for at, got in zip(chain, together, strict=True):
                units = sorted(sets[at])
                want = bench.whole(units)
                (alone,) = bench.answers([units])
                scale = float(want.abs().max())
                assert float((got - want).abs().max()) <= 1e-5 * scale
                assert float((alone - want).abs().max()) <= 1e-5 * scale
                silent = (bench.hidden[:, units] == 0).all(1)
                assert torch.equal(got[silent], bench.intact[silent])
                assert torch.equal(alone[silent], bench.intact[silent])


def test_a_chain_is_computed_by_what_is_added(bench, monkeypatch):
    added = []
    monkeypatch.setattr(Running, "may", lambda self, change: True)  # few units: each is a large part of some sum
    monkeypatch.setattr(bench.ground, "small", lambda *given: True)
    monkeypatch.setattr(bench.ground, "_change", lambda sheet, which, own=bench.ground._change: (
        added.append(len(which)), own(sheet, which))[1])
    with torch.no_grad():
        bench.answers([{0, 3}, {0, 3, 5}, {0, 3, 5, 6}, {1}])
    assert added == [2, 1, 1, 1]


@settings(max_examples=30)
@given(sets=SETS, steps=st.integers(1, 4), few=st.sampled_from([0.0, 0.5, 1.0]), faint=FAINT)
@example(sets=[frozenset(range(at)) for at in range(UNITS + 1)], steps=9, few=0.0, faint=0.0)
@example(sets=[frozenset(range(at)) for at in range(UNITS + 1)], steps=9, few=0.5, faint=1e9)
def test_a_chain_of_silenced_units_answers_as_the_network_without_them(bench, sets, steps, few, faint):
    """By what is taken out, or by what is left alone; to the last unit; exactly, where nothing changes."""
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurolab.specimen.loud.FAINT", faint)
        patch.setattr("neurolab.specimen.skinny.STEPS", steps)
        patch.setattr("neurolab.specimen.skinny.FEW", few)
        sheet = bench.ground.sheet(torch.arange(UNITS), 0 * bench.hidden)
        assert sheet.silent
        for chain in chains_of(sets):
            cuts = [(sheet, np.array(sorted(sets[at]), dtype=np.int64)) for at in chain]
            for at, got in zip(chain, bench.ground.answers(cuts), strict=True):
                units = sorted(sets[at])
                new = bench.hidden.clone()
                new[:, units] = 0
                want, silent = bench.net[2:](new), (bench.hidden[:, units] == 0).all(1)
                assert float((got - want).abs().max()) <= 1e-5 * float(want.abs().max())
                assert torch.equal(got[silent], bench.intact[silent])


def test_little_is_left_where_it_is_so_beside_the_largest_since_the_sum_began(bench):
    """Not beside the one before: 16, 2 and .5 are an eighth and a quarter of one another, and .5 a 32nd of 16."""
    ground, running = bench.ground, Running.like(bench.ground.blocks, bench.ground.level[bench.ground.mix.node])
    turn = Turn(0, bench.sheet, np.arange(1), running, np.arange(1))
    found = []
    for base, largest in ((ground.bare, 16.0), (None, 2.0), (None, 0.5), (ground.bare, 0.5), (None, 0.1)):
        told = [(turn, Step(0, None, running, base))]
        found.append(len(ground._faint(told, torch.full((1, 3, ROWS), -largest))))
    assert found == [0, 0, 1, 0, 0]
    (again,) = ground._faint([(turn, Step(0, None, running))], torch.full((1, 3, ROWS), 1e-9))
    assert again.running is None  # the sum goes on as it was


def test_rows_that_a_lesion_does_not_reach_are_known_where_it_is_run_anew(bench, monkeypatch):
    """Each lesion's own rows, not those that the chain has come to by the end of the tile."""
    told = {}
    monkeypatch.setattr("neurolab.specimen.loud.FAINT", 1e9)
    monkeypatch.setattr(Running, "may", lambda self, change: True)
    monkeypatch.setattr(bench.ground, "small", lambda *given: True)
    monkeypatch.setattr(bench.ground, "settle", lambda tile, kept, work, own=bench.ground.settle: (
        told.update(kept), own(tile, kept, work))[1])
    sheet = bench.ground.sheet(torch.arange(UNITS), 0 * bench.hidden)
    with torch.no_grad():
        list(bench.ground.answers([(sheet, np.arange(at)) for at in range(1, 5)]))
    assert {slot: rows.tolist() for slot, rows in told.items()} == {
        slot: (bench.hidden[:, : slot + 1] == 0).all(1).tolist() for slot in range(4)}


def test_what_is_left_of_a_sheet_of_some_channels_is_all_others(bench):
    sheet = bench.ground.sheet(torch.tensor([7, 2, 4]), 0 * bench.hidden[:, :3])
    step = bench.ground._begun(Turn(0, sheet, np.array([0, 2]), None, None), [])
    new = bench.hidden.clone()
    new[:, [7, 4]] = 0
    got = torch.cat([step.sum(at, torch.empty_like(block)) for at, block in enumerate(bench.ground.blocks)])
    assert torch.allclose(got, bench.net[2](new), rtol=1e-5, atol=1e-6)


def test_a_layer_is_run_on_the_few_that_are_left_without_a_running_sum(bench, monkeypatch):
    """Two of nine are few here; what they leave is not measured, and the sum that came so far is not moved on."""
    measured, moved = [], []
    monkeypatch.setattr("neurolab.specimen.skinny.FEW", 2 / UNITS)
    monkeypatch.setattr(Running, "measured_may", lambda self, level, change: (measured.append(self.steps), True)[1])
    monkeypatch.setattr(Step, "sum", lambda self, number, buffer, own=Step.sum: (
        moved.append((self.running is not None, len(self.change.weights))), own(self, number, buffer))[1])
    sheet = bench.ground.sheet(torch.arange(UNITS), 0 * bench.hidden)
    with torch.no_grad():
        list(bench.ground.answers([(sheet, np.arange(at)) for at in range(5, UNITS + 1)]))
    assert measured == [1]  # after it was begun anew, when it mattered
    assert moved == [(True, 4), (True, 1), (False, 2), (False, 1), (False, 0)]


@pytest.mark.parametrize("dead", [0.0, float("inf")])
def test_a_layer_run_anew_on_the_channels_that_are_left_is_the_whole_layer(bench, monkeypatch, dead):
    """Zeros are left out of the sum, unless a weight is infinite: then 0 times it is NaN, as in the whole layer."""
    weights = bench.ground.mix.weights
    values = {**bench.values, weights: bench.values[weights].clone()}
    values[weights][0, 2] += dead
    ground = Skinny(bench.ground.plan, values, bench.intact)
    sheet = ground.sheet(torch.arange(UNITS), 0 * bench.hidden)
    assert sheet.silent == (dead == 0)
    assert not bench.sheet.silent
    with torch.no_grad():
        for units in ([0], [2], [1, 2, 5], list(range(UNITS))):
            new = bench.hidden.clone()
            new[:, units] = 0
            want = torch.nn.functional.linear(new, values[weights], bench.net[2].bias)
            step = ground._begun(Turn(0, sheet, np.array(units), None, None), [])
            assert (step.base is ground.bare) == (dead == 0)
            got = torch.cat([step.sum(at, torch.empty_like(block)) for at, block in enumerate(ground.blocks)])
            assert torch.allclose(got, want, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("rows", [1, 7, ROWS - 1, ROWS])
def test_blocks_of_rows_answer_as_the_whole_does(bench, monkeypatch, rows):
    """Lesions by themselves, in chains, and with the layer run anew; equal to the intact rows where nothing changes."""
    monkeypatch.setattr("neurolab.specimen.skinny.NEAR", rows * 70 * 4)
    ground = Skinny(bench.ground.plan, bench.values, bench.intact)
    sheet = ground.sheet(torch.arange(UNITS), 0.25 * bench.hidden)
    assert [len(block) for block in ground.blocks] == [rows] * (ROWS // rows) + [ROWS % rows] * bool(ROWS % rows)
    sets = [[3], [8], [1], [1, 2], [0, 1, 2, 4], list(range(UNITS)), [5, 6]]
    with torch.no_grad():
        for units, got in zip(sets, ground.answers([(sheet, np.array(units)) for units in sets]), strict=True):
            want, silent = bench.whole(units), (bench.hidden[:, units] == 0).all(1)
            assert float((got - want).abs().max()) <= 1e-5 * float(want.abs().max())
            assert torch.equal(got[silent], bench.intact[silent])


def test_every_answer_begins_where_the_sham_does(bench):
    """On some processors the rounding of a product hangs on where its output begins, within a line of memory."""
    ground = Skinny(bench.ground.plan, bench.values, bench.intact)
    assert ground.settle.sham.numel() * ground.settle.sham.element_size() % 64
    for block, sham in zip(ground.parts, ground.sham_by_block, strict=True):
        assert {part.data_ptr() % 64 for part in block} == {sham.data_ptr() % 64}


def test_blocks_in_which_nothing_changes_are_not_computed(bench, monkeypatch):
    """Unit 2 changes in the first block alone, unit 5 nowhere; both together are computed where one of them changes."""
    monkeypatch.setattr("neurolab.specimen.skinny.NEAR", 7 * 70 * 4)
    monkeypatch.setattr(Skinny, "small", lambda *given: True)
    ground = Skinny(bench.ground.plan, bench.values, bench.intact)
    slab = bench.hidden.clone()
    slab[:7, 2] += 1
    slab[:, 8] -= 1
    sheet = ground.sheet(torch.arange(UNITS), slab)
    computed = []
    monkeypatch.setattr("neurolab.specimen.steps.Change.add", lambda self, number, block, out, own=Change.add: (
        computed.append(number), own(self, number, block, out)))
    with torch.no_grad():
        for units, blocks in (([5], 0), ([2], 1), ([2, 5], 1), ([5, 8], len(ground.blocks))):
            computed.clear()
            (got,) = ground.answers([(sheet, np.array(units))])
            assert computed == list(range(blocks))
            new = bench.hidden.clone()
            new[:, units] = slab[:, units]
            assert torch.allclose(got, bench.net[2:](new), rtol=1e-5, atol=1e-6)
            assert torch.equal(got[7 * blocks :], bench.intact[7 * blocks :])


def test_a_unit_is_as_loud_as_what_it_changes(bench):
    """Alone it is told exactly: its change over all stimuli times its weights is a table of one rank."""
    (node,) = bench.sheet.loud
    weights = bench.net[2].weight
    for unit in range(UNITS):
        change = torch.outer(-0.75 * bench.hidden[:, unit], weights[:, unit]).square()
        want = torch.cat([change.mean(1), change.mean(0)]).sqrt().numpy()
        assert np.allclose(bench.sheet.loud[node].both[unit], want, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("row_major", [False, True])
def test_a_tail_reads_its_beginning_however_it_lies_in_memory(bench, row_major):
    """torch's gelu with ``out=`` laid out otherwise than what it reads writes into the wrong places."""
    begin = bench.values[bench.ground.mix.node]
    begin = begin.contiguous() if row_major else begin.T.contiguous().T
    before, out = begin.clone(), torch.empty_like(bench.ground.settle.sham)
    with torch.no_grad():
        for buffer in (torch.empty_like(begin), torch.empty_like(begin.T.contiguous()).T):
            bench.ground.tail.on(begin, out, buffer)
            assert torch.allclose(out.T, bench.intact, rtol=1e-5, atol=1e-6)
    assert torch.equal(begin, before)


def test_a_running_sum_is_begun_anew_after_so_many_steps(bench, monkeypatch):
    anew = []
    monkeypatch.setattr("neurolab.specimen.skinny.STEPS", 2)
    monkeypatch.setattr(Running, "may", lambda self, change: True)
    monkeypatch.setattr(bench.ground, "small", lambda *given: True)
    monkeypatch.setattr(bench.ground, "_begun", lambda one, *given, own=bench.ground._begun: (
        anew.append(len(one.which)), own(one, *given))[1])
    with torch.no_grad():
        bench.answers([range(at) for at in range(1, 7)])
    assert anew == [3, 5]
