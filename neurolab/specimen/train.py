"""Train a whole cohort at once: the same recipe from different seeds, to a criterion, with nothing global seeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from neurolab.chance import RNG, generator
from neurolab.errors import DataError
from neurolab.specimen.promises import one_thread
from neurolab.specimen.specimen import Cohort, Specimen
from neurolab.stimuli import StimulusSet

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: Adam on the cross-entropy of integer labels.

    criterion : training accuracy at which a network is finished (checked after each epoch); None trains all epochs.
    """

    epochs: int = 60
    learning_rate: float = 3e-3
    batch_size: int = 64
    weight_decay: float = 0.0
    criterion: float | None = None


def train_cohort(
    build: Callable[[], nn.Module],
    stimuli: StimulusSet,
    *,
    n: int = 10,
    seeds: Sequence[int] | None = None,
    label: str = "label",
    recipe: Recipe | None = None,
    name: str = "cohort",
    rng: RNG,
) -> Cohort:
    """Get networks trained alike but for their seed: the sample that a result generalises over.

    Networks of linear layers are trained all at once (``torch.func``), others one after another; a network trained
    alone equals its slice of the cohort to float tolerance.

    Parameters
    ----------
    build : makes one untrained network; called once per seed with torch's random state set, and put back after.
    stimuli : training stimuli; ``label`` is an integer column, the index of the right output.
    n : number of networks, seeds 0 to n - 1; or name the ``seeds``.
    recipe : see :class:`Recipe`.
    rng : integer; network k draws its weights and its order of stimuli from (rng, seed k) alone.

    Returns
    -------
    Cohort, its specimens called "name seed 0" and so on, frozen.

    Raises
    ------
    DataError : no such label, or a network that misses the criterion, with the accuracy that it reached.

    When this is invalid
    --------------------
    Networks that differ by seed alone generalise over seeds, not over architectures or training sets.

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": list("ab"), "condition": list("xy"), "label": [0, 1]})
    >>> two = StimulusSet("two", np.eye(2), table)
    >>> len(train_cohort(lambda: nn.Linear(2, 2), two, n=3, recipe=Recipe(epochs=1), rng=0))
    3
    """
    recipe = recipe or Recipe()
    seeds = tuple(range(n)) if seeds is None else tuple(int(seed) for seed in seeds)
    if label not in stimuli.table:
        raise DataError(f"train_cohort() found no column {label!r} in {stimuli.name!r}; type label= with an integer "
                        f"column.")
    with one_thread():
        return _trained(build, stimuli, seeds, label, recipe, name, rng)


def _trained(
    build: Callable[[], nn.Module], stimuli: StimulusSet, seeds: Sequence[int], label: str, recipe: Recipe, name: str,
    rng: RNG,
) -> Cohort:
    targets = torch.tensor(stimuli.table[label].to_numpy(dtype=np.int64))
    inputs = torch.tensor(np.asarray(stimuli.inputs))
    inputs = inputs.float() if inputs.is_floating_point() else inputs.long()
    networks = [_untrained(build, rng, seed) for seed in seeds]
    orders = [_orders(rng, seed, len(targets), recipe) for seed in seeds]
    if batchable(networks[0]):
        _train(networks, inputs, targets, orders, recipe, generator(rng, "dropout", *seeds))
    else:
        for network, order, seed in zip(networks, orders, seeds):
            _train([network], inputs, targets, [order], recipe, generator(rng, "dropout", seed))
    specimens = [
        Specimen(network.eval().requires_grad_(False), stimuli.inputs[:2], name=f"{name} seed {seed}")
        for seed, network in zip(seeds, networks)
    ]
    return Cohort(tuple(specimens), name)


def batchable(network: nn.Module) -> bool:
    """Get whether networks like this one are trained all at once: linear layers, no buffers, no chance in forward."""
    plain = (nn.Linear, nn.LayerNorm, nn.Embedding)
    weighted = [module for module in network.modules() if next(module.parameters(recurse=False), None) is not None]
    chancy = any(isinstance(module, nn.modules.dropout._DropoutNd) for module in network.modules())
    return all(isinstance(module, plain) for module in weighted) and not chancy and not list(network.buffers())


def _untrained(build: Callable[[], nn.Module], rng: RNG, seed: int) -> nn.Module:
    start = int(generator(rng, "weights", seed).integers(2**62))
    with torch.random.fork_rng(devices=[]):  # torch's own initialisers know no generator; the state comes back
        torch.default_generator.manual_seed(start)
        return build()


def _orders(rng: RNG, seed: int, n_stimuli: int, recipe: Recipe) -> np.ndarray:
    """(n_epochs, n_stimuli): the order of the stimuli in each epoch."""
    draw = generator(rng, "order", seed)
    return np.stack([draw.permutation(n_stimuli) for _ in range(recipe.epochs)])


def _train(
    networks: Sequence[nn.Module], inputs: torch.Tensor, targets: torch.Tensor, orders: Sequence[np.ndarray],
    recipe: Recipe, chance: np.random.Generator,
) -> None:
    """Train networks in place, as one stack of parameters; a single one is a stack of one without vmap."""
    together = len(networks) > 1
    start = chance.integers(2**62)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(start))
        for network in networks:
            network.train()
        step = _together(networks) if together else _alone(networks[0])
        optimiser = torch.optim.Adam(step.parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        finished: dict[int, State] = {}
        for epoch in range(recipe.epochs):
            for low in range(0, len(targets), recipe.batch_size):
                rows = torch.tensor(np.stack([order[epoch, low : low + recipe.batch_size] for order in orders]))
                step(inputs[rows], targets[rows], optimiser)
            accuracy = step.accuracy(inputs, targets)
            for at, reached in enumerate(accuracy):
                if at not in finished and recipe.criterion is not None and reached >= recipe.criterion:
                    finished[at] = step.slice(at)
            if len(finished) == len(networks):
                break
        if recipe.criterion is not None and len(finished) < len(networks):
            raise DataError(
                f"{len(networks) - len(finished)} of {len(networks)} networks missed the criterion of "
                f"{recipe.criterion} in {recipe.epochs} epochs (accuracies {[round(float(a), 3) for a in accuracy]}); "
                "type Recipe(epochs=...)."
            )
        for at, network in enumerate(networks):
            _fill(network, finished.get(at) or step.slice(at))


def _fill(network: nn.Module, state: State) -> None:
    own = dict(network.named_parameters())
    with torch.no_grad():
        for name, value in state.items():
            own[name].copy_(value)


class _together:
    """Steps of a stack of networks, each on its own batch."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.template = networks[0]
        stacked, _ = stack_module_state(list(networks))  # type: ignore[arg-type]
        self.state = {name: value.detach().clone() for name, value in stacked.items()}
        self.parameters = list(self.state.values())
        self._gradients = vmap(grad_and_value(self._loss))
        self._answers = vmap(lambda state, x: functional_call(self.template, state, (x,)), in_dims=(0, None))

    def _loss(self, state: State, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(functional_call(self.template, state, (x,)), y)

    def __call__(self, x: torch.Tensor, y: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
        gradients, _ = self._gradients(self.state, x, y)
        for name, value in self.state.items():
            value.grad = gradients[name]
        optimiser.step()

    def accuracy(self, inputs: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
        """Training accuracy of each network."""
        return (self._answers(self.state, inputs).argmax(-1) == targets).double().mean(dim=1).numpy()

    def slice(self, at: int) -> State:
        """A copy of the parameters of one network."""
        return {name: value[at].clone() for name, value in self.state.items()}


class _alone:
    """Steps of one network of any kind."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.parameters = list(network.parameters())

    def __call__(self, x: torch.Tensor, y: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(self.network(x[0]), y[0]).backward()
        optimiser.step()

    def accuracy(self, inputs: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
        """Training accuracy, in evaluation mode."""
        self.network.eval()
        with torch.no_grad():
            right = (self.network(inputs).argmax(-1) == targets).double().mean().numpy()
        self.network.train()
        return np.atleast_1d(right)

    def slice(self, at: int) -> State:
        """A copy of the parameters."""
        return {name: value.detach().clone() for name, value in self.network.named_parameters()}
