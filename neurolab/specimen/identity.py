"""What cells belong to: whose weights and code, which stimuli and scores; so that no cell is taken for another's."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from neurolab.digest import digest_of
from neurolab.errors import LesionPlanError
from neurolab.lesion import Lesion, Zero
from neurolab.specimen.ablations import ABLATIONS
from neurolab.specimen.code import code_of
from neurolab.specimen.promises import eval_mode, kept_chance, one_thread, plain_kernels, unchanged
from neurolab.specimen.specimen import Specimen, Task
from neurolab.specimen.stash import OWN, marks

#: Attributes of a module that are no settings of its author's, or counted elsewhere.
SKIPPED = OWN - {"forward"}
#: Counts up whenever the bench computes something else than before from the same lesion.
BENCH = 2


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
        **{f"stimuli of {task.name}": digest_of(task.stimuli.digest, task.stimuli.table.to_csv()) for task in tasks},
        **{f"score of {task.name}": digest_of(*code_of(task.score)) for task in tasks},
        **{f"ablation {kind.__qualname__}": digest_of(*code_of((kind, effect)))
           for kind, effect in ABLATIONS.items() if kind.__module__ != Zero.__module__},
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
    model, constants = specimen.model, _constants(specimen)
    yield repr(model)
    for path, module in model.named_modules():
        hooks = (*module._forward_pre_hooks.values(), *module._forward_hooks.values())
        own = {name: value for name, value in vars(module).items() if (path, name) in constants}
        met: dict[int, Any] = {}
        yield from (path, *code_of((type(module), own, hooks), met))
    yield from code_of((specimen.output, specimen.feed))


def _constants(specimen: Specimen) -> set[tuple[str, str]]:
    """The attributes of modules that no forward sets: what one leaves aside there is no setting.

    Seen on the example, twice, and other stimuli, for what is left aside may look the same for the same ones.
    """
    model, example = specimen.model, specimen.example
    with one_thread(), unchanged(model), kept_chance(), plain_kernels(), eval_mode(model), torch.no_grad():
        first, held = marks(model)
        specimen.answer(specimen.others(example))
        specimen.answer(example.clone())
        then, held_too = marks(model)
    differ = {place[:2] for place in first.keys() ^ then.keys() | {one for one in first if then.get(one) != first[one]}}
    names = {(path, name) for path, module in model.named_modules() for name in vars(module) if name not in SKIPPED}
    del held, held_too  # an id may be used again once its object is gone
    return names - differ
