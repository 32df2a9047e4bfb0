"""A Hugging Face model from a local folder: all of its parameters or an error; nothing is downloaded or run."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError
from torch import nn

from neurolab.errors import FileFormatError, SpecimenError, UnknownNameError, did_you_mean, listed
from neurolab.packages import require


def pretrained(architecture: str, folder: pathlib.Path) -> nn.Module:
    """Get the model that transformers calls by this name, with the folder's weights in float32, in evaluation mode.

    Raises
    ------
    UnknownNameError : transformers has no such class.
    FileFormatError : a truncated file, missing, extra or misshaped parameters; nothing is half-loaded.
    """
    require("transformers", what=f"The model in {folder.name!r}")
    with _offline_and_quiet():
        import transformers

        if not hasattr(transformers, architecture):
            raise UnknownNameError(
                f"transformers has no {architecture!r}.{did_you_mean(architecture, dir(transformers))} "
                "Code inside the folder is never run; use a model that transformers knows."
            )
        try:
            model, seen = getattr(transformers, architecture).from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True, dtype="float32"
            )
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise FileFormatError(
                f"{folder} cannot be loaded as {architecture} ({type(error).__name__}: {error}). Get "
                "the folder again, nothing was loaded."
            ) from error
    odd = sorted({str(key) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in seen[kind]})
    if odd:
        raise FileFormatError(
            f"The weights in {folder.name!r} are not those of {architecture}: {listed(odd, most=4)} are "
            "missing, extra or of another shape. Nothing was loaded; get the folder again."
        )
    if not isinstance(model, nn.Module):
        raise SpecimenError(f"{architecture} made a {type(model).__name__}; expected a torch.nn.Module.")
    return model.eval().requires_grad_(False)


@contextmanager
def _offline_and_quiet() -> Iterator[None]:
    """Keep transformers from the network and from drawing bars; both settings are given back."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            logging.enable_progress_bar()
        if before is None:
            os.environ.pop("HF_HUB_OFFLINE")
        else:
            os.environ["HF_HUB_OFFLINE"] = before
