"""What serves the lesions of one group: a class for each path, all asked in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

import torch

from neurolab.specimen.by_channels import ByChannels, Told
from neurolab.specimen.by_slice import BySlice
from neurolab.specimen.damage import Damage
from neurolab.specimen.plan import Tile

#: What an engine gives of one lesion: its place in the design, what is known of it, the answers to every batch.
Answered = tuple[int, Damage | Told, list[torch.Tensor]]


class Server(Protocol):
    """A path for the lesions of one group: the bytes that it keeps of each batch, how many lesions side by side."""

    sizes: list[int]
    copies: int

    def tiles(self, places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Get the lesions in tiles."""

    def answers(self, tiles: Sequence[Tile], n_batches: int | None = None) -> Iterator[Answered]:
        """Get the answers to every batch, or to the first so many, under each lesion of some tiles."""


#: What serves the paths through an export.
KINDS: Mapping[str, Callable[..., Server]] = {
    "sparse": ByChannels, "narrow": partial(BySlice, narrow=True), "slice": BySlice,
}
