"""The one table of what an ablation does: a new one is one frozen dataclass and one entry in ``ABLATIONS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from neurolab.errors import LesionPlanError, listed
from neurolab.lesion import (
    Ablation,
    Clamp,
    CutWeights,
    Mean,
    Noise,
    Quantise,
    Resample,
    Scale,
    Stimulate,
    WeightNoise,
    Zero,
)
from neurolab.specimen import draws
from neurolab.specimen.reference import References
from neurolab.specimen.region import Region


@dataclass(frozen=True)
class Selection:
    """What an ablation of activity may know besides the values: where they are, what is usual, and its own chance.

    ``units`` are the lesioned units of ``region``; ``stimuli`` are the ids of the rows. Tensors come in the dtype and
    on the device of the values.
    """

    region: Region
    stimuli: tuple[str, ...]
    elements: Callable[[], np.ndarray]
    seed: int
    reference: Any
    references: References
    like: torch.Tensor
    grown: bool = False

    @property
    def site(self) -> str:
        """The address."""
        return self.region.site.address

    @property
    def units(self) -> np.ndarray:
        """The lesioned units, sorted."""
        return self.region.units

    @property
    def mean(self) -> torch.Tensor:
        """Each unit's mean over the reference, (n_units, n_positions or 1)."""
        return self._tensor(self.references.moments(self._known(), self.region)[0])

    @property
    def sd(self) -> torch.Tensor:
        """Each unit's standard deviation over the reference, (n_units, n_positions or 1); of positions, unpooled."""
        self._check_grain()
        return self._tensor(self.references.moments(self._known(), self.region)[1])

    def normal(self) -> torch.Tensor:
        """Get standard normal noise (rows, units, positions), fixed by lesion.rng, site, stimulus and element."""
        return self._tensor(draws.normals(draws.key(self.seed, "normal", self.site), self.stimuli, self.elements()))

    def uniform(self) -> torch.Tensor:
        """Get uniform noise in (0, 1), (rows, units, positions), fixed as :meth:`normal` is."""
        return self._tensor(draws.uniforms(draws.key(self.seed, "uniform", self.site), self.stimuli, self.elements()))

    def resampled(self) -> torch.Tensor:
        """Get what the units did on one drawn reference presentation per row: the same for all units and sites."""
        recording = self._known()
        self._check_grain()
        chance = draws.uniforms(draws.key(self.seed, "resample"), self.stimuli, np.zeros(1, dtype=np.int64))[:, 0]
        donors = np.floor(chance * recording.sizes["presentation"]).astype(np.int64)
        return self._tensor(self.references.presentations(recording, self.region, donors))

    def _check_grain(self) -> None:
        if not self.grown:  # a sequence that comes by in parts may be longer than any reference
            self.references.check_grain(self._known(), self.region)

    def _known(self) -> Any:
        if self.reference is None:
            raise LesionPlanError(f"The ablation at {self.site!r} asks for usual activity but carries no reference=.")
        return self.reference

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device=self.like.device, dtype=self.like.dtype)


@dataclass(frozen=True)
class WeightSelection:
    """What an ablation of weights may know: the parameter, its spread, its own chance."""

    parameter: str
    whole: torch.Tensor
    elements: np.ndarray
    seed: int

    def normal(self) -> torch.Tensor:
        """Get standard normal noise, one per lesioned weight, fixed by lesion.rng, parameter and element."""
        noise = draws.normals(draws.key(self.seed, "weights", self.parameter), [""], self.elements)[0]
        return torch.from_numpy(noise).to(device=self.whole.device, dtype=self.whole.dtype)


#: What an ablation of activity is: (how, values (rows, units, positions), selection) -> the values instead, each row
#: from that row and the selection alone. An entry of one's own is handed a copy; ``own.instead`` asks it.
OnActivity = Callable[[Any, torch.Tensor, Selection], torch.Tensor]


@dataclass(frozen=True)
class OnWeights:
    """An entry for ablations of weights: ``apply(how, weights (units, connections), selection)`` -> weights instead.

    ``sides(how)`` says which weights: "in", "out" or both. ``bias`` says whether the biases of incoming weights go the
    same way.
    """

    apply: Callable[[Any, torch.Tensor, WeightSelection], torch.Tensor]
    sides: Callable[[Any], tuple[str, ...]] = lambda how: ("in",)
    bias: bool = False


def _clamped(how: Clamp, values: torch.Tensor, selection: Selection) -> torch.Tensor:
    whole = not (values.is_floating_point() or values.is_complex())
    largest = 1 if values.dtype == torch.bool else (torch.iinfo if whole else torch.finfo)(values.dtype).max
    if whole and how.value != int(how.value):
        raise LesionPlanError(
            f"Clamp({how.value:g}) at {selection.site!r}, whose values are whole numbers ("
            f"{str(values.dtype).removeprefix('torch.')}). Type nl.Clamp({round(how.value)})."
        )
    if not abs(how.value) <= largest:
        raise LesionPlanError(
            f"Clamp({how.value:g}) at {selection.site!r}, whose values are {str(values.dtype).removeprefix('torch.')}: "
            f"expected a number within {largest:g}. Type nl.Clamp(value) with a value that the units do reach."
        )
    return torch.full_like(values, how.value)


def _quantised(how: Quantise, weights: torch.Tensor, selection: WeightSelection) -> torch.Tensor:
    levels = 2 ** (how.bits - 1) - 1 if how.bits > 1 else 1
    step = weights.abs().amax(dim=1, keepdim=True) / levels
    if how.bits == 1:  # one bit has no room for zero: sign times scale
        return torch.where(weights < 0, -step, step)
    return torch.where(step > 0, torch.round(weights / step.clamp_min(torch.finfo(step.dtype).tiny)) * step, weights)


def _noisy(how: WeightNoise, weights: torch.Tensor, selection: WeightSelection) -> torch.Tensor:
    return weights + how.sd * selection.whole.to(torch.float64).std(correction=0).to(weights.dtype) * selection.normal()


#: Every ablation by its type: a function of activity, or :class:`OnWeights`.
ABLATIONS: dict[type, OnActivity | OnWeights] = {
    Zero: lambda how, values, selection: torch.zeros_like(values),
    Mean: lambda how, values, selection: selection.mean.expand_as(values),
    Resample: lambda how, values, selection: selection.resampled().expand_as(values),
    Noise: lambda how, values, selection: values + how.sd * selection.sd * selection.normal(),
    Scale: lambda how, values, selection: values * how.factor,
    Clamp: _clamped,
    Stimulate: lambda how, values, selection: values + how.current * selection.sd,
    CutWeights: OnWeights(
        lambda how, weights, selection: torch.zeros_like(weights),
        sides=lambda how: ("in", "out") if how.which == "both" else (how.which,),
        bias=True,
    ),
    WeightNoise: OnWeights(_noisy),
    Quantise: OnWeights(_quantised),
}


#: The table as it comes with the package: what holds of an ablation holds while its entry is this one.
SHIPPED = dict(ABLATIONS)


def own_entries() -> dict[type, OnActivity | OnWeights]:
    """Get the entries that are not those of the package's own table: added ones, and shipped ablations given another.

    Workers need them, and what a cell is depends on them.

    Example
    -------
    >>> Zero in own_entries()
    False
    """
    return {kind: effect for kind, effect in ABLATIONS.items() if effect is not SHIPPED.get(kind)}


def take_over(entries: Mapping[type, OnActivity | OnWeights]) -> None:
    """Have the table be the package's own with these entries (of :func:`own_entries`) in it, as a worker does."""
    ABLATIONS.update({**SHIPPED, **entries})


def effect_of(how: Ablation) -> OnActivity | OnWeights:
    """Get the table entry of an ablation; an unregistered one is an error that says how to register it."""
    if type(how) not in ABLATIONS:
        raise LesionPlanError(
            f"Ablation {type(how).__name__} has no entry in ABLATIONS; it has "
            f"{listed(kind.__name__ for kind in ABLATIONS)}. Type neurolab.specimen.ABLATIONS[{type(how).__name__}] = "
            "lambda how, values, selection: ..."
        )
    return ABLATIONS[type(how)]
