"""Handwritten digits and drawn gratings for one network: two tasks that share every layer but no picture."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurolab.chance import RNG, generator, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError
from neurolab.found_digits import PARTS
from neurolab.stimuli import StimulusSet

N_ORIENTATIONS = 10
PIXELS = 8
#: Cycles per picture, and sd of the noise in sds of the grating.
CYCLES, NOISE = (1.0, 2.0), 0.3


def digits_and_gratings(*, part: str = "held out", rng: RNG = 0) -> StimulusSet:
    """Get all digits of one half, and as many gratings in ten orientations, 64 pixels each.

    Every grating has the mean and the standard deviation of one of the digits, each digit's once: the two kinds differ
    neither in ink nor in contrast. Phase, frequency (1 to 2 cycles) and noise differ from grating to grating.

    Parameters
    ----------
    part : "train" (half of the digits) or "held out" (the others); no grating is in both.
    rng : of the gratings.

    Returns
    -------
    StimulusSet; conditions "digits" and "gratings", ``label`` 0 to 9 the digit, 10 to 19 the orientation (in steps of
    18 degrees), ``name`` in words.

    Raises
    ------
    DataError : a part that is none.

    When this is invalid
    --------------------
    Digits are sparse strokes and gratings fill the picture: alike in mean and standard deviation is not alike in all.

    Source
    ------
    Digits: Alpaydin & Kaynak 1998, https://doi.org/10.24432/C50P49. Two tasks in one network, after Dobs, Martinez,
    Kell & Kanwisher 2022, https://doi.org/10.1126/sciadv.abl8913

    Example
    -------
    >>> both = digits_and_gratings(part="train")
    >>> both, both.table.name.iloc[-1]
    (StimulusSet('digits-and-gratings': 1798 stimuli of shape (64,); digits 899, gratings 899), '162 degrees')
    """
    from neurolab.datasets import load_stimuli

    if part not in PARTS:
        raise DataError(f"part={part!r} was given; expected 'train' or 'held out'. Type "
                        "load_stimuli('digits-and-gratings', part='train').")
    digits = load_stimuli(PARTS[part])
    draw = generator(rng, "gratings", part)
    label = np.sort(np.arange(len(digits)) % N_ORIENTATIONS)
    pictures = _gratings(label, draw)
    like = digits.inputs[draw.permutation(len(digits))].astype(np.float64)
    pictures = like.mean(axis=1, keepdims=True) + like.std(axis=1, keepdims=True) * pictures
    mark = digest_of(part, rng_name(rng))[:4]  # two draws are two sets of stimuli, also by their ids
    table = pd.DataFrame({
        "stimulus_id": [*digits.ids, *(f"grating-{at:04d}-{mark}" for at in range(len(label)))],
        "condition": np.repeat(["digits", "gratings"], len(digits)),
        "label": np.concatenate([digits.table["label"], label + 10]),
        "name": [*digits.table["condition"], *(f"{180 // N_ORIENTATIONS * step} degrees" for step in label)],
    })  # fmt: skip
    return StimulusSet("digits-and-gratings", np.concatenate([digits.inputs, pictures.astype(np.float32)]), table)


def _gratings(step: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """(n, 64) with mean 0 and sd 1 each: a sine across the orientation's normal, and noise."""
    n = len(step)
    across, down = np.meshgrid(*[np.arange(PIXELS) / PIXELS] * 2)
    angle = np.pi * step[:, None, None] / N_ORIENTATIONS
    along = np.cos(angle) * across + np.sin(angle) * down
    frequency, phase = draw.uniform(*CYCLES, (n, 1, 1)), draw.uniform(0, 2 * np.pi, (n, 1, 1))
    wave = np.sin(2 * np.pi * frequency * along + phase).reshape(n, -1)
    wave = wave / wave.std(axis=1, keepdims=True) + NOISE * draw.standard_normal((n, PIXELS**2))
    return (wave - wave.mean(axis=1, keepdims=True)) / wave.std(axis=1, keepdims=True)
