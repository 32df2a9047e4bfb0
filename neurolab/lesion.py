"""Lesions as values: where (a region), how (an ablation), how much (a dose). Nothing here touches a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
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
from neurolab.digest import digest_of
from neurolab.errors import LesionPlanError, listed
from neurolab.roi import ROI
from neurolab.schema import ROLES


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
        if not self.name:
            object.__setattr__(self, "name", self.roi.name)

    def __repr__(self) -> str:
        return f"Lesion({self.id!r}: {self.roi.n_units} units, {self.how.label})"

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
        """How many units it touches (none for a sham)."""
        return 0 if self.role == "sham" else self.roi.n_units

    @property
    def chosen_on(self) -> frozenset[str]:
        """Ids of the stimuli that chose the region."""
        return self.roi.chosen_on

    @cached_property
    def digest(self) -> str:
        """Content digest of what would be done: units, ablation and chance, not the name."""
        if self.role == "sham":
            return digest_of("sham")
        return digest_of(self.roi.digest, self.how.digest, int(self.rng))


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
