"""Copies of a lab: for students and for instructors, as a script and as a notebook, written from the one master."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neurolab
from neurolab.errors import LabError
from neurolab.lab.progress import writable
from neurolab.lab.session import MARK
from neurolab.lab.shelf import Lab, find_lab
from neurolab.writing import path_of

CELL = re.compile(r"^# %%(?P<head>.*)$", re.MULTILINE)
#: What a student's copy leaves open, and what the instructor's has there instead.
UNANSWERED = re.compile(r'lab\.check\("(?P<name>\w+)", None\)')
UNNAMED = 'student=""'


@dataclass(frozen=True)
class Cell:
    """One cell of a percent script: markdown or code, and whether it is for instructors only."""

    text: str
    markdown: bool = False
    instructor: bool = False


def cells_of(script: str) -> list[Cell]:
    """Get the cells of a percent script; its docstring becomes a cell of its own.

    Example
    -------
    >>> [cell.markdown for cell in cells_of("# %% [markdown]" + chr(10) + "# Hello" + chr(10) + "# %%" + chr(10) + "1")]
    [True, False]
    """
    marks = list(CELL.finditer(script))
    first = script[: marks[0].start()].strip() if marks else script.strip()
    cells = [Cell(first.strip('"').strip(), markdown=True)] if first else []
    for mark, after in zip(marks, [*(mark.start() for mark in marks[1:]), len(script)]):
        head, text = mark["head"], script[mark.end() : after].strip("\n")
        markdown = "[markdown]" in head
        plain = re.sub(r"^# ?", "", text, flags=re.MULTILINE) if markdown else text
        cells.append(Cell(plain.strip("\n"), markdown, "instructor" in head))
    return cells


def notebook(cells: list[Cell]) -> dict[str, Any]:
    """Get cells as a notebook of format 4.5, without outputs."""
    made: list[dict[str, Any]] = []
    for at, cell in enumerate(cells):
        more: dict[str, Any] = {} if cell.markdown else {"execution_count": None, "outputs": []}
        source = cell.text.splitlines(keepends=True)
        kind = "markdown" if cell.markdown else "code"
        made.append({"cell_type": kind, "id": f"cell-{at:02d}", "metadata": {}, "source": source, **more})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def student_copy(script: str) -> str:
    """Get the master without what is for instructors."""
    marks = list(CELL.finditer(script))
    parts = [script[: marks[0].start()]] if marks else [script]
    for mark, after in zip(marks, [*(mark.start() for mark in marks[1:]), len(script)]):
        parts += [] if "instructor" in mark["head"] else [script[mark.start() : after]]
    return "".join(parts)


def instructor_copy(script: str) -> str:
    """Get the master with every answer filled in by what is right on the network of the session."""
    return UNANSWERED.sub(r'lab.check("\g<name>", lab.key("\g<name>"))', script)


def new(
    name: str, folder: str | os.PathLike[str] | None = None, *, instructor: bool = False, student: str = ""
) -> Path:
    """Write copies of a lab into an empty folder, and get the folder: a script, a notebook, a page that says how.

    Parameters
    ----------
    name : of the lab. folder : new or empty; default one of the lab's name, here.
    instructor : write the instructor's script and notebook besides, with answers and notes.
    student : a name to write into the copies; it chooses the network.

    Returns
    -------
    The folder: ``NAME.py``, ``NAME.ipynb``, ``README.md``; with ``instructor`` also ``NAME_instructor.py`` and
    ``.ipynb``, to be kept in another place than the students'.

    Raises
    ------
    UnknownNameError : no such lab. LabError : the folder is not empty, or cannot be written.

    Example
    -------
    >>> import tempfile
    >>> place = new("find_the_face_area", tempfile.mkdtemp())
    >>> sorted(path.name for path in place.iterdir())
    ['README.md', 'find_the_face_area.ipynb', 'find_the_face_area.py', 'lab.json']
    """
    lab = find_lab(name)
    place = Path(lab.name) if folder is None else path_of(folder)
    master = lab.script.read_text("utf-8")
    if student:
        master = master.replace(UNNAMED, f"student={json.dumps(writable(student), ensure_ascii=False)}", 1)
    files = _pair(lab.name, student_copy(master))
    files |= _pair(f"{lab.name}_instructor", instructor_copy(master)) if instructor else {}
    files |= {"README.md": _readme(lab), MARK: json.dumps({"lab": lab.name, "neurolab": neurolab.__version__}) + "\n"}
    try:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise LabError(f"{place} is not empty; expected a new folder. Type --out ANOTHER.")
        place.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (place / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"{place} could not be written ({error}). Type --out ANOTHER.") from error
    return place


def _pair(name: str, script: str) -> dict[str, str]:
    made = json.dumps(notebook(cells_of(script)), indent=1, ensure_ascii=False)
    return {f"{name}.py": script, f"{name}.ipynb": made + "\n"}


def _readme(lab: Lab) -> str:
    return "\n".join([
        f"# {lab.title}", "", f"About {lab.about}; {lab.minutes} minutes.", "",
        f"1. Write your name into `lab.start(..., student=\"\")` in `{lab.name}.py`, or in `{lab.name}.ipynb`.",
        f"2. Run it cell by cell: `{lab.name}.ipynb` in Jupyter, or `{lab.name}.py` in an editor that knows `# %%`.",
        f"   `python {lab.name}.py` runs all of it at once.",
        "3. Put your predictions and answers where `None` stands, and run the cell again.", "",
        "Answers, predictions and explanations are kept in `progress.json` in this folder; hand that file in. Figures "
        "lie in `figures/`, each is told in words as well. No internet is needed, and nothing is sent.", "",
        "Teachers: put the folders (or the files) of a class into one folder and type `neurolab lab grade FOLDER`.", "",
    ])  # fmt: skip
