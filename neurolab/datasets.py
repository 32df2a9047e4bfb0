"""Data by name: what ships with neurolab, what an installed package holds, what the folder NEUROLAB_DATA holds.

Nothing is ever downloaded. Every file is checked against the sha256 in ``datasets/index.json`` before it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

import neurolab
from neurolab.catalogue import FOUND, LOADERS, make
from neurolab.drawn import faces_and_objects
from neurolab.errors import FileFormatError, MissingDataError, UnknownNameError, did_you_mean, listed
from neurolab.stimuli import StimulusSet
from neurolab.writing import path_of

if TYPE_CHECKING:
    from neurolab.specimen import Cohort, Specimen
    from neurolab.specimen.tokens import Tokeniser

__all__ = ["data_path", "list_datasets", "load_brain", "load_cohort", "load_specimen", "load_stimuli", "load_tokeniser"]
__dir__ = __all__.copy

DIGITS_SEED = 1797


def list_datasets() -> pd.DataFrame:
    """Get the table of everything that can be loaded by name.

    Returns
    -------
    DataFrame, one row per data set and kind: name, kind ("cohort", "specimen", "stimuli", "brain"), load (what to
    type), here (bool: on this machine now), licence, cite, about.

    Example
    -------
    >>> table = list_datasets()
    >>> bool(table.query("name == 'faces-and-objects' and kind == 'cohort'").here.item())
    True
    """
    rows = []
    for name, entry in sorted(_index().items()):
        for kind in entry["provides"]:
            here = entry["kind"] != "external" or _external_folder(entry, missing_ok=True) is not None
            load = f'nl.datasets.load_{kind}("{name}")'
            rows.append((name, kind, load, here, entry["licence"], entry.get("cite", ""), entry["about"]))
    for name, found in FOUND.items():
        load = f'nl.datasets.load_stimuli("{name}")'
        rows.append((name, "stimuli", load, not found.install, found.licence, found.cite, found.about))
    for name, network in LOADERS.items():
        load = f'nl.datasets.load_specimen("{name}")'
        rows.append((name, "specimen", load, not network.install, network.licence, network.source, network.about))
    return pd.DataFrame(rows, columns=["name", "kind", "load", "here", "licence", "cite", "about"])


def load_cohort(name: str) -> Cohort:
    """Get a cohort of trained networks: alike but for their seed, the sample that a result generalises over.

    Parameters
    ----------
    name : "faces-and-objects" (12 two-task CNNs, shipped trained) or "digits" (10 MLPs, trained now, in seconds; same
        bytes each time on one machine).

    Raises
    ------
    UnknownNameError, MissingDataError, FileFormatError : no such cohort, no file, a file that was changed.

    Example
    -------
    >>> cohort = load_cohort("faces-and-objects")
    >>> len(cohort), cohort[0].name
    (12, 'faces-and-objects seed 0')
    """
    entry = _entry(name, "cohort")
    if entry["kind"] == "package":
        return _digits_cohort(entry)
    from neurolab.specimen.shipped import shipped_cohort

    example = faces_and_objects(n_per_class=1, n_identities=2, n_objects=2, rng=0).inputs
    return shipped_cohort(data_path(name), entry["architecture"], example, name=name)


def load_specimen(name: str, **settings: Any) -> Specimen:
    """Get one network of the zoo on the bench: a real pretrained one, or an untrained architecture.

    Parameters
    ----------
    name : "efficientnet-lite0", "minilm-l6", "smollm2-135m"; see the rows of kind "specimen" in ``list_datasets()``.
    settings : ``size=112`` (pixels), ``length=24`` (tokens), ``untrained=0`` (fresh weights from this rng, for an
        untrained twin), ``weights=`` and ``sha256=`` (a safetensors file).

    Raises
    ------
    MissingDataError : a package is not installed, with the line to type.
    """
    from neurolab.specimen.zoo import load

    return load(name, **settings)


def load_tokeniser(name: str) -> Tokeniser:
    """Get what turns texts into token ids: ``words(stimuli, length=24)``, as ``load_specimen(name, length=24)``."""
    from neurolab.specimen.zoo import load_tokeniser

    return load_tokeniser(name)


def load_stimuli(name: str, **settings: Any) -> StimulusSet:
    """Get stimuli that no network of the cohort of that name was trained on, or that an installed package holds.

    Parameters
    ----------
    name : "faces-and-objects" (800 drawn pictures, 40 of each of 10 faces and 10 kinds of object, 1 x 32 x 32),
        "digits" (half of scikit-learn's 1,797 handwritten digits, 64 pixels in 0 to 1, conditions "0" to "9"), or
        "digits-train" (the other half, on which the cohort is trained). From packages: "lfw-faces",
        "lfw-faces-and-digits", "fedorenko-2010", "syntaxgym-agreement", "digit-copying", "digit-pairs" (two digits side
        by side), "digits-and-gratings" (two kinds of picture for one network).
    settings : of a set from a package, such as ``size=112``.

    Returns
    -------
    StimulusSet; the same bytes every time.

    Example
    -------
    >>> load_stimuli("faces-and-objects")
    StimulusSet('faces-and-objects': 800 stimuli of shape (1, 32, 32); faces 400, objects 400)
    """
    if name in FOUND:
        return make(FOUND[name].maker, name, settings)
    if name in _PICTURES:
        return _PICTURES[name](data_path(name), **settings)
    _entry(name, "stimuli", FOUND)
    if settings:
        raise UnknownNameError(f"The stimuli {name!r} have no settings; {listed(settings)} were given. Drop them.")
    return _STIMULI[name]()


def load_brain(name: str, **settings: Any) -> xr.DataArray:
    """Get a real brain as a recording, or as RDMs, from the folder that the environment variable NEUROLAB_DATA names.

    Parameters
    ----------
    name : "haxby-2001" (subject 1, 530 voxels), "meg-evoked" (376 channels) or "ninety-two-images" (RDMs of IT).
    settings : of the reader in ``neurolab.brain``: ``haxby.read_haxby`` (blocks, …), ``ninety_two.read_it`` (who).

    Raises
    ------
    MissingDataError : NEUROLAB_DATA is not set, or lacks the files; the message says where they can be had.
    FileFormatError : a file whose sha256 differs from the index.
    """
    _entry(name, "brain")
    return _BRAIN[name](data_path(name), **settings)


def data_path(name: str) -> pathlib.Path:
    """Get where a data set lies, after its sha256 was checked.

    Parameters
    ----------
    name : a data set with files: a shipped weight file, or a folder below NEUROLAB_DATA.

    Returns
    -------
    Path of the file (shipped) or of the folder (external).

    Example
    -------
    >>> data_path("faces-and-objects").name
    'faces-and-objects.safetensors'
    """
    entry = _entry(name)
    if entry["kind"] == "external":
        folder = _external_folder(entry)
        assert folder is not None
        for file, expected in entry["files"].items():
            _check(folder / file, expected, f"Get it again: {entry['get']}.")
        return folder
    if "file" not in entry:
        raise UnknownNameError(f"{name!r} has no file; it is made when loaded. Type {_load_text(name, entry)}.")
    again = f"Install neurolab-lesion again, or type `git checkout datasets/{entry['file']}`."
    return _check(_shipped_folder() / entry["file"], entry["sha256"], again)


def _check(file: pathlib.Path, expected: str, advice: str) -> pathlib.Path:
    if not file.is_file():
        raise MissingDataError(f"{file} is not there; the index of neurolab expects it. {advice}")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise FileFormatError(f"{file} has sha256 {found}; expected {expected}: truncated or changed. {advice}")
    return file


def _shipped_folder() -> pathlib.Path:
    """The wheel's own copy, else the checkout, nowhere else: a folder called datasets may be someone else's."""
    package = pathlib.Path(neurolab.__file__).resolve().parent
    if (package / "_shipped" / "datasets" / "index.json").is_file():
        return package / "_shipped" / "datasets"
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "datasets" / "index.json").is_file():
        return checkout / "datasets"
    raise MissingDataError(
        f"The data that ship with neurolab are neither in {package / '_shipped'} nor in a checkout around it. Type "
        "`pip install --force-reinstall neurolab-lesion`."
    )


def _external_folder(entry: Mapping[str, Any], *, missing_ok: bool = False) -> pathlib.Path | None:
    root = os.environ.get("NEUROLAB_DATA", "")
    folder = path_of(root) / entry["folder"]
    if root and all((folder / file).is_file() for file in entry["files"]):
        return folder
    if missing_ok:
        return None
    lacking = [file for file in entry["files"] if not (root and (folder / file).is_file())]
    given = f"NEUROLAB_DATA={root!r} has no {entry['folder']}/ with" if root else "NEUROLAB_DATA is not set; it lacks"
    raise MissingDataError(
        f"{given} {listed(lacking)}. Get the data ({entry['licence']}; cite {entry['cite']}): {entry['get']}; put them "
        f"in a folder {entry['folder']!r} and type `export NEUROLAB_DATA=` and the folder above it."
    )


def _index() -> dict[str, dict[str, Any]]:
    file = _shipped_folder() / "index.json"
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FileFormatError(f"{file} is not JSON ({error}). Type `git checkout datasets/index.json`.") from error


def _entry(name: str, kind: str | None = None, others: Iterable[str] = ()) -> dict[str, Any]:
    index = _index()
    known = [key for key, entry in index.items() if kind is None or kind in entry["provides"]] + list(others)
    if name not in known:
        other = f" Type {_load_text(name, index[name])}." if name in index else ""
        raise UnknownNameError(
            f"There is no {kind or 'data set'} called {name!r}.{did_you_mean(name, known)} Expected one of "
            f"{listed(sorted(known))}.{other}"
        )
    return index[name]


def _load_text(name: str, entry: Mapping[str, Any]) -> str:
    return " or ".join(f'nl.datasets.load_{kind}("{name}")' for kind in entry["provides"])


def _digits(part: str) -> StimulusSet:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    rows = np.random.default_rng(DIGITS_SEED).permutation(len(labels))
    rows = np.sort(rows[::2] if part == "train" else rows[1::2])
    label = labels[rows].astype(np.int64)
    names, parity = [f"digit-{row:04d}" for row in rows], np.where(label % 2, "odd", "even")
    table = {"stimulus_id": names, "condition": label.astype(str), "label": label, "parity": parity}
    return StimulusSet("digits", (images[rows] / 16).astype(np.float32), pd.DataFrame(table))


def _digits_cohort(entry: Mapping[str, Any]) -> Cohort:
    from neurolab.specimen.architectures import build
    from neurolab.specimen.train import Recipe, train_cohort

    made, architecture = entry["made"], entry["architecture"]
    untrained = partial(build, architecture["name"], **architecture["settings"])
    recipe = Recipe(**made["recipe"])
    return train_cohort(
        untrained, load_stimuli("digits-train"), n=made["n"], recipe=recipe, name="digits", rng=made["rng"]
    )


def _meg_evoked(folder: pathlib.Path, **settings: Any) -> xr.DataArray:
    from neurolab.brain import from_epochs

    return from_epochs(folder / "test-ave.fif.gz", **{"source": "mne-python test-ave.fif.gz", **settings})


def _read(address: str) -> Callable[..., Any]:
    return lambda folder, **settings: make(address, address, {"folder": folder, **settings})


_STIMULI: dict[str, Callable[[], StimulusSet]] = {
    "faces-and-objects": lambda: faces_and_objects(n_per_class=40, rng=0),
    "digits": lambda: _digits("held out"),
    "digits-train": lambda: _digits("train"),
}
_PICTURES = {"ninety-two-images": _read("neurolab.brain.ninety_two:read_pictures")}
_BRAIN: dict[str, Callable[..., xr.DataArray]] = {
    "haxby-2001": _read("neurolab.brain.haxby:read_haxby"), "meg-evoked": _meg_evoked,
    "ninety-two-images": _read("neurolab.brain.ninety_two:read_it"),
}
