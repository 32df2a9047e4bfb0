"""Grades of a class: every file of progress read as text, its answers marked anew; a broken file stops nothing."""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurolab.errors import FileFormatError, LabError, NeurolabError, UnknownNameError
from neurolab.lab.progress import FILE, Progress, load
from neurolab.lab.shelf import Lab, find_lab
from neurolab.writing import path_of

#: Beginnings that a spreadsheet takes for a formula; a student's words must not be run by one.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEAD = ("file", "student", "lab", "network", "right", "questions", "predictions", "explanations", "note")


@dataclass(frozen=True)
class Grade:
    """What one file of progress gives; ``reason`` says why it could not be graded."""

    file: str
    reason: str = ""
    row: dict[str, Any] = field(default_factory=dict)

    @property
    def graded(self) -> bool:
        """Whether it could be read and marked."""
        return not self.reason


def grade(
    folder: str | os.PathLike[str], *, out: str | os.PathLike[str] | None = None, say: Callable[[str], object] = print
) -> list[Grade]:
    """Grade a class from its files of progress, and write one CSV; a file that is broken is listed and stops nothing.

    Of every subfolder, ``progress.json`` is read, and every ``*.json`` of the folder itself. They are read as text:
    nothing of the students' is run, imported or unpickled, notebooks and scripts are not opened. Answers are marked
    anew, on the network that belongs to the student's name: what a file says of right and wrong is not believed.

    Parameters
    ----------
    folder : of the class. out : the CSV; default ``grades.csv`` in that folder. say : takes lines of progress.

    Returns
    -------
    One ``Grade`` per file, in order of name. In the CSV a row each: the last answer of every question counts (1 right,
    0 wrong, empty not answered), with the number of answers; predictions and explanations are counted, and explanations
    copied to be read.

    Raises
    ------
    LabError : no such folder, nothing in it, or the CSV cannot be written.

    When this is invalid
    --------------------
    The last answer counts, hints and all: the number of answers says how many it took. A file can be copied or written
    by hand; who wrote it is not known.
    """
    root = path_of(folder)
    if not root.is_dir():
        raise LabError(f"{root} is no folder; expected one with a folder, or a file, per student.")
    target = root / "grades.csv" if out is None else path_of(out)
    files = list(_files(root))
    if not files:
        raise LabError(f"{root} holds neither folders nor .json files; expected one per student, each with a {FILE}.")
    benches: dict[tuple[str, int], dict[str, Any]] = {}
    grades = []
    for at, path in enumerate(files):
        linked = path.parent != root and path.parent.is_symlink()  # it may lead out of the class, or to another's work
        grades.append(_grade(path, path.relative_to(root).as_posix(), benches, linked=linked))
        if not grades[-1].graded:
            say(f"[{at + 1}/{len(files)}] not graded: {grades[-1].file}: {grades[-1].reason}")
    _write(target, grades)
    done = sum(one.graded for one in grades)
    say(f"{done} graded, {len(grades) - done} not: {target}")
    return grades


def _files(root: Path) -> Iterator[Path]:
    """The file of every student, there or not: that of each subfolder, and every .json beside them."""
    for path in sorted(root.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield path / FILE
        elif path.suffix == ".json" and path.name != "lab.json":
            yield path


def _grade(path: Path, name: str, benches: dict[tuple[str, int], dict[str, Any]], *, linked: bool = False) -> Grade:
    try:
        if linked:
            raise FileFormatError(f"{path.parent.name} is a link; expected a folder. Copy what it points to.")
        progress = load(path)
        lab = find_lab(progress.lab)
        return Grade(name, row=_row(progress, lab, name, benches))
    except UnknownNameError as error:
        return Grade(name, f"{error}")
    except (NeurolabError, OSError) as error:
        return Grade(name, str(error).replace(str(path), FILE))
    except Exception as error:  # whatever a stranger's file brings about, the others are graded
        return Grade(name, f"{type(error).__name__}: {error}")


def _row(progress: Progress, lab: Lab, name: str, benches: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    """The row of one student: every question marked on the network that belongs to the name."""
    network = lab.network_of(progress.student)
    truths = benches.setdefault((lab.name, network), {})
    said = _cut(progress.network)
    note = "" if network == progress.network else f"the file says network {said}; the name gives {network}"
    own = Progress(lab.name, progress.student, network, progress.entries)
    marks: dict[str, Any] = {}
    for question in lab.questions:
        answers = own.of("answer", question.name)
        marks[question.name] = _mark(lab, question.name, answers, network, truths)
        marks[f"{question.name} answers"] = len(answers)
    told = {kind: {str(one["name"]): one.get("value") for one in own.entries if one["kind"] == kind}
            for kind in ("prediction", "explanation")}  # fmt: skip
    words = {at: str(told["explanation"].get(at, "")) for at in lab.explanations}
    return {
        "file": name, "student": progress.student, "lab": lab.name, "network": network,
        "right": sum(marks[question.name] == 1 for question in lab.questions), "questions": len(lab.questions),
        "predictions": sum(_can_be(lab, at, one) for at, one in told["prediction"].items() if at in lab.predictions),
        "explanations": len(set(told["explanation"]) & set(lab.explanations)), "note": note, **marks, **words,
    }  # fmt: skip


def _can_be(lab: Lab, name: str, value: Any) -> bool:
    """Whether a prediction in a file is one: a number within its bounds, or words where it asks for them."""
    try:
        lab.predicted(name, value)
    except ValueError:
        return False
    return True


def _cut(number: int) -> str:
    """A number as text, unless it is very long."""
    return str(number) if abs(number) < 10**12 else "of many digits"


def _mark(lab: Lab, name: str, answers: list[dict[str, Any]], network: int, truths: dict[str, Any]) -> Any:
    """1 for a right last answer, 0 for a wrong or unreadable one, empty for none."""
    if not answers:
        return ""
    question = lab.question(name)
    try:
        given = question.read(answers[-1].get("value"))
    except ValueError:
        return 0
    if "bench" not in truths:
        truths["bench"] = lab.bench(network)
    if name not in truths:
        truths[name] = question.truth(truths["bench"])
    return int(question.right(given, truths[name]))


def _write(target: Path, grades: list[Grade]) -> None:
    rows = [one.row if one.graded else {"file": one.file, "note": f"not graded: {one.reason}"} for one in grades]
    columns = list(dict.fromkeys([*HEAD, *(name for row in rows for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([{name: _harmless(cell) for name, cell in row.items()} for row in rows])
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        draft.write_bytes(text.getvalue().encode("utf-8", errors="replace"))  # what no text holds becomes "?"
        os.replace(draft, target)
    except OSError as error:
        raise LabError(f"{target} could not be written ({error}). Type --out ANOTHER.csv.") from error
    finally:
        draft.unlink(missing_ok=True)


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
