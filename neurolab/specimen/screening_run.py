"""The verb that screens: a quick estimate of what each unit's lesion would cost, beside an exact sample of lesions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from neurolab.chance import RNG, generator
from neurolab.errors import DataError, LesionPlanError, RefusedSiteError, did_you_mean, listed
from neurolab.lesion import Ablation, Clamp, Lesion, Mean, Scale, Zero
from neurolab.roi import ROI
from neurolab.screening import AGAINST, LEAST, screened
from neurolab.specimen.attribution import Shown, path, taylor, whole
from neurolab.specimen.bench import bench
from neurolab.specimen.examine import examine
from neurolab.specimen.promises import one_thread
from neurolab.specimen.record import batches
from neurolab.specimen.sites import Site
from neurolab.specimen.smooth import Smooth, checked, smooth_of
from neurolab.specimen.specimen import Cohort, Specimen, Task
from neurolab.specimen.task_checks import check_task

#: How an estimate is made, with what its test is called.
METHODS = {
    "taylor": "first order: gradient x (activity - reference), summed over positions",
    "path": "path integral: mean gradient between reference and activity, all units of a site scaled together",
}
#: Ablations that put one value in the place of a unit's: what chance decides has no gradient.
ESTIMATED = (Zero, Mean, Clamp, Scale)


def screen(
    specimen: Specimen,
    sites: Sequence[str] | str,
    task: Task,
    *,
    how: Ablation | None = None,
    method: str = "taylor",
    n_steps: int = 8,
    n_exact: int = 64,
    smooth: Smooth | None = None,
    batch_size: int = 64,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get an estimate of what each single unit's lesion would cost, and how far it can be trusted here. No lesion.

    All units of the sites are estimated at once from gradients; ``n_exact`` of them, drawn at random, are lesioned
    exactly on the same task, and the agreement of the two is in the result. Use it to order work, never as an effect:
    in trained networks its rank correlation with lesions was .995, .71 and .26 (MLP, CNN, transformer).

    Parameters
    ----------
    specimen : the network. sites : addresses; their units are channels, heads or units, at every position.
    task : stimuli and score. What is differentiated is the mean over stimuli of a smooth stand-in: for accuracy the log
        probability of the label, for the margin itself, for choice and yes/no the difference that decides.
    how : the lesion whose effect is estimated: ``nl.Zero()`` (default), ``nl.Mean(reference)``, Clamp or Scale.
    method : "taylor", one forward and backward for all units; "path", ``n_steps`` of each per site.
    n_exact : units lesioned exactly, at least 10; all of them where there are no more.
    smooth : another stand-in, a torch function (outputs (n, ...), table) -> (n,), larger is better.
    level : coverage of the intervals of the agreement.

    Returns
    -------
    Dataset over neuroid: ``estimate`` (deficit in units of the smooth score), ``exact`` (deficit in the task's score)
    and ``exact_smooth`` (in the smooth one), NaN where ``status`` is "not_run"; ``chosen_on``. Against either score:
    ``spearman``, ``pearson``, and ``recall``, the share of the most harmful 5 % examined that is among the top 5, 10
    and 20 % of the estimate, each with its interval. The verdict in attrs says it in a sentence.

    Raises
    ------
    RefusedSiteError : no gradient reaches a site. SpecimenError : the network cannot run with gradients.
    DataError : a score without a stand-in. LesionPlanError : an ablation that cannot be estimated.

    When this is invalid
    --------------------
    Where a unit saturates, or others compensate for it, first order is wrong in sign and size. Agreement in this
    network on this task says nothing of another. A unit that is ``not_run`` has no known effect, whatever its estimate.

    Source
    ------
    Molchanov et al. 2017, arXiv:1611.06440 (first order); Sundararajan et al. 2017, arXiv:1703.01365 (path integral).

    Example
    -------
    >>> from neurolab.specimen import phantoms
    >>> net, stimuli, truth = phantoms.separate_modules(rng=0)
    >>> faces, objects = phantoms.naming_tasks(stimuli)
    >>> result = screen(net, "relu", faces, n_exact=16, rng=0)
    >>> int((result["status"] == "exact").sum()), result.attrs["analysis"]
    (16, 'screen')
    """
    how = Zero() if how is None else how
    places = _checked(specimen, sites, how, method, n_steps, n_exact)
    check_task(task, "screen")
    words, stand_in = smooth_of(task, smooth)
    with one_thread(), bench(specimen) as table:
        inputs, ids = specimen.prepare(task.stimuli.inputs), task.stimuli.ids
        shown = [Shown(inputs[at], ids[at], task.stimuli.table.iloc[at]) for at in batches(len(ids), batch_size)]
        estimates = (taylor(table, places, how, shown, stand_in) if method == "taylor"
                     else path(table, places, how, shown, stand_in, n_steps))
    names = np.repeat([site.address for site in places], [len(one) for one in estimates])
    units = np.concatenate([np.arange(len(one)) for one in estimates])
    drawn = generator(rng, "screen", specimen.name, task.name).permutation(len(units))[:n_exact]
    chosen = {int(at): (str(names[at]), int(units[at])) for at in drawn}
    exact = _exact(specimen, task, stand_in, how, chosen, len(units))
    return screened(
        np.concatenate(estimates), exact, site=names, unit=units, level=level, rng=rng, task=task.name, how=how.label,
        stimuli=sorted(task.stimuli.origins), method=method, smooth=words,
        test=METHODS[method] + (f"; {n_steps} steps" if method == "path" else ""),
        n=len(ids), generalises_over="stimulus", alternative="", specimen=specimen.name,
        source=f"{specimen.name} {specimen.digest[:16]}", weights=specimen.digest[:16],
        inputs={task.name: task.stimuli.digest},
    )


def _exact(
    specimen: Specimen, task: Task, stand_in: Smooth, how: Ablation, drawn: dict[int, tuple[str, int]], n_units: int
) -> dict[str, np.ndarray]:
    """The deficit of each drawn unit by a lesion of it alone, (n_units,) with NaN elsewhere, by AGAINST."""
    lesions = [Lesion(ROI(f"{site}/{unit}", {site: np.array([unit])}), how) for site, unit in drawn.values()]

    def smooth(outputs: np.ndarray, table: Any) -> np.ndarray:
        return checked(stand_in, torch.from_numpy(outputs), table, specimen.name).numpy()

    tasks = [Task("score", task.stimuli, task.score), Task("smooth", task.stimuli, smooth)]
    trials = examine(specimen, lesions, tasks, progress=False)
    scores, sham = trials["score"].isel(specimen=0), trials["role"].values == "sham"
    deficits = {}
    for name in AGAINST:
        mine = scores.values[:, trials["task"].values == name].mean(axis=1)
        deficits[name] = np.full(n_units, np.nan)
        place = dict(zip(trials["roi"].values[~sham], mine[sham][0] - mine[~sham]))
        deficits[name][list(drawn)] = [place[f"{site}/{unit}"] for site, unit in drawn.values()]
    return deficits


def _checked(
    specimen: Specimen, sites: Sequence[str] | str, how: Ablation, method: str, n_steps: int, n_exact: int
) -> list[Site]:
    """The sites, once each."""
    if isinstance(specimen, Cohort):
        raise DataError("screen() got a Cohort; a screening is of one network. Type [screen(net, ...) for net in "
                        "cohort].")
    if method not in METHODS:
        raise DataError(f"method={method!r} given; expected one of {listed(METHODS)}.{did_you_mean(method, METHODS)}")
    if n_exact < LEAST or n_steps < 1:
        raise DataError(f"n_exact={n_exact} and n_steps={n_steps} given; expected {LEAST} or more units lesioned "
                        "exactly, without which no estimate can be trusted, and one step or more. Type n_exact=64.")
    if not isinstance(how, ESTIMATED):
        raise LesionPlanError(
            f"how={how!r} cannot be estimated from gradients; expected {listed(kind.__name__ for kind in ESTIMATED)}, "
            "which put a known value in the place of a unit's. Type nl.examine(...) with lesions of the units."
        )
    addresses = [sites] if isinstance(sites, str) else list(sites)
    found = [site for address in addresses for site in specimen.sites().find(address)]
    if not found or len({site.address for site in found}) < len(found):
        raise DataError(f"screen() got the sites {listed(addresses, empty='()')}; expected at least one, each once.")
    for site in found:
        if not site.cut or site.routed or site.ragged or site.kind == "state" or not len(whole(site).units):
            raise RefusedSiteError(
                f"Site {site.address!r} cannot be screened ({site.why or site.kind}): its units cannot be cut where "
                "a gradient is read. Type specimen.sites() and choose a module behind it, which can."
            )
    return found
