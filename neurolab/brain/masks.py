"""Lesion masks: one drawn image per person becomes one row of 0 and 1, voxels that nobody lost left aside."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurolab.brain.checks import open_file
from neurolab.brain.images import AFFINE_TOLERANCE, RESAMPLE, _opened, _whole
from neurolab.errors import DataError, DesignError, MissingDataError, UnknownNameError, listed
from neurolab.recording import make_recording
from neurolab.writing import path_of

SIDES = ("left", "right")
MIDLINE = 0.01  # a lesion that crosses by less of its volume is counted, not named
SUFFIXES = (".nii.gz", ".nii")


@dataclass(frozen=True, eq=False)
class Drawn:
    """One person's lesion: flat indices of its voxels, and how many lie left and right of the midline."""

    voxels: np.ndarray
    left: int
    right: int
    value: float


def from_lesion_masks(
    paths: str | os.PathLike[str] | Iterable[Any] | Mapping[str, Any],
    *,
    people: Sequence[str] | None = None,
    mask: Any = None,
    parcels: Any = None,
    above: float | None = None,
    every: int = 1,
    hemisphere: str | None = None,
    site: str = "brain",
    source: str = "",
) -> xr.DataArray:
    """Get people's lesions as person x voxel, 0 or 1, of all voxels that anybody has lesioned.

    Parameters
    ----------
    paths : a folder of NIfTI masks (in order of name), a list of paths or nibabel images, or ids -> those. All on one
        grid.
    people : ids in the order of the masks; default the file names without ending.
    mask : 3-D image on the same grid; only voxels above 0 are kept. The volume still counts the whole lesion.
    parcels : 3-D image of whole numbers on the same grid, kept as the coordinate ``parcel`` (0: in none).
    above : binarise at this value (voxel > above is lesioned), for probability maps or smoothed masks; None asks for
        masks of 0 and one other number.
    every : keep every so many voxels along each axis (4: one in 64), for a quick look; volumes stay whole.
    hemisphere : "left" or "right", where all lesions should lie there: people with any on the other side are named.
    site : name of the one site.

    Returns
    -------
    DataArray presentation x neuroid, uint8, ``sample="subject"``. On presentation: ``stimulus_id`` (the person),
    ``volume`` (mm³, of the whole lesion), ``left_share`` (of its voxels, midline aside; NaN for an empty mask). On
    neuroid: x, y, z (mm), ``n_lesioned`` and ``parcel``. attrs: ``binarised`` (the rule), ``laterality``, ``coverage``
    and ``note``, in words.

    Raises
    ------
    DataError : masks on another grid, with another affine, not binary, or without any lesion.
    MissingDataError, FileFormatError : no such file, one that cannot be read.

    When this is invalid
    --------------------
    Masks that were not normalised to one template: equal grids do not make equal places. Left and right follow the
    affine (x runs to the right); a header that flips them flips everything.

    Example
    -------
    >>> import nibabel
    >>> grids = np.zeros((2, 4, 1, 1))
    >>> grids[0, 0], grids[1, :2] = 1, 1
    >>> lesions = from_lesion_masks({name: nibabel.Nifti1Image(grid, np.eye(4)) for name, grid in zip("ab", grids)})
    >>> lesions.values.tolist(), lesions.volume.values.tolist()
    ([[1, 0], [1, 1]], [1.0, 2.0])
    """
    if hemisphere not in (None, *SIDES):
        raise UnknownNameError(f"hemisphere={hemisphere!r} given; expected {listed(SIDES)}, or None for either.")
    if isinstance(every, bool) or not isinstance(every, (int, np.integer)) or every < 1:
        raise DesignError(f"every={every!r} given; expected a whole number of at least 1. Type every=1 for all voxels.")
    images, ids = _images(paths, people)
    grid = _opened(images[0], "a 3-D NIfTI mask")
    shape = _three(grid, ids[0])
    keep = _on_grid(mask, grid, "mask") if mask is not None else np.ones(shape, dtype=np.int64)
    where = _on_grid(parcels, grid, "parcels") if parcels is not None else None
    drawn = [_drawn(image, name, grid, above) for image, name in _moving(images, ids)]
    columns = _ever(drawn, keep, every)
    values = _matrix(drawn, columns, int(np.prod(shape)))
    volume = np.array([len(one.voxels) for one in drawn]) * float(abs(np.linalg.det(grid.affine[:3, :3])))
    sides = np.array([(one.left, one.right) for one in drawn], dtype=np.float64)
    share = np.divide(sides[:, 0], sides.sum(axis=1), out=np.full(len(ids), np.nan), where=sides.sum(axis=1) > 0)
    rows = {"stimulus_id": ids, "condition": ["patient"] * len(ids), "volume": volume, "left_share": share}
    about = _said(drawn, ids, share, values, columns, keep, above, every, hemisphere)
    return make_recording(
        values, presentation=rows, neuroid=_voxels(columns, shape, grid.affine, values, where), kind="brain",
        units="lesioned", source=source or "lesion masks", attrs=about,
        sites=[{"name": site, "dims": ["i", "j", "k"], "shape": list(shape)}],
    )  # fmt: skip


def _moving(images: list[Any], ids: list[str]) -> Iterable[tuple[Any, str]]:
    """The masks with their people; a bar moves on where the error stream is a terminal."""
    from tqdm import tqdm

    quiet = not sys.stderr.isatty()
    return tqdm(zip(images, ids), total=len(ids), desc="lesion masks", unit="mask", disable=quiet, leave=False)


def _images(paths: Any, people: Sequence[str] | None) -> tuple[list[Any], list[str]]:
    """The masks and their people, in one order."""
    if isinstance(paths, Mapping):
        paths, people = list(paths.values()), list(map(str, paths)) if people is None else people
    if isinstance(paths, (str, os.PathLike)):
        folder = path_of(paths)
        if not folder.is_dir():
            raise MissingDataError(f"{folder} is no folder; expected one of NIfTI masks, or a list: type [path, ...].")
        paths = sorted(file for file in folder.iterdir() if file.name.endswith(SUFFIXES))
        if not paths:
            raise MissingDataError(f"{folder} holds no .nii or .nii.gz file; expected one mask per person.")
    images = list(paths)
    ids = [str(name) for name in people] if people is not None else [_name(one, at) for at, one in enumerate(images)]
    if len(ids) != len(images):
        raise DataError(f"people has {len(ids)} ids for {len(images)} masks; expected one each, in the same order.")
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice or len(ids) < 2:
        raise DataError(
            f"The people {listed(twice)} come more than once; each counts once. Type people=[...], an id for each."
            if twice
            else f"{len(ids)} lesion masks given; expected those of several people."
        )
    return images, ids


def _name(image: Any, at: int) -> str:
    if not isinstance(image, (str, os.PathLike)):
        return f"person {at + 1}"
    name = pathlib.Path(image).name
    return next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)


def _three(image: Any, name: str) -> tuple[int, ...]:
    shape = image.shape[:3] if image.shape[3:] in ((), (1,)) else image.shape
    if len(shape) != 3:
        raise DataError(f"The mask of {name!r} has shape {tuple(image.shape)}; expected 3 dimensions (i, j, k).")
    return tuple(int(size) for size in shape)


def _same_grid(image: Any, name: str, grid: Any) -> None:
    if _three(image, name) != _three(grid, "the first"):
        raise DataError(
            f"{name!r} has shape {tuple(image.shape)} and the first mask {tuple(grid.shape)} voxels; expected one "
            f"grid. Type {RESAMPLE.replace('image', 'first')}."
        )
    if not np.allclose(image.affine, grid.affine, atol=AFFINE_TOLERANCE, rtol=0):
        off = np.abs(image.affine - grid.affine).max()
        raise DataError(
            f"The affine of {name!r} differs from that of the first mask by up to {off:.3g}: the same voxel lies "
            f"elsewhere in the head. Type {RESAMPLE.replace('image', 'first')}; or, if one header is wrong, mend it."
        )


def _read(image: Any, opened: Any) -> np.ndarray:
    """Read a mask's numbers as they are stored: a truncated file fails here, not when it is opened."""
    if isinstance(image, (str, os.PathLike)):
        return open_file(image, lambda _: np.asarray(opened.dataobj), "a NIfTI mask with all its voxels")
    return np.asarray(opened.dataobj)


def _on_grid(image: Any, grid: Any, what: str) -> np.ndarray:
    opened = _opened(image, f"a NIfTI image ({what}=)")
    _same_grid(opened, f"{what}=", grid)
    return _whole(_read(image, opened).astype(np.float64).reshape(grid.shape[:3]))


def _drawn(image: Any, name: str, grid: Any, above: float | None) -> Drawn:
    opened = _opened(image, "a 3-D NIfTI mask")
    _same_grid(opened, name, grid)
    shape = grid.shape[:3]
    flat = _read(image, opened).reshape(shape).ravel(order="F")  # as nibabel reads it: no copy
    if above is not None and not np.isfinite(flat).all():
        raise DataError(f"The mask of {name!r} holds NaN or inf; expected numbers. Type numpy.nan_to_num(mask).")
    voxels = np.flatnonzero(flat > above if above is not None else flat)
    value = float(flat[voxels[0]]) if len(voxels) else 1.0
    if (above is None and not (flat[voxels] == value).all()) or not value > (above or 0):
        raise DataError(
            f"The mask of {name!r} is not binary (it holds {listed(np.unique(flat[voxels])[:4])}); expected 0 and one "
            "number above 0. For a probability map type above=0.5: what is above it counts as lesioned."
        )
    at = np.unravel_index(voxels, shape, order="F")
    x = grid.affine[0, :3] @ np.stack(at) + grid.affine[0, 3]
    flat_c = np.sort(np.ravel_multi_index(at, shape)).astype(np.int32)
    return Drawn(flat_c, int((x < 0).sum()), int((x > 0).sum()), value)


def _ever(drawn: list[Drawn], keep: np.ndarray, every: int) -> np.ndarray:
    """The voxels that become columns: lesioned in somebody, inside the mask, on the coarser grid."""
    ever = np.zeros(keep.size, dtype=bool)
    for one in drawn:
        ever[one.voxels] = True
    ever = ever.reshape(keep.shape) & (keep > 0)
    coarse = np.zeros_like(ever)
    coarse[::every, ::every, ::every] = True
    found = np.flatnonzero(ever & coarse)
    if not len(found):
        raise DataError("No voxel is lesioned in anybody inside the mask; are the masks and mask= on one template?")
    return found


def _matrix(drawn: list[Drawn], columns: np.ndarray, n: int) -> np.ndarray:
    place = np.full(n, -1, dtype=np.int32)
    place[columns] = np.arange(len(columns))
    values = np.zeros((len(drawn), len(columns)), dtype=np.uint8)
    for row, one in enumerate(drawn):
        at = place[one.voxels]
        values[row, at[at >= 0]] = 1
    return values


def _voxels(
    columns: np.ndarray, shape: tuple[int, ...], affine: np.ndarray, values: np.ndarray, parcels: np.ndarray | None
) -> dict[str, np.ndarray]:
    places = np.stack(np.unravel_index(columns, shape), axis=1) @ affine[:3, :3].T + affine[:3, 3]
    found = {"site": np.zeros(len(columns), dtype=np.int64), "unit": columns, **dict(zip("xyz", places.T))}
    found["n_lesioned"] = values.sum(axis=0, dtype=np.int64)
    return found if parcels is None else {**found, "parcel": parcels.ravel()[columns]}


def _said(
    drawn: list[Drawn], ids: list[str], share: np.ndarray, values: np.ndarray, columns: np.ndarray, keep: np.ndarray,
    above: float | None, every: int, hemisphere: str | None,
) -> dict[str, Any]:  # fmt: skip
    """What is known of the masks, in words."""
    n, most = len(ids), int(values.sum(axis=0, dtype=np.int64).max())
    inside = sum(int((keep.ravel()[one.voxels] > 0).sum()) for one in drawn)
    whole = sum(len(one.voxels) for one in drawn)
    across = np.nan_to_num({"left": 1 - share, "right": share}.get(hemisphere or "", np.zeros(n)))
    strange = [f"{ids[at]} ({100 * across[at]:.0f} %)" for at in np.flatnonzero(across >= MIDLINE)]
    little = int(((across > 0) & (across < MIDLINE)).sum())
    empty = [name for name, one in zip(ids, drawn) if not len(one.voxels)]
    used = ", ".join(f"{value:g}" for value in sorted({one.value for one in drawn if len(one.voxels)}))
    rule = f"above {above:g} is lesioned" if above is not None else f"masks of 0 and {used}"
    notes = [
        f"Lesioned outside the {hemisphere} hemisphere (share of the lesion): {listed(strange)}." if strange else "",
        f"{little} lesions cross the midline by less than {100 * MIDLINE:g} % of their volume." if little else "",
        f"Empty masks: {listed(empty)}." if empty else "",
        f"{whole - inside:,} of {whole:,} lesioned voxels lie outside mask= and count for volume alone."
        if inside < whole
        else "",
    ]
    sides = [int((share == 1).sum()), int((share == 0).sum()), int(((share > 0) & (share < 1)).sum())]
    return {
        "sample": "subject",
        "binarised": rule,
        "every": every,
        "laterality": f"{sides[0]} left only, {sides[1]} right only, {sides[2]} on both sides",
        "coverage": f"{len(columns):,} voxels lesioned in somebody; the most lesioned one in {most} of {n}",
        "note": " ".join(filter(None, notes)),
    }
