"""Neuroids that are not what they say: two sites under one name, units twice, usable as text. Each is refused."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from torch import nn

import neurolab as nl
from neurolab import neuroids
from neurolab.errors import SchemaError
from neurolab.schema import check_recording

X = np.random.default_rng(0).standard_normal((12, 6)).astype(np.float32)
IDS = [f"s{at}" for at in range(12)]
CONDITIONS = ["x", "y"] * 6


def recording(**columns):
    return nl.make_recording(
        X[:, :3],
        presentation={"stimulus_id": IDS, "condition": CONDITIONS},
        neuroid={"site": ["IT"] * 3, "unit": [0, 1, 2], **columns},
        kind="brain",
    )


def uses(found):
    """What a recording is given to, each of which would count its neuroids by site and unit."""
    return (
        lambda: nl.localise(found, "x > y"),
        lambda: nl.held_out(found, "x > y", by=2, n_permutations=19, rng=0),
        lambda: nl.Mean(found),
        lambda: nl.average_repetitions(found),
        lambda: nl.random_lesions(found, nl.Zero(), 2, n_units=2, rng=0),
    )


# -- one unit, one neuroid ---------------------------------------------------------------------------------------------


def test_two_sites_that_xarray_joined__are_not_taken_for_one(tmp_path):
    torch.manual_seed(0)
    net = nl.Specimen(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.Linear(8, 2)), X[:2], name="net")
    stimuli = nl.StimulusSet("s", X, {"stimulus_id": IDS, "condition": CONDITIONS})
    one, two = nl.record(net, stimuli, ["0"]), nl.record(net, stimuli, ["2"])
    for parts in ((one, two), (two, one)):
        glued = xr.concat(parts, dim="neuroid")
        assert len(set(glued["site"].values)) == 1
        for use in (*uses(glued), lambda glued=glued: nl.save(glued, tmp_path / "glued.nc")):
            with pytest.raises(SchemaError, match=r"unit 0 of site.*Record the sites in one call, nl\.record\("):
                use()
    both = nl.record(net, stimuli, ["0", "2"])
    nl.localise(both, "x > y")
    names = np.repeat(["0", "2"], 8)
    again = nl.make_recording(  # as the message says
        np.concatenate([one, two], axis=1), presentation={"stimulus_id": IDS, "condition": CONDITIONS},
        neuroid={"site": names, "unit": np.r_[0:8, 0:8]}, kind="ann",
    )  # fmt: skip
    assert np.array_equal(nl.unflatten(again, "2").values, nl.unflatten(both, "2").values)
    wide = xr.concat([two.isel(neuroid=[0, 1]), nl.record(net, stimuli, ["input"]).isel(neuroid=[2, 3])], dim="neuroid")
    assert nl.localise(wide, "x > y").sizes["neuroid"] == 4  # what no number can tell: other units of another site


@pytest.mark.parametrize("block", [1, 2, 2**20])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [0, 2, 1]])
def test_units__in_any_order_once_and_only_once(monkeypatch, block, order):
    monkeypatch.setattr(neuroids, "BLOCK", block)
    assert nl.localise(recording().isel(neuroid=order), "x > y").sizes["neuroid"] == 3
    for twice in ([*order, 1], [1, *order], [*order, order[-1]]):
        with pytest.raises(SchemaError, match=r"1 neuroids are there twice.*are both unit \d of site 'IT'"):
            nl.localise(recording().isel(neuroid=twice), "x > y")


def test_units_of_two_sites__may_bear_one_number():
    found = recording(site=["V1", "IT", "V1"], unit=[0, 0, 1])
    assert nl.localise(found, "x > y").sizes["neuroid"] == 3
    with pytest.raises(SchemaError, match="both unit 0 of site 'V1'"):
        nl.localise(found.isel(neuroid=[0, 1, 2, 0]), "x > y")


@pytest.mark.parametrize(("unit", "said"), [(-1, "Unit -1 of site 'IT'"), (3, "Unit 3 of site 'IT'.*3 units, 0 to 2")])
def test_units__beyond_their_site_are_refused(unit, said):
    wrong = recording().assign_coords(unit=("neuroid", [0, 1, unit]))
    for use in uses(wrong):
        with pytest.raises(SchemaError, match=said):
            use()


def test_a_recording_of_nothing__is_a_recording():
    assert check_recording(recording().isel(neuroid=[])).shape == (12, 0)


# -- the sites ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ([0, 0, -1], r"'site' runs from -1 to 0; attrs\['sites'\] has 1 sites"),
        ([0, 0, 7], r"'site' runs from 0 to 7"),
        (["IT"] * 3, r"'site' holds .*whole numbers.*Names belong in nl\.make_recording"),
        ([0.0, 0.0, np.nan], "'site' holds float64"),
    ],
)
def test_sites__that_are_not_in_the_table_are_refused(site, said):
    wrong = recording().assign_coords(site=("neuroid", site))
    for use in uses(wrong):
        with pytest.raises(SchemaError, match=said):
            use()


@pytest.mark.parametrize("text", ["IT", "", "3", '["IT"]', '[{"name": "IT"}]', '{"name": "IT"}', None])
def test_sites__whose_table_is_none_are_refused(text):
    with pytest.raises(SchemaError, match=r"expected the table of sites as JSON.*Type recording\.assign_attrs\(sites="):
        nl.localise(recording().assign_attrs(sites=text), "x > y")
    mended = recording().assign_attrs(sites=json.dumps([{"name": "IT", "dims": ["unit"], "shape": [3]}]))
    nl.localise(mended, "x > y")


# -- usable, or not ----------------------------------------------------------------------------------------------------

WORDS = [
    ["True", "False", "False"],
    ["yes", "no", "no"],
    pd.Series([True, False, None]),
    pd.Series([True, False, np.nan]),
    pd.Series(["True", "False", np.nan]),
    pd.array([True, False, None], dtype="boolean"),
    [1.0, 0.0, np.nan],
    [2, 0, 1],
    [1, 0, -1],
]


@pytest.mark.parametrize("valid", WORDS, ids=str)
def test_valid__as_text_or_with_gaps_is_refused(valid):
    with pytest.raises(SchemaError, match=r"column 'valid'.*True or False, or 1 and 0.*isin\(\["):
        recording(valid=valid)
    later = recording().assign_coords(valid=("neuroid", np.asarray(valid)))
    for use in uses(later):
        with pytest.raises(SchemaError, match="column 'valid'"):
            use()


def test_valid__the_advice_on_words_works():
    for words, wanted in ((["True", "False", None], [1, 0, 0]), ([True, np.nan, "yes"], [1, 0, 1])):
        valid = pd.Series(words).astype(str).isin(["True", "1", "1.0", "yes"])
        assert recording(valid=valid)["valid"].values.tolist() == list(map(bool, wanted))


@pytest.mark.parametrize(
    "valid",
    [[True, False, True], [1, 0, 1], [1.0, 0.0, 1.0], np.array([True, False, True], dtype=object),
     pd.array([True, False, True], dtype="boolean"), np.array([1, 0, 1], dtype="u1")],
    ids=str,
)  # fmt: skip
def test_valid__as_yes_and_no_or_1_and_0_is_taken(tmp_path, valid):
    found = recording(valid=valid)
    assert found["valid"].dtype == bool
    back = nl.load(nl.save(found, tmp_path / "one.nc"))
    assert nl.localise(back, "x > y")["valid"].values.tolist() == [True, False, True]
    plain = recording().assign_coords(valid=("neuroid", np.asarray(valid)))
    assert nl.localise(plain, "x > y")["valid"].values.tolist() == [True, False, True]


def test_valid__of_stimuli_is_told_to_take_another_name():
    columns = {"stimulus_id": IDS, "condition": CONDITIONS, "valid": [True] * 12}
    with pytest.raises(SchemaError, match=r"'valid' is the name of what every recording has.*stimulus_valid"):
        nl.make_recording(X, presentation=columns, kind="brain")
    later = recording().assign_coords(valid=("presentation", [True] * 12))
    with pytest.raises(SchemaError, match=r"'valid' lies on \('presentation',\).*recording\.rename\(valid="):
        nl.localise(later, "x > y")
    assert nl.localise(later.rename(valid="stimulus_valid"), "x > y").sizes["neuroid"] == 3


@pytest.mark.parametrize("use", [
    lambda found: nl.select_roi(found, name="area", top=2),
    lambda found: nl.bottom_controls(nl.Lesion(nl.ROI("area", {"IT": [0]}), nl.Zero()), found),
    lambda found: nl.analysis.unit_map(recording(), found, chosen_by="t", stimuli=IDS),
])  # fmt: skip
def test_valid__as_text_in_a_stat_map_is_refused_too(use):
    found = nl.localise(recording(), "x > y")
    use(found)
    with pytest.raises(SchemaError, match="expected True or False, or 1 and 0"):
        use(found.assign_coords(valid=("neuroid", ["False", "True", "True"])))
