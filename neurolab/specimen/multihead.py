"""``nn.MultiheadAttention`` opened where its heads enter the output projection.

The module hands the weights of its projection to a fused function, so no hook sees the heads. Inside the bench its
instance runs torch's own Python code once more, with the one ``linear`` at the end replaced: the same kernels on the
same numbers, hence the same bits, and whatever masks and options this version of torch knows.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

#: What is done to the heads, (token, batch, unit), before they enter the output projection.
Tap = Callable[[torch.Tensor], torch.Tensor]


def can_be_tapped(module: nn.MultiheadAttention) -> bool:
    """Whether the instance runs torch's own forward, and not a subclass's or one that the user put in its place."""
    return type(module).forward is nn.MultiheadAttention.forward and "forward" not in module.__dict__


class Tapped:
    """A tap at an instance's heads; :meth:`remove` gives the instance its own forward back when the last one goes.

    Benches may be nested: a tap that is there already stays, and acts first.
    """

    def __init__(self, module: nn.MultiheadAttention, tap: Tap) -> None:
        self.module, self.tap = module, tap
        there = module.__dict__.get("forward")
        self.forward = there if isinstance(there, _Forward) else _Forward(module)
        module.__dict__["forward"] = self.forward
        self.forward.taps.append(tap)

    def remove(self) -> None:
        """Take the tap off."""
        self.forward.taps = [tap for tap in self.forward.taps if tap is not self.tap]
        if not self.forward.taps:
            self.module.__dict__.pop("forward", None)


class _Forward:
    """Torch's own forward for one instance, with another ``multi_head_attention_forward`` behind it."""

    def __init__(self, module: nn.MultiheadAttention) -> None:
        self.taps: list[Tap] = []
        own = inspect.unwrap(nn.MultiheadAttention.forward)  # other libraries wrap torch's functions
        names = {**own.__globals__, "F": _Functional(_attend(self.tapped))}
        code = types.FunctionType(own.__code__, names, "forward", own.__defaults__, own.__closure__)
        code.__kwdefaults__ = own.__kwdefaults__
        self.run = types.MethodType(code, module)

    def tapped(self, heads: torch.Tensor) -> torch.Tensor:
        for tap in self.taps:
            heads = tap(heads)
        return heads

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(*args, **kwargs)


class _Functional:
    """``torch.nn.functional`` with another attention."""

    def __init__(self, attend: Callable[..., Any]) -> None:
        self.multi_head_attention_forward = attend

    def __getattr__(self, name: str) -> Any:
        return getattr(functional, name)


def _attend(tap: Tap) -> Callable[..., Any]:
    """``F.multi_head_attention_forward`` whose last projection first shows what enters it."""
    own = inspect.unwrap(functional.multi_head_attention_forward)

    def attend(query: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        rows = query.shape[:2] if query.dim() == 3 else (query.shape[0], 1)  # (tokens, stimuli)

        def linear(heads: torch.Tensor, *weights: Any) -> torch.Tensor:
            return functional.linear(tap(heads.unflatten(0, rows)).flatten(0, 1), *weights)

        names = {**own.__globals__, "linear": linear, "has_torch_function": lambda tensors: False}  # or it leaves
        code = types.FunctionType(own.__code__, names, own.__name__,
                                  own.__defaults__, own.__closure__)
        code.__kwdefaults__ = own.__kwdefaults__
        return code(query, *args, **kwargs)

    return attend
