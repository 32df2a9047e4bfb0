"""What a campaign leaves out of Python's searches for garbage: what was there before, and only until it ends."""

import gc
import subprocess
import sys
import threading
import weakref

import numpy as np
import pandas as pd
import pytest
from torch import nn

import neurolab as nl
from neurolab.campaign import heap
from neurolab.specimen.campaign import MANY


class Thing:
    """Something that holds itself, so that only a search frees it."""

    def __init__(self):
        self.self = self


class Watching:
    """A score that looks how much is set aside while a campaign runs; it may stop it."""

    unit, bounded = "none", False

    def __init__(self, stop=None):
        self.seen, self.stop = [], stop

    def __call__(self, outputs, table):
        self.seen.append(gc.get_freeze_count() if len(self.seen) < 9 else self.seen[-1])  # it counts, one by one
        if self.stop is not None and len(self.seen) == 2:
            raise self.stop
        return outputs[:, 0]


class Looped(nn.Sequential):
    """A network that only a search frees: one of its layers calls it."""

    def __init__(self):
        super().__init__(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
        self[1].register_forward_hook(self.seen)

    def seen(self, *_):
        pass


def campaign(score, n=MANY + 1, net=None, **settings):
    net = net or nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    net = nl.Specimen(net.eval(), np.ones((1, 3)))
    table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
    task = nl.Task("t", nl.StimulusSet("two", np.ones((2, 3)), table), score)
    lesions = [nl.Lesion(nl.ROI(f"u{at}", {"1": [at % 8]}), nl.Zero(), draw=at) for at in range(n)]
    return nl.examine(net, lesions, [task], progress=False, **settings)


@pytest.fixture(autouse=True)
def _nothing_aside():
    assert gc.get_freeze_count() == 0
    yield
    assert gc.get_freeze_count() == 0  # whatever a test did


def test_a_campaign_sets_aside_what_was_there_and_gives_it_back():
    score = Watching()
    campaign(score)
    assert len(score.seen) == MANY + 2
    assert min(score.seen) > 10_000


def test_a_small_campaign_leaves_python_to_itself():
    score = Watching()
    campaign(score, MANY - 1)
    assert max(score.seen) == 0


@pytest.mark.parametrize(("n", "times", "most"), [(6, 100, 60), (MANY + 1, 4, 1)], ids=["small", "large"])
def test_networks_that_are_gone_do_not_stay_in_memory(n, times, most):
    # what was set aside is searched at the end: Python would not, and networks would add up, campaign after campaign
    known = []
    for _ in range(times):
        net = Looped()
        known.append(weakref.ref(net))
        campaign(lambda outputs, table: outputs[:, 0], n, net)
        del net
    assert sum(one() is not None for one in known) <= most


@pytest.mark.parametrize("stop", [ValueError("no"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
@pytest.mark.filterwarnings("ignore")
def test_a_campaign_that_stops_gives_it_back_too(stop):
    with pytest.raises((nl.errors.NeurolabError, KeyboardInterrupt)):
        campaign(Watching(stop))
    assert gc.get_freeze_count() == 0


def test_what_you_set_aside_stays_so():
    gc.freeze()
    try:
        before, score = gc.get_freeze_count(), Watching()
        campaign(score)
        heap.give_back(wholly=True)
        assert gc.get_freeze_count() > 0.9 * before
    finally:
        gc.unfreeze()


def test_one_block_inside_another_ends_nothing():
    with heap.set_aside():
        with heap.set_aside():
            pass
        assert gc.get_freeze_count() > 0


def test_garbage_of_a_campaign_is_found_and_older_garbage_when_memory_is_short():
    older = weakref.ref(Thing())
    gc.disable()  # what is found is found by give_back
    try:
        thing = Thing()
        older = weakref.ref(thing)
        del thing
        with heap.set_aside():
            thing = Thing()
            newer = weakref.ref(thing)
            del thing
            heap.give_back()
            assert newer() is None
            assert older() is not None
            heap.give_back(wholly=True)
            assert older() is None
    finally:
        gc.enable()


def test_a_campaign_in_another_thread_ends_before_or_after():
    score, other = Watching(), Watching()
    inner = threading.Thread(target=campaign, args=(other,))
    inner.start()
    campaign(score)
    inner.join()
    assert len(score.seen) == len(other.seen) == MANY + 2


def test_many_lesions_leave_no_garbage_of_their_own():
    left = {}
    gc.disable()  # what is found is found by the campaign
    try:
        for n in (MANY // 2, MANY + 1):
            gc.collect()
            before = len(gc.get_objects())
            trials = campaign(lambda outputs, table: outputs[:, 0], n)
            left[n] = len(gc.get_objects()) - before
            assert trials.sizes["lesion"] == n + 1
    finally:
        gc.enable()
    assert left[MANY + 1] < left[MANY // 2]


def test_a_search_inside_takes_a_fraction(tmp_path):
    # in a process of its own: what this one holds depends on the tests before
    script = tmp_path / "search.py"
    script.write_text(
        "import gc, neurolab, torch\n"
        "from neurolab.campaign import heap\n"
        "held = len(gc.get_objects())\n"
        "with heap.set_aside():\n"
        "    print(held, len(gc.get_objects()))\n"
    )
    held, inside = map(int, subprocess.run(
        [sys.executable, str(script)], check=True, capture_output=True, text=True).stdout.split())
    assert inside < 0.01 * held
