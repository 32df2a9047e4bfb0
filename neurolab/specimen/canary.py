"""Canaries: some lesions of a group by the path that is to serve it and by whole forwards; they must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from neurolab.digest import digest_of
from neurolab.lesion import Lesion
from neurolab.specimen.certificate import identical
from neurolab.specimen.plan import ROUNDING, Canary, Tile

#: Rows of a batch on which lesions are compared to rounding.
MANY = 128

if TYPE_CHECKING:
    from neurolab.specimen.engine import Answered, Engine, Server


def chosen(design: Sequence[Lesion], places: Sequence[int]) -> tuple[int, ...]:
    """Get the lesions of a group that are compared: of every ablation the first, one drawn by content, the largest."""
    kinds: dict[object, list[int]] = {}
    for at in places:
        kinds.setdefault(tuple(type(part.how) for part in design[at].parts), []).append(at)
    three = [
        (some[0], some[int(digest_of("canary", design[some[0]].digest), 16) % len(some)],
         max(some, key=lambda at: design[at].n_units))
        for some in kinds.values()
    ]
    return tuple(dict.fromkeys(at for some in three for at in some))


def canaries(
    engine: Engine, path: str, server: Server, tiles: Sequence[tuple[int, ...]], picked: Sequence[int], *, bits: bool,
    known: dict[tuple[int, ...], list[Answered]] | None = None,
) -> list[Canary]:
    """Compare some lesions, and the last one of their first tile, on the first batch; a module replay is proved.

    What is mixed up among lesions side by side may be right in the first of them. bits : whether a difference of zero
    is asked for. known : where the answers found are put, by tile.
    """
    if path == "module":
        return []
    found: list[Canary] = []
    for at in (at for at in tiles if set(picked) & set(at)):
        answered = list(server.answers([Tile(at, path)], 1))
        if known is not None:
            known[at] = answered
        found += [_compared(engine, path, one, answers[0], bits)
                  for one, _, answers in answered if one in picked or (one == at[-1] and not found)]
    return found


def _compared(engine: Engine, path: str, at: int, answer: torch.Tensor, bits: bool) -> Canary:
    if not bits and len(answer) > MANY:  # a part of the batch is enough, unless its rows have to do with one another
        part = _difference(engine, path, at, answer[:MANY], bits, MANY)
        if part.held:
            return part
    return _difference(engine, path, at, answer, bits, None)


def _difference(engine: Engine, path: str, at: int, answer: torch.Tensor, bits: bool, n: int | None) -> Canary:
    batch = engine.batches[0]
    with engine.table.lesioned(engine.design[at]):
        whole = engine.table.forward(batch.inputs[:n], batch.ids[:n])
    if identical(answer, whole):
        return Canary(engine.design[at].id, path, 0.0, True)
    if answer.shape != whole.shape or bits:
        return Canary(engine.design[at].id, path, float("nan"), False)
    scale = float(whole[whole.isfinite()].abs().max()) if bool(whole.isfinite().any()) else 1.0
    least = torch.finfo(torch.float64).tiny  # answers may be that small, all of them
    far = float((answer.double() - whole.double()).abs().nan_to_num(float("inf")).max()) / max(scale, least)
    return Canary(engine.design[at].id, path, far, far <= ROUNDING)
