"""Whether what lies behind a layer makes much of little: there an updated sum and a whole one are two answers.

Where all that enters a sum is silenced, a whole forward gives exactly its bias and an update of what is known a
billionth more. A ReLU makes nothing of it; a direction, a share of a spread that is gone or a steep gain may make a
number of order one. No list names them all, so it is tried out, on states that lesions lead to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch.fx import Node

from neurolab.specimen.certificate import doubled
from neurolab.specimen.laid import NotSparse
from neurolab.specimen.loud import FAINT
from neurolab.specimen.mixing import Mixing
from neurolab.specimen.plan import ROUNDING
from neurolab.specimen.slices import Slice, Standing
from neurolab.specimen.sparse import SparsePlan

#: On so many stimuli it is tried out.
ROWS = 8
#: Half of the sums are silenced, all of a place or all of a feature: over these axes of (rows, features, places) it is
#: drawn which, and the others share what is drawn.
PATTERNS = ((True, False, True), (True, True, False))

Values = Mapping[Node, torch.Tensor]


def check_calm(plan: SparsePlan, part: Slice, inputs: torch.Tensor) -> None:
    """Raise NotSparse where rounding in the layers that mix channels makes more than rounding of the read-out.

    part : what lies behind the plan's boundary. inputs : (n, ...), as the network takes it; the first few are used.
    """
    few = inputs[:ROWS]
    known = values, answer = part.graph.values(few, (*plan.needs, *part.reads))
    standing = Standing(part, few, 1, known)
    least = FAINT * _largest(answer)  # of which less is left, the layer is run anew
    chance = torch.Generator().manual_seed(0)
    for state in _states(plan, values, chance):
        noise = {mix.node: _rounding(mix, values[mix.node], chance) for mix in plan.mixed}
        calm = doubled(standing.behind(state))
        stirred = doubled(standing.behind({node: one + noise.get(node, 0.0) for node, one in state.items()}))
        far = torch.where((calm == stirred) | (calm.isnan() & stirred.isnan()), 0.0, calm - stirred)
        most = far.abs().nan_to_num(float("inf")).max() if far.numel() else 0.0
        if most > ROUNDING * max(_largest(calm), least):
            raise NotSparse("what lies behind makes more than rounding of what differs by rounding")


def _states(plan: SparsePlan, values: Values, chance: torch.Generator) -> Iterator[dict[Node, torch.Tensor]]:
    """What lesions may make of the boundary: nothing, or half of a convolution's sums empty.

    A row of a matrix product that is silent is told by its loudness, and run anew (see the sheets).
    """
    intact = {node: values[node] for node in plan.boundary}
    yield intact
    convolved = [mix for mix in plan.mixed if not mix.is_linear]
    for pattern in PATTERNS if convolved else ():
        empty = {mix.node: _emptied(mix, values, pattern, chance) for mix in convolved}
        yield {**intact, **empty}


def _emptied(mix: Mixing, values: Values, over: tuple[bool, ...], chance: torch.Generator) -> torch.Tensor:
    """A convolution's output in which half of the sums have nothing to sum."""
    known = values[mix.node]
    drawn = [size if over[min(axis, 2)] else 1 for axis, size in enumerate(known.shape)]
    silent = torch.rand(drawn, generator=chance) < 0.5
    return torch.where(silent, mix.whole(torch.zeros_like(values[mix.source]), values), known)


def _rounding(mix: Mixing, known: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Rounding as an update of a layer's output has it: a last digit of how loud each of its features is."""
    axis = known.dim() - 1 if mix.is_linear else 1
    loud = known.square().mean([one for one in range(known.dim()) if one != axis], keepdim=True).sqrt()
    drawn = torch.randn(known.shape, generator=chance, dtype=known.dtype)
    return drawn * loud * torch.finfo(known.dtype).eps


def _largest(answer: torch.Tensor) -> float:
    finite = answer[answer.isfinite()]
    return float(finite.abs().max()) if finite.numel() else 0.0
