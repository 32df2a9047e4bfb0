"""Copies of a lab: student and instructor, script and notebook, from one master and saying the same."""

import ast
import json
import re

import pytest

from neurolab import lab
from neurolab.cli import main
from neurolab.errors import LabError
from neurolab.lab.copies import cells_of
from neurolab.lab.shelf import LABS

NAMES = sorted(LABS)


@pytest.fixture(scope="module", params=NAMES)
def copies(request, tmp_path_factory):
    place = tmp_path_factory.mktemp("copies") / request.param
    return LABS[request.param], lab.new(request.param, place, instructor=True)


def code(notebook):
    return "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")


def test_notebook_and_script_hold_the_same_code(copies):
    one, place = copies
    for name in (one.name, f"{one.name}_instructor"):
        made = json.loads((place / f"{name}.ipynb").read_text())
        assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
        ids = [cell["id"] for cell in made["cells"]]
        assert len(set(ids)) == len(ids)
        for cell in made["cells"]:
            assert set(cell) == {"cell_type", "id", "metadata", "source"} | (
                {"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
        script = ast.parse((place / f"{name}.py").read_text())
        script.body = script.body[1:]  # the docstring is a markdown cell
        assert ast.dump(ast.parse(code(made))) == ast.dump(script)


def test_every_question_prediction_and_explanation_is_asked_once_and_in_order(copies):
    one, place = copies
    text = (place / f"{one.name}.py").read_text()
    assert re.findall(r'lab\.check\("(\w+)", None\)', text) == [question.name for question in one.questions]
    assert re.findall(r'lab\.predict\("(\w+)"', text) == list(one.predictions)
    assert re.findall(r'lab\.explain\("(\w+)"', text) == list(one.explanations)


def test_answers_and_notes_are_in_the_instructors_copy_alone(copies):
    one, place = copies
    student, teacher = ((place / f"{one.name}{end}").read_text() for end in (".py", "_instructor.py"))
    assert "lab.key" not in student
    assert "Instructor" not in student
    assert "**Instructor.**" in teacher
    assert teacher.count("lab.key(") == len(one.questions) + 1  # and once in the notes
    assert "None)" not in re.sub(r"lab\.predict\(.*", "", teacher)


def test_predictions_come_before_anything_is_observed(copies):
    one, place = copies
    text = code(json.loads((place / f"{one.name}.ipynb").read_text()))
    assert text.index("lab.predict(") < text.index("nl.record(") < text.index("lab.check(")


def test_every_figure_is_told_in_words_and_choices_have_reasons(copies):
    one, place = copies
    text = (place / f"{one.name}.py").read_text()
    assert "lab.show(" in text
    assert not re.search(r"plt\.|matplotlib|nl\.plots\.plot_\w+\(", text)  # each goes through lab.show, which tells it
    for question in one.questions:
        assert question.hint.endswith((".", "?"))
        assert "{truth}" in question.reason
        assert not question.choices or set(question.choices) == {"a", "b", "c"}


def test_only_into_an_empty_folder(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(LabError, match="not empty"):
        lab.new(NAMES[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert main(["lab", "new", "brain-and-netwrk", "--out", str(tmp_path / "x")]) == 1
    assert "Did you mean 'brain_and_network'" in capsys.readouterr().err
    assert main(["lab", "new", NAMES[0], "--out", str(tmp_path / "y"), "--student", 'Ada "A" Ö']) == 0
    assert 'student="Ada \\"A\\" Ö"' in (tmp_path / "y" / f"{NAMES[0]}.py").read_text()
    assert main(["lab", "list"]) == 0
    assert all(name in capsys.readouterr().out for name in NAMES[:1])


def test_cells_of_a_script_without_marks():
    (cell,) = cells_of('"""Only words."""')
    assert cell.markdown
    assert cell.text == "Only words."


@pytest.mark.parametrize("name", ["caf\udce9", "\ud800", 'A"da\n\\', '"""', "\0"])
def test_any_name_gives_a_copy_that_runs_as_far_as_it(name, tmp_path):
    place = lab.new(NAMES[0], tmp_path / "x", student=name)
    script = (place / f"{NAMES[0]}.py").read_text(encoding="utf-8")
    (call,) = (node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)
               and getattr(node.func, "attr", "") == "start")  # fmt: skip
    (written,) = (word.value.value for word in call.keywords if word.arg == "student")
    assert written == name.encode("utf-8", "replace").decode()
    assert LABS[NAMES[0]].network_of(written) == LABS[NAMES[0]].network_of(name)
