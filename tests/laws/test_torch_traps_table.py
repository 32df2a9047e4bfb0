"""The table of torch traps is whole, and every test that it names exists; no pins but torch's."""

import ast
import functools
import pathlib
import re
import tomllib
from collections import Counter

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "figures" / "torch_traps.md"
STATUSES = ("held", "in part", "later")
FAMILIES = {"G1": ("(a)", "(b)", "(c)", "(d)", "(e)", "(f)", "guard"), "G2": ("heads", "guard"),
            "G3": ("a recorded", "guard: the in-place", "guard: parity"),
            "G4": ("shared", "recurrence", "generation"),
            "G5": ("nested", "the batch axis", "half precision", "tied", "several devices, DataParallel")}
FEARS = ("lesion did not happen", "wrong lesion", "lesion not undone", "looking changes the specimen", "reused modules",
         "seeds", "batch or device changes numbers", "out of memory mid-sweep", "crash loses hours", "stale cache",
         "pickle runs code", "statistics fooled", "unsupported context")
MODELS = ("MHA out_proj", "TransformerEncoder", "compiled", "RNN, GRU, LSTM", "conv, BN, in-place ReLU", "shared ReLU",
          "tied embedding", "tuple-output", "module returning a dataclass", "`nn.Sequential` inside `checkpoint`",
          "pruned", "mixture of experts")
BAD_INPUT = ("a prompt longer", "empty text", "a token that", "padding that contradicts", "a lesion position past",
             "GGUF", "safetensors")


def rows():
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[-1] not in ("status", "---")]


ROWS = rows()


def named(row):
    return re.findall(r"`(\w+/test_\w+\.py)::(\w+)`", row[2])


@functools.cache
def the_tree():
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        found[path.relative_to(ROOT / "tests").as_posix()] = names
    return found


def test_every_row__has_its_cells_a_status_and_tests():
    for row in ROWS:
        assert len(row) == 4, row
        assert row[3] in STATUSES, row
        assert named(row), row
        assert len(named(row)) == row[2].count("::"), row
        if row[3] != "held":  # says what is not there
            assert re.search(r"not built yet|campaign store|no verb|where there is", row[1]), row


def test_every_named_test__is_in_the_tree():
    tree = the_tree()
    missing = [f"{file}::{name}" for row in ROWS for file, name in named(row) if name not in tree.get(file, ())]
    assert not missing


@pytest.mark.parametrize("number", range(1, 25))
def test_every_number__is_there_once_and_cites_the_tests_that_carry_it(number):
    found = [row for row in ROWS if re.match(rf"{number} ", row[0])]
    assert len(found) == 1
    cited = {name for _, name in named(found[0])}
    carrying = {name for names in the_tree().values() for name in names
                if name.startswith(f"test_trap_{number}__")}
    assert carrying <= cited


@pytest.mark.parametrize("start", [
    *(f"{family} {clause}" for family, clauses in FAMILIES.items() for clause in clauses), *FEARS, *MODELS, *BAD_INPUT])
def test_every_clause_fear_model_and_bad_input__is_there(start):
    assert [row for row in ROWS if row[0].startswith(start)], start


def test_counts__are_those_of_the_rows():
    counts = Counter(row[3] for row in ROWS)
    said = f"{len(ROWS)} rows, {counts['held']} held, {counts['in part']} in part, {counts['later']} later"
    assert said in " ".join(TABLE.read_text(encoding="utf-8").split())


def test_trap_24__only_torch_has_an_upper_pin_and_the_readme_says_so():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = [*project["dependencies"], *(need for extra in project["optional-dependencies"].values() for need in extra)]
    pinned = [need for need in needs if re.search(r"<|==|~=|!=", need.partition(";")[0])]
    assert [re.split(r"[<>=~!\[]", need)[0] for need in pinned] == ["torch"]
    assert pinned[0] in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<" not in project["requires-python"]
