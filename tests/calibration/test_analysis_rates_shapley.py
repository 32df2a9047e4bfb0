"""The p of contributions, pairs, minimal sets and reserve at the edge of their nulls, over networks.

Exact tests over 8 networks attain 12/256; those of a minimal set over 5 that did not choose it 1/32. Walks are the hard
case: all networks walk the same few orders, so their common error must not pass for a finding.
"""

import json

import numpy as np
import pytest

from neurolab.analysis import minimal_set, pair_interactions, reserve, shapley
from neurolab.analysis.hunt import choosers
from neurolab.calibrate.regions import random_orders
from neurolab.coalitions import coalitions, walks
from neurolab.lesion import Zero
from neurolab.roi import ROI
from neurolab.stats.permutation import sign_flip
from neurolab.stats.shapley import exact
from neurolab.trials import make_trials

ATTAINABLE = 12 / 256
N = 200
ABOUT = {"t": {"unit": "score", "bounded": False, "chance": 0.0}}
TRIAL = {"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]}


def design_of(players, make, **settings):
    return make([ROI(name, {"site": [k]}) for k, name in enumerate("abcdefg"[:players])], Zero(), **settings)


def trials_of(design, table):
    taken = [sum(1 << int(u) for u in one.roi.units["site"]) if one.role == "target" else 0 for one in design]
    notes = [[json.dumps(dict(one.notes)) for one in design]] * table.shape[1]
    score = table[taken].T[:, :, None]
    names = [f"net {k}" for k in range(table.shape[1])]
    settings = {"specimen": names, "trial": TRIAL, "tasks": ABOUT, "kind": "simulated"}
    return make_trials(score, lesions=design, **settings, per_lesion={"lesion_notes": notes})


def test_contributions_and_pairs_at_the_attainable_level(calibrated):
    """An OR of a and b worth 3 and a region c that does nothing, but for noise of every network and coalition."""
    draw, design = np.random.default_rng(0), design_of(3, coalitions)
    planted = np.array([3.0, 3.0, 3.0, 0.0] * 2)[:, None]
    everything = [trials_of(design, planted + draw.normal(size=(8, 8))) for _ in range(N)]
    found = [shapley(trials, task="t", rng=0) for trials in everything]
    calibrated([float(one["p"][2]) <= 0.05 for one in found], ATTAINABLE)
    calibrated([float(one["alone_p"][2]) <= 0.05 for one in found], ATTAINABLE)
    calibrated([float(one["q"][2]) <= 0.05 for one in found], 0.05, side="upper")
    calibrated([float(one["low"][0]) <= 1.5 <= float(one["high"][0]) for one in found], 1 - ATTAINABLE)
    pairs = [pair_interactions(trials, task="t", rng=0) for trials in everything]
    calibrated([float(one["p"][1]) <= 0.05 for one in pairs], ATTAINABLE)
    calibrated([float(one["low"][0]) <= 3.0 <= float(one["high"][0]) for one in pairs], 1 - ATTAINABLE)


@pytest.fixture(scope="module")
def cancelled():
    """Games of six players that matter in every context and contribute 0 on average; eight networks nearly alike."""
    draw, design = np.random.default_rng(2), design_of(6, walks, n=16, rotations=1, rng=0)
    assert len(design) < 2**6
    gone = np.arange(2**6)[:, None] >> np.arange(6) & 1
    found = []
    for _ in range(N):
        game = draw.normal(size=2**6)
        phi = exact(lambda mask, game=game: game[(~mask) @ (1 << np.arange(6))], 6).values
        table = (game + gone @ phi)[:, None] + 0.01 * draw.normal(size=(2**6, 8))
        found.append(shapley(trials_of(design, table), task="t", rng=0))
    return found


def test_walks_find_nothing_where_nothing_is_contributed(cancelled, calibrated):
    calibrated([float(one["p"][0]) <= 0.05 for one in cancelled], 0.05, side="upper")
    calibrated([bool((one["p"] <= 0.05).any()) for one in cancelled], 0.05, side="upper")
    calibrated([float(one["low"][0]) <= 0 <= float(one["high"][0]) for one in cancelled], 0.95, side="lower")


def test_without_the_error_of_the_walks_most_of_these_would_be_findings(cancelled):
    """The same values tested over networks alone: the common error of the walks passes for a contribution."""
    naive = [sign_flip(one["value"].values[:, 0]).p <= 0.05 for one in cancelled]
    assert np.mean(naive) > 0.5


def test_a_set_that_costs_the_bound_exactly_is_shown_at_the_attainable_level(calibrated):
    """Chosen by three networks, which therefore say more than the bound; tested by the five others."""
    draw, design, shown, fooled = np.random.default_rng(3), design_of(1, coalitions), [], []
    while len(shown) < N:
        table = np.zeros((2, 8))
        table[1] = -1.0 + draw.normal(size=8)
        seed = int(draw.integers(10**6))
        if table[1, choosers(8, 1 / 3, seed)].mean() <= -1.0:  # else no set is found
            found = minimal_set(trials_of(design, table), task="t", costing={"t": 1.0}, rng=seed)
            assert found.sizes["set"] == 1
            shown.append(bool(found["shown"][0]))
            fooled.append(sign_flip(-table[1], popmean=1.0, alternative="greater").p <= 0.05)
    calibrated(shown, 1 / 32)
    assert np.mean(fooled) > 0.08  # all eight networks, choosers among them, would have said it more often


def test_a_pair_is_shown_rarely_where_one_of_it_costs_the_bound_alone(calibrated):
    """Both together cost 4, the first alone the bound: calling the pair minimal is false."""
    draw, design, shown = np.random.default_rng(4), design_of(2, coalitions), []
    for _ in range(N):
        table = -np.array([0.0, 1.0, 0.0, 4.0])[:, None] + 0.5 * draw.normal(size=(4, 8))
        table[0] = 0.0
        found = minimal_set(trials_of(design, table), task="t", costing={"t": 1.0}, rng=int(draw.integers(10**6)))
        if "a + b" in found["set"].values:
            shown.append(bool(found["shown"].sel(set="a + b")))
    assert len(shown) > 60
    calibrated(shown, 0.05, side="upper")


def test_an_order_like_any_other_differs_from_random_orders_at_the_attainable_level(calibrated):
    """What is left is symmetric noise about one line, for the order and for the mean of its random orders."""
    draw, rates = np.random.default_rng(5), []
    for _ in range(N):
        found = reserve(random_orders(draw, 0.0), lesion="order", task="t", rng=0)
        rates.append(float(found["p"].sel(measure="area")) <= 0.05)
    calibrated(rates, ATTAINABLE)
