"""The networks that ship: small architectures under names, so that a weight file can be opened again without pickle."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed


class TwoTaskCNN(nn.Module):
    """A small convolutional network that names faces and objects through one softmax.

    Three 3 x 3 convolutions with ReLU (max pooling after the first two), the mean of each channel over space, and one
    linear read-out over all identities and categories. Both tasks share every layer: whatever segregation
    there is was learnt, not built in. ``features.6`` is the last convolution, the site to cut.

    Parameters
    ----------
    n_classes : identities and object categories together.
    channels : of the three convolutions.

    Source
    ------
    The dual-task idea of Dobs, Martinez, Kell & Kanwisher 2022, https://doi.org/10.1126/sciadv.abl8913

    Example
    -------
    >>> TwoTaskCNN()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 20])
    """

    def __init__(self, n_classes: int = 20, channels: tuple[int, int, int] = (16, 32, 128)) -> None:
        super().__init__()
        early, middle, late = channels
        self.features = nn.Sequential(
            nn.Conv2d(1, early, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(early, middle, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(middle, late, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(late, n_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Get logits (n, n_classes) for images (n, 1, height, width)."""
        return self.classifier(self.features(images))


def digits_mlp(n_pixels: int = 64, n_hidden: tuple[int, int] = (64, 32), n_classes: int = 10) -> nn.Sequential:
    """Get an untrained perceptron with two hidden layers ("1" and "3" after their ReLU) for 8 x 8 digits.

    Example
    -------
    >>> digits_mlp()(torch.zeros(2, 64)).shape
    torch.Size([2, 10])
    """
    first, second = n_hidden
    return nn.Sequential(
        nn.Linear(n_pixels, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, n_classes)
    )


def mlp(*sizes: int, batch_norm: bool = False) -> nn.Sequential:
    """Get an untrained perceptron with a ReLU behind every hidden layer, for any data of a row of numbers each.

    Parameters
    ----------
    sizes : inputs, hidden units of each layer, outputs. ``functools.partial(mlp, 64, 128, 128, 10)`` is a ``build`` for
        ``train_cohort``. The hidden layers' sites are "1", "3", ... ("2", "5", ... with batch norms).
    batch_norm : normalise every hidden layer over the batch, before its ReLU.

    Raises
    ------
    DesignError : fewer than two sizes, or a size below 1.

    Example
    -------
    >>> mlp(64, 32, 10)(torch.zeros(2, 64)).shape
    torch.Size([2, 10])
    """
    if len(sizes) < 2 or any(int(size) != size or size < 1 for size in sizes):
        raise DesignError(f"mlp{sizes} was asked for; expected at least inputs and outputs, each 1 or more. Type "
                          "mlp(64, 128, 128, 10).")
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes[:-1]):
        norm = [nn.BatchNorm1d(after)] if batch_norm else []  # whose shift stands in for the layer's bias
        layers += [nn.Linear(before, after, bias=not batch_norm), *norm, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


#: Name in ``datasets/index.json`` -> what builds the untrained network.
ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"two_task_cnn": TwoTaskCNN, "digits_mlp": digits_mlp}


def build(architecture: str, **settings: Any) -> nn.Module:
    """Get an untrained network of a named architecture.

    Parameters
    ----------
    architecture : a name in ``ARCHITECTURES``.
    settings : what its constructor takes.

    Example
    -------
    >>> type(build("two_task_cnn", n_classes=4)).__name__
    'TwoTaskCNN'
    """
    if architecture not in ARCHITECTURES:
        raise UnknownNameError(
            f"The architecture {architecture!r} was given; expected one of {listed(ARCHITECTURES)}."
            f"{did_you_mean(architecture, ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture](**settings)


def initialise(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """Get the same network with fresh weights from ``generator`` alone: He normal weights, zero biases.

    Source
    ------
    He, Zhang, Ren & Sun 2015, https://doi.org/10.1109/ICCV.2015.123

    Example
    -------
    >>> a, b = (initialise(TwoTaskCNN(), torch.Generator().manual_seed(0)) for _ in range(2))
    >>> bool((a.features[0].weight == b.features[0].weight).all())
    True
    """
    for parameter in network.parameters():
        with torch.no_grad():
            if parameter.ndim > 1:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)
            else:
                parameter.zero_()
    return network
