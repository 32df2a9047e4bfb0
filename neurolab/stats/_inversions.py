"""How many pairs of a shuffled series stand in order: the exact null of Jonckheere's test, by counting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from neurolab.stats._given import Floats


def ordered_pairs(sizes: Sequence[int]) -> Floats:
    """Get the distribution of the number of pairs in order, of groups of these sizes without ties: (n_pairs + 1,).

    It is the q-multinomial coefficient over its sum, counted in whole numbers.

    Example
    -------
    >>> (6 * ordered_pairs([1, 1, 1])).round(6).tolist()  # three conditions: 0, 1, 2 or 3 pairs in order
    [1.0, 2.0, 2.0, 1.0]
    """
    total = sum(sizes)
    n_pairs = (total * total - sum(size * size for size in sizes)) // 2
    counts = [1] + [0] * n_pairs
    below = sorted(step for size in sizes for step in range(1, size + 1))
    for above, under in zip(range(1, total + 1), below):  # multiply by 1 - q^above, divide by 1 - q^under
        for at in range(n_pairs, above - 1, -1):
            counts[at] -= counts[at - above]
        for at in range(under, n_pairs + 1):
            counts[at] += counts[at - under]
    whole = sum(counts)
    return np.array([count / whole for count in counts])


def tied_pairs(sizes: Sequence[int], ties: Sequence[int]) -> Floats:
    """Get the distribution of the number of pairs in order, in steps of half a pair: (2 n_pairs + 1,).

    sizes : of the groups, in their order. ties : how often each value occurs, from the lowest value to the highest. A
    tied pair counts half. Values are dealt to the groups from the lowest on; what is kept is how many each group has.

    Example
    -------
    >>> (3 * tied_pairs([1, 2], [2, 1])).round(6).tolist()  # 0, 0, 1: the 1 in the first group, or in the second
    [1.0, 0.0, 0.0, 2.0, 0.0]
    """
    total = sum(sizes)
    nothing = np.zeros(total * total - sum(size * size for size in sizes) + 1)
    dealt = {(0,) * len(sizes): np.concatenate(([1.0], nothing[1:]))}
    for tie in ties:
        before, dealt = dealt, {}
        for have, chances in before.items():
            room = tuple(size - one for size, one in zip(sizes, have))
            ways = math.comb(sum(room), tie)
            for put in _deals(tie, room):
                step = below = 0
                for old, new in zip(have, put):  # below: what one more value rises above, in half pairs
                    step, below = step + new * below, below + 2 * old + new
                share = math.prod(map(math.comb, room, put)) / ways
                found = dealt.setdefault(tuple(map(sum, zip(have, put))), nothing.copy())
                found[step:] += share * chances[: len(chances) - step]
    return dealt[tuple(sizes)]


def _deals(n: int, room: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The ways to deal n equal values to groups that have room for so many each."""
    if len(room) == 1:
        yield (n,)
        return
    for here in range(max(0, n - sum(room[1:])), min(n, room[0]) + 1):
        yield from ((here, *rest) for rest in _deals(n - here, room[1:]))


def over_blocks(blocks: Sequence[Sequence[int]], ties: Sequence[Sequence[int]] | None = None) -> Floats:
    """Get the distribution over several blocks, each shuffled in itself; with ``ties`` in steps of half a pair.

    blocks : the sizes of the groups of each. ties : how often each value of a block occurs, from the lowest on.
    """
    found = np.ones(1)
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], Floats] = {}
    for at, sizes in enumerate(blocks):
        key = (tuple(sizes), () if ties is None else tuple(ties[at]))
        if key not in known:
            known[key] = ordered_pairs(sizes) if ties is None else _half_pairs(*key)
        found = np.convolve(found, known[key])
    return found


def _half_pairs(sizes: tuple[int, ...], ties: tuple[int, ...]) -> Floats:
    """Those of one block in half pairs; where nothing ties every second is 0."""
    if max(ties) > 1:
        return tied_pairs(sizes, ties)
    whole = ordered_pairs(sizes)
    halves = np.zeros(2 * len(whole) - 1)
    halves[::2] = whole
    return halves
