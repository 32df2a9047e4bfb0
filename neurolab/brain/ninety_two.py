"""Kriegeskorte and others 2008: 92 pictures, seen by four people in the scanner and by two monkeys' IT neurons."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.brain.checks import open_file
from neurolab.brain.rdm_files import read_rdms
from neurolab.errors import DataError, FileFormatError, UnknownNameError, did_you_mean, listed
from neurolab.found import MIDDLE, SPREAD, enlarging
from neurolab.stimuli import StimulusSet

PEOPLE, REST = "92_brainRDMs.mat", "Kriegeskorte_Neuron2008_supplementalData.mat"
N, SIDE = 92, 175
WHO = ("human", "monkey")
SOURCE = "Kriegeskorte et al. 2008 (rsatoolbox demo data)"


def read_it(folder: pathlib.Path, *, who: str = "human") -> xr.DataArray:
    """Get the distances between the 92 pictures in inferior temporal cortex, as RDMs.

    Parameters
    ----------
    folder : with the two files of the data set.
    who : "human" (fMRI, 316 voxels of IT: 4 people x 2 sessions, coordinates ``subject`` and ``session``) or "monkey"
        (674 neurons of two monkeys, in one RDM: it says nothing of other monkeys).

    Returns
    -------
    RDMs, rdm x pair (4186), correlation distances; stimulus ids as in :func:`read_pictures`.

    Source
    ------
    Kriegeskorte et al. 2008, https://doi.org/10.1016/j.neuron.2008.10.043; files of rsatoolbox, MIT.
    """
    if who not in WHO:
        raise UnknownNameError(f"who={who!r} is not known; expected 'human' or 'monkey'.{did_you_mean(who, WHO)}")
    ids = _table(_pictures(folder))["stimulus_id"].tolist()
    about: dict[str, Any] = {"stimuli": ids, "distance": "correlation", "source": SOURCE}
    if who == "monkey":
        both = read_rdms(folder / REST, variable="RDMs_mIT_hIT_fig1", **about)
        return both.isel(rdm=[str(name).startswith("mIT") for name in both["rdm"].values])
    every = read_rdms(folder / PEOPLE, variable="RDMs", **about)
    parts = [str(name).split("|") for name in every["rdm"].values]  # "hIT | BE | Session: 1"
    if any(len(part) != 3 for part in parts):
        raise FileFormatError(f"{PEOPLE} names its RDMs {listed(every['rdm'].values)}; expected area, person, session.")
    subject = np.array([part[1].strip() for part in parts], dtype=object)
    session = np.array([int(part[2].rpartition(":")[2]) for part in parts])
    return every.assign_coords(subject=("rdm", subject), session=("rdm", session))


def read_pictures(folder: pathlib.Path, *, size: int = 112) -> StimulusSet:
    """Get the 92 pictures as a vision network takes them: colour, on grey, scaled as EfficientNet-Lite was trained.

    Conditions are the six categories, "human face" to "artificial inanimate"; labels ``face``, ``human``, ``animate``
    and ``natural`` are 0 or 1, ``faces`` is "faces" or "non-faces".

    Parameters
    ----------
    folder : with the two files of the data set. size : pixels; the originals have 175.

    Returns
    -------
    StimulusSet with inputs (92, 3, size, size) float32.
    """
    if size < 1:
        raise DataError(f"size was {size}; expected pixels, such as 112.")
    held = _pictures(folder)
    pixels = np.stack([one["image"] for one in held]).astype(np.float64) / 255
    if pixels.shape != (N, SIDE, SIDE, 3):
        raise FileFormatError(f"The pictures of {REST} have shape {pixels.shape}; expected {(N, SIDE, SIDE, 3)}.")
    across = enlarging(SIDE, size)
    large = np.stack([across @ one @ across.T for one in pixels.transpose(0, 3, 1, 2)])
    return StimulusSet("ninety-two-images", ((large - MIDDLE) / SPREAD).astype(np.float32), _table(held))


def _pictures(folder: pathlib.Path) -> np.ndarray:
    """The struct of the pictures, one entry each."""
    from scipy.io import loadmat

    held = open_file(folder / REST, loadmat, "the pictures of Kriegeskorte et al. 2008")
    if "stimuli_92objs" not in held:
        raise FileFormatError(f"{REST} has no 'stimuli_92objs'; it holds {listed(k for k in held if k[0] != '_')}.")
    return held["stimuli_92objs"].ravel()


def _table(held: np.ndarray) -> pd.DataFrame:
    """One row per picture."""
    kind = [str(np.ravel(one["category"])[0]) for one in held]
    named = {"face": "face", "human": "human", "animate": "animal", "natural": "natural"}
    flags = {name: [int(np.ravel(one[of])[0]) for one in held] for name, of in named.items()}
    ids = [f"image{at + 1:02d}-{name.replace(' ', '-')}" for at, name in enumerate(kind)]
    faces = ["faces" if yes else "non-faces" for yes in flags["face"]]
    return pd.DataFrame({"stimulus_id": ids, "condition": kind, "faces": faces, **flags})
