"""Results that a fresh user could not keep, print or read: each of these once broke or said nothing."""

from itertools import pairwise

import mne
import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context

import neurolab as nl
from neurolab.analysis import ClusterMass, Nearest, Spectral, clusters, minimal_set, modules, power, robustness, shapley
from neurolab.errors import DesignError, UnknownNameError
from neurolab.plots import plot_clusters, plot_single_case
from neurolab.plots.style import blank, settings
from neurolab.report import printed_table
from neurolab.simulate import phantom_trials
from neurolab.stats.permutation import sign_flip


@pytest.fixture(scope="module")
def over_time():
    """Twelve epochs of two kinds, six electrodes with positions x eight times, an effect late at half of them."""
    names = ["Fz", "Cz", "Pz", "Oz", "C3", "C4"]
    places = [(0, 0.06, 0.08), (0, 0, 0.1), (0, -0.06, 0.08), (0, -0.1, 0.03), (-0.06, 0, 0.08), (0.06, 0, 0.08)]
    montage = mne.channels.make_dig_montage(
        {name: np.array(place) for name, place in zip(names, places)}, coord_frame="head"
    )
    info = mne.create_info(names, 32.0, "eeg").set_montage(montage)
    values = np.random.default_rng(0).normal(size=(24, 6, 8)) * 1e-6
    values[:12, :3, 4:] += 4e-6
    events = np.column_stack([np.arange(24), np.zeros(24, int), np.repeat([1, 2], 12)])
    epochs = mne.EpochsArray(values, info, events, -0.1, {"seen": 1, "unseen": 2}, verbose=False)
    data = nl.brain.from_epochs(epochs)
    return clusters(data, "seen > unseen", by=ClusterMass(0.01), adjacency=Nearest(3), n_permutations=99, rng=0)


@pytest.fixture(scope="module")
def two_cases():
    draw = np.random.default_rng(0)
    table = pd.DataFrame(draw.normal(50, 5, (14, 2)), columns=["naming", "reading"])
    table.index = [f"patient with a rather long name {k}" if k < 2 else f"control {k}" for k in range(14)]
    table.iloc[:2] -= 30
    return nl.single_case(table, case=list(table.index[:2]), rng=0)


@pytest.mark.parametrize("end", ["nc", "zarr"])
def test_load__a_result_that_holds_scores_is_a_result(two_cases, tmp_path, end):
    kept = nl.load(nl.save(two_cases, tmp_path / f"r.{end}"))
    assert kept.attrs["analysis"] == "single_case"
    np.testing.assert_array_equal(kept["score"], two_cases["score"])


def test_clusters__of_electrodes_over_time_are_printed_row_by_row(over_time):
    lines = printed_table({"found": over_time}).split("\n")
    first = f"cluster 1, {int(over_time['extent'][0])} places, peak at {over_time['peak'].values[0]}"
    assert sum(line.strip().startswith("cluster ") for line in lines) == over_time.sizes["cluster"]
    assert any(line.strip().startswith(first) for line in lines)


def test_clusters__axis_names_electrodes_and_its_ticks_stay_apart(over_time):
    with rc_context(settings()):
        ax = plot_clusters(over_time, ax=blank())
        ax.figure.canvas.draw()
    assert {tick.get_text() for tick in ax.get_yticklabels()} <= set(over_time["channel"].values)
    said = [tick.get_text() for tick in ax.get_xticklabels()]
    assert any("\N{MINUS SIGN}" in text for text in said)
    assert not any("-" in text for text in said)
    boxes = [tick.get_window_extent() for tick in ax.get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_single_case__two_cases_do_not_write_over_each_other(two_cases):
    with rc_context(settings()):
        ax = plot_single_case(two_cases, ax=blank())
        ax.figure.canvas.draw()
    words = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert len(words) == 4
    assert not any(one.overlaps(other) for k, one in enumerate(words) for other in words[k + 1 :])
    named = [tick.get_window_extent() for tick in ax.get_xticklabels()]
    assert not any(one.overlaps(other) for one in words for other in named)
    assert ax.get_title(loc="left") == "2 cases"


def test_modules__says_how_many_and_how_large():
    graph = np.kron(np.eye(3), np.ones((6, 6))) + 0.1
    found = modules(graph, by=Spectral(3), n_null=19, n_restarts=2, rng=0)
    said = printed_table({"found": found})
    assert "3 modules, of 6, 6, 6 units" in said
    assert f"Q = {float(found['modularity']):.3f}" in said


@pytest.mark.parametrize("test", ["deficits", "against_controls", "dissociation", "single_case"])
def test_power__has_a_methods_paragraph(test):
    found = power(test, effect=0.2, sd=0.15, n=8, n_simulations=100, rng=0)
    text = nl.methods_text(found)
    assert text.startswith(f"Before the run, {found.attrs['n_simulations']} experiments were simulated")
    assert f"n = {found.attrs['n']} " in text


def test_words__no_code_names_and_one_set_is_one_set():
    plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    trials = phantom_trials(deficits=plan, intact=3.0, bounded=False, chance=0.0, n_specimens=9, rng=0)
    assert "all minus singles" in nl.methods_text(shapley(trials, task="X", rng=0))
    assert "1 minimal set (" in printed_table({"m": minimal_set(trials, task="X", costing=0.5, rng=0)})


def test_words__errors_name_what_there_is():
    people = pd.DataFrame({"naming": [1.0, 2.0]}, index=["a", "b"])
    with pytest.raises(DesignError, match=r"nl\.train_cohort"):
        nl.single_case(people, case="a", rng=0)
    assert hasattr(nl, "train_cohort")
    with pytest.raises(UnknownNameError, match=r"They have none\."):
        robustness(phantom_trials(rng=0), noise="input", task="X", rng=0)


def test_sign_flip__of_constant_values_says_so():
    for value in (0.0, 2.0):
        found = sign_flip([value] * 8)
        assert "constant" in found.note, value
    assert not sign_flip([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).note


@pytest.mark.parametrize("verb", [shapley, minimal_set])
def test_coalitions__the_error_and_the_docstring_say_where_they_are(verb):
    more = {"costing": 0.5} if verb is minimal_set else {}
    with pytest.raises(DesignError, match=r"neurolab\.coalitions\.coalitions\(rois, how\)"):
        verb(phantom_trials(rng=0), task="X", rng=0, **more)
    assert "neurolab.coalitions" in verb.__doc__
