"""The lesions that show whether clusters matter: each cluster's units in one layer, and random sets of that layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.agreed import exchanged
from neurolab.chance import RNG, generator
from neurolab.errors import DataError, DesignError, listed
from neurolab.lesion import Ablation, Lesion
from neurolab.lineage import weights_of
from neurolab.recording import at_site, check_recording, site_names, stimuli_of
from neurolab.roi import ROI

#: How random sets are drawn: of the whole layer, or with as many units of every third of activity as the cluster has.
FAMILIES = ("random", "activity")
THIRDS = 3


def cluster_lesions(
    labels: xr.DataArray, recording: xr.DataArray, how: Ablation, *, n_random: int = 19, least: int = 2,
    partition: str = "found", rng: RNG,
) -> tuple[Lesion, ...]:
    """Get a sham, a lesion of every cluster's units in each recorded layer, and random sets of as many units.

    Random sets come from the whole layer, the cluster included: if clusters were any units, theirs would be one more
    such set, so that its rank among them is exact. They come in two families, "random" and "activity" (as many units
    of every third of mean activity as the cluster has).

    Parameters
    ----------
    labels : (neuroid) clusters of one network, 0 for none, with ``layer`` and ``unit``: ``cut["label"].sel(condition=
        ...)[k]`` of ``clusterability``, or ``label`` of ``modules``.
    recording : of the intact network, at the layers to lesion; what is not recorded is not lesioned.
    how : the ablation. n_random : sets per cluster and family. least : clusters of fewer units in a layer are left
        out, and those that leave fewer than 1 % of the layer.
    partition : "found", or "random": the labels are exchanged among the units of each layer first, which is the
        control of the whole procedure.
    rng : integer or Generator.

    Returns
    -------
    Lesions for one network: ``importance`` reads their trials. Targets are called "cluster 2 in 3", after their layer.

    Raises
    ------
    DataError : labels without layers, or layers that were not recorded. DesignError : no cluster large enough.

    Example
    -------
    >>> from neurolab.lesion import Zero
    >>> from neurolab.simulate import phantom_recording
    >>> units = phantom_recording(n_units=8, rng=0)
    >>> labels = xr.DataArray([1, 1, 1, 2, 2, 2, 2, 2], dims="neuroid", coords={
    ...     "layer": ("neuroid", ["layer"] * 8), "unit": ("neuroid", range(8))})
    >>> len(cluster_lesions(labels, units, Zero(), n_random=3, rng=0))  # sham, 2 clusters, 2 x 2 x 3 sets
    15
    """
    layer, unit, code = _read(labels, recording)
    if partition not in ("found", "random") or n_random < 1:
        raise DesignError(f"partition={partition!r} and n_random={n_random} given; expected 'found' or 'random', and "
                          "one set or more. Type partition='found', n_random=19.")
    if partition == "random":
        code = exchanged(code, layer, generator(rng, "cluster lesions", "exchanged"))
    owner, weights = str(recording.attrs.get("specimen", "")), weights_of(recording)
    chosen_on = frozenset(stimuli_of(recording))  # whose activity matched the sets
    targets: list[Lesion] = []
    controls: list[Lesion] = []
    for site in site_names(recording):
        here = at_site(recording, site)
        third = dict(zip(here["unit"].values.tolist(), _thirds(np.asarray(here.values, dtype=np.float64))))
        for cluster in np.unique(code[(layer == site) & (code > 0)]):
            units = unit[(layer == site) & (code == cluster)]
            if not least <= len(units) <= 0.99 * len(third):
                continue
            roi = ROI(f"cluster {cluster} in {site}", {site: units}, specimen=owner, weights=weights,
                      how_chosen="cluster of connections" if partition == "found" else "random cluster",
                      chosen_on=chosen_on)  # fmt: skip
            targets.append(Lesion(roi, how))
            controls += _sets(targets[-1], units, third, n_random, rng)
    if not targets:
        raise DesignError(f"No cluster has from {least} units to 99 % of its layer at {listed(site_names(recording))}; "
                          "there is nothing to lesion. Cut the network into fewer clusters, or more.")
    everything = replace(targets[0].roi, name="every cluster", units={
        site: at_site(recording, site)["unit"].values for site in site_names(recording)})  # fmt: skip
    return (Lesion(everything, how, role="sham"), *targets, *controls)


def _read(labels: xr.DataArray, recording: xr.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Layer, unit and code of the labelled units."""
    check_recording(recording)
    missing = [name for name in ("layer", "unit") if name not in labels.coords]
    if missing or labels.dims != ("neuroid",):
        raise DataError(f"labels have dims {labels.dims} and lack {listed(missing, empty='nothing')}; expected one "
                        "cluster per neuroid of one network, with layer and unit. Type "
                        "cut['label'].sel(condition=...)[0].")
    layer = labels["layer"].values.astype(str)
    strange = [site for site in site_names(recording) if site not in set(layer)]
    if strange:
        raise DataError(f"The recording has the sites {listed(strange)}, which are no layers of the clusters: these "
                        f"are {listed(dict.fromkeys(layer))}. Record them by these names.")
    return layer, labels["unit"].values.astype(np.int64), labels.values.astype(np.int64)


def _thirds(values: np.ndarray) -> np.ndarray:
    """In which third of the layer's mean activity each unit lies."""
    order = np.argsort(np.argsort(values.mean(axis=0), kind="stable"), kind="stable")
    return order * THIRDS // len(order)


def _sets(target: Lesion, units: np.ndarray, third: dict[int, Any], n: int, rng: RNG) -> list[Lesion]:
    """Random sets of the layer, of as many units as the cluster has, in both families."""
    (site,), every = target.roi.sites, np.array(list(third))
    in_third = np.array([third[unit] for unit in every])
    wanted = np.bincount([third[unit] for unit in units.tolist()], minlength=THIRDS)
    made = []
    for family in FAMILIES:
        for draw in range(1, n + 1):
            stream = generator(rng, "cluster lesions", target.roi.name, family, draw)
            if family == "random":
                chosen = stream.choice(every, len(units), replace=False)
            else:
                chosen = np.concatenate([stream.choice(every[in_third == k], wanted[k], replace=False)
                                         for k in range(THIRDS)])  # fmt: skip
            roi = replace(target.roi, name=f"{family} set {draw}", units={site: chosen}, how_chosen=f"{family} set")
            made.append(Lesion(roi, how=target.how, name=target.name, role="control", family=family, draw=draw))
    return made
