"""Train a whole cohort at once: the same recipe from different seeds, to a criterion, with nothing global seeded."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import torch
from torch import nn

from neurolab.chance import RNG, generator
from neurolab.errors import CriterionMissed, CriterionWarning, DesignError, SpecimenError, listed
from neurolab.specimen.abreast import Abreast, together
from neurolab.specimen.disturbance import Disturbance, mixed_labels
from neurolab.specimen.fitting import Lesson, Outcome, fit, orders
from neurolab.specimen.inputs import REFUSALS, taken
from neurolab.specimen.past import Past
from neurolab.specimen.promises import eval_mode, kept_chance, one_thread
from neurolab.specimen.recipe import Recipe
from neurolab.specimen.specimen import Cohort, Specimen
from neurolab.specimen.targets import Label, Targets
from neurolab.specimen.training import Training
from neurolab.stimuli import StimulusSet

Build = Callable[[], nn.Module]


def train_cohort(
    build: Build,
    stimuli: StimulusSet,
    *,
    n: int = 10,
    seeds: Sequence[int] | None = None,
    label: Label = "label",
    recipe: Recipe | None = None,
    name: str = "cohort",
    progress: bool = True,
    rng: RNG,
) -> Cohort:
    """Get networks trained alike but for their seed: the sample that a result generalises over.

    Perceptrons (linear layers, with layer or batch norms) are trained all at once (``torch.func``), others one after
    another; a network trained alone equals its slice of the cohort to float tolerance, whatever disturbs it.

    Parameters
    ----------
    build : makes one untrained network; called once per seed with torch's random state set, and put back after.
    stimuli : training stimuli; ``label`` is an integer column, the index of the right output.
    n : number of networks, seeds 0 to n - 1; or name the ``seeds``.
    label : one column; several, which share the outputs evenly, each counted from 0 (their cross-entropies are added
        up); or the outputs of each, ``{"digit": range(10), "freeze": 10}``, where one output is a yes or no.
    recipe : see :class:`Recipe`.
    progress : show a bar, where the error stream is a terminal.
    rng : integer; network k draws its weights, its order of stimuli and each kind of noise from (rng, seed k) alone.
        So recipes that are compared start from the same weights.

    Returns
    -------
    Cohort, its specimens called "name seed 0" and so on, frozen; ``cohort.training`` says what each came to
    (``accuracy``, ``epochs``, ``reached``, ``taught(0)``). A finished network is as it was when it
    came to the criterion.

    Raises
    ------
    DataError : no such label, or labels that are no outputs.
    CriterionMissed : networks ended short of the criterion and ``Recipe(on_miss="error")``; all networks are in its
        ``cohort``. Otherwise they are in the cohort that comes back, and a CriterionWarning says so.

    When this is invalid
    --------------------
    Networks that differ by seed alone generalise over seeds, not over architectures or training sets. Networks of
    unequal training accuracy differ in more than their recipe (see ``training_table``).

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": list("ab"), "condition": list("xy"), "label": [0, 1]})
    >>> two = StimulusSet("two", np.eye(2), table)
    >>> cohort = train_cohort(lambda: nn.Linear(2, 2), two, n=3, recipe=Recipe(epochs=1), rng=0)
    >>> len(cohort), cohort.training.epochs.tolist()
    (3, [1, 1, 1])
    """
    recipe = recipe or Recipe()
    seeds = tuple(range(n)) if seeds is None else tuple(int(seed) for seed in seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise DesignError(f"train_cohort() got the seeds {listed(seeds, empty='()')}; expected one or more, each once "
                          "(8 are the least to compare). Type n=8.")
    with one_thread():
        return _trained(build, stimuli, seeds, label, recipe, name, name if progress else "", rng)


def untrained_cohort(
    build: Build,
    stimuli: StimulusSet,
    *,
    n: int = 10,
    seeds: Sequence[int] | None = None,
    label: Label = "label",
    name: str = "untrained",
    rng: RNG,
) -> Cohort:
    """Get the networks that ``train_cohort`` starts from, given the same ``build``, seeds and ``rng``: paired by seed.

    Parameters
    ----------
    build, stimuli, n, seeds, label, name, rng : as for ``train_cohort``; of the stimuli, accuracies are taken.

    Returns
    -------
    Cohort with as many specimens; ``cohort.training.accuracy`` is what they answer rightly by chance.

    Example
    -------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"stimulus_id": list("ab"), "condition": list("xy"), "label": [0, 1]})
    >>> two = StimulusSet("two", np.eye(2), table)
    >>> untrained_cohort(lambda: nn.Linear(2, 2), two, n=3, rng=0).names
    ('untrained seed 0', 'untrained seed 1', 'untrained seed 2')
    """
    recipe = Recipe(epochs=0)
    return train_cohort(build, stimuli, n=n, seeds=seeds, label=label, recipe=recipe, name=name, rng=rng)


def _trained(
    build: Build, stimuli: StimulusSet, seeds: tuple[int, ...], label: Label, recipe: Recipe, name: str, bar: str,
    rng: RNG,
) -> Cohort:
    networks = _networks(build, rng, seeds)
    inputs = _as_inputs(networks[0], stimuli)
    targets = Targets.of(stimuli, label, _n_outputs(networks[0], inputs), "train_cohort()")
    values = np.stack([mixed_labels(targets.values.numpy(), recipe.label_noise, rng, seed) for seed in seeds])
    lesson = Lesson(inputs, targets, torch.from_numpy(values))
    outcomes = [
        _train([networks[at] for at in group], lesson.of(group), recipe, rng, [seeds[at] for at in group], bar)
        for group in _groups(networks, inputs)
    ]
    epochs, accuracy = (np.concatenate([getattr(one, what) for one in outcomes]) for what in ("epochs", "accuracy"))
    finished = [at in one.finished for one in outcomes for at in range(len(one.epochs))]
    diverged = np.array([not all(bool(one.isfinite().all()) for one in net.parameters()) for net in networks])
    reached = ~diverged & (np.array(finished) if recipe.criterion is not None else True)
    columns = (label,) if isinstance(label, str) else tuple(label)
    training = Training(recipe, stimuli, columns, seeds, epochs, accuracy, reached, diverged, values)
    specimens = [
        Specimen(network.eval().requires_grad_(False), stimuli.inputs[:2], name=f"{name} seed {seed}")
        for seed, network in zip(seeds, networks)
    ]
    for specimen in specimens if recipe.epochs else ():
        object.__setattr__(specimen, "past", Past(learned=stimuli.origins))
    return _said(Cohort(tuple(specimens), name, training), recipe)


def _said(cohort: Cohort, recipe: Recipe) -> Cohort:
    """The cohort, after what its training says of networks that ended short of the criterion."""
    missed = cohort.training.missed if cohort.training else ""
    if missed and recipe.on_miss == "error":
        raise CriterionMissed(f"{missed}. All are in the error's .cohort. Type Recipe(epochs=...) for more, another "
                              "criterion= or learning_rate=, or on_miss='flag' to go on with them.", cohort=cohort)
    if missed and recipe.on_miss == "warn":
        warnings.warn(f"Cohort {cohort.name!r}: {missed}; they are kept and flagged in cohort.training. Type "
                      "Recipe(epochs=...) for more, or on_miss='flag' if that is as it should be.", CriterionWarning,
                      stacklevel=4)
    return cohort


def _groups(networks: Sequence[nn.Module], inputs: torch.Tensor) -> list[list[int]]:
    """Places of the networks that are trained together."""
    places = list(range(len(networks)))
    return [places] if together(networks[0], inputs[:2]) else [[at] for at in places]


def _networks(build: Build, rng: RNG, seeds: Sequence[int]) -> list[nn.Module]:
    """Untrained networks, one per seed; those of one seed and rng are always the same."""
    networks = []
    for seed in () if isinstance(build, nn.Module) else seeds:
        start = int(generator(rng, "weights", seed).integers(2**62))
        with torch.random.fork_rng(devices=[]):  # torch's own initialisers know no generator; the state comes back
            torch.default_generator.manual_seed(start)
            networks.append(build())
    made = all(isinstance(network, nn.Module) for network in networks) and len({*map(id, networks)}) == len(seeds)
    shapes = {tuple(tuple(value.shape) for value in network.parameters()) for network in networks} if made else set()
    if len(shapes) != 1 or shapes == {()}:
        raise SpecimenError(
            f"train_cohort() got build={build!r}; expected a function that makes a new network each time it is called, "
            "always of one architecture. Type functools.partial(nl.specimen.mlp, 64, 128, 128, 10)."
        )
    return networks


def _as_inputs(network: nn.Module, stimuli: StimulusSet) -> torch.Tensor:
    inputs = torch.tensor(np.asarray(stimuli.inputs))
    like = next(network.parameters(), torch.empty(0))
    if inputs.is_floating_point():
        return inputs.to(like.dtype)
    with torch.no_grad(), eval_mode(network), kept_chance(), suppress(*REFUSALS):
        return taken(inputs, network)
    return inputs.long()  # what it says of these is what it says of the stimuli


def _n_outputs(network: nn.Module, inputs: torch.Tensor) -> int:
    with torch.no_grad(), eval_mode(network), kept_chance():
        try:
            answer = network(inputs[:2])
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise SpecimenError(_unfit(network, inputs, error)) from error
    if not isinstance(answer, torch.Tensor) or answer.dim() != 2:
        given = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise SpecimenError(f"train_cohort() got a network that answers {given}; expected (n_stimuli, n_outputs). End "
                            "the network in nn.Flatten() and nn.Linear(..., n_outputs).")
    return answer.shape[1]


def _unfit(network: nn.Module, inputs: torch.Tensor, error: Exception) -> str:
    """What the stimuli have and what the network takes, where it cannot take them."""
    has = f"{tuple(inputs.shape[1:])} {str(inputs.dtype).removeprefix('torch.')}"
    first = next(((name, part) for name, part in network.named_modules() if list(part.parameters(recurse=False))), None)
    takes = f"its first layer, {first[0]!r}, is {first[1]}" if first else "it has no layer with weights"
    n = getattr(first[1], "in_features", 0) if first else 0
    wide = f", which takes {n} numbers of a stimulus" if n else ""
    fix = f" Type build=functools.partial(nl.specimen.mlp, {inputs[0].numel()}, 128, n_outputs), a perceptron."
    return (f"train_cohort() got stimuli of shape {has}, and the network cannot take them: {takes}{wide}. Build it for "
            f"what the stimuli have, or reshape them.{fix} torch says: {str(error).splitlines()[0]}")


def _train(
    networks: list[nn.Module], lesson: Lesson, recipe: Recipe, rng: RNG, seeds: Sequence[int], bar: str
) -> Outcome:
    """Train networks in place."""
    stack = Abreast(networks, together=together(networks[0], lesson.inputs[:2]))
    order = [orders(rng, seed, len(lesson.inputs), recipe.epochs) for seed in seeds]
    start = int(generator(rng, "dropout", *seeds).integers(2**62))
    with torch.random.fork_rng(devices=[]):  # of dropout that is a layer of the network itself
        torch.default_generator.manual_seed(start)
        outcome = fit(stack, lesson, order, recipe, Disturbance(recipe, stack, rng, seeds), progress=bar)
    stack.put_back(outcome.finished)
    return outcome
