"""Canaries: some lesions of a group by the path that is to serve it and by whole forwards; they must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from neurolab.digest import digest_of
from neurolab.specimen.certificate import identical
from neurolab.specimen.plan import ROUNDING, Canary, Tile

#: Rows of a batch on which lesions are compared to rounding.
MANY = 128

if TYPE_CHECKING:
    from neurolab.specimen.engine import Engine, Server


def canaries(
    engine: Engine, path: str, server: Server, tiles: Sequence[tuple[int, ...]], *, copies: int, bits: bool
) -> list[Canary]:
    """Compare the first lesion, one drawn by content and the largest on the first batch; a module replay is proved.

    copies : lesions side by side; they make up a tile of their own, filled with others, whose last one is compared too:
        what is mixed up among copies may be right in the first. bits : whether a difference of zero is asked for.
    """
    if path == "module":
        return []
    design, places = engine.design, [at for tile in tiles for at in tile]
    by_content = sorted(places, key=lambda at: digest_of("canary", design[at].digest))
    largest = max(places, key=lambda at: design[at].n_units)
    chosen = dict.fromkeys((places[0], by_content[0], largest))
    if copies > 1 and max(map(len, tiles)) > 1:  # lesions of weights are alone whatever was asked for
        filled = tuple(dict.fromkeys((*chosen, *by_content)))[:copies]
        wanted, compared = [filled], {*chosen, filled[-1]}
    else:
        wanted = [tile for tile in tiles if chosen.keys() & set(tile)]
        compared = {*chosen, *(tile[-1] for tile in wanted)}
    return [_compared(engine, path, at, answers[0], bits)
            for tile in wanted for at, _, answers in server.answers([Tile(tile, path)], 1) if at in compared]


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
    far = float((answer.double() - whole.double()).abs().nan_to_num(float("inf")).max()) / max(scale, 1e-30)
    return Canary(engine.design[at].id, path, far, far <= ROUNDING)
