"""The interval of a share and the test of what it is a share of agree, ties of whole numbers included."""

import numpy as np
import pytest

from neurolab.stats.shares import sign_flip_share


@pytest.mark.parametrize("seed", range(60))
def test_zero_lies_inside_exactly_where_the_test_keeps_it(seed):
    draw = np.random.default_rng(seed)
    n = int(draw.integers(6, 11))
    gain, base = draw.integers(-2, 5, n).astype(float), draw.integers(1, 9, n).astype(float)
    found = sign_flip_share(gain, base, alternative="two-sided", rng=0)
    assert (found.low <= 0 <= found.high) == (found.p > 0.05)
