"""Stimuli as a model takes them: on its device, in its kind of number, of the example's shape."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from neurolab.errors import DataError, NeurolabError

#: Whole numbers of which a model may make something else than of others: ``~x``, sums that wrap, ``iinfo(dtype).max``.
TOLD_APART = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.uint16, torch.int32, torch.uint32, torch.int64,
              torch.uint64)  # fmt: skip
#: The largest number that a model is shown to see whether what it makes of it wraps.
LARGE = 2**15 - 1
#: What a model raises that cannot take its inputs.
REFUSALS = (RuntimeError, ValueError, IndexError, TypeError)
#: What a model answers to a batch.
Run = Callable[[torch.Tensor], torch.Tensor]


def prepared(
    inputs: Any, example: torch.Tensor, name: str, device: torch.device, dtype: torch.dtype,
    otherwise: frozenset[torch.dtype],
) -> torch.Tensor:
    """Get inputs (n, ...) on a device: floats in the type ``dtype``, whole numbers and booleans in the example's.

    otherwise : types of whole numbers that the model answers otherwise to than to the example's.

    Raises
    ------
    DataError : shape or kind differ from the example's, or whole numbers do not fit its type.
    """
    if not isinstance(inputs, torch.Tensor) and np.asarray(inputs).dtype.kind not in "buifc":
        raise DataError(
            f"The stimuli are {np.asarray(inputs).dtype}; {name!r} takes numbers. Texts become token ids by "
            "words = nl.datasets.load_tokeniser(name); words(stimuli, length=...)."
        )
    tensor = torch.tensor(np.asarray(inputs)) if not isinstance(inputs, torch.Tensor) else inputs
    if tensor.is_complex() or (tensor.is_floating_point() != example.is_floating_point()):
        raise DataError(
            f"The stimuli are {tensor.dtype}; {name!r} was loaded with an example of {example.dtype}. "
            f"Type stimuli.inputs.astype({'float' if example.is_floating_point() else 'int'}) or another example."
        )
    if tuple(tensor.shape[1:]) != tuple(example.shape[1:]):
        text = tensor.ndim == 2 and not tensor.is_floating_point()
        how = f": load_specimen(name, length={tensor.shape[1]})" if text else "."
        raise DataError(
            f"The stimuli have shape {tuple(tensor.shape[1:])} each; {name!r} was loaded with an example of "
            f"{tuple(example.shape[1:])}. Resize them, or load the specimen with an example like them{how}"
        )
    if tensor.is_floating_point():
        return tensor.to(device=device, dtype=dtype)
    return _whole(tensor, example.dtype, name, otherwise).to(device)


def _whole(tensor: torch.Tensor, dtype: torch.dtype, name: str, otherwise: frozenset[torch.dtype]) -> torch.Tensor:
    """Whole numbers in another type of whole numbers, where that is the same to the model and they fit."""
    if tensor.dtype == dtype:
        return tensor
    had, has = (str(one).removeprefix("torch.") for one in (tensor.dtype, dtype))
    if not _fit(tensor, dtype):
        raise DataError(
            f"The stimuli are {had} and hold numbers that {has} cannot, of which the example of {name!r} was. Load it "
            f"with an example of {had}."
        )
    if tensor.dtype in otherwise:
        raise DataError(
            f"The stimuli are {had}, to which {name!r} answers otherwise than to {has}, of which its example was. Load "
            f"it with an example of {had}, or type stimuli.inputs.astype('{has}') if that is what it should get."
        )
    return tensor.to(dtype)


def _fit(tensor: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether a type holds some whole numbers: all come back, and none with another sign (int8 -1 is uint8 255)."""
    made = tensor.to(dtype)
    return torch.equal(made.to(tensor.dtype), tensor) and torch.equal(_negative(made), _negative(tensor))


def _negative(tensor: torch.Tensor) -> torch.Tensor:
    return tensor < 0 if tensor.dtype.is_signed else torch.zeros_like(tensor, dtype=torch.bool)


def settled(example: torch.Tensor, run: Run) -> tuple[torch.Tensor, frozenset[torch.dtype]]:
    """Get an example as the model takes it, and the types of whole numbers to which it would answer otherwise.

    run : what the model answers to a batch.
    """
    example = taken(example, run)
    if example.is_floating_point():
        return example, frozenset()
    row = example[:1]
    known = functools.cache(lambda fill: run(_filled(row, fill)))
    return example, frozenset(one for one in TOLD_APART if one != row.dtype and _differ(run, known, row, one))


def taken(inputs: torch.Tensor, run: Run) -> torch.Tensor:
    """Get inputs of a type that the model takes: of their own, else whole numbers as int64, such as ids in bytes.

    Raises what the model says of their own type where it takes neither.
    """
    try:
        run(inputs[:1].clone())
    except REFUSALS as error:
        if isinstance(error, NeurolabError) or inputs.is_floating_point() or inputs.dtype == torch.int64:
            raise
        try:
            run(inputs[:1].to(torch.int64))
        except REFUSALS:
            raise error from None
        return _whole(inputs, torch.int64, "the model", frozenset())
    return inputs


def _differ(run: Run, known: Callable[[int | None], torch.Tensor], row: torch.Tensor, kind: torch.dtype) -> bool:
    """Whether the same numbers in another type have another answer; not where the model refuses that type.

    known : the answer to the numbers that a fill stands for, in the example's own type.
    """
    for fill in _fills(row.cpu(), kind, large=row.device.type == "cpu"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                other, own = run(_filled(row, fill).to(kind)), known(fill)
            except Exception:  # a refusal, by the model or by its device, in any type of error
                continue
        if own.shape != other.shape or not torch.equal(torch.nan_to_num(own), torch.nan_to_num(other)):
            return True
    return False


def _fills(row: torch.Tensor, kind: torch.dtype, *, large: bool) -> list[int | None]:
    """What a model is shown in two types: the example's first row (None), or one number in every place of it.

    Ones where that row does not fit or is blank, as noughts may look alike. Then the largest number that both hold, at
    most ``LARGE``, as what wraps may not among small ones; on a processor only: an accelerator on which an embedding
    has no such row serves nothing after it.
    """
    fills = [None if bool(row.to(torch.bool).any()) and _fit(row, kind) else 1]
    return fills + [min(_most(row.dtype), _most(kind), LARGE)] * large


def _filled(row: torch.Tensor, fill: int | None) -> torch.Tensor:
    return row.clone() if fill is None else torch.full_like(row, fill)


def _most(dtype: torch.dtype) -> int:
    return 1 if dtype == torch.bool else int(torch.iinfo(dtype).max)
