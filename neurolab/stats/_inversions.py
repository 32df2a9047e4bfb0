"""How many pairs of a shuffled series stand in order: the exact null of Jonckheere's test, by counting."""

from __future__ import annotations

from collections.abc import Sequence

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


def over_blocks(blocks: Sequence[Sequence[int]]) -> Floats:
    """Get the distribution over several blocks, each shuffled in itself."""
    found = np.ones(1)
    known: dict[tuple[int, ...], Floats] = {}
    for sizes in blocks:
        key = tuple(sorted(sizes))
        if key not in known:
            known[key] = ordered_pairs(key)
        found = np.convolve(found, known[key])
    return found
