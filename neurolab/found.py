"""Stimuli found inside installed packages, read as files: real faces, digits, sentences, grammar suites."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurolab.errors import DataError, FileFormatError, UnknownNameError, did_you_mean, listed
from neurolab.found_texts import agreement, digit_copying, fedorenko_2010
from neurolab.packages import INSTALL, installed, package_file
from neurolab.stimuli import StimulusSet

#: Grey levels 0 to 1 become what EfficientNet-Lite was trained on.
MIDDLE, SPREAD = 127 / 255, 128 / 255


def faces_and_digits(*, size: int = 112, n_per_digit: int = 30) -> StimulusSet:
    """Get real photographs of faces and of anything else, and real handwritten digits, as a vision network takes them.

    100 faces and 100 patches without a face (Labeled Faces in the Wild, in scikit-image) and digits (in scikit-learn),
    grey, enlarged, scaled as EfficientNet-Lite was trained. Conditions "faces", "non-faces", "digits"; ``task`` is
    "face or not" (``label`` 0 no, 1 yes) or "which digit" (``label`` 2 to 11: the digit plus 2).

    Parameters
    ----------
    size : pixels. n_per_digit : 1 to 170 of each digit; 0 leaves them out.

    Returns
    -------
    StimulusSet with inputs (n, 3, size, size) float32.

    Source
    ------
    Huang et al. 2007, "Labeled Faces in the Wild"; Alpaydin & Kaynak 1998, https://doi.org/10.24432/C50P49
    """
    photos = _faces(size)
    if not n_per_digit:
        return photos
    digits = _digits(size, n_per_digit)
    return StimulusSet(
        "lfw-faces-and-digits",
        np.concatenate([photos.inputs, digits.inputs]),
        pd.concat([photos.table, digits.table], ignore_index=True),
    )


def _faces(size: int) -> StimulusSet:
    file = package_file("skimage", "data", "lfw_subset.npy", what="The stimulus set 'lfw-faces'")
    try:
        grey = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FileFormatError(
            f"{file.name} cannot be read ({error}). Type `{INSTALL['skimage']} --force-reinstall`."
        ) from error
    if grey.shape != (200, 25, 25):
        raise FileFormatError(
            f"{file.name} has shape {grey.shape}; expected (200, 25, 25). Type `{INSTALL['skimage']}`."
        )
    face = np.arange(200) < 100
    return StimulusSet(
        "lfw-faces",
        _as_images(grey, size),
        pd.DataFrame(
            {
                "stimulus_id": [f"{'face' if yes else 'other'}-{row % 100:03d}" for row, yes in enumerate(face)],
                "condition": np.where(face, "faces", "non-faces"),
                "task": "face or not",
                "label": face.astype(np.int64),
            }
        ),
    )


def _digits(size: int, n_per_digit: int) -> StimulusSet:
    from sklearn.datasets import load_digits

    images, names = load_digits(return_X_y=True)
    most = int(np.bincount(names).min())
    if not 1 <= n_per_digit <= most:
        raise DataError(f"n_per_digit was {n_per_digit}; expected 0 to {most}.")
    rows = np.sort(np.concatenate([np.flatnonzero(names == digit)[:n_per_digit] for digit in range(10)]))
    return StimulusSet(
        "digits",
        _as_images(images[rows].reshape(-1, 8, 8) / 16, size),
        pd.DataFrame(
            {
                "stimulus_id": [f"digit-{row:04d}" for row in rows],
                "condition": "digits",
                "task": "which digit",
                "label": names[rows].astype(np.int64) + 2,
            }
        ),
    )


def _as_images(grey: np.ndarray, size: int) -> np.ndarray:
    """Grey levels (n, height, width) in 0 to 1 to (n, 3, size, size), enlarged bilinearly."""
    if size < 1:
        raise DataError(f"size was {size}; expected pixels, such as 112.")
    down, across = (_enlarging(length, size) for length in grey.shape[1:])
    large = (down @ grey.astype(np.float64) @ across.T - MIDDLE) / SPREAD
    return np.repeat(large.astype(np.float32)[:, None], 3, axis=1)


def _enlarging(length: int, size: int) -> np.ndarray:
    """The matrix (size, length) of bilinear interpolation, pixel centres at one half (torch: align_corners=False)."""
    centre = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    low = np.minimum(np.floor(centre).astype(int), length - 1)
    high = np.minimum(low + 1, length - 1)
    matrix = np.zeros((size, length))
    np.add.at(matrix, (np.arange(size), low), 1 - (centre - low))
    np.add.at(matrix, (np.arange(size), high), centre - low)
    return matrix


@dataclass(frozen=True)
class Found:
    """One stimulus set that is made from what an installed package holds."""

    make: Callable[..., StimulusSet]
    about: str
    licence: str
    cite: str
    needs: tuple[str, ...] = ()

    @property
    def here(self) -> bool:
        """Whether its packages are installed."""
        return all(map(installed, self.needs))

    def load(self, **settings: Any) -> StimulusSet:
        """Get the set; raises UnknownNameError for a setting that it does not have."""
        known = inspect.signature(self.make).parameters
        odd = [name for name in settings if name not in known]
        if odd:
            raise UnknownNameError(
                f"These stimuli have no setting {odd[0]!r}.{did_you_mean(odd[0], known)} They have "
                f"{listed(known) or 'none'}."
            )
        return self.make(**settings)


_SYNTAX = "https://doi.org/10.18653/v1/2020.acl-main.158"
#: Stimulus sets by name; one entry adds another. Read by ``nl.datasets``.
FOUND: dict[str, Found] = {
    "lfw-faces": Found(
        lambda *, size=112: faces_and_digits(size=size, n_per_digit=0),
        "100 photographs of faces, 100 without (scikit-image)",
        "see scikit-image",
        "Huang et al. 2007",
        ("skimage",),
    ),
    "lfw-faces-and-digits": Found(
        faces_and_digits,
        "real faces, non-faces and handwritten digits for a vision network",
        "see scikit-image; CC-BY-4.0",
        "https://doi.org/10.24432/C50P49",
        ("skimage",),
    ),
    "fedorenko-2010": Found(
        fedorenko_2010,
        "language localiser: 240 sentences, 240 lists of non-words",
        "MIT",
        "https://doi.org/10.1152/jn.00032.2010",
        ("brainscore_language",),
    ),
    "syntaxgym-agreement": Found(
        agreement, "subject-verb agreement, 3 suites", "MIT", _SYNTAX, ("brainscore_language",)
    ),
    "digit-copying": Found(digit_copying, "prompts that ask to go on copying digits", "BSD-3-Clause", ""),
}
