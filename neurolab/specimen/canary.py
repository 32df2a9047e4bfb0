"""Canaries: some lesions of a group by the path that is to serve it and by whole forwards; they must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from neurolab.digest import digest_of
from neurolab.lesion import Lesion
from neurolab.specimen.certificate import doubled, identical
from neurolab.specimen.plan import ROUNDING, Canary, Tile

#: Rows of a batch on which lesions are compared to rounding.
MANY = 128
#: How many more lesions of a kind are looked at, on how many batches, where those picked change no answer.
MORE, BATCHES = 8, 8

if TYPE_CHECKING:
    from neurolab.specimen.engine import Answered, Engine, Server


class Canaries:
    """The lesions of a group that are compared, and what whole forwards answer under them, asked once for all paths.

    Of every kind of ablation these are the first, one drawn by content and the largest; and one that changes an answer
    on some batch, for where a lesion changes nothing any path is right.
    """

    def __init__(self, engine: Engine, places: Sequence[int]) -> None:
        self.engine, self.design = engine, engine.design
        self.kinds: dict[object, list[int]] = {}
        for at in places:
            self.kinds.setdefault(tuple(type(part.how) for part in self.design[at].parts), []).append(at)
        self.by_kind = [_three(self.design, some) for some in self.kinds.values()]
        self.picked = tuple(dict.fromkeys(at for some in self.by_kind for at in some))
        self.shown: tuple[tuple[int, int], ...] = ()
        self._wholes: dict[tuple[int | None, int, int | None], torch.Tensor] = {}

    def blind(self) -> bool:
        """Look for a lesion of every kind that changes an answer, ``shown`` with its batch; True where one has none."""
        found = [self._showing(picked, some) for picked, some in zip(self.by_kind, self.kinds.values())]
        self.shown = tuple(one for one in found if one is not None)
        return None in found

    def _showing(self, picked: Sequence[int], some: Sequence[int]) -> tuple[int, int] | None:
        others = sorted(set(some) - set(picked), key=lambda at: digest_of("canary", self.design[at].digest))[:MORE]
        numbers = np.unique(np.linspace(0, len(self.engine.batches) - 1, BATCHES).astype(int)).tolist()
        asked = ((at, number) for number in numbers for at in (*picked, *others))
        return next((one for one in asked if self.shows(*one, MANY) or self.shows(*one, None)), None)

    def shows(self, at: int, number: int, n: int | None) -> bool:
        """Get whether a lesion changes an answer to the first ``n`` stimuli of a batch."""
        return not identical(self.whole(at, number, n), self.whole(None, number, n))

    def whole(self, at: int | None, number: int, n: int | None) -> torch.Tensor:
        """Get the answers of a whole forward under a lesion, or without one, to the first ``n`` stimuli of a batch."""
        batch = self.engine.batches[number]
        n = None if n is None or n >= len(batch.inputs) else n
        if at is None and n is None:
            return self.engine.intact[number]
        if (at, number, n) not in self._wholes:
            with self.engine.table.lesioned(*(() if at is None else (self.design[at],))):
                self._wholes[at, number, n] = self.engine.table.forward(batch.inputs[:n], batch.ids[:n])
        return self._wholes[at, number, n]

    def compare(
        self, path: str, server: Server, tiles: Sequence[tuple[int, ...]], *, bits: bool,
        known: dict[tuple[int, ...], list[Answered]] | None = None,
    ) -> list[Canary]:
        """Compare the lesions, and the last one of their first tile, on the first batch; a module replay is proved.

        What is mixed up among lesions side by side may be right in the first of them. bits : whether a difference of
        zero is asked for. known : where the answers found are put, by tile.
        """
        if path == "module":
            return []
        found: list[Canary] = []
        for at in (at for at in tiles if {*self.picked, *(one for one, _ in self.shown)} & set(at)):
            elsewhere = [(one, n) for one, n in self.shown if one in at and (n or one not in self.picked)]
            last = max((n for _, n in elsewhere), default=0)
            answered = list(server.answers([Tile(at, path)], last + 1))
            if known is not None:
                known[at] = answered
            found += [self._compared(path, one, 0, answers[0], bits) for one, _, answers in answered
                      if one in self.picked or (one == at[-1] and not found)]
            answers_of = {one: answers for one, _, answers in answered}
            found += [self._compared(path, one, n, answers_of[one][n], bits) for one, n in elsewhere]
        return found

    def _compared(self, path: str, at: int, number: int, answer: torch.Tensor, bits: bool) -> Canary:
        if not bits and len(answer) > MANY:  # a part will do, where it shows and rows have nothing to do with others
            part = self._difference(path, at, number, answer[:MANY], bits, MANY)
            if part.held and self.shows(at, number, MANY):
                return part
        return self._difference(path, at, number, answer, bits, None)

    def _difference(
        self, path: str, at: int, number: int, answer: torch.Tensor, bits: bool, n: int | None
    ) -> Canary:
        whole, name = self.whole(at, number, n), self.design[at].id
        if identical(answer, whole):
            return Canary(name, path, 0.0, True)
        if answer.shape != whole.shape or bits:
            return Canary(name, path, float("nan"), False)
        scale = float(whole[whole.isfinite()].abs().max()) if bool(whole.isfinite().any()) else 1.0
        least = torch.finfo(torch.float64).tiny  # answers may be that small, all of them
        far = float((doubled(answer) - doubled(whole)).abs().nan_to_num(float("inf")).max()) / max(scale, least)
        return Canary(name, path, far, far <= ROUNDING)


def _three(design: Sequence[Lesion], some: Sequence[int]) -> tuple[int, ...]:
    """The lesions of a kind that are compared: the first, one drawn by content, the largest."""
    drawn = some[int(digest_of("canary", design[some[0]].digest), 16) % len(some)]
    return tuple(dict.fromkeys((some[0], drawn, max(some, key=lambda at: design[at].n_units))))
