"""The linear decoder against scikit-learn's ridge regression, its p by hand, and what it can and cannot read."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

import neurolab as nl
from neurolab.analysis import decode
from neurolab.errors import DesignError, DoubleDippingError, ReplicationUnitError, UnknownNameError


def seen(values, condition, **columns):
    presentation = {"stimulus_id": [f"s{k:03d}" for k in range(len(values))], "condition": condition, **columns}
    return nl.make_recording(values, presentation=presentation, kind="ann")


@pytest.fixture(scope="module")
def three():
    """Three conditions of unequal number, in twelve units, one of them dead; folds told."""
    draw = np.random.default_rng(0)
    condition = np.repeat(["a", "b", "c"], [24, 12, 12])
    values = draw.normal(size=(48, 12))
    values[:, 0] += condition == "a"
    values[:, 1] += condition == "b"
    values[:, 5] = 0
    return seen(values, condition, part=np.tile([0, 1, 2], 16))


def theirs(recording, truth, folds, ridge):
    values, k = recording.values, truth.max() + 1
    said = np.zeros(len(truth), int)
    for fold in np.unique(folds):
        out = folds == fold
        scaler = StandardScaler().fit(values[~out])
        wanted = np.eye(k)[truth[~out]]
        alive = int((values[~out].std(axis=0) > 0).sum())
        model = Ridge(alpha=ridge * alive).fit(scaler.transform(values[~out]), wanted / wanted.mean(axis=0))
        said[out] = model.predict(scaler.transform(values[out])).argmax(axis=1)
    return said


@pytest.mark.parametrize("ridge", [0.1, 1.0])
def test_decode__says_what_ridge_regression_of_scikit_learn_says(three, ridge):
    found = decode(three, by="part", ridge=ridge, n_permutations=19, rng=0)
    truth, folds = np.unique(three["condition"], return_inverse=True)[1], three["part"].values
    said = theirs(three, truth, folds, ridge)
    table = np.array([[np.mean(said[truth == a] == b) for b in range(3)] for a in range(3)])
    np.testing.assert_allclose(found["confusion"], table, atol=1e-12)
    assert float(found["accuracy"]) == pytest.approx(np.diag(table).mean())
    assert float(found["effect"]) == pytest.approx(np.diag(table).mean() - 1 / 3)
    assert found["condition"].values.tolist() == ["a", "b", "c"]


def test_decode__p_is_the_rank_among_shuffles_within_folds(three):
    from neurolab.chance import generator

    found = decode(three, by="part", n_permutations=39, rng=4)
    truth, folds = np.unique(three["condition"], return_inverse=True)[1], three["part"].values
    reached = 1
    for draw in range(39):
        stream, shuffled = generator(4, "decode", draw), truth.copy()
        for fold in range(3):
            here = np.flatnonzero(folds == fold)
            shuffled[here] = truth[stream.permutation(here)]
        said = theirs(three, shuffled, folds, 1.0)
        mean = np.mean([np.mean(said[shuffled == k] == k) for k in range(3)])
        reached += mean - 1 / 3 >= float(found["effect"]) - 1e-12
    assert float(found["p"]) == reached / 40


def test_decode__reads_what_is_linear_and_not_what_is_not():
    draw = np.random.default_rng(1)
    signs = draw.choice([-1.0, 1.0], size=(200, 2))
    values = np.hstack([signs + 0.3 * draw.normal(size=(200, 2)), draw.normal(size=(200, 6))])
    recording = seen(values, ["x"] * 200, first=signs[:, 0] > 0, both=signs.prod(axis=1) > 0)
    linear = decode(recording, column="first", n_permutations=99, rng=0)
    assert float(linear["accuracy"]) > 0.95
    assert float(linear["low"]) > 0.4
    assert "first" in linear.attrs["estimand"]
    parity = decode(recording, column="both", n_permutations=99, rng=0)
    assert float(parity["p"]) > 0.05
    assert float(parity["high"]) < 0.1
    roi = nl.select_roi(
        nl.localise(recording, "True > False", column="first"), name="best", top=1)  # fmt: skip
    with pytest.raises(DoubleDippingError, match="chosen on 200 of these stimuli"):
        decode(recording, column="first", roi=roi, rng=0)


def test_decode__reads_from_a_region_chosen_elsewhere():
    recording = nl.simulate.phantom_recording(n_units=30, n_runs=2, effect=2.0, rng=0)
    choose, test = (recording.isel(presentation=recording["run"].values == run) for run in (0, 1))
    inside = nl.select_roi(nl.localise(choose, "faces > objects"), name="face units", top=3)
    within = decode(test, roi=inside, n_permutations=99, rng=0)
    assert float(within["accuracy"]) > 0.9
    assert within.attrs["n_units"] == 3
    assert "the region face units" in within.attrs["estimand"]
    outside = decode(test.isel(neuroid=~inside.mask(test)), n_permutations=99, rng=0)
    assert float(outside["p"]) > 0.05
    text = nl.methods_text(within)
    assert "Balanced accuracy" in text
    assert "Ojala" in text
    assert "n = 80 stimuli" in text
    assert "rng 0" in text


def test_decode__bad_input_is_told(three):
    with pytest.raises(UnknownNameError, match=r"column='conditon' is no column.*Did you mean 'condition'"):
        decode(three, column="conditon", rng=0)
    with pytest.raises(DesignError, match="has 48 values on 48 presentations"):
        decode(three, column="stimulus_id", rng=0)
    with pytest.raises(DesignError, match="n_permutations=9"):
        decode(three, n_permutations=9, rng=0)
    again = three.assign_coords(stimulus_id=("presentation", ["s"] * 48)).assign_attrs(kind="brain")
    with pytest.raises(ReplicationUnitError, match="more than once in a fold"):
        decode(again, by="part", rng=0)
    with pytest.raises(DesignError, match="lack a condition"):
        decode(three, by="condition", rng=0)
