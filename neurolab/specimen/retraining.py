"""Networks that go on learning: after a lesion, with a lesion held, or something new; scored while they do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from neurolab.chance import RNG, generator, rng_name
from neurolab.errors import DataError, DesignError, DoubleDippingError, listed
from neurolab.lesion import Lesion
from neurolab.scores import describe
from neurolab.specimen.given import check_specimen, design_for
from neurolab.specimen.held import held_in
from neurolab.specimen.past import Past, past_of, trial_rows
from neurolab.specimen.promises import one_thread
from neurolab.specimen.recipe import Recipe
from neurolab.specimen.specimen import Cohort, Specimen, Task
from neurolab.specimen.stack import Stack, check_alike, shuffled_rows
from neurolab.specimen.targets import Label, Targets
from neurolab.stimuli import StimulusSet
from neurolab.trials import make_trials

#: A lesion, several, or what finds those of one network.
Lesions = Lesion | Sequence[Lesion] | Callable[[Specimen], Lesion | Sequence[Lesion]]
#: What of a recipe retraining follows; anything else in it must be as it is by default.
SERVED = ("epochs", "learning_rate", "batch_size", "weight_decay")


def retrain(
    cohort: Cohort | Mapping[str, Cohort],
    stimuli: StimulusSet,
    *,
    watch: Sequence[Task],
    label: Label = "label",
    recipe: Recipe | None = None,
    held: Lesions | Mapping[str, Lesions] | None = None,
    every: int | Sequence[int] = 10,
    allow_double_dipping: bool = False,
    rng: RNG,
) -> tuple[Any, xr.Dataset]:
    """Get networks after further training, and their scores while they learned; those given stay as they are.

    Training starts from the weights as they are with a fresh Adam, in evaluation mode (dropout off, running statistics
    as they are). Several arms learn side by side: the networks at one place of every arm see the same stimuli in the
    same order, so that arms differ by what they start from and what is held in them alone.

    Parameters
    ----------
    cohort : the networks; or arms by name, each a cohort, paired by place (the same seeds in the same order).
    stimuli : what is learned. label : the integer column of right outputs; several columns, which share the outputs
        evenly; or ``{"digit": range(10), "freeze": 10}``, where one output is a yes-or-no response (a boolean column).
    watch : what is scored, on other stimuli, with the held lesions in place.
    recipe : its epochs, learning rate, batch size and weight decay; default ``Recipe(epochs=10)``.
    held : lesions that stay while a network learns (Zero, Mean, Clamp, Scale or Stimulate of whole units, or CutWeights
        of them, which keeps their weights at zero), or a function that finds those of a network; by arm for several.
    every : steps of the optimiser between scores, or the steps; the first (0, before any training) and the last always.
    allow_double_dipping : watch stimuli that are learned, or that chose a lesion, all the same; the trials record it.
    rng : integer; network k of the first arm orders its stimuli by (rng, its name) alone.

    Returns
    -------
    (cohort, trials): the networks learned, under their old names (a region found before is a region of them), one
    cohort per arm where arms were given. Trials (specimen, lesion, trial) with a ladder per arm whose rungs are steps,
    as ``nl.analysis.recovery`` and ``nl.analysis.savings`` take them; one cohort is an arm under its own name.

    Raises
    ------
    DoubleDippingError : a watched task shows stimuli that are learned, or that chose what an arm lacks (it was removed
    by :func:`remove_units`) or has held. DataError : arms of different sizes or
    architectures, a recipe with noise, no task. LesionPlanError : a lesion that cannot be held.

    When this is invalid
    --------------------
    A score at one early step says little of what is left: watch until the wanted score is back. Activity held from
    outside is no part of the network that comes back: examine it with the same lesion. Relearning is compared with
    first learning under one recipe.

    Example
    -------
    >>> from neurolab.scores import accuracy
    >>> table = pd.DataFrame({"stimulus_id": list("abcd"), "condition": list("xyxy"), "label": [0, 1, 0, 1]})
    >>> four = StimulusSet("four", np.eye(4), table)
    >>> nets = Cohort((Specimen(torch.nn.Linear(4, 2), torch.zeros(1, 4), name="net"),), "nets")
    >>> learned, trials = retrain(nets, four.take([0, 1]), watch=[Task("name", four.take([2, 3]), accuracy)],
    ...                           recipe=Recipe(epochs=3), every=1, rng=0)
    >>> learned[0].name, trials["rung"].values.tolist()
    ('net', [0.0, 1.0, 2.0, 3.0])
    """
    arms = dict(cohort) if isinstance(cohort, Mapping) else {getattr(cohort, "name", ""): cohort}
    _check_arms(arms)
    recipe = recipe or Recipe(epochs=10)
    _check_recipe(recipe)
    lesions = dict(held) if isinstance(held, Mapping) else dict.fromkeys(arms, held)
    strange = [name for name in lesions if name not in arms]
    if strange:
        raise DesignError(f"retrain(held=...) names the arms {listed(strange)}; there are {listed(arms)}.")
    designs = {arm: [_design(one, lesions.get(arm)) for one in cohort] for arm, cohort in arms.items()}
    pasts = {arm: [one.past | past_of(design) for one, design in zip(arms[arm], designs[arm])] for arm in arms}
    override = _check_watch(stimuli, watch, pasts, allow_double_dipping)
    with one_thread():
        stack = _stack_of(arms, designs)
        leaders = list(next(iter(arms.values())).names)
        streams = [generator(rng, "retrain", name) for name in leaders]
        steps, scores = _learned(stack, stimuli, label, recipe, watch, _wanted(every), streams, len(arms))
        places = {arm: range(at * len(leaders), (at + 1) * len(leaders)) for at, arm in enumerate(arms)}
        learned = {
            arm: Cohort(tuple(stack.specimen(at, arms[arm].names[at - here[0]], stimuli.origins) for at in here),
                        arms[arm].name)
            for arm, here in places.items()
        }
    about = {"override": override, "rng": rng_name(rng), "stimuli learned": stimuli.digest, "recipe": str(recipe)}
    about |= _flags(pasts)
    trials = _trials(arms, leaders, steps, scores, watch, _how(lesions), about)
    return (learned if isinstance(cohort, Mapping) else next(iter(learned.values()))), trials


def _check_arms(arms: Mapping[str, Cohort]) -> None:
    for name, cohort in arms.items():
        check_specimen(cohort if not isinstance(cohort, Cohort) else cohort[0], "retrain",
                       each="nl.Cohort([specimen])" if not isinstance(cohort, Cohort) else "")
        if not isinstance(cohort, Cohort):
            raise DataError(f"retrain() got {type(cohort).__name__} for the arm {name!r}; expected a Cohort. Type "
                            "nl.Cohort([specimen], name='one').")
    sizes = {name: len(cohort) for name, cohort in arms.items()}
    if not sizes or len(set(sizes.values())) > 1:
        raise DataError(f"retrain() got arms of {sizes} networks; expected as many in each, paired by their place.")
    seeds = {name: [_seed(network) for network in cohort.names] for name, cohort in arms.items()}
    told = {name: one for name, one in seeds.items() if all(one)}
    if len({tuple(one) for one in told.values()}) > 1:
        raise DataError(
            f"retrain() pairs arms by place, and their seeds differ: {told}. Bring them into one order, "
            "nl.Cohort(sorted(cohort, key=lambda network: network.name), name=...)."
        )


def _seed(name: str) -> str:
    """The seed in a network's name, "" where it names none."""
    return name.rpartition("seed ")[2] if "seed " in name else ""


def _check_recipe(recipe: Recipe) -> None:
    plain = Recipe(**{name: getattr(recipe, name) for name in SERVED})
    if recipe != plain:
        raise DataError(
            f"retrain() follows {listed(SERVED)} of a recipe; {recipe} asks for more. Curves of different arms are "
            "compared at the same steps, without a criterion and without noise: type Recipe(epochs=10)."
        )


def _check_watch(
    stimuli: StimulusSet, watch: Sequence[Task], pasts: Mapping[str, Sequence[Past]], allowed: bool
) -> str:
    names = [task.name for task in watch]
    if not names or len(set(names)) < len(names):
        raise DataError(f"retrain(watch=...) got the tasks {listed(names, empty='()')}; expected at least one, with "
                        "names of their own. Type watch=[nl.Task('name digits', others, nl.scores.accuracy)].")
    chose = {"that are learned; it would score memory of those": stimuli.origins}
    for arm, every in pasts.items():
        what = f"that chose what {arm!r} lacks or has held; its effect would be estimated on what selected it"
        chose[what] = frozenset().union(*(past.chosen_on for past in every))
    for task, (what, ids) in product(watch, chose.items()):
        shared = ids & task.stimuli.origins
        if shared and not allowed:
            raise DoubleDippingError(
                f"Task {task.name!r} shows {len(shared)} of the stimuli (e.g. {min(shared)!r}) {what}. Type learn, "
                "test = stimuli.split(2, rng=0); allow_double_dipping=True does it all the same and is written into "
                "the trials."
            )
        if shared:
            return "double dipping allowed"
    return ""


def _flags(pasts: Mapping[str, Sequence[Past]]) -> dict[str, str]:
    """What is said against an arm, once for all its networks, as results read it from the trials."""
    about: dict[str, dict[str, list[str]]] = {}
    for arm, every in pasts.items():
        for line in dict.fromkeys(line for past in every for line in past.undermined_by):
            about.setdefault(line, {}).setdefault("arm", []).append(arm)
    return {"undermined_by": json.dumps(list(about)), "flags_about": json.dumps(about)}


def _stack_of(arms: Mapping[str, Cohort], designs: Mapping[str, Sequence[Sequence[Lesion]]]) -> Stack:
    specimens = [specimen for cohort in arms.values() for specimen in cohort]
    check_alike(specimens, "retrain()")
    held = [
        held_in(specimen, design, "retrain()")
        for arm, cohort in arms.items()
        for specimen, design in zip(cohort, designs[arm])
    ]
    return Stack(specimens, held, "retrain()")


def _design(specimen: Specimen, lesions: Lesions | None) -> tuple[Lesion, ...]:
    if lesions is None:
        return ()
    found = lesions if isinstance(lesions, Lesion) else design_for(specimen, lesions)  # type: ignore[arg-type]
    return (found,) if isinstance(found, Lesion) else tuple(found)


def _wanted(every: int | Sequence[int]) -> Callable[[int], bool]:
    if isinstance(every, (int, np.integer)):
        if every < 1:
            raise DataError(f"retrain(every={every}); expected 1 or more steps of the optimiser between scores.")
        return lambda step: step % int(every) == 0
    steps = {int(step) for step in every}
    return lambda step: step == 0 or step in steps


def _learned(
    stack: Stack, stimuli: StimulusSet, label: Label, recipe: Recipe, watch: Sequence[Task],
    wanted: Callable[[int], bool], streams: Sequence[np.random.Generator], n_arms: int,
) -> tuple[list[int], np.ndarray]:
    """Train the stack in place; get the steps and the scores there (step, network, trial)."""
    first = stack.specimens[0]
    inputs = first.prepare(stimuli.inputs)
    n_outputs = int(stack.answers(inputs[:1]).shape[-1])
    targets = Targets.of(stimuli, label, n_outputs, "retrain()")
    shown = [(task, first.prepare(task.stimuli.inputs)) for task in watch]
    steps, scores = [0], [_scores(stack, shown)]
    for step in _steps(stack, inputs, targets, recipe, streams, n_arms):
        if wanted(step):
            steps.append(step)
            scores.append(_scores(stack, shown))
        last = step
    if steps[-1] != last:
        steps.append(last)
        scores.append(_scores(stack, shown))
    return steps, np.stack(scores)


def _steps(
    stack: Stack, inputs: torch.Tensor, targets: Targets, recipe: Recipe, streams: Sequence[np.random.Generator],
    n_arms: int,
) -> Iterator[int]:
    """Go through the epochs; after every step of the optimiser its number, from 1."""
    optimiser = torch.optim.Adam(list(stack.state.values()), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    step = 0
    for _ in range(recipe.epochs):
        for rows in shuffled_rows(streams, len(inputs), recipe.batch_size):
            rows = rows.repeat(n_arms, 1)
            found = stack.gradients(inputs[rows], targets.values[rows], torch.ones(rows.shape), targets)
            for name, value in stack.state.items():
                value.grad = found[name]
            optimiser.step()
            stack.settle()
            step += 1
            yield step


def _scores(stack: Stack, shown: Sequence[tuple[Task, torch.Tensor]]) -> np.ndarray:
    """(network, trial): every task, one after another."""
    parts = []
    for task, inputs in shown:
        answers = stack.answers(inputs).cpu().numpy()
        parts.append(np.stack([np.asarray(task.score(one, task.stimuli.table), np.float64) for one in answers]))
    return np.concatenate(parts, axis=1)


def _how(lesions: Mapping[str, Lesions | None]) -> dict[str, str]:
    return {arm: "Learning" + (" with a lesion held" if found is not None else "") for arm, found in lesions.items()}


def _trials(
    arms: Mapping[str, Cohort], names: Sequence[str], steps: Sequence[int], scores: np.ndarray, watch: Sequence[Task],
    how: Mapping[str, str], about: Mapping[str, str],
) -> xr.Dataset:
    """Trials with a ladder per arm, its rungs the steps of training."""
    rows = pd.DataFrame([
        {"lesion_id": f"{arm} step {step}", "roi": arm, "how": how.get(arm, "Learning"), "ladder": arm,
         "rung": float(step)}
        for arm in arms for step in steps
    ])  # fmt: skip
    by_arm = scores.reshape(len(steps), len(arms), len(names), -1).transpose(2, 1, 0, 3)
    network = next(iter(arms.values()))[0]
    n_outputs = network.sites()["output"].shape[-1]
    return make_trials(
        by_arm.reshape(len(names), len(rows), -1),
        specimen=names,
        lesions=rows,
        trial=trial_rows(watch),
        tasks={task.name: describe(task.score, task.stimuli.table, n_outputs) for task in watch},
        kind="ann",
        attrs={
            "source": "; ".join(f"{arm}: {cohort.name}" for arm, cohort in arms.items()),
            "inputs": json.dumps({task.name: task.stimuli.digest for task in watch}),
            **about,
        },
    )
