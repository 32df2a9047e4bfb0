"""fMRI: a 4-D image and a mask as a recording, voxel by voxel, in float64 from the first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.brain.checks import open_file, require_finite
from neurolab.brain.timeseries import remove_drift, standardise_runs
from neurolab.errors import DataError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.recording import make_recording

if TYPE_CHECKING:
    import nibabel

    Image = nibabel.spatialimages.SpatialImage | str | os.PathLike[str]

RESAMPLE = "nibabel.processing.resample_from_to(mask, (image.shape[:3], image.affine), order=0)"
AFFINE_TOLERANCE = 1e-3  # mm: headers round, resampled images do not agree by chance
STANDARDISE = (None, "run")
TIME_UNITS = 0b111000  # the bits of xyzt_units that say the unit of time
SECONDS = {0: 1.0, 8: 1.0, 16: 1e-3, 24: 1e-6}  # unsaid, s, ms, µs; other codes are Hz, ppm and rad/s


def from_masked_image(
    image: Image,
    mask: Image,
    *,
    presentation: pd.DataFrame | Mapping[str, Any],
    detrend: int | None = None,
    standardise: str | None = None,
    site: str = "brain",
    units: str = "",
    specimen: str = "",
    source: str = "",
) -> xr.DataArray:
    """Get the voxels of a mask as a recording, one presentation per volume.

    Parameters
    ----------
    image : 4-D NIfTI (i, j, k, volume): a nibabel image or a path.
    mask : 3-D NIfTI on the same grid; voxels above 0 are kept. Several whole numbers are parcels, kept as a coordinate.
    presentation : one row per volume: ``condition``, and if known ``stimulus_id``, ``run``, ``onset``. Default ids are
        "run03-vol0012-face", after the specimen's name if there is one; default onsets volume x repetition time (s from
        the start of the run, where the header has the time).
    detrend : order of the polynomial taken out within each run (1 a line); None leaves the numbers as they are.
    standardise : "run" for z-scores within each run, None for the numbers as they are. After ``detrend``.
    site : name of the one site, e.g. "ventral temporal".
    units : of the values; "z" when standardised.
    specimen : whose brain, e.g. "sub-01"; goes before default stimulus ids, so that two people's volumes stay apart.

    Returns
    -------
    Recording, presentation x neuroid, float64. Neuroid coordinates: x, y, z (mm, by the image's affine), valid (False
    for a voxel that is constant over all volumes), parcel where the mask has several. ``unflatten`` puts voxels back in
    space.

    When this is invalid
    --------------------
    Volumes next to each other are correlated: count runs or blocks, not volumes; see ``average_blocks``. Nothing here
    shifts for the haemodynamic delay: say in ``presentation`` which volumes answer to which condition.

    Source
    ------
    Agrees bit for bit with ``nilearn.masking.apply_mask`` (dtype float64), https://nilearn.github.io

    Example
    -------
    >>> import nibabel
    >>> image = nibabel.Nifti1Image(np.arange(16.0).reshape(2, 2, 1, 4), np.eye(4))
    >>> mask = nibabel.Nifti1Image(np.array([[[1], [0]], [[1], [1]]], dtype=np.int16), np.eye(4))
    >>> from_masked_image(image, mask, presentation={"condition": ["face", "face", "house", "house"]}).shape
    (4, 3)
    """
    _check_choices(detrend, standardise)
    bold, cover = _opened(image, "a 4-D NIfTI image"), _opened(mask, "a NIfTI mask")
    labels = _mask_labels(bold, cover)
    values = _numbers(image, bold)[labels > 0].T.copy()
    rows = _presentations(presentation, len(values), bold, specimen)
    voxels = [str(tuple(map(int, voxel))) for voxel in np.argwhere(labels > 0)]
    require_finite(values.T, voxels, "voxels", "a mask without them")
    valid = np.ptp(values, axis=0) > 0
    if detrend is not None:
        values = remove_drift(values, rows["run"], order=detrend)
    if standardise is not None:
        values = standardise_runs(values, rows["run"])
    drift = "none" if detrend is None else f"order {detrend} within run"
    return make_recording(
        values, presentation=rows, neuroid=_voxels(labels, bold.affine, valid), kind="brain", specimen=specimen,
        sites=[{"name": site, "dims": ["i", "j", "k"], "shape": list(labels.shape)}], source=source or "NIfTI",
        units="z" if standardise else units, attrs={"detrend": drift, "standardise": standardise or "none"},
    )  # fmt: skip


def _check_choices(detrend: Any, standardise: Any) -> None:
    if detrend is not None and (isinstance(detrend, bool) or not isinstance(detrend, (int, np.integer))):
        raise DataError(f"detrend={detrend!r} was given; expected None or the order of a polynomial. Type detrend=1.")
    if standardise not in STANDARDISE:
        raise UnknownNameError(
            f"standardise={standardise!r} was given; expected one of {STANDARDISE}.{did_you_mean(standardise, ['run'])}"
        )


def _opened(image: Any, expected: str) -> Any:
    import nibabel

    if isinstance(image, (str, os.PathLike)):
        return open_file(image, nibabel.load, expected)
    if not isinstance(image, nibabel.spatialimages.SpatialImage):
        raise SchemaError(
            f"{type(image).__name__} was given; expected {expected}: a path or a nibabel image. Type "
            "nibabel.Nifti1Image(array, affine)."
        )
    return image


def _numbers(image: Any, opened: Any) -> np.ndarray:
    """Read the numbers, where a truncated file shows itself: nibabel opens it gladly and fails here."""
    if isinstance(image, (str, os.PathLike)):
        return open_file(
            image, lambda _: np.asarray(opened.dataobj, dtype=np.float64), "a NIfTI image with all its volumes"
        )
    return np.asarray(opened.dataobj, dtype=np.float64)


def _mask_labels(bold: Any, cover: Any) -> np.ndarray:
    if len(bold.shape) != 4:
        raise DataError(
            f"The image has shape {bold.shape}; expected 4 dimensions (i, j, k, volume). Type "
            "nibabel.concat_images(images) to stack 3-D images."
        )
    shape = cover.shape[:3] if cover.shape[3:] in ((), (1,)) else cover.shape
    if tuple(shape) != tuple(bold.shape[:3]):
        raise DataError(
            f"The mask has shape {tuple(cover.shape)} and the image {tuple(bold.shape[:3])} voxels; expected one grid. "
            f"Type {RESAMPLE}."
        )
    if not np.allclose(cover.affine, bold.affine, atol=AFFINE_TOLERANCE, rtol=0):
        off = np.abs(cover.affine - bold.affine).max()
        raise DataError(
            f"The affines of mask and image differ by up to {off:.3g}: the same voxel lies elsewhere in the head. Type "
            f"{RESAMPLE}; or, if one header is wrong, mend it."
        )
    labels = np.asarray(cover.dataobj, dtype=np.float64).reshape(shape)
    return _whole(labels)


def _whole(labels: np.ndarray) -> np.ndarray:
    if not np.isfinite(labels).all() or (labels != np.round(labels)).any():
        raise DataError(
            "The mask holds fractions, NaN or inf; expected 0 and whole numbers. For a probability map type "
            "nibabel.Nifti1Image((mask.get_fdata() > 0.5).astype('int16'), mask.affine)."
        )
    if not (labels > 0).any():
        raise DataError("The mask is empty; expected voxels above 0. Was it resampled with another order than 0?")
    return labels.astype(np.int64)


def _columns(given: Any) -> dict[str, np.ndarray]:
    rows = {}
    if isinstance(given, (Mapping, pd.DataFrame)):
        rows = {str(name): np.asarray(column) for name, column in dict(given).items()}
    single = [name for name, column in rows.items() if column.ndim != 1]
    if not isinstance(given, (Mapping, pd.DataFrame)) or single:
        said = f"the column {single[0]!r} is no list" if single else f"it is {type(given).__name__}"
        raise SchemaError(
            f"presentation says of each volume what was shown; {said}; expected columns of one value per volume. Type "
            "presentation={'condition': [...], 'run': [...]} or give a DataFrame."
        )
    return rows


def _presentations(given: Any, n: int, bold: Any, specimen: str) -> dict[str, np.ndarray]:
    rows = _columns(given)
    if "condition" not in rows:
        raise SchemaError(
            f"presentation has the columns {listed(rows)}; expected 'condition' among them, one per volume."
        )
    uneven = {name: len(column) for name, column in rows.items() if len(column) != n}
    if uneven:
        raise DataError(
            f"The image has {n} volumes and presentation has {uneven}; expected one row per volume. Were volumes "
            "dropped at the start of a run? Drop their rows too, or keep both."
        )
    for name, column in rows.items():
        if pd.isna(column).any():
            raise DataError(
                f"presentation column {name!r} misses {int(pd.isna(column).sum())} values; name rest 'rest'."
            )
    rows.setdefault("run", np.ones(n, dtype=np.int64))
    volume = pd.Series(rows["run"]).groupby(rows["run"]).cumcount().to_numpy()
    seconds = _repetition_time(bold.header)
    if "onset" not in rows and seconds > 0:
        rows["onset"] = volume * seconds
    before, named = f"{specimen}-" if specimen else "", zip(rows["run"], volume, rows["condition"])
    rows.setdefault("stimulus_id", np.array([f"{before}run{_two(run)}-vol{at:04d}-{name}" for run, at, name in named]))
    return rows


def _repetition_time(header: Any) -> float:
    """Seconds from volume to volume; 0 where the header has no time."""
    if not hasattr(header, "get_zooms"):
        return 0.0
    code = int(header["xyzt_units"]) & TIME_UNITS if hasattr(header, "get_xyzt_units") else 0
    return float(header.get_zooms()[3]) * SECONDS.get(code, 0.0)


def _two(run: Any) -> str:
    return f"{int(run):02d}" if isinstance(run, (int, np.integer)) else str(run)


def _voxels(labels: np.ndarray, affine: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    inside = np.argwhere(labels > 0)
    places = inside @ affine[:3, :3].T + affine[:3, 3]
    columns = {
        "site": np.zeros(len(inside), dtype=np.int64),
        "unit": np.ravel_multi_index(tuple(inside.T), labels.shape),
        "valid": valid,
    } | dict(zip("xyz", places.T))
    parcels = labels[labels > 0]
    return columns | ({"parcel": parcels} if len(np.unique(parcels)) > 1 else {})
