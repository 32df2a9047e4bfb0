"""Laws of a campaign's store: whatever is killed when, no finished cell is lost, and the trials have the same bytes."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurolab import campaign, lock, writing
from neurolab.campaign import Cell, Store, disk, filled, finished, store
from neurolab.errors import DataError, UnfinishedError, UnknownNameError
from neurolab.storage import load
from neurolab.trials import finished as finished_lesions
from neurolab.trials import make_trials

N, T, DESIGN = 6, 4, "0a1b"
IDENTITY = {"specimen": "net", "weights": "ab", "stimuli": {"faces": "cd"}, "versions": {"torch": "2.13"}}
SCORES = np.random.default_rng(0).random((N, T))
#: What a process does to files; before each of them it can be killed.
STEPS = {"open", "write", "fsync", "close", "replace", "link", "unlink", "ftruncate", "lseek", "makedirs"}


class KilledError(BaseException):
    """The process is gone: nothing in it may clean up."""


class Process:
    """What the machine knows of one process: its open files, and how many steps it has left to live."""

    def __init__(self, left=None):
        self.left, self.dead, self.handles, self.steps = left, False, set(), 0


class Machine:
    """Stands in for ``os``: counts the steps of the process that is running and kills it before one of them."""

    def __init__(self):
        self.running = Process()

    def __getattr__(self, name):
        real = getattr(os, name)
        return partial(self._step, name, real) if name in STEPS else real

    def _step(self, name, real, *args, **options):
        process = self.running
        process.steps += 1
        if process.left is not None and process.steps > process.left and not process.dead:
            process.dead = True
            if name == "write":  # killed in the middle of it
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
        if process.dead:
            raise KilledError
        if name == "fsync":  # slow, and nothing that a kill could tell
            return None
        done = real(*args, **options)
        if name == "open":
            process.handles.add(done)
        if name == "close":
            process.handles.discard(args[0])
        return done

    def bury(self, process):
        """Do what the kernel does for a dead process: close its files, which takes its locks away."""
        for handle in process.handles:
            os.close(handle)
        process.handles = set()


@contextmanager
def machine():
    made = Machine()
    with pytest.MonkeyPatch.context() as patch:
        for module in (disk, lock, store, finished, writing):
            patch.setattr(module, "os", made)
        yield made


def skeleton(specimen="net", n=N):
    return make_trials(
        np.broadcast_to(0.0, (1, n, T)),
        specimen=[specimen],
        lesions={
            "lesion_id": [f"lesion {k}" for k in range(n)],
            "roi": ["roi"] * n,
            "role": ["sham"] + ["target"] * (n - 1),
            "ladder": [""] * n,
            "rung": [float("nan")] * n,
        },
        trial={
            "task": ["faces"] * T,
            "stimulus_id": list("abcd"),
            "condition": list("xxyy"),
            "shown": np.array(["2026-01-01"] * T, dtype="M8[ns]"),
            "upright": [True, False] * 2,
        },
        tasks={"faces": {"unit": "proportion correct", "bounded": True, "chance": 0.5}},
        kind="ann",
        per_lesion={"lesion_digest": [[f"digest {k}" for k in range(n)]]},
    )


def facts(k):
    return {"fired": k, "changed": k / 3, "vacuous": k == 2, "read": None if k == 1 else True, "path": f"slice {k}"}


def cell(k):
    return Cell(SCORES[k], facts(k))


def key(opened, k):
    return opened.key(f"digest {k}", {"path": "slice", "copies": 4})


def begin(folder, writer="all"):
    opened = Store.open(folder, IDENTITY, writer=writer)
    opened.plan(DESIGN, lambda: {"groups": [1, 2]})
    opened.outline(DESIGN, skeleton(), [key(opened, k) for k in range(N)])
    return opened


def tree(folder):
    paths = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def finalised(folder):
    with begin(folder) as opened:
        opened.put({key(opened, k): cell(k) for k in range(N)})
        opened.finalise(DESIGN)
    return tree(pathlib.Path(folder) / "net" / "designs" / DESIGN / "trials.zarr")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The bytes of a campaign that nothing disturbed."""
    return finalised(tmp_path_factory.mktemp("undisturbed"))


puts = st.tuples(st.sampled_from(["1/2", "2/2"]), st.sets(st.integers(0, N - 1), min_size=1), st.integers(0, 60))


@settings(max_examples=30, deadline=None)
@given(st.lists(puts, min_size=1, max_size=8))
def test_store__loses_no_committed_cell_whatever_is_killed(schedule):
    undisturbed = filled(skeleton(), SCORES, [facts(k) for k in range(N)])
    with tempfile.TemporaryDirectory() as folder, machine() as os_:
        alive, committed = {}, set()
        for writer, wanted, left in schedule:
            process, opened = alive.pop(writer, (Process(), None))
            os_.running, process.left = process, process.steps + left
            try:
                opened = opened or begin(folder, writer)
                opened.put({key(opened, k): cell(k) for k in sorted(wanted)})
                committed |= wanted
                alive[writer] = process, opened
            except KilledError:
                os_.bury(process)
        os_.running = Process()
        with begin(folder, "reader") as opened:
            done = opened.done()
            assert {key(opened, k) for k in committed} <= done
            there = [k for k in range(N) if key(opened, k) in done]
            scores, told = opened.get([key(opened, k) for k in there])
            assert np.array_equal(scores.reshape(-1, T), SCORES[there])
            assert told == [facts(k) for k in there]
        for process, _ in alive.values():
            os_.bury(process)
        os_.running = Process()
        with begin(folder) as opened:
            opened.put({key(opened, k): cell(k) for k in range(N)})
            trials = opened.trials(DESIGN)
        assert trials.identical(undisturbed)
        assert [*trials.variables, *trials.attrs] == [*undisturbed.variables, *undisturbed.attrs]


def life(folder):
    """All that one process does in a campaign; gives what it had committed when it was killed."""
    committed, opened = [], None
    with suppress(KilledError):
        opened = begin(folder)
        for ks in ([0, 3], [1], [2, 4, 5]):
            opened.put({key(opened, k): cell(k) for k in ks})
            committed += ks
            if ks == [1]:
                opened.poison({key(opened, 5): "ValueError: once"})
        opened.close()
    return committed


def test_store__opens_after_a_kill_before_every_single_step(tmp_path):
    with machine() as os_:
        life(tmp_path / "whole")
        steps = os_.running.steps
        assert steps > 60
        for left in range(steps):
            folder = tmp_path / str(left)
            os_.running = Process(left)
            committed = life(folder)
            os_.bury(os_.running)
            os_.running = Process()
            with begin(folder) as opened:
                done = opened.done()
                assert {key(opened, k) for k in committed} <= done
                for together in ([0, 3], [2, 4, 5]):  # a commit is there or it is not
                    assert len({key(opened, k) in done for k in together}) == 1
            if left % 5 == 0:
                os_.running = Process()
                assert life(folder) == [0, 3, 1, 2, 4, 5]
                names = [name for name in tree(folder) if name.startswith("net/shards") or name.endswith(".part")]
                assert len(names) <= 3


def test_finalise__killed_before_every_step_leaves_whole_trials_or_none(tmp_path, expected):
    with machine() as os_:
        with begin(tmp_path / "other") as opened:
            opened.put({key(opened, k): cell(k) for k in range(N)})
        shutil.copytree(tmp_path / "other" / "net", tmp_path / "net")
        os_.running = Process()
        with begin(tmp_path / "other") as opened:
            opened.finalise(DESIGN)
        place, steps = tmp_path / "net" / "designs" / DESIGN, os_.running.steps
        for left in (steps // 2, *range(steps - 8, steps + 1)):
            os_.running = Process(left)
            try:
                with begin(tmp_path) as opened:
                    opened.finalise(DESIGN)
            except KilledError:
                os_.bury(os_.running)
                assert not (place / "trials.zarr").exists() or tree(place / "trials.zarr") == expected
                if (place / "trials.zarr").exists():
                    (place / "trials.zarr").rename(tmp_path / f"{left}")
        assert not os_.running.dead
        assert sorted(path.name for path in place.iterdir()) == ["outline.json", "plan.json", "trials.zarr"]
        assert tree(place / "trials.zarr") == expected


def test_finalise__of_two_writers_at_once_leaves_one(tmp_path, expected, monkeypatch):
    with begin(tmp_path, "1/2") as one, begin(tmp_path, "2/2") as two:
        one.put({key(one, k): cell(k) for k in range(N)})
        place = tmp_path / "net" / "designs" / DESIGN
        replace, met = os.replace, []

        def race(draft, target):
            if not met and target == place / "trials.zarr":
                met.append(target)
                two.finalise(DESIGN)
            replace(draft, target)

        monkeypatch.setattr(os, "replace", race)
        one.finalise(DESIGN)
        assert met == [place / "trials.zarr"]
        assert tree(place / "trials.zarr") == expected
        assert len(list(place.iterdir())) == 3


@pytest.mark.parametrize("order", [[*range(N)], [*reversed(range(N))], [3, 1, 0, 5, 4, 2]], ids=str)
def test_finalised_bytes__do_not_depend_on_order_writers_or_merging(tmp_path, expected, order):
    order = list(order)
    for writer, mine in (("1/3", order[:1]), ("2/3", order[1:4]), ("3/3", order[3:])):
        with begin(tmp_path / writer[0], writer) as opened:
            for k in mine:
                opened.put({key(opened, k): cell(k)})
    table = campaign.merge([tmp_path / "1", tmp_path / "3"], tmp_path / "whole")
    assert table[["done", "planned", "finished"]].values.tolist() == [[len({order[0], *order[3:]}), N, False]]
    table = campaign.merge([tmp_path / name for name in "123"], tmp_path / "whole")
    assert table[["done", "planned", "finished"]].values.tolist() == [[N, N, True]]
    assert tree(tmp_path / "whole" / "net" / "designs" / DESIGN / "trials.zarr") == expected


def test_finalised_trials__are_those_without_a_store(tmp_path):
    with begin(tmp_path) as opened:
        opened.put({key(opened, k): cell(k) for k in range(N)})
        trials = opened.finalise(DESIGN)
    assert trials.identical(filled(skeleton(), SCORES, [facts(k) for k in range(N)]))
    assert trials.identical(load(tmp_path / "net" / "designs" / DESIGN / "trials.zarr"))
    assert trials.identical(campaign.partial(tmp_path))
    backwards = filled(skeleton(), SCORES, [dict(reversed(facts(k).items())) for k in range(N)])
    assert [*backwards.variables] == [*trials.variables]
    kinds = {name: trials[name].dtype.kind for name in facts(0)}
    assert kinds == {"fired": "i", "changed": "f", "vacuous": "b", "read": "f", "path": "O"}
    assert trials["shown"].dtype == "M8[ns]"
    assert trials["upright"].dtype == bool


def test_partial__has_the_finished_lesions_of_every_network(tmp_path):
    for name, n_done in (("net", N), ("other net", 2), ("not begun", 0)):
        with Store.open(tmp_path, {**IDENTITY, "specimen": name}) as opened:
            keys = [key(opened, k) for k in range(N)]
            opened.outline(DESIGN, skeleton(name), keys)
            opened.put({keys[k]: cell(k) for k in range(n_done)})
    trials = campaign.partial(tmp_path)
    assert list(trials["specimen"].values) == ["net", "other net"]
    assert trials.attrs["partial"] == "2 of 6 lesions of other net are done"
    assert np.array_equal(np.isnan(trials["score"][1]).all("trial"), [False] * 2 + [True] * 4)
    kept = finished_lesions(trials)
    assert np.array_equal(kept["score"], np.stack([SCORES[:2]] * 2))
    table = campaign.status(tmp_path).set_index("specimen")
    assert table["done"].to_dict() == {"net": N, "not begun": 0, "other net": 2}


def test_two_designs_of_one_network__share_their_cells(tmp_path):
    with begin(tmp_path) as opened:
        opened.put({key(opened, k): cell(k) for k in range(4)})
        few = skeleton(n=3)
        opened.outline("ffff", few, [key(opened, k) for k in range(3)])
        assert opened.missing("ffff") == []
        assert opened.missing(DESIGN) == [key(opened, 4), key(opened, 5)]
        assert opened.finalise("ffff").identical(filled(few, SCORES[:3], [facts(k) for k in range(3)]))
        with pytest.raises(UnfinishedError, match="2 of the 6 cells"):
            opened.finalise(DESIGN)
    with pytest.raises(UnknownNameError, match="holds 2 designs"):
        campaign.partial(tmp_path)
    name = campaign.status(tmp_path).set_index("planned").loc[3, "design"]
    assert campaign.partial(tmp_path, design=name).sizes["lesion"] == 3


def test_plan__is_that_of_the_first_writer(tmp_path):
    with begin(tmp_path, "1/2") as one, begin(tmp_path, "2/2") as two:
        assert one.plan("aa", lambda: {"copies": 4}) == {"copies": 4}
        assert two.plan("aa", lambda: pytest.fail("a plan is there")) == {"copies": 4}
        # made by both at once: the other's lands while this one is being made
        assert one.plan("bb", lambda: two.plan("bb", lambda: {"by": "two"}) and {"by": "one"}) == {"by": "two"}


def test_done__sees_what_other_writers_commit_meanwhile(tmp_path):
    with begin(tmp_path, "1/2") as one, begin(tmp_path, "2/2") as two:
        one.put({key(one, 0): cell(0)})
        assert two.done() == {key(two, 0)}
        two.put({key(two, 1): cell(1), key(two, 0): cell(0)})
        assert one.done() == {key(one, 0), key(one, 1)}
        assert np.array_equal(one.get([key(one, 1), key(one, 0)])[0], SCORES[[1, 0]])


@pytest.mark.parametrize("order", [["1/2", "2/2"], ["2/2", "1/2"]], ids=str)
def test_cells_computed_twice__are_the_same_ones_whoever_came_first(tmp_path, order):
    """Another type of processor may round otherwise; then one of the two is chosen by name, not by time."""
    with begin(tmp_path, "1/2") as one, begin(tmp_path, "2/2") as two:
        writers = {"1/2": (one, 1.0), "2/2": (two, 2.0)}
        for name in order:
            opened, value = writers[name]
            opened.put({key(opened, 0): Cell(np.full(T, value), {"by": name})})
        for opened in (one, two):
            opened.done()
            scores, told = opened.get([key(opened, 0)])
            assert (scores[0, 0], told) == (1.0, [{"by": "1/2"}])


def test_failed_cells__are_said_and_can_be_mended(tmp_path):
    with begin(tmp_path) as opened:
        opened.poison({key(opened, 2): "MemoryError: too large"})
        opened.put({key(opened, k): cell(k) for k in (0, 1, 3, 4, 5)})
        with pytest.raises(UnfinishedError, match=r"1 could not be computed \(MemoryError: too large"):
            opened.finalise(DESIGN)
        trials = opened.partial(DESIGN)
        assert trials.attrs["failed"] == '{"lesion 2": "MemoryError: too large"}'
        assert np.isnan(trials["score"][0, 2]).all()
        assert campaign.status(tmp_path)["failed"].item() == 1
        opened.put({key(opened, 2): cell(2)})
        assert "failed" not in opened.finalise(DESIGN).attrs
    assert campaign.status(tmp_path)["failed"].item() == 0


def test_put__refuses_what_no_score_can_be(tmp_path):
    with begin(tmp_path) as opened:
        with pytest.raises(DataError, match="NaN or inf"):
            opened.put({"k": Cell(np.array([0.0, np.nan]), {})})
        looped: dict = {}
        looped["again"] = looped
        for strange in (np.float32(1), np.zeros(2), {1}, looped, object()):
            with pytest.raises(DataError, match=r"facts of a cell cannot be committed \(.*number\.item\(\)"):
                opened.put({"k": Cell(np.zeros(3), {"fine": 1, "strange": strange})})
        assert not list((opened.folder / "shards").iterdir())
        with pytest.raises(DataError, match="key per lesion"):
            opened.outline("ee", skeleton(), ["a"])
        with pytest.raises(DataError, match="share a key"):
            opened.outline("ee", skeleton(), ["a"] * N)
        assert opened.done() == frozenset()
    with pytest.raises(DataError, match="'roi'"):
        filled(skeleton(), SCORES, [{"roi": 1.0}] * N)


def test_status__knows_who_runs_and_how_long_it_will_take(tmp_path):
    with begin(tmp_path) as opened:
        opened.put({key(opened, k): cell(k) for k in range(2)})
        row = campaign.status(tmp_path).iloc[0]
        assert (row["done"], row["planned"], row["finished"]) == (2, N, False)
        assert f"process {os.getpid()} on " in row["running"]
        assert 0 <= row["seconds_left"] < 60
        assert row["last_commit"].endswith("+00:00")
    row = campaign.status(tmp_path).iloc[0]
    assert row["running"] == ""
    assert np.isnan(row["seconds_left"])


def test_import__is_light():
    script = "import sys, neurolab.campaign.store, neurolab.campaign.overview, neurolab.campaign.joined\n"
    script += "print(*sorted({'torch', 'xarray', 'pandas', 'zarr', 'h5netcdf', 'joblib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
