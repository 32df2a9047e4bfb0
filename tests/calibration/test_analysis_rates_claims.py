"""Verdicts on claims at the edge of what they say: of 200 true nulls no more are called than alpha."""

import numpy as np
from scipy.stats import binom

from neurolab.analysis import claim
from neurolab.calibrate import ENTRIES
from neurolab.calibrate.claimed import costs

N = 200


def test_two_conditions_without_an_effect_are_called_anything_no_more_often_than_alpha():
    entry = ENTRIES["claims, any verdict"]
    streams = np.random.default_rng(6).spawn(N)
    errors = sum(entry.draw(stream, entry.at).p == 0 for stream in streams)
    assert errors <= binom.ppf(0.999, N, 0.05)


def test_none_is_supported_at_the_bound_no_more_often_than_alpha_and_often_without_an_effect():
    streams = np.random.default_rng(7).spawn(N)
    said = [claim("So.", costs(s, 0.9, X=1.0), expects="none", within=1.0).attrs["verdict"] for s in streams]
    assert 0 < said.count("supported") <= binom.ppf(0.999, N, 0.05)
    free = [claim("So.", costs(s, 0.9, X=0.0), expects="none", within=1.0).attrs["verdict"] for s in streams[:30]]
    assert free.count("supported") > 15
