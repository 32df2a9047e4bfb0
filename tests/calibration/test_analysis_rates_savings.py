"""How often savings() finds savings where there are none, and the two trainings were scored at different steps."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

from neurolab.analysis import savings
from neurolab.errors import DataError

STEP = np.arange(0, 401, 10.0)


def curves_of(times, every, ends=(400, 400)):
    """Scores of 0 until the true time (arm, network) and 1 after it, looked at ``every`` so many steps up to an end."""
    scores = np.where(times.T[:, :, None] <= STEP, 1.0, 0.0)
    for arm, (gap, end) in enumerate(zip(every, ends)):
        scores[:, arm, (STEP % gap != 0) | (end < STEP)] = np.nan
    names = {"specimen": [f"n{k}" for k in range(times.shape[1])], "arm": ["first learning", "relearning"]}
    return xr.DataArray(scores, dims=("specimen", "arm", "step"), coords={**names, "step": STEP})


@pytest.mark.parametrize(("every", "ends"), [((50, 10), (400, 400)), ((10, 50), (400, 400)), ((50, 10), (400, 190))])
def test_savings__are_not_found_by_looking_more_often(every, ends):
    n, found, above = 100, 0, 0
    for seed in range(n):
        draw = np.random.default_rng([11, seed])
        times = draw.uniform(60, 250, 8) + draw.uniform(-20, 20, (2, 8))
        result = savings(curves_of(times, every, ends), criterion=0.5, rng=0)
        found += result.attrs["verdict"] == "savings"
        above += float(result["effect_low"]) > 0
    assert found <= binom.ppf(0.999, n, 0.05)
    assert above <= binom.ppf(0.999, n, 0.025)


def test_savings__of_the_same_times_are_none_and_a_coarse_grid_is_told():
    times = np.tile(np.random.default_rng(3).uniform(60, 250, 8), (2, 1))
    rare = savings(curves_of(times, (50, 10)), criterion=0.5, rng=0)
    assert float(rare["effect"]) == 0
    assert rare.attrs["verdict"] == "no savings shown"
    assert "within 50 steps on average" in rare.attrs["undermined_by"]
    assert "relearning was scored at others as well" in rare.attrs["note"]
    often = savings(curves_of(times, (10, 10)), criterion=0.5, rng=0)
    assert json.loads(often.attrs["undermined_by"]) == []
    assert "scored at others" not in often.attrs["note"]


def test_savings__that_are_there_are_found_at_the_common_steps():
    times = np.random.default_rng(4).uniform(200, 350, 8)
    found = savings(curves_of(np.stack([times, times - 150]), (50, 10)), criterion=0.5, rng=0)
    assert found.attrs["verdict"] == "savings"
    np.testing.assert_array_equal(found["steps"], np.ceil(np.stack([times, times - 150]) / 50) * 50)


def test_savings__of_trainings_never_scored_together_is_refused():
    times = np.full((2, 8), 100.0)
    scores = curves_of(times, (50, 10))
    scores.loc[{"arm": "relearning", "step": STEP[STEP % 50 == 0][1:]}] = np.nan
    with pytest.raises(DataError, match=r"8 of 8 networks were never scored at the same step above 0"):
        savings(scores, criterion=0.5, rng=0)
