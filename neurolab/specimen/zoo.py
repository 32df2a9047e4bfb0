"""Networks by name, and a user's own: one entry in one table adds another. Weights are safetensors, never a pickle."""

from __future__ import annotations

import hashlib
import importlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from neurolab.catalogue import LOADERS, entry_of, make
from neurolab.chance import RNG, rng_name
from neurolab.errors import FileFormatError, SpecimenError, UnknownNameError, did_you_mean, listed
from neurolab.packages import require
from neurolab.specimen.architectures import build
from neurolab.specimen.leaves import Selector
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.untrained import redraw
from neurolab.writing import path_of

if TYPE_CHECKING:
    from neurolab.specimen.tokens import Tokeniser

#: Suffixes of files that can run code when they are opened.
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib", ".npy", ".npz")


@dataclass(frozen=True)
class Made:
    """What a loader gives: the model, a batch of its inputs, and how its read-out is chosen."""

    model: nn.Module
    example: Any
    output: Selector = None


def two_task_cnn(**settings: Any) -> Made:
    """Get the untrained network of the shipped cohort, for 1 x 32 x 32 drawings."""
    return Made(build("two_task_cnn", **settings), torch.zeros(1, 1, 32, 32))


def digits_mlp(*, hidden: int = 64, n_classes: int = 10) -> Made:
    """Get an untrained network for the digits: 64 pixels, two hidden layers, ten names."""
    model = nn.Sequential(
        nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden // 2), nn.ReLU(), nn.Linear(hidden // 2, n_classes)
    )
    return Made(model, torch.zeros(1, 64))


def load(
    name: str,
    *,
    weights: str | os.PathLike[str] | None = None,
    sha256: str = "",
    untrained: RNG | None = None,
    **settings: Any,
) -> Specimen:
    """Get a network of the zoo as a specimen.

    Parameters
    ----------
    name : in ``LOADERS``. weights : safetensors file to fill it with instead; sha256 : its checksum.
    untrained : integer or Generator: draw fresh weights from it, for an untrained twin of the same architecture.
    settings : of its loader, e.g. ``size=112`` (pixels) or ``length=24`` (tokens).

    Raises
    ------
    UnknownNameError : no such network. MissingDataError : a package is missing, with the line to type.

    Example
    -------
    >>> load("digits").sites()["output"].shape
    (10,)
    """
    entry = entry_of(name)
    require(*entry.needs, what=f"The specimen {name!r}")
    made = make(entry.loader, name, settings)
    if weights is not None:
        load_weights(made.model, weights, sha256=sha256)
    if untrained is not None:
        redraw(made.model, rng=untrained)
    title = name if untrained is None else f"{name} untrained {rng_name(untrained)}"
    return Specimen(made.model.eval(), made.example, name=title, output=made.output)


def load_tokeniser(name: str) -> Tokeniser:
    """Get what turns text into token ids for a language model of the zoo.

    Raises
    ------
    UnknownNameError : no such network, or one that takes no text. MissingDataError : a package is missing.
    """
    entry = entry_of(name)
    if not entry.words:
        speaking = [key for key, other in LOADERS.items() if other.words]
        raise UnknownNameError(f"{name!r} takes no text, so it has no tokeniser. Those that do: {listed(speaking)}.")
    require(*entry.needs, what=f"The tokeniser of {name!r}")
    return make(entry.words, name, {})


def load_weights(model: nn.Module, path: str | os.PathLike[str], *, sha256: str = "") -> nn.Module:
    """Fill a model from a safetensors file: all of it or nothing.

    sha256 : expected checksum of the file; "" skips the check.

    Raises
    ------
    FileFormatError : a pickle, a truncated file, a wrong checksum, or parameters that are not the model's.
    """
    file = path_of(path)
    if file.suffix.lower() in PICKLES:
        raise FileFormatError(
            f"{file.name} is a pickle or can hold one, which runs code when opened; expected .safetensors. Convert it "
            f"where "
            "you trust it: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')."
        )
    if not file.is_file():
        raise FileFormatError(f"{file} does not exist; expected a .safetensors file.")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if sha256 and found != sha256:
        raise FileFormatError(
            f"{file.name} has sha256 {found}, expected {sha256}: another or a damaged file. Get it again."
        )
    try:
        state = load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise FileFormatError(
            f"{file.name} cannot be read as safetensors ({error}); it is truncated or of another format. Get it again."
        ) from error
    own = model.state_dict()
    shapes = [{name: tuple(tensor.shape) for name, tensor in one.items()} for one in (own, state)]
    odd = sorted(name for name in {*own, *state} if shapes[0].get(name) != shapes[1].get(name))
    if odd:
        raise FileFormatError(
            f"{file.name} does not fit {type(model).__name__}: {listed(odd, most=4)} are missing, extra or of another "
            f"shape. "
            "Nothing was loaded; build the architecture that the file was saved from."
        )
    model.load_state_dict(state)
    return model


def from_factory(
    address: str, *, example: Any, weights: str | os.PathLike[str] | None = None, sha256: str = "", **settings: Any
) -> Specimen:
    """Get a specimen from your own code, named as ``"module:factory"``.

    Parameters
    ----------
    address : importable module and the function in it that makes the model.
    example : a batch of inputs (n, ...).
    weights : safetensors file to fill it with. settings : passed to the factory.

    Example
    -------
    >>> from_factory("torch.nn:Linear", example=[[0.0, 0.0]], in_features=2, out_features=1).name
    'torch.nn:Linear'
    """
    module_name, _, name = address.partition(":")
    if not name:
        raise UnknownNameError(f"{address!r} is not an address; expected 'module:factory', e.g. 'my_models:build'.")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UnknownNameError(f"Module {module_name!r} cannot be imported ({error}); is it on the path?") from error
    if not hasattr(module, name):
        raise UnknownNameError(f"{module_name!r} has no {name!r}.{did_you_mean(name, dir(module))}")
    model = getattr(module, name)(**settings)
    if not isinstance(model, nn.Module):
        raise SpecimenError(f"{address!r} made a {type(model).__name__}; expected a torch.nn.Module.")
    if weights is not None:
        load_weights(model, weights, sha256=sha256)
    return Specimen(model, example, name=address)
