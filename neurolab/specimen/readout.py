"""A linear read-out fitted on what a network already knows: a behaviour that it was not trained for."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from neurolab.errors import DataError, SchemaError, SpecimenError, UnknownSiteError, did_you_mean, listed
from neurolab.specimen.bench import bench
from neurolab.specimen.record import batches
from neurolab.specimen.specimen import Specimen
from neurolab.stimuli import StimulusSet

#: Penalties that leave-one-out chooses from, in units of the standardised features.
PENALTIES = tuple(float(10**power) for power in range(-1, 6))


def with_readout(
    specimen: Specimen,
    stimuli: StimulusSet,
    *,
    layer: str,
    label: str = "label",
    task: str = "task",
    batch_size: int = 32,
) -> Specimen:
    """Get the same network with its last linear layer replaced by one that was fitted on these stimuli.

    Ridge regression of the labels (one output per label) on what enters the layer, the penalty chosen by
    leave-one-out. The rest of the network is a copy, to the bit.

    Parameters
    ----------
    specimen : the network. layer : path of its last ``nn.Linear``, e.g. "_fc"; its output must be the read-out.
    stimuli : to fit on; show none of them again in a task.
    label : integer column, the output that is right: 0, 1, … without gaps.
    task : column; each of its values is fitted for itself, on its own stimuli and labels.

    Returns
    -------
    Specimen with outputs (n, number of labels).

    Raises
    ------
    UnknownSiteError, SpecimenError : no such layer, or not linear, or not the last. DataError : labels with gaps.

    When this is invalid
    --------------------
    A read-out finds what is linearly there, whether or not the network itself uses it.
    """
    labels, tasks = _labels(stimuli, label), stimuli.table[task].to_numpy() if task in stimuli.table else None
    features = _entering(specimen, stimuli, layer, batch_size)
    tasks = np.zeros(len(labels)) if tasks is None else tasks
    weight, bias = np.zeros((labels.max() + 1, features.shape[1])), np.zeros(labels.max() + 1)
    for value in dict.fromkeys(tasks):
        mine = tasks == value
        outputs = np.unique(labels[mine])
        weight[outputs], bias[outputs] = _ridge(features[mine], labels[mine], outputs, value)
    model = copy.deepcopy(specimen.model)
    place = model.get_submodule(layer).weight.device  # type: ignore[union-attr]
    fitted = nn.Linear(features.shape[1], len(bias)).to(place, specimen.dtype)  # type: ignore[arg-type]
    with torch.no_grad():
        fitted.weight.copy_(torch.from_numpy(weight))
        fitted.bias.copy_(torch.from_numpy(bias))
    model.set_submodule(layer, fitted.requires_grad_(False).train(specimen.model.training))
    return Specimen(model, specimen.example, name=f"{specimen.name} with read-out", output=specimen.output,
                    feed=specimen.feed, inputs_on=specimen.inputs_on)


def _labels(stimuli: StimulusSet, label: str) -> np.ndarray:
    if label not in stimuli.table:
        raise SchemaError(
            f"The table of {stimuli.name!r} has no column {label!r}.{did_you_mean(label, stimuli.table)} It "
            f"has {listed(stimuli.table.columns)}."
        )
    labels = stimuli.table[label].to_numpy()
    if labels.dtype.kind not in "iu" or sorted(set(labels)) != list(range(len(set(labels)))):
        raise DataError(
            f"Column {label!r} holds {listed(sorted(set(labels)))}; expected integers 0, 1, … without gaps."
        )
    return labels.astype(np.int64)


def _entering(specimen: Specimen, stimuli: StimulusSet, layer: str, batch_size: int) -> np.ndarray:
    """What enters a layer, (n, features) float64, one batch at a time."""
    modules = dict(specimen.model.named_modules())
    if layer not in modules:
        raise UnknownSiteError(f"{specimen.name!r} has no layer {layer!r}.{did_you_mean(layer, modules)}")
    if not isinstance(modules[layer], nn.Linear):
        raise SpecimenError(f"Layer {layer!r} is {type(modules[layer]).__name__}; expected the last nn.Linear.")
    seen: list[torch.Tensor] = []
    last: list[torch.Tensor] = []

    def note(module: nn.Module, args: Any, output: torch.Tensor) -> None:
        seen.append(args[0].detach().clone())
        last[:] = [output.detach().clone()]

    handle = modules[layer].register_forward_hook(note)
    try:
        with bench(specimen) as table:
            inputs = specimen.prepare(stimuli.inputs)
            answers = [table.forward(inputs[at], stimuli.ids[at]) for at in batches(len(inputs), batch_size)]
    finally:
        handle.remove()
    if not last or not torch.equal(last[0], answers[-1]):
        raise SpecimenError(f"Layer {layer!r} is not what {specimen.name!r} answers with; expected its last nn.Linear.")
    features = torch.cat(seen).double().cpu().numpy()
    if features.ndim != 2 or len(features) != len(stimuli):
        raise SpecimenError(
            f"Layer {layer!r} is fed {features.shape} for {len(stimuli)} stimuli; expected one row each."
        )
    return features


def _ridge(
    features: np.ndarray, labels: np.ndarray, outputs: np.ndarray, task: object
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (outputs, features) and biases, for features in their own units."""
    from sklearn.linear_model import RidgeCV

    if len(outputs) < 2:
        raise DataError(f"Task {task!r} has one label, {outputs[0]}; a read-out needs two or more.")
    middle, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread == 0] = 1.0
    wanted = np.where(labels[:, None] == outputs, 1.0, -1.0)
    fit = RidgeCV(alphas=PENALTIES).fit((features - middle) / spread, wanted)
    weight = fit.coef_ / spread
    return weight, fit.intercept_ - weight @ middle
