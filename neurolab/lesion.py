"""Lesions as values: where (a region), how (an ablation), how much (a dose). Nothing here touches a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from neurolab.digest import digest_of
from neurolab.errors import LesionPlanError, did_you_mean, listed
from neurolab.recording import at_site, check_recording, site_names
from neurolab.roi import ROI
from neurolab.schema import ROLES


class Ablation:
    """Marker of everything that can be the *how* of a lesion: a frozen value without behaviour.

    A new ablation is one frozen dataclass that inherits from this and one entry in
    ``neurolab.specimen.bench.ABLATIONS``.
    """

    @property
    def label(self) -> str:
        """What figures and tables call it, e.g. ``"Noise sd=1"``."""
        said = [
            f"{entry.name}={getattr(self, entry.name):g}"
            if isinstance(getattr(self, entry.name), float)
            else f"{entry.name}={getattr(self, entry.name)}"
            for entry in fields(self)  # type: ignore[arg-type]
            if entry.name not in ("reference", "consent")
        ]
        return " ".join([type(self).__name__, *said])

    @cached_property
    def digest(self) -> str:
        """Content digest of the kind and its settings, the reference activity included."""
        parts: dict[str, Any] = {}
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if isinstance(value, xr.DataArray):
                value = [np.asarray(value), np.asarray(value["site"]), np.asarray(value["unit"]), value.attrs["sites"]]
            parts[entry.name] = value
        return digest_of(type(self).__name__, parts)


class ReferencedAblation(Ablation):
    """An ablation that needs to know a unit's usual activity: it carries a reference recording."""

    reference: xr.DataArray

    def __post_init__(self) -> None:
        if self.reference is None:
            raise LesionPlanError(
                f"{type(self).__name__} needs a reference recording (what is the unit's usual activity?). Type "
                f"{type(self).__name__}(reference=nl.record(specimen, stimuli, [site]))."
            )
        check_recording(self.reference)
        if "time" in self.reference.dims:
            raise LesionPlanError("A reference recording has no time dimension; type recording.mean('time').")

    def __repr__(self) -> str:
        return f"{self.label} (reference {self.reference.sizes['presentation']} presentations)"

    @cached_property
    def _known(self) -> dict[str, dict[int, int]]:
        return {}

    def at(self, site: str, units: np.ndarray) -> np.ndarray:
        """Get the reference activity (n_presentations, n_units) float64 of these units of a site.

        Raises LesionPlanError when the reference lacks the site or a unit.
        """
        names = site_names(self.reference)
        if site not in names:
            raise LesionPlanError(
                f"{type(self).__name__}: the reference recording lacks site {site!r}.{did_you_mean(site, names)} "
                f"It has {listed(names)}; record the reference there too."
            )
        part = at_site(self.reference, site)
        place = self._known.setdefault(site, {int(unit): at for at, unit in enumerate(part["unit"].values)})
        missing = [int(unit) for unit in units if int(unit) not in place]
        if missing:
            raise LesionPlanError(
                f"{type(self).__name__}: the reference recording lacks {len(missing)} lesioned units of {site!r} (the "
                f"first: {missing[0]}); record the reference with the same pooling and units as the region."
            )
        return part.values[:, [place[int(unit)] for unit in units]].astype(np.float64)

    def statistics(self, site: str, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Get each unit's mean and sd (ddof 1; 0 for one presentation) over the reference, float64 (n_units,)."""
        values = self.at(site, units)
        sd = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
        return values.mean(axis=0), sd


@dataclass(frozen=True)
class Zero(Ablation):
    """Set the units to zero. Off-distribution where a unit's usual mean is far from zero."""


@dataclass(frozen=True, eq=False, repr=False)
class Mean(ReferencedAblation):
    """Hold each unit at its own mean over the reference presentations."""

    reference: xr.DataArray


@dataclass(frozen=True, eq=False, repr=False)
class Resample(ReferencedAblation):
    """Give the units what they did on another, randomly drawn reference presentation (the same for all units)."""

    reference: xr.DataArray


@dataclass(frozen=True, eq=False, repr=False)
class Noise(ReferencedAblation):
    """Add Gaussian noise with ``sd`` times each unit's own standard deviation."""

    sd: float = 1.0
    reference: xr.DataArray = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Scale(Ablation):
    """Multiply the units by ``factor``: 1 is intact, 0 silent, above 1 amplified."""

    factor: float


@dataclass(frozen=True)
class Clamp(Ablation):
    """Hold the units at ``value``, in units of activity."""

    value: float


@dataclass(frozen=True, eq=False, repr=False)
class Stimulate(ReferencedAblation):
    """Add ``current`` times each unit's own standard deviation: the electrode, the opposite of a lesion."""

    current: float = 1.0
    reference: xr.DataArray = None  # type: ignore[assignment]


@dataclass(frozen=True)
class CutWeights(Ablation):
    """Set weights to zero: into the units (``"in"``, bias included), out of them (``"out"``) or ``"both"``.

    Tied weights (one tensor under several names) are listed and refused unless ``consent=True``.
    """

    which: str = "in"
    consent: bool = False

    def __post_init__(self) -> None:
        if self.which not in ("in", "out", "both"):
            raise LesionPlanError(f"CutWeights which={self.which!r}; expected 'in', 'out' or 'both'.")


@dataclass(frozen=True)
class WeightNoise(Ablation):
    """Add Gaussian noise to the units' incoming weights, ``sd`` times the sd of the whole weight tensor."""

    sd: float
    consent: bool = False


@dataclass(frozen=True)
class Quantise(Ablation):
    """Round the units' incoming weights to ``bits`` bits, symmetric around zero, per unit."""

    bits: int
    consent: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise LesionPlanError(f"Quantise bits={self.bits}; expected 1 to 16.")


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
