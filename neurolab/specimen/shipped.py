"""Trained cohorts from a weight file: one safetensors file, keys ``seed/parameter``, an architecture by name."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from neurolab.errors import FileFormatError, listed
from neurolab.specimen.architectures import build
from neurolab.specimen.specimen import Cohort, Specimen


def shipped_cohort(file: pathlib.Path, architecture: Mapping[str, Any], example: np.ndarray, *, name: str) -> Cohort:
    """Get the trained networks that a weight file holds, in evaluation mode, on the CPU.

    Parameters
    ----------
    file : safetensors file whose keys are ``seed/parameter``. Nothing in it can run.
    architecture : ``{"name": a name in ARCHITECTURES, "settings": {...}}``.
    example : inputs (n, ...) that the networks take.
    name : of the cohort; its specimens are called "name seed 0" and so on.

    Raises
    ------
    FileFormatError : a file that is no safetensors file, or whose parameters are not the architecture's.
    """
    try:
        weights = load_file(file)
    except (SafetensorError, OSError) as error:
        raise FileFormatError(
            f"{file.name} cannot be read as safetensors ({error}); it may be truncated. Install neurolab again, or "
            f"type `git checkout datasets/{file.name}`."
        ) from error
    seeds = sorted({key.split("/", 1)[0] for key in weights}, key=lambda seed: (len(seed), seed))
    networks = (_network(file, architecture, weights, seed) for seed in seeds)
    specimens = (Specimen(net, example, name=f"{name} seed {seed}") for seed, net in zip(seeds, networks))
    return Cohort(tuple(specimens), name)


def _network(
    file: pathlib.Path, architecture: Mapping[str, Any], weights: Mapping[str, torch.Tensor], seed: str
) -> torch.nn.Module:
    network = build(architecture["name"], **architecture["settings"])
    own = {key.split("/", 1)[1]: value for key, value in weights.items() if key.startswith(f"{seed}/")}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise FileFormatError(
            f"{file.name}: the parameters of {seed!r} are {listed(own)}; expected those of {architecture['name']!r} "
            f"({listed(network.state_dict())}). Train the file again with the script that the index names."
        ) from error
    return network.eval().requires_grad_(False)
