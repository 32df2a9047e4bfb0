"""cross_fit tests every stimulus once, never on its own choice, and refuses procedures that leak."""

import json

import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab.errors import DoubleDippingError, ProtocolError, SchemaError


def stimuli(n=12):
    table = pd.DataFrame({"stimulus_id": [f"s{i}" for i in range(n)], "condition": ["faces", "objects"] * (n // 2)})
    table["pair"] = [f"p{i // 2}" for i in range(n)]
    return nl.StimulusSet("twelve", np.arange(n, dtype=float)[:, None], table)


def trials_of(tested, *, lesions=("sham", "cut"), chance=0.5, digest="d", n_units=3):
    table = {
        "lesion_id": list(lesions),
        "roi": ["cut"] * len(lesions),
        "role": ["sham"] + ["target"] * (len(lesions) - 1),
    }
    table["n_units"] = [0] + [n_units] * (len(lesions) - 1)
    ids = list(tested.ids)
    score = np.stack([np.full(len(ids), 1.0), tested.inputs[:, 0]])[None, : len(lesions)]
    return nl.make_trials(
        score,
        specimen=["net"],
        lesions=table,
        trial={"task": ["t"] * len(ids), "stimulus_id": ids, "condition": list(tested.table["condition"])},
        tasks={"t": {"unit": "score", "bounded": False, "chance": chance}},
        kind="simulated",
        per_lesion={
            "lesion_digest": [[f"{digest}{i}" for i in range(len(lesions))]],
            "vacuous": [[False, digest == "odd"]],
            "certificate_changed": [[0.0, 0.5 if digest == "odd" else 1.0]],
        },
    )


@pytest.mark.parametrize("n_folds", [2, 3])
@pytest.mark.parametrize("group", [None, "pair"])
def test_cross_fit__tests_every_stimulus_once_by_a_choice_without_it(n_folds, group):
    chosen, every = [], stimuli()

    def procedure(choose, test):
        assert not set(choose.ids) & set(test.ids)
        assert set(choose.ids) | set(test.ids) == set(every.ids)
        chosen.append(set(choose.table["pair"]) & set(test.table["pair"]))
        return trials_of(test)

    joined = nl.cross_fit(procedure, every, n_folds=n_folds, by="condition", group=group, rng=0)
    assert sorted(joined["stimulus_id"].values) == sorted(every.ids)
    assert len(chosen) == n_folds == len(np.unique(joined["fold"]))
    assert (not any(chosen)) or group is None
    place = [every.ids.index(identity) for identity in joined["stimulus_id"].values]
    np.testing.assert_array_equal(joined["score"].values[0, 1], every.inputs[place, 0])
    assert joined.attrs["folds"] == n_folds


def test_cross_fit__same_rng_same_trials():
    first, second = (nl.cross_fit(lambda choose, test: trials_of(test), stimuli(), rng=4) for _ in range(2))
    assert first.identical(second)
    other = nl.cross_fit(lambda choose, test: trials_of(test), stimuli(), rng=5)
    assert list(first["stimulus_id"].values) != list(other["stimulus_id"].values)


def test_cross_fit__joins_what_differs_between_folds():
    seen = iter(["even", "odd"])

    def procedure(choose, test):
        name = next(seen)
        return trials_of(test, digest=name, chance=0.2 if name == "even" else 0.4, n_units=3 if name == "even" else 5)

    joined = nl.cross_fit(procedure, stimuli(), rng=0)
    assert joined["vacuous"].values.tolist() == [[False, True]]
    np.testing.assert_allclose(joined["certificate_changed"].values[0], [0.0, 0.75])
    assert joined["n_units"].values.tolist() == [0, 4]
    assert not {"even0", "odd0"} & set(joined["lesion_digest"].values.ravel())
    assert json.loads(joined.attrs["tasks"])["t"]["chance"] == pytest.approx(0.3)
    assert nl.concat([joined]).sizes["trial"] == 12


@pytest.mark.parametrize(
    "procedure, error, advice",
    [
        (lambda choose, test: trials_of(choose), DoubleDippingError, "second argument"),
        (
            lambda choose, test: trials_of(stimuli(40).take(np.arange(20, 40))),
            ProtocolError,
            "not of this stimulus set",
        ),
        (lambda choose, test: trials_of(test, lesions=("sham", f"cut {test.ids[0]}")), SchemaError, "Name lesions"),
    ],
)
def test_cross_fit__refuses_what_leaks_or_changes(procedure, error, advice):
    with pytest.raises(error, match=advice):
        nl.cross_fit(procedure, stimuli(), rng=0)
