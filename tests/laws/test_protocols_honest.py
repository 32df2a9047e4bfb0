"""Protocols say what verdicts rest on: networks that never learned, intervals without width, nothing to remove."""

import contextlib
import importlib.util
import json
import os
import pathlib
from functools import partial

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab.errors import DataError, DesignError, SchemaError
from neurolab.protocol.essays import Asked, _finished
from neurolab.protocol.options import options_of
from neurolab.protocol.run import run_script
from neurolab.schema import make_result, register_result
from neurolab.simulate import phantom_noise, phantom_trials
from neurolab.specimen import phantoms

na = nl.analysis
ROOT = pathlib.Path(__file__).resolve().parents[2]
WITH_N = ("electrode", "conditioned_fear", "confined_misbehaviour", "module_pruning")
register_result("planted", {}, [("p", "effect", "low", "high", "p_floor")])


def script(name, folder=ROOT / "protocols"):
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flags(result):
    return json.loads(result.attrs.get("undermined_by") or "[]")


def planted(effect, low, high, p, *, n=10, over="specimen", **more):
    return make_result(
        {"effect": effect, "low": low, "high": high, "p": p, "p_floor": 0.002}, analysis="planted", test="t", n=n,
        estimand="an effect", generalises_over=over, correction="none", alternative="two-sided", level=0.95, rng="0",
        source="here", inputs="", **more,
    )  # fmt: skip


SHOWN, NONE = planted(0.9, 0.8, 1.0, 0.002), planted(0.0, -0.01, 0.01, 0.9)


@pytest.fixture(scope="module")
def cohorts():
    """One that learned, one that never did, one that missed its criterion; six networks each."""
    shown = nl.datasets.load_stimuli("digits-train").take(range(200))
    recipes = {
        "learned": nl.specimen.Recipe(epochs=30),
        "never": nl.specimen.Recipe(epochs=1, learning_rate=1e-7),
        "short": nl.specimen.Recipe(epochs=4, learning_rate=5e-3, criterion=1.0, on_miss="flag"),
    }
    train = partial(nl.train_cohort, partial(nl.specimen.mlp, 64, 32, 10), shown, n=6, progress=False, rng=0)
    return {name: train(recipe=one, name=name) for name, one in recipes.items()}


@pytest.fixture(scope="module")
def training(cohorts):
    return nl.specimen.training_table(cohorts)


def test_training_table__says_who_is_at_chance_and_who_missed_the_criterion(cohorts, training):
    chance, missed = training.attrs["undermined_by"]
    assert chance.startswith("never: 6 of 6 networks are at chance on what they were taught (accuracy seed 0: ")
    assert missed.startswith("short: ")
    assert " missed the criterion of 1.0 in 4 epochs (accuracy seed " in missed
    assert training.attrs["flags_about"] == {chance: {"condition": ["never"]}, missed: {"condition": ["short"]}}
    shown, build = cohorts["short"].training.stimuli, partial(nl.specimen.mlp, 64, 8, 10)
    untrained = nl.specimen.untrained_cohort(build, shown, n=2, rng=0)
    assert nl.specimen.training_table(untrained).attrs["undermined_by"] == []


def test_profiles__keep_what_undermines_them_and_comparisons_pass_it_on(cohorts):
    tables = {name: na.profile([], training=nl.specimen.training_table(one)) for name, one in cohorts.items()}
    (said,) = tables["never"].attrs["undermined_by"]
    compared = na.compare_cohorts(tables, against="learned", matched_on=None, rng=0)
    assert said in flags(compared)
    assert said in flags(na.index_mean(tables, index="training accuracy", rng=0))
    made = na.claim("So.", compared.sel(index="training accuracy"), expects="less")
    assert said in flags(made)  # it names its condition already
    short = compared.sel(index="training accuracy", condition="short")
    assert said not in flags(na.claim("So.", short, expects="less"))


def test_indices_of__keep_what_the_result_says_of_what_is_taken():
    result = na.dissociation(phantom_trials(n_specimens=6, rng=0), lesions=("A", "B"), tasks=("X", "Y"), rng=0)
    said = result.assign_attrs(undermined_by='["Half of it."]', flags_about="{}")
    assert na.profile([na.indices_of(said)]).attrs["undermined_by"] == ["Half of it."]


def test_alignment_and_importance__pass_on_what_training_says(training):
    draw = np.random.default_rng(0)
    halves = np.kron(np.eye(2), np.ones((6, 6)))
    nets = [halves + 0.1 * (noise + noise.T) for noise in draw.random((6, 12, 12))]
    cut = na.clusterability({"never": nets, "learned": nets}, by=na.Spectral(2, n_init=2), n_null=3, rng=0)
    ours = dict.fromkeys(("never", "learned"), [["left"] * 6 + ["right"] * 6] * 6)
    aligned = na.alignment(cut, ours, n_permutations=19, training=training, rng=0)
    chance = training.attrs["undermined_by"][0]
    agreed = aligned.sel(partition="found", measure="ari")
    above = na.index_mean(agreed, index="excess", rng=0)
    for result in (agreed, above):
        assert chance in flags(na.claim("So.", result.sel(condition="never"), expects="more"))
        assert flags(na.claim("So.", result.sel(condition="learned"), expects="more")) == []
    rows = {"lesion_id": ["sham", "a", "s1"], "roi": ["every", "a", "a"], "role": ["sham", "target", "control"],
            "family": ["", "", "random"], "draw": [0, 0, 1]}  # fmt: skip
    asked = {"trial": {"task": ["t"], "stimulus_id": ["s"], "condition": ["x"]}, "kind": "ann", "lesions": rows,
             "tasks": {"t": {"unit": "nats", "bounded": False, "chance": 0.0}}}  # fmt: skip
    one = [nl.make_trials([[[1.0], [at / 9], [0.9]]], specimen=[f"net {at}"], **asked) for at in range(6)]
    named = {"never, found": one, "learned, found": one}
    matter = na.importance(named, families=("random",), training=training, rng=0).sel(family="random")
    assert chance in flags(na.claim("So.", matter.sel(condition="never, found"), expects="more"))
    assert flags(na.claim("So.", matter.sel(condition="learned, found"), expects="more")) == []


def test_claims__say_what_training_says_against_each(training):
    made = na.claims(na.claim("So.", SHOWN, expects="more"), training=training)
    assert flags(made) == json.loads(str(made["undermined_by"].values[0])) == training.attrs["undermined_by"]


def test_claim__flags_an_interval_without_width_and_keeps_the_verdict():
    zeros = pd.DataFrame({"x": np.zeros(10)}, index=[f"seed {k}" for k in range(10)])
    flat = na.index_mean({"all": zeros}, index="x", rng=0).isel(condition=0)
    made = na.claim("None relapse.", flat, expects="none", within=0.05)
    assert made.attrs["verdict"] == "supported"
    (said,) = flags(made)
    assert said.startswith("All 10 networks gave the same value (0): the interval has no width. Up to 26% of such")
    both = na.claim("None relapse.", {"x": flat, "y": NONE}, expects="none", within=0.05)
    assert flags(both)[0].startswith("x: All 10 networks")
    assert flags(na.claim("So.", SHOWN, expects="more")) == []


def test_claim__a_count_of_exactly_one_in_every_network_refutes_more_than_one():
    ones = {"control": pd.DataFrame({"sets": np.ones(10)}, index=[f"seed {k}" for k in range(10)])}
    one = na.index_mean(ones, index="sets", popmean=1.0, rng=0).sel(condition="control")
    assert na.claim("More than one.", one, expects="more", within=0.5).attrs["verdict"] == "refuted"
    text = (ROOT / "protocols" / "electrode.py").read_text("utf-8")
    assert 'claim(MANY, centres.sel(condition="control"), within=0.5, figure="kinds-cohorts")' in text


def test_claim__is_not_shown_where_what_it_presumes_is_not():
    gone, was = {"a": NONE, "b": NONE}, {"a": SHOWN, "b": NONE}
    there = na.claim("It was there.", was, expects="more")
    none = partial(na.claim, "It is gone.", expects="none", within=0.05)
    assert none(gone).attrs["verdict"] == "supported"
    held = none(gone, presumes=there)
    assert held.attrs["verdict"] == "supported in part (a)"
    assert flags(held) == ["b: It presumes another claim, which is supported in part (a): It was there."]
    assert "what it presumes is not supported" in held.attrs["reasons"]
    assert none(gone["a"], presumes=there).attrs["verdict"] == "not shown"  # of no condition of it, so of all
    with pytest.raises(SchemaError, match="presumes="):
        none(gone, presumes=was["a"])


def test_claim__people_and_stimuli_make_no_range():
    people, pictures = ({"n": 4, "over": "subject"}, {"n": 92, "over": "stimulus"})
    brains = {"human": planted(1.0, 0.5, 1.5, 0.01, **people), "monkey": planted(1.0, 0.5, 1.5, 0.01, **pictures)}
    made = na.claim("So.", brains, expects="more")
    assert made.attrs["n"] == "4 people, 92 stimuli"
    assert na.claims(made).attrs["n"] == "4 people, 92 stimuli"
    alike = {"a": planted(1.0, 0.5, 1.5, 0.01, n=8), "b": SHOWN}
    assert na.claim("So.", alike, expects="more").attrs["n"] == "8 to 10"


@pytest.mark.parametrize("given", [{"n_controls": -3}, {"n_controls": 0}])
def test_design_check__refuses_fewer_controls_than_one(given):
    with pytest.raises(DesignError, match="n_controls"):
        nl.design_check(6, **given)


@pytest.mark.parametrize("name", WITH_N)
def test_protocols_of_n__take_a_number_and_refuse_one_network(name, capsys, monkeypatch):
    module = script(name)
    assert options_of(module.main, name, "Is it?", ["--n", "5"]).further["n"] == 5
    with pytest.raises(DesignError, match="--n 8"):
        next(iter(module.main(quick=True, n=1)))
    monkeypatch.setattr(nl.datasets, "load_stimuli", int)  # nothing needs to be trained
    with contextlib.suppress(ValueError):
        next(iter(module.main(quick=True, n=5)))
    assert "5 networks: the smallest two-sided p is .0625; use 6 or more." in capsys.readouterr().out


def test_robustness__an_ed50_beyond_the_ladder_is_flagged_and_no_index_where_nobody_reached_it():
    never = na.robustness(phantom_noise(ed50={"intact": 1000.0, "A": 1.0}, rng=0), noise="input", task="X", rng=0)
    (said,) = flags(never)
    assert "never fell to half (intact): their ED50 counts as the strongest noise" in said
    table = na.indices_of(never.sel(condition="intact"), "ed50", names=["units"])
    assert table["units"].isna().all()
    assert table.attrs["undermined_by"] == [said]
    some = na.robustness(phantom_noise(ed50={"intact": 1.0, "A": 0.5}, rng=0), noise="input", task="X", rng=0)
    assert na.indices_of(some.sel(condition="intact"), "ed50").notna().to_numpy().all()


def test_profile__one_network_that_failed_is_nan_and_ends_no_comparison():
    def part(name, first=0):
        return pd.DataFrame({"R": np.arange(first, 6) / 9}, index=[f"{name} seed {k}" for k in range(first, 6)])

    def trained(name):
        return pd.DataFrame({"condition": name, "specimen": [f"{name} seed {k}" for k in range(6)], "accuracy": 0.9})

    parts = {"control": part("control"), "dropout": part("dropout", first=1)}
    tables = {name: na.profile([one], training=trained(name), indices=["R"]) for name, one in parts.items()}
    assert np.isnan(tables["dropout"].loc["dropout seed 0", "R"])
    compared = na.compare_cohorts(tables, against="control", matched_on=None, rng=0)
    made = na.claim("So.", compared.sel(index="R"), expects="more")
    assert made.attrs["verdict"] == "not shown"
    assert "R is not defined in 1 of 6 networks (seed 0)" in made.attrs["undermined_by"]
    with pytest.raises(DataError, match="lacks"):
        na.profile([parts["dropout"]], training=trained("dropout"))


def test_training_noise__goes_on_where_a_network_is_at_chance(cohorts, monkeypatch):
    module, real = script("training_noise"), na.damage_indices
    given = {"recipe": nl.specimen.Recipe(epochs=20), "n": 2, "name": "short", "progress": False, "rng": 0}
    short = nl.train_cohort(partial(nl.specimen.mlp, 64, 8, 8, 10), cohorts["short"].training.stimuli, **given)

    def damage(trials, **asked):
        if "short seed 1" in trials["specimen"].values:
            raise DesignError("at chance")
        return real(trials, **asked)

    monkeypatch.setattr(na, "damage_indices", damage)
    table = module.profile(short, nl.datasets.load_stimuli("digits").take(range(100)), n_orders=1, rng=0)
    assert np.isfinite(table.loc["short seed 0", "redundancy"])
    assert np.isnan(table.loc["short seed 1", "redundancy"])


def test_costly_findings__are_handed_over_before_doses_are_chosen_or_tested():
    text = (ROOT / "protocols" / "conditioned_fear.py").read_text("utf-8")
    assert text.index('yield "learning"') < text.index('yield "doses"') < text.index("choose_doses(")
    assert "costing=0.5, most=True" in text
    assert 'claim(CHANGED, silenced, expects="more", by="how", figure="silenced_change")' in text
    pruning = (ROOT / "protocols" / "module_pruning.py").read_text("utf-8")
    assert pruning.index('"ends": ends') < pruning.index("nl.analysis.recovery(")
    assert pruning.index("contextlib.suppress") < pruning.index("nl.analysis.recovery(")


def test_phantoms_of_other_seeds__have_weights_of_their_own():
    def weights(phantom):
        return np.sort(phantom[0].model.hidden.weight.detach().numpy().ravel())

    for build in (phantoms.epiphenomenal, phantoms.causal_without_selectivity):
        plain, other = (weights(build(rng=seed)) for seed in (0, 1))
        assert np.array_equal(plain, other)
        one, two = (weights(build(jitter=0.15, rng=seed)) for seed in (0, 1))
        assert not np.allclose(one, two)


def test_localiser_is_not_cause__phantoms_differ_as_networks_do():
    module = script("localiser_is_not_cause")
    trials = module.phantom_trials(phantoms.epiphenomenal, "causal", top=8, n=6, rng=0)
    scores = trials["score"].groupby("task").mean("trial").sel(task="name faces")
    assert len(np.unique(scores.isel(lesion=0))) > 1
    cost = nl.deficits(trials, rng=0).isel(lesion=1).sel(task="name faces")
    assert float(cost["low"]) < float(cost["effect"]) < float(cost["high"])
    assert "least face-selective" not in pathlib.Path(module.__file__).read_text("utf-8")
    assert "then ten trained networks" in module.__doc__
    assert "2,000 random lesions (--quick: 100)" in script("dissociation_by_chance").__doc__.partition("\n")[0]


GOOD = '"""Is it planted?"""\ndef main(*, rng=0, quick=False):\n    yield "answer", 42\n'
STATE = {"commit": "this", "uncommitted changes": False}


def ran(folder, monkeypatch, state):
    for module in ("essays", "manifest"):
        monkeypatch.setattr(f"neurolab.protocol.{module}.git_state", lambda file: state)
    (folder / "good.py").write_text(GOOD)
    run_script(script("good", folder).main, argv=["--out", str(folder / "out" / "good")])


def test_essays__a_run_of_another_version_is_no_finished_one(tmp_path, monkeypatch):
    ran(tmp_path, monkeypatch, STATE)
    asked, name = Asked(0, False, tmp_path / "out"), str(tmp_path / "good.py")
    place = tmp_path / "out" / "good" / "manifest.json"
    text = place.read_text("utf-8")
    assert _finished(asked, "good", name)
    changes = {"neurolab": "0.0.1", "versions": {}, "python": "2.7", "git": {"neurolab": {**STATE, "commit": ""}}}
    for key, value in changes.items():
        place.write_text(json.dumps({**json.loads(text), key: value}))
        assert not _finished(asked, "good", name), key


def test_essays__with_uncommitted_changes_a_later_edit_makes_it_run_again(tmp_path, monkeypatch):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr("neurolab.__file__", str(package / "__init__.py"))
    ran(tmp_path, monkeypatch, {**STATE, "uncommitted changes": True})
    asked = Asked(0, False, tmp_path / "out")
    os.utime(package / "__init__.py", (0, 0))
    assert _finished(asked, "good", str(tmp_path / "good.py"))
    os.utime(package / "__init__.py", (4e9, 4e9))
    assert not _finished(asked, "good", str(tmp_path / "good.py"))
