"""A design for every network of a cohort: lesions that are found in it, and others that are matched with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import xarray as xr

from neurolab.ablation import Ablation
from neurolab.chance import RNG
from neurolab.errors import UnknownNameError, did_you_mean, listed
from neurolab.lesion import Lesion
from neurolab.matching import matched_controls
from neurolab.specimen.record import record
from neurolab.specimen.specimen import Cohort, Specimen
from neurolab.stimuli import StimulusSet


def matched_design(
    where: Lesion | Callable[[Specimen], Lesion | Sequence[Lesion]],
    stimuli: StimulusSet,
    n: int,
    *,
    also: Mapping[str, tuple[str, Callable[[xr.DataArray], Ablation]]] | None = None,
    of: Sequence[str] | None = None,
    match: Sequence[str] = ("site", "activity"),
    target: bool = True,
    rng: RNG,
) -> Callable[[Specimen], tuple[Lesion, ...]]:
    """Get a design for ``nl.examine``: the lesions of each network, and ``n`` controls of as many other units of it.

    Parameters
    ----------
    where : what finds the lesion or lesions of a network (``nl.analysis.choose_doses`` gives such), or one for all.
    stimuli : whose activity controls are matched on, recorded in each network at the sites of its lesions.
    also : further ablations of units that were found, by name: (name of their lesion, what makes the ablation out of
        the recording), such as ``{"at its mean": ("area", nl.Mean)}``.
    of : names of the lesions that get controls; default all.
    n, match, rng : as for ``nl.matched_controls``. target : False leaves the lesions themselves out.

    Returns
    -------
    Function of a network that gives its lesions, those of ``also``, then the controls; ``nl.specimen.remove_units``
    takes it too (``n=1, target=False`` removes as many other units).

    Raises
    ------
    MatchingError : while it is examined, fewer free units than a lesion has. UnknownNameError : ``also`` or ``of`` name
    a lesion that was not found.

    When this is invalid
    --------------------
    Stimuli that test: the activity that matches would be theirs.

    Example
    -------
    >>> import numpy as np, pandas as pd, torch
    >>> from neurolab.lesion import Zero
    >>> from neurolab.roi import ROI
    >>> table = pd.DataFrame({"stimulus_id": list("abcd"), "condition": list("xyxy")})
    >>> four = StimulusSet("four", np.eye(4), table)
    >>> net = Specimen(torch.nn.Sequential(torch.nn.Linear(4, 9), torch.nn.ReLU()), torch.zeros(1, 4), name="net")
    >>> design = matched_design(Lesion(ROI("area", {"1": [0, 1]}), Zero()), four, 2, match=("site",), rng=0)
    >>> [(lesion.id, lesion.n_units) for lesion in design(net)]
    [('area', 2), ('area | matched control | draw 1', 2), ('area | matched control | draw 2', 2)]
    """

    def design(network: Specimen) -> tuple[Lesion, ...]:
        found = where(network) if callable(where) else where
        lesions = {one.name: one for one in ((found,) if isinstance(found, Lesion) else found)}
        pool = record(network, stimuli, sorted({site for one in lesions.values() for site in one.roi.sites}))
        for name, (source, how) in (also or {}).items():
            lesions[name] = _named(lesions, source).by(how(pool), name)
        chosen = [_named(lesions, name) for name in (lesions if of is None else of)]
        controls = [one for lesion in chosen for one in matched_controls(lesion, pool, n, match=match, rng=rng)]
        return (*lesions.values(), *controls) if target else tuple(controls)

    return design


def _named(lesions: Mapping[str, Lesion], name: str) -> Lesion:
    if name not in lesions:
        raise UnknownNameError(f"No lesion is called {name!r}.{did_you_mean(name, lesions)} Found: {listed(lesions)}.")
    return lesions[name]


def restored(cohort: Cohort, trials: xr.Dataset) -> str:
    """Get how many networks have the very weights with which they were examined: ``"10 of 10 to the bit"``.

    Example
    -------
    >>> import torch
    >>> net = Specimen(torch.nn.Linear(2, 1), torch.zeros(1, 2), name="net")
    >>> restored(Cohort((net,)), xr.Dataset(attrs={"source": f"net {net.digest[:16]}"}))
    '1 of 1 to the bit'
    """
    known = str(trials.attrs.get("source", ""))
    same = sum(f"{network.name} {network.digest[:16]}" in known for network in cohort)
    return f"{same} of {len(cohort)} to the bit"
