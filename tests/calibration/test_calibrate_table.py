"""The table of rates: its cheap entries hold in continuous integration, its shortcuts fail, a broken test is told."""

import json
from dataclasses import fields, is_dataclass, replace
from functools import partial
from inspect import isfunction
from typing import get_type_hints

import numpy as np
import pytest

from neurolab import analysis, schema, stats
from neurolab.calibrate import ENTRIES, Found, calibrate, result_of, write_rates
from neurolab.calibrate.entry import approximate, conservative, covers, exact, shortcut
from neurolab.calibrate.judge import BROKEN, judge
from neurolab.calibrate.run import QUICK_N
from neurolab.calibrate.table import chosen
from neurolab.cli import main
from neurolab.errors import UnknownNameError
from neurolab.schema import RESULTS

#: Functions whose p is that of an entry under another name.
SAME = {
    "stats.equivalence.tost_one_sample_summary",  # the entries of tost_* go through them
    "stats.equivalence.tost_paired_summary",
    "stats.equivalence.tost_independent_summary",
    "stats.lesion_maps.regression_t",  # glm_t, of 0/1 columns; tested as regression_max_t
    "stats.lesion_maps.brunner_munzel",  # tested as brunner_munzel_max_t
}


@pytest.fixture(scope="module")
def quick():
    return {row["name"]: row for row in calibrate(chosen(None, quick=True), n=QUICK_N, progress=False)}


def test_the_quick_table_holds(quick):
    assert {row["kind"] for row in quick.values()} == {"exact", "conservative", "approximate", "shortcut"}
    assert [name for name, row in quick.items() if row["verdict"] == BROKEN] == []
    assert all(row["n_simulations"] >= QUICK_N for row in quick.values())
    exact_ones = [row for row in quick.values() if row["kind"] == "exact" and "rate" in row]
    assert all(row["rate_low"] <= row["attainable"] <= row["rate_high"] for row in exact_ones)
    assert all(row["power"] > 0.6 for row in exact_ones)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("z against 5 controls", 0.08),
        ("t of 5 controls against the case", 0.18),
        ("units as n", 0.4),
        ("folds as n", 0.45),
        ("same-data selection", 0.95),
        ("20 tests, none corrected", 0.5),
        ("one p below .05, one above", 0.35),
        ("pooled_t, unequal spread", 0.2),
    ],
)
def test_a_shortcut_fails_by_much(quick, name, least):
    assert quick[name]["verdict"] == "fails: published"
    assert quick[name]["rate"] >= least
    assert quick[name]["rate_low"] > 0.05


def too_eager(stream, effect):
    return Found(stream.random() ** 2)


def test_a_test_out_of_its_band_is_told_and_fails_the_command(monkeypatch, tmp_path, capsys):
    bad = replace(ENTRIES["cochran_q"], name="eager", draw=too_eager, rejects=exact(), power_at=None)
    monkeypatch.setitem(ENTRIES, "eager", bad)
    assert main(["calibrate", "--only", "eager", "--n", "400", "--out", str(tmp_path)]) == 1
    assert "BROKEN: eager" in capsys.readouterr().out
    assert "BROKEN: eager" in (tmp_path / "rates.md").read_text()
    assert main(["calibrate", "--only", "mcnemar", "--n", "200", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.glob("rates.*")} >= {"rates.md", "rates.csv", "rates.pdf", "rates.png"}
    assert (tmp_path / "rates.csv").read_text().count("\n") == 4  # a head and three methods


@pytest.mark.parametrize(
    ("promise", "hits", "coverage", "verdict"),
    [
        (exact(), 20, False, "holds"),
        (exact(), 4, False, BROKEN),
        (conservative(), 0, False, "holds"),
        (conservative(), 40, False, BROKEN),
        (covers(kind="conservative"), 400, True, "holds"),
        (covers(kind="conservative"), 340, True, BROKEN),
        (covers(), 340, True, BROKEN),
        (approximate(), 80, False, "liberal: published"),
        (approximate(), 2, False, "conservative: published"),
        (approximate(0.2), 80, False, "liberal: published"),
        (approximate(0.05), 80, False, BROKEN),
        (covers(kind="approximate"), 340, True, "liberal: published"),
        (shortcut(), 20, False, BROKEN),
        (covers(kind="shortcut"), 380, True, BROKEN),
        (covers(kind="shortcut"), 320, True, "fails: published"),
    ],
)
def test_verdicts_of_400_simulations(promise, hits, coverage, verdict):
    assert judge(promise, hits, 400, coverage=coverage) == verdict


def test_a_second_start_keeps_what_is_finished_and_measures_what_changed(tmp_path, monkeypatch):
    asked = {"n": 100, "rng": 3, "folder": tmp_path, "progress": False}
    entries = chosen(["mcnemar"])
    first = calibrate(entries, **asked)
    kept = sorted(tmp_path.glob("*.json"))
    assert len(kept) == 3
    told = json.loads(kept[0].read_text())
    told["edge"][1] = told["edge"][0]  # as if every simulation had been rejected
    kept[0].write_text(json.dumps(told))
    again = calibrate(entries, **asked)
    assert sorted(row["rate"] == 1 for row in again) == [False, False, True]
    changed = [replace(entry, draw=partial(entry.draw, n=60)) for entry in entries]
    assert all(row["rate"] < 1 for row in calibrate(changed, **asked))
    promised = [replace(entry, rejects=exact(0.9)) for entry in entries]
    assert all(row["verdict"] == BROKEN for row in calibrate(promised, **asked))
    fresh = calibrate(entries, **{**asked, "folder": None})
    assert [row["rate"] for row in fresh] == [row["rate"] for row in first]


def test_what_lies_finished_is_written_as_measured_and_outdated_code_is_told(tmp_path, capsys):
    words = ["calibrate", "--only", "mcnemar, exact", "--out", str(tmp_path)]
    assert main([*words, "--as-measured"]) == 1
    assert "Nothing is finished" in capsys.readouterr().err
    assert main([*words, "--n", "100"]) == 0
    assert main([*words, "--as-measured"]) == 0
    assert "later change" not in (tmp_path / "rates.md").read_text()
    (kept,) = (tmp_path / "entries").glob("*.json")
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "code": "before"}))
    assert main([*words, "--as-measured"]) == 0
    page = (tmp_path / "rates.md").read_text()
    assert "† 1 entries were measured before a later change of code that they reach." in page
    assert "| mcnemar, exact † |" in page
    assert "| 100 |" in page


def test_workers_change_nothing(tmp_path):
    asked = {"n": 250, "progress": False}
    one, two = (calibrate(chosen(["cochran_q", "wilson"]), n_jobs=jobs, **asked) for jobs in (1, 2))
    assert [{**row, "seconds": 0} for row in one] == [{**row, "seconds": 0} for row in two]
    assert one[0]["n_simulations"] == 250


def test_every_entry_says_what_it_tests_and_names_are_their_own():
    for name, entry in ENTRIES.items():
        assert entry.name == name
        assert entry.edge.endswith(".")
        assert entry.n
        assert entry.rejects or entry.interval
        assert (entry.power_at is None) == (not entry.effect)
        assert entry.kind == "shortcut" or entry.test.startswith(("stats.", "analysis."))


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.interval])
def test_what_an_interval_should_cover_is_known_where_its_coverage_is_counted(name):
    entry = ENTRIES[name]
    effect = entry.at if entry.power_at is None else entry.power_at
    found = entry.draw(np.random.default_rng(0), effect)
    assert np.isfinite(np.ravel(found.truth)).all(), "a truth that is not known is counted as not covered"


def has_p(function):
    """Whether a public function says that it returns something with a p."""
    said = get_type_hints(function).get("return")
    return is_dataclass(said) and "p" in {field.name for field in fields(said)}


def test_every_verb_and_every_function_with_a_p_is_in_the_table():
    tested = {entry.test for entry in ENTRIES.values()}
    schema._learn()
    verbs = {f"analysis.{name}" for name, spec in RESULTS.items() if spec.tests and hasattr(analysis, name)}
    assert verbs - tested == set()
    rooms = {name: getattr(stats, name) for name in stats.__all__}
    made = {
        f"stats.{room}.{name}"
        for room, module in rooms.items()
        for name, function in vars(module).items()
        if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
        if has_p(function)
    }
    assert made - tested - SAME == set()


def test_an_unknown_name_is_answered_with_a_near_one():
    with pytest.raises(UnknownNameError, match="crawford_howell"):
        chosen(["crawford_howel"])


def test_the_figures_and_the_page_show_every_row(quick, tmp_path):
    rows = list(quick.values())
    written = {path.name for path in write_rates(rows, tmp_path)}
    assert {"rates.pdf", "rates_verbs.pdf", "rates_intervals.pdf", "rates.alt.txt"} <= written
    page = (tmp_path / "rates.md").read_text()
    assert all(f"| {row['name']} |" in page for row in rows)
    assert result_of(rows).sizes["entry"] == len(rows)


def test_a_table_that_was_written_is_measured_again_only_where_it_lacks_or_changed(tmp_path, monkeypatch):
    from neurolab.calibrate import run
    from neurolab.calibrate.kept import lay_out

    names = ["mcnemar, exact", "wilson", "cochran_q"]  # with power and coverage; an interval alone; a p alone
    entries = [ENTRIES[name] for name in names]
    asked = {"n": 100, "progress": False}
    first = calibrate(entries, **asked)
    write_rates(first, tmp_path / "written")
    folder = tmp_path / "entries"
    assert lay_out(tmp_path / "written" / "rates.csv", entries, folder) == names
    assert lay_out(tmp_path / "written" / "rates.csv", entries, folder) == []  # what lies there stays
    measured = []
    monkeypatch.setattr(run, "measure", lambda job, real=run.measure: measured.append(job.entry.name) or real(job))
    assert calibrate(entries, **asked, folder=folder) == first
    assert measured == []
    other = replace(entries[1], draw=lambda *of: entries[1].draw(*of))
    calibrate([replace(entries[0], power_at=0.3), other, entries[2]], **asked, folder=folder)
    assert set(measured) == set(names[:2])


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package of two rooms that stands in for neurolab, and how its digest of ``draw`` reads it anew."""
    from neurolab.calibrate import code

    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "__init__.py").write_text(
        "if TYPE_CHECKING:\n    from neurolab.rooms.walls import area as area\n"
    )
    wall = "\"\"\"Walls.\"\"\"\nHIGH = 2\nTABLE = {}\nTABLE['a'] = HIGH\n\n\ndef area(x):\n    \"\"\"Get it.\"\"\"\n"
    wall += "    return x * TABLE['a']\n\n\ndef other(x):\n    return x\n"
    (tmp_path / "rooms" / "walls.py").write_text(wall)
    (tmp_path / "draw.py").write_text("from neurolab import rooms\n\n\ndef draw(s, e):\n    return rooms.area(e)\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)

    def draw(stream, effect):
        raise NotImplementedError

    draw.__module__, draw.__qualname__ = "neurolab.draw", "draw"

    def digest(file, old="", new=""):
        path = tmp_path / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        for known in (code._module, code._file, code._plain):
            known.cache_clear()
        return code.code_of(draw)

    yield digest
    for known in (code._module, code._file, code._plain):
        known.cache_clear()


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("draw.py", "rooms.area(e)", "rooms.area(e)  # why", False),
        ("rooms/walls.py", "Get it.", "Get another.", False),
        ("rooms/walls.py", "def other(x):\n    return x", "def other(x):\n    return 2 * x", False),
        ("draw.py", "area(e)", "area(2 * e)", True),
        ("rooms/walls.py", "return x * ", "return x / ", True),
        ("rooms/walls.py", "HIGH = 2", "HIGH = 3", True),
        ("rooms/walls.py", "TABLE['a'] = HIGH", "TABLE['a'] = 2 * HIGH", True),
    ],
)
def test_a_digest_changes_with_what_a_simulation_runs_and_with_nothing_else(house, file, old, new, changes):
    before = house(file)
    assert (house(file, old, new) != before) is changes
