"""A cohort under the designs of its networks: whole networks go to workers, with all that is done for their designs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import xarray as xr

from neurolab.campaign.portions import Portions
from neurolab.campaign.serving import Failure
from neurolab.campaign.workers import run_pieces, workers_of
from neurolab.errors import SpecimenError
from neurolab.lesion import Lesion, Zero
from neurolab.specimen.ablations import ABLATIONS
from neurolab.specimen.given import design_for
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
        ABLATIONS.update(self.others)
        yield self

    def run(self, place: int) -> xr.Dataset:
        """Get the trials of one network."""
        from neurolab.specimen.examine import examine

        one = self.cohort[place]
        return examine(one, design_for(one, self.lesions), self.tasks, **self.settings)

    def check_intact(self) -> None:
        """Every network was checked when its lesions were done."""


def examine_each(
    cohort: Cohort, lesions: Designs, tasks: Sequence[Task], *, n_jobs: int | None, **settings: Any
) -> xr.Dataset:
    """Get the trials of all networks; a worker has whole ones, where there are as many networks as workers."""
    workers = workers_of(n_jobs)
    apart = 1 < workers <= len(cohort)
    settings |= {"n_jobs": 1, "progress": False} if apart else {"n_jobs": n_jobs}
    if apart and settings.get("max_memory") is not None:
        settings["max_memory"] = max(bytes_of(settings["max_memory"]) // workers, 1)
    others = {kind: effect for kind, effect in ABLATIONS.items() if kind.__module__ != Zero.__module__}
    work = Networks(cohort, lesions, tasks, settings, others)
    if not apart:
        return concat(map(work.run, range(len(cohort))))
    found: dict[int, Any] = {}
    with closing(run_pieces(Portions(range(len(cohort)), workers=workers), work, workers=workers)) as results:
        for done in results:
            found.update(done)
    for place, one in sorted(found.items()):
        if isinstance(one, Failure):
            raise one.error or SpecimenError(f"{cohort[place].name!r} could not be examined: {one.said}.")
    return concat(found[place] for place in range(len(cohort)))
