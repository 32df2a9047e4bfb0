"""Plant it, find it: localisers, held-out effects, verdicts, doses, matrices, picks."""

import json

import numpy as np
import pytest

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
)
from neurolab.lesion import Lesion, Zero
from neurolab.simulate import phantom_recording, phantom_trials, planted_roi

PAIR = {"lesions": ("A", "B"), "tasks": ("X", "Y")}


@pytest.mark.parametrize("test", ["welch", "rank"])
@pytest.mark.parametrize("correction", ["fdr", "max_t"])
def test_planted_modules_are_found_on_either_half_of_the_stimuli(test, correction):
    recording = phantom_recording(
        n_units=300,
        selective={"faces": 30, "objects": 30},
        n_stimuli=60,
        n_runs=2,
        effect=1.5,
        dead=5,
        sites=("early", "late"),
        rng=1,
    )
    for run in (0, 1):
        half = recording.isel(presentation=np.flatnonzero(recording["run"].values == run))
        for name, contrast in (("faces", "faces > objects"), ("objects", "objects > faces")):
            stat_map = localise(half, contrast, test=test, correction=correction, n_permutations=500, rng=0)
            truth = planted_roi(recording, name)
            assert select_roi(stat_map, name=name, q=0.05).dice(truth) >= 0.9
            assert select_roi(stat_map, name=name, top=30).dice(truth) >= 0.9


def test_held_out_effect_is_the_planted_one_and_the_selecting_data_flatter_it():
    recording = phantom_recording(n_units=200, n_stimuli=30, n_runs=4, effect=0.8, rng=2)
    found = held_out(recording, "faces > objects", top=20, n_permutations=39, rng=0)
    assert float(found["low"]) < 0.8 < float(found["high"])
    assert float(found["p"]) == 1 / 40
    assert float(found["d_prime"]) > 2  # twenty units averaged: the noise is sqrt(20) times smaller
    assert float(found["mean_dice"]) > 0.85
    np.testing.assert_array_equal(found["n_units"], 20)
    profile = dict(zip(found["condition"].values, found["profile"].values))
    assert profile["faces"] == pytest.approx(0.8, abs=0.1)
    assert profile["objects"] == pytest.approx(0, abs=0.1)


def test_double_dipping_on_noise_is_seen_by_the_map_and_not_by_the_left_out_folds():
    """Statistics specification, trap T17: 1,000 noise units, 20 + 20 trials, top 1 %: d' is .89 where chosen."""
    dipped, honest = [], []
    for seed in range(20):
        noise = phantom_recording(n_units=1000, selective={}, n_stimuli=20, rng=seed)
        stat_map = localise(noise, "faces > objects")
        dipped.append(float(stat_map["d_prime"].values[select_roi(stat_map, name="a", top=0.01).mask(stat_map)].mean()))
        honest.append(float(held_out(noise, "faces > objects", by=2, top=0.01, n_permutations=19, rng=seed)["effect"]))
    assert np.mean(dipped) == pytest.approx(0.89, abs=0.05)
    assert abs(np.mean(honest)) < 3 * np.std(honest, ddof=1) / np.sqrt(20)


def test_reliability_of_a_planted_map_is_the_one_of_its_signal():
    """t = signal + unit noise per half: r = var / (var + 1), with var the variance of the half-map's signal."""
    recording = phantom_recording(n_units=2000, selective={"faces": 1000}, n_stimuli=40, effect=0.6, rng=3)
    found = map_reliability(recording, "faces > objects", n_splits=20, rng=0)
    shift = 0.6 / np.sqrt(2 / 20)  # expected t of a planted unit in half of the stimuli
    expected = (shift**2 / 4) / (shift**2 / 4 + 1.06)  # t(38) has variance 38/36
    assert float(found["r"]) == pytest.approx(expected, abs=0.04)
    assert float(found["effect"]) == pytest.approx(2 * float(found["r"]) / (1 + float(found["r"])))
    noise = map_reliability(phantom_recording(n_units=2000, selective={}, rng=4), "faces > objects", n_splits=20, rng=0)
    assert abs(float(noise["r"])) < 0.1
    runs = phantom_recording(n_units=200, selective={"faces": 100}, n_runs=4, rng=5)
    by_run = map_reliability(runs, "faces > objects", by="run", rng=0)
    assert by_run.sizes["split"] == 3
    assert by_run.attrs["generalises_over"] == "run"


VERDICTS = {
    "double": ({"A": {"X": 0.3, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.3}}, "classical double dissociation"),
    "both lesions cost both tasks, unequally": (
        {"A": {"X": 0.35, "Y": 0.15}, "B": {"X": 0.15, "Y": 0.35}},
        "crossover, sparing not shown",
    ),
    "single": ({"A": {"X": 0.3, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.0}}, "single dissociation"),
    "one lesion costs everything": ({"A": {"X": 0.3, "Y": 0.3}, "B": {"X": 0.0, "Y": 0.0}}, "single dissociation"),
    "none": ({"A": {"X": 0.2, "Y": 0.2}, "B": {"X": 0.2, "Y": 0.2}}, "no dissociation shown"),
}


@pytest.mark.parametrize("planted", list(VERDICTS))
def test_the_verdict_is_the_planted_one(planted):
    plan, expected = VERDICTS[planted]
    trials = phantom_trials(deficits=plan, n_specimens=10, n_stimuli=200, spread=0.02, rng=11)
    found = dissociation(trials, **PAIR, rng=0)
    assert found.attrs["verdict"] == expected
    reasons = json.loads(found.attrs["reasons"])
    assert len(reasons) == 7
    assert f"n = {trials.sizes['specimen']}" in reasons[0]


def test_a_crossover_on_proportions_that_log_odds_turn_round_is_flagged():
    """Half of the networks fall from 1 to .95 under A (much in log odds), half from .60 to .54 under B (little)."""
    lesions = {"A": {"X": 0.10, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.3}}
    trials = phantom_trials(deficits=lesions, n_specimens=8, n_stimuli=400, rng=0)
    score = trials["score"].copy()
    a, b, sham = (list(trials["lesion_id"].values).index(name) for name in ("A", "B", "A | sham"))
    shams = [sham, list(trials["lesion_id"].values).index("B | sham")]
    x = np.flatnonzero(trials["task"].values == "X")
    half = np.arange(8) < 4
    for specimen in range(8):
        right, by_a, by_b = (400, 20, 0) if half[specimen] else (240, 0, 24)
        for lesion, loss in ((a, by_a), (b, by_b), *((s, 0) for s in shams)):
            score[specimen, lesion, x] = np.arange(400) < right - loss
    found = dissociation(trials.assign(score=score), **PAIR, rng=0)
    assert found["effect"].values[0] < 0 < found["effect_logit"].values[0]
    other = "log-odds scale the sign is the other way: lesion of A costs X"
    assert any(other in said for said in json.loads(found.attrs["undermined_by"]))


def test_ceilings_floors_and_missing_controls_are_said():
    plan = {"A": {"X": 0.495, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.2}}
    trials = phantom_trials(deficits=plan, intact={"X": 0.995, "Y": 0.9}, n_stimuli=300, rng=0)
    found = dissociation(trials, **PAIR, rng=0)
    assert found["ceiling"].sel(task="X").all()
    assert not found["ceiling"].sel(task="Y").any()
    assert bool(found["floor"].sel(lesion="A", task="X"))
    assert not found["floor"].sel(lesion="B").any()
    said = " ".join(json.loads(found.attrs["undermined_by"]))
    for sentence in ("intact score on X is at ceiling", "A left X at chance", "No matched controls of B"):
        assert sentence in said
    table = deficits(trials, rng=0)
    np.testing.assert_array_equal(table["ceiling"].sel(lesion="A"), [True, False])


def test_vacuous_far_off_and_unequal_lesions_are_said():
    trials = phantom_trials(n_controls=1, rng=0).assign_coords(n_units=("lesion", [10, 0, 10, 12, 0, 12]))
    shape = (trials.sizes["specimen"], trials.sizes["lesion"])
    far = np.zeros(shape)
    far[:, 0] = 5.0
    trials["certificate_off_distribution"] = (("specimen", "lesion"), far)
    trials["vacuous"] = (("specimen", "lesion"), np.arange(shape[0])[:, None] * np.ones(shape) == 0)
    said = " ".join(json.loads(dissociation(trials, **PAIR, rng=0).attrs["undermined_by"]))
    for sentence in (
        "A and B differ in size (10 and 12 units)",
        "The lesions 'A', 'B' each changed no activity in 1 of 10 networks: there they cannot say what the units do.",
        "5 sd off its usual",
    ):
        assert sentence in said


def test_no_chance_level_means_no_sparing_and_the_bound_in_score_is_asked_for():
    trials = phantom_trials(chance=None, rng=0)
    found = dissociation(trials, **PAIR, rng=0)
    assert found.attrs["verdict"] == "crossover, sparing not shown"
    assert "spared_within={task: bound}" in found.attrs["reasons"]
    stated = dissociation(trials, **PAIR, spared_within={"X": 0.04, "Y": 0.04}, rng=0)
    assert stated.attrs["verdict"] == "classical double dissociation"


def test_the_target_stands_out_from_its_controls_and_an_ordinary_lesion_does_not():
    plan = {"A": {"X": 0.3}, "B": {"X": 0.1}}
    trials = phantom_trials(deficits=plan, n_controls=39, control_deficits={"X": 0.1}, spread=0.03, rng=0)
    found = against_controls(trials, lesion="A", task="X", rng=0)
    assert float(found["p"]) <= 0.05
    assert float(found["rank_p"]) == 1 / 40
    assert float(found["low"]) < 0.2 < float(found["high"])
    assert float(found["rank_low"]) < 0.2 < float(found["rank_high"])
    ordinary = against_controls(trials, lesion="B", task="X", rng=0)
    assert float(ordinary["rank_p"]) > 0.05
    assert abs(float(ordinary["effect"])) < 0.05


def test_a_dose_curve_rises_and_beats_its_controls():
    trials = phantom_trials(doses=(0.25, 0.5, 0.75, 1.0), n_stimuli=300, n_controls=5, rng=0)
    found = dose_response(trials, lesion="A", task="X", rng=0)
    assert (np.diff(found["mean"]) > 0).all()
    np.testing.assert_allclose(found["mean"], 0.3 * found["dose"], atol=0.03)
    assert float(found["p"]) == float(found["p_floor"])
    assert found["retained"].mean().item() == pytest.approx(1 - 0.15 / 0.4, abs=0.05)
    assert float(found["control_mean"].sel(dose=1.0)) == pytest.approx(0, abs=0.01)
    assert np.isnan(found["control_mean"].sel(dose=0.5))


def test_the_matrix_finds_the_diagonal_and_nothing_beside_it():
    names = ("A", "B", "C")
    plan = {a: {t: 0.25 * (a == b) for t, b in zip("XYZ", names)} for a in names}
    found = localiser_matrix(phantom_trials(deficits=plan, n_stimuli=150, rng=0), rng=0)
    shown = found["q"].transpose("lesion", "task").values <= 0.05
    np.testing.assert_array_equal(shown, np.eye(3, dtype=bool))
    assert float(found["diagonal_low"]) < 0.25 < float(found["diagonal_high"])


def test_a_pick_among_nothing_is_nothing_and_a_planted_pair_stands_out():
    nothing = {f"r{k}": {"X": 0.1, "Y": 0.1} for k in range(40)}
    trials = phantom_trials(deficits=nothing, n_specimens=6, n_stimuli=80, spread=0.05, rng=5)
    names = list(nothing)
    found = picked_dissociation(trials, candidates=names[:20], pool=names[20:], tasks=("X", "Y"), rng=0)
    assert float(found["observed"].mean()) > 0.05  # the best of 380 pairs looks like something
    assert float(found["p"]) > 0.05
    assert float(found["rank_p"]) > 0.05
    planted = {**nothing, "r3": {"X": 0.3, "Y": 0.0}, "r7": {"X": 0.0, "Y": 0.3}}
    trials = phantom_trials(deficits=planted, n_specimens=6, n_stimuli=80, spread=0.05, rng=5)
    found = picked_dissociation(trials, candidates=names[:8], pool=names[8:], tasks=("X", "Y"), rng=0)
    assert float(found["p"]) == 2**-6
    assert float(found["rank_p"]) == pytest.approx(8 * 7 / (40 * 39), abs=0.02)  # a random 8 hold that pair
    apart = picked_dissociation(trials, candidates=names[:8], pool=names[8:], tasks=("X", "Y"), alike=False, rng=0)
    assert float(apart["rank_p"]) <= 0.01
    assert set(found["picked_a"].values) == {"r3"}
    assert set(found["picked_b"].values) == {"r7"}
    assert (found["held_p"] <= 0.05).all()


def test_reselected_controls_share_the_optimism_of_the_selection():
    noise = phantom_recording(n_units=200, selective={}, n_stimuli=20, rng=0)

    def choose(recording):
        return select_roi(localise(recording, "faces > objects"), name="area", top=10)

    target = choose(noise)
    controls = reselected_controls(Lesion(target, Zero()), noise, choose, 20, rng=0)
    stat_map = localise(noise, "faces > objects")

    def selectivity(roi, labels):
        return float(localise(labels, "faces > objects")["d_prime"].values[roi.mask(stat_map)].mean())

    assert selectivity(target, noise) > 0.5
    assert np.mean([control.roi.dice(target) for control in controls]) < 0.2
    assert {key for control in controls for key, _ in control.notes} == {"dice_with_target"}
