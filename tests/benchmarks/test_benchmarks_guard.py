"""A guard of speed: small campaigns raced against the loop of hooks, in seconds of CPU, piece by piece in one process.

Ratios of CPU time taken in turns hold on a loaded machine; the floor is 70 % of what issue 5 asks of the full workload.
"""

import dataclasses
import statistics

import pytest

from neurolab.cli.bench import benchmarks

SHARE = 0.7


@pytest.mark.benchmark
@pytest.mark.parametrize("which, goal, every, sample", [("L1", 30.0, 2, 24), ("L3s", 1.8, 1, 24)])
def test_campaign__is_as_fast_as_promised(which, goal, every, sample):
    race, measure = benchmarks("race"), benchmarks("measure")
    with measure.one_thread():
        whole = benchmarks("campaigns").MADE[which](False)
        small = dataclasses.replace(whole, cuts=whole.cuts[::every], sample=sample, pauses=4)
        assert small.specimen.sites()
        runs = [race.run_campaign(small, turn) for turn in range(3)]
    speedup = statistics.median(run.loop_of(len(small.cuts)) / run.ours for run in runs)
    assert max(run.worst / run.largest for run in runs) <= 1e-5
    assert speedup >= SHARE * goal, f"{which}: {speedup:.2f}x over the loop of hooks; expected {SHARE * goal:.2f}x"
