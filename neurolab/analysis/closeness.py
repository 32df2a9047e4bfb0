"""How near the control lesions came to their target: what the matching noted about each, in a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import xarray as xr


@dataclass(frozen=True, eq=False)
class Closeness:
    """What the matching noted of some control lesions, one number per control and network, each (n_controls,).

    distance : mean distance of its units from the target's, in sd of what was matched. outside : share of its units
    outside the caliper. still, target_still : how many of its units, and of the target's, never vary.
    """

    distance: np.ndarray
    outside: np.ndarray
    still: np.ndarray = field(default_factory=lambda: np.zeros(1))
    target_still: np.ndarray = field(default_factory=lambda: np.zeros(1))

    @property
    def site_only(self) -> bool:
        """Whether nothing but site and size was matched: then every distance is 0."""
        return not self.distance.any() and not self.outside.any()

    @property
    def undermines(self) -> bool:
        """Whether some unit lies outside the caliper, or nothing but site and size was matched."""
        return self.site_only or bool(self.outside.any())

    def dead(self, whose: str) -> str:
        """Get the sentence on units that never vary; empty where controls have no more of them than their target.

        Example
        -------
        >>> Closeness(np.zeros(2), np.zeros(2), np.array([2.0, 1.0]), np.array([0.0, 0.0])).dead("area")
        'Of the units of the controls of area 1.5 never vary on average, of its own 0: they may cost less for that.'
        """
        own, target = self.still.mean(), self.target_still.mean()
        if own <= target:
            return ""
        return (f"Of the units of the controls of {whose} {own:.2g} never vary on average, of its own {target:.2g}: "
                "they may cost less for that.")  # fmt: skip

    def said(self, whose: str) -> str:
        """Get the sentences about the controls of one target.

        Example
        -------
        >>> print(Closeness(np.array([0.7, 0.88]), np.array([0.0, 0.18])).said("area"))
        The controls of area lie 0.79 sd from its units on average; 9 % outside the caliper.
        >>> print(Closeness(np.array([5.0]), np.array([1.0])).said("area"))
        Warning: every unit of every control of area lies outside the caliper (5 sd away on average): not matched.
        """
        if self.site_only:
            return f"The controls of {whose} are matched in site and size only, not in activity."
        away, none_in = f"{self.distance.mean():.2g} sd", self.outside >= 1
        if none_in.all():
            every = f"Warning: every unit of every control of {whose} lies outside the caliper"
            return f"{every} ({away} away on average): not matched."
        share = f"{100 * self.outside.mean():.2g} % outside the caliper"
        said = f"The controls of {whose} lie {away} from its units on average; {share}."
        if not none_in.any():
            return said
        return f"{said} Warning: in {none_in.sum()} of {none_in.size} controls every unit lies outside it."


def closeness(trials: xr.Dataset, rows: np.ndarray) -> Closeness | None:
    """Get how near the control lesions in these rows came to their target; None where the trials do not say."""
    if "lesion_notes" not in trials.variables:
        return None
    texts = np.asarray(trials["lesion_notes"].values)[..., rows].ravel()
    notes = [json.loads(text) for text in map(str, texts) if text.startswith("{")]
    notes = [note for note in notes if {"match_distance", "match_outside"} <= set(note)]
    if not notes:
        return None
    names = ("match_distance", "match_outside", "never_vary", "target_never_vary")
    return Closeness(*(np.array([note.get(name, 0.0) for note in notes], float) for name in names))
