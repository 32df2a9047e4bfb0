"""Whom the words of results speak of: people are never networks, and what a user calls a network keeps its name."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab import analysis, plots
from neurolab.plots.words import number
from neurolab.report import printed_table
from neurolab.simulate import phantom_noise, phantom_trials

NAME = "default mode network"


def people(**more):
    """Trials of people, with two lesions and two tasks."""
    return phantom_trials(n_controls=19, rng=0, **more).assign_attrs(kind="brain")


def texts(result):
    """Everything that is said of a result, in words."""
    plot = plots.plot_for(result)
    drawn = [] if plot is None else [plots.alt_text(result, plot), plots.legend_text(result, plot)]
    attrs = [str(result.attrs.get(name, "")) for name in ("note", "estimand", "test", "reasons", "undermined_by")]
    return [nl.methods_text(result), printed_table(result), *drawn, *attrs]


VERBS = {
    "deficits": analysis.deficits,
    "spared": partial(analysis.spared, lesion=NAME, tasks=("Y",)),
    "against_controls": partial(analysis.against_controls, lesion=NAME, task="X networks"),
    "dissociation": partial(analysis.dissociation, lesions=(NAME, "B"), tasks=("X networks", "Y")),
    "localiser_matrix": analysis.localiser_matrix,
}


@pytest.mark.parametrize("verb", list(VERBS))
def test_names__that_hold_the_word_network_stay_as_they_are_for_people(verb):
    trials = people(n_specimens=6, deficits={NAME: {"X networks": 0.3, "Y": 0.0}, "B": {"X networks": 0.0, "Y": 0.3}})
    found = VERBS[verb](trials.assign_coords(specimen=[f"network {k}" for k in range(6)]), rng=0)
    said = " ".join(" ".join(texts(found)).split())
    assert NAME in plots.alt_text(found, plots.plot_for(found)) + plots.legend_text(found, plots.plot_for(found))
    assert "mode subject" not in said
    assert "X subjects" not in said
    assert "network" not in said.replace(NAME, "").replace("X networks", "")


ASKED = {
    "deficits": analysis.deficits,
    "against_controls": partial(analysis.against_controls, lesion="A", task="X"),
    "dissociation": partial(analysis.dissociation, lesions=("A", "B"), tasks=("X", "Y")),
    "spared": partial(analysis.spared, lesion="A", tasks=("Y",)),
    "picked": partial(analysis.picked_dissociation, candidates=["A", "B"], pool="matched", tasks=("X", "Y"),
                      n_permutations=19),
}  # fmt: skip


@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("verb", list(ASKED))
def test_people__are_no_networks_over_stimuli_or_alone(verb, n):
    over = {} if verb == "picked" else {"over": "stimulus"}
    found = ASKED[verb](people(n_specimens=n), **over, rng=0)
    assert "network" not in " ".join(texts(found))
    networks = ASKED[verb](phantom_trials(n_controls=19, n_specimens=n, rng=0), **over, rng=0)
    assert "network" in " ".join(texts(networks))
    assert "subject" not in " ".join(texts(networks))
    if "specimen" in found.dims and verb in ("against_controls", "picked"):
        ax = plots.plot_for(found)(found)
        assert {"subject", "network"} & {one.get_text() for one in ax.texts} == {"subject"}


def test_dissociation__of_one_person_is_about_one_person():
    found = ASKED["dissociation"](people(n_specimens=1), rng=0)
    assert "the verdict is about one person and" in found.attrs["undermined_by"]


def test_picked__draws_anew_in_each_person_and_says_so():
    found = ASKED["picked"](people(n_specimens=6), alike=False, rng=0)
    assert "anew in each person" in nl.methods_text(found)
    assert "19 subsets per person" in found.attrs["note"]
    assert "network" not in " ".join(texts(found))


def test_robustness__of_people_has_an_intact_person():
    found = analysis.robustness(phantom_noise(rng=0).assign_attrs(kind="brain"), noise="input", task="X", lesion="A",
                                rng=0)  # fmt: skip
    assert "that of the intact person under" in found.attrs["estimand"]
    assert "network" not in " ".join(texts(found))


def curves():
    """Naming of eight people at three steps, before and after a stroke."""
    rng, rows = np.random.default_rng(0), []
    for arm, scores in (("intact", (0.9, 0.91, 0.92)), ("lesioned", (0.4, 0.7, 0.9))):
        rows += [{"specimen": f"person {k}", "arm": arm, "step": step, "score": score + rng.normal(0, 0.01)}
                 for k in range(8) for step, score in zip((0, 5, 10), scores)]  # fmt: skip
    return pd.DataFrame(rows)


def learning():
    """Steps to a criterion, twice."""
    steps = {"first learning": [20, 24, 22, 21, 25, 23, 19, 26], "relearning": [5, 8, 6, 4, 9, 7, 6, 5]}
    return pd.DataFrame(steps).rename_axis("specimen").reset_index().melt("specimen", None, "arm", "steps")


@pytest.mark.parametrize(("make", "verb"), [
    (curves, partial(analysis.recovery, task="naming", chance=0.0)), (learning, analysis.savings),
], ids=["recovery", "savings"])  # fmt: skip
def test_tables__of_steps_say_whether_their_rows_are_people(make, verb):
    table = make()
    assert verb(table, rng=0).attrs["generalises_over"] == "specimen"
    table.attrs["kind"] = "brain"
    found = verb(table, rng=0)
    assert found.attrs["generalises_over"] == "subject"
    assert "network" not in " ".join(texts(found))
    assert "people" in found.attrs["test"]


@pytest.mark.parametrize(("kind", "paired", "drawn", "test"), [
    ("brain", True, "Thin lines: one subject each.", ", within each person"),
    ("ann", True, "Thin lines: the networks of one seed each.", ", within seeds"),
    ("brain", False, "Pale dots: one subject each.", ""),
    ("ann", False, "Pale dots: one network each.", ""),
])  # fmt: skip
def test_trend__says_who_is_drawn(kind, paired, drawn, test):
    rng = np.random.default_rng(0)

    def profile(mean):
        table = pd.DataFrame({"redundancy": mean + rng.normal(0, 0.1, 8)}, index=[f"x seed {k}" for k in range(8)])
        table.attrs["kind"] = kind
        return table

    found = analysis.trend({x: profile(x) for x in (0.0, 0.5, 1.0)}, matched_on=None, paired=paired, rng=0)
    legend = plots.legend_text(found, plots.plot_trend)
    assert drawn in legend
    assert (("Thin lines" in legend), ("Pale dots" in legend)) == (paired, not paired)
    assert found.attrs["test"].endswith(test or found.attrs["test"])
    assert ("Skillings & Wolfe 1978" in nl.methods_text(found)) == paired
    if kind == "brain":
        assert "network" not in legend


@pytest.mark.parametrize("value", [2.2e-17, -1.1e-16, 4.4e-16])
def test_number__prints_nothing_of_what_rounding_left(value):
    assert number(value) == "0.00"
    assert number(value, 3) == "0.000"
    assert number(4e-14) == "4e−14"  # tesla


@pytest.mark.parametrize("n", [1, 10, 12])
@pytest.mark.parametrize("verb", ["against_controls", "picked"])
def test_columns__are_called_by_the_ends_of_names_however_many(verb, n):
    trials = people(n_specimens=n).assign_coords(specimen=[f"person {k}" for k in range(n)])
    found = ASKED[verb](trials, rng=0)
    ticks = [one.get_text() for one in plots.plot_for(found)(found).get_xticklabels()]
    assert ticks[:n] == [str(k) for k in range(n)]


GUESSED, ABLE = (43, 47, 49, 50, 52, 53, 55, 56, 57, 58), (70, 75, 80, 78, 82, 79, 81, 77, 76, 74)


def untouched(right, chance=0.5, repeats=1):
    """Trials of a lesion that changes nothing: so many of 100 stimuli right in each network."""
    score = np.array([np.arange(100) < k for k in right], dtype=float)
    stimuli = [f"s{k // repeats}" for k in range(100)]
    return nl.make_trials(
        np.repeat(score[:, None], 2, axis=1), specimen=[f"n{k}" for k in range(len(right))],
        lesions={"lesion_id": ["sham", "A"], "roi": ["A", "A"], "role": ["sham", "target"]},
        trial={"task": ["X"] * 100, "stimulus_id": stimuli, "condition": ["x"] * 100},
        tasks={"X": {"unit": "score", "bounded": True, "chance": chance}}, kind="ann",
    )  # fmt: skip


def nothing_to_spare(trials, **more):
    """What is said of an intact score that is not shown to lie above chance."""
    told = json.loads(analysis.spared(trials, lesion="A", tasks=("X",), rng=0, **more).attrs["undermined_by"])
    return [one for one in told if "nothing to spare" in one]


@pytest.mark.parametrize(("right", "mean", "more"), [(GUESSED, "0.52", {}), ((52,), "0.52", {}), ((58,), "0.58", {}),
                                                     ((60,), "0.6", {"repeats": 2})])  # fmt: skip
def test_spared__says_where_there_may_have_been_nothing_to_spare(right, mean, more):
    said = nothing_to_spare(untouched(right, **more), within={"X": 0.3})
    assert said == [f"The intact score on X ({mean}) is not shown to lie above chance (0.5): there may have been "
                    "nothing to spare."]  # fmt: skip


@pytest.mark.parametrize(("right", "more"), [(ABLE, {}), ((59,), {}), (GUESSED[:4], {}), (GUESSED, {"chance": 0.4}),
                                             ((66,), {"repeats": 2}), (GUESSED, {"chance": None})])  # fmt: skip
def test_spared__says_nothing_of_chance_where_scores_lie_above_it_or_cannot_show_it(right, more):
    assert nothing_to_spare(untouched(right, **more), within={"X": 0.3}) == []
