"""The benchmarks measure what they say: operations, the loop of hooks, peers, rows, words."""

import json

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from neurolab.cli import main
from neurolab.cli.bench import benchmarks

bounds, campaigns, cuts = (benchmarks(name) for name in ("bounds", "campaigns", "cuts"))
measure, networks, peers, race, runner = map(benchmarks, ("measure", "networks", "peers", "race", "runner"))


def counted(model, inputs):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(inputs)
    return counter.get_total_flops()


def test_resnet__a_cut_of_all_channels_costs_what_lies_behind():
    model = networks.resnet(8)
    image = torch.zeros(1, 3, 64, 64)
    least = bounds.least_of_resnet(model, image)
    stem = 2 * model.conv.weight.numel() * 32 * 32
    assert least(cuts.Cut("relu", tuple(range(8)))) == counted(model, image) - stem
    last = cuts.Cut("blocks.7.relu2", (0,))
    assert least(last) == pytest.approx(2 * 1000)
    deep = [least(cuts.Cut(f"blocks.{at}.relu2", (0,))) for at in range(8)]
    assert deep == sorted(deep, reverse=True)


def test_gpt__the_least_operations_are_fewer_than_a_forward_and_fall_with_depth():
    model = networks.gpt(4, 64, 100)
    least = bounds.least_of_gpt(model, 64)
    deep = [least(cuts.Cut(f"layers.{at}.act", (0,), last=True)) for at in range(4)]
    assert deep == sorted(deep, reverse=True)
    block = 2 * 64 * (12 * 64 * 64) + 2 * 64 * 64 * 64
    assert deep[0] - deep[1] == block
    whole = counted(model, torch.zeros(1, 64, dtype=torch.long))
    assert deep[0] < whole < 4.7 * block


def test_hooked__is_what_a_rewritten_network_answers():
    model = networks.perceptron(16)
    x = torch.randn(5, 784, generator=torch.Generator().manual_seed(0))
    hidden = torch.relu(model.fc1(x))
    hidden[:, [1, 2]] *= 0.5
    with torch.no_grad():
        right = model.fc3(model.relu2(model.fc2(hidden)))
        found = cuts.hooked(model, x.split(5), cuts.Cut("relu1", (1, 2), keep=0.5))
    assert torch.equal(found, right)
    assert not model.relu1._forward_hooks


@pytest.mark.parametrize("name", peers.PEERS)
def test_peer__answers_as_the_loop_of_hooks(name):
    pytest.importorskip(name)
    model = networks.perceptron(16).requires_grad_(False)
    x = torch.randn(5, 784, generator=torch.Generator().manual_seed(0))
    asked = [cuts.Cut("relu1", (unit,)) for unit in (0, 3)]
    with peers.quiet(), torch.no_grad():
        answers, charged = peers.PEERS[name](model, x)(asked)
    assert charged >= len(asked)
    for cut, answer in zip(asked, answers, strict=True):
        right = cuts.hooked(model, [x], cut)[:, 0]
        assert not torch.equal(right, cuts.hooked(model, [x], cuts.Cut("relu1", ()))[:, 0])
        np.testing.assert_allclose(answer, right, atol=1e-6)


def test_sample__moves_on_and_stays_inside():
    campaign = campaigns.l3s(True)
    first, second = campaign.sampled(0), campaign.sampled(1)
    assert max(first | second) < len(campaign.cuts)
    assert {campaign.cuts[at].path for at in first} == set(campaign.by_site)


def test_lesions_that_the_plan_answered__stand_for_no_others():
    run = race.Run(n=10, stands_for=4.0, known=6)
    run.plan.seconds, run.export.seconds, run.rest.seconds = 5.0, 1.0, 2.0
    assert run.ours == 5.0 - 1.0 + 2.0 * (40 - 6) / (10 - 6)
    run.known = 10
    with pytest.raises(ValueError, match="none is left"):
        _ = run.ours


def test_row__is_written_as_plain_values_and_as_a_line():
    row = measure.Row("L1", "a perceptron", "hook loop", speedup=41.2, peers={"captum": 0.7}, range=(40.0, 42.0))
    kept = json.loads(json.dumps(row.as_dict()))
    assert {"id", "speedup", "bound_fraction", "max_abs_diff", "extra_mb", "peers"} <= set(kept)
    assert "41.2x" in runner.table([row])
    assert "captum 0.70x" in runner.table([row])
    assert "of the bound: the time of" in runner.table([row])
    assert "with export: speed-up" in runner.table([row])
    assert "Quick runs are small" not in runner.table([row])
    row.quick = True
    assert runner.table([row]).splitlines()[-1].startswith("Quick runs are small")


def test_no_repeats__are_refused_before_anything_runs(capsys):
    assert main(["bench", "L1", "--quick", "--repeats", "0"]) == 1
    assert "repeats=0 given; expected 1 or more" in capsys.readouterr().err


def test_unknown_workload__is_answered_with_the_known_ones(capsys):
    assert main(["bench", "L9"]) == 1
    assert "There is no workload 'L9'" in capsys.readouterr().err


def test_no_benchmarks_here__says_what_to_type(monkeypatch, capsys):
    import sys

    from neurolab.cli import bench

    for name in [name for name in sys.modules if name.startswith(bench.PACKAGE)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(bench, "shipped", lambda kind: None)
    assert main(["bench", "L1"]) == 1
    assert "git clone" in capsys.readouterr().err
