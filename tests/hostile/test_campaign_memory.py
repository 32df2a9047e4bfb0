"""Memory of a campaign: bounded without a change of a bit, said before the start, halved when it runs out."""

import gc
import logging
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab.campaign import heap
from neurolab.errors import CampaignIncomplete, StoreWriteError, TooLargeError
from neurolab.lesion import CutWeights, Lesion, Zero
from neurolab.roi import ROI
from neurolab.scores import margin
from neurolab.specimen import Cohort, Specimen, Task, examine
from neurolab.specimen import replay as replaying
from neurolab.specimen.by_channels import ByChannels
from neurolab.specimen.by_slice import BySlice
from neurolab.specimen.cells import Session
from neurolab.specimen.engine import Engine
from neurolab.specimen.room import Kept, lasting, out_of_memory
from neurolab.specimen.slices import Standing
from neurolab.stimuli import StimulusSet

N = 40
#: Bytes that 3,000 lesions more may take: what is known of each. Their scores, 19 MB, stay in the store.
BEYOND = 12e6
CPU = "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate"


def network():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(),
                             nn.Linear(128, 3)).eval()


NET = Specimen(network(), np.ones((1, 1, 8, 8)), name="net")
TASK = Task("t", StimulusSet("shown", np.random.default_rng(0).normal(size=(N, 1, 8, 8)), pd.DataFrame({
    "stimulus_id": [f"s{at}" for at in range(N)], "condition": ["a", "b"] * (N // 2), "label": [0, 1] * (N // 2)})),
    margin)


def design(how, n=8, site="3"):
    return [Lesion(ROI(f"r{k}", {site: [k % 8, (3 * k + 1) % 8]}, {site: ("channel",)}), how, draw=k) for k in range(n)]


@pytest.fixture(autouse=True)
def _worth(monkeypatch):
    monkeypatch.setattr(Engine, "_worth", lambda self: True)
    monkeypatch.setattr(replaying, "WORTH", 0)


def only(monkeypatch, *paths):
    plan, made = Engine.plan, []
    monkeypatch.setattr(Engine, "plan", lambda self, exact: (made.append(plan(self, exact, paths)), made[-1])[1])
    return made


def campaign(how=None, *, n=8, **options):
    return examine(NET, design(how or Zero(), n), [TASK], **{"batch_size": 4, "progress": False} | options)


@pytest.mark.parametrize("sizes", [[], [5], [4, 4, 4], [4, 4, 1], [9, 1, 1]])
@pytest.mark.parametrize("memory", [0, 4, 5, 8, 9, 11, 12])
def test_kept__never_more_than_there_is_room_for_but_one(sizes, memory):
    kept = Kept(sizes, memory)
    for _ in range(2):
        for number in range(len(sizes)):
            assert kept.at(number, lambda number=number: number) == number
            assert sum(sizes[at] for at in kept._made) <= max(memory, max(sizes))
    assert lasting(sizes, sum(sizes)) == len(sizes)


@pytest.mark.parametrize("path", ["sparse", "slice", "module"])
@pytest.mark.parametrize("how", [Zero(), CutWeights("in")], ids=lambda how: how.label)
def test_max_memory__never_changes_a_byte_and_serves_by_the_same_path(monkeypatch, path, how):
    if (path, type(how)) == ("sparse", CutWeights):
        pytest.skip("weights are no channels")
    plans, widths, made = only(monkeypatch, path), [], []
    for kind in (BySlice, ByChannels):
        answers = kind.answers
        monkeypatch.setattr(kind, "answers", lambda self, tiles, n=None, answers=answers: (
            widths.append(len(tiles)), answers(self, tiles, n))[1])
    whole = campaign(how, n=80)
    ones, kept, fixed = set(widths), plans[0].groups[-1].kept, 2 * whole.score.nbytes + NET.prepare(
        TASK.stimuli.inputs).nbytes + 2 * N * 3 * 4
    for name in ("_ground", "_standing"):
        kind = ByChannels if name == "_ground" else BySlice
        real = getattr(kind, name)
        monkeypatch.setattr(kind, name, lambda self, at, real=real: made.append(at) or real(self, at))
    widths.clear()
    few = campaign(how, n=80, max_memory=fixed + kept // 2)
    assert few.identical(whole)
    assert {text.partition(" ")[0] for text in few.certificate_path.values[0, 1:]} == {path}
    if path != "module":
        assert ones == {1}
        assert max(widths) > 1  # side by side: a batch is prepared once for a block
        assert len(made) > len(set(made))  # and made anew for the next


def test_before_the_start__it_is_said_what_it_takes(caplog, tmp_path):
    with caplog.at_level(logging.INFO, logger="neurolab"):
        campaign(store=tmp_path)
    (said,) = [record for record in caplog.records if "lesions to do" in record.getMessage()]
    assert said.levelno == logging.INFO
    assert all(word in said.getMessage() for word in ("9 lesions to do of 9", "MB of scores", "kept", "MB of disk"))


def test_before_the_start__more_than_a_gigabyte_is_a_warning(caplog, monkeypatch):
    monkeypatch.setattr("neurolab.specimen.forecast.LARGE", 1000)
    with caplog.at_level(logging.INFO, logger="neurolab"):
        campaign()
    (said,) = [record for record in caplog.records if "lesions to do" in record.getMessage()]
    assert said.levelno == logging.WARNING


def test_scores_beyond_max_memory__are_refused_with_what_to_type(monkeypatch):
    monkeypatch.setattr(Engine, "plan", None)  # refused before anything is planned
    with pytest.raises(TooLargeError, match="Type max_memory='1MB'"):
        campaign(max_memory="2KB")
    monkeypatch.undo()
    assert campaign(max_memory="1MB").score.notnull().all()


def test_scores_that_stay_in_the_store__do_not_count(monkeypatch, tmp_path):
    scores = campaign(n=80).score
    least = scores.nbytes + 20_000
    with pytest.raises(TooLargeError, match=r"twice in the end.*store='runs/x', where they stay"):
        campaign(n=80, max_memory=least)
    with pytest.raises(TooLargeError, match="twice in the end"):  # few are held all the same
        campaign(n=80, max_memory=least, store=tmp_path / "few")
    monkeypatch.setattr("neurolab.campaign.unread.LARGE", scores.nbytes - 1)
    assert campaign(n=80, max_memory=least, store=tmp_path / "many").score.identical(scores)
    with pytest.raises(TooLargeError, match="twice in the end"):
        campaign(n=80, max_memory=least, store=tmp_path / "part", shard="1/2")
    with pytest.raises(TooLargeError, match=r"stay in the store.*show fewer stimuli"):
        campaign(n=80, max_memory="2KB", store=tmp_path / "many")


def test_no_room_on_the_disk__is_refused_before_the_first_cell_and_a_finished_campaign_asks_for_none(
    monkeypatch, tmp_path
):
    usage = namedtuple("usage", "free")
    answers, disk_usage = Engine.answers, "neurolab.specimen.forecast.shutil.disk_usage"
    with monkeypatch.context() as patch:
        patch.setattr(disk_usage, lambda place: usage(1000))
        patch.setattr(Engine, "answers", None)
        with pytest.raises(StoreWriteError, match=r"needs about .* MB more and its disk has 0.0 MB left"):
            campaign(store=tmp_path)
    assert Engine.answers is answers
    whole = campaign(store=tmp_path)
    monkeypatch.setattr(disk_usage, lambda place: usage(0))
    assert campaign(store=tmp_path).identical(whole)


# -- out of memory ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "is_it"), [
    (MemoryError(), True), (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
    (RuntimeError(CPU), True), (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8"), True),
    (RuntimeError("shapes cannot be multiplied"), False), (ValueError("out of memory"), False),
    (TooLargeError("said already"), False),
])  # fmt: skip
def test_out_of_memory__is_known_by_what_allocators_say(error, is_it):
    assert out_of_memory(error) == is_it


def test_a_tile_too_large__is_halved_once_and_says_so(monkeypatch):
    only(monkeypatch, "slice")
    whole = campaign()
    run, searched = Standing.answers, []
    monkeypatch.setattr(heap, "give_back", lambda **how: searched.append(how))

    def short(self, lesions):
        if self.copies > 4 and any(lesions):
            raise RuntimeError(CPU)
        return run(self, lesions)

    with monkeypatch.context() as patch:
        plan = Engine.plan

        def then(self, exact):
            made = plan(self, exact)
            patch.setattr(Standing, "answers", short)
            return made

        patch.setattr(Engine, "plan", then)
        halved = campaign()
    assert {text.partition(" ")[0] for text in whole.certificate_path.values[0, 1:]} == {"slice"}
    assert all(text.endswith("halved: out of memory") for text in halved.certificate_path.values[0, 1:])
    assert {"wholly": True} in searched
    np.testing.assert_allclose(halved.score.values, whole.score.values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_a_lesion_alone__is_tried_again_with_nothing_kept_to_the_same_bits(monkeypatch, error):
    only(monkeypatch, "module")
    whole, failed = campaign(), []
    forward = replaying.Replay.forward

    def once(self, batch, damage):
        if not failed and damage.lesions[0].draw == 3:
            failed.append(self)
            raise error
        return forward(self, batch, damage)

    monkeypatch.setattr(replaying.Replay, "forward", once)
    assert campaign().identical(whole)
    assert failed[0].lasting == 0


def test_no_room_at_all__says_which_batch_size_to_type_and_keeps_what_is_finished(monkeypatch, tmp_path):
    only(monkeypatch, "hooks")
    hooked = Engine._hooked

    def short(self, at):
        if at == 4:
            raise RuntimeError(CPU)
        return hooked(self, at)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_hooked", short)
        with pytest.raises(TooLargeError, match="Type batch_size=2"):
            campaign()
        with pytest.raises(CampaignIncomplete, match="batch_size=2") as ended:
            campaign(store=tmp_path)
    assert list(ended.value.failed) == [design(Zero())[3].id]
    assert int(ended.value.trials.score.notnull().all("trial").sum()) == 8
    assert campaign(store=tmp_path).score.notnull().all()


def test_no_room_for_the_intact_network__is_said_too(monkeypatch):
    def short(self, at):
        raise MemoryError("8 GiB")

    monkeypatch.setattr(Engine, "_hooked", short)
    with pytest.raises(TooLargeError, match="4 stimuli at a time"):
        campaign()


def test_no_room_for_a_path__takes_the_next_one_and_says_why(monkeypatch):
    def short(self, *given):
        raise RuntimeError(CPU)

    monkeypatch.setattr(BySlice, "__init__", short)
    only(monkeypatch, "slice")
    paths = campaign().certificate_path.values[0, 1:]
    assert all(text.startswith("hooks") and "out of memory" in text for text in paths)


def test_an_error_of_another_kind__is_no_want_of_memory(monkeypatch):
    monkeypatch.setattr(Engine, "_hooked", lambda self, at: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        campaign()


def test_bench__is_gone_when_room_is_made_for_the_trials(monkeypatch, tmp_path):
    there = []

    def count():
        gc.collect()
        there.append(sum(type(one) is Session for one in gc.get_objects()))

    monkeypatch.setattr("neurolab.specimen.campaign.MANY", 0)
    monkeypatch.setattr("neurolab.specimen.room.give_back", count)
    campaign(store=tmp_path)
    assert (there[0], there[-1]) == (1, 0)


MEASURED = """
import sys
import numpy as np, torch
from neurolab.lesion import Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen import examine
from neurolab.specimen.phantoms import naming_tasks, phantom_stimuli, separate_modules

torch.set_num_threads(1)
net, _, _ = separate_modules(rng=0)
tasks, width = naming_tasks(phantom_stimuli(n_each=100, rng=1)), net.sites()["relu"].shape[0]


def memory(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field)) * 1024


def design(n):
    draw = np.random.default_rng(0)
    return [Lesion(ROI(f"set {k}", {"relu": draw.choice(width, 3, replace=False)}), Zero(), draw=k) for k in range(n)]


examine(net, design(200), tasks, store=sys.argv[1] + "/first", progress=False)
lesions = design(int(sys.argv[2]))
before = memory("VmRSS")
trials = examine(net, lesions, tasks, store=sys.argv[1] + "/second", progress=False)
print(trials.nbytes, memory("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads resident memory from /proc")
def test_memory__grows_by_what_is_known_of_lesions_and_not_by_their_scores(tmp_path):
    """A process of its own each, 1,000 and 4,000 lesions with a store: what the peak grows by."""
    found = []
    for n in (1000, 4000):
        (tmp_path / str(n)).mkdir()
        done = subprocess.run([sys.executable, "-c", MEASURED, str(tmp_path / str(n)), str(n)], capture_output=True,
                              text=True, check=True)
        found.append(tuple(map(int, done.stdout.split())))
    (few, peak_of_few), (many, peak_of_many) = found
    assert many - few > 19e6
    assert peak_of_many - peak_of_few < BEYOND


def test_networks_of_a_cohort_side_by_side__share_max_memory(monkeypatch):
    given = []

    def here(portions, work, *, workers):
        given.append(work.settings["max_memory"])
        yield [(place, work.run(place)) for place in portions.pieces]

    monkeypatch.setattr("neurolab.specimen.cohorts.run_pieces", here)
    twin = Specimen(network(), np.ones((1, 1, 8, 8)), name="twin")
    examine(Cohort([NET, twin]), design(Zero(), 2), [TASK], n_jobs=2, max_memory="2MB", progress=False)
    assert given == [1_000_000]
