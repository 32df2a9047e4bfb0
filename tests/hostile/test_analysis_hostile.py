"""Bad input to the analyses: the right error, and advice that works."""

import re

import numpy as np
import pytest

import neurolab as nl
from neurolab.analysis import (
    against_controls,
    deficits,
    dissociation,
    dose_response,
    held_out,
    localise,
    localiser_matrix,
    map_reliability,
    picked_dissociation,
    reselected_controls,
    select_roi,
    spared,
)
from neurolab.contrast import Contrast
from neurolab.errors import (
    DataError,
    DesignError,
    DoubleDippingError,
    ReplicationUnitError,
    SchemaError,
    UnknownNameError,
)
from neurolab.lesion import Lesion, Zero
from neurolab.recording import average_repetitions, make_recording
from neurolab.simulate import phantom_recording, phantom_trials, planted_roi
from neurolab.trials import make_trials

PAIR = {"lesions": ("A", "B"), "tasks": ("X", "Y")}
FACES = "faces > objects"


@pytest.fixture
def recording():
    return phantom_recording(n_units=20, n_stimuli=8, rng=0)


@pytest.fixture(scope="module")
def trials():
    return phantom_trials(n_specimens=6, n_stimuli=10, n_controls=2, rng=0)


def refused(error, said, call):
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert re.search(said, message), message
    return message


# ---- localise


def test_unknown_condition(recording):
    refused(UnknownNameError, "Did you mean 'faces'", lambda: localise(recording, "facse > objects"))


def test_a_contrast_that_is_none(recording):
    refused(DataError, "faces > objects", lambda: localise(recording, "faces - objects"))
    refused(DataError, "none on both", lambda: localise(recording, Contrast(("faces",), ("faces",))))


@pytest.mark.parametrize(
    "choice,said", [({"test": "welsh"}, "Did you mean 'welch'"), ({"correction": "bonferoni"}, "'fdr'")]
)
def test_unknown_choices_list_what_there_is(recording, choice, said):
    refused(UnknownNameError, said, lambda: localise(recording, FACES, **choice))


def test_unknown_alternative(recording):
    refused(UnknownNameError, "greater", lambda: localise(recording, FACES, alternative="larger"))


def test_a_time_dimension_and_the_advice_works():
    timed = phantom_recording(n_units=5, n_stimuli=4, n_times=6, rng=0)
    refused(
        SchemaError,
        re.escape("recording.sel(time=slice(0.1, 0.2)).mean('time', keep_attrs=True)"),
        lambda: localise(timed, FACES),
    )
    advised = timed.sel(time=slice(0.0, 0.03)).mean("time", keep_attrs=True)
    assert localise(advised, FACES)["valid"].all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_or_inf_and_the_advice_works(recording, value):
    values = recording.values.copy()
    values[3, 7] = value
    broken = recording.copy(data=values)
    refused(DataError, "neuroid 7, presentation 3", lambda: localise(broken, FACES))
    advised = broken.assign_coords(valid=("neuroid", np.isfinite(broken).all("presentation").values))
    stat_map = localise(advised, FACES)
    assert not stat_map["valid"].values[7]
    assert np.isfinite(stat_map["p"]).all()


def test_nan_outside_the_contrast_does_not_matter():
    recording = phantom_recording(n_units=5, conditions=("faces", "objects", "scenes"), rng=0)
    values = recording.values.copy()
    values[recording["condition"].values == "scenes"] = np.nan
    assert localise(recording.copy(data=values), FACES)["valid"].all()


def test_one_stimulus_per_condition(recording):
    condition = recording["condition"].values
    one = recording.isel(presentation=np.flatnonzero((condition == "objects") | (np.arange(16) == 0)))
    refused(DesignError, "'faces' of the contrast has one stimulus", lambda: localise(one, FACES))


def test_duplicated_stimulus_ids_and_the_advice_works(recording):
    doubled = recording.isel(presentation=np.tile(np.arange(16), 2))
    refused(DataError, "duplicated.*average_repetitions", lambda: localise(doubled, FACES))
    np.testing.assert_allclose(
        localise(average_repetitions(doubled), FACES)["statistic"], localise(recording, FACES)["statistic"]
    )
    shown_again = doubled.assign_coords(repetition=("presentation", np.repeat([0, 1], 16)))
    for kind in ("brain", "ann"):
        again = shown_again.assign_attrs(kind=kind)
        refused(ReplicationUnitError, "average_repetitions", lambda again=again: localise(again, FACES))
    assert localise(average_repetitions(shown_again), FACES).attrs["n"] == 16


def test_a_stimulus_on_both_sides(recording):
    ids = recording["stimulus_id"].values.copy()
    ids[-1] = ids[0]
    refused(
        DataError, "both sides", lambda: localise(recording.assign_coords(stimulus_id=("presentation", ids)), FACES)
    )


def test_all_dead_gives_a_map_without_a_valid_unit_and_no_region(recording):
    dead = recording.copy(data=np.zeros(recording.shape))
    for correction in ("fdr", "max_t"):
        stat_map = localise(dead, FACES, correction=correction, rng=0)
        assert not stat_map["valid"].any()
        assert (stat_map["q"] == 1).all()
    refused(DesignError, "dead or constant", lambda: select_roi(stat_map, name="a", top=1))


def test_two_different_constants_are_no_infinite_t(recording):
    values = recording.values.copy()
    values[:, 4] = recording["condition"].values == "faces"
    stat_map = localise(recording.copy(data=values), FACES)
    assert not stat_map["valid"].values[4]
    assert float(stat_map["p"][4]) == 1


def test_max_t_without_rng(recording):
    refused(DesignError, "rng=0", lambda: localise(recording, FACES, correction="max_t"))


def test_pairs(recording):
    refused(UnknownNameError, "pair='...'", lambda: localise(recording, FACES, test="paired"))
    odd = recording.assign_coords(item=("presentation", np.r_[np.arange(8), np.arange(1, 9)]))
    refused(DataError, "have no partner", lambda: localise(odd, FACES, test="paired", pair="item"))
    twice = recording.assign_coords(item=("presentation", np.r_[np.arange(8) // 2, np.arange(8) // 2]))
    refused(DataError, "more than once", lambda: localise(twice, FACES, test="paired", pair="item"))
    refused(DesignError, "test='paired'", lambda: localise(recording, FACES, pair="item"))


def test_nuisance(recording):
    def glm(nuisance):
        return lambda: localise(recording, FACES, test="glm", nuisance=nuisance)

    refused(DesignError, "say what to adjust for", glm(None))
    refused(UnknownNameError, "Did you mean 'condition'", glm("conditon"))
    refused(DataError, "16 presentations", glm(np.zeros(5)))
    refused(DataError, "NaN or inf", glm(np.full(16, np.nan)))
    refused(DesignError, "collinear", glm((recording["condition"].values == "faces").astype(float)))
    refused(DesignError, "test='glm'", lambda: localise(recording, FACES, nuisance="condition"))


def test_not_a_recording():
    refused(SchemaError, r"nl\.record", lambda: localise(np.zeros((3, 3)), FACES))


# ---- select_roi


@pytest.mark.parametrize(
    "top,said",
    [
        (0, "1 to 20"),
        (21, "20 valid units"),
        (1.5, r"top=1\b"),
        (-0.1, "fraction"),
        (0.0, "fraction"),
        (True, "top=0.1"),
        ("ten", "top=0.1"),
    ],
)
def test_impossible_numbers_of_units(recording, top, said):
    refused(DesignError, said, lambda: select_roi(localise(recording, FACES), name="a", top=top))


def test_neither_top_nor_q_and_nothing_below_q(recording):
    stat_map = localise(recording, FACES)
    refused(DesignError, "top=0.1", lambda: select_roi(stat_map, name="a"))
    noise = localise(phantom_recording(n_units=20, selective={}, n_stimuli=8, rng=3), FACES)
    refused(DesignError, "smallest corrected p", lambda: select_roi(noise, name="a", q=1e-6))


def test_a_recording_is_no_stat_map(recording):
    refused(SchemaError, r"nl\.localise", lambda: select_roi(recording, name="a", top=1))


# ---- folds


def test_folds_that_cannot_be():
    recording = phantom_recording(n_units=10, n_stimuli=4, n_runs=3, rng=0)
    refused(UnknownNameError, "Did you mean 'run'", lambda: held_out(recording, FACES, by="runs", rng=0))
    refused(
        DesignError,
        "by=4",
        lambda: held_out(recording.isel(presentation=slice(0, 8)), FACES, by="run", rng=0),
    )
    refused(DesignError, "one side of the contrast only", lambda: held_out(recording, FACES, by="condition", rng=0))
    refused(DesignError, "2 or more", lambda: held_out(recording, FACES, by=1, rng=0))
    refused(DesignError, "19 or more", lambda: held_out(recording, FACES, n_permutations=9, rng=0))
    refused(UnknownNameError, "'welch', 'rank'", lambda: held_out(recording, FACES, test="glm", rng=0))


def test_a_network_that_saw_the_same_stimuli_in_every_run_is_double_dipping():
    once = phantom_recording(n_units=10, n_stimuli=6, rng=0)
    again = once.isel(presentation=np.tile(np.arange(12), 2)).assign_coords(run=("presentation", np.repeat([0, 1], 12)))
    as_brain = held_out(again.assign_attrs(kind="brain"), FACES, n_permutations=19, rng=0)
    assert "12 stimuli were shown in several folds" in as_brain.attrs["note"]
    refused(
        (DoubleDippingError, ReplicationUnitError),
        "average_repetitions",
        lambda: held_out(again.assign_attrs(kind="ann"), FACES, rng=0),
    )


def test_halves_that_cannot_be(recording):
    refused(UnknownNameError, "by='stimulus'", lambda: map_reliability(recording, FACES, by="run", rng=0))
    few = recording.isel(presentation=[0, 1, 8, 9])
    refused(DesignError, "four or more", lambda: map_reliability(few, FACES, rng=0))


# ---- reselected controls


def test_another_procedure_is_no_reselection(recording):
    target = Lesion(planted_roi(recording, "faces"), Zero())

    def choose(r):
        return select_roi(localise(r, "objects > faces"), name="other", top=2)

    refused(DesignError, "very procedure", lambda: reselected_controls(target, recording, choose, 3, rng=0))


# ---- lesions


def test_unknown_lesions_and_tasks(trials):
    refused(UnknownNameError, "'A', 'B'", lambda: dissociation(trials, lesions=("A", "C"), tasks=("X", "Y"), rng=0))
    refused(UnknownNameError, "'X', 'Y'", lambda: dissociation(trials, lesions=("A", "B"), tasks=("X", "Z"), rng=0))
    refused(
        UnknownNameError,
        "Did you mean",
        lambda: against_controls(
            trials.assign_coords(roi=("lesion", np.where(trials["roi"].values == "A", "face area", "B"))),
            lesion="face aera",
            task="X",
            rng=0,
        ),
    )


def test_the_same_lesion_twice(trials):
    refused(
        DesignError, "two different names", lambda: dissociation(trials, lesions=("A", "A"), tasks=("X", "Y"), rng=0)
    )
    refused(DesignError, "two different names", lambda: dissociation(trials, lesions=("A", "B"), tasks="XY", rng=0))


def test_no_sham_and_only_shams(trials):
    roles = trials["role"].values
    refused(DesignError, r"nl\.sham\(lesion\)", lambda: deficits(trials.isel(lesion=roles != "sham"), rng=0))
    refused(DesignError, "shams only", lambda: deficits(trials.isel(lesion=roles == "sham"), rng=0))


def test_no_controls_or_another_family(trials):
    refused(
        DesignError,
        "family='matched'",
        lambda: against_controls(trials, lesion="A", task="X", family="reselected", rng=0),
    )
    bare = trials.isel(lesion=trials["role"].values != "control")
    refused(DesignError, r"nl\.matched_controls", lambda: against_controls(bare, lesion="A", task="X", rng=0))


def test_controls_of_another_dose():
    trials = phantom_trials(n_specimens=6, doses=(0.5, 1.0), n_controls=3, rng=0)
    refused(
        DesignError,
        "another size is no control",
        lambda: against_controls(trials, lesion="A | dose 0.5", task="X", rng=0),
    )


def test_several_doses_none_full_must_be_named():
    trials = phantom_trials(n_specimens=6, doses=(0.25, 0.5), rng=0)
    refused(DesignError, "'A | dose 0.25', 'A | dose 0.5'", lambda: dissociation(trials, **PAIR, rng=0))
    refused(DesignError, "dose_ladder", lambda: dose_response(phantom_trials(rng=0), lesion="A", task="X", rng=0))


@pytest.mark.parametrize("over", ["unit", "neuroid", "draw", "fold", "trial", "permutation"])
def test_units_folds_and_draws_are_never_the_sample(trials, over):
    refused(ReplicationUnitError, "never the sample", lambda: dissociation(trials, **PAIR, over=over, rng=0))


def test_specimens_that_repeat_are_pseudo_replicates(trials):
    twice = trials.isel(specimen=[0, 0, 1, 1, 2, 2])
    for analyse in (
        lambda: deficits(twice, rng=0),
        lambda: dissociation(twice, **PAIR, rng=0),
        lambda: against_controls(twice, lesion="A", task="X", rng=0),
        lambda: localiser_matrix(twice, rng=0),
    ):
        refused(ReplicationUnitError, "counts once", analyse)


def test_one_network_asked_to_speak_for_others(trials):
    refused(DesignError, "over='stimulus'", lambda: deficits(trials.isel(specimen=[0]), over="specimen", rng=0))


@pytest.mark.parametrize("bound", [0.0, 1.0, -0.1, 5])
def test_a_bound_that_is_no_share(trials, bound):
    refused(DesignError, "spared_within=0.1", lambda: dissociation(trials, **PAIR, spared_within=bound, rng=0))


def test_a_bound_for_another_task(trials):
    refused(
        UnknownNameError,
        "a bound for each of 'X', 'Y'",
        lambda: dissociation(trials, **PAIR, spared_within={"X": 0.1, "Z": 0.1}, rng=0),
    )


@pytest.mark.parametrize("alpha", [0, 0.5, 5])
def test_a_strange_alpha(trials, alpha):
    refused(DesignError, "alpha=0.05", lambda: dissociation(trials, **PAIR, alpha=alpha, rng=0))


def test_spared_without_a_bound_to_stand_on(trials):
    refused(UnknownNameError, "'A', 'B'", lambda: spared(trials, lesion="C", tasks=["X"], rng=0))
    blind = phantom_trials(chance=None, rng=0)
    refused(DesignError, re.escape("within={'X': 0.05}"), lambda: spared(blind, lesion="A", tasks=["X"], rng=0))
    assert spared(blind, lesion="A", tasks=["Y"], within={"Y": 0.05}, rng=0)["shown"].item()
    refused(
        ReplicationUnitError, "never the sample", lambda: spared(trials, lesion="A", tasks=["X"], over="unit", rng=0)
    )


def test_a_matrix_that_has_no_diagonal(trials):
    refused(DesignError, "as many of both", lambda: localiser_matrix(trials, tasks=["X"], rng=0))


def test_tasks_in_different_units_without_a_chance_level():
    trials = phantom_trials(chance=None, rng=0)
    known = trials.attrs["tasks"].replace('"unit": "proportion correct"', '"unit": "bits"', 1)
    refused(DesignError, "different units", lambda: localiser_matrix(trials.assign_attrs(tasks=known), rng=0))


def test_picks_that_cannot_be_corrected(trials):
    def picked(candidates, pool):
        return lambda: picked_dissociation(trials, candidates=candidates, pool=pool, tasks=("X", "Y"), rng=0)

    refused(DesignError, "fewer than two", picked(["A"], "matched"))
    refused(DesignError, "at least as many", picked(["A", "B"], "random"))
    refused(UnknownNameError, "no target lesion", picked(["A", "Q"], "matched"))


def test_pools_that_are_not_as_good_as_the_candidates():
    """Controls of one candidate only, or other lesions beside controls, are refused; unlike sizes are flagged."""
    plan = {name: {"X": 0.1, "Y": 0.1} for name in "ABCD"}
    trials = phantom_trials(deficits=plan, n_controls=3, n_specimens=3, n_stimuli=8, rng=0)
    ids = {one: [name for name in trials["lesion_id"].values if name.startswith(f"{one} | matched")] for one in "ABCD"}
    assert [len(names) for names in ids.values()] == [3] * 4

    def picked(pool, candidates=("A", "B"), **more):
        return picked_dissociation(trials, candidates=candidates, pool=pool, tasks=("X", "Y"), rng=0, **more)

    refused(DesignError, "too few of 'B'", lambda: picked(ids["A"]))
    refused(DesignError, "of no candidate", lambda: picked([*ids["A"], *ids["B"], *ids["C"]]))
    refused(DesignError, "matched_controls", lambda: picked([*ids["A"], *ids["B"], "C", "D"]))
    own = picked("matched")  # not the controls of C and D
    assert own.attrs["n_pool"] == 6
    assert "rank p of .0625" in own.attrs["note"]
    assert float(own["rank_p_floor"]) == 1 / 16
    others = picked([*ids["C"], *ids["D"]])
    assert "controls of 'C', 'D', not of the candidates" in others.attrs["undermined_by"]
    larger = trials.assign_coords(n_units=trials["n_units"] + 6 * np.isin(trials["lesion_id"].values, ["C", "D"]))
    said = picked_dissociation(larger, candidates=["A", "B"], pool=["C", "D"], tasks=("X", "Y"), rng=0)
    assert "differ in size (10 and 16 units" in said.attrs["undermined_by"]
    assert "undermined_by" not in picked(["C", "D"]).attrs


def test_nan_scores(trials):
    broken = trials.copy(deep=True)
    broken["score"][0, 0, 0] = np.nan
    refused(DataError, "NaN or inf", lambda: deficits(broken, rng=0))


def test_rng_is_required(trials, recording):
    for verb in (deficits, localiser_matrix):
        with pytest.raises(TypeError, match="rng"):
            verb(trials)
    with pytest.raises(TypeError, match="rng"):
        held_out(recording, FACES)
    refused(DataError, "rng=0", lambda: deficits(trials, rng=None))


def test_a_patients_table_with_a_lesion_that_has_one_specimen_dim_less():
    """Trials may come without a specimen dim; they are those of one."""
    made = make_trials(
        np.random.default_rng(0).integers(0, 2, (1, 3, 40)),
        specimen=["patient"],
        kind="brain",
        lesions={"lesion_id": ["healthy", "A", "B"], "roi": ["A", "A", "B"], "role": ["sham", "target", "target"]},
        trial={"task": ["X"] * 20 + ["Y"] * 20, "stimulus_id": [f"s{k}" for k in range(40)], "condition": ["c"] * 40},
        tasks={t: {"unit": "proportion correct", "bounded": True, "chance": 0.5} for t in "XY"},
    )
    flat = made.isel(specimen=0, drop=True)
    assert deficits(flat, rng=0).attrs["generalises_over"] == "stimulus"
    assert (
        make_recording(np.zeros((1, 1)), presentation={"stimulus_id": ["a"], "condition": ["b"]}, kind="brain").size
        == 1
    )


def labelled():
    """Forty stimuli whose label, not whose condition, drives unit 3."""
    draw = np.random.default_rng(0)
    label = np.tile([0, 1], 20)
    values = draw.normal(size=(40, 6))
    values[:, 3] += 5 * label
    presentation = {"stimulus_id": [f"s{k}" for k in range(40)], "condition": ["one"] * 40, "label": label}
    return nl.make_recording(values, presentation=presentation, kind="ann")


def test_localise__takes_any_column_and_says_which_one_holds_the_names():
    found = nl.localise(labelled(), "1 > 0", column="label")
    assert int(found["statistic"].values.argmax()) == 3
    assert found.attrs["column"] == "label"
    renamed = labelled()
    renamed = renamed.assign_coords(condition=("presentation", renamed["label"].values.astype(str)))
    np.testing.assert_array_equal(found["statistic"], nl.localise(renamed, "1 > 0")["statistic"])
    with pytest.raises(UnknownNameError, match=r"the column 'label' holds it\. Type column='label'"):
        nl.localise(labelled(), "1 > 0")
    with pytest.raises(UnknownNameError, match=r"column='labels' is no column.*Did you mean 'label'"):
        nl.localise(labelled(), "1 > 0", column="labels")
    with pytest.raises(UnknownNameError, match="names the condition '2'"):
        nl.localise(labelled(), "2 > 0", column="label")


def test_held_out__without_runs_deals_out_four_folds_and_with_runs_takes_them():
    held = nl.held_out(labelled(), "1 > 0", column="label", n_permutations=19, rng=0)
    assert held.sizes["fold"] == 4
    assert held.attrs["by"] == "4"
    np.testing.assert_array_equal(
        held["effect"], nl.held_out(labelled(), "1 > 0", column="label", by=4, n_permutations=19, rng=0)["effect"]
    )
    runs = nl.simulate.phantom_recording(n_runs=2, rng=0)
    one_run = runs.isel(presentation=slice(0, 80))
    assert nl.held_out(one_run, "faces > objects", n_permutations=19, rng=0).attrs["by"] == "4"
    assert nl.held_out(runs, "faces > objects", n_permutations=19, rng=0).attrs["by"] == "run"


def test_stimulus_sets__take_plain_columns():
    stimuli = nl.StimulusSet("mine", np.zeros((3, 2)), {"stimulus_id": range(3), "condition": np.array(list("xxy"))})
    assert stimuli.table["condition"].tolist() == ["x", "x", "y"]
    for table in ({"stimulus_id": [0, 1], "condition": ["x"]}, 3, ["a", "b", "c"]):
        with pytest.raises(SchemaError, match=r"makes no table .*expected a DataFrame, or a mapping of columns"):
            nl.StimulusSet("mine", np.zeros((3, 2)), table)


def test_spared__no_task_at_all():
    with pytest.raises(DesignError, match=r"spared\(\) got tasks=\(\); expected one or more that 'A' may spare"):
        spared(phantom_trials(rng=0), lesion="A", tasks=(), rng=0)
