"""What a unit, an offset, an order or a spelling must not change: once silently wrong, each of them."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import xarray as xr
from scipy.stats import norm

import neurolab as nl
from neurolab.errors import DataError, ReplicationUnitError, SchemaError
from neurolab.report import printed_table
from neurolab.stats import intervals, maps, permutation, psychometric, reliability, single_case, tuning
from neurolab.stats._bayes_case import bayesian_standardised_difference

N = 40


def recorded(values, condition, **coords):
    ids = [f"s{at}" for at in range(len(values))]
    return nl.make_recording(values, kind="brain", presentation={"stimulus_id": ids, "condition": condition, **coords})


# -- large means -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [1e7, 1e8, -1e9])
def test_label_shuffle__a_large_mean_changes_no_p(offset):
    for seed in range(60):
        stream = np.random.default_rng(seed)
        a, b = stream.normal(2.5, 1, 4), stream.normal(0, 1, 4)
        found, right = permutation.label_shuffle(a + offset, b + offset), permutation.label_shuffle(a, b)
        assert found.p == right.p >= found.p_floor
        np.testing.assert_allclose([found.low, found.high], [right.low, right.high], atol=1e-5)


@pytest.mark.parametrize("offset", [1e8, 1e10])
def test_label_shuffle__numbers_that_a_large_mean_rounds_still_tie(offset):
    for seed in range(60):
        stream = np.random.default_rng(seed)
        a, b = stream.integers(0, 6, 5) / 8 * 0.8, stream.integers(0, 6, 4) / 8 * 0.8
        if np.ptp(np.concatenate((a, b))):
            assert permutation.label_shuffle(a + offset, b + offset).p >= permutation.label_shuffle(a, b).p - 1e-12


def test_max_t__a_large_mean_leaves_mirrored_splits_tied():
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(8, 2))
        x[:4] += 3
        found = permutation.max_t(x + 1e7, groups=np.arange(8) < 4)
        assert (found.p >= found.p_floor - 1e-12).all()
        np.testing.assert_array_equal(found.p, permutation.max_t(x, groups=np.arange(8) < 4).p)


# -- units of regressors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-26, 1e-200, 1e26])
def test_glm__a_nuisance_in_any_unit_is_the_same_nuisance(unit):
    stream = np.random.default_rng(0)
    first = np.arange(60) < 30
    power = stream.lognormal(0, 0.5, 60) * (1 + first)
    values = 2 * power[:, None] + stream.normal(size=(60, 4))
    recording = recorded(values, np.where(first, "a", "b"), power=power * unit)
    found = nl.localise(recording, "a > b", test="glm", nuisance=["power"])
    design = sm.add_constant(np.column_stack([first, power]).astype(float))
    right = [sm.OLS(column, design).fit().tvalues[1] for column in values.T]
    np.testing.assert_allclose(found["statistic"], right, rtol=1e-8)


def test_glm__seconds_since_1970_are_a_regressor():
    stream = np.random.default_rng(0)
    seconds, y = 1.7e9 + np.sort(stream.uniform(0, 3600, 60)), 5 + stream.normal(size=(60, 1))
    found = maps.glm_t(y, np.column_stack([np.ones(60), seconds]), [0, 1])
    right = sm.OLS(y[:, 0], np.column_stack([np.ones(60), seconds - seconds.mean()])).fit().tvalues[1]
    np.testing.assert_allclose(found.statistic, right, rtol=1e-6)
    level = maps.glm_t(y, np.column_stack([np.ones(60), seconds - 1.7e9]), [1, 1800.0])
    there = maps.glm_t(y, np.column_stack([np.ones(60), seconds]), [1, 1.7e9 + 1800])
    np.testing.assert_allclose(there.effect, level.effect, rtol=1e-6)


def test_freedman_lane__a_nuisance_in_small_units_is_no_less_a_nuisance():
    stream = np.random.default_rng(1)
    volume, tested = stream.normal(size=25), stream.normal(size=25)
    y = stream.normal(size=(25, 3)) + 2 * volume[:, None]
    settings = {"n_permutations": 99, "rng": 0}
    right = permutation.freedman_lane(y, tested, np.column_stack([volume, tested**2]), **settings)
    found = permutation.freedman_lane(y, tested, np.column_stack([volume * 1e-30, tested**2]), **settings)
    np.testing.assert_array_equal(found.p, right.p)
    np.testing.assert_allclose(found.t, right.t, rtol=1e-9)


def test_single_case__covariates_and_scores_in_any_unit():
    stream = np.random.default_rng(2)
    covariates = stream.normal(size=(20, 2))
    controls = covariates.sum(axis=1) + stream.normal(size=20)
    asked = {"case_covariates": [0.1, 0.2], "covariates": covariates}
    right = single_case.deficit_with_covariates(-4.0, controls, **asked).p
    scaled = {"case_covariates": [0.1e8, 0.2e-8], "covariates": covariates * [1e8, 1e-8]}
    for score in (1.0, 1e-13, 1e13):
        found = single_case.deficit_with_covariates(-4.0 * score, controls * score, **scaled)
        assert found.p == pytest.approx(right, rel=1e-9)
    people = np.column_stack([controls, stream.normal(size=20)])
    same = (
        single_case.difference_with_covariates(np.array([-4, 0]) * unit, people * unit, n_draws=200, rng=0, **asked).p
        for unit in (np.ones(2), np.array([1e-12, 1e12]))
    )
    assert next(same) == pytest.approx(next(same), rel=1e-6)
    one, other = (
        bayesian_standardised_difference(np.array([-4, 0]) * unit, people * unit, n_draws=200, rng=0).p
        for unit in (np.ones(2), np.array([1e-12, 1e12]))
    )
    assert one == pytest.approx(other, rel=1e-6)


# -- reliability and thresholds ----------------------------------------------------------------------------------------


def test_icc__of_noise_has_an_interval_around_it():
    for seed in range(300):
        stream = np.random.default_rng(seed)
        x = stream.normal(size=(stream.integers(2, 9), stream.integers(2, 5)))
        found = reliability.icc(x, kind=("ICC(2,k)", "ICC(1,k)", "ICC(3,k)", "ICC(2,1)")[seed % 4])
        assert found.low <= found.effect <= found.high <= 1
    worst = reliability.icc([[1, -2], [0, 0], [-1, 0], [-2, 3], [2, 1], [2, 0], [-2, 0]], kind="ICC(2,k)")
    assert worst.low == -np.inf
    assert worst.effect == pytest.approx(-1.75)


def test_icc__of_data_in_tesla():
    x = np.random.default_rng(0).normal(size=(9, 3))
    assert reliability.icc(x * 1e-13).effect == pytest.approx(reliability.icc(x).effect, rel=1e-9)


@pytest.mark.parametrize(("scale", "shift"), [(1e6, 0.0), (1e9, 0.0), (1e-9, 0.0), (1.0, 1e6)])
def test_psychometric__the_threshold_is_the_same_in_any_unit(scale, shift):
    x, n = np.linspace(-2, 2, 9), np.full(9, 40)
    k = np.random.default_rng(1).binomial(n, 0.5 + 0.48 * norm.cdf((x - 0.3) / 0.6))
    right, found = psychometric.fit(x, k, n, guess=0.5), psychometric.fit(x * scale + shift, k, n, guess=0.5)
    assert found.log_likelihood == pytest.approx(right.log_likelihood, abs=1e-8)
    assert (found.threshold - shift) / scale == pytest.approx(right.threshold, rel=1e-5)
    assert found.width / scale == pytest.approx(right.width, rel=1e-5)
    assert found.note == right.note == ""


# -- repeats -----------------------------------------------------------------------------------------------------------


def shown_again():
    stream = np.random.default_rng(0)
    order = np.tile(np.arange(12), 4)
    return nl.make_recording(
        stream.normal(size=(12, 15))[order] + 0.3 * stream.normal(size=(48, 15)), kind="brain",
        presentation={"stimulus_id": [f"s{k}" for k in order], "condition": np.repeat(["a", "b"], 6)[order],
                      "repetition": np.repeat(range(4), 12)},
    )  # fmt: skip


def test_localise__showings_of_a_stimulus_are_no_stimuli():
    with pytest.raises(ReplicationUnitError, match=r"48 presentations show 12 stimuli.*average_repetitions"):
        nl.localise(shown_again(), "a > b")
    assert nl.localise(nl.average_repetitions(shown_again()), "a > b").attrs["n"] == 12


def test_tuning__no_showing_measures_the_class_that_another_of_the_same_stimulus_chose():
    found = []
    for seed in range(20):
        stream = np.random.default_rng(seed)
        order = np.repeat(np.arange(20), 2)
        made = nl.make_recording(
            stream.normal(size=(20, 200))[order], kind="brain",
            presentation={"stimulus_id": [f"s{k}" for k in order], "condition": np.repeat(["a", "b"], 10)[order],
                          "repetition": np.tile([0, 1], 20)},
        )  # fmt: skip
        found.append(nl.analysis.tuning_indices(made)["selectivity AUC"].iloc[0])
    assert abs(np.mean(found) - 0.5) < 0.015
    x, labels = np.random.default_rng(0).normal(size=(12, 3)), np.repeat([0, 1], 6)
    with pytest.raises(nl.errors.DesignError, match="four rows of different stimuli each"):
        tuning.tuning(x, labels, stimuli=np.repeat(np.arange(6), 2))
    with pytest.raises(DataError, match="one per row"):
        tuning.tuning(x, labels, stimuli=[1, 2])


def test_trials__a_lesion_that_stands_twice_is_refused():
    trials = nl.make_trials(
        np.zeros((8, 2, 3)), specimen=[f"n{k}" for k in range(8)], kind="simulated",
        lesions={"lesion_id": ["sham", "a"], "roi": ["a", "a"], "role": ["sham", "target"]},
        trial={"task": ["t"] * 3, "stimulus_id": list("xyz"), "condition": ["c"] * 3},
        tasks={"t": {"unit": "proportion correct", "bounded": True, "chance": 0.0}},
    )  # fmt: skip
    twice = xr.concat([trials, trials.isel(lesion=[1])], "lesion", data_vars="minimal")
    with pytest.raises(SchemaError, match="lesion_id more than once"):
        nl.deficits(twice, rng=0)


# -- whose are they ----------------------------------------------------------------------------------------------------


@pytest.fixture
def mapped():
    stream = np.random.default_rng(0)
    cut, ids = (stream.random((60, 6)) < 0.4).astype(np.uint8), [f"p{k}" for k in range(60)]
    lesions = nl.make_recording(cut, presentation={"stimulus_id": ids, "condition": ["x"] * 60}, kind="brain")
    age = pd.Series(stream.normal(size=60) + cut[:, 2] * 2, index=pd.Index(ids, name="stimulus_id"), name="age")
    behaviour = pd.Series(3.0 * cut[:, 2] + 2 * age.values + stream.normal(size=60), index=ids)

    def statistic(covariates, behaviour=behaviour):
        return nl.symptom_map(lesions, behaviour, covariates=covariates, correction="fdr")["statistic"].values

    return statistic, age, behaviour


@pytest.mark.parametrize(
    "given",
    [lambda age: age, lambda age: age.to_frame(), lambda age: age.to_xarray(), lambda age: {"age": age.to_xarray()},
     lambda age: age.to_xarray().to_dataset()],
    ids=["series", "frame", "array", "dict of arrays", "dataset"],
)  # fmt: skip
def test_symptom_map__covariates_in_another_order_are_put_in_order(mapped, given):
    statistic, age, _ = mapped
    np.testing.assert_array_equal(statistic(given(age[::-1])), statistic(age.values))


def test_symptom_map__behaviour_goes_by_its_own_coordinate_whatever_that_is_called(mapped):
    statistic, age, behaviour = mapped
    for dim in ("person", "presentation", "stimulus_id"):
        given = xr.DataArray(behaviour.values[::-1], dims=dim, coords={dim: list(behaviour.index[::-1])})
        np.testing.assert_array_equal(statistic(age, given), statistic(age, behaviour))
    with pytest.raises(DataError, match="lacks 60 of the 60"):
        statistic(age, xr.DataArray(behaviour.values, dims="person", coords={"person": [f"q{k}" for k in range(60)]}))


@pytest.mark.parametrize(
    "given", [lambda x: x.to_frame(), lambda x: {"lum": x}, lambda x: x, lambda x: x.to_xarray()]
)  # fmt: skip
def test_localise__a_nuisance_in_another_order_is_put_in_order(given):
    stream = np.random.default_rng(0)
    condition = np.array(["a", "b"] * 20)
    light = stream.normal(size=N) + (condition == "a")
    recording = recorded(light[:, None] * 3 + stream.normal(size=(N, 3)), condition)
    series = pd.Series(light, index=pd.Index(recording["stimulus_id"].values, name="stimulus_id"), name="lum")

    def statistic(nuisance):
        return nl.localise(recording, "a > b", test="glm", nuisance=nuisance)["statistic"].values

    right = statistic({"lum": light})
    np.testing.assert_array_equal(statistic(given(series[::-1])), right)
    np.testing.assert_array_equal(statistic({"lum": light.astype(object)}), right)
    np.testing.assert_array_equal(statistic(pd.DataFrame({"lum": light})), right)
    with pytest.raises(DataError, match="plain numbers in its order"):
        statistic(pd.Series(light, index=range(5, 45)))


def test_units__numbers_and_labels_go_by_unit():
    from neurolab.simulate import phantom_recording

    recording = phantom_recording(n_units=12, selective={"faces": 4}, rng=0)
    order = np.random.default_rng(1).permutation(12)
    numbers = np.arange(12.0)
    units = recording["unit"].values
    right = nl.analysis.unit_map(recording, numbers, chosen_by="a guess")["statistic"].values
    moved = pd.Series(numbers[order], index=units[order])
    found = nl.analysis.unit_map(recording, moved, chosen_by="a guess")["statistic"].values
    np.testing.assert_array_equal(found, right)
    with pytest.raises(DataError, match="lack unit"):
        nl.analysis.unit_map(recording, pd.Series(numbers, index=np.arange(12) + 100), chosen_by="a guess")
    labels = np.array(["x"] * 4 + ["y"] * 8)
    asked = {"by": nl.analysis.Louvain(), "edges": nl.analysis.Correlation(), "rng": 0, "n_null": 9}
    found = [
        float(nl.analysis.modules(recording, labels=given, **asked)["ari"]) for given in
        (labels, pd.Series(labels[order], index=units[order]),
         xr.DataArray(labels[order], dims="neuroid",
                      coords={name: ("neuroid", recording[name].values[order]) for name in ("site", "unit")}))
    ]  # fmt: skip
    assert found[0] == found[1] == found[2]


def test_recovery__steps_that_are_text_are_numbers():
    stream = np.random.default_rng(0)
    wide = pd.DataFrame(np.r_[np.array([0.4, 0.5, 0.7, 0.85]) + stream.normal(0, 0.02, (8, 4)),
                              0.9 + stream.normal(0, 0.02, (8, 4))], columns=["0", "5", "10", "100"])  # fmt: skip
    wide["specimen"], wide["arm"] = [f"n{k}" for k in range(8)] * 2, ["lesioned"] * 8 + ["intact"] * 8
    text = wide.melt(["specimen", "arm"], var_name="step", value_name="score")
    found, right = (nl.analysis.recovery(table, chance=0.1, rng=0)
                    for table in (text, text.assign(step=text["step"].astype(int))))
    assert float(found["effect"]) == float(right["effect"])
    assert found.attrs["verdict"] == right.attrs["verdict"]
    assert found["step"].values.tolist() == [0, 5, 10, 100]
    assert "recovered (90 % interval)" in printed_table(found)
    with pytest.raises(DataError, match="numbers of training steps"):
        nl.analysis.recovery(text.assign(step="step " + text["step"]), chance=0.1, rng=0)


# -- what raised errors of others --------------------------------------------------------------------------------------


def test_ragged_networks_of_a_bootstrap():
    found = intervals.hierarchical_bootstrap([np.array([1.0, 2, 3]), np.array([2.0, 3, 4, 5])], rng=0)
    assert found.effect == 2.75


def test_a_recording_with_an_index_of_several_levels():
    values = np.random.default_rng(0).normal(size=(N, 3))
    recording = recorded(values, ["a", "b"] * 20)
    several = recording.set_index(presentation=["stimulus_id", "condition"])
    np.testing.assert_array_equal(nl.localise(several, "a > b")["p"], nl.localise(recording, "a > b")["p"])
    assert nl.select_roi(nl.localise(recording, "a > b"), name="r", top=np.float32(0.5)).n_units == 2


def test_single_case__a_person_of_a_number_and_columns_that_are_none():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 2)), columns=["x", "y"]).assign(said="yes")
    assert nl.single_case(table, case=0, rng=0)["p"].equals(nl.single_case(table, case="0", rng=0)["p"])
    with pytest.raises(SchemaError, match=r"'said' holds .*not numbers"):
        nl.single_case(table, case=0, tasks=["x", "said"], rng=0)
    with pytest.raises(SchemaError, match="'x' more than once"):
        nl.single_case(pd.concat([table, table[["x"]]], axis=1), case=0, rng=0)


def test_figures__dollars_are_dollars(tmp_path):
    table = pd.DataFrame(np.random.default_rng(0).normal(10, 2, (12, 2)), columns=["US$ 5 vs US$ x_2", "$\\frac{$"])
    result = nl.single_case(table, case=0, rng=0)
    nl.plots.save_figure(result, nl.plots.plot_single_case, tmp_path, "dollar")
    labels = [text.get_text() for text in nl.plots.plot_single_case(result).get_xticklabels()]
    assert any("US$ 5 vs" in label.replace("\n", " ") for label in labels)
    assert not any(text.get_parse_math() for text in nl.plots.plot_single_case(result).texts)


def test_search__a_game_of_one_network_is_told_what_to_ask():
    with pytest.raises(nl.errors.DesignError, match=r"one member .*ask a cohort"):
        nl.analysis.search_minimal_set(
            lambda masks: np.zeros((len(masks), 1)), players=["a", "b"], task="t", deficit=0.1, over="stimulus",
            rng=0,
        )  # fmt: skip


def test_minimal_set__the_floor_of_many_testers_is_that_of_drawn_signs():
    from neurolab.analysis.hunt import Hunt

    hunt = Hunt(("a",), lambda taken: np.full(90, 0.5), np.arange(90) < 30, 0.1, 0.95, "specimen")
    assert hunt.floor(20) == 0.5**20
    assert hunt.floor(60) == 1e-4
