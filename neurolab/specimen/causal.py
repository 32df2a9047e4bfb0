"""What a language model answers with: one flat sheet per prompt, from which every language score reads."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurolab.errors import DataError, SpecimenError


def real_tokens(ids: torch.Tensor, pad: int) -> torch.Tensor:
    """Get which tokens (n, length) are real: all from the first that is not padding; prompts are padded on the left.

    Raises DataError where a prompt ends with padding, for then it was padded on the right, or is empty.

    Example
    -------
    >>> real_tokens(torch.tensor([[2, 2, 7, 2, 5]]), pad=2).tolist()
    [[False, False, True, True, True]]
    """
    if not torch.compiler.is_exporting():  # a graph asks no questions
        _check_last(ids, pad)
    return (ids != pad).cumsum(dim=1) > 0


def _check_last(ids: torch.Tensor, pad: int) -> None:
    """Raise DataError where a prompt ends with padding."""
    ends = torch.nonzero(ids[:, -1] == pad)
    if len(ends):
        raise DataError(
            f"Prompt {int(ends[0])} ends with the padding token {pad}: it is empty, or padded on the right; expected "
            "padding on the left, where the last token is real. Type words(stimuli) with the model's tokeniser."
        )


def positions(real: torch.Tensor) -> torch.Tensor:
    """Get each token's position in its own prompt: 0 at the first real one, and in the padding."""
    return (real.long().cumsum(dim=1) - 1).clamp(min=0)


def answer_sheet(logits: torch.Tensor, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Get the sheet (n, vocabulary + length) of some prompts.

    Columns 0 to V - 1 are the logits of the token that would come next, so that an output's index is a token's id; the
    last ``length`` columns are the log-probability (nats) of the token that stands there, given those before it:
    the column counted -1 from the end belongs to the last token. 0 in the padding and at a prompt's first token,
    which nothing predicts.

    Parameters
    ----------
    logits : (n, length, V), position t answering for t + 1. ids, real : (n, length).
    """
    scores = logits[:, :-1]
    given = scores.gather(2, ids[:, 1:, None])[..., 0] - scores.logsumexp(dim=2)
    given = torch.where(real[:, :-1] & real[:, 1:], given, torch.zeros((), dtype=given.dtype, device=given.device))
    return torch.cat([logits[:, -1], given.new_zeros(ids.shape[0], 1), given], dim=1)


class CausalReader(nn.Module):
    """A Hugging Face causal language model, read out as an answer sheet; the model itself is ``lm``, unchanged.

    Parameters
    ----------
    lm : called with ``input_ids, attention_mask, position_ids``; answers with ``.logits`` (n, length, V).
    pad : the id that fills prompts up on the left.
    """

    answers_sheet = True

    def __init__(self, lm: nn.Module, pad: int) -> None:
        super().__init__()
        self.lm = lm
        self.pad = pad

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Get the sheet (n, V + length) of prompts (n, length), padded on the left."""
        real = real_tokens(ids, self.pad)
        said = self.lm(input_ids=ids, attention_mask=real.long(), position_ids=positions(real), use_cache=False)
        if not hasattr(said, "logits"):
            raise SpecimenError(
                f"{type(self.lm).__name__} gave no logits; expected a causal language model. Load it "
                "with kind='causal' only if it is one."
            )
        return answer_sheet(said.logits, ids, real)

    def step(self, ids: torch.Tensor, cache: Any = None) -> tuple[torch.Tensor, Any]:
        """Get the logits (n, new, V) of new tokens (n, new), and the cache to hand in with the next ones."""
        past, real = cache or (None, None)
        real = real_tokens(ids, self.pad) if real is None else torch.cat([real, real.new_ones(ids.shape)], dim=1)
        said = self.lm(input_ids=ids, attention_mask=real.long(), position_ids=positions(real)[:, -ids.shape[1]:],
                       past_key_values=past, use_cache=True)
        return said.logits, (said.past_key_values, real)
