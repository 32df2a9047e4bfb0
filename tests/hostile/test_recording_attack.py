"""Recordings that were once wrong without a word, or lost, each found by an attack; and what is no recording at all."""

import contextlib
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import neurolab as nl
from neurolab import writing
from neurolab.errors import (
    DataError,
    FileFormatError,
    LesionPlanError,
    NeurolabError,
    RefusedSiteError,
    SchemaError,
    SpecimenError,
)
from neurolab.specimen import Padded, alone
from neurolab.specimen.promises import plain_kernels

X = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
EXAMPLE = torch.tensor(X[:4])


def shown(inputs, **columns):
    n = len(inputs)
    table = {"stimulus_id": [f"s{at}" for at in range(n)], "condition": ["x"] * n, **columns}
    return nl.StimulusSet("shown", np.asarray(inputs), pd.DataFrame(table))


def specimen(seed=0, name="net", width=8):
    torch.manual_seed(seed)
    return nl.Specimen(nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 3)), EXAMPLE, name=name)


STIMULI = shown(X)


def hooked(model, path, inputs, size=64):
    """What a plain hook sees at a module's first call, batch by batch."""
    found = []
    hook = lambda module, args, output: found.append(output.detach().clone())  # noqa: E731
    handle = model.get_submodule(path).register_forward_hook(hook)
    with torch.no_grad():
        for part in torch.tensor(inputs).split(size):
            model(part)
    handle.remove()
    return torch.cat(found).numpy()


# -- a store and what was recorded before ------------------------------------------------------------------------------


def test_a_store_that_was_recorded_over__is_no_longer_read_as_what_it_was(tmp_path):
    place = tmp_path / "one.zarr"
    nets = [specimen(seed, f"net-{seed}", width) for seed, width in ((0, 8), (1, 8), (2, 9))]
    first, second, third = (nl.record(net, STIMULI, ["0"], store=place) for net in nets)
    for old in (first, second):
        with pytest.raises(FileFormatError, match=r"recorded over, moved or removed since.*recording.load\(\)"):
            _ = old.values
        with pytest.raises(FileFormatError, match="recorded over"):
            nl.save(old, tmp_path / "copy.zarr")
    assert np.array_equal(third.values, nl.record(nets[2], STIMULI, ["0"]).values)
    assert not (tmp_path / "copy.zarr").exists()


def test_a_store_that_was_removed_or_lost_a_part__is_not_read_as_infinity(tmp_path):
    place = tmp_path / "one.zarr"
    kept = nl.record(specimen(), STIMULI, ["0"], store=place).load()
    found = nl.record(specimen(), STIMULI, ["0"], store=place)
    chunk = next(path for path in sorted((place / "activity" / "c").rglob("*")) if path.is_file())
    content = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(FileFormatError, match="of which a part is gone"):
        _ = found.values
    chunk.write_bytes(content)
    assert np.array_equal(found.isel(neuroid=[1, 3], presentation=slice(None, None, -2)), kept[::-2, [1, 3]])
    assert np.array_equal(found[3, ::3], kept[3, ::3])
    assert np.array_equal(found[[7, 0, 5], [4, 1]], kept[[7, 0, 5], [4, 1]])
    shutil.rmtree(place)
    found = nl.record(specimen(), STIMULI, ["0"], store=place)
    shutil.rmtree(place)
    with pytest.raises(FileFormatError, match="moved or removed"):
        float(found.mean())
    assert np.array_equal(kept.values, nl.record(specimen(), STIMULI, ["0"]).values)


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize("moment", ["aside", "in place", "killed"])
def test_an_interrupt_at_the_last_moment__loses_neither_the_old_recording_nor_the_new(
    tmp_path, monkeypatch, saved, moment
):
    place = tmp_path / "one.zarr"
    nl.record(specimen(0), STIMULI, ["0"], store=place)
    before = nl.load(place)
    new = nl.record(specimen(1), STIMULI, ["0"])
    broken = specimen()
    with torch.no_grad():
        broken.model[0].weight[0, 0] = float("nan")
    replace, at = os.replace, place if moment != "aside" else tmp_path / ".one.zarr.old"

    def interrupted(source, target):
        if os.fspath(target) == os.fspath(at) and os.fspath(source) != os.fspath(tmp_path / ".one.zarr.old"):
            if moment == "killed":
                monkeypatch.setattr(writing, "put_back", lambda target: None)
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(writing.os, "replace", interrupted)
    again = (lambda: nl.save(new, place)) if saved else (lambda: nl.record(specimen(1), STIMULI, ["0"], store=place))
    with pytest.raises(KeyboardInterrupt):
        again()
    monkeypatch.undo()
    if moment != "killed":
        assert nl.load(place).identical(before)
        assert [path.name for path in tmp_path.iterdir()] == ["one.zarr"]
    else:
        assert nl.load(_moved(tmp_path)).identical(before)
        monkeypatch.setattr("neurolab.storage.count_chunks", _no_room)
        with pytest.raises(NeurolabError):  # what comes next fails as well, and what lay aside is in its place again
            nl.save(new, place) if saved else nl.record(broken, STIMULI, ["0"], store=place)
        monkeypatch.undo()
        assert nl.load(place).identical(before)
    again()
    assert np.array_equal(nl.load(place).values, new.values)
    assert [path.name for path in tmp_path.iterdir()] == ["one.zarr"]


def test_a_link_to_a_store__is_followed(tmp_path):
    (tmp_path / "disk").mkdir()
    nl.record(specimen(0), STIMULI, ["0"], store=tmp_path / "disk" / "real.zarr")
    (tmp_path / "link.zarr").symlink_to(tmp_path / "disk" / "real.zarr")
    found = nl.record(specimen(1), STIMULI, ["0"], store=tmp_path / "link.zarr")
    assert (tmp_path / "link.zarr").is_symlink()
    assert nl.load(tmp_path / "disk" / "real.zarr").identical(found)
    assert sorted(path.name for path in tmp_path.rglob("*.zarr")) == ["link.zarr", "real.zarr"]


def _no_room(folder):
    raise OSError(28, "no space left on device")


def _moved(folder):
    """What a process that was killed left aside, under a name that can be read."""
    shutil.copytree(folder / ".one.zarr.old", folder.parent / f"{folder.name}.zarr")
    return folder.parent / f"{folder.name}.zarr"


# -- lesions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [None, "lesioned.zarr"])
@pytest.mark.parametrize("given", [lambda one: iter([one]), lambda one: one, lambda one: [one]], ids=["i", "1", "[]"])
def test_lesions__however_they_are_given_are_in_place_and_named(tmp_path, store, given):
    lesion = nl.Lesion(nl.ROI("area", {"0": [0, 1]}), nl.Zero())
    found = nl.record(specimen(), STIMULI, ["0"], lesions=given(lesion), store=store and tmp_path / store)
    assert not found.values[:, :2].any()
    assert found.values[:, 2:].any()
    assert found.attrs["lesions"] == '["area"]'


@pytest.mark.parametrize("given", [None, "area", [nl.ROI("area", {"0": [0]})], ["area"], 3])
def test_lesions__that_are_none_are_refused(given):
    with pytest.raises(LesionPlanError, match="among the lesions"):
        nl.record(specimen(), STIMULI, ["0"], lesions=given)


# -- forwards that are left, and forwards that differ ------------------------------------------------------------------


class Counting(nn.Module):
    """Counts on its class how deep the forward is; whoever leaves a forward leaves the count."""

    depth = 0

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 5)

    def forward(self, x):
        Counting.depth += 1
        return self.layer(x) * Counting.depth


class Deep(nn.Module):
    def __init__(self, first, after=lambda: None):
        super().__init__()
        self.first, self.after = first, after
        self.blocks = nn.ModuleList(nn.Linear(5, 5) for _ in range(6))
        self.last = nn.Linear(5, 2)

    def forward(self, x):
        self.first(x)
        for block in self.blocks:
            x = block(x)
        self.reset()
        return self.last(x)

    def reset(self):
        Counting.depth = 0


STATE = {"n": 0}


class Global(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 5)

    def forward(self, x):
        STATE["n"] += 1
        return self.layer(x) * STATE["n"]


class AroundGlobal(Deep):
    def reset(self):
        STATE["n"] = 0


class Typed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 5)

    def forward(self, x):
        torch.set_default_dtype(torch.float64)
        return self.layer(x)


class AroundType(Deep):
    def reset(self):
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(("kind", "first"), [(Deep, Counting), (AroundGlobal, Global), (AroundType, Typed)])
def test_what_a_forward_changes_beside_its_modules__is_seen_before_one_is_left(kind, first):
    torch.manual_seed(0)
    model = kind(first())
    found = nl.record(nl.Specimen(model, EXAMPLE), STIMULI, ["first"], batch_size=8)
    assert (Counting.depth, STATE["n"], torch.get_default_dtype()) == (0, 0, torch.float32)
    assert np.array_equal(found.values, hooked(model, "first", X, 8))


def test_a_site_that_runs_more_often_for_some_stimuli__is_refused():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(5, 5), nn.Linear(5, 2)

        def forward(self, x):
            h = self.a(x)
            return self.b(self.a(h) if bool((x[:, 0] > 2.2).any()) else h)

    inputs = X.clip(-1, 1)
    net = nl.Specimen(Twice(), torch.tensor(inputs[:4]))
    assert nl.record(net, shown(inputs), ["a", "b"]).shape == (40, 7)
    inputs[30, 0] = 3
    with pytest.raises(RefusedSiteError, match=r"'a' ran 2 times for the stimuli 's24' to 's31', 1 when.*runs longest"):
        nl.record(net, shown(inputs), ["a", "b"], batch_size=8)


# -- padding -----------------------------------------------------------------------------------------------------------


def test_padding__is_in_no_mean_where_positions_are_not_tokens():
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.conv, self.out = nn.Embedding(9, 4), nn.Conv1d(4, 6, 1), nn.Linear(6, 2)

        def forward(self, input_ids, attention_mask):
            mask = attention_mask[:, None].float()
            h = self.conv(self.words(input_ids).transpose(1, 2))
            return self.out((h * mask).sum(2) / mask.sum(2))

    ids = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]])
    net = nl.Specimen(Text(), ids, feed=Padded(0))
    for pool in ("mean", "max", "last"):
        with pytest.raises(DataError, match=r"'conv'.*cannot be pooled without the padding"):
            nl.record(net, shown(ids), [nl.Probe("conv", pool=pool)])
    assert nl.record(net, shown(ids), [nl.Probe("conv", pool=None), "out"]).shape == (3, 38)
    words = nl.record(net, shown(ids), ["words"]).values
    assert np.allclose(words[1], net.model.words.weight.detach().numpy()[[4, 5]].mean(0))
    full = np.tile(np.arange(1, 7), (2, 1))
    assert nl.record(nl.Specimen(net.model, full, feed=Padded(0)), shown(full), ["conv"]).shape == (2, 6)


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [None, "named.zarr"])
@pytest.mark.parametrize("name", ["site", "unit", "out_norm", "neuroid", "activity"])
def test_columns_of_stimuli__take_no_place_of_a_recordings_own(tmp_path, store, name):
    with pytest.raises(SchemaError, match=f"'{name}' is the name of what every recording has"):
        nl.record(specimen(), shown(X, **{name: ["a"] * 40}), ["0"], store=store and tmp_path / store)
    assert not list(tmp_path.iterdir())


def test_columns__whose_names_are_the_same_as_text_are_refused():
    stimuli = nl.StimulusSet("s", X, pd.DataFrame({"stimulus_id": [f"s{k}" for k in range(40)], "condition": "x",
                                                   1: range(40), "1": range(40)}))
    with pytest.raises(SchemaError, match="'1' is the name of two columns"):
        nl.record(specimen(), stimuli, ["0"])


@pytest.mark.parametrize("name", ["width/height", "", ".", "..", "zarr.json", "a\0b"])
def test_columns__that_no_file_can_hold_are_refused_before_they_are_lost(tmp_path, name):
    stimuli = shown(X, **{name: range(40)})
    with pytest.raises(SchemaError, match="no file can hold that name"):
        nl.record(specimen(), stimuli, ["0"], store=tmp_path / "named.zarr")
    held = nl.record(specimen(), stimuli, ["0"])
    assert name in held.coords
    for ending in (".zarr", ".nc"):
        with pytest.raises(SchemaError, match="no file can hold that name"):
            nl.save(held, tmp_path / f"saved{ending}")
    assert not list(tmp_path.iterdir())


# -- numbers and gradients ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [None, "grad.zarr"])
def test_a_forward_that_switches_gradients_on__is_recorded_to_disk_too(tmp_path, store):
    class Open(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(5, 6), nn.Linear(6, 2)

        def forward(self, x):
            with torch.enable_grad():
                return self.b(torch.tanh(self.a(x)))

    model = Open()
    found = nl.record(nl.Specimen(model, EXAMPLE), STIMULI, ["a"], store=store and tmp_path / store)
    assert np.array_equal(found.values, hooked(model, "a", X))


def test_whole_numbers_that_a_probe_would_round__are_refused():
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Identity(), nn.Linear(5, 2)

        def forward(self, x):
            self.a((x * 0).long() + 2**40 + torch.arange(5))
            return self.b(x)

    net = nl.Specimen(Whole(), EXAMPLE)
    with pytest.raises(DataError, match=r"whole numbers above 16,777,216.*dtype='float64'"):
        nl.record(net, STIMULI, ["a"])
    exact = nl.record(net, STIMULI, [nl.Probe("a", dtype="float64")])
    assert np.array_equal(exact.values[0], 2**40 + np.arange(5))


# -- what is asked for -------------------------------------------------------------------------------------------------


MASK = np.arange(8) % 2 == 0


@pytest.mark.parametrize("units", [MASK, MASK.tolist(), "12", [1.7, 2.2], [], 3, slice(3), [[1, 2]], [np.nan]], ids=str)
def test_units_of_a_probe__are_whole_numbers(units):
    with pytest.raises(DataError, match=r"expected a list of one or more unit numbers.*flatnonzero"):
        nl.Probe("0", units=units)
    assert nl.Probe("0", units=np.flatnonzero(MASK)).units == (0, 2, 4, 6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0}, {"batch_size": -1}, {"batch_size": "64"}, {"batch_size": None}, {"batch_size": 2.0},
        {"batch_size": np.nan}, {"batch_size": True}, {"batch_size": 0, "max_memory": "1MB"},
        {"stimuli": X}, {"stimuli": torch.tensor(X)}, {"stimuli": None}, {"stimuli": {"a": 1}},
        {"store": 123}, {"store": b"a.zarr"}, {"store": "a\0b.zarr"}, {"store": "x" * 300 + ".zarr"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_setting_of_a_recording__is_said_in_words(tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    settings = {"stimuli": STIMULI, "store": "made.zarr", **wrong}
    with pytest.raises(NeurolabError):
        nl.record(specimen(), settings.pop("stimuli"), ["0"], **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"site": 0}, {"site": None}, {"site": "0", "pool": ["mean"]}], ids=str)
def test_what_is_no_probe__is_said_in_words(wrong):
    with pytest.raises(NeurolabError, match="expected"):
        nl.Probe(**wrong)


# -- modules that are called as the ends are ---------------------------------------------------------------------------


class Named(nn.Module):
    """Its first and last module have the names of the ends of a network."""

    def __init__(self, calls=1):
        super().__init__()
        self.input, self.middle, self.output, self.calls = nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 6), calls

    def forward(self, x):
        h = self.middle(self.input(x))
        for _ in range(self.calls):
            h = self.output(h)
        return 2 * h


@pytest.mark.parametrize("calls", [1, 2])
def test_modules_called_input_and_output__have_addresses_of_their_own(calls):
    torch.manual_seed(0)
    model = Named(calls)
    net = nl.Specimen(model, EXAMPLE, name="named")
    names = net.sites().names
    assert len(set(names)) == len(names)
    last = ["self.output"] if calls == 1 else ["self.output@0", "self.output@1"]
    assert list(names) == ["input", "self.input", "middle", *last, "output"]
    found = nl.record(net, STIMULI, ["input", "self.input", "self.output", "output"])
    assert np.array_equal(found.values[:, :5], X)
    assert np.array_equal(found.values[:, 5:11], hooked(model, "input", X))
    with torch.no_grad():
        assert np.array_equal(found.values[:, -6:], model(torch.tensor(X)).numpy())
    assert np.array_equal(found.values[:, -6:], 2 * found.values[:, -12:-6])
    for site, module in (("self.input", model.input), (last[-1], model.output)):
        lesion = nl.Lesion(nl.ROI("area", {site: [1, 4]}), nl.Zero())
        task = nl.Task("first", STIMULI, lambda outputs, table: outputs[:, 0] + outputs[:, 4])
        score = nl.examine(net, [lesion], [task], progress=False)["score"].values[0, 1]

        def cut(module, args, output, seen=[]):  # noqa: B006
            seen.append(1)
            if module is model.output and len(seen) % calls:
                return output
            return output.index_fill(1, torch.tensor([1, 4]), 0)

        handle = module.register_forward_hook(cut)
        with torch.no_grad():
            right = model(torch.tensor(X)).numpy()
        handle.remove()
        assert np.allclose(score, right[:, 0] + right[:, 4], atol=1e-6)
        weights = nl.Lesion(nl.ROI("area", {"self.input": [2]}), nl.WeightNoise(1.0))
        assert nl.examine(net, [weights], [task], progress=False).sizes["lesion"] == 2


def test_a_second_name_that_is_that_of_an_end__is_not_taken_for_the_end():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(5, 6)
            self.output, self.unused = self.layer, nn.ModuleDict({"output": nn.Linear(2, 2)})

        def forward(self, x):
            return 2 * self.layer(x)

    net = nl.Specimen(Twice(), EXAMPLE)
    found = nl.record(net, STIMULI, ["self.output", "output"])
    assert np.array_equal(found.values[:, 6:], 2 * found.values[:, :6])


# -- threads -----------------------------------------------------------------------------------------------------------


def test_two_threads_with_one_network__one_is_told_so_and_neither_is_wrong():
    right = nl.record(specimen(), STIMULI, ["0"]).values
    begun, go = threading.Event(), threading.Event()

    class Waiting(nn.Module):
        def forward(self, x):
            if begun.is_set() and threading.current_thread() is not threading.main_thread():
                go.wait(10)
            return x

    torch.manual_seed(0)
    model = nn.Sequential(*specimen().model, Waiting())
    net = nl.Specimen(model, EXAMPLE, name="shared")
    begun.set()
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(nl.record, net, STIMULI, ["0"])
        for _ in range(1000):
            if alone._BUSY:
                break
            time.sleep(0.001)
        with pytest.raises(SpecimenError, match="'shared' is on the bench in another thread"):
            nl.record(net, STIMULI, ["0"])
        go.set()
        assert np.array_equal(one.result().values, right)
    assert not alone._BUSY
    assert np.array_equal(nl.record(net, STIMULI, ["0"]).values, right)


def test_threads_with_networks_of_their_own__work_side_by_side():
    nets = [specimen(seed, f"net-{seed}") for seed in range(3)]
    right = [nl.record(net, STIMULI, ["0", "1"]).values for net in nets]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(5):
            found = list(pool.map(lambda net: nl.record(net, STIMULI, ["0", "1"], batch_size=3).values, nets))
            assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(found, right))


def test_the_paths_that_skip_hooks__stay_shut_until_the_last_thread_is_done():
    assert torch.backends.mha.get_fastpath_enabled()
    first, second = plain_kernels(), plain_kernels()
    first.__enter__()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(second.__enter__).result()
        first.__exit__(None, None, None)
        assert not torch.backends.mha.get_fastpath_enabled()
        pool.submit(second.__exit__, None, None, None).result()
    assert torch.backends.mha.get_fastpath_enabled()
    with contextlib.suppress(ValueError), plain_kernels():
        raise ValueError
    assert torch.backends.mha.get_fastpath_enabled()


# -- at load -----------------------------------------------------------------------------------------------------------


def test_a_forward_in_inference_mode__is_refused_with_what_to_do():
    class Inferring(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(5, 6)

        @torch.inference_mode()
        def forward(self, x):
            return self.a(x)

    with pytest.raises(SpecimenError, match=r"torch.inference_mode\(\).*Take that out of the model"):
        nl.Specimen(Inferring(), EXAMPLE)
    net = specimen()
    with torch.inference_mode():
        assert nl.record(net, STIMULI, ["0"]).shape == (40, 8)
