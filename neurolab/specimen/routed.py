"""Gradient routing: what some stimuli teach is written into a block of units and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from neurolab.chance import RNG, generator
from neurolab.errors import DataError, LesionPlanError, listed
from neurolab.lesion import CutWeights, Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen.ablations import OnWeights, effect_of
from neurolab.specimen.held import Held, held_in, stacked, unit_mask
from neurolab.specimen.promises import one_thread
from neurolab.specimen.recipe import Recipe
from neurolab.specimen.specimen import Cohort, Specimen
from neurolab.specimen.stack import Lines, Stack, State, shuffled_rows
from neurolab.specimen.targets import Label, Targets
from neurolab.specimen.train import untrained_cohort
from neurolab.specimen.weights import weight_edits
from neurolab.stimuli import StimulusSet

#: How ordinary stimuli are shown: which passes teach the rest of the network, and which teach the block.
PASSES = {
    "both": "the rest without the block, the block (to stay silent) with it",
    "without": "the rest without the block; the block never sees them",
    "with": "the rest with the block present; the block never learns from them",
}


@dataclass(frozen=True)
class Routing:
    """Which units are the block, which stimuli teach it, and how the ordinary ones are shown.

    Parameters
    ----------
    block : units by site, e.g. ``{"1": range(16), "3": range(16)}``; a site with one weight in and one weight out.
    conditions : of the stimuli that teach the block alone.
    ordinary : "both": all other stimuli are shown without the block, which teaches the rest, and with it, which teaches
        the block to leave them alone. "without" leaves out the second pass, so that the whole network may be useless on
        them; "with" shows them with the block present, as plain gradient masks do.

    Example
    -------
    >>> Routing({"1": range(2)}, conditions=("triggered",)).ordinary
    'both'
    """

    block: Mapping[str, Sequence[int]]
    conditions: tuple[str, ...]
    ordinary: str = "both"

    def __post_init__(self) -> None:
        if self.ordinary not in PASSES:
            raise DataError(f"Routing(ordinary={self.ordinary!r}); expected one of {listed(PASSES)}.")
        object.__setattr__(self, "conditions", tuple(self.conditions))

    @property
    def roi(self) -> ROI:
        """The block as a region, the same units in every network."""
        return ROI("block", {site: np.asarray(list(units), dtype=np.int64) for site, units in self.block.items()})


def train_routed(
    build: Callable[[], nn.Module],
    stimuli: StimulusSet,
    *,
    routing: Routing,
    n: int = 10,
    seeds: Sequence[int] | None = None,
    label: Label = "label",
    recipe: Recipe | None = None,
    name: str = "routed",
    rng: RNG,
) -> Cohort:
    """Get networks in which one block of units holds all that some stimuli taught: confined by construction.

    Weights that touch a unit of the block (in, out, bias) learn from the routed stimuli, and with ``ordinary="both"``
    from all; all other weights learn from the ordinary stimuli, shown with the block silent. So the network without its
    block never met a routed stimulus, whatever those were: not in a single bit of a weight.

    Parameters
    ----------
    build, stimuli, n, seeds, label, name : as for :func:`neurolab.train_cohort`; the same seed draws the same weights.
    routing : see :class:`Routing`.
    recipe : its epochs, learning rate, batch size and weight decay; default ``Recipe()``.
    rng : integer; network k draws its weights and its order of stimuli from (rng, seed k) alone.

    Returns
    -------
    Cohort. ``routing.roi`` is the block, for a lesion or for :func:`remove_units`.

    Raises
    ------
    LesionPlanError : a block whose weights cannot be told. DataError : no ordinary or no routed stimuli, no such label.

    When this is invalid
    --------------------
    Confinement by construction says nothing of networks trained as usual, which keep no such boundary.

    Source
    ------
    Cloud et al. 2024, arXiv:2410.04332 (gradient routing); the pass that keeps the block silent is ours.

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": list("ab"), "condition": ["plain", "odd"], "label": [0, 1]})
    >>> two = StimulusSet("two", np.eye(2), table)
    >>> made = train_routed(lambda: nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)), two,
    ...                     routing=Routing({"1": [0]}, ("odd",)), n=2, recipe=Recipe(epochs=1), rng=0)
    >>> made.names
    ('routed seed 0', 'routed seed 1')
    """
    recipe = recipe or Recipe()
    seeds = tuple(range(n)) if seeds is None else tuple(int(seed) for seed in seeds)
    routed = np.isin(stimuli.table["condition"].to_numpy().astype(str), routing.conditions)
    if routed.all() or not routed.any():
        raise DataError(f"{int(routed.sum())} of {len(routed)} stimuli of {stimuli.name!r} have the conditions "
                        f"{listed(routing.conditions)}; expected some that are routed and some that are not.")
    with one_thread():
        untrained = untrained_cohort(build, stimuli, seeds=seeds, label=label, name=name, rng=rng)
        stack = Stack(untrained.specimens, [Held()] * len(untrained), "train_routed()")
        streams = [generator(rng, "routed", seed) for seed in seeds]
        _train(stack, stimuli, torch.from_numpy(routed), label, recipe, routing, streams)
        learned = stimuli.origins if recipe.epochs else frozenset()
        return Cohort(tuple(stack.specimen(at, one.name, learned) for at, one in enumerate(untrained)), name)


def _train(
    stack: Stack, stimuli: StimulusSet, routed: torch.Tensor, label: Label, recipe: Recipe, routing: Routing,
    streams: Sequence[np.random.Generator],
) -> None:
    first = stack.specimens[0]
    inputs = first.prepare(stimuli.inputs)
    targets = Targets.of(stimuli, label, int(stack.answers(inputs[:1]).shape[-1]), "train_routed()")
    silent = stacked([held_in(one, [Lesion(routing.roi, Zero())], "train_routed()") for one in stack.specimens], {})
    block = block_weights(first, routing.roi)
    optimiser = torch.optim.Adam(list(stack.state.values()), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    ordinary = (~routed).float()
    taught = torch.ones_like(ordinary) if routing.ordinary == "both" else routed.float()
    rest_lines: Lines = {} if routing.ordinary == "with" else silent.lines
    for _ in range(recipe.epochs):
        for rows in shuffled_rows(streams, len(inputs), recipe.batch_size):
            x, y = inputs[rows], targets.values[rows]
            rest = stack.gradients(x, y, ordinary[rows], targets, rest_lines)
            confined = stack.gradients(x, y, taught[rows], targets, {})
            for name, value in stack.state.items():
                value.grad = _either(name, confined, rest, block)
            optimiser.step()


def _either(name: str, confined: State, rest: State, block: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The gradient of each weight: from the one pass where it touches the block, from the other elsewhere."""
    return torch.where(block[name], confined[name], rest[name]) if name in block else rest[name]


def block_weights(specimen: Specimen, roi: ROI) -> dict[str, torch.Tensor]:
    """Get which weights touch a unit of a region, by parameter: into it, out of it, its biases.

    Raises
    ------
    LesionPlanError : a site that no single weight makes and reads.
    """
    lesion = Lesion(roi, CutWeights("both"))
    effect = effect_of(lesion.how)
    if not isinstance(effect, OnWeights):
        raise LesionPlanError("CutWeights was given another meaning in ABLATIONS; routing needs the shipped one.")
    found: dict[str, torch.Tensor] = {}
    for edit in weight_edits(specimen, lesion, effect):
        mask = unit_mask(edit.parameter, edit.axis, edit.units, edit.n_units)
        found[edit.name] = found.get(edit.name, torch.zeros_like(mask)) | mask
    return found
