"""Large scores stay in the store: nobody can tell the trials from those in memory, and never are all scores held."""

import copy
import pathlib
import pickle
import shutil
import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

import neurolab as nl
from neurolab.campaign import Cell, Store, disk, finished, unread
from neurolab.campaign.journal import Commit
from neurolab.campaign.outline import outlined
from neurolab.campaign.pieces import Pieces
from neurolab.errors import FileFormatError, UnfinishedError
from neurolab.schema import check_trials
from neurolab.simulate import phantom_trials
from neurolab.specimen import keep
from neurolab.specimen.phantoms import naming_tasks, phantom_stimuli, separate_modules
from neurolab.storage import count_chunks, with_checksums

DESIGN, IDENTITY = "0a1b", {"specimen": "phantom-0"}
TRIALS = phantom_trials(n_specimens=1, rng=0)
SCORES = TRIALS["score"].values[0]


def begin(folder):
    opened = Store.open(folder, IDENTITY)
    keys = [opened.key(str(name)) for name in TRIALS["lesion_id"].values]
    opened.outline(DESIGN, TRIALS, keys)
    return opened, keys


def finalised(folder):
    """The trials of a campaign whose cells lie in two shards, in another order than the design's."""
    opened, keys = begin(folder)
    with opened:
        for places in ([3, 0], [2, 1]):
            opened.put({keys[at]: Cell(SCORES[at], {"fired": at, "path": "slice"}) for at in places})
        return opened.finalise(DESIGN)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def place_of(folder):
    return pathlib.Path(folder) / "phantom-0" / "designs" / DESIGN / "trials.zarr"


@pytest.fixture
def _large(monkeypatch):
    monkeypatch.setattr(unread, "LARGE", 0)
    monkeypatch.setattr(finished, "CHUNK", 2 * 8 * SCORES.shape[1])  # two lesions at a time


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the trials of the campaign lie whose scores are held in memory."""
    return tmp_path_factory.mktemp("small")


@pytest.fixture(scope="module")
def small(place):
    """The trials of that campaign."""
    trials = finalised(place)
    assert trials["score"].variable._in_memory
    return trials


@pytest.mark.usefixtures("_large")
def test_large_scores__are_read_when_they_are_asked_for_and_are_the_same(tmp_path, small):
    trials = finalised(tmp_path / "large")
    assert not trials["score"].variable._in_memory
    assert trials.sel(lesion=[2, 0]).identical(small.sel(lesion=[2, 0]))
    assert trials["score"][0, 1, ::3].identical(small["score"][0, 1, ::3])
    assert not trials["score"].variable._in_memory  # a part was read
    sent = pickle.loads(pickle.dumps(trials)), copy.deepcopy(trials), copy.copy(trials)
    assert all(one.identical(small) for one in (*sent, trials))
    assert list(trials.variables) == list(small.variables)
    assert trials["score"].variable._in_memory  # read once, kept
    assert trials["score"].dtype == np.float64
    assert trials["score"].encoding == small["score"].encoding
    assert check_trials(trials) is trials


@pytest.mark.usefixtures("_large")
def test_large_scores__one_lesion_after_another_is_read_with_its_neighbours(tmp_path, small, monkeypatch):
    trials, opened = finalised(tmp_path), []
    reads = unread._Scores._sealed
    monkeypatch.setattr(unread._Scores, "_sealed", lambda self, some: opened.append(some) or reads(self, some))
    for lesion in (0, 1, 3, -1, 2, np.int64(3)):
        assert trials["score"][0, lesion].identical(small["score"][0, lesion])
        assert trials["score"][0, lesion, 7].item() == small["score"][0, lesion, 7].item()
        trials["score"][0, lesion].values[:] = 0  # what is handed out is the reader's own
    assert opened == [slice(0, 2), slice(2, 4)]
    assert not trials["score"].variable._in_memory
    shutil.rmtree(place_of(tmp_path))
    with pytest.raises(FileFormatError, match="cannot be read there any more"):  # another process has no neighbours
        pickle.loads(pickle.dumps(trials))["score"][0, 2].mean()


@pytest.mark.usefixtures("_large")
def test_large_scores__are_never_all_in_memory_while_they_are_written(tmp_path, monkeypatch):
    asked, read, written = [], Pieces.read, []

    def counted(self, span):
        written.append(len(list(tmp_path.glob("*/designs/*/.trials*/score/c/0/*/0"))))
        asked.append(read(self, span))
        return asked[-1]

    monkeypatch.setattr(Pieces, "read", counted)
    finalised(tmp_path)
    assert written == [0, 1]
    assert [one.shape for one in asked] == [(2, SCORES.shape[1])] * 2
    finalised(tmp_path)
    assert len(asked) == 4  # equal ones are compared, two lesions at a time, and left


def test_pieces__are_written_as_xarray_writes_the_whole(tmp_path, place, small):
    target, step = tmp_path / "whole.zarr", SCORES.shape
    encoding = with_checksums(small)
    encoding["score"] = {**encoding["score"], "chunks": (1, *step)}
    small.to_zarr(target, zarr_format=3, consolidated=False, encoding=encoding)
    count_chunks(target)
    assert files(place_of(place)) == files(target)


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("change", [
    lambda trials: trials.assign(score=trials["score"] + 1), lambda trials: trials.assign(fired=trials["fired"] + 1),
    lambda trials: trials.assign_attrs(rng="7"), lambda trials: trials.isel(trial=slice(1, None)),
    lambda trials: trials.assign(score=trials["score"].assign_attrs(unit="s")),
    lambda trials: trials.assign(score=trials["score"].astype(np.float32)),
])  # fmt: skip
def test_other_trials_in_the_place__are_written_anew(tmp_path, small, change):
    finalised(tmp_path / "large")
    target = place_of(tmp_path / "large")
    whole = files(target)
    shutil.rmtree(target)
    change(small).to_zarr(target, zarr_format=3, consolidated=False)
    assert finalised(tmp_path / "large").identical(small)
    assert files(target) == whole


@pytest.mark.usefixtures("_large")
def test_trials_given_out__outlive_a_resume_and_are_never_written_to(tmp_path, small):
    first = finalised(tmp_path / "large")
    before = files(place_of(tmp_path / "large"))
    assert finalised(tmp_path / "large").identical(small)
    first["score"][0, 0, 0] = 7.0
    assert first["score"].values[0, 0, 0] == 7.0
    assert files(place_of(tmp_path / "large")) == before


@pytest.mark.usefixtures("_large")
def test_store_that_is_gone__is_said_with_what_to_type(tmp_path, small):
    here, late = finalised(tmp_path / "large").load(), finalised(tmp_path / "large")
    shutil.rmtree(tmp_path / "large")
    assert here.identical(small)
    with pytest.raises(FileFormatError, match=r"trials\.load\(\)"):
        check_trials(late)


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("what", ["gone", "cut", "another", "shape"])
def test_scores_that_are_not_those_given_out__are_refused(tmp_path, small, what):
    given = finalised(tmp_path)
    place = place_of(tmp_path) / "score"
    piece = place / "c" / "0" / "1" / "0"  # of the last two lesions
    if what == "gone":
        piece.unlink()
    elif what == "cut":
        piece.write_bytes(piece.read_bytes()[:-3])
    elif what == "another":
        zarr.open_array(place, mode="r+")[0, 3, 1] += 1e-12
    else:
        other = small["score"].values[:, :, :-1]
        shutil.rmtree(place)
        zarr.create_array(place, data=other, chunks=(1, 2, other.shape[2]))
    with pytest.raises(FileFormatError, match=r"damaged.*trials\.load\(\)"):
        given["score"][0, 3].mean()
    if what != "shape":
        assert given["score"][0, 1].identical(small["score"][0, 1])
    assert finalised(tmp_path).identical(small)  # written anew
    assert given.identical(small)


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize("what", ["altered", "gone"])
def test_shards_that_change_while_they_are_used__give_no_trials(tmp_path, monkeypatch, what):
    keep = Pieces.keep

    def meanwhile(self, places, block):
        keep(self, places, block)
        shard = self.folder / block.shard
        shard.unlink() if what == "gone" else np.save(shard, np.load(shard) + 1e-12)

    with monkeypatch.context() as patch:
        patch.setattr(Pieces, "keep", meanwhile)
        with pytest.raises(UnfinishedError, match="compute their cells anew"):
            finalised(tmp_path)
    assert not place_of(tmp_path).exists()


def test_override__is_said_of_the_trials_that_it_made(tmp_path):
    net, tasks = separate_modules(rng=0)[0], naming_tasks(phantom_stimuli(rng=1))
    design = [nl.Lesion(nl.ROI("some", {"relu": [0, 1]}), nl.Zero())]
    seen = [nl.Lesion(replace(design[0].roi, chosen_on=frozenset(tasks[0].stimuli.origins)), nl.Zero())]
    said = [nl.examine(net, some, tasks, store=tmp_path, progress=False, allow_double_dipping=some is seen)
            for some in (design, seen, design)]
    assert [one.attrs["override"] for one in said] == ["", "double dipping allowed", ""]
    assert said[1]["score"].identical(said[0]["score"])


@pytest.mark.usefixtures("_large")
def test_examine__gives_the_same_with_a_store_and_every_verb_takes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(keep, "MOST", 0)  # every tile is a commit of its own
    monkeypatch.setattr(keep, "COMMIT", 1e9)
    net, _, _ = separate_modules(rng=0)
    tasks = naming_tasks(phantom_stimuli(rng=1))
    width = net.sites()["relu"].shape[0]
    design = [nl.Lesion(nl.ROI(f"unit {unit}", {"relu": [unit]}), nl.Zero()) for unit in range(width)]
    plain = nl.examine(net, design, tasks, progress=False)
    stored = nl.examine(net, design, tasks, progress=False, store=tmp_path)
    assert not stored["score"].variable._in_memory
    assert len(list(tmp_path.glob("*/shards/*.npy"))) > 1
    assert nl.deficits(stored, rng=0).identical(nl.deficits(plain, rng=0))
    assert stored.identical(plain)
    again = nl.examine(net, design, tasks, progress=False, store=tmp_path)
    assert nl.load(nl.save(again, tmp_path / "again.nc")).identical(plain)


def test_outline__is_written_as_if_it_were_one_text_and_its_texts_are_kept_once(tmp_path, small):
    opened, keys = begin(tmp_path)
    with opened:
        path = opened.design_folder(DESIGN) / "outline.json"
        assert path.read_bytes() == disk.sealed(outlined(TRIALS, keys))
    for name in ("role", "path"):
        texts = small[name].values.ravel()
        assert len({id(text) for text in texts}) == len(set(texts))


def forged(line):
    commit = Commit.read(line)
    cells = {key: {"fired": 8} for key in commit.cells}
    return replace(commit, sha256=commit.sha256[::-1], cells=cells).line()


@pytest.mark.parametrize("damage", [lambda line: line.replace(b'"fired": 7', b'"fired": 8'), forged])
def test_facts__are_read_from_the_journal_again_and_missed_where_it_is_gone(tmp_path, damage):
    opened, keys = begin(tmp_path)
    with opened:
        opened.put({keys[0]: Cell(SCORES[0], {"fired": 7})})
        assert opened.get(keys[:1])[1] == [{"fired": 7}]
        journal = next((opened.folder / "journal").glob("*.jsonl"))
        journal.write_bytes(damage(journal.read_bytes()))
        with pytest.raises(UnfinishedError, match="damaged while it was used"):
            opened.get(keys[:1])


def test_digests_of_lesions__take_no_dict_for_each():
    n = 2000
    design = [nl.Lesion(nl.ROI(f"set {at}", {"relu": [at]}), nl.Zero()) for at in range(n)]
    tracemalloc.start()
    try:
        assert all(lesion.digest and lesion.n_units and lesion.label for lesion in design)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken / n < 200  # two digests of 65 bytes; a dict takes 100 and more, three times over
    assert len({id(lesion.how.digest) for lesion in design}) == 1


def test_check__makes_no_mask_of_scores_that_are_all_there():
    trials = TRIALS.isel(trial=np.tile(np.arange(TRIALS.sizes["trial"]), 1000))
    tracemalloc.start()
    try:
        check_trials(trials)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < trials["score"].size / 4  # a mask takes a byte for each


def test_journal_whose_lines_were_exchanged_meanwhile__is_damage_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr("neurolab.campaign.store.time", SimpleNamespace(monotonic=lambda: 1.0, time=lambda: 2.0))
    opened, keys = begin(tmp_path)
    with opened:
        for key in keys[:2]:
            opened.put({key: Cell(SCORES[0], {"fired": 1})})  # equal scores: either line fits either shard
        journal = tmp_path / "phantom-0" / "journal" / "all.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        assert len({len(line) for line in lines}) == 1
        journal.write_bytes(lines[1] + lines[0])
        with pytest.raises(UnfinishedError, match="damaged while it was used"):
            opened.get(keys[:2])


def test_remembered__leaves_a_property_of_a_subclass_in_its_place():
    class Marked(nl.Lesion):
        @property
        def digest(self):
            return super().digest + "x"

    plain, marked = (kind(nl.ROI("some", {"relu": [0]}), nl.Zero()) for kind in (nl.Lesion, Marked))
    assert marked.digest == plain.digest + "x"
