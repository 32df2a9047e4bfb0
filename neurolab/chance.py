"""Chance with an address: child streams are spawned by content, never by order, and nothing global is seeded."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from neurolab.digest import digest_of
from neurolab.errors import DataError

RNG = int | np.random.Generator


def generator(rng: RNG, *address: Any) -> np.random.Generator:
    """Get the generator that belongs to ``rng`` and to what the draw is for.

    ``rng`` an integer, with the words of ``address``: the same stream in any order and on any number of workers.
    A ``numpy.random.Generator`` is used as it is (then the order of calls does matter).

    Example
    -------
    >>> bool(generator(0, "split").integers(100) == generator(0, "split").integers(100))
    True
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)):
        raise DataError(f"rng was {rng!r}; expected an integer or a numpy Generator. Type rng=0 for a fixed stream.")
    if rng < 0:
        raise DataError(f"rng was {rng}; expected an integer >= 0. Type rng=0.")
    words = [int(rng)]
    if address:
        seed = hashlib.sha256(digest_of(*address).encode()).digest()
        words += [int.from_bytes(seed[at : at + 4], "little") for at in (0, 4, 8, 12)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def rng_name(rng: RNG) -> str:
    """Get what is written into a result about the chance that made it.

    Example
    -------
    >>> rng_name(7)
    '7'
    """
    if isinstance(rng, np.random.Generator):
        state = rng.bit_generator.state
        return f"{state['bit_generator']} state {digest_of(str(state))}"
    return str(int(rng))
