"""Lesions that cannot be computed: named at the end, the others kept, tried again by the same call."""

import json
import os
from dataclasses import dataclass, replace

import joblib
import numpy as np
import pandas as pd
import pytest
import torch

import neurolab as nl
from neurolab.campaign import status
from neurolab.errors import CampaignIncomplete, DataError, LesionNotUndone, PartialTrialsError
from neurolab.trials import finished

INPUTS = np.random.default_rng(0).standard_normal((12, 6)).astype(np.float32)
TABLE = pd.DataFrame({"stimulus_id": [f"s{k}" for k in range(12)], "condition": ["x", "y"] * 6, "label": [0, 1, 2] * 4})
TASK = nl.Task("name", nl.StimulusSet("twelve", INPUTS, TABLE), nl.scores.margin)
#: What can be wrong with an ablation; which is, by its number, the environment says: what a function refers to is part
#: of it, and a store would take another mood for another ablation.
ERRORS = {"refused": DataError("unit 3 is not there"), "mood": ValueError("mood"), "interrupt": KeyboardInterrupt,
          "undone": LesionNotUndone("another network than before")}


@dataclass(frozen=True)
class Moody(nl.Ablation):
    """Silence the units, on good days."""

    number: int = 0


def moody(how, values, selection):
    ill = dict(word.split(":") for word in os.environ["MOODS"].split())
    if str(how.number) in ill:
        raise ERRORS[ill[str(how.number)]]
    return values * 0


@pytest.fixture(autouse=True)
def moods(monkeypatch):
    """Sets what is wrong with which ablation."""
    monkeypatch.setitem(nl.specimen.ABLATIONS, Moody, moody)

    def are(words=""):
        monkeypatch.setenv("MOODS", words)

    are()
    return are


def network():
    torch.manual_seed(0)
    return nl.Specimen(torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)), INPUTS[:2],
                       name="net")


def lesions(n=8):
    return [nl.Lesion(nl.ROI(f"unit {k}", {"1": [k]}), Moody(k)) for k in range(n)]


def examined(design=None, **more):
    return nl.examine(network(), design or lesions(), [TASK], progress=False, **more)


@pytest.mark.parametrize("workers", [1, 3])
def test_poisoned_lesions__are_named_and_the_others_kept(tmp_path, workers, moods):
    whole = examined()
    moods("3:refused 5:mood")
    with joblib.parallel_config("threading"), pytest.raises(CampaignIncomplete) as raised:
        examined(store=tmp_path, n_jobs=workers)
    error = raised.value
    assert set(error.failed) == {lesion.id for lesion in lesions() if lesion.how.number in (3, 5)}
    assert "unit 3 is not there" in error.failed[lesions()[3].id]
    assert "ValueError" in error.failed[lesions()[5].id]
    assert "2 of 9 lesions of 'net'" in str(error)
    assert "the same call tries these again" in str(error)
    assert isinstance(error.__cause__, DataError)
    there = finished(error.trials)
    assert there.sizes["lesion"] == 7
    rest = [at for at in range(9) if at not in (4, 6)]
    assert np.array_equal(there["score"].values, whole["score"].values[:, rest])
    with pytest.raises(PartialTrialsError):
        nl.deficits(error.trials, rng=0)
    moods()
    assert examined(store=tmp_path).identical(whole)


@pytest.mark.parametrize("workers", [1, 2])
def test_poisoned_lesions_of_one_network__stop_no_other_of_its_cohort(tmp_path, workers, moods):
    cohort = nl.Cohort([replace(network(), name=f"net {k}") for k in range(3)])

    def run():
        return nl.examine(cohort, lesions(), [TASK], store=tmp_path, n_jobs=workers, progress=False)

    moods("3:refused 5:mood")
    with joblib.parallel_config("threading"), pytest.raises(CampaignIncomplete, match="Lesions of 3 of 3") as raised:
        run()
    failed = sorted(name.partition(":")[0] for name in raised.value.failed)
    assert failed == ["net 0", "net 0", "net 1", "net 1", "net 2", "net 2"]
    assert set(json.loads(raised.value.trials.attrs["failed"])) == set(raised.value.failed)
    scores = raised.value.trials["score"]
    assert list(scores["specimen"].values) == ["net 0", "net 1", "net 2"]
    lost = np.isnan(scores.values).all(axis=2)
    assert lost.sum(axis=1).tolist() == [2, 2, 2]
    moods()
    with joblib.parallel_config("threading"):
        assert np.isfinite(run()["score"].values).all()


def test_without_a_store__the_first_error_is_raised_as_it_is(moods):
    moods("3:refused")
    with pytest.raises(DataError, match="unit 3 is not there"):
        examined()
    with joblib.parallel_config("threading"), pytest.raises(DataError, match="unit 3 is not there"):
        examined(n_jobs=2)


def test_a_network_that_is_not_what_it_was__stops_all_and_poisons_nothing(tmp_path, moods):
    moods("3:undone")
    with pytest.raises(LesionNotUndone):
        examined(store=tmp_path)
    moods()
    assert examined(store=tmp_path).identical(examined())


def test_an_interrupt__keeps_what_is_finished_and_says_so(tmp_path, moods, caplog):
    moods("5:interrupt")
    with pytest.raises(KeyboardInterrupt) as stop:
        examined(store=tmp_path)
    done = status(tmp_path)["done"].item()
    assert stop.value.__notes__[-1] == (f"Finished lesions are kept in {tmp_path} ({done} of 9 cells): the same call "
                                        f"goes on, neurolab status {tmp_path} says how far it is.")
    with pytest.raises(KeyboardInterrupt) as stop:
        examined()
    assert stop.value.__notes__[-1] == "No lesion is kept; type store='runs/x' to go on later."
    assert done >= 5
    assert f"Stopped; {done} of 9 lesions of net are kept in {tmp_path}; the same call goes on." in caplog.messages
    moods()
    assert examined(store=tmp_path).identical(examined())


def test_long_campaigns__say_what_they_will_take(monkeypatch, caplog):
    monkeypatch.setattr("neurolab.campaign.pace.LONG", -1.0)
    nl.examine(network(), lesions(), [TASK])
    said = [record.getMessage() for record in caplog.records if record.name == "neurolab"]
    assert any("9 lesions: about" in line and "MB of scores" in line for line in said)


def test_the_time_left__is_that_of_what_is_left(monkeypatch):
    from neurolab.campaign import pace
    from neurolab.campaign.portions import Portions
    from neurolab.specimen.plan import Tile

    clock = iter(range(100))
    monkeypatch.setattr(pace.time, "perf_counter", lambda: float(next(clock)))
    tiles = [Tile((k,), "hooks") for k in range(10)]
    sizes = {"scores": 8.0, "networks": 0.0}
    with pace.Pace("net", Portions(tiles, cost=lambda tile: 2.0), 1, sizes, show=False) as shown:
        for tile in tiles[:4]:
            shown.step(tile, 2.0)
        assert shown.left == pytest.approx(6.0)  # a second each so far, six to go
        assert pace.tqdm_time(shown.left) == "00:06"


def test_weights_that_hold_nan__are_named_where_the_intact_network_cannot_be_scored():
    broken = network()
    with torch.no_grad():
        next(broken.model.parameters()).view(-1)[0] = float("nan")
    name = next(iter(dict(broken.model.named_parameters())))
    task = nl.Task("name", TASK.stimuli, nl.scores.margin)
    with pytest.raises(DataError, match="hold NaN") as raised:
        nl.examine(broken, lesions(1), [task], progress=False)
    assert raised.value.__notes__ == [f"That is 'net' without a lesion: its weights {name!r} hold NaN."]
