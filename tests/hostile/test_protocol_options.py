"""A protocol's further arguments are options; parts of a campaign end well; partial trials answer no question."""

import json
import pathlib

import numpy as np
import pytest

import neurolab as nl
from neurolab.campaign.shards import Shard
from neurolab.cli import main as neurolab
from neurolab.errors import DataError, PartialTrialsError, ProtocolError, SchemaError, WordsError
from neurolab.protocol.options import options_of
from neurolab.schema import check_trials
from neurolab.simulate import phantom_trials
from neurolab.trials import finished, make_trials

TRIALS = phantom_trials(n_specimens=4, n_controls=5, spread=0.03, rng=0)
PART = TRIALS.assign(score=TRIALS["score"].where(TRIALS["role"] != "control")).assign_attrs(partial="shard 1/3")


def protocol(*, rng=0, quick=False, store=None, n_jobs=1, shard=None, n_controls=None, level: float | None = None,
             plain=None, bounded=True, networks=()):
    """Is it so?"""
    yield "answer", {"store": str(store), "n_jobs": n_jobs, "n_controls": n_controls, "level": level}
    if shard:
        yield "trials", PART


def asked(*words):
    return options_of(protocol, "mine", "Is it so?", words)


def test_options__each_argument_has_its_type():
    options = asked("--n-jobs", "2", "--n-controls", "999", "--level", ".5", "--plain", "7", "--no-bounded",
                    "--rng", "4", "--store", "kept", "--shard", "1/3")
    assert options.rng == 4
    assert options.shard == Shard(1, 3)
    found = {name: (type(value).__name__, str(value)) for name, value in options.further.items()}
    assert found == {
        "store": (type(pathlib.Path()).__name__, "kept"), "n_jobs": ("int", "2"), "shard": ("str", "1/3"),
        "n_controls": ("int", "999"), "level": ("float", "0.5"), "plain": ("str", "7"), "bounded": ("bool", "False"),
    }  # networks cannot be typed and keeps its default
    assert str(options.out).endswith("mine-shard-1-of-3")


def test_options__defaults_are_those_of_main():
    assert asked().further == {"store": None, "n_jobs": 1, "shard": None, "n_controls": None, "level": None,
                               "plain": None, "bounded": True}
    assert asked().out.name == "mine"


@pytest.mark.parametrize("words, said", [
    (["--n-contrls", "9"], "Did you mean '--n-controls'"),
    (["--n-jobs", "two"], "invalid int value"),
    (["--networks", "3"], "It takes '--help', '--rng', '--quick', '--out', '--store', '--n-jobs'"),
    (["--q"], "--quick"),
    (["--shard", "1/3"], "--store DIR --shard 1/3"),
])
def test_words__that_are_not_taken_are_named(words, said):
    with pytest.raises(WordsError) as error:
        asked(*words)
    assert said in str(error.value)


@pytest.mark.parametrize("given", ["", "0/3", "4/3", "1/0", "1", "a/b", "-1/3", 3, "1/3/5", "1.0/3"])
def test_shards__that_are_none_are_refused(given):
    with pytest.raises(DataError, match="shard was"):
        Shard.of(given)


def test_shards__hold_every_piece_once_in_order_and_about_the_same_work():
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 7):
        for size in (0, 1, 5, 200):
            costs = rng.gamma(0.5, size=size)
            parts = [Shard(k, n).places(costs) for k in range(1, n + 1)]
            assert [at for part in parts for at in part] == list(range(size))
            if size == 200:
                work = [costs[list(part)].sum() for part in parts]
                assert max(work) - min(work) <= 2 * costs.max()
    assert [len(Shard(k, 3).places([0, 0, 0])) for k in (1, 2, 3)] == [1, 1, 1]


def test_main__with_an_argument_that_has_no_default_or_a_taken_name_is_refused():
    def wanting(*, rng=0, quick=False, depth): ...
    def taken(*, rng=0, quick=False, out=None): ...
    with pytest.raises(ProtocolError, match="depth=None"):
        options_of(wanting, "mine", "", [])
    with pytest.raises(ProtocolError, match="another name"):
        options_of(taken, "mine", "", [])


def test_main__that_takes_anything_is_given_what_it_names():
    def anything(*, n_jobs=3, **others):
        return {"answer": {"n_jobs": n_jobs, **others}}

    assert options_of(anything, "mine", "", []).further == {"n_jobs": 3}


def test_run__hands_the_options_over_and_notes_them(tmp_path):
    out = nl.run_script(protocol, argv=["--n-controls", "19", "--out", str(tmp_path / "out")])
    assert json.loads((out / "results" / "answer.json").read_text())["n_controls"] == 19
    said = json.loads((out / "manifest.json").read_text())
    assert said["options"]["n_controls"] == 19
    assert said["options"]["n_jobs"] == 1


def test_shard__ends_well_with_what_to_type_next(tmp_path, capsys):
    words = ["--store", str(tmp_path / "kept"), "--shard", "1/3", "--out", str(tmp_path / "out")]
    out = nl.run_script(protocol, argv=words)
    said = capsys.readouterr().out
    assert "shard 1/3 is done" in said
    assert "neurolab merge" in said
    assert "--shard" not in said.split("type: ")[1]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "shard 1/3 is done"
    assert set(manifest["findings"]) == {"answer"}


def test_partial_trials__without_a_shard_are_a_failure(tmp_path):
    def stopped(*, rng=0, quick=False):
        return {"deficits": nl.deficits(PART, rng=rng)}

    with pytest.raises(PartialTrialsError, match="shard 1/3"):
        nl.run_script(stopped, argv=["--out", str(tmp_path / "out")])


VERBS = {
    "deficits": lambda trials: nl.deficits(trials, rng=0),
    "controls": lambda trials: nl.against_controls(trials, lesion="A", task="X", rng=0),
    "dissociation": lambda trials: nl.dissociation(trials, lesions=("A", "B"), tasks=("X", "Y"), rng=0),
    "frame": nl.trials.to_frame,
}


@pytest.mark.parametrize("verb", VERBS)
def test_partial_trials__answer_no_question(verb):
    with pytest.raises(PartialTrialsError, match="shard 1/3"):
        VERBS[verb](PART)


def test_partial_trials__join_and_give_what_is_there_in_every_network():
    halves = [PART.isel(specimen=[0, 1]), PART.isel(specimen=[2, 3])]
    joined = nl.concat(halves)
    assert joined.attrs["partial"] == "shard 1/3"
    there = finished(joined)
    assert "partial" not in there.attrs
    assert set(there["role"].values) == {"sham", "target"}
    assert nl.deficits(there, rng=0).sizes["lesion"] == 2
    assert "partial" not in nl.concat([TRIALS.isel(specimen=[0]), TRIALS.isel(specimen=[1])]).attrs
    with pytest.raises(PartialTrialsError, match="No lesion"):
        finished(PART.assign(score=PART["score"] * np.nan))


def test_partial_trials__half_a_lesion_is_an_error():
    holes = PART["score"].copy()
    holes[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="1 of"):
        check_trials(PART.assign(score=holes), partial=True)
    with pytest.raises(SchemaError):
        make_trials([[[1.0]]], specimen=["net"], lesions={"lesion_id": ["a", "b"], "roi": ["a", "b"]}, kind="ann",
                    trial={"task": ["t"], "stimulus_id": ["s"], "condition": ["c"]}, tasks={"t": {}})


SCRIPT = '''\
"""Is two more than one?"""
import neurolab as nl

def main(*, rng=0, quick=False, n_controls=9):
    yield "answer", n_controls

if __name__ == "__main__":
    nl.run_script(main)
'''


def test_neurolab_run__hands_further_words_to_the_protocol(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(SCRIPT)
    name, out = str(tmp_path / "mine.py"), tmp_path / "out"
    assert neurolab(["run", name, "--n-controls", "7", "--out", str(out)]) == 0
    assert json.loads((out / "results" / "answer.json").read_text()) == 7
    assert json.loads((out / "manifest.json").read_text())["command"][:3] == ["neurolab", "run", name]
    assert neurolab(["run", name, "--n-control", "7", "--out", str(out)]) == 2
    assert "Did you mean '--n-controls'" in capsys.readouterr().err
    assert neurolab(["run", "--n-controls", "7", name]) == 1
    assert "the name comes first" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        neurolab(["run", name, "--help"])
    assert ended.value.code == 0
    assert "--n-controls" in capsys.readouterr().out


def test_other_commands__take_no_further_words(capsys):
    with pytest.raises(SystemExit) as ended:
        neurolab(["list", "--n-controls", "7"])
    assert ended.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err
