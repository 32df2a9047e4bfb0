"""Two handwritten digits side by side, each to be named by a head of its own: two tasks in parallel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurolab.chance import RNG, generator
from neurolab.errors import DataError
from neurolab.stimuli import StimulusSet

#: The data sets that the digits come from, by part.
PARTS = {"train": "digits-train", "held out": "digits"}


def digit_pairs(*, part: str = "held out", n: int = 898, rng: RNG = 0) -> StimulusSet:
    """Get pairs of digits: 128 pixels, the left digit's 64 first; every digit is shown as often as any other.

    Parameters
    ----------
    part : "train" (half of the digits) or "held out" (the others).
    n : how many pairs. rng : who is beside whom.

    Returns
    -------
    StimulusSet; its table has ``left`` and ``right`` (the digits), ``condition`` (the left one), and ``right_output``
    (10 to 19): where the right digit is among 20 outputs, the left head's first.

    Example
    -------
    >>> pairs = digit_pairs(n=30)
    >>> pairs.inputs.shape, bool((pairs.table.right + 10 == pairs.table.right_output).all())
    ((30, 128), True)
    """
    from neurolab.datasets import load_stimuli

    if part not in PARTS or n < 1:
        raise DataError(f"part={part!r} and n={n} given; expected 'train' or 'held out', and one pair or more. Type "
                        "load_stimuli('digit-pairs', part='train').")
    digits = load_stimuli(PARTS[part])
    left, right = (_turns(generator(rng, "pairs", part, side), len(digits), n) for side in ("left", "right"))
    label = digits.table["label"].to_numpy()
    table = pd.DataFrame({
        "stimulus_id": [f"pair-{at:04d} {digits.ids[a]} {digits.ids[b]}" for at, (a, b) in enumerate(zip(left, right))],
        "condition": label[left].astype(str), "left": label[left], "right": label[right],
        "right_output": label[right] + 10,
    })  # fmt: skip
    return StimulusSet("digit-pairs", np.hstack([digits.inputs[left], digits.inputs[right]]), table)


def _turns(draw: np.random.Generator, size: int, n: int) -> np.ndarray:
    """n of ``size`` digits, all of them once before any is shown again."""
    return np.concatenate([draw.permutation(size) for _ in range(-(-n // size))])[:n]
