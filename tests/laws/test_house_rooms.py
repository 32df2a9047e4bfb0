"""What a room shows is what is public: a newcomer types dir(room) and finds names to use, each of them told."""

import importlib
import inspect
import pathlib
import pkgutil
import re
import subprocess
import sys
import types

import pytest

import neurolab as nl
from neurolab import whereabouts

ROOT = pathlib.Path(nl.__file__).parent
SOURCES = "\n".join(path.read_text("utf-8") for path in sorted(ROOT.rglob("*.py")))
TOP = [name for name in nl.__all__ if isinstance(getattr(nl, name), types.ModuleType)]
ROOMS = sorted({*TOP, "calibrate", "cli", "lab", "protocol", "report"})
#: Rooms of one file, which are imported by themselves.
FILES = ("ablation", "coalitions", "contrast", "design", "lesion", "lesion_columns", "matching", "rdms", "recording",
         "roi", "schema", "screening", "stimuli", "storage", "trials")  # fmt: skip


def room_of(name):
    return importlib.import_module(f"neurolab.{name}")


def told(name, value):
    """Whether a name has words of its own: a docstring somebody wrote, or a comment ``#:`` above a constant."""
    if isinstance(value, type) or inspect.isroutine(value):
        words = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
        return bool(words) and not words.startswith(f"{name}(")  # what a dataclass writes of itself tells nothing
    if type(value).__module__.startswith("neurolab"):
        return told(type(value).__name__, type(value))
    return re.search(rf"^#: .*\n(?:#.*\n)*{name}\b", SOURCES, flags=re.MULTILINE) is not None


def ours(value):
    return str(getattr(value, "__module__", None) or type(value).__module__).startswith("neurolab")


@pytest.mark.parametrize("room", [*ROOMS, *FILES])
def test_dir__of_a_room_is_its_public_names(room):
    module = room_of(room)
    shown = [name for name in dir(module) if not (name.startswith("__") and name.endswith("__"))]
    assert shown == sorted(module.__all__)
    assert len(shown) == len(set(shown)) > 0
    values = {name: getattr(module, name) for name in shown}
    submodules = [name for name, value in values.items() if isinstance(value, types.ModuleType)]
    if room == "stats":  # its names are its submodules, each a page of functions
        assert submodules == shown
        return
    assert not submodules
    foreign = [name for name, value in values.items() if callable(value) and not ours(value)]
    assert not foreign
    assert [name for name, value in values.items() if not told(name, value)] == []
    assert not [name for name in shown if name.startswith("_")]


def test_rooms__what_is_imported_into_one_on_purpose_is_shown():
    for room in ("brain", "cli", "plots", "specimen"):
        text = (ROOT / room / "__init__.py").read_text("utf-8")
        meant = set(re.findall(r"^from neurolab\.\w+\.\w+ import (\w+) as \1$", text, flags=re.MULTILINE))
        assert meant <= set(room_of(room).__all__)
    assert len(room_of("specimen").__all__) > 35


def test_rooms__submodules_can_still_be_imported():
    from neurolab.specimen import phantoms, zoo
    from neurolab.specimen.targets import Label  # noqa: F401

    assert nl.specimen.phantoms is phantoms
    assert nl.specimen.zoo is zoo
    assert nl.scores.Surprisal.__module__ == "neurolab.scores_language"


def test_help__of_the_torch_room_begins_with_what_to_type():
    words = inspect.getdoc(nl.specimen).split("\n\n")
    assert len(words) > 1
    listed = set(re.findall(r"``(\w+)``", " ".join(words[1:])))
    assert listed == set(nl.specimen.__all__)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("retrain", "nl.specimen.retrain"),
        ("claim", "nl.analysis.claim"),
        ("savings", "nl.analysis.savings"),
        ("plot_dose", "nl.plots.plot_dose"),
        ("load_cohort", "nl.datasets.load_cohort"),
        ("accuracy", "nl.scores.accuracy"),
        ("grade", "from neurolab.lab import grade"),
        ("lab", "from neurolab import lab"),
        ("calibrate", "from neurolab import calibrate"),
        ("coalitions", "from neurolab import coalitions"),
        ("trials", "from neurolab import trials"),
        ("retrian", "Did you mean nl.specimen.retrain"),
        ("max_t", "Type nl.stats.permutation.max_t."),
        ("stats.max_t", "Type nl.stats.permutation.max_t."),
        ("stats.holm", "Type nl.stats.multiplicity.holm."),
        ("stats.retrain", "Type nl.specimen.retrain."),
        ("stats.permutaton", "Did you mean 'permutation'"),
    ],
)
def test_top_level__a_name_of_a_room_is_told_where_it_is(name, typed):
    program = f"import sys, neurolab as nl\ntry: nl.{name}\nexcept AttributeError as error: print(error)\n"
    program += "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert typed in asked.stdout


def test_top_level__a_hidden_name_is_refused_as_python_does():
    assert not hasattr(nl, "_nothing")
    assert not hasattr(nl, "__path_of_nothing__")
    assert not hasattr(nl, "no_such_name_at_all")


def test_whereabouts__reads_from_the_text_what_each_room_shows():
    assert set(ROOMS) == {*whereabouts.ROOMS, "cli"}
    for room in whereabouts.ROOMS:
        assert whereabouts.public_names(room) == list(room_of(room).__all__)
    for module in nl.stats.__all__:
        named = whereabouts.public_names(f"stats.{module}")
        assert named
        assert not any(name.startswith("_") for name in named)
        assert all(hasattr(getattr(nl.stats, module), name) for name in named)


def test_whereabouts__every_module_that_can_be_imported_is_called_a_room():
    for module in pkgutil.iter_modules(nl.__path__):
        if module.name not in nl.__all__ and not module.name.startswith("_"):
            assert f"Type `from neurolab import {module.name}`" in whereabouts.not_here(module.name, nl.__all__)
    assert "it is a room" not in whereabouts.not_here("no_such_room", nl.__all__)
