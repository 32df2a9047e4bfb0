"""A cohort under the designs of its networks: whole networks go to workers, with all that is done for their designs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import xarray as xr

from neurolab.campaign.pace import over_networks
from neurolab.campaign.portions import Portions
from neurolab.campaign.serving import Failure
from neurolab.campaign.workers import run_pieces, workers_of
from neurolab.errors import CampaignIncomplete, SpecimenError
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import own_entries, take_over
from neurolab.specimen.given import design_for, lesions_of
from neurolab.specimen.specimen import Cohort, Specimen, Task
from neurolab.specimen.stream import bytes_of
from neurolab.trials import concat

#: The lesions of every network of a cohort, or what finds those of one.
Designs = Sequence[Lesion] | Callable[[Specimen], Sequence[Lesion]]


@dataclass(frozen=True)
class Networks:
    """What a worker must know to examine any network of a cohort; the pieces are their places in it."""

    cohort: Cohort
    lesions: Designs
    tasks: Sequence[Task]
    settings: dict[str, Any]
    others: dict[type, Any]

    @contextmanager
    def opened(self) -> Iterator[Networks]:
        """Get ready to examine networks in this process."""
        take_over(self.others)
        yield self

    def run(self, place: int) -> xr.Dataset:
        """Get the trials of one network."""
        from neurolab.specimen.examine import examine_one

        one, names = self.cohort[place], [net.name for net in self.cohort]
        return examine_one(one, design_for(one, self.lesions), self.tasks, cohort=names, **self.settings)

    def check_intact(self) -> None:
        """Every network was checked when its lesions were done."""


def examine_each(
    cohort: Cohort, lesions: Designs, tasks: Sequence[Task], *, n_jobs: int | None, **settings: Any
) -> xr.Dataset:
    """Get the trials of all networks; a worker has whole ones, where there are as many networks as workers."""
    lesions, tasks = lesions if callable(lesions) else lesions_of(lesions, "examine"), tuple(tasks)
    workers = workers_of(n_jobs)
    apart, n, show = 1 < workers <= len(cohort), len(cohort), bool(settings.get("progress"))
    settings |= {"n_jobs": 1, "progress": False} if apart else {"n_jobs": n_jobs}
    if apart and settings.get("max_memory") is not None:
        settings["max_memory"] = max(bytes_of(settings["max_memory"]) // workers, 1)
    work = Networks(cohort, lesions, tasks, settings, own_entries())
    if not apart:
        with over_networks(n, 1, show=show) as step:
            return _joined(cohort, [_of_one(work, place, step) for place in range(n)])
    found: dict[int, Any] = {}
    pieces = run_pieces(Portions(range(n), workers=workers), work, workers=workers)
    with over_networks(n, workers, show=show) as step, closing(pieces) as results:
        for place, one in (pair for done in results for pair in done):
            found[place] = one
            step()
    for place, one in sorted(found.items()):
        if isinstance(one, Failure) and not isinstance(one.error, CampaignIncomplete):
            raise one.error or SpecimenError(f"{cohort[place].name!r} could not be examined: {one.said}.")
    whole = (found[place] for place in range(n))
    return _joined(cohort, [one.error if isinstance(one, Failure) else one for one in whole])


def _of_one(work: Networks, place: int, step: Callable[[], None]) -> xr.Dataset | CampaignIncomplete:
    """The trials of a network; where some of its lesions failed, the error that says so, and the others go on."""
    found: xr.Dataset | CampaignIncomplete
    try:
        found = work.run(place)
    except CampaignIncomplete as error:
        found = error
    step()
    return found


def _joined(cohort: Cohort, every: Sequence[Any]) -> xr.Dataset:
    """The trials of all networks; raises CampaignIncomplete with what there is where lesions of some failed."""
    errors = {net.name: one for net, one in zip(cohort, every) if isinstance(one, CampaignIncomplete)}
    there: list[Any] = [one.trials if isinstance(one, CampaignIncomplete) else one for one in every]
    trials = concat(there)
    if not errors:
        return trials
    failed = {f"{name}: {lesion}": why for name, error in errors.items() for lesion, why in error.failed.items()}
    raise CampaignIncomplete(
        f"Lesions of {len(errors)} of {len(cohort)} networks could not be computed; all others are finished. "
        + " ".join(map(str, errors.values())), trials=trials, failed=failed,
    ) from next(iter(errors.values()))
