"""Room in memory: how much of the intact network is kept from one lesion to the next, and when there is none left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch

from neurolab.campaign import heap
from neurolab.errors import NeurolabError

#: Bytes of the intact network kept at most, where nothing else was said.
BUDGET = 2**30
#: The answers of lesions that are computed together take at most this share of what may be kept.
ANSWERS = 0.25
_FULL = ("not enough memory", "allocate memory", "out of memory")

Made = TypeVar("Made")


def lasting(sizes: Sequence[int], memory: int) -> int:
    """Get how many batches, from the first on, are kept: the others pass one by one and are made anew when they come.

    Example
    -------
    >>> lasting([4, 4, 4], 12), lasting([4, 4, 4], 11), lasting([4, 4, 4], 3)
    (3, 1, 0)
    """
    if sum(sizes) <= memory:
        return len(sizes)
    return next(n for n in reversed(range(len(sizes))) if n == 0 or sum(sizes[:n]) + max(sizes) <= memory)


class Kept(Generic[Made]):
    """What is made of each batch: kept for as many as there is memory for, of the others for one at a time.

    sizes : bytes for each batch. memory : bytes that may be kept.
    """

    def __init__(self, sizes: Sequence[int], memory: int) -> None:
        self.sizes = list(sizes)
        self.lasting = lasting(sizes, memory)
        self._made: dict[int, Made] = {}

    def at(self, number: int, make: Callable[[], Made]) -> Made:
        """Get what was made of a batch, made now where it is not there."""
        if number not in self._made:
            for passing in [one for one in self._made if one >= self.lasting]:
                del self._made[passing]
            self._made[number] = make()
        return self._made[number]


def out_of_memory(error: BaseException) -> bool:
    """Get whether an error says that no more memory could be had, of a GPU or of the processor."""
    if isinstance(error, NeurolabError):
        return False
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _FULL)


def give_back(*, wholly: bool = False) -> None:
    """Give memory that nothing uses back to the system, that of a GPU too; ``wholly`` as in ``heap.give_back``."""
    heap.give_back(wholly=wholly)
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
