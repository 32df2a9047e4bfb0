"""Drawn faces and objects: small grey images whose every property is known because we drew them.

A face *identity* is a geometry (outline, hair, brows, eyes, nose, mouth); an object *category* is a recipe of simple
shapes. Every picture is one exemplar: the same geometry at another place, size and contrast, with a little play in its
shape and a little pixel noise. The k-th exemplar of the i-th identity and of the i-th category share place, size and
contrast, so no low-level difference between faces and objects can pass for selectivity.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurolab.chance import RNG, generator
from neurolab.digest import digest_of
from neurolab.drawn_shapes import OBJECTS, Canvas, draw_face
from neurolab.errors import DesignError
from neurolab.stimuli import StimulusSet

__all__ = ["face_geometries", "faces_and_objects"]
__dir__ = __all__.copy

PIXELS = 32
NOISE_SD = 0.10
SHIFT, SIZE, CONTRAST = 0.16, (0.60, 0.80), (0.12, 0.24)
PEOPLE = (
    "ada", "ben", "cleo", "dan", "eve", "finn", "gail", "hugo", "ines", "jack", "kate", "liam",
)  # fmt: skip
FACE_RANGES: dict[str, tuple[float, float]] = {
    "head_width": (0.52, 0.78), "head_height": (0.80, 0.95), "hair_line": (0.25, 0.62), "hair_side": (0.0, 0.30),
    "brow_height": (0.10, 0.24), "brow_tilt": (-0.14, 0.14), "eye_level": (-0.22, 0.06), "eye_gap": (0.20, 0.36),
    "eye_size": (0.08, 0.15), "nose_length": (0.20, 0.42), "nose_width": (0.04, 0.16), "mouth_level": (0.44, 0.60),
    "mouth_width": (0.16, 0.40), "mouth_curve": (-0.9, 0.9),
}  # fmt: skip


def faces_and_objects(
    *, n_per_class: int, n_identities: int = 10, n_objects: int = 10, rng: RNG, cast: int = 0
) -> StimulusSet:
    r"""Get ``n_per_class`` drawn pictures of each of ``n_identities`` faces and ``n_objects`` kinds of object.

    Each picture is :math:`.5 + c\,z + \epsilon`, where :math:`z` is the drawing with mean 0 and standard deviation 1
    over its pixels, :math:`c` its contrast (.12 to .24) and :math:`\epsilon` Gaussian noise (sd .10). Values
    may leave 0 to 1.

    Parameters
    ----------
    n_per_class : exemplars of every identity and category.
    n_identities : faces to tell apart, at most 12.
    n_objects : object categories, at most 12.
    rng : int or Generator: place, size, contrast, play and noise of every exemplar.
    cast : which people; the shipped networks know cast 0. ``rng`` takes new pictures of the same people.

    Returns
    -------
    StimulusSet with ``inputs`` (n, 1, 32, 32) float32 and a table with stimulus_id, condition ("faces", "objects"),
    identity, label (class index over faces, then objects), exemplar, x, y (-1 to 1, right and down), size, contrast.

    When this is invalid
    --------------------
    These are drawings: what a network does with them says nothing about photographs.

    Source
    ------
    The two tasks after Dobs, Martinez, Kell & Kanwisher 2022, https://doi.org/10.1126/sciadv.abl8913

    Example
    -------
    >>> stimuli = faces_and_objects(n_per_class=3, n_identities=2, n_objects=2, rng=0)
    >>> stimuli.inputs.shape
    (12, 1, 32, 32)
    >>> stimuli.table.identity.unique().tolist()
    ['ada', 'ben', 'cup', 'jug']
    """
    _check_numbers(n_per_class, n_identities, n_objects)
    seed = int(generator(rng, "faces-and-objects").integers(2**63))
    people, tag = face_geometries(cast), digest_of(seed, cast)[:6]
    inputs, tables = [], []
    for label in range(n_identities + n_objects):
        face = label < n_identities
        rank = label if face else label - n_identities
        nuisance = _nuisance(n_per_class, _child(seed, 0, rank))
        canvas = Canvas(PIXELS, **{key: nuisance[key] for key in ("x", "y", "size")})
        play = _child(seed, 1, rank, face).uniform(-1, 1, (n_per_class, 8))
        name = PEOPLE[rank] if face else list(OBJECTS)[rank]
        draw_face(canvas, people[rank], play) if face else OBJECTS[name](canvas, play)
        images = _develop(canvas.ink, nuisance["contrast"], _child(seed, 2, rank, face))
        inputs.append(images)
        tables.append(_table(name, tag, "faces" if face else "objects", label, nuisance))
    return StimulusSet("faces-and-objects", np.concatenate(inputs), pd.concat(tables, ignore_index=True))


def face_geometries(cast: int = 0) -> list[dict[str, float]]:
    """Get the geometry of every person in a cast: each feature takes 12 evenly spaced values, one per person.

    Parameters
    ----------
    cast : int, which people.

    Returns
    -------
    list of 12 dicts, feature name to its value in units of half the picture's size (``FACE_RANGES`` has the ranges).

    Example
    -------
    >>> len(face_geometries()), face_geometries() == face_geometries(), face_geometries(1) == face_geometries()
    (12, True, False)
    """
    rng = np.random.default_rng([cast, len(PEOPLE)])
    columns = {key: rng.permutation(np.linspace(*span, len(PEOPLE))) for key, span in FACE_RANGES.items()}
    return [{key: float(values[i]) for key, values in columns.items()} for i in range(len(PEOPLE))]


def _check_numbers(n_per_class: int, n_identities: int, n_objects: int) -> None:
    for name, given, low, high in (
        ("n_per_class", n_per_class, 1, 100_000),
        ("n_identities", n_identities, 0, len(PEOPLE)),
        ("n_objects", n_objects, 0, len(OBJECTS)),
    ):
        if not low <= given <= high:
            raise DesignError(f"{name}={given} was given; expected {low} to {high}. Type {name}={min(high, 10)}.")
    if n_identities + n_objects == 0:
        raise DesignError("No face and no object was asked for. Type n_identities=10 or n_objects=10.")


def _child(seed: int, *address: int) -> np.random.Generator:
    return np.random.default_rng([seed, *address])  # by content: asking for more never changes what was there


def _nuisance(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    x, y, size, contrast = rng.random((n, 4)).T
    return {
        "x": SHIFT * (2 * x - 1),
        "y": SHIFT * (2 * y - 1),
        "size": SIZE[0] + (SIZE[1] - SIZE[0]) * size,
        "contrast": CONTRAST[0] + (CONTRAST[1] - CONTRAST[0]) * contrast,
    }


def _develop(ink: np.ndarray, contrast: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    z = ink - ink.mean((1, 2), keepdims=True)
    z /= z.std((1, 2), keepdims=True)
    image = 0.5 + contrast[:, None, None] * z + NOISE_SD * rng.standard_normal(ink.shape)
    return image.astype(np.float32)[
        :, None
    ]  # not cut to 0..1: that would take more contrast from objects than from faces


def _table(name: str, tag: str, condition: str, label: int, nuisance: dict[str, np.ndarray]) -> pd.DataFrame:
    # the tag keeps draws with another rng apart: one id must never name two different pictures
    exemplar = np.arange(len(nuisance["x"]))
    ids = [f"{name}-{k:04d}-{tag}" for k in exemplar]
    return pd.DataFrame(
        {"stimulus_id": ids, "condition": condition, "identity": name, "label": label, "exemplar": exemplar, **nuisance}
    )
