"""Doses chosen for the ladders of a design: how many units of each go, on stimuli that then count as having chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import xarray as xr

from neurolab.analysis.rungs import Dose, smallest_dose
from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed
from neurolab.lesion import Lesion

#: What gives a network the rungs of one or several ladders.
Ladders = Callable[[Any], Iterable[Lesion]]


@dataclass(frozen=True, eq=False)
class Chosen(Mapping[str, Callable[[Any], Lesion]]):
    """What finds the lesion of every ladder at its chosen dose, by name; called with a network, all of its lesions.

    ``doses`` has the dose of every ladder. A lesion is called like its ladder; it remembers the stimuli that chose its
    dose beside those that chose its units, and notes a dose that was not reached.
    """

    doses: Mapping[str, Dose]
    ladders: Ladders
    known: dict[tuple[str, str], tuple[Lesion, ...]] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Callable[[Any], Lesion]:
        if name not in self.doses:
            raise UnknownNameError(f"There is no ladder {name!r}.{did_you_mean(name, self)} There are {listed(self)}.")
        return lambda network: self(network)[list(self.doses).index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.doses)

    def __len__(self) -> int:
        return len(self.doses)

    def __call__(self, network: Any) -> tuple[Lesion, ...]:
        """Get the lesions of a network, one per ladder."""
        key = str(network.name), str(getattr(network, "digest", ""))
        if key not in self.known:
            rungs = {lesion.rung: lesion for lesion in self.ladders(network) if lesion.rung}
            self.known[key] = tuple(at_dose(rungs, name, dose, network) for name, dose in self.doses.items())
        return self.known[key]


def at_dose(rungs: Mapping[Any, Lesion], name: str, dose: Dose, network: Any) -> Lesion:
    """Get the rung of a ladder at its chosen dose, as a lesion of its own that is named like the ladder."""
    found = rungs.get((name, float(dose)))
    if found is None:
        raise DesignError(
            f"The ladder {name!r} of {network.name!r} has no rung {dose:g}; expected the same rungs as were examined."
        )
    roi = replace(found.roi, name=name, chosen_on=found.roi.chosen_on | dose.chosen_on)
    notes = tuple(("undermined_by", said) for said in dose.undermined_by)
    return replace(found, roi=roi, name=name, rung=None, notes=(*found.notes, *notes))


def choose_doses(trials: xr.Dataset, ladders: Ladders, *, task: str, costing: float, most: bool = False) -> Chosen:
    """Get the smallest dose of every ladder whose mean deficit is at least so large, and the lesions at these doses.

    Parameters
    ----------
    trials : of the ladders, examined on stimuli of their own. ladders : the design that was examined: network -> rungs
        of one or several ladders, as ``nl.analysis.nested_lesions`` makes them.
    task, costing, most : as for :func:`smallest_dose`.

    Returns
    -------
    Chosen: ``chosen["contrast"]`` finds the lesion of a network, as ``nl.specimen.remove_units`` takes it;
    ``chosen(network)`` gives the lesions of all ladders, each called like its ladder; ``chosen.doses["contrast"]`` is a
    dose. The lesions count the stimuli of ``trials`` among those that chose them, so that testing on these is refused
    as double dipping.

    Raises
    ------
    DesignError : a ladder of which no dose costs as much; no ladder at all.

    When this is invalid
    --------------------
    A dose chosen in the mean over networks is one number for all: in some of them it costs less.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> from neurolab.lesion import Zero
    >>> from neurolab.roi import ROI
    >>> from neurolab.simulate import phantom_trials
    >>> trials = phantom_trials(doses=(0.5, 1.0), rng=0)
    >>> target = (trials["role"] == "target") & (trials["roi"] == "A")
    >>> trials = trials.assign_coords(ladder=("lesion", ["A" if here else "" for here in target.values]),
    ...                               rung=("lesion", [4.0 * one for one in trials["dose"].values]))
    >>> def ladders(network):
    ...     return [Lesion(ROI("A", {"1": range(n)}), Zero(), rung=("A", float(n))) for n in (2, 4)]
    >>> chosen = choose_doses(trials, ladders, task="X", costing=0.1)
    >>> chosen.doses["A"], chosen["A"](SimpleNamespace(name="net")).n_units
    (2.0, 2)
    """
    names = [name for name in dict.fromkeys(map(str, trials["ladder"].values)) if name] if "ladder" in trials else []
    if not names:
        raise DesignError("The trials have no ladder; examine nl.analysis.nested_lesions(...) of every network first.")
    doses = {name: smallest_dose(trials, lesion=name, task=task, costing=costing, most=most) for name in names}
    return Chosen(doses, ladders)
