"""Robustness, recovery and savings on ugly data: each is refused with advice, or says in words what it cannot know."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurolab.analysis import claim, dose_response, recovery, robustness, savings
from neurolab.errors import DataError, DesignError, ReplicationUnitError, SchemaError, UnknownNameError
from neurolab.simulate import phantom_noise
from neurolab.stats.psychometric import half_point
from neurolab.stats.shares import sign_flip_share
from neurolab.trials import make_trials

ASKED = {"noise": "input", "lesion": "A", "task": "X", "rng": 0}
SMALL = {"n_stimuli": 12, "n_specimens": 6}


def planted(scores, strengths=(0.5, 1.0, 2.0), chance=0.5, **columns):
    """Trials of six networks whose mean scores are exactly these: per condition, no noise first."""
    rows, values = [("sham", "input", "sham", "", np.nan)], [scores[0][0]]
    for at, of in enumerate(scores):
        who = "A & input" if at else "input"
        rows += [("A", "A", "target", "", np.nan)] if at else []
        values += [of[0]] if at else []
        rows += [(f"{who} noise {s:g}", f"{who} noise {s:g}", "target", who, s) for s in strengths]
        values += list(of[1:])
    table = pd.DataFrame(rows, columns=["lesion_id", "roi", "role", "ladder", "rung"]).assign(**columns)
    score = np.repeat(np.array(values, dtype=float)[None, :, None], 6, axis=0)
    about = {"X": {"unit": "proportion correct", "bounded": True, "chance": chance}}
    trial = {"task": ["X"], "stimulus_id": ["s"], "condition": ["X"]}
    return make_trials(score, specimen=list("abcdef"), lesions=table, trial=trial, tasks=about, kind="simulated")


def reasons(found):
    return " ".join(json.loads(found.attrs["reasons"]))


def test_a_curve_that_never_falls_to_half__is_said_in_words_and_no_number_is_infinite():
    found = robustness(planted([[0.9, 0.9, 0.88, 0.86], [0.9, 0.8, 0.7, 0.6]]), **ASKED)
    assert "intact: the ED50 lies beyond the strongest noise (2): none of 6 networks fell to half" in reasons(found)
    assert "6 ED50 beyond the ladder counted as its end" in reasons(found)
    assert "at most 2, the strongest noise" in found.attrs["estimand"]
    assert found["reached"].values.tolist() == [[False] * 6, [True] * 6]
    assert found["ed50_mean"].values == pytest.approx([2.0, 1.0])
    assert all(np.isfinite(found[name]).all() for name in found.data_vars)


def test_all_at_ceiling__is_not_measured():
    found = robustness(planted([[1.0, 1.0, 1.0, 1.0]] * 2), **ASKED)
    assert found.attrs["verdict"] == "not measured: no curve falls to half, test stronger noise"
    assert (float(found["p"]), float(found["effect"])) == (1.0, 0.0)
    alone = robustness(planted([[1.0, 1.0, 1.0, 1.0]]), **{**ASKED, "lesion": None})
    assert (alone.attrs["verdict"], float(alone["effect"])) == ("never falls to half", 0.0)


def test_a_curve_that_rises_and_one_that_falls_at_once__say_so():
    found = robustness(planted([[0.9, 0.7, 0.8, 0.6], [0.9, 0.55, 0.55, 0.5]]), **ASKED)
    assert "intact: the mean score rises between 0.5 and 1" in reasons(found)
    assert "A: 6 of 6 networks fell to half before the weakest noise (0.5)" in reasons(found)
    assert float(found["ed50_mean"][0]) == pytest.approx(1 + 0.05 / 0.15)  # both pooled to 0.75, then down to 0.6


def test_chance_must_be_known_and_exceeded():
    unknown = planted([[0.9, 0.8, 0.7, 0.6]] * 2, chance=None)
    with pytest.raises(DesignError, match=r"Type chance=0\.5"):
        robustness(unknown, **ASKED)
    assert np.isfinite(float(robustness(unknown, chance=0.5, **ASKED)["effect"]))
    with pytest.raises(DesignError, match=r"'A' leaves .* at or below chance .* Use a smaller lesion"):
        robustness(planted([[0.9, 0.8, 0.7, 0.6], [0.5, 0.5, 0.5, 0.5]]), **ASKED)


def test_one_strength_no_ladder_and_near_misses_are_refused():
    with pytest.raises(DesignError, match="a curve needs two or more"):
        robustness(planted([[0.9, 0.6]] * 2, strengths=(1.0,)), **ASKED)
    with pytest.raises(DesignError, match="the sham is 0"):
        robustness(planted([[0.9, 0.9, 0.6]] * 2, strengths=(0.0, 1.0)), **ASKED)
    trials = phantom_noise(rng=0, **SMALL)
    with pytest.raises(UnknownNameError, match="Did you mean 'input'"):
        robustness(trials, **{**ASKED, "noise": "inputs"})
    with pytest.raises(DesignError, match="no rungs 'B & input'"):
        robustness(trials, **{**ASKED, "lesion": "B"})
    with pytest.raises(UnknownNameError, match="Did you mean 'logistic'"):
        robustness(trials, curve="logistics", **ASKED)
    with pytest.raises(DesignError, match="4 or more"):
        robustness(planted([[0.9, 0.8, 0.6]] * 2, strengths=(1.0, 2.0)), curve="logistic", **ASKED)
    with pytest.raises(DesignError, match="over networks or people, and these trials have one"):
        robustness(trials.isel(specimen=[0]), **ASKED)
    with pytest.raises(DesignError, match="two things at once"):
        dose_response(trials, lesion="A & input", task="X", rng=0)


def test_conditions_that_met_other_noise_are_refused():
    trials = phantom_noise(rng=0, **SMALL)
    fewer = trials.isel(lesion=trials["lesion_id"].values != "A & input noise 1")
    with pytest.raises(DesignError, match="the same noise only"):
        robustness(fewer, **ASKED)
    n = trials.sizes["lesion"]
    digest = np.array([[f"d{at}" for at in range(n)]] * 6, dtype=object)
    ids = list(trials["lesion_id"].values)
    note = np.full((6, n), "{}", dtype=object)
    for at, name in enumerate(ids):
        if " & " in name:
            note[:, at] = json.dumps({"also": [{"digest": f"d{ids.index(name.removeprefix('A & '))}"}]})
    dims = ("specimen", "lesion")
    known = trials.assign(lesion_digest=(dims, digest), lesion_notes=(dims, note))
    assert "do not record" not in robustness(known, **ASKED).attrs["note"]
    note[2, ids.index("A & input noise 2")] = json.dumps({"also": [{"digest": "another rng"}]})
    with pytest.raises(DesignError, match="At strength 2 'A' met another noise"):
        robustness(trials.assign(lesion_digest=(dims, digest), lesion_notes=(dims, note)), **ASKED)


def test_the_array_floor__refuses_what_has_no_half_and_no_share():
    with pytest.raises(DataError, match="nothing to halve"):
        half_point([0, 1, 2], [0.5, 0.4, 0.3], chance=0.5)
    with pytest.raises(DesignError, match="two or more"):
        half_point([1, 1], [0.5, 0.4], chance=0.1)
    assert half_point([0, 1, 2, 3], [0.6, 0.7, 0.8, 0.9], chance=0.5, curve="logistic") == np.inf
    with pytest.raises(DataError, match="something to be a share of"):
        sign_flip_share([1.0, 2.0], [0.0, 0.0])
    assert "use 6 or more" in sign_flip_share([1.0, 2.0, 3.0], [4.0, 4.0, 5.0]).note
    with pytest.raises(DesignError, match="rng=0"):
        sign_flip_share(np.ones(40), np.ones(40) * 2)


def curves(lesioned=(0.4, 0.7, 0.8), intact=(0.9, 0.9, 0.9), steps=(0, 10, 50), n=8):
    jitter = np.linspace(-0.02, 0.02, n)[:, None, None] * np.array([1, -1])[None, :, None]
    score = np.array([lesioned, intact])[None] + jitter
    coords = {"specimen": list(range(n)), "arm": ["lesioned", "intact"], "step": list(steps)}
    return xr.DataArray(score, coords=coords, dims=list(coords))


def test_a_criterion_that_is_never_reached__is_said_in_words():
    found = recovery(curves(), criterion=0.95, chance=0.1, rng=0)
    assert "lesioned: none of 8 networks reached the criterion by step 50" in reasons(found)
    assert set(found["steps"].values.ravel()) == {50.0}
    assert float(found["time_p"]) == 1.0
    saved = savings(curves((0.1, 0.2, 0.3), (0.1, 0.5, 0.95)), first="lesioned", again="intact", criterion=0.9, rng=0)
    assert "8 of 8 networks never reached the criterion in lesioned" in saved.attrs["undermined_by"]
    assert "The share saved is a lower bound" in saved.attrs["undermined_by"]
    assert saved["n_reached"].values.tolist() == [0, 8]
    never = savings(curves((0.1, 0.2, 0.3), (0.1, 0.2, 0.3)), first="lesioned", again="intact", criterion=0.9, rng=0)
    assert "a bound in neither direction" in never.attrs["undermined_by"]
    assert never.attrs["verdict"] == "no savings shown"
    upper = savings(curves((0.1, 0.2, 0.3), (0.1, 0.95, 0.99)), first="intact", again="lesioned", criterion=0.9, rng=0)
    assert "an upper bound" in upper.attrs["undermined_by"]


def test_steps_that_are_only_known_to_be_more__open_the_interval_of_what_is_saved():
    arms = {"first": "lesioned", "again": "intact", "criterion": 0.9, "rng": 0}
    learned, never = (0.1, 0.95, 0.99), (0.1, 0.2, 0.3)
    both = ("effect_low", "effect_high", "steps_low", "steps_high")
    known = savings(curves(learned, learned), **arms)
    assert np.isfinite([float(known[end]) for end in both]).all()
    assert known.attrs["undermined_by"].startswith('["Scored rarely: a step at criterion is known to within 10 steps')
    assert "bound" not in known.attrs["undermined_by"]
    more = savings(curves(never, learned), **arms)
    assert (float(more["effect_high"]), float(more["steps_high"])) == (1.0, np.inf)
    assert float(more["effect_low"]) == pytest.approx(0.8)
    assert more["high"].values[0] == np.inf
    assert np.isfinite(more["high"].values[1])
    less = savings(curves(learned, never), **arms)
    assert (float(less["effect_low"]), float(less["steps_low"])) == (-np.inf, -np.inf)
    assert float(less["effect_high"]) == pytest.approx(-4.0)
    neither = savings(curves(never, never), **arms)
    assert [float(neither[end]) for end in both] == [-np.inf, 1.0, -np.inf, np.inf]
    every = (known, more, less, neither)
    verdicts = [claim("Nothing is left.", one, expects="none", within=0.1).attrs for one in every]
    assert [one["verdict"] for one in verdicts] == ["supported", "refuted", "refuted", "not shown"]
    assert "in neither direction" in verdicts[-1]["undermined_by"]


def test_a_criterion_met_before_any_training__undermines_savings():
    found = savings(curves((0.1, 0.5, 0.95), (0.9, 0.95, 0.99)), first="lesioned", again="intact", criterion=0.9, rng=0)
    at_once = int((found["steps"].sel(arm="intact") == 0).sum())
    assert at_once == 4
    assert "4 of 8 networks met the criterion before any intact" in found.attrs["undermined_by"]
    arms = {"first": "lesioned", "again": "intact", "criterion": 0.9, "rng": 0}
    either = savings(curves((0.9, 0.5, 0.95), (0.1, 0.95, 0.99)), **arms)
    assert "4 of 8 networks met the criterion before any lesioned" in either.attrs["undermined_by"]


def test_recovered_is_said_from_equivalence_only():
    back = recovery(curves((0.4, 0.7, 0.9)), chance=0.1, rng=0)
    assert back.attrs["verdict"] == "recovered"
    unknown = recovery(curves((0.4, 0.7, 0.9)), criterion=0.85, rng=0)
    assert unknown.attrs["verdict"] == "partly recovered, neither impairment nor full recovery shown"
    assert "was not tested: chance is unknown" in reasons(unknown)
    assert np.isnan(float(unknown["recovered_p"]))
    assert recovery(curves((0.4, 0.4, 0.4)), chance=0.1, rng=0).attrs["verdict"] == "still impaired, no recovery shown"
    few = recovery(curves(n=3), chance=0.1, rng=0)
    assert few.attrs["verdict"] == "nothing can be shown: 3 networks: the smallest one-sided p is .125; use 5 or more."


def test_arms_and_steps_that_do_not_fit__are_refused():
    good = curves()
    for bad, error, match in (
        (good.rename(step="epoch"), SchemaError, "expected"),
        (good.assign_coords(specimen=[0, 0, *range(2, 8)]), ReplicationUnitError, "twice"),
        (good.isel(specimen=[0]), DesignError, "one network"),
        (good.isel(step=[0]), DesignError, "at least one later"),
        (good.where(good["step"] != 10), DataError, "no score at the steps '10'"),
        (good.where(good["step"] != 10, np.inf), DataError, "infinite"),
        (good.drop_vars("arm"), SchemaError, "no coordinate 'arm'"),
        (good.values, SchemaError, "expected a DataArray"),
    ):
        with pytest.raises(error, match=match):
            recovery(bad, chance=0.1, rng=0)
    table = good.to_dataframe("score").reset_index()
    with pytest.raises(SchemaError, match="lacks the columns 'score'"):
        recovery(table.rename(columns={"score": "accuracy"}), chance=0.1, rng=0)
    with pytest.raises(ReplicationUnitError, match="average the items"):
        recovery(pd.concat([table, table]), chance=0.1, rng=0)
    for asked, match in (
        ({"intact": "intakt"}, "Did you mean 'intact'"),
        ({"lesioned": "intact"}, "one of them twice"),
        ({"within": 2.0}, "between 0 and 1"),
        ({"bound": -1.0}, "above 0"),
        ({"last": 3}, "at least one later"),
        ({"chance": 0.95}, "at or below chance"),
    ):
        with pytest.raises((DesignError, UnknownNameError), match=match):
            recovery(good, **{"chance": 0.1, **asked}, rng=0)
    with pytest.raises(DesignError, match=r"Type criterion=0\.9"):
        recovery(good, rng=0)
    with pytest.raises(DesignError, match="the lesion cost nothing"):
        recovery(curves((0.95, 0.95, 0.95)), chance=0.1, rng=0)


def test_savings_that_cannot_be_computed__are_refused():
    arms = {"first": "lesioned", "again": "intact", "rng": 0}
    with pytest.raises(DesignError, match="need a criterion"):
        savings(curves(), **arms)
    with pytest.raises(DesignError, match="before any training"):
        savings(curves(), criterion=0.1, **arms)
    with pytest.raises(DesignError, match="expected two arms"):
        savings(curves(), criterion=0.5, first="intact", again="intact", rng=0)
    steps = xr.DataArray(np.full((6, 2), 3.0), coords={"specimen": range(6), "arm": ["lesioned", "intact"]})
    with pytest.raises(DesignError, match="one or the other"):
        savings(steps, criterion=0.5, **arms)
    with pytest.raises(DataError, match="NaN or negative"):
        savings(steps.where(steps["specimen"] > 0), **arms)
    with pytest.raises(DataError, match="no score at all"):
        savings(curves().where(curves()["arm"] == "lesioned"), criterion=0.5, **arms)
    assert float(savings(steps, **arms)["effect"]) == 0.0


def test_unequal_steps__are_counted_where_both_arms_were_scored():
    order = [2, 0, 1]
    shuffled = recovery(curves(steps=(0, 1, 1000)).isel(step=order), chance=0.1, rng=0)
    assert shuffled["step"].values.tolist() == [0.0, 1.0, 1000.0]
    assert float(shuffled["effect"]) == pytest.approx(float(recovery(curves(), chance=0.1, rng=0)["effect"]))
    early = curves((0.1, 0.6, 0.9), (0.1, 0.9, 0.9)).where(lambda of: (of["step"] != 10) | (of["arm"] == "intact"))
    found = savings(early, first="lesioned", again="intact", criterion=0.85, rng=0)  # the first arm skips step 10
    assert found["steps"].values[:, 0].tolist() == [50.0, 50.0]  # looking at one arm more often saves nothing
