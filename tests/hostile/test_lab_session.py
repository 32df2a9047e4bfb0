"""A lab at work: hint first, reason second, nothing lost; a class is graded whatever its files hold."""

import csv
import json
import os
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from neurolab import lab
from neurolab.cli import main
from neurolab.errors import FileFormatError, LabError, UnknownNameError
from neurolab.lab import session
from neurolab.lab.question import Question
from neurolab.lab.shelf import LABS, Lab

QUESTIONS = (
    Question("Q1", "How many?", lambda bench: bench.count, "Count again.", "There are {truth}.", within=0.5),
    Question("Q2", "Which?", lambda bench: "b", "Think.", "({truth}) it is.", choices={"a": "This.", "b": "That."}),
)


def bench(network):
    return SimpleNamespace(count=10 + network)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    made = Lab("toy", "A toy", "toys", bench, 5, QUESTIONS, {"P1": "What will be?"}, {"E1": "Why?"})
    monkeypatch.setitem(LABS, "toy", made)
    monkeypatch.setattr(session, "_OPEN", [])
    return made


@pytest.fixture
def ada(tmp_path):
    return lab.start("toy", student="Ada", folder=tmp_path)


def kept(folder):
    return json.loads((folder / "progress.json").read_text())["entries"]


def test_hint_first_reason_second_and_the_truth_is_that_of_the_own_network(ada, tmp_path, capsys):
    truth = 10 + ada.network
    assert lab.check("Q1", truth + 1) is False
    assert "Q1: not yet. Hint: Count again." in capsys.readouterr().out
    assert lab.check("Q1", 0) is False
    assert f"Q1: not yet. The reason: There are {truth}." in capsys.readouterr().out
    assert lab.check("Q1", truth) is True
    assert f"Q1: right. There are {truth}." in capsys.readouterr().out
    assert [entry["right"] for entry in kept(tmp_path)] == [False, False, True]
    other = lab.start("toy", student="Grace", folder=tmp_path / "..")
    assert other.network != ada.network  # by name; the numbers differ with it
    assert lab.key("Q1") == 10 + other.network


def test_misses_are_remembered_after_a_new_start(ada, tmp_path, capsys):
    lab.check("Q2", "a")
    lab.start("toy", student="Ada", folder=tmp_path)
    lab.check("Q2", "A)")
    assert "Q2: not yet. The reason: (b) it is." in capsys.readouterr().out
    assert lab.check("Q2", " B ")


@pytest.mark.parametrize("answer", ["many", True, float("nan"), float("inf"), [3], 10**400, {}, object()])
def test_an_answer_that_cannot_be_read_is_no_miss(ada, tmp_path, capsys, answer):
    assert lab.check("Q1", answer) is False
    assert "Q1 takes a number such as 12 or 0.5; got" in capsys.readouterr().out
    assert not (tmp_path / "progress.json").exists()


@pytest.mark.parametrize("answer", [12, 12.0, "12", np.float32(12), np.array(12)])
def test_numbers_of_all_kinds_are_read(tmp_path, answer):
    who = next(name for name in map(str, range(99)) if LABS["toy"].network_of(name) == 2)
    lab.start("toy", student=who, folder=tmp_path)
    assert lab.check("Q1", answer)


@pytest.mark.parametrize("open_answer", [None, ...])
def test_an_open_question_is_posed_with_its_choices(ada, tmp_path, capsys, open_answer):
    assert lab.check("Q2", open_answer) is False
    said = capsys.readouterr().out
    assert "Q2: Which?" in said
    assert "a) This." in said
    assert not (tmp_path / "progress.json").exists()


def test_predictions_and_explanations_are_kept_and_never_marked(ada, tmp_path, capsys):
    lab.predict("P1")
    lab.explain("E1", "")
    assert "P1 (your prediction): What will be?" in capsys.readouterr().out
    lab.predict("P1", 0.5)
    lab.predict("P1", 0.5)  # the same again, as when a script runs anew
    lab.predict("P1", 0.7)
    lab.explain("E1", "Because.\nSo.")
    entries = kept(tmp_path)
    assert [(one["kind"], one["value"]) for one in entries] == [
        ("prediction", 0.5), ("prediction", 0.7), ("explanation", "Because.\nSo."),
    ]  # fmt: skip
    assert not any("right" in one for one in entries)


def test_words_that_do_not_fit_are_typed_errors(tmp_path, ada):
    with pytest.raises(UnknownNameError, match="Did you mean 'Q1'"):
        lab.check("Q11", 3)
    with pytest.raises(UnknownNameError, match="no prediction 'P9'"):
        lab.predict("P9", 1)
    with pytest.raises(UnknownNameError, match="find_the_face_area"):
        lab.start("find_the_face", folder=tmp_path)
    lab.check("Q1", 1)
    with pytest.raises(LabError, match="belongs to the lab 'toy'"):
        lab.start("find_the_face_area", folder=tmp_path)
    (tmp_path / "progress.json").write_text("{")
    with pytest.raises(FileFormatError, match="JSON"):
        lab.start("toy", folder=tmp_path)
    session._OPEN.clear()
    with pytest.raises(LabError, match=r"lab\.start"):
        lab.check("Q1", 1)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    lab.start("toy", folder=tmp_path / "nowhere")
    with pytest.raises(LabError, match="could not be written"):
        lab.check("Q1", 1)


def test_progress_lies_beside_the_copy_wherever_it_is_started_from(tmp_path, monkeypatch):
    place, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    elsewhere.mkdir()
    lab.new("find_the_face_area", place)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(place / "find_the_face_area.py"), raising=False)
    assert lab.start("find_the_face_area").folder.resolve() == place.resolve()
    (place / "lab.json").unlink()  # a script of one's own: where one is
    assert lab.start("find_the_face_area").folder.resolve() == elsewhere.resolve()


def class_of(folder, n=30):
    """A class of 30, of whom three handed in something broken; every third answer is wrong."""
    right = []
    for at in range(n):
        own, name = folder / f"s{at:02d}", f"Student {at}"
        own.mkdir(parents=True)
        lab.start("toy", student=name, folder=own)
        lab.check("Q1", lab.key("Q1") + (at % 3 == 0))
        lab.check("Q2", "b")
        right.append(2 - (at % 3 == 0))
    (folder / "s03" / "progress.json").write_text('{"neurolab lab": 1, "lab"')
    (folder / "s11" / "progress.json").unlink()
    (folder / "s20" / "progress.json").write_bytes(pickle.dumps({"lab": "toy"}))
    return right


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_class_of_30_with_3_broken_grades_27_and_lists_3(tmp_path, capsys):
    right = class_of(tmp_path)
    capsys.readouterr()
    assert main(["lab", "grade", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "27 graded, 3 not" in said
    assert all(f"not graded: {name}/progress.json" in said for name in ("s03", "s11", "s20"))
    rows = {row["file"].split("/")[0]: row for row in rows_of(tmp_path / "grades.csv")}
    assert len(rows) == 30
    assert {name for name, row in rows.items() if row["note"].startswith("not graded")} == {"s03", "s11", "s20"}
    for at in set(range(30)) - {3, 11, 20}:
        row = rows[f"s{at:02d}"]
        assert (row["student"], row["right"], row["questions"]) == (f"Student {at}", str(right[at]), "2")
        assert row["Q1"] == str(int(at % 3 != 0))
    assert main(["lab", "grade", str(tmp_path)]) == 0  # its own grades.csv is no student's


def write(folder, name, **more):
    entry = {"kind": "answer", "name": "Q1", "value": 999, "network": LABS["toy"].network_of(name), "right": True}
    content = {"neurolab lab": 1, "lab": "toy", "student": name, "network": entry["network"], "entries": [entry]}
    folder.mkdir()
    (folder / "progress.json").write_text(json.dumps({**content, **more}))


def test_what_a_file_says_of_itself_is_not_believed(tmp_path, capsys):
    write(tmp_path / "a", "Ada")  # says that 999 was right
    write(tmp_path / "b", "Bob", network=(LABS["toy"].network_of("Bob") + 1) % 5)
    grades = lab.grade(tmp_path)
    assert [one.row["right"] for one in grades] == [0, 0]
    assert "the name gives" in grades[1].row["note"]


@pytest.mark.parametrize(
    "broken",
    [
        {"lab": "no such lab"}, {"student": 3}, {"network": "2"}, {"network": True}, {"entries": {}},
        {"entries": [3]}, {"entries": [{"kind": "answer"}]}, {"neurolab lab": 2},
    ],
    ids=str,
)  # fmt: skip
def test_a_file_that_no_lab_wrote_is_listed(tmp_path, broken):
    write(tmp_path / "good", "Ada")
    write(tmp_path / "odd", "Bob", **broken)
    assert [one.graded for one in lab.grade(tmp_path, say=lambda line: None)] == [True, False]


def test_nothing_of_a_student_is_run_followed_or_waited_for(tmp_path):
    marker = tmp_path / "ran"
    place = tmp_path / "class"
    place.mkdir()
    write(place / "good", "Ada")
    for name in ("pipe", "link", "copy", "large", "deep", "digits"):
        (place / name).mkdir()
    os.mkfifo(place / "pipe" / "progress.json")
    (place / "link" / "progress.json").symlink_to("/dev/zero")
    (place / "copy" / "progress.json").symlink_to(place / "good" / "progress.json")  # another student's
    (place / "large" / "progress.json").write_text(" " * 2_000_001)
    (place / "deep" / "progress.json").write_text("[" * 200_000)
    (place / "digits" / "progress.json").write_text('{"neurolab lab": ' + "9" * 50_000 + "}")
    for name in ("progress.py", "toy.py", "sitecustomize.py", "toy.ipynb"):
        (place / "good" / name).write_text(f"open({str(marker)!r}, 'w')")
    grades = {one.file.split("/")[0]: one for one in lab.grade(place, say=lambda line: None)}
    assert {name for name, one in grades.items() if one.graded} == {"good"}
    assert "no regular file" in grades["pipe"].reason
    assert "no regular file" in grades["link"].reason
    assert "no regular file" in grades["copy"].reason
    assert "bytes" in grades["large"].reason
    assert not marker.exists()


def test_words_that_a_spreadsheet_would_run_are_made_harmless(tmp_path):
    entry = {"kind": "explanation", "name": "E1", "value": "=HYPERLINK(1)", "network": 0}
    write(tmp_path / "a", '=cmd|" /C calc"!A0', entries=[entry])
    write(tmp_path / "b", "Ünal, Ş.\nnew line", entries=[{**entry, "value": "fine"}])
    lab.grade(tmp_path, say=lambda line: None)
    rows = rows_of(tmp_path / "grades.csv")
    assert rows[0]["student"].startswith("'=cmd")
    assert rows[0]["E1"] == "'=HYPERLINK(1)"
    assert rows[1]["student"] == "Ünal, Ş.\nnew line"


def test_a_folder_that_is_none_or_empty_is_said(tmp_path, capsys):
    with pytest.raises(LabError, match="no folder"):
        lab.grade(tmp_path / "none")
    with pytest.raises(LabError, match="neither"):
        lab.grade(tmp_path)
    assert main(["lab", "grade", str(tmp_path)]) == 1
    assert "LabError" in capsys.readouterr().err


def test_the_key_is_that_of_the_student(capsys):
    assert main(["lab", "key", "toy", "--student", "Ada"]) == 0
    said = capsys.readouterr().out
    assert f"Q1: {10 + LABS['toy'].network_of('Ada')}" in said
    assert "Q2: b" in said


def test_students_have_networks_of_their_own():
    toy = LABS["toy"]
    assert toy.network_of("") == 0
    assert toy.network_of(" ada  LOVELACE ") == toy.network_of("Ada Lovelace")
    assert len({toy.network_of(f"student {at}") for at in range(60)}) == 5


def test_listing_and_copying_labs_needs_none_of_the_heavy_libraries():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from neurolab.cli import main; main(['lab', 'list']); "
        "assert not {'torch', 'mne', 'matplotlib', 'sklearn'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_no_text_holds_spoils_no_class(tmp_path, capsys):
    """Half of a surrogate pair in one student's explanation: a file of grades is written all the same."""
    for name in ("ada", "bob"):
        (tmp_path / name).mkdir()
        lab.start("toy", student=name, folder=tmp_path / name)
        lab.check("Q1", 0.0)
    path = tmp_path / "ada" / "progress.json"
    path.write_text(path.read_text("utf-8").replace('"ada"', '"ad\\ud800a"'), encoding="utf-8")
    capsys.readouterr()
    assert main(["lab", "grade", str(tmp_path)]) == 0
    assert len(rows_of(tmp_path / "grades.csv")) == 2


HALF = "caf\udce9 \ud800"  # what a terminal makes of bytes that are no UTF-8, and half of a pair


def test_text_that_no_file_can_hold_is_kept_with_marks_in_its_place(tmp_path, capsys):
    lab.start("toy", student=HALF, folder=tmp_path)
    lab.explain("E1", f"Because {HALF}.")
    lab.predict("P1", HALF)
    lab.predict("P1", 10**5000)
    assert lab.check("Q2", "b")
    told = json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))
    assert [one["value"] for one in told["entries"][:2]] == ["Because caf? ?.", "caf? ?"]
    assert told["student"] == "caf? ?"
    assert "5,000 digits" in told["entries"][2]["value"]
    (graded,) = lab.grade(tmp_path, say=lambda line: None)  # the file alone: the folder is the student's
    assert (graded.row["right"], graded.row["note"]) == (1, "")
    capsys.readouterr().out.encode("utf-8")


def test_folders_that_are_links_are_not_followed(tmp_path):
    place, beyond = tmp_path / "class", tmp_path / "beyond"
    place.mkdir()
    write(beyond, "Ada")
    write(place / "good", "Bob")
    (place / "out").symlink_to(beyond)
    (place / "twin").symlink_to(place / "good")
    (place / "loop").symlink_to(place)
    grades = {one.file.split("/")[0]: one for one in lab.grade(place, say=lambda line: None)}
    assert {name for name, one in grades.items() if one.graded} == {"good"}
    assert all("a link" in grades[name].reason for name in ("out", "twin", "loop"))
    (tmp_path / "shortcut").symlink_to(place)  # the teacher's own link to the class
    assert sum(one.graded for one in lab.grade(tmp_path / "shortcut", say=lambda line: None)) == 1


def test_a_number_of_400_digits_does_not_fill_the_table(tmp_path):
    write(tmp_path / "huge", "Ada", network=10**400)
    (graded,) = lab.grade(tmp_path, say=lambda line: None)
    assert len(graded.row["note"]) < 120


def test_blank_words_are_open_and_a_decimal_comma_is_a_point(ada, tmp_path, capsys):
    lab.explain("E1", " \n")
    lab.predict("P1", "  ")
    assert not (tmp_path / "progress.json").exists()
    assert "E1 (your explanation): Why?" in capsys.readouterr().out
    assert lab.check("Q1", f" {lab.key('Q1')},4 ")
    assert not lab.check("Q1", "1,000,5")


def test_a_folder_without_progress_says_that_nothing_was_handed_in(tmp_path):
    (tmp_path / "ada").mkdir()
    (grade,) = lab.grade(tmp_path, say=lambda line: None)
    assert grade.reason.startswith("progress.json is not there: nothing was answered")
