"""What labs compute of their own, against slow loops; the simulated people carry what was planted."""

import numpy as np
import pytest
from scipy import stats

from neurolab import lab
from neurolab.brain import from_epochs
from neurolab.datasets import load_stimuli
from neurolab.errors import DataError, DesignError
from neurolab.simulate import phantom_recording, planted_roi


def test_false_alarms__as_in_a_loop_over_raw_units(binomial_band):
    rng, n, hits = np.random.default_rng(5), 600, np.zeros(2, dtype=int)
    for _ in range(n):
        units = rng.normal(0, np.sqrt(0.2), (16, 1)) + rng.normal(0, np.sqrt(0.8), (16, 200))
        p = [stats.ttest_1samp(x, 0).pvalue for x in (units.ravel(), units.mean(axis=1))]
        hits += np.array(p) <= 0.05
    table = lab.false_alarms(icc=0.2, n=20_000, rng=0)
    assert table["n"].tolist() == [3200, 16]
    for share, count in zip(table["false_alarms"], hits):
        low, high = binomial_band(share, n)
        assert low <= count <= high
    assert table["false_alarms"][0] == pytest.approx(0.77, abs=0.02)  # the figure of the lab


def test_false_alarms__without_anything_shared_units_may_be_counted(binomial_band):
    table = lab.false_alarms(icc=0.0, n=4_000, rng=1)
    low, high = binomial_band(0.05, 4_000)
    assert all(low <= round(4_000 * share) <= high for share in table["false_alarms"])
    with pytest.raises(DesignError, match="icc"):
        lab.false_alarms(icc=1.0, rng=0)


def test_people__faces_have_their_response_at_the_back_about_170_ms():
    stimuli = load_stimuli("faces-and-objects").take(range(0, 800, 20))
    first, *others = lab.people(stimuli, n=3, noise=2.0, rng=0)
    again = lab.people(stimuli, n=3, noise=2.0, rng=0)[0]
    np.testing.assert_array_equal(first.get_data(copy=False), again.get_data(copy=False))
    assert not np.allclose(first.get_data(copy=False), others[0].get_data(copy=False))
    recording = from_epochs(first, condition="condition")
    assert list(recording["stimulus_id"].values) == list(stimuli.ids)
    faces = recording["condition"].values == "faces"
    apart = np.abs((recording[faces].mean("presentation") - recording[~faces].mean("presentation")).values)
    channel, time = np.unravel_index(apart.argmax(), apart.shape)
    assert str(recording["channel"].values[channel]).startswith(("PO", "O", "P7", "P8"))
    assert recording["time"].values[time] == pytest.approx(0.17, abs=0.03)
    with pytest.raises(DesignError, match="people"):
        lab.people(stimuli, n=1, rng=0)


def test_preference__as_in_a_loop():
    data = phantom_recording(n_units=40, sites=("a", "b"), rng=0)
    roi = planted_roi(data, "faces")
    found = lab.preference(data, roi)
    for layer, units in roi.units.items():
        code = list(roi.units).index(layer)
        each = []
        for unit in units:
            column = data.values[:, (data["site"].values == code) & (data["unit"].values == unit)].ravel()
            faces = data["condition"].values == "faces"
            each.append((column[faces].mean() - column[~faces].mean()) / column.std())
        assert float(found.sel(layer=layer)) == pytest.approx(np.mean(each), abs=1e-12)
    with pytest.raises(DataError, match="'cats'"):
        lab.preference(data, roi, more="cats")
    with pytest.raises(DesignError, match="nothing"):
        lab.together([], "subject")
