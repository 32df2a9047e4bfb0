"""What cells belong to: whose weights and code, which stimuli and scores; so that no cell is taken for another's."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from neurolab.digest import PLAIN, digest_of
from neurolab.errors import LesionPlanError
from neurolab.lesion import Lesion
from neurolab.specimen.ablations import own_entries
from neurolab.specimen.code import Met, code_of, hooks_of
from neurolab.specimen.promises import eval_mode, kept_chance, one_thread, plain_kernels, unchanged
from neurolab.specimen.specimen import Specimen, Task
from neurolab.specimen.stash import OWN, marks

#: Attributes of a module that are no settings of its author's, or counted elsewhere.
SKIPPED = OWN - {"forward"}
#: Where something lies: the module's path, the attribute, and what leads on from there.
Place = tuple[Any, ...]
#: What a forward left.
_ASIDE = object()
#: Counts up whenever the bench computes something else than before from the same lesion.
BENCH = 3


def identity_of(specimen: Specimen, tasks: Sequence[Task], batch_size: int, exact: str) -> dict[str, str]:
    """Get what must be the same for two cells of one lesion to be the same; every value a short text.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.stimuli import StimulusSet
    >>> table = pd.DataFrame({"stimulus_id": ["a"], "condition": ["x"], "label": [0]})
    >>> net = Specimen(torch.nn.Linear(3, 2), torch.zeros(1, 3), name="net")
    >>> task = Task("name", StimulusSet("one", np.eye(1, 3), table), lambda outputs, table: outputs[:, 0])
    >>> list(identity_of(net, [task], 256, "rounding"))[:3]
    ['specimen', 'weights', 'model code']
    """
    return {
        "specimen": specimen.name,
        "weights": specimen.digest,
        "model code": digest_of(*_model_code(specimen)),
        "device": specimen.devices if "," in specimen.devices else specimen.device.type,
        "dtype": str(specimen.dtype).removeprefix("torch."),
        "inputs": str(specimen.example.dtype).removeprefix("torch."),
        **{f"stimuli of {task.name}": digest_of(task.stimuli.digest, *code_of(task.stimuli.table)) for task in tasks},
        **{f"score of {task.name}": digest_of(*code_of(task.score)) for task in tasks},
        **{f"ablation {kind.__qualname__}": digest_of(*code_of((kind, effect)))
           for kind, effect in own_entries().items()},
        "tasks": ", ".join(task.name for task in tasks),
        "batch_size": str(batch_size),
        "exact": exact,
        "bench": str(BENCH),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def check_references(design: Sequence[Lesion]) -> None:
    """Raise LesionPlanError where the reference of an ablation is not what it was when its digest was taken."""
    for how in {id(part.how): part.how for lesion in design for part in lesion.parts}.values():
        if replace(how).digest != how.digest:  # type: ignore[type-var]
            raise LesionPlanError(
                f"The reference recording of {how.label} was changed after the lesion was made: its cells would be "
                f"taken for those of the old one. Type {type(how).__name__}(...) and the lesion again."
            )


def _model_code(specimen: Specimen) -> Iterator[str]:
    """The model's layout, the code of its own modules and hooks, their constants, and how it is fed and read."""
    model, moved, grown = specimen.model, *_moved(specimen)
    met = Met({id(module): (module, f"module {path}") for path, module in model.named_modules()})
    yield repr(model)
    for path, module in model.named_modules():
        mine = ((name, value) for name, value in vars(module).items() if name not in SKIPPED)
        own = _all_kept(mine, (path,), moved, grown)
        yield from (path, *code_of((type(module), own, hooks_of(module)), met))
    yield from code_of((specimen.output, specimen.feed), met)


def _moved(specimen: Specimen) -> tuple[set[Place], set[Place]]:
    """Where a forward leaves something aside, which is no setting; and the mappings among these that it adds to.

    Seen on the example, twice, and other stimuli, for what is left aside may look the same for the same ones.
    """
    model, example = specimen.model, specimen.example
    with one_thread(), unchanged(model), kept_chance(), plain_kernels(), eval_mode(model), torch.no_grad():
        first, held = marks(model)
        specimen.answer(specimen.others(example))
        specimen.answer(example.clone())
        then, held_too = marks(model)
    differ = first.keys() ^ then.keys() | {one for one in first if then.get(one) != first[one]}
    del held, held_too  # an id may be used again once its object is gone
    return differ, {place[:-1] for place in then.keys() - first.keys()}


def _kept(value: Any, place: Place, moved: set[Place], grown: set[Place]) -> Any:
    """A value without what a forward sets in it; of a mapping that it adds to, maybe a cache, the plain settings."""
    if not any(one[: len(place)] == place for one in moved):
        return value
    if isinstance(value, Mapping):
        kept = _all_kept(((str(key), child) for key, child in value.items()), place, moved, grown)
        return {key: child for key, child in kept.items() if place not in grown or isinstance(child, PLAIN)}
    if place not in moved and isinstance(value, (list, tuple)):
        return _all_kept(enumerate(value), place, moved, grown)
    if hasattr(value, "__dict__") and not callable(value) and not isinstance(value, torch.Tensor):
        return type(value), _all_kept(vars(value).items(), place, moved, grown)
    return _ASIDE


def _all_kept(
    items: Iterable[tuple[Any, Any]], place: Place, moved: set[Place], grown: set[Place]
) -> dict[Any, Any]:
    kept = {name: _kept(child, (*place, name), moved, grown) for name, child in items}
    return {name: child for name, child in kept.items() if child is not _ASIDE}
