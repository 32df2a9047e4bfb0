"""Haxby and others 2001, subject 1: eight categories in twelve runs, the classic of distributed representation."""

from __future__ import annotations

import pathlib

import pandas as pd
import xarray as xr

from neurolab.brain.blocks import average_blocks
from neurolab.brain.checks import open_file
from neurolab.brain.images import from_masked_image


def read_haxby(
    folder: pathlib.Path, *, blocks: bool = True, detrend: int | None = 1, standardise: str | None = "run"
) -> xr.DataArray:
    """Get one slice (530 voxels) of subject 1's ventral cortex as a recording.

    Parameters
    ----------
    folder : with ``bold.nii.gz``, ``mask.nii.gz`` and ``attributes_literal.txt`` (condition and run of each volume).
    blocks : one presentation per block (96: 12 runs x 8 categories, 9 volumes each), else one per volume (1452, with
        rest).
    detrend, standardise : of ``from_masked_image``: a line out of each run, then z-scores within it.

    Returns
    -------
    Recording, presentation x neuroid, kind "brain"; conditions face, house, cat, shoe, scissors, bottle, chair,
    scrambledpix (and rest); run 1 to 12; onset in s (repetition time 2.5 s), labels already shifted in the source.

    When this is invalid
    --------------------
    One person: it generalises over blocks of this person's session, never over people.

    Source
    ------
    Haxby et al. 2001, https://doi.org/10.1126/science.1063736; the files of PyMVPA, MIT.
    """
    expected = "lines of condition and run"
    table = open_file(folder / "attributes_literal.txt", lambda path: pd.read_csv(path, sep=" ", header=None), expected)
    recording = from_masked_image(
        folder / "bold.nii.gz",
        folder / "mask.nii.gz",
        presentation={"condition": table[0].to_numpy(), "run": table[1].to_numpy() + 1},
        detrend=detrend,
        standardise=standardise,
        site="ventral temporal",
        units="MR signal",
        specimen="haxby-2001 subject 1",
        source="Haxby et al. 2001 (PyMVPA, one slice)",
    )
    return average_blocks(recording) if blocks else recording
