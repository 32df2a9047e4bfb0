"""Networks from a local folder that Hugging Face or timm saved: config.json beside safetensors; no pickle."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import torch
from torch import nn

from neurolab.errors import FileFormatError, SpecimenError, listed
from neurolab.packages import require
from neurolab.specimen.causal import CausalReader
from neurolab.specimen.language import SentenceReader
from neurolab.specimen.specimen import Specimen
from neurolab.specimen.transformer import pretrained
from neurolab.specimen.zoo import load_weights
from neurolab.writing import path_of


def from_folder(folder: str | os.PathLike[str], *, length: int = 24, size: int | None = None) -> Specimen:
    """Get a specimen from a folder that transformers (``save_pretrained``) or timm saved on this machine.

    A causal language model becomes prompts (n, length) in, an answer sheet out (see ``CausalReader``); another text
    model gives one unit vector per text; an image model takes (n, channels, size, size) and gives its logits.

    Parameters
    ----------
    folder : with config.json and one or more .safetensors files. Nothing is downloaded, no code of the folder runs.
    length : tokens per prompt. size : pixels; None takes what the config says.

    Raises
    ------
    FileFormatError : files that are missing, truncated, pickled, or whose parameters are not the architecture's.
    MissingDataError : transformers or timm is not installed, with the line to type.
    """
    place = path_of(folder)
    config = _config(place)
    if "architecture" in config and "model_type" not in config:
        return _timm(place, config, size)
    names = config.get("architectures") or []
    if not names or "model_type" not in config:
        raise FileFormatError(
            f"{place.name}/config.json names no architecture (it has {listed(config)}); expected "
            "'architectures' and 'model_type'. Save the model again: model.save_pretrained(folder)."
        )
    model = pretrained(names[0], place)
    made, example = _read_out(model, names[0], config, length, size)
    return Specimen(made, example, name=place.name, output="logits" if made is model else None)


def _config(place: pathlib.Path) -> dict[str, Any]:
    try:
        config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{place} holds no readable config.json ({error}). Save the model there with model.save_pretrained(folder)."
        ) from error
    if not isinstance(config, dict):
        raise FileFormatError(f"{place.name}/config.json is no table of settings. Save the model again.")
    if not list(place.glob("*.safetensors")):
        raise FileFormatError(
            f"{place} holds no .safetensors file, only {listed(file.name for file in place.iterdir())}; "
            "pickled weights (.bin, .pt) run code when opened. Convert them where you trust them: "
            "model.save_pretrained(folder, safe_serialization=True)."
        )
    return config


def _read_out(
    model: nn.Module, name: str, config: dict[str, Any], length: int, size: int | None
) -> tuple[nn.Module, torch.Tensor]:
    pad = next(
        (config[key] for key in ("pad_token_id", "eos_token_id", "bos_token_id") if isinstance(config.get(key), int)), 0
    )
    if "vocab_size" in config:
        reader = CausalReader(model, pad) if _is_causal(name) else SentenceReader(model, pad)
        return reader, torch.arange(1, 1 + length)[None] % config["vocab_size"]
    pixels = size or config.get("image_size")
    if not pixels:
        raise SpecimenError(
            f"{name} is neither a text model (vocab_size) nor an image model (image_size). Load it with "
            "transformers and type nl.Specimen(model, example, output=...)."
        )
    side = (pixels, pixels) if isinstance(pixels, int) else tuple(pixels)
    return model, torch.zeros(1, config.get("num_channels", 3), *side)


def _is_causal(name: str) -> bool:
    return name.endswith(("ForCausalLM", "LMHeadModel"))


def _timm(place: pathlib.Path, config: dict[str, Any], size: int | None) -> Specimen:
    require("timm", what=f"The model in {place.name!r}")
    import timm

    settings = {key: config[key] for key in ("num_classes", "global_pool") if key in config}
    model = timm.create_model(config["architecture"], pretrained=False, **settings | config.get("model_args", {}))
    load_weights(model, place / "model.safetensors")
    channels, *side = (config.get("pretrained_cfg") or config).get("input_size", (3, 224, 224))
    side = [size, size] if size else side
    return Specimen(model.eval().requires_grad_(False), torch.zeros(1, channels, *side), name=place.name)
