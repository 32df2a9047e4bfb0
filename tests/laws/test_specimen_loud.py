"""How loud a sum and a change are, by blocks, by products and by bounds; and how far a running sum may go."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurolab.specimen.loud import Loudness, Meter, loudness_of_product
from neurolab.specimen.steps import Running


def measured(blocks):
    meter = Meter()
    for block in blocks:
        meter.add(block)
    return meter.read()


def test_a_bound_is_rounded_down_and_changes_no_answer():
    """Half of a mean square, as float32 has it: what is just louder is not within it."""
    for level in (0.1, 1.0, 3.7e5, 2e-9):
        most = Loudness(np.array([level, 0.0])).most().both
        assert most.dtype == np.float32
        assert float(most[0]) <= 0.5**0.5 * level < float(np.nextafter(most[0], np.float32(np.inf)))
        assert Loudness(most).within(Loudness(most))
        assert not Loudness(most + np.array([0, 1e-30], dtype=np.float32)).within(Loudness(most))
        assert not Loudness(np.array([np.nan, 0.0])).within(Loudness(most))
    for level in (np.inf, np.nan, 1e-16):  # too little to tell, or nothing that could be told
        assert not Loudness(np.zeros(2)).within(Loudness(np.array([level, 1.0])).most())


@given(k=st.integers(1, 5), rows=st.integers(1, 6), features=st.integers(1, 6), seed=st.integers(0, 99))
def test_loudness_of_a_product_is_that_of_what_it_makes_and_at_most_the_sum_of_its_parts(k, rows, features, seed):
    stream = torch.Generator().manual_seed(seed)
    left, right = (torch.randn(k, n, generator=stream, dtype=torch.float64) for n in (rows, features))
    whole = measured([left.T @ right]).both
    assert np.allclose(loudness_of_product(left, right).both, whole)
    parts = Loudness(np.stack([measured([left[one : one + 1].T @ right[one : one + 1]]).both for one in range(k)]))
    assert (whole <= parts.of(None).both * (1 + 1e-12)).all()
    assert np.allclose(measured((left.T @ right).split(2)).both, whole)


def test_a_running_sum_keeps_as_much_of_its_loudest_as_a_small_part_leaves():
    """However often it is measured: not of what it was when it was measured last."""
    blocks = [torch.zeros(2, 3)]
    running = Running.like(blocks, Loudness(np.full(5, 8.0)))
    assert running.may(Loudness(np.full(5, 5.6)))  # of 8, 2.34 are left at least
    assert not running.may(Loudness(np.full(5, 0.1)))
    assert running.measured_may(Loudness(np.full(5, 4.0)), Loudness(np.full(5, 1.6)))
    assert not running.may(Loudness(np.full(5, 0.1)))
    assert not running.measured_may(Loudness(np.full(5, 3.0)), Loudness(np.full(5, 0.7)))
    assert running.measured_may(Loudness(np.full(5, 16.0)), Loudness(np.full(5, 11.0)))  # now of 16, 4.7
    assert not running.measured_may(Loudness(np.full(5, 7.0)), Loudness(np.full(5, 2.4)))
    assert running.measured_may(Loudness(np.full(5, 16.0)), Loudness(np.zeros(5)))
    running.begin(None, part=True)  # unknown: nothing may, until it is measured
    assert running.steps == 0
    assert running.part
    assert not running.may(Loudness(np.zeros(5)))
    assert running.measured_may(Loudness(np.full(5, 1.0)), Loudness(np.full(5, 0.7)))


def test_blocks_are_measured_as_the_whole_is():
    stream = torch.Generator().manual_seed(0)
    whole = torch.randn(7, 5, generator=stream)
    meter, work = Meter(), torch.full((3, 5), torch.nan)
    for block in whole.split(3):
        meter.add(block, work[: len(block)])
    want = np.concatenate([whole.square().mean(1).sqrt().numpy(), whole.square().mean(0).sqrt().numpy()])
    assert np.allclose(meter.read().both, want, rtol=1e-6)
    assert torch.equal(work[:1], whole[6:].square())
    half = Meter()
    half.add(whole.half(), torch.empty_like(whole.half()))  # squares are summed in float32 all the same
    assert half.read().both.dtype == np.float32
    assert np.allclose(half.read().both, want, rtol=1e-2)
