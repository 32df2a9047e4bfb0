"""Lesions as values: where (a region), how (an ablation), how much (a dose). Nothing here touches a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral
from types import MappingProxyType

from neurolab.ablation import Ablation as Ablation
from neurolab.ablation import Clamp as Clamp
from neurolab.ablation import CutWeights as CutWeights
from neurolab.ablation import Mean as Mean
from neurolab.ablation import Noise as Noise
from neurolab.ablation import Quantise as Quantise
from neurolab.ablation import ReferencedAblation as ReferencedAblation
from neurolab.ablation import Resample as Resample
from neurolab.ablation import Scale as Scale
from neurolab.ablation import Stimulate as Stimulate
from neurolab.ablation import WeightNoise as WeightNoise
from neurolab.ablation import Zero as Zero
from neurolab.digest import digest_of, remembered
from neurolab.errors import LesionPlanError, amount, listed
from neurolab.roi import ROI
from neurolab.schema import ROLES

__all__ = ["Lesion", "unique_lesions"]
__dir__ = __all__.copy


@dataclass(frozen=True, eq=False)
class Lesion:
    """Planned damage: where x how x dose.

    Parameters
    ----------
    roi : the units; an empty region is allowed only for a sham.
    how : the ablation.
    name : what figures call it; default the name of the region. Controls and shams carry their target's name.
    role : "target", "sham" or "control".
    family : for controls, how they were drawn: "matched", "bottom", "reselected", "random".
    dose : share of the target's units, in (0, 1]; doses of one ladder nest.
    draw : number of the draw among its kind.
    rng : integer that seeds the lesion's own chance (noise, resampling); equal numbers share their noise.
    notes : (name, value) pairs for the record, e.g. how well a control matched.
    rung : (name of the ladder, strength) of one among several strengths, as ``nl.noise_ladder`` makes them.
    also : what else is done at the same time, noise elsewhere for instance; type ``lesion & noise``.

    Example
    -------
    >>> lesion = Lesion(ROI("face area", {"conv": [0, 2]}), Zero())
    >>> lesion.id, lesion.n_units
    ('face area', 2)
    """

    roi: ROI
    how: Ablation
    name: str = ""
    role: str = "target"
    family: str = ""
    dose: float = 1.0
    draw: int = 0
    rng: int = 0
    notes: tuple[tuple[str, float | str], ...] = field(default=())
    rung: tuple[str, float] | None = None
    also: tuple[Lesion, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.roi, ROI):
            raise LesionPlanError(
                f"Lesion(roi=...) was {type(self.roi).__name__}; expected an ROI. Type nl.select_roi()."
            )
        if not isinstance(self.how, Ablation):
            raise LesionPlanError(
                f"Lesion(how=...) was {self.how!r}; expected an ablation value such as nl.Zero() or nl.Mean(recording)."
            )
        if self.role not in ROLES:
            raise LesionPlanError(f"Lesion role was {self.role!r}; expected one of {listed(ROLES)}.")
        if self.role != "sham" and self.roi.n_units == 0:
            raise LesionPlanError(
                f"Lesion {self.name or self.roi.name!r} has an empty region; a lesion without damage is a sham: type "
                "nl.sham(lesion). If select_roi() found nothing, loosen q= or ask for top=."
            )
        if not 0 <= self.dose <= 1:
            raise LesionPlanError(f"Lesion dose was {self.dose}; expected a share of the units, 0 to 1.")
        for part in self.also:
            if not isinstance(part, Lesion) or part.role == "sham" or part.also:
                raise LesionPlanError(f"Lesion(also=...) holds {part!r}; expected lesions. Type lesion & noise.")
        if type(self.rng) is not int:
            if not isinstance(self.rng, Integral) or isinstance(self.rng, bool):
                raise LesionPlanError(f"Lesion(rng=...) was {self.rng!r}; expected a whole number, such as rng=0.")
            object.__setattr__(self, "rng", int(self.rng))
        if not self.name:
            object.__setattr__(self, "name", self.roi.name)
        if not self.name.isascii() and self.name.encode("utf-8", "replace").decode() != self.name:
            raise LesionPlanError(f"The lesion's name {self.name!r} holds half a character, which no file can hold.")

    def __repr__(self) -> str:
        return f"Lesion({self.id!r}: {amount(self.roi.n_units, 'unit')}, {self.label})"

    def __and__(self, other: Lesion) -> Lesion:
        """Get both at once; where both touch a unit the left one acts last: tissue that is gone makes no noise.

        The rest (role, dose, draw) is the left one's. A rung of a ladder gives a rung of the ladder ``"A & noise"``.

        Example
        -------
        >>> a, b = (Lesion(ROI(name, {"conv": [0]}), Zero()) for name in "ab")
        >>> (a & b).id, len((a & b).parts)
        ('a & b', 2)
        """
        if not isinstance(other, Lesion):
            raise LesionPlanError(
                f"{self.id!r} & {other!r}: expected another lesion on the right. Type lesion & nl.Lesion(roi, how)."
            )
        if "sham" in (self.role, other.role) or other.role != "target":
            raise LesionPlanError(
                f"{self.id!r} & {other.id!r}: expected a target or control & a target. The intact network under noise "
                "is the noise alone: examine it as a lesion of its own."
            )
        one = self.name + (f" | dose {self.dose:g}" if self.dose != 1 else "")
        rung = None
        if other.rung and not self.rung:
            rung = (f"{one} & {other.rung[0]}", other.rung[1])
        elif self.rung and not other.rung:
            rung = (f"{self.rung[0]} & {other.id}", self.rung[1])
        also = (*self.also, replace(other, also=()), *other.also)
        return replace(self, name=f"{self.name} & {other.id}", rung=rung, also=also)

    def by(self, how: Ablation, name: str) -> Lesion:
        """Get another ablation of the same units, as a lesion of its own name.

        Example
        -------
        >>> silent = Lesion(ROI("area", {"conv": [0, 2]}), Zero())
        >>> dimmed = silent.by(Scale(0.5), "area at half")
        >>> dimmed.id, dimmed.how.label, dimmed.roi is silent.roi
        ('area at half', 'Scale factor=0.5', True)
        """
        return replace(self, how=how, name=name, rung=None)

    @property
    def parts(self) -> tuple[Lesion, ...]:
        """What is done, one ablation of one region each, in the order in which they act: this one last."""
        also = (replace(part, role="sham") if self.role == "sham" else part for part in reversed(self.also))
        return (*also, replace(self, also=()) if self.also else self)

    @property
    def label(self) -> str:
        """What tables call the ablation, e.g. ``"Zero & Noise sd=0.5 at input"``."""
        also = (f"{part.how.label} at {' + '.join(part.roi.sites)}" for part in self.also)
        return " & ".join([self.how.label, *also]) if self.also else self.how.label

    @property
    def id(self) -> str:
        """Name, role, family, dose and draw: the same words for the homologous lesion of every network."""
        parts = [self.name]
        if self.role != "target":
            parts.append(" ".join(filter(None, (self.family, self.role))))
        if self.dose != 1:
            parts.append(f"dose {self.dose:g}")
        if self.draw:
            parts.append(f"draw {self.draw}")
        return " | ".join(parts)

    @property
    def n_units(self) -> int:
        """How many units its region has (none for a sham); those of ``also`` are not counted."""
        return 0 if self.role == "sham" else self.roi.n_units

    @property
    def chosen_on(self) -> frozenset[str]:
        """Ids of the stimuli that chose the region, or one of ``also``."""
        own = self.roi.chosen_on
        return own.union(*(part.roi.chosen_on for part in self.also)) if self.also else own

    @remembered
    def digest(self) -> str:
        """Content digest of what would be done: units, ablation and chance, not the name."""
        if self.role == "sham":
            return digest_of("sham")
        own = digest_of(self.roi.digest, self.how.digest, int(self.rng))
        return digest_of(own, *(part.digest for part in self.also)) if self.also else own


def unique_lesions(lesions: tuple[Lesion, ...]) -> Mapping[str, Lesion]:
    """Get the lesions by id; two different lesions with one id are refused."""
    by_id: dict[str, Lesion] = {}
    for lesion in lesions:
        if lesion.id in by_id:
            raise LesionPlanError(
                f"Two lesions are called {lesion.id!r}; expected one name each. Type Lesion(..., name=...) or give the "
                "second another draw=."
            )
        by_id[lesion.id] = lesion
    return MappingProxyType(by_id)
