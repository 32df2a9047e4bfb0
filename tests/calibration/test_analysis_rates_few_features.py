"""Likeness to one RDM whose distances rest on few features: p is too small, by the published rate, and it is said."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from neurolab.analysis import compare, compare_models
from neurolab.rdms import make_rdms
from neurolab.stats.rsa import influences, rsa_test


def test_two_equally_good_models_of_few_features__are_told_apart_at_the_published_rate(calibrated):
    found = []
    for seed in range(300):
        draw = np.random.default_rng([20, seed])
        x = draw.normal(size=(20, 6))
        models = np.array([pdist(x + 1.5 * draw.normal(size=x.shape)) for _ in range(2)])
        one = influences(models, pdist(x + draw.normal(size=x.shape))[None])
        found.append(rsa_test(one.score[0] - one.score[1], one.influence[0] - one.influence[1]).p <= 0.05)
    calibrated(np.array(found), 0.10)


@pytest.mark.parametrize(("n", "people", "told"), [(20, 1, True), (40, 1, True), (41, 1, False), (20, 4, False)])
def test_one_rdm_of_few_stimuli__says_that_its_p_may_be_too_small(n, people, told):
    draw = np.random.default_rng(0)
    ids = [f"s{k}" for k in range(n)]
    brain = make_rdms([pdist(draw.normal(size=(n, 6))) for _ in range(people)], stimuli=ids, kind="brain")
    one, other = (make_rdms([pdist(draw.normal(size=(n, 6)))], stimuli=ids, kind="ann") for _ in range(2))
    for result in (compare(one, brain), compare_models(one, [other], brain)):
        said = json.loads(result.attrs.get("undermined_by", "[]"))
        assert any(f"One RDM of {n} stimuli" in sentence for sentence in said) == told
