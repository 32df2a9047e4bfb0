"""A recurrent layer step by step: the fused operation itself, one step of one layer and direction at a time.

Stepping with torch's own operation keeps its kernels and its precision. Only a changed cell state of an LSTM needs the
equations (Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, with the forget gate of Gers et al. 2000,
doi:10.1162/089976600300015015), because the hidden state of the same step reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

#: (part, step, state (rows, units)) -> the state that goes on instead. Parts: "l0", "l0_reverse", "l0/c" …
Visit = Callable[[str, int, torch.Tensor], torch.Tensor]
#: The fused operation of each mode.
FUSED: dict[str, Callable[..., Any]] = {
    "LSTM": torch._VF.lstm, "GRU": torch._VF.gru, "RNN_TANH": torch._VF.rnn_tanh, "RNN_RELU": torch._VF.rnn_relu,
}


@dataclass(frozen=True)
class Unrolled:
    """A batch of sequences, one tensor (rows, features) per step; sequences that have ended are missing at the end.

    ``order`` is the stimulus of each row, None where they lie in their own order.
    """

    steps: tuple[torch.Tensor, ...]
    packed: PackedSequence | None

    @property
    def order(self) -> torch.Tensor | None:
        """Which stimulus each row is."""
        return None if self.packed is None else self.packed.sorted_indices

    @property
    def rows(self) -> int:
        """How many sequences there are."""
        return len(self.steps[0]) if self.steps else 0


def given(input: Any, hx: Any = None) -> tuple[Any, Any]:
    """Get the input and the first state from the arguments of a recurrent module's forward."""
    return input, hx


def unrolled(module: nn.RNNBase, sequences: torch.Tensor | PackedSequence) -> Unrolled:
    """Get the input of a recurrent module by steps."""
    if isinstance(sequences, PackedSequence):
        return Unrolled(sequences.data.split(sequences.batch_sizes.tolist()), sequences)
    return Unrolled(sequences.unbind(1 if module.batch_first else 0), None)


def side_names(module: nn.RNNBase) -> list[str]:
    """Get the names of layers and directions, in torch's order: "l0", "l0_reverse", "l1" …"""
    sides = ("", "_reverse") if module.bidirectional else ("",)
    return [f"l{layer}{side}" for layer in range(module.num_layers) for side in sides]


def stepped(module: nn.RNNBase, sequences: Any, hx: Any, visit: Visit, cells: frozenset[str] = frozenset()) -> Any:
    """Get what the module would answer, every state having passed through ``visit`` on its way.

    A hidden state is visited before anything reads it: the output, the next layer, the next step, the last state; a
    cell state before its own hidden state reads it, where ``cells`` names its part.
    """
    batch = unrolled(module, sequences)
    steps, last = batch.steps, []
    starts = _starts(module, batch, hx)
    for names in _by_layer(module):
        runs = [_one_side(module, name, steps, next(starts), visit, f"{name}/c" in cells) for name in names]
        steps = tuple(torch.cat(pair, dim=-1) for pair in zip(*(out for out, _ in runs)))
        last += [state for _, state in runs]
    finals = tuple(torch.stack(part) for part in zip(*last))
    back = None if batch.packed is None else batch.packed.unsorted_indices
    hidden = module.permute_hidden(finals if module.mode == "LSTM" else finals[0], back)  # type: ignore[arg-type]
    return _rolled(module, steps, batch.packed), hidden


def _by_layer(module: nn.RNNBase) -> list[list[str]]:
    names, n = side_names(module), 2 if module.bidirectional else 1
    return [names[at : at + n] for at in range(0, len(names), n)]


def _rolled(module: nn.RNNBase, steps: tuple[torch.Tensor, ...], packed: PackedSequence | None) -> Any:
    if packed is not None:
        return PackedSequence(torch.cat(steps), packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    whole = torch.stack(steps)
    return whole.transpose(0, 1) if module.batch_first else whole


def _starts(module: nn.RNNBase, batch: Unrolled, hx: Any) -> Iterator[tuple[torch.Tensor, ...]]:
    """The first states of each layer and direction: zeros where none are given."""
    n = len(side_names(module))
    widths = (module.proj_size or module.hidden_size, module.hidden_size)[: 2 if module.mode == "LSTM" else 1]
    if hx is None:
        like = batch.steps[0]
        hx = tuple(like.new_zeros(n, batch.rows, width) for width in widths)
    else:
        hx = module.permute_hidden(hx, batch.order)
        hx = hx if isinstance(hx, tuple) else (hx,)
    return iter(list(zip(*hx)))


def _one_side(
    module: nn.RNNBase, name: str, steps: tuple[torch.Tensor, ...], state: tuple[torch.Tensor, ...], visit: Visit,
    by_equation: bool,
) -> tuple[list[torch.Tensor], tuple[torch.Tensor, ...]]:
    """One layer in one direction: its hidden states by step, and its last states."""
    weights = side_weights(module, name)
    out: list[Any] = [None] * len(steps)
    order = range(len(steps) - 1, -1, -1) if name.endswith("_reverse") else range(len(steps))
    for at in order:
        n = len(steps[at])
        now = tuple(part[:n] for part in state)
        if by_equation:
            now = lstm_equations(steps[at], now, weights, partial(visit, f"{name}/c", at))
        else:
            now = _fused(module, weights, steps[at], now)
            now = (*now[:1], *(visit(f"{name}/c", at, cell) for cell in now[1:]))
        now = (visit(name, at, now[0]), *now[1:])
        out[at] = now[0]
        state = tuple(new if len(new) == len(old) else torch.cat([new, old[n:]]) for new, old in zip(now, state))
    return out, state


def _fused(
    module: nn.RNNBase, weights: list[torch.Tensor], x: torch.Tensor, state: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, ...]:
    """One step of torch's own operation."""
    hx = tuple(part[None].contiguous() for part in state)
    _, *new = FUSED[module.mode](x[None], hx if module.mode == "LSTM" else hx[0], weights, module.bias, 1, 0.0, False,
                                 False, False)
    return tuple(part[0] for part in new)


def side_weights(module: nn.RNNBase, name: str) -> list[torch.Tensor]:
    """Get the weights of one layer and direction, as the fused operation reads them."""
    n = (4 if module.bias else 2) + (1 if module.proj_size else 0)
    at = side_names(module).index(name) * n
    return [weight for weight in module._flat_weights[at : at + n] if weight is not None]


def lstm_equations(
    x: torch.Tensor, state: tuple[torch.Tensor, ...], weights: list[torch.Tensor],
    on_cell: Callable[[torch.Tensor], torch.Tensor],
) -> tuple[torch.Tensor, ...]:
    """Get h and c of one LSTM step, the cell state having passed through ``on_cell`` before h reads it.

    weights : w_ih, w_hh, then biases and projection where there are any.
    """
    h, c = state
    has_bias = len(weights) >= 4
    biases = weights[2:4] if has_bias else (None, None)
    linear = nn.functional.linear
    gates = linear(h, weights[1], biases[1]) + linear(x, weights[0], biases[0])
    enter, forget, new, leave = gates.chunk(4, dim=1)
    c = on_cell(forget.sigmoid() * c + enter.sigmoid() * new.tanh())
    h = leave.sigmoid() * c.tanh()
    projection = weights[4:] if has_bias else weights[2:]
    return (linear(h, projection[0]) if projection else h), c
