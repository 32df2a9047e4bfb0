"""A campaign that is killed goes on where it was, and ends with the bytes of one that never was.

Three kills here; ``NEUROLAB_KILLS=20`` kills twenty times in each case, with real worker processes of loky.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import neurolab
from neurolab.campaign import merge, status

KILLS = int(os.environ.get("NEUROLAB_KILLS", "0"))
ENV = {**os.environ, "PYTHONPATH": str(pathlib.Path(neurolab.__file__).parents[1]), "OMP_NUM_THREADS": "1"}

#: Imports torch once, then forks a campaign for every line that it reads: {store, n_jobs, shard, shuffle, backend}.
SCRIPT = '''
import json, os, random, sys, time
import joblib, numpy as np, pandas as pd, torch
import neurolab as nl
from neurolab.specimen.campaign import Campaign

torch.manual_seed(0)
torch.set_num_threads(1)
NN = torch.nn
NET = NN.Sequential(NN.Linear(6, 8), NN.ReLU(), NN.Linear(8, 8), NN.ReLU(), NN.Linear(8, 3))
INPUTS = np.random.default_rng(0).standard_normal((12, 6)).astype(np.float32)
TABLE = pd.DataFrame({"stimulus_id": [f"s{k}" for k in range(12)], "condition": ["x", "y"] * 6, "label": [0, 1, 2] * 4})
STIMULI = nl.StimulusSet("twelve", INPUTS, TABLE)

NOISE = nl.Noise(1.0, reference=nl.record(nl.Specimen(NET, INPUTS[:2], name="net"), STIMULI, ["1", "3"]))

def slowly(outputs, table):
    time.sleep(0.03)
    return nl.scores.margin(outputs, table)

def campaign(store, n_jobs=1, shard=None, shuffle=None, backend=None):
    if shuffle is not None:
        mine = Campaign._mine
        def shuffled(self, plan, shard):
            tiles = mine(self, plan, shard)
            random.Random(shuffle).shuffle(tiles)
            return tiles
        Campaign._mine = shuffled
    lesions = [nl.Lesion(nl.ROI(f"{site}.{k}", {site: sorted({k % 8, (3 * k + 1) % 8})}), how, draw=k)
               for site in ("1", "3") for k in range(10) for how in (nl.Zero(), NOISE)]
    lesions = [nl.Lesion(one.roi, one.how, draw=at, rng=at) for at, one in enumerate(lesions)]
    tasks = [nl.Task("slow", STIMULI, slowly), nl.Task("right", STIMULI.where(condition="x"), nl.scores.accuracy)]
    with joblib.parallel_config(**({"backend": backend} if backend else {})):
        return nl.examine(nl.Specimen(NET, INPUTS[:2], name="net"), lesions, tasks, store=store, n_jobs=n_jobs,
                          shard=shard, progress=False)

print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.setsid()
        try:
            campaign(**json.loads(line))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
'''


class Campaigns:
    """The script, started once for all campaigns."""

    def __init__(self, place):
        script = place / "campaigns.py"
        script.write_text(SCRIPT)
        self.errors = place / "errors.txt"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                env=ENV,
            )
        assert self.process.stdout.readline() == "ready\n", self.errors.read_text()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)

    def run(self, store, *, kill_after=None, **more):
        """Run one; True when it was killed on the way."""
        print(json.dumps({"store": str(store), **more}), file=self.process.stdin, flush=True)
        child = int(self.process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        code = int(self.process.stdout.readline())
        killed = os.WIFSIGNALED(code) and os.WTERMSIG(code) == signal.SIGKILL
        assert killed or code == 0, self.errors.read_text()
        return killed

    def killed(self, place, times, rng, *, longest, **more):
        """Run campaigns until so many kills at random moments have hit; the finished stores, each from many pieces."""
        stores, hits = [place / "0"], 0
        while hits < times:
            if self.run(stores[-1], kill_after=rng.uniform(0, longest), **more):
                hits += 1
            else:
                stores.append(place / str(len(stores)))
        self.run(stores[-1], **more)
        return stores


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory):
    started = Campaigns(tmp_path_factory.mktemp("campaigns"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def whole(campaigns, tmp_path_factory):
    """A campaign that nothing happened to: its bytes, and the seconds that it took."""
    store = tmp_path_factory.mktemp("whole")
    began = time.perf_counter()
    campaigns.run(store)
    return bytes_of(store), time.perf_counter() - began


def bytes_of(store):
    """Every file of the finished trials, with its digest."""
    (trials,) = pathlib.Path(store).glob("net/designs/*/trials.zarr")
    found = {str(path.relative_to(trials)): hashlib.sha256(path.read_bytes()).hexdigest()
             for path in sorted(trials.rglob("*")) if path.is_file()}
    assert len(found) > 10
    return found


def test_kills__leave_no_trace(campaigns, whole, tmp_path):
    for store in campaigns.killed(tmp_path, KILLS or 3, np.random.default_rng(0), longest=0.6 * whole[1]):
        assert bytes_of(store) == whole[0]


def test_kills__lose_nothing_that_was_finished(campaigns, whole, tmp_path):
    campaigns.run(tmp_path, kill_after=0.7 * whole[1])
    (journal,) = tmp_path.glob("net/journal/*.jsonl")
    before = journal.read_bytes()
    assert b"cells" in before
    campaigns.run(tmp_path)
    after = journal.read_bytes()
    assert after.startswith(before[: before.rindex(b"\n") + 1])
    cells = [key for line in after.splitlines() for key in json.loads(line)["content"]["cells"]]
    assert len(cells) == len(set(cells)) == status(tmp_path)["done"].item()


@pytest.mark.parametrize("n", [2, 4])
def test_kills__of_all_workers_in_any_order_leave_no_trace(campaigns, whole, tmp_path, n):
    # forks here, where loky's workers import torch each; the moments are of a run of this kind
    more = {"n_jobs": n, "shuffle": n} | ({} if KILLS else {"backend": "multiprocessing"})
    began = time.perf_counter()
    campaigns.run(tmp_path / "alive", **more)
    longest = time.perf_counter() - began
    assert bytes_of(tmp_path / "alive") == whole[0]
    for store in campaigns.killed(tmp_path, KILLS or 1, np.random.default_rng(n), longest=0.8 * longest, **more):
        assert bytes_of(store) == whole[0]


def test_shards__killed_and_merged_are_the_whole(campaigns, whole, tmp_path):
    places = []
    for number in (1, 2, 3):
        more = {"shard": f"{number}/3", "shuffle": number, "longest": whole[1] / 4}
        place, times = tmp_path / f"machine {number}", KILLS or int(number == 2)
        stores = campaigns.killed(place, times, np.random.default_rng(number), **more)
        places.append(stores[-1])
    assert merge(places, tmp_path / "all")["finished"].all()
    assert bytes_of(tmp_path / "all") == whole[0]


def test_shards__beside_each_other_in_one_store_are_the_whole(campaigns, whole, tmp_path):
    for number in (3, 1, 2):
        campaigns.run(tmp_path, shard=f"{number}/3")
    assert status(tmp_path)["done"].item() == status(tmp_path)["planned"].item()
    campaigns.run(tmp_path)
    assert bytes_of(tmp_path) == whole[0]
