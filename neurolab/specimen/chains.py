"""Orders in which lesions that contain one another are computed: each from the one before, by what it has beyond it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

#: A chain is cut after so many lesions, so that a campaign can be shared out and resumed.
LONGEST = 64
#: Short chains are computed together up to so many lesions, over which the cost of a tile is shared.
TOGETHER = 16


def chains_of(sets: Sequence[Iterable[int]], longest: int = LONGEST) -> tuple[tuple[int, ...], ...]:
    """Get lesions of one site, given as their units, in chains in which each lesion contains the one before.

    Walks of Shapley, removals and ladders of dose by number of units become chains again, in whatever order their
    lesions come; a lesion that several walks pass is in one chain. A lesion is put behind the largest one that it
    contains and that is the last of a chain so far, where it has at most as many units beyond it as within it.

    Parameters
    ----------
    sets : units of each lesion, numbered within the site.
    longest : lesions per chain at most.

    Returns
    -------
    places in ``sets``, chain by chain; every place once.

    Example
    -------
    >>> chains_of([(2,), (1,), (1, 2), (0, 2), (0, 1, 2), (7, 8)])
    ((0, 2, 4), (1,), (3,), (5,))
    """
    masks = [_mask(units) for units in sets]
    size = [mask.bit_count() for mask in masks]
    chains: list[list[int]] = []
    ends: dict[int, dict[int, list[int]]] = {}  # open chains by the size of their last lesion, and by its place
    equal: dict[int, deque[int]] = defaultdict(deque)  # the last places of open chains by what their lesion is
    for at in sorted(range(len(masks)), key=lambda at: (size[at], at)):
        end = _fitting(masks, size[at], masks[at], ends, equal)
        if end is None:
            chain: list[int] = []
            chains.append(chain)
        else:
            open_ones = ends[size[end]]
            chain = open_ones.pop(end)
            if not open_ones:
                del ends[size[end]]
            equal[masks[end]].remove(end)
        chain.append(at)
        if len(chain) < longest:
            ends.setdefault(size[at], {})[at] = chain
            equal[masks[at]].append(at)
    return tuple(tuple(chain) for chain in sorted(chains))


def joined(chains: Sequence[Sequence[int]], longest: int = TOGETHER) -> tuple[tuple[int, ...], ...]:
    """Get chains put behind one another, up to so many lesions: short ones cost less together.

    Example
    -------
    >>> joined([(0, 2, 4), (1,), (3,), (5,)], longest=4)
    ((0, 2, 4, 1), (3, 5))
    """
    tiles: list[list[int]] = []
    for chain in chains:
        if not tiles or len(tiles[-1]) + len(chain) > longest:
            tiles.append([])
        tiles[-1] += chain
    return tuple(tuple(tile) for tile in tiles)


def _mask(units: Iterable[int]) -> int:
    """Units as the bits of one number."""
    places = np.asarray(units if isinstance(units, np.ndarray) else list(units), dtype=np.int64)
    if len(places) == 1:
        return 1 << int(places[0])
    bits = np.zeros(int(places.max(initial=0)) + 1, dtype=bool)
    bits[places] = True
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")


def _fitting(
    masks: Sequence[int], size: int, mask: int, ends: dict[int, dict[int, list[int]]],
    equal: Mapping[int, deque[int]],
) -> int | None:
    """The last place of the chain whose last lesion is the largest within a lesion; None where there is none."""
    if equal.get(mask) and size:  # thousands of controls are of one size: none is looked through for another
        return equal[mask][0]
    for smaller in reversed(ends):  # lesions come by size, and so do the last ones of chains
        if 2 * smaller < size:
            break
        for end in ends[smaller] if smaller < size else ():
            if not masks[end] & ~mask:
                return end
    return None
