"""Designs that cannot show what they ask, and the advice of each risk followed."""

import re

import numpy as np
import pytest

from neurolab.errors import DataError, DesignError, NeurolabError, UnknownNameError
from neurolab.stats import design_check


def check(**kept):
    return design_check.check(**{"n": 8, "effect": 0.3, "sd": 0.1, "rng": 0, "n_simulations": 200, **kept})


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: check(sd=0.0), DataError, "sd > 0"),
        (lambda: check(effect=np.nan), DataError, "effect=nan"),
        (lambda: check(n=31), DesignError, "t_power"),
        (lambda: check(n=0), DesignError, "at least 1"),
        (lambda: check(n=8.5), DesignError, "whole number"),
        (lambda: check(alpha=5), DataError, "between 0 and 1"),
        (lambda: check(correction="fdr"), UnknownNameError, "holm"),
        (lambda: check(alternative="up"), UnknownNameError, "greater"),
        (lambda: check(rng=None), DesignError, "rng=0"),
        (lambda: check(n_tests=0), DesignError, "at least 1"),
        (lambda: design_check.networks_for_power(0.1, sd=1, n_simulations=50, rng=0), DesignError, "more trials"),
        (lambda: design_check.networks_for_power(1, sd=1, power=80, rng=0), DataError, "between 0 and 1"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, NeurolabError)


def test_a_sound_design_says_so():
    found = check(n_controls=19, intact=0.9, chance=0.25)
    assert found.sound
    assert "8 networks detect an effect of 0.3 (sd over networks 0.1) with power 1.00" in found.sentences[0]
    assert "0.00391" in found.sentences[1]


def test_each_risk_names_what_to_do_and_doing_it_helps():
    few = check(n=3, n_tests=4)
    assert not few.sound
    enough = int(re.search(r"train (\d+) or more", few.risks[0]).group(1))
    assert not any("cannot go below" in risk for risk in check(n=enough, n_tests=4).risks)
    assert any("cannot go below" in risk for risk in check(n=enough - 1, n_tests=4).risks)
    controls = check(n_controls=9)
    assert not controls.sound
    assert check(n_controls=int(re.search(r"draw (\d+) or more", controls.risks[0]).group(1))).sound
    weak = check(effect=0.05)
    assert "under .8" in weak.risks[0]
    assert check(effect=0.05, n=30).sound


def test_ceiling_floor_and_impossible_effects():
    assert "near the top" in check(intact=0.99, chance=0.5).risks[0]
    assert "not above chance" in check(intact=0.25, chance=0.25).risks[0]
    assert "it cannot be" in check(intact=0.6, chance=0.5).risks[0]
    assert check(intact=8.0, top=np.inf).sound  # an unbounded score has no ceiling
    assert "expect 0.2 false alarms" in " ".join(check(n_tests=4, correction="none").sentences)
