"""A lab while it is worked on: predictions first, then checks that recompute on the student's own network."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from neurolab.errors import LabError, UnknownNameError, did_you_mean, listed
from neurolab.lab.progress import FILE, Progress, load, plain, writable
from neurolab.lab.question import OPEN
from neurolab.lab.shelf import Lab, find_lab
from neurolab.writing import path_of

if TYPE_CHECKING:
    from neurolab.plots.drawing import Plot

WIDTH = 88
#: Written by ``neurolab lab new`` beside a copy: the folder in which progress belongs.
MARK = "lab.json"


@dataclass
class Session:
    """One student at one lab. ``network`` is the number of their network, ``rng`` the chance that goes with it."""

    lab: Lab
    student: str
    folder: Path
    plain: bool = False
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        path = self.folder / FILE
        kept = load(path) if path.exists() or path.is_symlink() else None
        if kept is not None and kept.lab != self.lab.name:
            raise LabError(
                f"{path} belongs to the lab {kept.lab!r}, not to {self.lab.name!r}. Work in another folder: neurolab "
                f"lab new {self.lab.name} --out FOLDER."
            )
        self.progress = Progress(self.lab.name, self.student, self.network, kept.entries if kept else [])

    def __repr__(self) -> str:  # that of the lab would print hints and reasons
        return f"Session({self.lab.name!r}, student={self.student!r}, network={self.network})"

    @property
    def network(self) -> int:
        """The number of the student's own network in the cohort."""
        return self.lab.network_of(self.student)

    @property
    def rng(self) -> int:
        """The chance of this lab for this network, so that a check draws what the student drew."""
        return self.network

    @cached_property
    def bench(self) -> Any:
        """The bench on which truths are recomputed."""
        return self.lab.bench(self.network)


_OPEN: list[Session] = []


def start(name: str, *, student: str = "", plain: bool = False, folder: str | Path | None = None) -> Session:
    """Start a lab, and get the student's session: the number of their network, and its chance.

    Parameters
    ----------
    name : of the lab. student : your name; it chooses your network, so that numbers cannot be copied.
    plain : text only: figures are told in words and not drawn (for screen readers, or a slow machine).
    folder : where progress is kept; default that of the copy that ``neurolab lab new`` wrote, else the current one.

    Raises
    ------
    UnknownNameError : no such lab. LabError : the folder holds the progress of another lab.
    FileFormatError : the file of progress there is broken.

    When this is invalid
    --------------------
    A name that is changed later is another student with another network; answers given before no longer count.

    Example
    -------
    >>> import tempfile
    >>> start("find_the_face_area", student="Ada", folder=tempfile.mkdtemp()).network
    Find the face area, then remove it. Ada has network 2 of 12.
    2
    """
    session = Session(find_lab(name), writable(str(student)), _place() if folder is None else path_of(folder), plain)
    _OPEN[:] = [session]
    whose = session.student or "Nobody yet (write your name into lab.start)"
    _say(f"{session.lab.title}. {whose} has network {session.network} of {session.lab.n_networks}.")
    return session


def _place() -> Path:
    """The folder of the copy that runs, where ``neurolab lab new`` wrote it; else the current folder."""
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    beside = Path(program).resolve().parent if program else Path()
    return beside if program and (beside / MARK).is_file() else Path()


def current() -> Session:
    """Get the session that was started last.

    Raises
    ------
    LabError : none was.
    """
    if not _OPEN:
        raise LabError("No lab was started. Type lab.start('find_the_face_area', student='your name') first.")
    return _OPEN[0]


def predict(name: str, value: Any = None) -> None:
    """Keep a prediction, before anything is observed; it is never marked.

    name : of the prediction, such as "P1". value : a number, or words where it asks for them; None while it is open.
    One that cannot be, such as a share of 500, is said and not kept.
    """
    _keep("prediction", name, value, current().lab.predictions)


def explain(name: str, text: Any = None) -> None:
    """Keep an explanation in the student's own words; the teacher reads it, nothing marks it.

    name : such as "E1". text : sentences; None while it is open.
    """
    _keep("explanation", name, text, current().lab.explanations)


def _keep(kind: str, name: str, value: Any, known: dict[str, str]) -> None:
    session = current()
    if name not in known:
        raise UnknownNameError(f"This lab has no {kind} {name!r}; it has {listed(known)}.{did_you_mean(name, known)}")
    if any(value is one for one in OPEN) or (isinstance(value, str) and not value.strip()):
        _say(f"{name} (your {kind}): {known[name]}")
        return
    before = session.progress.of(kind, name)
    try:
        kept = plain(session.lab.predicted(name, value) if kind == "prediction" else value)
    except ValueError as problem:
        _say(str(problem))
        return
    if not before or before[-1]["value"] != kept:
        session.progress.add(kind, name, kept)
        session.progress.save(session.folder)
    _say(f"{name}: kept. {kept}")


def check(name: str, answer: Any = None) -> bool:
    """Get whether an answer is right on the student's own network, and print what follows from it.

    The truth is recomputed here, never read from a list: a hint at the first miss, the reason at the second. Every
    answer is appended to ``progress.json``. Nothing leaves this machine.

    Parameters
    ----------
    name : of the question, such as "Q1". answer : a number, or the letter of a choice; None while it is open.

    Returns
    -------
    True where the answer is right. An open one, or one that cannot be read, is said, not kept, and no miss.

    Raises
    ------
    LabError : no lab was started, or the folder cannot be written. UnknownNameError : no such question.
    """
    session = current()
    question = session.lab.question(name)
    if any(answer is one for one in OPEN):
        _say(question.posed())
        return False
    try:
        given = question.read(answer)
    except ValueError as problem:
        _say(str(problem))
        return False
    truth = question.truth(session.bench)
    right = question.right(given, truth)
    misses = sum(not entry.get("right") for entry in session.progress.of("answer", name))
    session.progress.add("answer", name, given, right=right)
    session.progress.save(session.folder)
    if right:
        _say(f"{name}: right. {question.why(truth)}")
    else:
        _say(f"{name}: not yet. {f'The reason: {question.why(truth)}' if misses else f'Hint: {question.hint}'}")
    return right


def key(name: str) -> Any:
    """Get the right answer to a question on the network of the session: for the instructor's copy."""
    session = current()
    return session.lab.question(name).truth(session.bench)


def show(result: xr.Dataset, plot: Plot, name: str = "") -> None:
    """Draw a result, save it as ``figures/NAME.png``, and tell in words what it shows.

    With ``plain=True`` in ``start`` nothing is drawn; the words are printed all the same.
    """
    from neurolab.plots import alt_text, save_figure
    from neurolab.plots.drawing import drawing_of

    session, known = current(), drawing_of(plot)
    if session.plain:
        _say(f"Figure: {alt_text(result, plot)}")
        return
    called = name or (known.name.removeprefix("plot_") if known else "figure")
    saved = save_figure(result, plot, session.folder / "figures", called)
    _say(f"Figure {saved.png.name}: {saved.alt.read_text('utf-8').strip()}")
    _inline(saved.png)


def _inline(png: Path) -> None:
    """Show a picture below the cell of a notebook; elsewhere it lies in its folder."""
    notebook = sys.modules.get("IPython")
    shell = notebook.get_ipython() if notebook is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import Image, display

        display(Image(filename=str(png)))


def read(result: xr.Dataset, name: str = "result") -> None:
    """Print a result as plain text: its verdict and reasons, then every effect with its interval and p."""
    from neurolab.report import printed_table

    print(printed_table({name: result}, width=WIDTH))


def _say(text: str) -> None:
    """Print text in lines that fit a page and a screen reader."""
    for line in str(text).split("\n"):
        print(textwrap.fill(line, WIDTH, subsequent_indent="  ") if line.strip() else line)
