"""The best of several pairs where lesions differ by site, or do alike in all networks; 200 simulations, fixed seeds."""

import numpy as np
import pytest

from neurolab.calibrate.entry import attainable
from neurolab.calibrate.picking import picked_alike, picked_among_own

N = 200


@pytest.mark.parametrize("p", ["rank_p", "p"])
def test_picked_among_own_controls_of_two_sites(binomial_band, p):
    """Any lesion of A's site costs X more, any of B's Y: of subsets of all lesions together .95 and .85 rejected."""
    hits = sum(picked_among_own(np.random.default_rng(seed), 0.0, p=p).p <= 0.05 for seed in range(N))
    low, high = binomial_band(attainable(60) if p == "rank_p" else 0.05, N)
    assert low <= hits <= high


def test_picked_rank_p_of_lesions_that_do_alike_in_all_networks(binomial_band):
    """Of subsets drawn anew in each network .12 to .25 rejected."""
    hits = sum(picked_alike(np.random.default_rng(seed), 0.0).p <= 0.05 for seed in range(N))
    low, high = binomial_band(attainable(60), N)
    assert low <= hits <= high
