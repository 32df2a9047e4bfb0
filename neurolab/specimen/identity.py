"""What cells belong to: whose weights and code, which stimuli and scores; so that no cell is taken for another's."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from neurolab.digest import digest_of
from neurolab.specimen.specimen import Specimen, Task

#: Counts up whenever the bench computes something else than before from the same lesion.
BENCH = 1


def identity_of(specimen: Specimen, tasks: Sequence[Task], batch_size: int, exact: str) -> dict[str, str]:
    """Get what must be the same for two cells of one lesion to be the same; every value a short text.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.stimuli import StimulusSet
    >>> table = pd.DataFrame({"stimulus_id": ["a"], "condition": ["x"], "label": [0]})
    >>> net = Specimen(nn.Linear(3, 2), torch.zeros(1, 3), name="net")
    >>> task = Task("name", StimulusSet("one", np.eye(1, 3), table), lambda outputs, table: outputs[:, 0])
    >>> list(identity_of(net, [task], 256, "rounding"))[:3]
    ['specimen', 'weights', 'model code']
    """
    return {
        "specimen": specimen.name,
        "weights": specimen.digest,
        "model code": digest_of(*sorted(set(_model_code(specimen)))),
        "device": specimen.devices if "," in specimen.devices else specimen.device.type,
        "dtype": str(specimen.dtype).removeprefix("torch."),
        **{f"stimuli of {task.name}": digest_of(task.stimuli.digest, task.stimuli.table.to_csv()) for task in tasks},
        **{f"score of {task.name}": digest_of(*code_of(task.score)) for task in tasks},
        "tasks": ", ".join(task.name for task in tasks),
        "batch_size": str(batch_size),
        "exact": exact,
        "bench": str(BENCH),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def _model_code(specimen: Specimen) -> Iterator[str]:
    """The model's layout and the source of its own modules, and how it is fed and read."""
    yield repr(specimen.model)
    for kind in {type(module) for module in specimen.model.modules()}:
        yield from (kind.__qualname__, "" if kind.__module__.startswith("torch.") else _source(kind))
    for path, module in specimen.model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, (bool, int, float, str)) and name != "training" and not name.startswith("_"):
                yield f"{path}.{name}={value!r}"
    for selector in (specimen.output, specimen.feed):
        yield from code_of(selector)


def code_of(thing: Any) -> Iterator[str]:
    """Get texts that change when a function or a frozen value does: its source, its settings, what it closes over."""
    if isinstance(thing, functools.partial):
        yield from (*code_of(thing.func), repr(thing.args), repr(sorted(thing.keywords.items())))
    elif isinstance(thing, types.FunctionType):
        yield _source(thing)
        for cell in thing.__closure__ or ():
            yield from _plain(cell.cell_contents)
        yield from (repr(thing.__defaults__), repr(thing.__kwdefaults__))
    elif callable(thing) and not isinstance(thing, type):
        yield from (_source(type(thing)), *_plain(thing))
    else:
        yield repr(thing)


def _plain(value: Any) -> Iterator[str]:
    if isinstance(value, types.FunctionType):
        yield from code_of(value)
    elif dataclasses.is_dataclass(value) or isinstance(value, (np.ndarray, str, int, float, tuple, list, dict)):
        yield digest_of(value)
    elif isinstance(value, torch.Tensor):
        yield digest_of(value.detach().cpu().float().numpy())
    elif isinstance(value, nn.Module):
        yield repr(value)
    else:
        yield type(value).__qualname__


#: The source of a function or class, looked for once: finding that of a class parses its whole file.
_getsource = functools.cache(inspect.getsource)


def _source(thing: type | Callable[..., Any]) -> str:
    """The source, or the bytecode of what was typed into a console."""
    try:
        return _getsource(thing)  # type: ignore[arg-type]
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        name = getattr(thing, "__qualname__", type(thing).__name__)
        return code.co_code.hex() + repr(code.co_names) if code else name
