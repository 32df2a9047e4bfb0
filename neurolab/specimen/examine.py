"""The verb that lesions: a design and tasks in, trials out; the intact row is always there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from neurolab.campaign import Store, heap, status
from neurolab.campaign.shards import Shard
from neurolab.campaign.workers import workers_of
from neurolab.design import sham
from neurolab.errors import DataError, DesignError, LesionPlanError, NeurolabError, did_you_mean, listed
from neurolab.lesion import Lesion, Zero, unique_lesions
from neurolab.roi import ROI
from neurolab.scores import describe
from neurolab.specimen.campaign import MANY, Campaign
from neurolab.specimen.cohorts import Designs, examine_each
from neurolab.specimen.given import check_specimen, design_for, lesions_of
from neurolab.specimen.identity import identity_of
from neurolab.specimen.keep import InMemory, OnDisk
from neurolab.specimen.past import learned_flags, trial_rows
from neurolab.specimen.plan import EXACT
from neurolab.specimen.reference import References
from neurolab.specimen.specimen import Cohort, Specimen, Task
from neurolab.specimen.task_checks import check_dipping, checked_tasks
from neurolab.specimen.whose import check_weights
from neurolab.trials import make_trials

#: Regions of more units are written into trials by their digest alone.
MOST_UNITS = 4096


def examine(
    specimen: Specimen | Cohort,
    lesions: Designs,
    tasks: Sequence[Task],
    *,
    batch_size: int = 256,
    exact: str = "rounding",
    store: str | os.PathLike[str] | None = None,
    n_jobs: int = 1,
    shard: str | None = None,
    max_memory: str | int | None = None,
    progress: bool = True,
    allow_double_dipping: bool = False,
) -> xr.Dataset:
    """Get the trials of a network under each lesion, and under the sham.

    Parameters
    ----------
    specimen : the network, or a Cohort; with several workers each has whole networks.
    lesions : the design, each lesion with an id of its own; a sham row is added when there is none. Or a function that
        gives a network its design: units localised in one network are refused in another, so that the lesions of a
        whole Cohort must be found in each, or be given from outside (``ROI(..., specimen="")``).
    tasks : what is scored; names differ.
    batch_size : stimuli per forward; never changes a score beyond float tolerance.
    exact : "rounding" may compute lesions side by side or as an update of what is known, checked against whole
        forwards on canaries, a few lesions of each group (largest difference 1e-5 of the largest output); "bit" only
        what gives equal bits.
    store : a folder where every finished lesion is kept; a campaign that was stopped, in whatever way, goes on from
        there. Networks examined one by one may share it. The trials are written into it when they are whole; scores of
        more than 8 MiB stay there until they are asked for, so that memory does not grow with them: ``trials.load()``
        takes them all, a pickle or a copy of trials that were not read holds only the place. A design that was changed
        computes stored lesions again where another lesion changes how they are computed: that is part of their name.
    n_jobs : worker processes (joblib), each with one torch thread; -1 takes every core. Never changes a score; but a
        worker imports your modules anew, so what was set in them after their import does not reach it.
    shard : "1/3" computes the first third of the design into the store, on this machine; the lesions of other shards
        are NaN in the trials, which no analysis takes. ``neurolab merge`` joins stores of several machines.
    max_memory : bounds what is kept, such as "2GB", all workers together: scores (unless they stay in the store),
        stimuli, and of the intact network as much as fits, the rest made anew, which never changes a score. None: the
        scores, and 1 GiB of the network in each worker. The joined trials of a Cohort are not counted.
    progress : show a bar with the time left where the error stream is a terminal.
    allow_double_dipping : score on the stimuli that chose a region all the same; the trials record it.

    Returns
    -------
    Dataset with score (specimen, lesion, trial); per specimen and lesion its certificate, the digest of what was done,
    ``lesion_units`` (JSON, per site) and ``lesion_notes`` (JSON, e.g. how well a control matched). Scores that stay in
    a store are read at their first use and kept from then on; ``trials.load()`` reads them now, before the folder is
    moved or removed. Trials of a Cohort are joined in memory.

    Raises
    ------
    SpecimenError : a bare model, or a list of networks. LesionPlanError : units or a reference of another network, be
    it of the same name.
    DoubleDippingError : a task shows stimuli that chose a lesioned region.
    LesionNotApplied, LesionNotUndone : a promise of the bench could not be kept.
    CampaignMismatchError : the store belongs to other weights, stimuli, scores, settings or versions.
    StoreWriteError : a full disk, a read-only folder, a folder that cannot be made; what was committed is kept.
    TooLargeError : more memory is needed than ``max_memory``, or than there is.

    When this is invalid
    --------------------
    One network is one case: scores of one specimen generalise over stimuli, not over networks. Scores on stimuli that a
    network was trained on: where ``train_cohort`` or ``retrain`` trained it, trials and results say so
    (``undermined_by``); of networks from elsewhere, weight files included, nobody knows, and you must.

    Example
    -------
    >>> import pandas as pd, torch, neurolab.scores as scores
    >>> from neurolab.stimuli import StimulusSet
    >>> table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"], "label": [0, 1]})
    >>> net = Specimen(torch.nn.Linear(3, 2), torch.zeros(1, 3))
    >>> task = Task("name", StimulusSet("two", np.eye(2, 3), table), scores.accuracy)
    >>> examine(net, [Lesion(ROI("corner", {"input": [0]}), Zero())], [task]).sizes["lesion"]
    2
    """
    settings: dict[str, Any] = {
        "batch_size": batch_size, "exact": exact, "store": store, "n_jobs": n_jobs, "shard": shard,
        "max_memory": max_memory, "progress": progress, "allow_double_dipping": allow_double_dipping,
    }  # fmt: skip
    if store is not None and not isinstance(store, (str, os.PathLike)):
        raise DesignError(f"store={store!r} given; expected a folder of your own. Type store='runs/x'.")
    with _said_when_stopped(store):
        if isinstance(specimen, Cohort):
            return examine_each(specimen, lesions, tasks, **settings)
        check_specimen(specimen, "examine")
        return examine_one(specimen, lesions, tasks, **settings)


@contextmanager
def _said_when_stopped(store: Any) -> Iterator[None]:
    """Say below the traceback of Ctrl-C what is kept, wherever the campaign was."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.add_note(
            "No lesion is kept; type store='runs/x' to go on later." if store is None else
            f"Finished lesions are kept in {store}{_so_far(store)}: the same call goes on, neurolab status {store} "
            "says how far it is."
        )
        raise


def _so_far(store: str | os.PathLike[str]) -> str:
    """How much of a campaign is in its store, all networks of a cohort together; nothing where that cannot be read."""
    try:
        table = status(store)
    except (NeurolabError, OSError):
        return ""
    return f" ({table['done'].sum()} of {table['planned'].sum()} cells)"


def examine_one(
    specimen: Specimen, lesions: Designs, tasks: Sequence[Task], *, batch_size: int, exact: str, store: Any,
    n_jobs: int, shard: str | None, max_memory: str | int | None, progress: bool, allow_double_dipping: bool,
    cohort: Sequence[str] = (),
) -> xr.Dataset:
    """Get the trials of one network, which may be one of a cohort of these names."""
    workers = workers_of(n_jobs)
    if torch.is_autocast_enabled(specimen.device.type):
        raise DataError(
            "examine() was called inside torch.autocast(), where updates of what is known are rounded otherwise than "
            "whole forwards. Call it outside; if half precision is meant, put the autocast into the model's forward."
        )
    if exact not in EXACT:
        raise DataError(f"exact={exact!r} given; expected one of {listed(EXACT)}.{did_you_mean(exact, EXACT)}")
    part = _shard_of(shard, store)
    design = with_sham(design_for(specimen, lesions))
    unique_lesions(design)
    _check_own(specimen, design)
    if store is not None:
        _check_references(specimen, design)  # without one the bench says it, which knows what else lies on the network
    tasks = checked_tasks(specimen, tasks)
    override = check_dipping(specimen, design, tasks, allow_double_dipping)
    known = partial(_skeleton, specimen, design, tasks, override, batch_size)
    aside = heap.set_aside() if len(design) > MANY else nullcontext()
    with aside, _kept(specimen, design, tasks, batch_size, exact, known, store, part, cohort) as kept:
        campaign = Campaign(specimen, design, tasks, batch_size, exact, kept, progress, max_memory)
        campaign.run(min(workers, len(design) - 1), part)
        campaign.check_whole(lambda: kept.trials("some lesions could not be computed"))
        return kept.trials(f"shard {part}" if part else "")


@contextmanager
def _kept(
    specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], batch_size: int, exact: str,
    known: Callable[[], xr.Dataset], store: Any, part: Shard | None, cohort: Sequence[str],
) -> Iterator[InMemory | OnDisk]:
    """Where the cells go."""
    if store is None:
        yield InMemory(known(), design)
        return
    writer = f"{part.number}-of-{part.n}" if part else "all"
    with Store.open(store, identity_of(specimen, tasks, batch_size, exact), writer=writer) as opened:
        yield OnDisk(opened, known(), design, cohort)


def _shard_of(shard: str | None, store: Any) -> Shard | None:
    if shard is None:
        return None
    if store is None:
        raise DataError(f"shard={shard!r} was given without a store; its lesions would be lost. Type store='runs/x'.")
    return Shard.of(shard)


def with_sham(lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
    """Get the design with a sham in it: the whole procedure of the first lesion, without damage, comes first."""
    design = lesions_of(lesions, "examine")
    if any(lesion.role == "sham" for lesion in design):
        return design
    return (sham(design[0]) if design else Lesion(ROI("intact", {}), Zero(), role="sham"), *design)


def _check_own(specimen: Specimen, design: Sequence[Lesion]) -> None:
    """Refuse to cut one network where the units of another were chosen: unit 7 of two seeds is not the same unit."""
    parts = [part for whole in design for part in whole.parts if part.role != "sham"]
    for lesion in parts:
        whose = lesion.roi.specimen
        if whose and whose != specimen.name:
            raise LesionPlanError(
                f"Lesion {lesion.id!r} was localised in {whose!r} and would be cut in {specimen.name!r}, whose "
                "units are others. Find it in each network: nl.examine(cohort, design_function, tasks), where "
                "design_function(network) gives the lesions of that network. If the units do correspond (a retrained "
                f"copy), type roi.moved_to({specimen.name!r})."
            )
    check_weights(specimen, [lesion.roi for lesion in parts], "examine()")


def _check_references(specimen: Specimen, design: Sequence[Lesion]) -> None:
    """Refuse a reference recording of other weights, or of a lesioned network, before a store is made."""
    hows = [part.how for whole in design if whole.role != "sham" for part in whole.parts]
    recordings = {id(one): one for how in hows if isinstance(one := getattr(how, "reference", None), xr.DataArray)}
    if recordings:
        references = References()
        references.weights = specimen.digest
        for recording in recordings.values():
            references.check_own(recording)


def _units_text(lesion: Lesion) -> str:
    """The lesioned units per site as JSON; empty for a sham, only the digest of the region above MOST_UNITS."""
    if lesion.n_units > MOST_UNITS:
        return json.dumps({"digest": lesion.roi.digest})
    return json.dumps({site: units.tolist() for site, units in lesion.roi.units.items()} if lesion.n_units else {})


def _notes(lesion: Lesion) -> dict[str, Any]:
    """What is noted of a lesion: how well a control matched, and what else was done at the same time."""
    also = [{"id": part.id, "how": part.how.label, "units": _units_text(part), "digest": part.digest}
            for part in lesion.also if lesion.role != "sham"]
    return dict(lesion.notes) | ({"also": also} if also else {})


# -- the result ------------------------------------------------------------------------------------------------------


def _skeleton(
    specimen: Specimen, design: Sequence[Lesion], tasks: Sequence[Task], override: str, batch_size: int
) -> xr.Dataset:
    """Trials without scores: everything that is known before the first cell."""
    trial = trial_rows(tasks)
    per_lesion: dict[str, Any] = {
        "lesion_digest": [[lesion.digest for lesion in design]],
        "lesion_units": [[_units_text(lesion) for lesion in design]],
        "lesion_notes": [[json.dumps(_notes(lesion)) for lesion in design]],
    }
    n_outputs = specimen.sites()["output"].shape[-1]
    return make_trials(
        np.broadcast_to(0.0, (1, len(design), len(trial))), specimen=[specimen.name], lesions=design, trial=trial,
        tasks={task.name: describe(task.score, task.stimuli.table, n_outputs) for task in tasks}, kind="ann",
        per_lesion=per_lesion,
        attrs={"source": f"{specimen.name} {specimen.digest[:16]}", "override": override, "batch_size": batch_size,
               "device": specimen.devices, "dtype": str(specimen.dtype).replace("torch.", ""),
               "rng": ",".join(sorted({str(lesion.rng) for lesion in design})),
               "inputs": json.dumps({task.name: task.stimuli.digest for task in tasks}),
               **learned_flags(specimen.past, tasks)},
    )
