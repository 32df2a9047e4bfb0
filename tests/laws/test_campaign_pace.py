"""What a campaign says of its time: of workers once they work, of the networks of a cohort as a whole."""

import io
import logging
import sys

import numpy as np
import pandas as pd
import pytest
from torch import nn

import neurolab as nl
from neurolab.campaign import pace
from neurolab.campaign.portions import Portions
from neurolab.specimen import Cohort
from neurolab.specimen.plan import Tile

SIZES = {"scores": 8e6, "networks": 0.0}


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(pace.time, "perf_counter", lambda: self.now)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def said(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "neurolab"]


def cohort(n=3):
    nets = [nl.Specimen(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)).eval(), np.ones((1, 3)),
                        name=f"net {at}") for at in range(n)]
    table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"], "label": [0, 1]})
    task = nl.Task("t", nl.StimulusSet("two", np.ones((2, 3)), table), nl.scores.margin)
    lesions = [nl.Lesion(nl.ROI(f"u{at}", {"1": [at]}), nl.Zero()) for at in range(4)]
    return Cohort(nets), lesions, [task]


def test_the_start_of_workers_is_not_taken_for_their_work(clock, caplog):
    tiles = [Tile((k,), "hooks") for k in range(1_002)]
    with pace.Pace("net", Portions(tiles), 2, SIZES, show=True) as shown:
        clock.now += 20  # until the first result comes
        shown.step(tiles[0], 1.0)
        assert shown.left == pytest.approx(20 * 1_001)  # nothing else is known yet
        assert said(caplog) == []
        shown.step(tiles[1], 1.0)  # in the same heap
        clock.now += 2
        for tile in tiles[2:42]:
            shown.step(tile, 1.0)
        assert shown.left == pytest.approx(2 * 960 / 41)
        clock.now += 2
        shown.step(tiles[42], 1.0)
    (line,) = said(caplog)  # once: 20 of 21 after the first came in 2 s
    assert line.startswith("1002 lesions: about ")
    assert 40 < float(line.split()[3]) < 1_001  # far from 20,000 s


def test_a_heap_that_came_at_once_is_no_rate(clock, caplog):
    tiles = [Tile((k,), "hooks") for k in range(500)]
    with pace.Pace("net", Portions(tiles), 4, SIZES, show=True) as shown:
        clock.now += 30
        for tile in tiles[:100]:
            shown.step(tile, 1.0)
        assert said(caplog) == []


@pytest.mark.parametrize(("workers", "expected"), [(1, 100), (2, 40), (3, 20), (6, None)])
def test_what_the_other_networks_take_is_said_once(clock, caplog, workers, expected):
    with pace.over_networks(6, workers, show=True) as step:
        clock.now += 20
        for _ in range(6):
            step()
            clock.now += 20
    lines = [] if expected is None else [f"1 of 6 networks took 20 s: about {expected} s for all others"]
    assert said(caplog) == lines


def test_nothing_is_said_where_nobody_asked(clock, caplog, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pace.over_networks(6, 1, show=False) as step:
        clock.now += 100
        step()
    assert said(caplog) == []
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_cohort_shows_its_networks(monkeypatch, caplog, n_jobs):
    caplog.set_level(logging.WARNING, "neurolab")
    monkeypatch.setattr(pace, "LONG", -1.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    expected = nl.examine(*cohort(), progress=False)
    assert sys.stderr.getvalue() == ""
    assert said(caplog) == []
    found = nl.examine(*cohort(), n_jobs=n_jobs)
    assert "networks:" in sys.stderr.getvalue()
    assert "/3 [" in sys.stderr.getvalue()
    assert sum("of 3 networks took" in line for line in said(caplog)) == 1
    assert found.sizes == expected.sizes


def test_one_network_is_no_cohort(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    nl.examine(*cohort(1))
    assert "networks:" not in sys.stderr.getvalue()
