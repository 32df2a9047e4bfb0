"""The networks of the workloads in plain torch: a small perceptron, a ResNet-18, a GPT-2; weights by fixed seeds."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from neurolab.stimuli import StimulusSet


def perceptron(hidden: int = 512) -> nn.Sequential:
    """Get a 784-hidden-hidden-10 perceptron with two ReLUs, untrained."""
    torch.manual_seed(0)
    parts = [("fc1", nn.Linear(784, hidden)), ("relu1", nn.ReLU()), ("fc2", nn.Linear(hidden, hidden))]
    return nn.Sequential(OrderedDict([*parts, ("relu2", nn.ReLU()), ("fc3", nn.Linear(hidden, 10))])).eval()


def digits(n: int) -> StimulusSet:
    """Get handwritten digits of scikit-learn, enlarged to 28 x 28, each with a little noise of its own."""
    from sklearn.datasets import load_digits

    found = load_digits()
    stream = np.random.default_rng(0)
    rows = stream.permutation(np.arange(n) % len(found.target))
    small = found.images[rows].astype(np.float32) / 16
    pixels = np.pad(np.kron(small, np.ones((1, 3, 3), np.float32)), ((0, 0), (2, 2), (2, 2)))
    pixels += stream.normal(scale=0.1, size=pixels.shape).astype(np.float32)
    return named("digits", pixels.reshape(n, 784), found.target[rows])


def named(name: str, inputs: np.ndarray, label: np.ndarray | None = None) -> StimulusSet:
    """Get stimuli with numbers for names."""
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(len(inputs))], "condition": "all"})
    return StimulusSet(name, inputs, table if label is None else table.assign(label=label.astype(np.int64)))


def trained(model: nn.Module, stimuli: StimulusSet, steps: int = 150) -> nn.Module:
    """Train a classifier briefly, on one batch after another."""
    torch.manual_seed(1)
    x, y = torch.tensor(np.asarray(stimuli.inputs)), torch.tensor(stimuli.table["label"].to_numpy())
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(steps):
        rows = (torch.arange(64) + 64 * step) % len(x)
        optimiser.zero_grad()
        functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimiser.step()
    return model.eval().requires_grad_(False)


# -- a ResNet-18 -------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; both ReLUs are sites."""

    def __init__(self, ins: int, outs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(ins, outs, 3, stride, 1, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm2d(outs), nn.ReLU()
        self.conv2 = nn.Conv2d(outs, outs, 3, 1, 1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(outs), nn.ReLU()
        self.down: nn.Module | None = None
        if stride > 1 or ins != outs:
            self.down = nn.Sequential(nn.Conv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        straight = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(straight + (x if self.down is None else self.down(x)))


class ResNet(nn.Module):
    """ResNet-18: a 7 x 7 stem, four pairs of blocks of 64 to 512 channels (``width`` to 8 ``width``), a linear head."""

    def __init__(self, width: int = 64, n_classes: int = 1000) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn, self.relu, self.pool = nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        blocks, ins = [], width
        for stage in range(4):
            outs = width * 2**stage
            blocks += [Block(ins, outs, 1 + (stage > 0)), Block(outs, outs, 1)]
            ins = outs
        self.blocks = nn.ModuleList(blocks)
        self.fc = nn.Linear(ins, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.relu(self.bn(self.conv(x))))
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean((2, 3)))


def resnet(width: int = 64) -> ResNet:
    """Get a ResNet-18 with random weights, its batch norms set to noise pictures."""
    torch.manual_seed(0)
    model = ResNet(width).train()
    with torch.no_grad():
        for _ in range(4):
            model(torch.randn(16, 3, 64, 64))
    return model.eval().requires_grad_(False)


def pictures(n: int) -> StimulusSet:
    """Get noise pictures of 64 x 64."""
    return named("noise", np.random.default_rng(0).standard_normal((n, 3, 64, 64), dtype=np.float32))


# -- a GPT-2 -----------------------------------------------------------------------------------------------------------


class Layer(nn.Module):
    """Attention and a perceptron, each behind a layer norm and beside the residual stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc, self.act, self.proj = nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, tokens, width = x.shape
        query, key, value = self.qkv(self.ln1(x)).view(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.join(seen.transpose(1, 2).reshape(n, tokens, width))
        return x + self.proj(self.act(self.fc(self.ln2(x))))


class GPT(nn.Module):
    """A decoder of the size of GPT-2-small unless told otherwise; answers with the logits behind the last token."""

    def __init__(self, layers: int = 12, width: int = 768, words: int = 50_257, tokens: int = 64) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(tokens, width)
        self.layers = nn.ModuleList(Layer(width, width // 64) for _ in range(layers))
        self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.words(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for layer in self.layers:
            x = layer(x)
        return self.head(self.ln(x)[:, -1])


def gpt(layers: int = 12, width: int = 768, words: int = 50_257) -> GPT:
    """Get a decoder with random weights."""
    torch.manual_seed(0)
    return GPT(layers, width, words).eval().requires_grad_(False)


def sentences(n: int, words: int, tokens: int = 64) -> StimulusSet:
    """Get rows of random words."""
    return named("words", np.random.default_rng(0).integers(0, words, (n, tokens)))
