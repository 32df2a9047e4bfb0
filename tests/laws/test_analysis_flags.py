"""What undermines a result is said by every verb: lesions that did nothing, scores without room, controls all alike."""

import json

import numpy as np
import pytest

from neurolab.analysis import (
    against_controls,
    claim,
    deficits,
    dissociation,
    dose_response,
    single_case,
    spared,
)
from neurolab.analysis.flags import flags_in
from neurolab.simulate import phantom_trials

PLAN = {"A": {"X": 0.3, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.3}, "A + B": {"X": 0.3, "Y": 0.3}}
PAIR = {"lesions": ("A", "B"), "tasks": ("X", "Y")}
NOTHING = "The lesion 'A' changed no activity in 8 of 8 networks: it cannot say what the units do."


@pytest.fixture(scope="module")
def trials():
    return phantom_trials(deficits=PLAN, n_specimens=8, n_stimuli=20, n_controls=3, doses=(0.5, 1.0), rng=0)


def said(result):
    return json.loads(result.attrs.get("undermined_by", "[]"))


def idle(trials, *ids, networks=slice(None), shams=True):
    """The trials, of which these lesions (and the shams) changed nothing."""
    nothing = np.zeros((trials.sizes["specimen"], trials.sizes["lesion"]), bool)
    nothing[networks] |= np.isin(trials["lesion_id"].values.astype(str), ids)
    nothing |= shams & (trials["role"].values == "sham")
    return trials.assign(vacuous=(("specimen", "lesion"), nothing))


def test_a_lesion_that_did_nothing__is_said_wherever_it_is_used(trials, verb):
    flags = said(verb(idle(trials, "A")))
    assert flags.count(NOTHING) == 1
    assert not [one for one in said(verb(idle(trials))) if "changed no activity" in one]  # the shams alone
    assert not [one for one in said(verb(trials)) if "changed no activity" in one]  # nobody knows


def test_a_lesion_that_did_nothing__changes_no_number(trials):
    plain, flagged = (spared(one, lesion="A", tasks=["Y"], rng=0) for one in (trials, idle(trials, "A")))
    assert plain.equals(flagged)
    assert said(plain) == []


def test_a_lesion_that_did_nothing__is_not_said_of_results_without_it(trials):
    of_b = spared(idle(trials, "B"), lesion="A", tasks=["Y"], rng=0)
    assert said(of_b) == []
    table = deficits(idle(trials, "B"), rng=0)
    claims = [claim(f"the lesion of {name} costs Y", table.sel(lesion=name, task="Y"), expects="more")
              for name in ("A", "B")]  # fmt: skip
    assert [any("changed no activity" in one for one in said(made)) for made in claims] == [False, True]


def test_a_lesion_that_did_nothing__is_counted_by_networks_and_by_draws(trials):
    some = said(spared(idle(trials, "A", networks=[0, 3]), lesion="A", tasks=["Y"], rng=0))
    assert some == ["The lesion 'A' changed no activity in 2 of 8 networks: there it cannot say what the units do."]
    controls = ("A | matched control | draw 1", "A | matched control")
    drawn = said(against_controls(idle(trials, *controls), lesion="A", task="X", rng=0))
    assert "The matched controls of 'A' changed no activity in 16 of 24 cases (networks × draws): " in drawn[-1]
    alone = idle(trials.isel(specimen=[2]), "A")
    assert "changed no activity in the one network" in said(spared(alone, lesion="A", tasks=["Y"], rng=0))[0]
    half = said(dose_response(idle(trials, "A | dose 0.5"), lesion="A", task="X", rng=0))
    assert half == [NOTHING.replace("'A'", "'A at dose 0.5'")]


def test_a_lesion_that_did_nothing__is_not_said_of_no_strength_at_all(trials):
    rung = np.where(trials["lesion_id"].values == "A", 0.0, np.nan)
    none = idle(trials, "A").assign_coords(rung=("lesion", rung))
    assert said(spared(none, lesion="A", tasks=["Y"], rng=0)) == []


def test_a_single_case__says_that_its_own_lesion_did_nothing(trials):
    names = list(map(str, trials["specimen"].values))
    one = idle(trials, "A", networks=[1])
    assert f"{names[1]}: The lesion 'A' changed no activity in the one network" in " ".join(
        said(single_case(one, case=names[1], lesion="A", tasks=["X"], rng=0))
    )
    assert "changed no activity" not in " ".join(said(single_case(one, case=names[0], lesion="A", tasks=["X"], rng=0)))


def test_against_controls__says_ceiling_and_floor_as_a_dissociation_does():
    plan = {"A": {"X": 0.495, "Y": 0.0}, "B": {"X": 0.0, "Y": 0.2}}
    more = {"intact": {"X": 0.995, "Y": 0.9}, "control_deficits": {"X": 0.1}}
    trials = phantom_trials(deficits=plan, n_controls=3, n_stimuli=300, **more, rng=0)
    both = dissociation(trials, **PAIR, rng=0)
    room = {one for one in said(both) if "at ceiling" in one or "at chance" in one}
    assert len(room) == 2
    assert room <= set(said(against_controls(trials, lesion="A", task="X", rng=0)))
    assert not room & set(said(against_controls(trials, lesion="A", task="Y", rng=0)))
    (high,) = flags_in(spared(trials, lesion="B", tasks=("X", "Y"), rng=0).attrs).items()
    assert high[0] == "The intact score on X is at ceiling: a small deficit could not show. Make X harder."
    assert high[1] == {"task": ["X"]}


def test_against_controls__says_that_controls_which_all_cost_the_same_have_no_interval(trials):
    perfect = trials.assign(score=trials["score"] * 0 + 1.0)
    lost = perfect["score"].copy()
    lost[0, list(trials["lesion_id"].values).index("A"), 0] = 0.0
    task = str(trials["task"].values[0])
    found = against_controls(perfect.assign(score=lost), lesion="A", task=task, rng=0)
    flat = f"The 3 matched controls of A all cost {task} the same (0): the rank interval has no width"
    assert [flat in one for one in said(found)] == [False, True]
    score = trials["score"].copy()
    rows = np.flatnonzero((trials["role"] == "control").values)
    score[:, rows[0], :3] = 0.0
    varied = trials.assign(score=score)
    assert "no width" not in " ".join(said(against_controls(varied, lesion="A", task="X", rng=0)))


def test_spared__of_too_few_networks_says_that_it_cannot_be_decided():
    trials = phantom_trials(n_specimens=4, n_stimuli=400, rng=0)
    few = "cannot be decided: 4 networks: the smallest one-sided p is .0625; use 5 or more."
    found = spared(trials, lesion="A", tasks=("X", "Y"), rng=0)
    assert all(one.endswith(few) for one in json.loads(found.attrs["reasons"]))
    assert dissociation(trials, **PAIR, rng=0).attrs["verdict"] == few
    enough = spared(phantom_trials(n_specimens=5, n_stimuli=400, rng=0), lesion="A", tasks=("X", "Y"), rng=0)
    assert "decided" not in enough.attrs["reasons"]
    assert enough.attrs["note"] == "5 networks: the smallest one-sided p is .0312."


def test_flags__name_what_they_are_about(trials):
    table = flags_in(deficits(idle(trials, "A"), rng=0).attrs)
    assert table == {NOTHING: {"lesion": ["A"]}}
