"""The tensor inside a module's output: find it, put another one in its place, select the model's read-out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from neurolab.errors import SpecimenError, listed

#: What chooses the read-out of a model with a nested output: a key, an index, or a function of the whole output.
Selector = str | int | Callable[[Any], torch.Tensor] | None


def children(value: Any) -> list[Any]:
    """Get what a container holds, in order; an empty list for anything that is not a container."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, (tuple, list)):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return []


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """Get every tensor of a nested value, depth first."""
    if isinstance(value, torch.Tensor):
        yield value
        return
    for child in children(value):
        yield from tensors(child)


def first_tensor(value: Any) -> torch.Tensor | None:
    """Get the first tensor leaf of a nested value; that leaf is what a site means when a module returns several."""
    return next(tensors(value), None)


def with_first_tensor(value: Any, new: torch.Tensor) -> Any:
    """Get the same nested value with ``new`` as its first tensor leaf; containers are rebuilt, never changed."""
    if isinstance(value, torch.Tensor):
        return new
    held = children(value)
    spot = next((at for at, child in enumerate(held) if first_tensor(child) is not None), None)
    if spot is None:
        return value
    held[spot] = with_first_tensor(held[spot], new)
    return _rebuilt(value, held)


def map_tensors(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Get the same nested value with every tensor changed; containers are rebuilt."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if next(tensors(value), None) is None:
        return value
    return _rebuilt(value, [map_tensors(child, change) for child in children(value)])


def _rebuilt(value: Any, held: list[Any]) -> Any:
    if isinstance(value, Mapping):  # Hugging Face outputs are mappings that take their fields by name
        pairs = dict(zip(value, held))
        return type(value)(**pairs) if dataclasses.is_dataclass(value) else type(value)(pairs)  # type: ignore[call-arg]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*held)
    if isinstance(value, (tuple, list)):
        return type(value)(held)
    names = [field.name for field in dataclasses.fields(value)]
    return dataclasses.replace(value, **dict(zip(names, held)))


def select_output(raw: Any, selector: Selector) -> torch.Tensor:
    """Get the tensor that the model answers with.

    Raises
    ------
    SpecimenError : a nested output without a selector, or a selector that finds no tensor.
    """
    if selector is None:
        chosen = raw
    elif callable(selector):
        chosen = selector(raw)
    else:
        chosen = _pick(raw, selector)
    if not isinstance(chosen, torch.Tensor):
        picked = "" if selector is None else f", of which output={selector!r} chose {describe(chosen)}"
        raise SpecimenError(
            f"The model returned {describe(raw)}{picked}; expected one tensor as the read-out. Type Specimen(model, "
            f"example, output={_suggest(raw)}), or output= with a function of the whole output."
        )
    if chosen.layout != torch.strided or chosen.is_nested:
        kind = "nested" if chosen.is_nested else str(chosen.layout).removeprefix("torch.")
        raise SpecimenError(
            f"The read-out is a {kind} tensor; expected a dense one. Type Specimen(model, example, output=lambda out: "
            f"{'torch.nested.to_padded_tensor(out, 0.0)' if chosen.is_nested else 'out.to_dense()'})."
        )
    return chosen


def _pick(raw: Any, selector: str | int) -> Any:
    try:
        if isinstance(selector, str) and not isinstance(raw, Mapping):
            return getattr(raw, selector)
        return raw[selector]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise SpecimenError(
            f"output={selector!r} does not fit what the model returned, {describe(raw)}. Type output={_suggest(raw)}."
        ) from error


def describe(value: Any) -> str:
    """Get a few words on a nested value for an error message."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"a {type(value).__name__} with the keys {listed(value)}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if dataclasses.is_dataclass(value):
        return f"a {type(value).__name__} with the fields {listed(f.name for f in dataclasses.fields(value))}"
    return f"a {type(value).__name__}"


def _suggest(raw: Any) -> str:
    if isinstance(raw, Mapping):
        return repr(next((key for key, child in raw.items() if isinstance(child, torch.Tensor)), "key"))
    if isinstance(raw, (tuple, list)):
        return str(next((at for at, child in enumerate(raw) if isinstance(child, torch.Tensor)), 0))
    names = [f.name for f in dataclasses.fields(raw)] if dataclasses.is_dataclass(raw) else []
    return repr(next((name for name in names if isinstance(getattr(raw, name), torch.Tensor)), "name"))
