"""Tiny networks whose truth is planted: what every localiser, lesion and verdict is first tried on.

Each phantom gives ``(specimen, stimuli, truth)``. Stimuli are eight numbers, a noisy one-hot code of four faces and
four objects; ``label`` is the index of the right output. The site to localise and cut is ``"relu"`` unless said
otherwise, and ``truth`` names its planted regions.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from neurolab import scores
from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.roi import ROI
from neurolab.specimen.specimen import Specimen, Task
from neurolab.stimuli import StimulusSet

Phantom = tuple[Specimen, StimulusSet, dict[str, ROI]]

N_EACH = 4
KINDS = ("faces", "objects")


def phantom_stimuli(*, n_each: int = 12, noise: float = 0.1, rng: RNG) -> StimulusSet:
    """Get ``n_each`` noisy exemplars of each of four faces and four objects, inputs (n, 8); other rng, other ids."""
    labels = np.repeat(np.arange(2 * N_EACH), n_each)
    draw = generator(rng, "phantom stimuli", n_each)
    inputs = np.eye(2 * N_EACH)[labels] + noise * draw.normal(size=(len(labels), 2 * N_EACH))
    kind = [KINDS[label // N_EACH] for label in labels]
    mark = digest_of(rng_name(rng))[:4]  # two draws are two sets of stimuli, also by their ids
    table = pd.DataFrame({
        "stimulus_id": [f"{kind[at]}-{labels[at]}-{at:03d}-{mark}" for at in range(len(labels))],
        "condition": kind, "label": labels,
    })
    return StimulusSet("phantom", inputs.astype(np.float32), table)


def naming_tasks(stimuli: StimulusSet) -> tuple[Task, Task]:
    """Get the tasks "name faces" and "name objects", scored by accuracy."""
    first, second = (Task(f"name {kind}", stimuli.where(condition=kind), scores.accuracy) for kind in KINDS)
    return first, second


def _specimen(name: str, rng: RNG, layers: Mapping[str, Any]) -> Specimen:
    """Linear layers from (weight, bias) arrays, modules as they are."""
    made: OrderedDict[str, nn.Module] = OrderedDict()
    for key, value in layers.items():
        made[key] = value if isinstance(value, nn.Module) else _linear(*value)
    return Specimen(nn.Sequential(made), np.zeros((1, 2 * N_EACH), dtype=np.float32), name=f"{name} {rng_name(rng)}")


def _linear(weight: np.ndarray, bias: np.ndarray | float = 0.0) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(np.broadcast_to(bias, len(weight)).copy()))
    return layer


def _tuning(share: float = 0.4) -> np.ndarray:
    """(16, 8): two units per item; all like the item's whole kind by a share, and the item itself most."""
    own = np.kron(np.eye(2 * N_EACH), np.ones((2, 1)))
    kind = np.kron(np.eye(2), np.ones((2 * N_EACH, N_EACH)))
    return share * kind + (1 - share) * own


def _shuffled(
    name: str, weight: np.ndarray, out: np.ndarray, rows: Mapping[str, range], rng: RNG, *, jitter: float = 0.0
) -> Phantom:
    """A one-layer phantom whose hidden units lie in random order; ``rows`` name the planted regions before it."""
    weight = _jittered(weight, name, jitter, rng)
    order = generator(rng, "phantom order", name).permutation(len(weight))
    place = np.argsort(order)
    layers = {"hidden": (weight[order], 0.0), "relu": nn.ReLU(), "readout": (out[:, order], 0.0)}
    specimen = _specimen(name, rng, layers)
    truth = {key: ROI(key, {"relu": place[list(span)]}, shape={"relu": (len(weight),)}) for key, span in rows.items()}
    return specimen, phantom_stimuli(rng=rng), truth


def separate_modules(*, rng: RNG) -> Phantom:
    """Get a network with a face module and an object module of 8 units each, and 16 units that drive nothing much.

    truth : "faces", "objects" (ROI at "relu"). Cutting one spares the other's task: a double dissociation.
    """
    idle = 0.3 * generator(rng, "idle").normal(size=(16, 2 * N_EACH))
    idle -= idle.mean(axis=1, keepdims=True)
    weight = np.vstack([_tuning(), idle - _kind_bias(idle)])
    out = np.hstack([np.kron(np.eye(2 * N_EACH), np.ones((1, 2))), np.zeros((2 * N_EACH, 16))])
    return _shuffled("separate modules", weight, out, {"faces": range(8), "objects": range(8, 16)}, rng)


def _kind_bias(weight: np.ndarray) -> np.ndarray:
    """What must go for a unit to like faces and objects alike on average."""
    gap = weight[:, :N_EACH].mean(axis=1, keepdims=True) - weight[:, N_EACH:].mean(axis=1, keepdims=True)
    return 0.5 * gap * np.repeat([1.0, -1.0], N_EACH)


def epiphenomenal(*, jitter: float = 0.0, rng: RNG) -> Phantom:
    """Get a network whose most selective units drive nothing: large response, no outgoing weight.

    truth : "selective" (8 units that a localiser finds first), "causal" (8 weaker units that name the faces). jitter :
    sd of the units' gains about 1; without it every rng gives the same network, its units in another order.
    """
    weight = np.vstack([_tuning(), np.kron(np.repeat([3.0, 0.0], N_EACH)[None], np.ones((8, 1)))])
    out = np.hstack([np.kron(np.eye(2 * N_EACH), np.ones((1, 2))), np.zeros((2 * N_EACH, 8))])
    return _shuffled("epiphenomenal", weight, out, {"causal": range(8), "selective": range(16, 24)}, rng,
                     jitter=jitter)


def causal_without_selectivity(*, jitter: float = 0.0, rng: RNG) -> Phantom:
    """Get a network in which units that answer to faces and objects alike carry what both tasks need.

    Item k of either kind drives the shared unit k; two selective units say which kind it is. truth : "shared" (8 units
    without mean selectivity, whose loss leaves naming at chance), "kind" (4 selective units). jitter : as for
    ``epiphenomenal``.
    """
    item = np.kron(np.eye(N_EACH), np.ones((2, 1)))
    kind = np.kron(np.repeat(np.eye(2), N_EACH, axis=1), np.ones((2, 1)))
    weight = np.vstack([np.hstack([item, item]), kind])
    out = np.vstack([
        np.hstack([np.kron(np.eye(N_EACH), np.ones((1, 2))), np.tile(np.repeat(side, 2)[None], (N_EACH, 1))])
        for side in np.eye(2)
    ])
    return _shuffled("causal without selectivity", weight, out, {"shared": range(8), "kind": range(8, 12)}, rng,
                     jitter=jitter)


def mutual_backup(*, gain: float = 1.0, jitter: float = 0.0, rng: RNG) -> Phantom:
    """Get a network with two full copies of each module, joined by OR: either copy will do.

    The read-out sees ``min(a + b - 1, 1)`` as ``relu(a + b - 1) - relu(a + b - 2)``. truth : "faces a", "faces b",
    "objects a", "objects b" (8 units each): no effect alone, all of it together. gain : how strongly a copy drives the
    OR; above 1 noise in the stimuli does not show in single lesions. jitter : sd of the units'
    gains about 1, so that copies and networks differ.
    """
    copies, out = _copies("mutual backup", 2, 0.1, jitter, rng)
    return _in_copies("mutual backup", copies, gain * out, True, rng)


def threefold_backup(*, gain: float = 1.0, jitter: float = 0.0, rng: RNG) -> Phantom:
    """Get a network with three full copies of each module, joined by OR: only the loss of all three shows.

    truth : "faces a", "faces b", "faces c" and the same of objects (8 units each at "relu"): no effect alone nor in
    pairs, all of it together. gain, jitter : as for ``mutual_backup``.
    """
    copies, out = _copies("threefold backup", 3, 0.05, jitter, rng)
    return _in_copies("threefold backup", copies, gain * out, True, rng)


def added_copies(*, jitter: float = 0.0, rng: RNG) -> Phantom:
    """Get a network with two copies of each module whose evidence is added up: each is worth half of the margin.

    truth : "faces a", "faces b", "objects a", "objects b" (8 units each at "relu"), which neither back each other up
    nor need each other. jitter : as for ``mutual_backup``.
    """
    return _in_copies("added copies", *_copies("added copies", 2, 0.0, jitter, rng), False, rng)


def _copies(name: str, n: int, share: float, jitter: float, rng: RNG) -> tuple[np.ndarray, np.ndarray]:
    """Weights into n copies of both modules (n * 16, 8), and what they say of each item, added up (8, n * 16)."""
    copies = _jittered(np.vstack([_tuning(share)] * n), name, jitter, rng)
    return copies, np.tile(np.kron(np.eye(2 * N_EACH), np.ones((1, 2))), n)


def _jittered(weight: np.ndarray, name: str, jitter: float, rng: RNG) -> np.ndarray:
    """Units of unequal gain: each row times a draw about 1."""
    return weight * (1 + jitter * generator(rng, "phantom jitter", name).normal(size=(len(weight), 1)))


def _in_copies(name: str, copies: np.ndarray, out: np.ndarray, backup: bool, rng: RNG) -> Phantom:
    """A phantom of copies a, b, ... whose units lie in random order: joined by OR, or added up."""
    order = generator(rng, "phantom order", name).permutation(len(copies))
    place, size = np.argsort(order), 2 * N_EACH
    layers: dict[str, Any] = {"hidden": (copies[order], 0.0), "relu": nn.ReLU()}
    if backup:
        bias = np.repeat([-1.0, -2.0], size)  # one copy alone brings 2 * gain, the item's kind much less
        layers |= {"either": (np.vstack([out, out])[:, order], bias), "or": nn.ReLU()}
        layers["readout"] = (np.hstack([np.eye(size), -np.eye(size)]), 0.0)
    else:
        layers["readout"] = (out[:, order], 0.0)
    specimen, truth = _specimen(name, rng, layers), {}
    for at in range(len(copies) // size):
        key = f"{KINDS[at % 2]} {'abc'[at // 2]}"
        truth[key] = ROI(key, {"relu": place[at * size : (at + 1) * size]}, shape={"relu": (len(copies),)})
    return specimen, phantom_stimuli(rng=rng), truth


def shared_bottleneck(*, rng: RNG) -> Phantom:
    """Get a network with separate modules first and a bottleneck that both need behind them.

    truth : "faces", "objects" (8 units each at "relu", a double dissociation), "bottleneck" (4 units at "narrow", whose
    loss hurts both tasks: shared, not two modules).
    """
    order = generator(rng, "phantom order", "shared bottleneck").permutation(16)
    place = np.argsort(order)
    own = np.kron(np.eye(2 * N_EACH), np.ones((1, 2)))[:, order]
    item = np.hstack([np.eye(N_EACH), np.eye(N_EACH)]) @ own
    kind = np.kron(np.eye(2), np.ones((1, N_EACH))) @ own
    out = np.vstack([np.hstack([np.eye(N_EACH), np.tile(side, (N_EACH, 1))]) for side in np.eye(2)])
    specimen = _specimen("shared bottleneck", rng, {
        "hidden": (_tuning()[order], 0.0), "relu": nn.ReLU(), "squeeze": (np.vstack([item, kind]), 0.0),
        "narrow": nn.ReLU(), "readout": (out, 0.0),
    })
    truth = {key: ROI(key, {"relu": place[list(span)]}, shape={"relu": (16,)})
             for key, span in {"faces": range(8), "objects": range(8, 16)}.items()}
    truth["bottleneck"] = ROI("bottleneck", {"narrow": np.arange(N_EACH)}, shape={"narrow": (N_EACH + 2,)})
    return specimen, phantom_stimuli(rng=rng), truth


#: Every phantom by name.
PHANTOMS = {
    function.__name__: function
    for function in (
        separate_modules,
        mutual_backup,
        threefold_backup,
        added_copies,
        epiphenomenal,
        causal_without_selectivity,
        shared_bottleneck,
    )
}
