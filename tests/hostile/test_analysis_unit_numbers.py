"""Numbers per unit are read by site and unit, and bring along the stimuli that they were measured on."""

from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr

import neurolab as nl
from neurolab.simulate import phantom_recording

SITES = ["1", "3"]


@pytest.fixture(scope="module")
def bench():
    torch.manual_seed(0)
    stimuli = nl.datasets.load_stimuli("digits").take(range(60))
    choose, test = stimuli.split(2, by="label", rng=0)
    return nl.Specimen(nl.specimen.mlp(64, 8, 6, 10), choose.inputs[:1], name="net"), choose, test


def screened(bench, stimuli, sites=SITES):
    task = nl.Task("name", stimuli, nl.scores.accuracy)
    return nl.specimen.screen(bench[0], sites, task, n_exact=10, rng=0)


def ranked(recording, values, **more):
    return nl.analysis.unit_map(recording, values, chosen_by="a screen", **more)


def lesioned_on(bench, stat_map, stimuli):
    lesion = nl.Lesion(nl.select_roi(stat_map, name="area", top=3), nl.Zero())
    return nl.examine(bench[0], [lesion], [nl.Task("t", stimuli, nl.scores.accuracy)], progress=False)


def test_unit_map__puts_numbers_with_coordinates_at_their_own_units(bench):
    recording = nl.record(bench[0], bench[1], SITES)
    usual, turned = (screened(bench, bench[1], sites)["estimate"] for sites in (SITES, SITES[::-1]))
    shuffled = usual.isel(neuroid=np.random.default_rng(0).permutation(usual.size))
    assert not np.array_equal(usual.values, turned.values)
    for values in (usual, turned, shuffled):
        np.testing.assert_array_equal(ranked(recording, values)["statistic"], usual.values)
    part = recording.isel(neuroid=[9, 2])  # some of the units, in another order
    np.testing.assert_array_equal(ranked(part, turned)["statistic"], usual.values[[9, 2]])
    whole = nl.localise(nl.record(bench[0], bench[1], SITES[::-1]), "3 > 8")
    at = {(site, int(unit)): float(t) for site, unit, t in zip(
        np.array(SITES[::-1])[whole["site"].values], whole["unit"].values, whole["statistic"].values)}  # fmt: skip
    names = np.array(SITES)[recording["site"].values]
    expected = [at[site, int(unit)] for site, unit in zip(names, recording["unit"].values)]
    found = ranked(recording, whole)
    np.testing.assert_array_equal(found["statistic"], np.nan_to_num(expected))
    assert 0 < int(found["valid"].sum()) == int(whole["valid"].sum()) < 14


def test_unit_map__of_a_screen_on_the_test_stimuli_is_double_dipping(bench):
    recording, (_, choose, test) = nl.record(bench[0], bench[1], SITES), bench
    result = screened(bench, test)
    for values in (result, result["estimate"], abs(result["estimate"]), 2 * result["estimate"].isel(neuroid=range(14))):
        with pytest.raises(nl.errors.DoubleDippingError):
            lesioned_on(bench, ranked(recording, values), test)
    again = ranked(recording, ranked(recording, result))  # a map of a map
    with pytest.raises(nl.errors.DoubleDippingError):
        lesioned_on(bench, again, test)
    fair = screened(bench, choose)["estimate"]
    assert ranked(recording, fair)["chosen_on"].size == len(choose)
    assert lesioned_on(bench, ranked(recording, fair), test).sizes["lesion"] == 2
    looked = nl.localise(nl.record(bench[0], test, SITES), "3 > 8")
    with pytest.raises(nl.errors.DoubleDippingError):
        lesioned_on(bench, ranked(recording, looked), test)


def test_unit_map__knows_the_twins_of_marked_stimuli_and_of_stimuli_that_are_named(bench):
    recording, (_, _, test) = nl.record(bench[0], bench[1], SITES), bench
    marked = test.marked([0], mark="trigger")
    numbers = np.arange(14.0)
    for stat_map in (
        ranked(recording, screened(bench, marked)),
        ranked(nl.record(bench[0], marked, SITES), numbers),
        ranked(recording, numbers, stimuli=test),
        ranked(recording, numbers, stimuli=test.ids),
        ranked(recording, numbers, stimuli=marked),
    ):
        with pytest.raises(nl.errors.DoubleDippingError):
            lesioned_on(bench, stat_map, test)
    with pytest.raises(nl.errors.DoubleDippingError):  # what was chosen on marked stimuli, tested on bare ones
        lesioned_on(bench, nl.localise(nl.record(bench[0], marked, SITES), "3 > 8"), test)
    lesioned_on(bench, ranked(recording, numbers, stimuli=()), test)


def labelled(values, sites, units, **coords):
    neuroid = {"site": ("neuroid", sites), "unit": ("neuroid", units)}
    return xr.DataArray(values, dims="neuroid", coords=neuroid | coords)


NUMBERS = np.arange(4.0)
BAD = {
    "a unit missing": (labelled(NUMBERS[:3], ["all"] * 3, range(3)), "1 of 4"),
    "another site": (labelled(NUMBERS, ["conv"] * 4, range(4)), "conv"),
    "a unit twice": (labelled(NUMBERS, ["all"] * 4, [0, 1, 1, 3]), "twice"),
    "codes without names": (labelled(NUMBERS, [0] * 4, range(4)), "names"),
    "no site": (labelled(NUMBERS, ["all"] * 4, range(4)).drop_vars("site"), "site"),
    "a table": (labelled(NUMBERS, ["all"] * 4, range(4)).expand_dims(draw=2), "draw"),
    "which variable": (xr.Dataset({"cost": labelled(NUMBERS, ["all"] * 4, range(4))}), "cost"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_unit_map__refuses_numbers_it_cannot_place(name):
    values, match = BAD[name]
    recording = phantom_recording(n_units=4, sites=("all",), selective={}, rng=0)
    with pytest.raises(nl.errors.DataError, match=match):
        ranked(recording, values, stimuli=())


def test_unit_map__asks_for_the_stimuli_of_numbers_that_do_not_say_them():
    recording = phantom_recording(n_units=4, sites=("all",), selective={}, rng=0)
    values = labelled(NUMBERS, ["all"] * 4, range(4))
    with pytest.raises(nl.errors.DataError, match="stimuli="):
        ranked(recording, values)
    made = partial(ranked, recording, values)
    assert made(stimuli=()).sizes["stimulus"] == recording.sizes["presentation"]
    assert "elsewhere" in made(stimuli=["elsewhere"])["chosen_on"].values


def test_dosed_lesions__are_the_first_units_of_the_map_at_every_dose():
    stat_map = nl.localise(phantom_recording(n_units=80, rng=0), "faces > objects")
    found = nl.analysis.dosed_lesions(stat_map, nl.Zero(), top=0.1, doses=(0.25, 0.5, 1.0), name="area")
    order = np.argsort(-stat_map["statistic"].values, kind="stable")
    for lesion, dose in zip(found, (0.25, 0.5, 1.0)):
        roi = nl.select_roi(stat_map, name="area", top=0.1 * dose)
        assert (lesion.name, lesion.dose, lesion.roi.digest) == ("area", dose, roi.digest)
        assert set(np.flatnonzero(lesion.roi.mask(stat_map))) == set(order[: round(80 * 0.1 * dose)])
    for doses in ((), (0.0, 1.0), (1.5,)):
        with pytest.raises(nl.errors.DesignError, match="shares above 0"):
            nl.analysis.dosed_lesions(stat_map, nl.Zero(), top=0.1, doses=doses, name="area")
