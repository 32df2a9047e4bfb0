"""Ablations: the *how* of a lesion, as frozen values without behaviour. What each does is in ``specimen.ABLATIONS``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real
from sys import intern
from typing import Any

import numpy as np
import xarray as xr

from neurolab.digest import digest_of, remembered
from neurolab.errors import LesionPlanError, did_you_mean, listed
from neurolab.recording import at_site, check_recording, site_names

__all__ = [
    "Ablation",
    "Clamp",
    "CutWeights",
    "Mean",
    "Noise",
    "Quantise",
    "ReferencedAblation",
    "Resample",
    "Scale",
    "Stimulate",
    "WeightNoise",
    "Zero",
]
__dir__ = __all__.copy


def check_number(given: Any, who: str, example: float = 0.5, *, whole: bool = False) -> None:
    """Raise LesionPlanError where a setting is no number; with ``whole`` also where it is no whole one.

    Example
    -------
    >>> check_number("a", "Scale factor")
    Traceback (most recent call last):
    neurolab.errors.LesionPlanError: Scale factor='a'; expected a number, such as 0.5.
    """
    if not isinstance(given, Real) or (whole and not float(given).is_integer()):
        kind = "a whole number" if whole else "a number"
        raise LesionPlanError(f"{who}={given!r}; expected {kind}, such as {example:g}.")


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
        return intern(" ".join([type(self).__name__, *said]))  # thousands of lesions say the same

    @remembered
    def digest(self) -> str:
        """Content digest of the kind and its settings, the reference activity included."""
        parts: dict[str, Any] = {}
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if isinstance(value, xr.DataArray):
                value = [np.asarray(value), np.asarray(value["site"]), np.asarray(value["unit"]), value.attrs["sites"]]
            parts[entry.name] = value
        return intern(digest_of(type(self).__name__, parts))


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

    @remembered
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
    """Set the units to zero. Off-distribution where a unit's usual mean is far from zero.

    Example
    -------
    >>> Zero().label
    'Zero'
    """


@dataclass(frozen=True, eq=False, repr=False)
class Mean(ReferencedAblation):
    """Hold each unit at its own mean over the reference presentations.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(rng=0)
    >>> Mean(recording).label
    'Mean'
    """

    reference: xr.DataArray


@dataclass(frozen=True, eq=False, repr=False)
class Resample(ReferencedAblation):
    """Give the units what they did on another, randomly drawn reference presentation (the same for all units).

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(rng=0)
    >>> Resample(recording).label
    'Resample'
    """

    reference: xr.DataArray


@dataclass(frozen=True, eq=False, repr=False)
class Noise(ReferencedAblation):
    """Add Gaussian noise with ``sd`` times each unit's own standard deviation.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(rng=0)
    >>> Noise(0.5, recording).label
    'Noise sd=0.5'
    """

    sd: float = 1.0
    reference: xr.DataArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        check_number(self.sd, "Noise sd")
        super().__post_init__()


@dataclass(frozen=True)
class Scale(Ablation):
    """Multiply the units by ``factor``: 1 is intact, 0 silent, above 1 amplified.

    Example
    -------
    >>> Scale(0.5).label
    'Scale factor=0.5'
    """

    factor: float

    def __post_init__(self) -> None:
        check_number(self.factor, "Scale factor")


@dataclass(frozen=True)
class Clamp(Ablation):
    """Hold the units at ``value``, in units of activity.

    Example
    -------
    >>> Clamp(1.0).label
    'Clamp value=1'
    """

    value: float

    def __post_init__(self) -> None:
        check_number(self.value, "Clamp value")


@dataclass(frozen=True, eq=False, repr=False)
class Stimulate(ReferencedAblation):
    """Add ``current`` times each unit's own standard deviation: the electrode, the opposite of a lesion.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> recording = phantom_recording(rng=0)
    >>> Stimulate(2.0, recording).label
    'Stimulate current=2'
    """

    current: float = 1.0
    reference: xr.DataArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        check_number(self.current, "Stimulate current")
        super().__post_init__()


@dataclass(frozen=True)
class CutWeights(Ablation):
    """Set weights to zero: into the units (``"in"``, bias included), out of them (``"out"``) or ``"both"``.

    Tied weights (one tensor under several names) are listed and refused unless ``consent=True``.

    Example
    -------
    >>> CutWeights("out").label
    'CutWeights which=out'
    """

    which: str = "in"
    consent: bool = False

    def __post_init__(self) -> None:
        if self.which not in ("in", "out", "both"):
            raise LesionPlanError(f"CutWeights which={self.which!r}; expected 'in', 'out' or 'both'.")


@dataclass(frozen=True)
class WeightNoise(Ablation):
    """Add Gaussian noise to the units' incoming weights, ``sd`` times the sd of the whole weight tensor.

    Example
    -------
    >>> WeightNoise(0.1).label
    'WeightNoise sd=0.1'
    """

    sd: float
    consent: bool = False

    def __post_init__(self) -> None:
        check_number(self.sd, "WeightNoise sd", 0.1)


@dataclass(frozen=True)
class Quantise(Ablation):
    """Round the units' incoming weights to ``bits`` bits, symmetric around zero, per unit.

    Example
    -------
    >>> Quantise(4).label
    'Quantise bits=4'
    """

    bits: int
    consent: bool = False

    def __post_init__(self) -> None:
        check_number(self.bits, "Quantise bits", 4, whole=True)
        if not 1 <= self.bits <= 16:
            raise LesionPlanError(f"Quantise bits={self.bits}; expected 1 to 16.")
