"""How often the tests of likeness reject at the edge of their null, cover, and find: for people and stimuli at once."""

import numpy as np
import pytest

from neurolab.calibrate import ENTRIES
from neurolab.calibrate.alike import halves, tasted, world
from neurolab.stats.rsa import influences, rsa_test


def drawn(name, n, effect=None):
    entry, stream = ENTRIES[name], np.random.default_rng(0)
    return [entry.draw(stream, entry.at if effect is None else effect) for _ in range(n)]


def rejected(found):
    return np.array([float(one.p) for one in found]) <= 0.05 + 1e-12


def test_exact_tests__attain_their_level(calibrated):
    calibrated(rejected(drawn("compare, sign-flip over people", 100)), 12 / 256)
    calibrated(rejected(drawn("compare_models, rank among draws", 60)), 0.05)


@pytest.mark.parametrize("name", ["compare", "compare, gap to the ceiling"])
def test_one_model__is_not_called_like_a_brain_or_unlike_its_people_too_often(calibrated, name):
    calibrated(rejected(drawn(name, 200)), 0.05, side="upper")
    assert rejected(drawn(name, 20, ENTRIES[name].power_at)).mean() > 0.6


def test_two_models_that_are_equally_good__are_told_apart_at_the_published_rate(calibrated):
    stream = np.random.default_rng(1)
    calibrated(rejected([halves(stream, 0.0, people=4, n=40) for _ in range(400)]), 0.0695)


def test_interval_of_a_difference__covers_nothing_where_there_is_nothing(calibrated):
    found = drawn("compare_models", 150)
    calibrated([one.low <= 0 <= one.high for one in found], 0.93, side="lower")


def test_shortcuts__fail_where_the_test_holds(binomial_band):
    """Pairs as the sample, or stimuli alone where people differ: both reject far too often."""
    stream, pairs_alone, stimuli_alone = np.random.default_rng(2), [], []
    for _ in range(100):
        brain, x = tasted(stream, 4, 40)
        as_rdm = [1 - np.corrcoef(one)[np.triu_indices(40, 1)] for one in (*brain, x[:, :8], x[:, 8:])]
        found = influences(as_rdm[4:], as_rdm[:4])
        apart, pull = found.score[0] - found.score[1], found.influence[0] - found.influence[1]
        common = pull.mean(axis=0)
        pairs_alone.append(abs(apart.mean()) > 1.96 * common.std() / np.sqrt(common.size))
        stimuli_alone.append(float(rsa_test(apart.mean(keepdims=True), common[None]).p) <= 0.05)
    top = binomial_band(0.05, 100)[1]
    assert sum(pairs_alone) > sum(stimuli_alone) > top


def test_world__is_noisier_on_some_stimuli():
    _, spread = world(np.random.default_rng(0), 50)
    assert spread.max() > 2 * spread.min()
