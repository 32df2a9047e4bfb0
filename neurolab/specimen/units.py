"""What an ablation does to each unit of a region, counted once for all lesions that take some of these units.

It holds where the new value of a unit does not depend on which other units are lesioned, as in every ablation of
activity that comes with the bench: chance is keyed by element, means and donors by site.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from neurolab.specimen.certificate import SAMPLE, Certificate, doubled


@dataclass
class Counted:
    """Per unit of a region: how many values it has, how many an ablation changed, how far it took them."""

    n_units: int
    fired: int = 0
    total: int = 0
    changed: np.ndarray = field(init=False)
    far: np.ndarray = field(init=False)
    varied: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.changed, self.far, self.varied = (np.zeros(self.n_units) for _ in range(3))

    def add(self, old: torch.Tensor, new: torch.Tensor) -> None:
        """Count one batch, values (rows, units, positions); the first one says how far from the usual."""
        self.fired += 1
        self.total += old.shape[0] * old.shape[2]
        self.changed += np.count_nonzero((old != new).cpu().numpy(), axis=(0, 2))
        if self.fired == 1 and len(old) > 1:
            old, new = (doubled(part[:SAMPLE].transpose(0, 1).flatten(1)) for part in (old, new))
            sd, mean = torch.std_mean(old, dim=1, keepdim=True)
            varies = (sd > 0).reshape(-1)
            far = ((new - mean).abs() / sd.where(sd > 0, torch.ones_like(sd))).mean(1)
            self.far, self.varied = (far * varies).cpu().numpy(), varies.double().cpu().numpy()

    def certificate(self, units: np.ndarray, *, read: bool | None, downstream: float, path: str) -> Certificate:
        """Get the certificate of a lesion that took some of the units, given by their places in the region."""
        changed, varied = self.changed[units].sum(), self.varied[units].sum()
        total = self.total * len(units)
        return Certificate(
            self.fired, read, float(changed / total) if total else float("nan"), bool(total and not changed),
            downstream, float(self.far[units].sum() / varied) if varied else float("nan"), path,
        )
