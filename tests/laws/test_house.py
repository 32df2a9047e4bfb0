"""The house stands as its plan says: light imports, public names that exist, seven entries at the top."""

import ast
import collections
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

import neurolab as nl

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAVY = {"torch", "mne", "statsmodels", "seaborn", "matplotlib", "sklearn", "nibabel"}


def modules_after(code):
    script = f"{code}\nimport sys\nprint(' '.join(sorted(m for m in sys.modules if '.' not in m)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    ["import neurolab", "import neurolab.stats", "from neurolab import stats; stats.permutation, stats.effects"],
)
def test_import__leaves_the_heavy_libraries_out(code):
    assert not HEAVY & modules_after(code)


def test_import__stats_needs_neither_pandas_nor_xarray():
    assert not {"pandas", "xarray"} & modules_after("import neurolab.stats.permutation")


def test_public_names__all_exist_and_are_few():
    names = [name for name in nl.__all__ if not name.startswith("_")]
    assert len(names) <= 70
    for name in names:
        assert getattr(nl, name) is not None
    functions = [name for name in names if callable(getattr(nl, name))]
    assert len(functions) <= 60
    for name in functions:
        assert getattr(nl, name).__doc__, f"{name} has no docstring"


def test_stub__lists_what_the_package_exports():
    stub = ast.parse((ROOT / "neurolab" / "__init__.pyi").read_text())
    listed = {alias.asname for node in ast.walk(stub) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert listed == set(nl.__all__)


def test_top_level__holds_what_the_plan_says():
    allowed = {
        "pyproject.toml",
        "README.md",
        "neurolab",
        "protocols",
        "figures",
        "datasets",
        "tests",
        "LICENSE",
        "CITATION.cff",
        "CHANGELOG.md",
    }
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout: nothing to compare with the plan")
    top = {name.split("/")[0] for name in tracked.stdout.split("\n") if name}
    assert {name for name in top if not name.startswith(".")} <= allowed


@pytest.mark.parametrize("path", sorted((ROOT / "protocols").glob("**/*.py")), ids=lambda path: path.stem)
def test_protocols__use_public_names_only_and_ask_a_question(path):
    tree = ast.parse(path.read_text())
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) <= {"neurolab"}
    private = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.startswith("_")]
    assert not private
    assert "?" in ast.get_docstring(tree)


@pytest.mark.parametrize("path", sorted((ROOT / "neurolab").glob("**/*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_files__stay_readable(path):
    assert path.read_text().count("\n") <= 300


def test_contracts__keep_torch_out_of_every_room_but_one():
    """Of the floors import-linter itself says so; it has no word for "all but"."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    kept_out = next(one for one in contracts if one["name"] == "torch stays in specimen")["source_modules"]
    folder = ROOT / "neurolab"
    rooms = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert set(kept_out) == {f"neurolab.{room}" for room in rooms - {"__init__", "__main__", "specimen"}}


def test_code__holds_nothing_that_nobody_names():
    texts = {path: path.read_text() for path in (ROOT / "neurolab").glob("**/*.py*") if path.suffix in (".py", ".pyi")}
    used = collections.Counter(word for text in texts.values() for word in re.findall(r"\w+", text))
    others = [path for folder in ("tests", "protocols") for path in (ROOT / folder).glob("**/*.py")]
    asked = {word for path in others for word in re.findall(r"\w+", path.read_text())}
    made = [(path.name, name) for path, text in texts.items() for name in _made(ast.parse(text))]
    assert not [f"{file}: {name}" for file, name in made if used[name] == 1 and name not in asked]


def _made(tree):
    """The functions, classes and constants that a module makes, methods too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("__"):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            names = (one for one in ast.walk(node) if isinstance(one, ast.Name))
            yield from (one.id for one in names if isinstance(one.ctx, ast.Store))
