"""Chance by address: the number for (seed, site, stimulus, element) is a hash of these, whatever else is computed.

A counter-based generator (Salmon et al. 2011, doi:10.1145/2063384.2063405) with the finaliser of SplitMix64 (Steele,
Lea & Flood 2014, doi:10.1145/2660193.2660195) as its function: batch size, order, workers, device and the other
lesioned units cannot change a draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(maxsize=100_000)
def key(*address: str | int) -> int:
    """Get a 64-bit key for an address, from its sha256."""
    text = "\x1f".join(map(str, address)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")


def _mix(state: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 on uint64, wrapping around as it should."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def uniforms(seed: int, stimuli: Sequence[str], elements: np.ndarray) -> np.ndarray:
    """Get uniform numbers in (0, 1), one per stimulus and element.

    Parameters
    ----------
    seed : a key (see :func:`key`).
    stimuli : stimulus ids, one per row.
    elements : (...) integers >= 0 that number the elements within a stimulus.

    Returns
    -------
    (n_stimuli, ...) float64.

    Example
    -------
    >>> import numpy as np
    >>> both = uniforms(1, ["a", "b"], np.arange(4))
    >>> bool((both[1, 2:] == uniforms(1, ["b"], np.array([2, 3]))[0]).all())
    True
    """
    rows = np.array([key(seed, stimulus) for stimulus in stimuli], dtype=np.uint64)
    counters = (np.asarray(elements).astype(np.uint64) + np.uint64(1)) * _GOLDEN
    state = _mix(_mix(rows).reshape(-1, *(1,) * counters.ndim) + counters[None])
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def normals(seed: int, stimuli: Sequence[str], elements: np.ndarray) -> np.ndarray:
    """Get standard normal numbers, one per stimulus and element; see :func:`uniforms`.

    Example
    -------
    >>> import numpy as np
    >>> normals(0, ["a"], np.arange(3)).shape
    (1, 3)
    """
    return ndtri(uniforms(seed, stimuli, elements))
