"""Workers die, err and are interrupted; what can be computed is computed once, and what cannot is named."""

import contextlib
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import cloudpickle
import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.externals.loky import process_executor, reusable_executor

import neurolab
from neurolab.campaign import serving, workers
from neurolab.campaign.pool import turn
from neurolab.campaign.portions import LEAST, MOST, Portions
from neurolab.campaign.serving import Broken, Failure, serve
from neurolab.campaign.workers import run_pieces, workers_of
from neurolab.errors import DataError, LesionNotUndone, SpecimenError, StoreWriteError
from neurolab.lock import Lock, _locked

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests


class Toy:
    """Work that squares numbers, and misbehaves where it is told to: {piece: what}. ``place``: a folder of marks."""

    def __init__(self, place=None, **ills):
        self.place, self.ills = place, {int(at.strip("_")): ill for at, ill in ills.items()}

    @contextlib.contextmanager
    def opened(self):
        if "open" in self.ills.values():
            raise DataError("nothing to put on the bench")
        yield self

    def check_intact(self):
        if "undone" in self.ills.values():
            raise LesionNotUndone("another network than before")

    def first(self, piece):
        mark = pathlib.Path(self.place) / f"{piece}"
        there = mark.exists()
        mark.touch()
        return not there

    def run(self, piece):
        ill = self.ills.get(piece, "")
        if ill == "slow":
            draft = pathlib.Path(self.place) / "draft"
            draft.write_text(str(os.getpid()))
            draft.rename(draft.with_name("pid"))
            time.sleep(60)
        if ill == "kill" or (ill == "kill once" and self.first(piece)):
            os.kill(os.getpid(), signal.SIGKILL)
        if ill == "exit once" and self.first(piece):
            os._exit(3)
        if ill == "leave":  # as at the end of loky's patience with an idle worker, but at a time that is known
            sys.modules["joblib.externals.loky.process_executor"]._MAX_MEMORY_LEAK_SIZE = -sys.maxsize
            time.sleep(1.5)
        if ill == "grow":
            self.grown = np.ones(5 * 10**7)
            time.sleep(1.5)
        if ill == "who":
            time.sleep(0.6)
            return os.getpid()
        if ill == "memory once" and self.first(piece):
            raise MemoryError("none left")
        if ill == "memory":
            raise MemoryError("none left")
        if ill == "refused":
            raise DataError(f"piece {piece} is refused")
        if ill == "strange":
            raise type("Strange", (Exception,), {"__reduce__": lambda self: 1 / 0})("cannot travel")
        return piece * piece


def results(portions, work, **more):
    found = [pair for done in run_pieces(portions, work, **more) for pair in done]
    pieces = [piece for piece, _ in found]
    assert sorted(pieces) == sorted(portions.pieces), "every piece once"
    return dict(found)


def right(found, but=()):
    return all(found[piece] == piece * piece for piece in found if piece not in but)


# -- deaths, told by a script: no processes ----------------------------------------------------------------------------


def dying(kill, *, at_once, attributed=False):
    """An engine whose workers die of some pieces; a pool of ``at_once`` loses all that it has out."""

    def engine(jobs):
        jobs, out = iter(jobs), []
        while True:
            out += [job for _, job in zip(range(at_once - len(out)), jobs)]
            if not out:
                return
            at, pieces = out.pop(len(out) // 2)  # not in their order
            if any(kill(piece) for piece in pieces):
                if not attributed:
                    raise Broken("a worker is gone")
                yield at, ([Failure("its worker died", died=True)] * len(pieces), 0.0)
            else:
                yield at, ([piece * piece for piece in pieces], 0.01 * len(pieces))

    return engine


@settings(deadline=None, max_examples=60)
@given(n=st.integers(4, 60), bad=st.sets(st.integers(3, 59), max_size=4), once=st.sets(st.integers(0, 59), max_size=3),
       at_once=st.integers(1, 5), attributed=st.booleans())
def test_deaths__cost_nothing_but_the_pieces_that_kill(n, bad, once, at_once, attributed):
    luck = set(once)

    def kill(piece):
        return piece in bad or (piece in luck and not luck.discard(piece))

    portions = Portions(range(n), workers=2, rate=0.1)
    crew = workers._Crew(portions, dying(kill, at_once=at_once, attributed=attributed))
    found = [pair for done in crew.run() for pair in done]
    assert sorted(piece for piece, _ in found) == list(range(n))
    assert {piece for piece, one in found if isinstance(one, Failure)} == {piece for piece in bad if piece < n}
    assert right(dict(found), but=bad)


@pytest.mark.parametrize("n", [1, 2, 50])
def test_deaths__of_everything_end_soon_and_say_that_it_is_not_the_pieces(n):
    tried = []
    crew = workers._Crew(Portions(range(n), workers=2), dying(lambda piece: tried.append(piece) or True, at_once=4))
    if n < workers.HOPELESS:
        assert all(one.died for done in crew.run() for _, one in done)
    else:
        with pytest.raises(SpecimenError, match="n_jobs"):
            list(crew.run())
    assert len(tried) < 20


def test_errors__are_tried_again_unless_they_are_refusals():
    tried = []

    def engine(jobs):
        for at, pieces in jobs:
            tried.append(pieces)
            ills = {1: Failure("MemoryError", MemoryError()), 2: Failure("DataError", DataError())}
            ill = {piece: ills[piece] for piece in pieces if piece == 2 or (piece == 1 and len(tried) < 5)}
            yield at, ([ill.get(piece, piece * piece) for piece in pieces], 1.0)

    found = dict(pair for done in workers._Crew(Portions(range(5), workers=2, rate=2.0), engine).run() for pair in done)
    assert found[1] == 1
    assert isinstance(found[2], Failure)
    assert sum(pieces == (2,) for pieces in tried) == 1
    assert sum(pieces == (1,) for pieces in tried) == 2


def test_deaths__of_a_piece_that_has_parts_are_those_of_the_part_that_kills():
    def engine(jobs):
        for at, pieces in jobs:
            if any(7 in piece for piece in pieces):
                raise Broken("a worker is gone")
            yield at, ([sum(piece) for piece in pieces], 1.0)

    blocks = [(1, 2), (3, 7, 4), (5,), (6, 8)]
    portions = Portions(blocks, workers=2, rate=0.4, parts=lambda block: [(one,) for one in block])
    found = dict(pair for done in workers._Crew(portions, engine).run() for pair in done)
    assert found.pop((7,)).died
    assert found == {(1, 2): 3, (3,): 3, (4,): 4, (5,): 5, (6, 8): 14}


# -- portions -------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(costs=st.lists(st.floats(0.01, 30), max_size=80), rate=st.sampled_from([None, 0.01, 0.2, 3.0]),
       n=st.integers(1, 5))
def test_portions__hold_every_piece_once_in_order_and_some_seconds_each(costs, rate, n):
    portions = Portions(range(len(costs)), workers=n, cost=costs.__getitem__, rate=rate)
    taken = []
    while pieces := portions.take():
        taken.append(pieces)
        portions.took(pieces, sum(costs[at] for at in pieces) * 0.2)
    assert [at for pieces in taken for at in pieces] == list(range(len(costs)))
    for before, pieces in enumerate(taken):
        known = sum(costs[at] for one in taken[:before] for at in one)
        cost = sum(costs[at] for at in pieces)
        assert len(pieces) == 1 or (cost - costs[pieces[-1]] / 2) * 0.2 <= MOST + 1e-9 or (before == 0 and rate)
        assert len(pieces) == 1 or rate or cost <= known + max(costs[at] for at in pieces)


def test_portions__of_a_known_speed_take_seconds_and_end_at_sites():
    site = [0] * 30 + [1] * 300
    portions = Portions(range(330), workers=2, rate=0.1, site=site.__getitem__)
    taken = []
    while pieces := portions.take():
        taken.append(pieces)
    assert taken[0] == tuple(range(30))
    seconds = [len(pieces) * 0.1 for pieces in taken]
    assert max(seconds) <= MOST + 0.1
    assert min(seconds[:-1]) >= LEAST - 0.1
    assert seconds[-1] < 1.1  # small at the end, so that all workers end together
    assert seconds[1:] == sorted(seconds[1:], reverse=True)


def test_portions__a_cheap_first_piece_does_not_put_everything_in_one():
    portions = Portions(range(1000), workers=2)
    assert portions.take() == (0,)
    portions.took((0,), 1e-6)  # the sham, which is known already
    assert len(portions.take()) <= 2


# -- real processes ----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_processes__deaths_errors_and_bad_luck_at_once(tmp_path):
    ills = {"_3": "exit once", "_8": "kill", "_11": "refused", "_15": "strange", "_17": "memory once", "_19": "memory"}
    found = results(Portions(range(24), workers=2, rate=0.25), Toy(str(tmp_path), **ills), workers=2)
    bad = {piece: one for piece, one in found.items() if isinstance(one, Failure)}
    assert set(bad) == {8, 11, 15, 19}, bad
    assert right(found, but=bad)
    assert bad[8].died
    assert isinstance(bad[11].error, DataError)
    assert bad[15].error is None
    assert "Strange: cannot travel" in bad[15].said
    assert isinstance(bad[19].error, MemoryError)


def test_processes__are_stopped_and_what_they_handed_back_stays_when_the_user_interrupts(tmp_path):
    stream = run_pieces(Portions(range(9), workers=2, rate=10.0), Toy(str(tmp_path), _0="slow"), workers=2)
    kept = []

    def interrupted():
        with contextlib.closing(stream):
            for done in stream:
                kept.extend(done)
                if len(kept) == 8:  # all but the slow one, which may still be about to begin
                    wait_for((tmp_path / "pid").exists)
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert right(dict(kept))
    slow = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(slow))


def wait_for(true):
    """Wait until something is true; 15 seconds at most."""
    for _ in range(150):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come true")


def alive(pid):
    """Whether a process runs; one that has ended and that nobody has asked after does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = pathlib.Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


ORPHANS = '''
import contextlib, os, time
from neurolab.campaign.portions import Portions
from neurolab.campaign.workers import run_pieces

class Work:
    def opened(self):
        return contextlib.nullcontext(self)
    def check_intact(self):
        pass
    def run(self, piece):
        time.sleep(0.2)
        return os.getpid()

for done in run_pieces(Portions(range(10_000), workers=2, rate=5.0), Work(), workers=2):
    print(*{pid for _, pid in done}, flush=True)
'''


def test_processes__end_soon_after_the_one_that_started_them_was_killed():
    root = str(pathlib.Path(neurolab.__file__).parents[1])
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env={**os.environ, "PYTHONPATH": root}) as campaign:
        pids = {int(pid) for pid in campaign.stdout.readline().split()}
        campaign.kill()
    assert pids
    wait_for(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("ill, error", [("open", DataError), ("undone", LesionNotUndone)])
def test_work__that_cannot_be_opened_or_trusted_stops_all(ill, error):
    with joblib.parallel_config("threading"), pytest.raises(error):
        results(Portions(range(4), workers=2), Toy(_2=ill), workers=2)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_backends__of_threads_take_turns_on_the_one_bench(n):
    with joblib.parallel_config("threading"):
        assert right(results(Portions(range(30), workers=n), Toy(), workers=n))


def test_backends__that_hand_back_at_the_end_are_given_waves(monkeypatch):
    from joblib._parallel_backends import ThreadingBackend

    monkeypatch.setattr(ThreadingBackend, "supports_return_generator", False)
    with joblib.parallel_config("threading"):
        assert right(results(Portions(range(30), workers=2), Toy(), workers=2))


def test_bench__stays_open_for_the_same_work_and_is_put_away_for_other():
    opened = []

    class Counting(Toy):
        @contextlib.contextmanager
        def opened(self):
            opened.append(self.ills)
            try:
                yield self
            finally:
                opened.append("away")

    def sent(work):
        monkey[id(work)] = work
        return np.frombuffer(id(work).to_bytes(8, "little"), dtype=np.uint8)

    monkey = {}
    first, second = Counting(), Counting(_1="refused")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloudpickle, "loads", lambda content: monkey[int.from_bytes(content, "little")])
        for work in (first, first, second):
            serve(f"digest {id(work)}", sent(work), [1, 2])
        serving._WORKERS.pop(os.getpid()).put_away()
    assert opened == [{}, "away", {1: "refused"}, "away"]


def one_by_one(n, **ills):
    """So many pieces of more than half a second each, which is why they go to two workers one by one."""
    work = Toy(**{f"_{at}": "who" for at in range(n)} | ills)
    return results(Portions(range(n), workers=2, rate=1.0, site=str), work, workers=2)


def test_worker_that_ends_by_itself__is_replaced_though_remarks_are_errors():
    warnings.simplefilter("error")
    found = one_by_one(14, _2="leave", _3="leave")
    assert not {found[12], found[13]} & {found[0], found[1]}


def test_worker_that_grows__is_kept_with_what_lies_on_its_bench():
    found = one_by_one(14, _2="grow", _3="grow")
    assert {found[12], found[13]} <= {found[0], found[1]}


def test_workers__are_those_of_joblib():
    assert workers_of(1) == 1
    assert workers_of(None) == 1
    with joblib.parallel_config("threading", n_jobs=3):
        assert workers_of(None) == 3


# -- one pool for everybody in a process -----------------------------------------------------------------------------


def test_threads__that_want_different_numbers_of_workers_take_turns():
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(results, Portions(range(6), workers=n, rate=10.0), Toy(), workers=n) for n in (2, 3)]
        assert all(right(one.result(timeout=100)) for one in both)


def test_campaign_inside_of_one__is_computed_here():
    seen = []
    for done in run_pieces(Portions(range(4), workers=2, rate=10.0), Toy(), workers=2):
        seen += done
        assert right(results(Portions(range(3), workers=2), Toy(_0="who"), workers=2), but=[0])
        assert results(Portions(range(1), workers=2), Toy(_0="who"), workers=2) == {0: os.getpid()}
    assert right(dict(seen))


def test_forked_process__works_by_itself(tmp_path):
    """The pool that it has of the process that it came from is a copy without the thread that serves it."""
    program = tmp_path / "program.py"
    program.write_text(FORKED)
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "PYTHONPATH": str(pathlib.Path(neurolab.__file__).parents[1])})
    assert done.stdout == "[0, 1, 4]\n[0, 1, 4]\n", done.stderr


FORKED = """
import contextlib, multiprocessing, os
from neurolab.campaign.portions import Portions
from neurolab.campaign.workers import run_pieces

class Work:
    @contextlib.contextmanager
    def opened(self):
        yield self
    def check_intact(self):
        pass
    def run(self, piece):
        return piece ** 2

def campaign():
    found = [one for done in run_pieces(Portions(range(3), workers=2, rate=10.0), Work(), workers=2) for one in done]
    print(sorted(result for _, result in found), flush=True)

if __name__ == "__main__":
    campaign()
    child = multiprocessing.get_context("fork").Process(target=campaign)
    child.start()
    child.join()
"""


def test_worker__that_is_asked_from_inside_does_not_wait_for_itself():
    content = np.frombuffer(cloudpickle.dumps(Toy()), dtype=np.uint8)

    class Asking(Toy):
        def run(self, piece):
            return serve("inner", content, [piece])[0]

    outer = np.frombuffer(cloudpickle.dumps(Asking()), dtype=np.uint8)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(serve, "outer", outer, [3]).result(timeout=60)[0] == [[9]]
    serving._WORKERS.pop(os.getpid()).put_away()


def test_stream_left_early__is_no_death(caplog):
    warnings.simplefilter("error")
    stream = run_pieces(Portions(range(40), workers=2, rate=10.0), Toy(), workers=2)
    next(stream)
    stream.close()
    assert [record.getMessage() for record in caplog.records] == []


def test_item_that_an_early_end_threw_away__is_passed_over():
    with turn():
        pass
    thrown_away, waits = 7, 8
    thread = SimpleNamespace(call_queue=queue.Queue(), work_ids_queue=queue.Queue(), running_work_items=[])
    thread.pending_work_items = {waits: SimpleNamespace(future=Future(), fn=abs, args=(-3,), kwargs={})}
    for at in (thrown_away, waits):
        thread.work_ids_queue.put(at)
    process_executor._ExecutorManagerThread.add_call_item_to_queue(thread)
    assert thread.running_work_items == [waits]
    assert thread.call_queue.get_nowait().work_id == waits


def test_what_cannot_be_sent__is_said():
    work = Toy()
    work.lock = threading.Lock()
    with pytest.raises(DataError, match=r"cannot be sent to other processes.*lock.*Type n_jobs=1"):
        results(Portions(range(4), workers=2), work, workers=2)
    with pytest.raises(SpecimenError, match=r"could not be made there again \(ZeroDivisionError.*Type n_jobs=1"):
        results(Portions(range(4), workers=2), Unmade(), workers=2)


class Unmade(Toy):
    def __reduce__(self):
        return lambda: 1 / 0, ()


def test_full_folder_of_temporary_files__is_no_death():
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise ValueError("could not pickle") from error
    except ValueError as error:
        with pytest.raises(StoreWriteError, match=r"No space left.*JOBLIB_TEMP_FOLDER"):
            workers._check_room(error)
    workers._check_room(ValueError("another"))


def test_lock__is_free_again_though_a_forked_process_has_the_file_open(tmp_path):
    lock = Lock(tmp_path / "a.lock", "It")
    again = os.dup(lock._handle)  # as a process that was forked has it
    lock.release()
    Lock(tmp_path / "a.lock", "It").remove()
    os.close(again)
    assert not list(tmp_path.iterdir())


def test_lock__of_a_file_that_was_taken_away_meanwhile_is_none(tmp_path):
    handle = os.open(tmp_path / "a.lock", os.O_RDWR | os.O_CREAT)
    (tmp_path / "a.lock").unlink()
    (tmp_path / "a.lock").touch()
    assert not _locked(handle, tmp_path / "a.lock")
    os.close(handle)


def test_pool__whose_thread_has_ended_is_forgotten_and_a_living_one_kept(monkeypatch):
    over = threading.Thread(target=int)
    over.start()
    over.join()
    for thread, stays in ((over, False), (threading.main_thread(), True)):
        pool = SimpleNamespace(_executor_manager_thread=thread)
        monkeypatch.setattr(reusable_executor, "_executor", pool)
        with turn():
            assert (reusable_executor._executor is pool) == stays
