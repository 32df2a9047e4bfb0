"""A store under attack: damaged files, two processes, full disks, read-only folders, names that are paths."""

import errno
import hashlib
import io
import json
import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import neurolab
from neurolab import campaign, lock, writing
from neurolab.campaign import Cell, Store, disk
from neurolab.campaign.identity import differences
from neurolab.campaign.journal import Commit
from neurolab.cli import main
from neurolab.errors import (
    CampaignMismatchError,
    CampaignWarning,
    DataError,
    FileFormatError,
    StoreBusyError,
    StoreWriteError,
    UnfinishedError,
)
from neurolab.trials import make_trials

N, T, DESIGN = 4, 3, "0a1b"
IDENTITY = {"specimen": "net", "weights": "ab", "stimuli": {"faces": "cd"}, "versions": {"torch": "2.13"}}
SCORES = np.arange(N * T, dtype=float).reshape(N, T)
ENV = {**os.environ, "PYTHONPATH": str(pathlib.Path(neurolab.__file__).parents[1])}


def skeleton(specimen="net", n_trials=T):
    stimuli = [f"stimulus {k}" for k in range(n_trials)]
    return make_trials(
        np.zeros((1, N, n_trials)),
        specimen=[specimen],
        lesions={"lesion_id": list("abcd"), "roi": list("abcd"), "role": ["sham"] + ["target"] * (N - 1)},
        trial={"task": ["t"] * n_trials, "stimulus_id": stimuli, "condition": ["c"] * n_trials},
        tasks={"t": {"unit": "score", "bounded": False, "chance": 0.0}},
        kind="ann",
    )


def begin(folder, *, identity=IDENTITY, writer="all", recipe="slice"):
    opened = Store.open(folder, identity, writer=writer)
    keys = [opened.key(f"digest {k}", recipe) for k in range(N)]
    opened.plan(DESIGN, lambda: {"path": recipe})
    opened.outline(DESIGN, skeleton(identity["specimen"]), keys)
    return opened, keys


def fill(folder, ks=range(N), **options):
    """One commit per cell."""
    opened, keys = begin(folder, **options)
    with opened:
        for k in ks:
            opened.put({keys[k]: Cell(SCORES[k], {"fired": k})})
    return keys


def done_after(folder, match=None):
    """What is done when the store is opened again, with the warning that says what is not."""
    if match is None:
        with Store.open(folder, IDENTITY) as opened:
            return opened.done()
    with pytest.warns(CampaignWarning, match=match), Store.open(folder, IDENTITY) as opened:
        return opened.done()


def tree(folder):
    paths = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# -- damaged files ---------------------------------------------------------------------------------------------------


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("damage", [flip, cut, pathlib.Path.unlink, lambda path: path.write_bytes(b"")])
def test_damaged_shard__costs_its_own_cells_and_nothing_else(tmp_path, damage):
    keys = fill(tmp_path)
    damage(tmp_path / "net" / "shards" / "all-000002.npy")
    assert done_after(tmp_path, "all-000002.npy is missing or damaged; its 1 cells") == {*keys} - {keys[1]}
    with pytest.warns(CampaignWarning):
        opened = Store.open(tmp_path, IDENTITY)
    with opened:
        with pytest.raises(UnfinishedError, match="1 of the 4 cells"):
            opened.trials(DESIGN)
        opened.put({keys[1]: Cell(SCORES[1], {"fired": 1})})
        assert np.array_equal(opened.trials(DESIGN)["score"][0], SCORES)
    assert np.array_equal(campaign.partial(tmp_path)["score"][0], SCORES)  # mended, and nothing to warn of any more


def test_shard__damaged_while_it_is_used_is_found(tmp_path):
    keys = fill(tmp_path)
    with Store.open(tmp_path, IDENTITY) as opened:
        flip(tmp_path / "net" / "shards" / "all-000003.npy")
        with pytest.raises(UnfinishedError, match=r"all-000003\.npy .* was damaged while it was used"):
            opened.get(keys)
        with pytest.warns(CampaignWarning):
            assert opened.done() == {*keys} - {keys[2]}


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def resealed(folder, shard, content, line):
    """Put a file in the place of a shard, with a journal that vouches for it."""
    (folder / "net" / "shards" / shard).write_bytes(content)
    path = folder / "net" / "journal" / "all.jsonl"
    lines = path.read_bytes().splitlines(True)
    told = disk.unsealed(lines[line])
    lines[line] = disk.sealed({**told, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)})
    path.write_bytes(b"".join(lines))


def test_pickle_as_shard__is_never_opened_even_with_a_matching_seal(tmp_path):
    keys = fill(tmp_path)
    bomb = np.array([Bomb(tmp_path / "exploded")], dtype=object)
    packed = io.BytesIO()
    np.save(packed, bomb, allow_pickle=True)
    for content in (pickle.dumps(bomb[0]), packed.getvalue()):
        resealed(tmp_path, "all-000001.npy", content, 0)
        assert done_after(tmp_path, "all-000001") == {*keys[1:]}
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("array", [np.zeros((2, T)), np.zeros(T), np.zeros((1, T), dtype="f4")], ids=str)
def test_shard__of_another_shape_or_type_is_not_believed(tmp_path, array):
    keys = fill(tmp_path)
    packed = io.BytesIO()
    np.save(packed, array)
    resealed(tmp_path, "all-000001.npy", packed.getvalue(), 0)
    assert done_after(tmp_path, "all-000001") == {*keys[1:]}


def test_torn_journal__loses_the_torn_line_alone(tmp_path):
    keys = fill(tmp_path)
    path = tmp_path / "net" / "journal" / "all.jsonl"
    whole = path.read_bytes()
    before = len(b"".join(whole.splitlines(True)[:-1]))
    for length in (before, before + 1, before + 70, len(whole) - 1):
        path.write_bytes(whole[:length])
        with Store.open(tmp_path, IDENTITY) as opened:
            assert opened.done() == {*keys[:-1]}
            assert path.stat().st_size == before
            opened.put({keys[-1]: Cell(SCORES[-1], {"fired": 3})})
            assert np.array_equal(opened.trials(DESIGN)["score"][0], SCORES)


def test_damaged_line__in_the_middle_is_skipped(tmp_path):
    keys = fill(tmp_path)
    path = tmp_path / "net" / "journal" / "all.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"fired": 1}', b'"fired": 9}'))
    assert done_after(tmp_path, "all.jsonl holds a damaged line") == {*keys} - {keys[1]}
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join([lines[0], b"\xff\x00\n", b"[1]\n", disk.sealed([1]), disk.sealed({"a": 1}), *lines[2:]]))
    assert done_after(tmp_path, "all.jsonl holds a damaged line") == {*keys} - {keys[1]}


def test_line__that_points_out_of_the_store_or_to_another_campaign_is_ignored(tmp_path):
    keys = fill(tmp_path, [0])
    packed = io.BytesIO()
    np.save(packed, SCORES[1:2])
    (tmp_path / "elsewhere.npy").write_bytes(packed.getvalue())
    path = tmp_path / "net" / "journal" / "all.jsonl"
    told = disk.unsealed(path.read_bytes())
    told |= {"cells": {keys[1]: {}}, "sha256": hashlib.sha256(packed.getvalue()).hexdigest()}
    with path.open("ab") as journal:
        journal.write(disk.sealed({**told, "shard": "../../elsewhere.npy"}))
    assert done_after(tmp_path, "damaged line") == {keys[0]}
    (tmp_path / "net" / "shards" / "all-000009.npy").write_bytes(packed.getvalue())
    with path.open("ab") as journal:
        journal.write(disk.sealed({**told, "shard": "all-000009.npy", "campaign": "of somebody else"}))
    with pytest.warns(CampaignWarning, match="damaged"):
        assert done_after(tmp_path, "cells of another campaign") == {keys[0]}
    assert Commit.read(b"") is None


def test_truncated_identity__is_mended_where_the_cells_say_whose_they_are(tmp_path):
    keys = fill(tmp_path)
    path = tmp_path / "net" / "identity.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    with pytest.raises(FileFormatError, match=r"was cut or altered\. Examine again with the same store="):
        campaign.status(tmp_path)
    with pytest.raises(CampaignMismatchError, match="of another campaign"):
        Store.open(tmp_path, {**IDENTITY, "weights": "other"})
    assert done_after(tmp_path) == {*keys}
    assert path.read_bytes() == whole


def test_truncated_plan__is_made_anew_and_an_outline_too(tmp_path):
    fill(tmp_path)
    for name in ("plan.json", "outline.json"):
        path = tmp_path / "net" / "designs" / DESIGN / name
        whole = path.read_bytes()
        cut(path)
        with pytest.warns(CampaignWarning, match=f"{name} was cut or altered; it is made anew"):
            begin(tmp_path)[0].close()
        assert path.read_bytes() == whole
    cut(path)
    with pytest.raises(FileFormatError, match=r"outline\.json was cut or altered"):
        campaign.partial(tmp_path)


def test_damaged_trials__are_written_anew(tmp_path):
    fill(tmp_path)
    with Store.open(tmp_path, IDENTITY) as opened:
        trials = opened.finalise(DESIGN)
        place = tmp_path / "net" / "designs" / DESIGN / "trials.zarr"
        (place / "score" / "zarr.json").unlink()
        opened.finalise(DESIGN)
        assert neurolab.storage.load(place).identical(trials)


# -- another campaign ------------------------------------------------------------------------------------------------


def test_other_identity__is_refused_with_a_list(tmp_path):
    fill(tmp_path)
    before = tree(tmp_path)
    other = {**IDENTITY, "weights": "zz", "versions": {"torch": "2.14"}, "batch_size": 8}
    with pytest.raises(CampaignMismatchError) as caught:
        Store.open(tmp_path, other)
    said = str(caught.value)
    assert "  weights: here 'zz', in the store 'ab'\n" in said
    assert "  versions.torch: here '2.14', in the store '2.13'\n" in said
    assert "  batch_size: here 8, in the store nothing\n" in said
    assert "stimuli" not in said
    assert "Type another store=" in said
    assert tree(tmp_path) == before
    assert not list(differences({"rung": [float("nan")]}, {"rung": [float("nan")]}))


def test_merge__refuses_other_campaigns_and_other_plans(tmp_path):
    fill(tmp_path / "one", [0, 1])
    fill(tmp_path / "other", [2, 3], identity={**IDENTITY, "weights": "zz"})
    with pytest.raises(CampaignMismatchError, match="weights: 'zz' against 'ab'"):
        campaign.merge([tmp_path / "one", tmp_path / "other"], tmp_path / "whole")
    assert not (tmp_path / "whole").exists()
    fill(tmp_path / "planned", [2, 3], recipe="hooks")
    with pytest.raises(CampaignMismatchError, match=r"4 lesions differ[^$]*path: 'hooks' against 'slice'"):
        campaign.merge([tmp_path / "one", tmp_path / "planned"], tmp_path / "whole")
    campaign.merge([tmp_path / "one"], tmp_path / "whole")
    for wrong, said in (("other", "weights: here"), ("planned", "4 lesions differ")):
        with pytest.raises(CampaignMismatchError, match=said):
            campaign.merge([tmp_path / wrong], tmp_path / "whole")
    with pytest.raises(DataError, match="no stores"):
        campaign.merge([], tmp_path / "whole")
    with pytest.raises(FileFormatError, match="holds no store"):
        campaign.merge([tmp_path / "nowhere"], tmp_path / "whole")
    assert campaign.status(tmp_path / "whole")["done"].item() == 2


def test_merge__carries_what_failed_and_takes_what_was_mended(tmp_path):
    opened, keys = begin(tmp_path / "one")
    with opened:
        opened.poison({keys[0]: "ValueError: no", keys[1]: "ValueError: no"})
    fill(tmp_path / "two", [1, 2, 3])
    table = campaign.merge([tmp_path / "one", tmp_path / "two"], tmp_path / "whole")
    assert table[["done", "failed", "finished"]].values.tolist() == [[3, 1, False]]
    assert list(table["reasons"].item().values()) == ["ValueError: no"]
    fill(tmp_path / "one", [0])
    assert campaign.merge([tmp_path / "one"], tmp_path / "whole")["finished"].all()
    assert campaign.merge([tmp_path / "whole"], tmp_path / "whole")["finished"].all()


def test_merge__into_one_of_the_stores_makes_it_whole_or_writes_nothing(tmp_path, capsys):
    fill(tmp_path / "one", [0, 1], writer="1/2")
    fill(tmp_path / "two", [2, 3], writer="2/2")
    fill(tmp_path / "planned", [2, 3], recipe="hooks")
    one = str(tmp_path / "one")
    with pytest.raises(CampaignMismatchError, match="4 lesions differ"):
        campaign.merge([one, tmp_path / "planned"], one)
    assert not list((tmp_path / "one").glob("*/journal/merge*"))
    assert main(["merge", one, str(tmp_path / "two"), "--into", one]) == 0
    assert "one is one of the stores: the cells of the others go into it" in capsys.readouterr().err
    assert campaign.status(one)["finished"].all()
    assert campaign.status(tmp_path / "two")["done"].item() == 2


def test_status__says_what_failed_and_how_what_is_there_is_read(tmp_path, capsys):
    opened, keys = begin(tmp_path / "one")
    with opened:
        opened.poison({keys[0]: "ValueError: no\nsecond line", keys[1]: "MemoryError: much"})
    fill(tmp_path / "one", [2])
    assert main(["status", str(tmp_path / "one")]) == 0
    said = capsys.readouterr().out
    assert re.search(r"failed: .* of net: ValueError: no\n", said)
    assert said.splitlines()[-1].endswith(f'neurolab.trials.finished(nl.campaign.partial("{tmp_path / "one"}"))')
    assert "poison" not in said
    fill(tmp_path / "one", [0, 1, 3])
    campaign.merge([tmp_path / "one"], tmp_path / "one")
    assert main(["status", str(tmp_path / "one")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4 of 4 cells; 1 of 1 network finished"


# -- two processes ---------------------------------------------------------------------------------------------------

HOLD = """
import sys
from neurolab.campaign import Store
opened = Store.open(sys.argv[1], {identity}, writer="all")
opened.put({{"other": ([1.0, 2.0, 3.0], {{}})}})
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    script = HOLD.format(identity=IDENTITY)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV
    ) as process:
        assert process.stdout.readline() == b"open\n"
        yield process
        process.kill()


def test_two_processes__the_second_is_told_who_has_the_store(tmp_path, other_process):
    pid = other_process.pid
    with pytest.raises(StoreBusyError, match=rf"process {pid} on .*kill {pid}.*--shard 1/2"):
        Store.open(tmp_path, IDENTITY)
    assert f"process {pid} on" in campaign.status(tmp_path)["running"].item()
    with Store.open(tmp_path, IDENTITY, writer="1/2") as opened:  # another name may
        assert opened.done() == {"other"}
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert campaign.status(tmp_path)["running"].item() == ""
    with Store.open(tmp_path, IDENTITY) as opened:
        assert opened.done() == {"other"}
        with pytest.raises(StoreBusyError, match=f"process {os.getpid()} on"):
            Store.open(tmp_path, IDENTITY)
    Store.open(tmp_path, IDENTITY).close()


def test_lock__where_the_file_system_knows_none(tmp_path, monkeypatch):
    def none(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", none)
    first = Store.open(tmp_path, IDENTITY)
    with pytest.raises(StoreBusyError, match=f"process {os.getpid()} on"):
        Store.open(tmp_path, IDENTITY)
    first.close()
    path = tmp_path / "net" / "journal" / "all.lock"
    assert path.read_bytes() == b""
    me = lock._me()
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    for stale in ({**me, "pid": int(gone.stdout)}, {**me, "began": "before"}, "torn", {"pid": "x"}):
        path.write_text(json.dumps(stale))
        Store.open(tmp_path, IDENTITY).close()
    path.write_text(json.dumps({**me, "host": "another machine"}))
    with pytest.raises(StoreBusyError, match=r"on another machine.*If that process is gone, delete .*all.lock"):
        Store.open(tmp_path, IDENTITY)


# -- disks -----------------------------------------------------------------------------------------------------------


class Disk:
    """Stands in for ``os``: one of the system's calls fails from now on."""

    def __init__(self, name, number):
        self.name, self.number = name, number

    def __getattr__(self, name):
        return self.fail if name == self.name else getattr(os, name)

    def fail(self, *args, **options):
        if self.name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR):
            return os.open(*args, **options)
        if self.name == "write" and len(args[1]) > 1:
            os.write(args[0], bytes(args[1])[: len(args[1]) // 2])  # some of it fits
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("call", ["write", "open", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk__keeps_what_is_committed_and_goes_on_later(tmp_path, monkeypatch, call, number):
    opened, keys = begin(tmp_path)
    opened.put({keys[0]: Cell(SCORES[0], {"fired": 0})})
    opened._synced = 0.0  # so that the next commit is forced to the disk
    before = tree(tmp_path)
    with monkeypatch.context() as full:
        for place in (disk, writing):
            full.setattr(place, "os", Disk(call, number))
        with pytest.raises(StoreWriteError, match=r"is full .*every cell that was committed before is kept"):
            opened.put({keys[1]: Cell(SCORES[1], {"fired": 1})})
    assert tree(tmp_path) == before
    assert opened.done() == {keys[0]}
    opened.put({keys[1]: Cell(SCORES[1], {"fired": 1})})
    opened.close()
    assert done_after(tmp_path) == {*keys[:2]}


def test_full_disk__at_the_line_of_the_journal(tmp_path, monkeypatch):
    opened, keys = begin(tmp_path)
    opened.put({keys[0]: Cell(SCORES[0], {"fired": 0})})
    before = tree(tmp_path)
    real = disk.append

    def full(handle, line, at):
        monkeypatch.setattr(writing, "os", Disk("write", errno.ENOSPC))
        real(handle, line, at)

    monkeypatch.setattr(disk, "append", full)
    with pytest.raises(StoreWriteError):
        opened.put({keys[1]: Cell(SCORES[1], {"fired": 1})})
    monkeypatch.undo()
    assert tree(tmp_path) == before
    opened.put({keys[1]: Cell(SCORES[1], {"fired": 1})})
    opened.close()
    assert done_after(tmp_path) == {*keys[:2]}


def test_full_disk__while_the_trials_are_written(tmp_path, monkeypatch):
    keys = fill(tmp_path)
    place = tmp_path / "net" / "designs" / DESIGN
    with Store.open(tmp_path, IDENTITY) as opened:
        with monkeypatch.context() as full:
            full.setattr(disk, "os", Disk("fsync", errno.ENOSPC))
            with pytest.raises(StoreWriteError):
                opened.finalise(DESIGN)
        assert sorted(path.name for path in place.iterdir()) == ["outline.json", "plan.json"]
        assert opened.done() == {*keys}
        assert np.array_equal(opened.finalise(DESIGN)["score"][0], SCORES)


LIMIT = """
import resource, sys
import numpy as np
from neurolab.campaign import Cell, Store
from neurolab.errors import StoreWriteError
opened = Store.open(sys.argv[1], {identity})
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # no file may grow beyond, as on a full disk
for attempt in (lambda: opened.put({{"big": Cell(np.ones(300), {{}})}}), lambda: opened.finalise({design!r})):
    try:
        attempt()
    except StoreWriteError as error:
        print("is full" in str(error))
"""


def test_disk__that_really_takes_no_more(tmp_path):
    """Also inside the library that writes the finished trials."""
    opened, keys = begin(tmp_path)
    with opened:
        opened.put({key: Cell(np.random.default_rng(0).random(900), {}) for key in keys})
        opened.outline("ffff", skeleton(n_trials=900), keys)
    script = LIMIT.format(identity=IDENTITY, design="ffff")
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, env=ENV)
    assert done.stdout.split() == ["True", "True"], done.stderr
    assert not [name for name in tree(tmp_path) if name.endswith(".part") or ".zarr" in name]
    with Store.open(tmp_path, IDENTITY) as opened:
        assert opened.done() == {*keys}
        assert opened.finalise("ffff").sizes["trial"] == 900


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_read_only_folder__is_said_and_can_still_be_read(tmp_path, monkeypatch, number):
    keys = fill(tmp_path, [0, 1])
    before = tree(tmp_path)
    for module in (disk, lock):
        monkeypatch.setattr(module, "os", Disk("open", number))
    with pytest.raises(StoreWriteError, match=r"cannot be written .*Type store= with a folder of your own"):
        Store.open(tmp_path, IDENTITY)
    assert campaign.status(tmp_path)["done"].item() == 2
    assert campaign.partial(tmp_path).attrs["partial"] == "2 of 4 lesions of net are done"
    assert tree(tmp_path) == before
    monkeypatch.undo()
    assert done_after(tmp_path) == {*keys[:2]}


def test_file_in_the_place_of_the_folder__is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreWriteError, match="is a file"):
        Store.open(tmp_path / "file", IDENTITY)


@pytest.mark.skipif(sys.platform != "linux", reason="this system has no /proc, where nothing can be made")
def test_folder_that_cannot_be_made__is_said():
    with pytest.raises(StoreWriteError, match=r"^/proc/nothing/x/net cannot be made.*Type store= with a folder"):
        Store.open("/proc/nothing/x", IDENTITY)


# -- names -----------------------------------------------------------------------------------------------------------

NAMES = ["net", "Net", "NET", "../net", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "a\0b", "con:", "net ", "n" * 300,
         "n" * 301, "ネット", "网", ".hidden", "-rf", "net.part", "a\nb"]  # fmt: skip


def test_names__stay_inside_the_store_and_apart(tmp_path):
    for name in NAMES:
        with Store.open(tmp_path / "store", {**IDENTITY, "specimen": name}, writer=name) as opened:
            opened.put({name: Cell([1.0], {})})
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert len(list((tmp_path / "store").iterdir())) == len(NAMES)
    assert len({path.name.lower() for path in (tmp_path / "store").iterdir()}) == len(NAMES)
    assert set(campaign.status(tmp_path / "store")["specimen"]) == set(NAMES)


def test_design__is_no_path(tmp_path):
    with Store.open(tmp_path / "store", IDENTITY) as opened:
        opened.plan("../../out", lambda: 1)
        with pytest.raises(FileFormatError, match="no design"):
            opened.trials("../../..")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


# -- the command line ------------------------------------------------------------------------------------------------


def test_commands__status_and_merge(tmp_path, capsys):
    fill(tmp_path / "one", [0, 1], writer="1/2")
    fill(tmp_path / "two", [2, 3], writer="2/2")
    assert main(["status", str(tmp_path / "one")]) == 0
    assert "2 of 4 cells; 0 of 1 network finished" in capsys.readouterr().out
    words = ["merge", str(tmp_path / "one"), "--into", str(tmp_path / "whole"), "--json"]
    assert main(words) == 1  # not all is there yet
    assert json.loads(capsys.readouterr().out)[0]["done"] == 2
    assert main([*words[:1], str(tmp_path / "two"), *words[1:]]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["specimen"], row["done"], row["planned"], row["finished"]) == ("net", 4, 4, True)
    assert main(["status", str(tmp_path / "whole"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [row]
    assert main(["status", str(tmp_path / "nowhere")]) == 1
    assert "holds no store of a campaign" in capsys.readouterr().err
