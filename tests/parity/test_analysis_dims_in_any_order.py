"""Trials whose dims stand in another order are the same trials: every number, note and flag."""

import itertools
import json

import numpy as np
import pytest

import neurolab as nl
from neurolab.analysis.closeness import closeness
from neurolab.analysis.sample import mean_over
from neurolab.simulate import phantom_trials
from neurolab.trials import concat, with_specimen

ORDERS = list(itertools.permutations(("specimen", "lesion", "trial")))[1:]
PLAN = {"A": {"X": 0.4, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.4}, "A + B": {"X": 0.5, "Y": 0.5}}
N_SPECIMENS = 26  # more than lesions: along the wrong dim every row is there, and is another


def trials_of(n_specimens=N_SPECIMENS):
    """Trials that say of every control how near it came, and of every lesion how many units it has, per network."""
    trials = phantom_trials(deficits=PLAN, n_specimens=n_specimens, n_stimuli=20, n_controls=3, doses=(0.5, 1.0), rng=0)
    cells = list(itertools.product(range(n_specimens), range(trials.sizes["lesion"])))
    notes = [json.dumps({"match_distance": 0.01 * row + net, "match_outside": (row % 3) / 4, "never_vary": float(row),
                         "target_never_vary": 0.5 * net, "share": 0.5}) for net, row in cells]  # fmt: skip
    units = [json.dumps({"layer": [row, row + net + 1]}) for net, row in cells]
    numbers = {"certificate_off_distribution": [net + row for net, row in cells],
               "n_units": [9 + net for net, _ in cells]}
    shape = n_specimens, trials.sizes["lesion"]
    cut = {name: (("specimen", "lesion"), np.array(some, dtype=object).reshape(shape))
           for name, some in {"lesion_notes": notes, "lesion_units": units}.items()}  # fmt: skip
    some = {name: (("specimen", "lesion"), np.array(values, dtype=float).reshape(shape))
            for name, values in numbers.items()}  # fmt: skip
    return trials.assign(cut).assign_coords(n_units=some.pop("n_units")).assign(some)


VERBS = {
    "deficits": lambda trials: nl.deficits(trials, rng=0),
    "controls": lambda trials: nl.against_controls(trials, lesion="A", task="X", rng=0),
    "controls over stimuli": lambda trials: nl.against_controls(
        trials.isel(specimen=[0]), lesion="A", task="X", over="stimulus", rng=0),
    "dissociation": lambda trials: nl.dissociation(
        trials, lesions=("A", "B"), tasks=("X", "Y"), spared_within=0.1, rng=0),
    "interaction": lambda trials: nl.interaction(
        trials, a="A", b="B", both="A + B", task="X", allow_bounded=True, rng=0),
    "dose": lambda trials: nl.dose_response(trials, lesion="A", task="X", rng=0),
    "spared": lambda trials: nl.analysis.spared(trials, lesion="A", tasks="Y", within=0.1, rng=0),
    "units": lambda trials: nl.analysis.lesion_matrix(trials, task="X", family="matched", specimen="phantom-3")[0],
}  # fmt: skip


@pytest.fixture(scope="module")
def trials():
    return trials_of()


@pytest.mark.parametrize("verb", VERBS)
def test_results__do_not_depend_on_the_order_of_dims(trials, verb):
    expected = VERBS[verb](trials)
    for order in ORDERS:
        assert VERBS[verb](trials.transpose(*order)).identical(expected), order


def test_what_is_said_of_controls__is_that_of_their_rows(trials):
    rows = np.flatnonzero(trials["role"].values == "control")[:3]
    near = closeness(with_specimen(trials.transpose("trial", "lesion", "specimen")), rows)
    np.testing.assert_allclose(near.distance, [0.01 * row + net for net in range(N_SPECIMENS) for row in rows])
    mean = mean_over(with_specimen(trials.transpose(*ORDERS[-1])), "certificate_off_distribution", rows)
    assert mean == pytest.approx(np.mean([net + row for net in range(N_SPECIMENS) for row in rows]))


def test_trials__enter_with_their_dims_in_order(trials):
    for order in ORDERS:
        turned = trials.transpose(*order)
        assert with_specimen(turned).identical(trials)
        assert turned["score"].dims == order  # what was given is as it was
    one = trials.isel(specimen=0).drop_vars("specimen").transpose("trial", "lesion")
    assert with_specimen(one)["score"].dims == ("specimen", "lesion", "trial")
    halves = trials.isel(specimen=slice(13)), trials.isel(specimen=slice(13, None)).transpose(*ORDERS[-1])
    assert concat(halves)["score"].identical(trials["score"])
