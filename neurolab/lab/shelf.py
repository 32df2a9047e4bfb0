"""The labs that there are: what they ask, on which bench, and in how many minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurolab.digest import digest_of
from neurolab.errors import MissingDataError, UnknownNameError, did_you_mean, listed
from neurolab.lab import face_area, same_bench
from neurolab.lab.bench import N_NETWORKS
from neurolab.lab.progress import writable
from neurolab.lab.question import Question, as_number, short
from neurolab.protocol.shelf import shipped


@dataclass(frozen=True)
class Lab:
    """One lab: its questions, and the bench on which their truth is recomputed.

    bench : f(network) -> the bench of one network of the cohort. n_networks : how many there are.
    predictions, explanations : name -> what is asked for; kept, never marked. bounds : of the predictions that are
    numbers, the least and the most that each can be; another one takes words.
    """

    name: str
    title: str
    about: str
    bench: Callable[[int], Any]
    n_networks: int
    questions: tuple[Question, ...]
    predictions: dict[str, str]
    explanations: dict[str, str]
    minutes: int = 50
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def script(self) -> Path:
        """The master script, which ships with neurolab."""
        folder = shipped("protocols")
        path = folder / "labs" / f"{self.name}.py" if folder else Path()
        if not path.is_file():
            raise MissingDataError(
                f"The script of the lab {self.name!r} is not in this installation; install neurolab-lesion from a "
                "wheel or use a checkout."
            )
        return path

    def question(self, name: str) -> Question:
        """Get a question by name."""
        known = {question.name: question for question in self.questions}
        if name not in known:
            hint = did_you_mean(name, known)
            raise UnknownNameError(f"This lab has no question {name!r}; it has {listed(known)}.{hint}")
        return known[name]

    def predicted(self, name: str, value: Any) -> Any:
        """Get a prediction as it is kept: the number that it is where it has bounds, else as it was given.

        Raises
        ------
        ValueError : no number, or one that cannot be, with what the prediction takes.
        """
        if name not in self.bounds:
            return value
        low, high = self.bounds[name]
        given = as_number(value)
        if not low <= given <= high:
            raise ValueError(f"{name} takes a number from {low:g} to {high:g}, such as {(low + 3 * high) / 4:g}; got "
                             f"{short(value)}. It is not kept.")
        return given

    def network_of(self, student: str) -> int:
        """Get the number of the network that belongs to a student; without a name, the first.

        Students have networks of their own, so that numbers cannot be copied; two may share one.
        """
        name = " ".join(writable(student).split()).casefold()
        return int(digest_of("student", name), 16) % self.n_networks if name else 0


#: Every lab, by name.
LABS: dict[str, Lab] = {
    lab.name: lab
    for lab in (
        Lab("find_the_face_area", "Find the face area, then remove it",
            "a localiser, a lesion, its matched controls, and a double dissociation in a network that names drawings",
            face_area.FaceArea, N_NETWORKS, face_area.QUESTIONS, face_area.PREDICTIONS,
            face_area.EXPLANATIONS, bounds=face_area.BOUNDS),
        Lab("brain_and_network", "Brain and network on the same bench",
            "one contrast, one statistic and one similarity for simulated EEG of 16 people and for 12 networks",
            same_bench.SameBench, N_NETWORKS, same_bench.QUESTIONS, same_bench.PREDICTIONS,
            same_bench.EXPLANATIONS, bounds=same_bench.BOUNDS),
    )
}  # fmt: skip


def find_lab(name: str) -> Lab:
    """Get a lab by name; hyphens are as good as underscores.

    Raises
    ------
    UnknownNameError : no lab of that name, with the nearest ones.

    Example
    -------
    >>> find_lab("find-the-face-area").title
    'Find the face area, then remove it'
    """
    key = str(name).replace("-", "_")
    if key not in LABS:
        raise UnknownNameError(f"There is no lab {name!r}.{did_you_mean(key, LABS)} There are {listed(LABS)}.")
    return LABS[key]


def list_labs() -> tuple[Lab, ...]:
    """Get every lab.

    Example
    -------
    >>> [lab.name for lab in list_labs()]
    ['find_the_face_area', 'brain_and_network']
    """
    return tuple(LABS.values())
