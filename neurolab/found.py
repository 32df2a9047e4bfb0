"""Pictures found inside installed packages, read as files: real faces, photographs without, handwritten digits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurolab.errors import DataError, FileFormatError
from neurolab.packages import INSTALL, package_file
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


def lfw_faces(*, size: int = 112) -> StimulusSet:
    """Get the 100 photographs of faces and 100 without of :func:`faces_and_digits`, without the digits."""
    return faces_and_digits(size=size, n_per_digit=0)


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
    down, across = (enlarging(length, size) for length in grey.shape[1:])
    large = (down @ grey.astype(np.float64) @ across.T - MIDDLE) / SPREAD
    return np.repeat(large.astype(np.float32)[:, None], 3, axis=1)


def enlarging(length: int, size: int) -> np.ndarray:
    """The matrix (size, length) of bilinear interpolation, pixel centres at one half (torch: align_corners=False)."""
    centre = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    low = np.minimum(np.floor(centre).astype(int), length - 1)
    high = np.minimum(low + 1, length - 1)
    matrix = np.zeros((size, length))
    np.add.at(matrix, (np.arange(size), low), 1 - (centre - low))
    np.add.at(matrix, (np.arange(size), high), centre - low)
    return matrix
