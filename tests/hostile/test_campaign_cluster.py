"""A campaign on a dask cluster whose workers die: the bytes of one on this machine."""

import logging
import os
import pathlib
import signal
import sys

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import torch

import neurolab as nl
from neurolab.campaign.portions import Portions
from neurolab.campaign.serving import Failure
from neurolab.campaign.workers import run_pieces, workers_of

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
# a worker that is killed leaves what the nanny held of it; both are dask's own to close
pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning"),
              pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


@pytest.fixture(scope="module")
def cluster():
    """Two workers, processes; a task whose worker dies three times is given up."""
    said = {"distributed.worker.daemon": False, "distributed.admin.tick.limit": "60s"}
    with dask.config.set(said), distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
    ) as made, distributed.Client(made):
        yield made


class KillsOnce:
    """A score that kills the process that computes it, at the tenth time, unless a mark says that it has."""

    def __init__(self, mark):
        self.mark, self.calls = str(mark), 0

    def __repr__(self):
        return "KillsOnce"

    def __call__(self, outputs, table):
        self.calls += 1
        mark = pathlib.Path(self.mark)
        if self.calls == 10 and not mark.exists():
            mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return nl.scores.margin(outputs, table)


def test_cluster__one_of_its_workers_is_killed_and_nothing_differs(cluster, tmp_path):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    inputs = np.random.default_rng(0).standard_normal((12, 6)).astype(np.float32)
    table = pd.DataFrame({"stimulus_id": [f"s{k}" for k in range(12)], "condition": ["x", "y"] * 6,
                          "label": [0, 1, 2] * 4})
    mark = tmp_path / "mark"
    stimuli = nl.StimulusSet("twelve", inputs, table)
    lesions = [nl.Lesion(nl.ROI(f"{site}.{k}", {site: [k]}), nl.Zero(), draw=k)
               for site, n in (("0", 8), ("1", 8), ("input", 6)) for k in range(n)]
    specimen = nl.Specimen(net, inputs[:2], name="net")
    mark.write_text("here")
    alone = nl.examine(specimen, lesions, [nl.Task("name", stimuli, KillsOnce(mark))], progress=False)
    mark.unlink()
    before = {worker.pid for worker in cluster.workers.values()}
    with joblib.parallel_config("dask"):
        assert workers_of(-1) == 2
        task = nl.Task("name", stimuli, KillsOnce(mark))
        many = nl.examine(specimen, lesions, [task], n_jobs=-1, progress=False)
    assert int(mark.read_text()) in before, "no worker was killed"
    assert many.identical(alone)


class Deadly:
    """Work that squares numbers and dies of one of them; opened without torch."""

    def opened(self):
        import contextlib

        return contextlib.nullcontext(self)

    def check_intact(self):
        pass

    def run(self, piece):
        if piece == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return piece * piece


def test_cluster__what_kills_every_worker_is_named_and_the_rest_is_done(cluster):
    cluster.scheduler.allowed_failures = 0  # dask gives a task up at the first death: fewer workers to start
    with joblib.parallel_config("dask"):
        portions = Portions(range(12), workers=2, rate=0.3)
        found = dict(pair for done in run_pieces(portions, Deadly(), workers=2) for pair in done)
    assert isinstance(found[7], Failure)
    assert found[7].died
    assert all(found[piece] == piece * piece for piece in range(12) if piece != 7)
