"""A Llama in plain torch, with Hugging Face's names for its parts: what a GGUF file of that architecture holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from neurolab.errors import DataError, FileFormatError, listed
from neurolab.specimen.causal import answer_sheet, positions, real_tokens
from neurolab.specimen.gguf import GGUF


@dataclass(frozen=True)
class LlamaShape:
    """The sizes of a Llama."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    window: int
    rope_base: float = 10_000.0
    epsilon: float = 1e-5
    pad: int = 0


class RMSNorm(nn.Module):
    """x / rms(x) * weight."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Get x normalised over its last axis."""
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon))


class Kept:
    """The keys and values of one layer for the tokens so far: the cache of a generation."""

    def __init__(self) -> None:
        self.held: tuple[torch.Tensor, ...] = ()

    def extended(self, *new: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Get keys and values of all tokens, the new ones last; they are kept."""
        self.held = tuple(torch.cat(pair, dim=2) for pair in zip(self.held, new)) if self.held else new
        return self.held


class Attention(nn.Module):
    """Grouped-query attention with rotary positions; ``o_proj`` reads the heads side by side."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.num_heads, self.num_key_value_heads = shape.heads, shape.kv_heads
        self.head_dim = shape.width // shape.heads
        self.q_proj = nn.Linear(shape.width, shape.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(shape.heads * self.head_dim, shape.width, bias=False)

    def forward(
        self, x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor], seen: torch.Tensor, kept: Kept | None = None
    ) -> torch.Tensor:
        """Get what the heads give back (n, length, width); ``seen`` (n, 1, length, so far) says who sees whom."""
        n, length, _ = x.shape
        q, k, v = (
            part(x).view(n, length, -1, self.head_dim).transpose(1, 2)
            for part in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = _turned(q, *turn), _turned(k, *turn)
        k, v = kept.extended(k, v) if kept else (k, v)
        group = self.num_heads // self.num_key_value_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        return self.o_proj(mixed.transpose(1, 2).reshape(n, length, -1))


def _turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary positions: the first and the second half of a head are the two coordinates that are turned."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


class MLP(nn.Module):
    """down(silu(gate(x)) * up(x))."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.width, bias=False)
        self.act_fn = nn.SiLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Get the update of the residual stream."""
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """One block: the residual stream plus attention, plus the MLP, each behind its norm."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = MLP(shape)
        self.input_layernorm = RMSNorm(shape.width, shape.epsilon)
        self.post_attention_layernorm = RMSNorm(shape.width, shape.epsilon)

    def forward(
        self, x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor], seen: torch.Tensor, kept: Kept | None = None
    ) -> torch.Tensor:
        """Get the residual stream after this block."""
        x = x + self.self_attn(self.input_layernorm(x), turn, seen, kept)
        return x + self.mlp(self.post_attention_layernorm(x))


class Stack(nn.Module):
    """Embedding, blocks and the last norm."""

    def __init__(self, shape: LlamaShape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.epsilon)

    def forward(self, ids: torch.Tensor, real: torch.Tensor, cache: Sequence[Kept] = ()) -> torch.Tensor:
        """Get the normed residual stream (n, new, width) of the last tokens of prompts whose real ones are marked."""
        x = self.embed_tokens(ids)
        new, so_far = ids.shape[1], real.shape[1]
        half = self.shape.width // self.shape.heads // 2
        speed = self.shape.rope_base ** (-torch.arange(half, device=ids.device, dtype=torch.float32) / half)
        angle = (positions(real)[:, -new:, None] * speed).repeat(1, 1, 2)[:, None]
        turn = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        before = torch.ones(so_far, so_far, dtype=torch.bool, device=ids.device).tril()
        itself = torch.eye(so_far, dtype=torch.bool, device=ids.device)  # padding sees itself: no row is empty
        seen = ((before & real[:, None, :]) | itself)[:, None, -new:]
        for number, layer in enumerate(self.layers):
            x = layer(x, turn, seen, cache[number] if cache else None)
        return self.norm(x)


class Llama(nn.Module):
    """A causal language model: prompts (n, length) in, an answer sheet (n, vocabulary + length) out.

    Prompts are padded on the left with ``shape.pad``; padding never changes a result at a real token. ``lm_head``
    shares its weights with ``model.embed_tokens``. ``read="logits"`` gives the plain logits (n, length, vocabulary).

    Example
    -------
    >>> small = Llama(LlamaShape(vocabulary=11, width=8, inner=12, layers=1, heads=2, kv_heads=1, window=16))
    >>> tuple(small(torch.tensor([[0, 0, 3, 4]])).shape)
    (1, 15)
    """

    def __init__(self, shape: LlamaShape, *, read: str = "sheet") -> None:
        super().__init__()
        self.shape, self.read = shape, read
        self.model = Stack(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.lm_head.weight = self.model.embed_tokens.weight

    @property
    def answers_sheet(self) -> bool:
        """Whether the read-out is a sheet, whose last columns are surprisals and no tokens."""
        return self.read == "sheet"

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Get the answer sheet (or the logits) of prompts (n, length)."""
        self._check_window(ids.shape[1])
        real = real_tokens(ids, self.shape.pad)
        logits = self.lm_head(self.model(ids, real))
        return logits if self.read == "logits" else answer_sheet(logits, ids, real)


    def step(self, ids: torch.Tensor, cache: Any = None) -> tuple[torch.Tensor, Any]:
        """Get the logits (n, new, vocabulary) of new tokens (n, new), and the cache to hand in with the next ones."""
        real = real_tokens(ids, self.shape.pad) if cache is None else torch.cat(
            [cache[0], torch.ones_like(ids, dtype=torch.bool)], dim=1)
        self._check_window(real.shape[1])
        kept = [Kept() for _ in self.model.layers] if cache is None else cache[1]
        return self.lm_head(self.model(ids, real, kept)), (real, kept)

    def _check_window(self, length: int) -> None:
        if length > self.shape.window:
            raise DataError(f"The text has {length} tokens; the model's window is {self.shape.window}. Shorten it.")


#: Names inside a block: GGUF -> here.
PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def shape_of(file: GGUF) -> LlamaShape:
    """Get the sizes that a GGUF file states; raises FileFormatError for another architecture or missing keys."""
    architecture = file.value("general.architecture", str)
    if architecture != "llama":
        raise FileFormatError(
            f"{file.path.name} holds the architecture {architecture!r}; this reader builds 'llama'. Get a Llama, or "
            "export the model to safetensors and type nl.specimen.from_folder(folder)."
        )
    heads = file.value("llama.attention.head_count", int)
    shape = LlamaShape(
        vocabulary=len(file.value("tokenizer.ggml.tokens", list)),
        width=file.value("llama.embedding_length", int),
        inner=file.value("llama.feed_forward_length", int),
        layers=file.value("llama.block_count", int),
        heads=heads,
        kv_heads=int(file.metadata.get("llama.attention.head_count_kv", heads)),
        window=file.value("llama.context_length", int),
        rope_base=float(file.metadata.get("llama.rope.freq_base", 10_000.0)),
        epsilon=file.value("llama.attention.layer_norm_rms_epsilon", float),
        pad=int(file.metadata.get("tokenizer.ggml.padding_token_id", 0)),
    )
    sizes = (shape.width, shape.inner, shape.layers, shape.kv_heads, shape.window, heads)
    if min(sizes) < 1 or shape.width % (2 * heads) or heads % shape.kv_heads:
        raise FileFormatError(
            f"{file.path.name} states the sizes {shape}, which do not fit each other; it is damaged. Get it again."
        )
    return shape


def llama_from_gguf(file: GGUF) -> Llama:
    """Get the model of a GGUF file, in float32 and evaluation mode: all of its tensors or none.

    Raises
    ------
    FileFormatError : another architecture, missing or strange tensors.
    """
    shape = shape_of(file)
    with torch.device("meta"):
        model = Llama(shape)
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    source = {_here(name): name for name in file.tensors}
    odd = [
        name
        for name in {*wanted, *source}
        if name not in source or wanted.get(name) != file.tensors[source[name]].shape
    ]
    if odd:
        raise FileFormatError(
            f"{file.path.name}: {listed(sorted(odd), most=4)} are missing, extra or of another shape for {shape}. "
            "Nothing was loaded; get the file again, or another export of the model."
        )
    state = {name: torch.from_numpy(_weights(file, source[name], shape)) for name in wanted}
    model.load_state_dict(state | {"lm_head.weight": state["model.embed_tokens.weight"]}, assign=True)
    model.lm_head.weight = model.model.embed_tokens.weight
    return model.eval().requires_grad_(False)


def _here(name: str) -> str:
    """A tensor's name in this module; an unknown one stays as it is, and is refused as extra."""
    outer = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    kind, _, rest = name.partition(".")
    block, _, part = rest.partition(".")
    stem, _, last = part.partition(".")
    if kind == "blk" and stem in PARTS:
        return f"model.layers.{block}.{PARTS[stem]}.{last}"
    return outer.get(name, name)


def _weights(file: GGUF, name: str, shape: LlamaShape) -> np.ndarray:
    values = file.read(name)
    heads = {"attn_q": shape.heads, "attn_k": shape.kv_heads}.get(name.split(".")[-2], 0)
    if not heads:
        return values
    # GGUF keeps the two coordinates of a rotation side by side; here (as in Hugging Face) they are the head's halves
    paired = values.reshape(heads, len(values) // heads // 2, 2, -1)
    return np.ascontiguousarray(paired.swapaxes(1, 2).reshape(values.shape))
