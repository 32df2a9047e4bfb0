"""The plan of a campaign: which path serves which lesion and why, in tiles that can be computed anywhere, in any order.

A tile's bytes depend on nothing but the tile. So the plan is made once, from the whole design, before the first cell;
every worker, shard and resumed run reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from neurolab.digest import digest_of
from neurolab.lesion import Lesion

#: Ways to get a network's answer under a lesion, fastest first.
PATHS = ("sparse", "narrow", "slice", "module", "hooks")
#: Those that need an export.
EXPORTED = ("sparse", "narrow", "slice")
#: Those that are never equal in bits.
TO_ROUNDING = ("sparse", "narrow")
#: What may be asked of exactness: equal bits, or equal to rounding with a canary.
EXACT = ("rounding", "bit")
#: The largest difference from the hook loop, as a share of the largest output, that is still rounding.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Tile:
    """A piece of a campaign that is computed as a whole: some lesions, by one path.

    ``at`` are the places of its lesions in the design, in the order in which they are computed.
    """

    at: tuple[int, ...]
    path: str
    why: str = ""
    group: int = 0
    copies: int = 1

    @property
    def said(self) -> str:
        """What a certificate says of it: the path, and why it is not a faster one."""
        return f"{self.path} ({self.why})" if self.why else self.path


@dataclass(frozen=True)
class Canary:
    """One check of a path against the hook loop: the largest difference, as a share of the largest output."""

    lesion: str
    path: str
    difference: float
    held: bool


@dataclass(frozen=True)
class Group:
    """Lesions that share sites and kinds of ablation, and so a path.

    ``copies`` : lesions that are computed side by side. ``why`` : what spoke against each faster path. ``kept`` : bytes
    of the intact network that are kept for all batches, where there is room for them.
    """

    sites: tuple[str, ...]
    path: str
    why: str
    tiles: tuple[tuple[int, ...], ...]
    copies: int = 1
    canaries: tuple[Canary, ...] = ()
    kept: int = 0


@dataclass(frozen=True)
class Block:
    """Tiles of one group that are computed together, batch after batch, so that each batch is prepared once for all.

    A tile's bytes do not depend on its block.
    """

    tiles: tuple[Tile, ...]

    @property
    def at(self) -> tuple[int, ...]:
        """The places of its lesions in the design."""
        return tuple(at for tile in self.tiles for at in tile.at)

    @property
    def group(self) -> int:
        """The group of its tiles."""
        return self.tiles[0].group


@dataclass(frozen=True)
class Plan:
    """All tiles of a campaign on one network, the sham first."""

    exact: str
    groups: tuple[Group, ...]

    def tiles(self) -> Iterator[Tile]:
        """Get the tiles, site after site."""
        for number, group in enumerate(self.groups):
            for at in group.tiles:
                yield Tile(at, group.path, group.why, number, group.copies)

    def blocks(self, tiles: Sequence[Tile], memory: int, most: int) -> list[Block]:
        """Get tiles as they are computed: one by one where a group's batches are all kept in memory, else side by side.

        memory : bytes that may be kept. most : lesions in a block of several tiles.
        """
        blocks: list[list[Tile]] = []
        for tile in tiles:
            last = blocks[-1] if blocks else []
            large = self.groups[tile.group].kept > memory and last and last[0].group == tile.group
            if large and sum(len(one.at) for one in last) + len(tile.at) <= most:
                last.append(tile)
            else:
                blocks.append([tile])
        return [Block(tuple(block)) for block in blocks]

    def recipe(self, tile: Tile, design: Sequence[Lesion]) -> str:
        """Get how a tile is computed, as one digest: two cells of one lesion and one recipe are the same bytes.

        Where lesions are carried from one to the next, all of them count.
        """
        carried = [design[at].digest for at in tile.at] if tile.path == "sparse" else []
        return digest_of(tile.path, self.groups[tile.group].copies, carried)

    def as_json(self) -> dict[str, Any]:
        """Get the plan as plain lists and numbers."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Plan:
        """Get a plan back from what :meth:`as_json` gave."""
        return Plan(content["exact"], tuple(
            Group(**{**group, "sites": tuple(group["sites"]), "tiles": tuple(tuple(at) for at in group["tiles"]),
                     "canaries": tuple(Canary(**one) for one in group["canaries"])})
            for group in content["groups"]
        ))


def in_tiles(places: Sequence[int], copies: int) -> tuple[tuple[int, ...], ...]:
    """Get the places cut into tiles of so many lesions; the last may be shorter and is padded when it is computed."""
    return tuple(tuple(places[start : start + copies]) for start in range(0, len(places), copies))
