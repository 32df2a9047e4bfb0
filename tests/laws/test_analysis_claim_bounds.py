"""A claim does not widen the bound of its result, and says where its networks are too few to show that nothing is."""

import json

import numpy as np
import pytest

from neurolab.analysis import claim, deficits, dissociation, interaction, spared
from neurolab.errors import DesignError
from neurolab.simulate import phantom_trials


def free(bound, **more):
    return spared(phantom_trials(rng=0, **more), lesion="A", tasks=("X", "Y"), within={"X": bound, "Y": bound}, rng=0)


def said(result, **more):
    made = claim("A spares it.", result, **{"expects": "none", **more})
    return made.attrs["verdict"], " ".join(json.loads(made.attrs["reasons"]))


def test_a_bound_is_not_widened_at_the_claim():
    found = free(0.02)
    with pytest.raises(DesignError, match=r"±0\.5 as none; its result was tested against ±0\.02"):
        said(found.sel(task="X"), within=0.5)
    with pytest.raises(DesignError, match=r"its result in X was tested against"):
        said(found, within=0.021)
    with pytest.raises(DesignError, match="not widened"):
        said(found.sel(task="X"), within=0.5, expects="more")
    assert said(found.sel(task="X"), within=0.02)[0] == "refuted"  # it costs more than that
    own = free(0.9).sel(task="X")
    assert said(own, within=0.9)[0] == "supported"
    assert said(own, within=0.8)[0] == "supported"
    assert said(own, within=0.02)[0] == "refuted"


def test_its_own_test_of_equivalence_has_the_last_word():
    found = free(0.1).sel(task="Y")
    assert said(found.assign(p=0.2), within=0.1)[0] == "not shown"
    assert said(found.assign(p=np.nan), within=0.1)[0] == "not shown"


def test_every_test_of_the_same_effect_keeps_the_bound():
    trials = phantom_trials(deficits={"A": {"X": 0.5}, "B": {"X": 0.5}, "A + B": {"X": 1.0}}, bounded=False, chance=0.0,
                            rng=0)  # fmt: skip
    both = interaction(trials, a="A", b="B", both="A + B", task="X", additive_within={"X": 2.0}, rng=0)
    for test in ("p", "additive_p"):
        with pytest.raises(DesignError, match=r"against ±2"):
            said(both, within=3.0, test=test)
        assert said(both, within=2.0, test=test)[0] == "supported"
    double = dissociation(phantom_trials(rng=0), lesions=("A", "B"), tasks=("X", "Y"), rng=0).isel(spared=0)
    with pytest.raises(DesignError, match="was tested against"):
        said(double, within=0.9, test="spared_p")


def test_too_few_networks_cannot_show_that_nothing_is_there():
    few = deficits(phantom_trials(n_specimens=4, rng=0), rng=0).sel(lesion="A", task="Y")
    verdict, reasons = said(few, within=0.1)
    assert verdict == "cannot be shown with 4 networks"
    assert "The design cannot show it: its interval of 95 % has no end with so few." in reasons
    verdict, reasons = said(free(0.1, n_specimens=4).sel(task="Y"), within=0.1)
    assert verdict == "cannot be shown with 4 networks"
    assert "its smallest p is .0625, above .05" in reasons
    five = free(0.1, n_specimens=5).sel(task="Y")
    assert not said(five, within=0.1)[0].startswith("cannot")
    one_sided = deficits(phantom_trials(n_specimens=5, rng=0), alternative="greater", rng=0).sel(lesion="A", task="Y")
    assert said(one_sided, within=0.1)[0] == "cannot be shown with 5 networks"
    enough = deficits(phantom_trials(n_specimens=6, rng=0), rng=0).sel(lesion="A", task="Y")
    assert not said(enough, within=0.01)[0].startswith("cannot")


def test_an_open_interval_that_its_data_opened_is_no_matter_of_size():
    many = deficits(phantom_trials(n_specimens=8, rng=0), rng=0).sel(lesion="A", task="Y")
    assert said(many.assign(low=-np.inf, high=np.inf), within=0.1)[0] == "not shown"
