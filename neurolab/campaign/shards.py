"""Shards: a campaign cut into parts that machines compute without knowing of each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neurolab.errors import DataError


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``n`` parts of a campaign, counted from 1."""

    number: int
    n: int

    @classmethod
    def of(cls, given: object) -> Shard:
        """Get a shard from text such as ``"1/3"``.

        Raises
        ------
        DataError : no such text, or a number outside 1 to n.

        Example
        -------
        >>> Shard.of("2/3")
        Shard(number=2, n=3)
        """
        if isinstance(given, Shard):
            return given
        read = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", given) if isinstance(given, str) else None
        if read is None:
            raise DataError(f"shard was {given!r}; expected text such as '1/3': part 1 of 3 parts.")
        number, n = int(read[1]), int(read[2])
        if not 1 <= number <= n:
            hint = f" Machines are counted from 1: type '1/{n}' to '{n}/{n}'." if n else ""
            raise DataError(f"shard was {given!r}; expected a part from 1 to {max(n, 1)}.{hint}")
        return cls(number, n)

    def __str__(self) -> str:
        return f"{self.number}/{self.n}"

    def places(self, costs: Sequence[float]) -> range:
        """Get which pieces of work are this shard's: a run of neighbours with about one n-th of the cost.

        costs : of every piece, in the order of the plan, in any unit; the same on every machine. A piece belongs to the
            part in which its middle lies, so that every piece is in exactly one.

        Example
        -------
        >>> [list(Shard(k, 2).places([1, 1, 1, 3])) for k in (1, 2)]
        [[0, 1, 2], [3]]
        """
        whole, before = float(sum(costs)), 0.0
        mine = []
        for at, cost in enumerate(costs):
            middle = (before + cost / 2) / whole if whole > 0 else (at + 0.5) / len(costs)
            if min(int(middle * self.n), self.n - 1) == self.number - 1:
                mine.append(at)
            before += cost
        return range(mine[0], mine[-1] + 1) if mine else range(0)
