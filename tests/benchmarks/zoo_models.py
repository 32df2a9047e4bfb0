"""The zoo of E1: small networks of many families, random weights by a fixed seed; hostile ones among them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from . import networks

N = 6


@dataclass(frozen=True)
class Animal:
    """One network of the zoo. ids : stimuli are that many words, else noise. needs : a package it comes from."""

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    ids: int = 0
    output: Any = None
    feed: Any = None
    needs: str = ""

    def inputs(self) -> np.ndarray:
        """Get six stimuli."""
        stream = np.random.default_rng(0)
        if self.ids:
            return stream.integers(1, self.ids, (N, *self.shape))
        return stream.standard_normal((N, *self.shape), dtype=np.float32)

    @property
    def here(self) -> bool:
        """Whether what it needs is installed."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None


class Wild(nn.Module):
    """Parts and a forward in one line."""

    def __init__(self, forward: Callable, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.habit = forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.habit(self, x)


def of_transformers(model: str, config: str, **settings: Any) -> Callable[[], nn.Module]:
    """Get what builds a tiny model of a class of the package transformers."""

    def build() -> nn.Module:
        import transformers

        return getattr(transformers, model)(getattr(transformers, config)(**settings))

    return build


TEXT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 50}
WORDS = {"ids": 50, "output": "logits", "feed": lambda ids: {"input_ids": ids}, "needs": "transformers"}
PIXELS = {"output": "logits", "feed": lambda x: {"pixel_values": x}, "needs": "transformers"}
SOUND = {"output": "logits", "feed": lambda x: {"input_values": x}, "needs": "transformers"}
GPT2 = {"n_layer": 2, "n_embd": 32, "n_head": 4, "vocab_size": 50, "n_positions": 16}
MIXED = {**TEXT, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "num_key_value_heads": 2,
         "shared_expert_intermediate_size": 16, "decoder_sparse_step": 1}  # fmt: skip
WAVES = {**TEXT, "conv_dim": (16, 16), "conv_kernel": (10, 3), "conv_stride": (5, 2), "num_feat_extract_layers": 2,
         "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2}  # fmt: skip


def _branching(self: Wild, x: torch.Tensor) -> torch.Tensor:
    hidden = torch.relu(self.inner(x))
    return self.head(hidden) if float(hidden.sum()) > 0 else self.head(hidden * 2)


def _through_numpy(self: Wild, x: torch.Tensor) -> torch.Tensor:
    return self.head(torch.from_numpy(np.tanh(self.inner(x).numpy())))


def _in_place(self: Wild, x: torch.Tensor) -> torch.Tensor:
    hidden = self.inner(x)
    hidden.add_(1.0)
    return self.head(self.relu(hidden))


def _stepping(self: Wild, x: torch.Tensor) -> torch.Tensor:
    state = torch.zeros(len(x), 8)
    for at in range(x.shape[1]):
        state = self.cell(x[:, at], state)
    return self.head(state)


def _routed(self: Wild, x: torch.Tensor) -> torch.Tensor:
    hidden = self.inner(x)
    chosen = self.router(hidden).argmax(-1)
    out = torch.zeros(len(x), 6)
    for at, expert in enumerate((self.one, self.two)):
        mine = chosen == at
        if mine.any():
            out[mine] = expert(hidden[mine])
    return self.head(out)


def _compared(self: Wild, x: torch.Tensor) -> torch.Tensor:
    hidden = self.inner(x)
    return self.head(hidden + torch.cdist(hidden, hidden).mean(1, keepdim=True))


def _twice(self: Wild, x: torch.Tensor) -> torch.Tensor:
    return self.head(self.relu(self.middle(self.relu(self.inner(x)))))


def _gated(self: Wild, x: torch.Tensor) -> torch.Tensor:
    return self.head(functional.silu(self.gate(x)) * self.up(x))


def _dense(*sizes: int) -> dict[str, nn.Module]:
    return {"inner": nn.Linear(4, 6), "head": nn.Linear(6, 3)} if not sizes else {"head": nn.Linear(*sizes)}


def _encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(80, 3))


def _lstm(self: Wild, x: torch.Tensor) -> torch.Tensor:
    return self.head(self.lstm(x)[0][:, -1])


def _convolved() -> nn.Module:
    parts = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, groups=8),
             nn.Conv2d(8, 12, 1), nn.Hardswish(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(48, 5)]  # fmt: skip
    return nn.Sequential(*parts)


ZOO: tuple[Animal, ...] = (
    Animal("perceptron", lambda: networks.perceptron(16), (784,)),
    Animal("ResNet-18", lambda: networks.ResNet(4, 7), (3, 64, 64)),
    Animal("GPT-2 in plain torch", lambda: networks.GPT(2, 64, 50, 8), (8,), ids=50),
    Animal("grouped convolutions, ReLU in place", _convolved, (3, 12, 12)),
    Animal("nn.TransformerEncoder", _encoder, (5, 16)),
    Animal("nn.LSTM", lambda: Wild(_lstm, lstm=nn.LSTM(4, 8, batch_first=True), **_dense(8, 3)), (5, 4)),
    Animal("a cell in a loop", lambda: Wild(_stepping, cell=nn.GRUCell(4, 8), **_dense(8, 3)), (5, 4)),
    Animal("one ReLU twice", lambda: Wild(_twice, **_dense(), middle=nn.Linear(6, 6), relu=nn.ReLU()), (4,)),
    Animal("gated units", lambda: Wild(_gated, gate=nn.Linear(4, 6), up=nn.Linear(4, 6), **_dense(6, 3)), (4,)),
    Animal("writes in place", lambda: Wild(_in_place, **_dense(), relu=nn.ReLU(inplace=True)), (4,)),
    Animal("an if on data", lambda: Wild(_branching, **_dense()), (4,)),
    Animal("numpy inside", lambda: Wild(_through_numpy, **_dense()), (4,)),
    Animal("experts behind a router", lambda: Wild(_routed, **_dense(), router=nn.Linear(6, 2), one=nn.Linear(6, 6),
                                                   two=nn.Linear(6, 6)), (4,)),
    Animal("stimuli compared in a batch", lambda: Wild(_compared, **_dense()), (4,)),
    Animal("transformers GPT-2", of_transformers("GPT2LMHeadModel", "GPT2Config", **GPT2), (8,), **WORDS),
    Animal("transformers BERT", of_transformers("BertForSequenceClassification", "BertConfig", **TEXT), (8,), **WORDS),
    Animal("transformers Llama", of_transformers("LlamaForCausalLM", "LlamaConfig", **TEXT, num_key_value_heads=2),
           (8,), **WORDS),
    Animal("transformers Qwen2-MoE", of_transformers("Qwen2MoeForCausalLM", "Qwen2MoeConfig", **MIXED), (8,), **WORDS),
    Animal("transformers Mamba", of_transformers("MambaForCausalLM", "MambaConfig", hidden_size=32, vocab_size=50,
                                                 num_hidden_layers=2, state_size=4), (8,), **WORDS),
    Animal("transformers ViT", of_transformers("ViTForImageClassification", "ViTConfig", image_size=16, patch_size=8,
                                               **TEXT), (3, 16, 16), **PIXELS),
    Animal("transformers ConvNeXt", of_transformers("ConvNextForImageClassification", "ConvNextConfig", depths=[1, 1],
                                                    hidden_sizes=[8, 16], num_stages=2), (3, 32, 32), **PIXELS),
    Animal("transformers ResNet", of_transformers("ResNetForImageClassification", "ResNetConfig", embedding_size=8,
                                                  hidden_sizes=[8, 16], depths=[1, 1]), (3, 32, 32), **PIXELS),
    Animal("transformers wav2vec 2.0", of_transformers("Wav2Vec2ForSequenceClassification", "Wav2Vec2Config", **WAVES),
           (400,), **SOUND),
)  # fmt: skip
