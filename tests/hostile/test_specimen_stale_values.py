"""What scores, networks and lesions hold counts by what it is: no store serves the cells of another one."""

import collections
import dataclasses
import decimal
import fractions
import functools
import itertools
import operator
import pathlib
import re
import sys
import types
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from torch import nn

import neurolab as nl
from neurolab.digest import digest_of
from neurolab.errors import DataError, LesionPlanError
from neurolab.specimen.code import code_of
from neurolab.specimen.identity import identity_of


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k):
        self.k = k


class Both(Slotted):
    def __init__(self, k, more):
        super().__init__(k)
        self.more = more


class Stated:
    def __init__(self, k):
        self.k = k

    def __reduce__(self):
        return Stated, (0,), {"k": self.k}


class Enclosing:
    @staticmethod
    def of(k):
        """A function that an installed module made of somebody's own number."""
        made = types.FunctionType((lambda: k).__code__, {}, closure=(types.CellType(k),))
        made.__module__ = "json"
        return made


class Plain:
    def __init__(self, **settings):
        vars(self).update(settings)


class Titled(dict):
    pass


def texts(thing):
    return tuple(code_of(thing))


def dotted(k):
    def score(outputs, table):
        return outputs[:, score.k]

    score.k = k
    return score


def titled(title):
    made = Titled(a=1)
    made.title = title
    return made


def masked(*mask):
    return np.ma.masked_array([1.0, 2.0], mask=mask)


def cells(k):
    made = np.empty(2, dtype=object)
    made[:] = [np.zeros(1500), np.full(1500, float(k))]
    return made


def decoder(k, *, training=False, hidden=0.0):
    made = nn.Sequential(nn.Linear(1, 1), nn.Dropout(k)).train(training)
    made[0].register_buffer("aside", torch.tensor(hidden), persistent=False)
    with torch.no_grad():
        made[0].weight.fill_(1.0)
        made[0].bias.fill_(0.0)
    return made


@functools.cache
def cached(k):
    return lambda x: x + k


VALUES = [
    (slice(0, 1), slice(1, 3)),
    (range(3), range(4)),
    (re.compile("a"), re.compile("b")),
    (operator.itemgetter(0), operator.itemgetter(1)),
    (float.__neg__, float.__abs__),
    (torch.Tensor.exp, torch.Tensor.neg),
    ([1].append, [2].append),
    (collections.deque([1]), collections.deque([2])),
    (collections.defaultdict(int), collections.defaultdict(float)),
    (fractions.Fraction(1, 2), fractions.Fraction(1, 3)),
    (decimal.Decimal(1), decimal.Decimal(2)),
    (pathlib.Path("a"), pathlib.Path("b")),
    (torch.float32, torch.bfloat16),
    (np.dtype("f4"), np.dtype("f8")),
    (torch.eye(2).to_sparse(), 2 * torch.eye(2).to_sparse()),
    (bytearray(b"a"), bytearray(b"b")),
    (Slotted(1), Slotted(2)),
    (Plain(k=1), Plain(k=2)),
    (titled("a"), titled("b")),
    (xr.DataArray([1.0], dims="x"), xr.DataArray([2.0], dims="x")),
    (xr.DataArray([1.0], dims="x", attrs={"u": 1}), xr.DataArray([1.0], dims="x", attrs={"u": 2})),
    (xr.Dataset({"a": ("x", [1])}), xr.Dataset({"b": ("x", [1])})),
    (pd.Series([1, "1"]), pd.Series(["1", 1])),
    (pd.Series(["a"], dtype=pd.CategoricalDtype(["a", "b"])), pd.Series(["a"], dtype=pd.CategoricalDtype(["b", "a"]))),
    (pd.Index([1], name="a"), pd.Index([1], name="b")),
    (pd.DataFrame({"a": [1]}, index=[0]), pd.DataFrame({"a": [1]}, index=[1])),
    (cells(1), cells(2)),
    (masked(0, 1), masked(1, 0)),
    (np.array(None, dtype=object), np.array(1, dtype=object)),
    (dotted(0), dotted(1)),
    (weakref.ref(Slotted), weakref.ref(Plain)),
    (functools.partial(max, 1), functools.partial(max, 2)),
    (functools.partial(max, key=len), functools.partial(max, key=abs)),
    (Both(1, 1), Both(2, 1)),
    (Both(1, 1), Both(1, 2)),
    (Stated(1), Stated(2)),
    (ValueError("a"), ValueError("b")),
    (Enclosing.of(1), Enclosing.of(2)),
    (functools.lru_cache(lambda x: x), functools.lru_cache(lambda x: 2 * x)),
    (decoder(0.1), decoder(0.2)),
    (decoder(0.1), decoder(0.1, training=True)),
    (decoder(0.1), decoder(0.1, hidden=1.0)),
    (itertools.count(1), itertools.count(2)),
    ({"a": 1}, types.MappingProxyType({"a": 2})),
]


@pytest.mark.parametrize(("one", "other"), VALUES, ids=[type(one).__name__ for one, _ in VALUES])
def test_values_of_one_type_are_told_apart(one, other):
    assert texts(one) != texts(other)
    assert texts([one]) == texts([one])
    assert texts((one, other)) != texts((other, one))


def test_equal_things_are_equal_whether_or_not_they_are_one():
    a, b = [1, 2], [1, 2]
    assert texts((a, a)) == texts((a, b))
    assert texts({"x": {3, 1, 2}}) == texts({"x": {2, 3, 1}})
    assert texts(Slotted((1, 2))) == texts(Slotted((1, 2)))


def test_a_thing_that_comes_again_counts_again():
    def add(x):
        return x + 1

    def double(x):
        return 2 * x

    assert texts([add, double, add]) != texts([add, double, double])
    assert texts([add, add]) != texts([add])


def test_an_exception_counts_without_what_comes_to_it_as_it_is_raised():
    error = ValueError("a")
    before = texts(error)
    error.add_note("under a lesion")
    assert texts(error) == before


def test_what_is_nested_too_deep_is_refused():
    deep = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(DataError, match="nested too deep"):
        texts(deep)


def test_circles_end_and_count():
    def ring(k):
        made = Plain(k=k)
        made.me = [made]
        return made

    assert texts(ring(1)) == texts(ring(1))
    assert texts(ring(1)) != texts(ring(2))


def test_what_cannot_be_told_is_refused():
    with pytest.raises(DataError, match=r"Of a generator nothing can be told .* examine without store="):
        texts(one for one in range(3))


def test_a_function_made_by_an_installed_one_counts_by_what_it_closes_over():
    def one(x):
        return x

    def other(x):
        return -x

    assert texts(np.vectorize(one)) != texts(np.vectorize(other))
    assert texts(functools.wraps(one)(lambda *a: one(*a))) != texts(functools.wraps(other)(lambda *a: other(*a)))


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A package of the user's own whose helper can be written anew."""
    folder = tmp_path / "ownlab"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def write(text):
        (folder / "sub.py").write_text(text)
        for name in [one for one in sys.modules if one.partition(".")[0] == "ownlab"]:
            del sys.modules[name]

    yield write
    for name in [one for one in sys.modules if one.partition(".")[0] == "ownlab"]:
        del sys.modules[name]


@pytest.mark.parametrize("body", [
    "import ownlab.sub\ndef score(o): return ownlab.sub.f(o)",
    "import ownlab.sub as helper\ndef score(o): return helper.f(o)",
    "def score(o):\n    from ownlab.sub import f\n    return f(o)",
    "def score(o):\n    import ownlab.sub\n    return ownlab.sub.f(o)",
    "import ownlab.sub\ndef score(o): return o * ownlab.sub.K",
])  # fmt: skip
def test_helpers_of_a_package_count_however_they_are_imported(lab, body):
    found = []
    for text in ("K = 1\ndef f(o): return o", "K = 2\ndef f(o): return 2 * o"):
        lab(text)
        space = {"__name__": "written_here"}
        exec(body, space)
        found.append(texts(space["score"]))
    assert found[0] != found[1]


def test_an_installed_module_counts_by_its_version(monkeypatch):
    import scipy.stats

    def score(o):
        return scipy.stats.rankdata(o)

    before = texts(score)
    monkeypatch.setattr(sys.modules["scipy"], "__version__", "0.0")
    assert texts(score) != before


class Net(nn.Module):
    def __init__(self, **settings):
        super().__init__()
        torch.manual_seed(3)
        self.l, self.o = nn.Linear(4, 5), nn.Linear(5, 3)
        vars(self).update(settings)

    def forward(self, x):
        hidden = torch.relu(self.l(x))
        if hasattr(self, "config"):
            self.config["last"] = float(hidden.sum())
        if hasattr(self, "parts"):
            self.parts[1]["last"] = float(hidden.sum())
        if hasattr(self, "cfg"):
            self.cfg.last = float(hidden.sum())
        if hasattr(self, "cache"):
            self.cache[f"{len(self.cache)} {float(hidden.sum())}"] = hidden
        return self.o(hidden)


def code(net):
    specimen = nl.Specimen(net, torch.zeros(1, 4), name="net")
    return identity_of(specimen, [], 4, "rounding")["model code"]


@pytest.mark.parametrize("made", [
    lambda k: {"config": {"gain": k}},
    lambda k: {"config": {"gain": k, "last": 0.0}},
    lambda k: {"config": {"deep": {"gain": k}, "last": 0.0}},
    lambda k: {"cfg": Plain(gain=k)},
    lambda k: {"hidden": [nn.Dropout(k / 10)]},
    lambda k: {"acts": [torch.relu, torch.exp, torch.relu if k == 1 else torch.exp]},
    lambda k: {"dtype": torch.float32 if k == 1 else torch.bfloat16},
    lambda k: {"span": slice(0, k)},
    lambda k: {"slotted": Slotted(k)},
    lambda k: {"cache": {"gain": k}},
    lambda k: {"parts": [k, {"last": 0.0}]},
])  # fmt: skip
def test_settings_of_a_network_count_also_beside_what_its_forward_leaves(made):
    assert code(Net(**made(1))) == code(Net(**made(1)))
    assert code(Net(**made(1))) != code(Net(**made(2)))


def test_a_cache_that_a_forward_fills_is_no_setting():
    net = Net(cache={})
    first = code(net)
    with torch.no_grad():
        net(torch.ones(1, 4))
    assert code(net) == first


@dataclasses.dataclass(frozen=True, eq=False)
class Add(nl.ablation.Ablation):
    value: object


def many(k):
    made = torch.zeros(3000)
    made[1500] = k
    return made


@pytest.mark.parametrize("made", [
    many, lambda k: many(k).bfloat16(), lambda k: many(k).requires_grad_(), lambda k: pd.Series(many(k).numpy()),
    lambda k: pd.DataFrame({"a": [1], k: [1]}), lambda k: cells(k), lambda k: np.array([k, "1"], dtype=object),
    lambda k: (lambda x: x + k), lambda k: Add(many(k)), lambda k: np.array(["1" if k == 1 else 1], dtype=object),
])  # fmt: skip
def test_settings_of_an_ablation_count_by_content(made):
    def digest(k):
        return nl.Lesion(nl.ROI("u", {"l": [0]}), Add(made(k))).digest

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_settings_that_have_no_content_are_refused():
    with pytest.raises(DataError, match="has no content that could be told from that of another one"):
        digest_of(iter([1]))


@pytest.mark.parametrize("rng", [1.5, None, True, "1", np.random.default_rng(0)])
def test_the_rng_of_a_lesion_is_a_whole_number(rng):
    with pytest.raises(LesionPlanError, match=r"Lesion\(rng=...\) was"):
        nl.Lesion(nl.ROI("u", {"l": [0]}), nl.Zero(), rng=rng)
    assert type(nl.Lesion(nl.ROI("u", {"l": [0]}), nl.Zero(), rng=np.int64(3)).rng) is int


def test_a_name_that_no_file_can_hold_is_refused():
    with pytest.raises(LesionPlanError, match="half a character"):
        nl.Lesion(nl.ROI("u", {"l": [0]}), nl.Zero(), name="x\ud83d")


def test_columns_of_stimuli_count_by_type_and_content():
    def stimuli(column):
        table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "x"], "seen": column})
        task = nl.Task("t", nl.StimulusSet("s", np.zeros((2, 4), "f4"), table), len)
        return identity_of(nl.Specimen(Net(), torch.zeros(1, 4), name="net"), [task], 4, "bit")["stimuli of t"]

    ordered = [pd.Categorical(["a", "b"], categories=order) for order in (["a", "b"], ["b", "a"])]
    for one, other in ((["1", 1], [1, "1"]), (cells(1), cells(2)), ordered):
        assert stimuli(one) == stimuli(one)
        assert stimuli(one) != stimuli(other)


def test_a_cached_function_is_followed():
    assert texts(cached(1)) != texts(cached(2))
