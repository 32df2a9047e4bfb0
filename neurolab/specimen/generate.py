"""Generation: a language model goes on from its prompts, under lesions whose positions are those of the whole text."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from neurolab.errors import DataError, SpecimenError
from neurolab.lesion import Lesion
from neurolab.specimen.bench import Bench, bench
from neurolab.specimen.edit import Progress
from neurolab.specimen.feeds import Feed, Padded, fed
from neurolab.specimen.leaves import select_output
from neurolab.specimen.record import batches
from neurolab.specimen.specimen import Specimen
from neurolab.stimuli import StimulusSet

#: (new token ids (n, new), cache or None) -> (logits (n, new, vocabulary), cache for the next ones).
Step = Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]]


def generate(
    specimen: Specimen,
    stimuli: StimulusSet,
    *,
    n_tokens: int,
    lesions: Sequence[Lesion] = (),
    batch_size: int = 64,
    cache: bool | None = None,
) -> np.ndarray:
    """Get the tokens that a causal language model goes on with, each the most likely one (greedy).

    Parameters
    ----------
    specimen : a model with ``step(ids, cache) -> (logits, cache)``, a Hugging Face causal model, or any model that
        answers with logits (n, length, vocabulary) for prompts of any length.
    stimuli : prompts (n, length), integer, padded on the left where they differ in length; the padding is masked where
        the model knows it, or the specimen has ``feed=nl.specimen.Padded(pad, side="left")``.
    n_tokens : how many tokens to add.
    lesions : damage in place all the while. A position ("token") counts from the first column of the prompts: prompts
        of 8 tokens have positions 0 to 7, the first added token has position 8.
    cache : whether keys and values are kept between tokens; None keeps them where the model can (and its feed is none,
        or ``Padded``). Never changes a lesion: position 8 is position 8 in a forward of one token too.

    Returns
    -------
    (n, n_tokens) int64 token ids.

    Raises
    ------
    LesionPlanError : a position that no forward reaches (the last added token is never read), or a site without
        positions. DataError, SpecimenError : prompts that are no token ids, a model that cannot go on.

    When this is invalid
    --------------------
    Greedy text repeats itself, and one changed token changes all that follow: score the logits of given continuations
    where the size of a deficit matters. A reference must be pooled over positions, for it knows no new ones.

    Example
    -------
    >>> import pandas as pd
    >>> from neurolab.specimen.llama import Llama, LlamaShape
    >>> shape = LlamaShape(vocabulary=11, width=8, inner=12, layers=1, heads=2, kv_heads=1, window=16)
    >>> net = Specimen(Llama(shape), np.array([[3, 4, 5]]))
    >>> prompts = StimulusSet("two", np.array([[3, 4, 5], [0, 6, 7]]),
    ...                       pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "x"]}))
    >>> generate(net, prompts, n_tokens=4).shape
    (2, 4)
    >>> from neurolab.lesion import Zero
    >>> from neurolab.roi import ROI
    >>> at_3 = ROI("unit 1 at position 3", {"model.layers.0": [3 * 8 + 1]}, dims={"model.layers.0": ("token", "unit")})
    >>> generate(net, prompts, n_tokens=4, lesions=[Lesion(at_3, Zero())]).shape  # 8 units to each position
    (2, 4)
    """
    inputs = specimen.prepare(stimuli.inputs)
    if inputs.is_floating_point() or inputs.dim() != 2 or not len(inputs):
        raise DataError(f"generate() got inputs of shape {tuple(inputs.shape)}; expected prompts (n, length) of token "
                        "ids.")
    if n_tokens < 1:
        raise DataError(f"n_tokens was {n_tokens}; expected 1 or more.")
    step = _step_of(specimen.model, specimen.feed) if cache is not False else None
    if cache and step is None:
        raise SpecimenError(f"{specimen.name!r} has no cache: neither step(ids, cache) nor past_key_values, or a feed "
                            "that it does not go with. Type cache=None to compute every forward anew.")
    with bench(specimen) as table:
        # the last token is only answered with; no forward reads it
        table.sequence = Progress(inputs.shape[1] + n_tokens - 1, inputs.shape[1])

        def run(prompts: torch.Tensor, ids: Sequence[str]) -> torch.Tensor:
            return _greedy(table, prompts, ids, n_tokens, step)

        with table.lesioned(*lesions) as damage:
            if lesions:
                table.check_read(damage, inputs[:2], stimuli.ids[:2], run)
            parts = [run(inputs[at], stimuli.ids[at]) for at in batches(len(inputs), batch_size)]
            if lesions:
                damage.certificate()
    return torch.cat(parts).cpu().numpy()


def _greedy(
    table: Bench, prompts: torch.Tensor, ids: Sequence[str], n_tokens: int, step: Step | None
) -> torch.Tensor:
    """The added tokens (n, n_tokens) of one batch; every forward is one of the bench, with the lesions in it."""
    text, held, feed = prompts, None, table.specimen.feed
    if isinstance(feed, Padded):
        feed = partial(_longer, feed, _real(feed, prompts))

    def forward(new: torch.Tensor) -> torch.Tensor:
        nonlocal held
        if step is None:
            return select_output(fed(table.specimen.model, feed, new), table.specimen.output)
        logits, held = step(new, held)
        return logits

    for number in range(n_tokens):
        table.sequence.seen = text.shape[1]  # type: ignore[union-attr]
        new = text if step is None or not number else text[:, -1:]
        logits = table.forward(new, ids, forward)
        if logits.dim() != 3 or logits.shape[1] != new.shape[1]:
            raise SpecimenError(
                f"{table.specimen.name!r} answers {tuple(logits.shape)} to {tuple(new.shape)} tokens; expected logits "
                "(n, length, vocabulary). Type Specimen(..., output=...) that chooses them, or give the model "
                "step(ids, cache)."
            )
        text = torch.cat([text, logits[:, -1:].argmax(dim=-1).to(text.device)], dim=1)
    return text[:, prompts.shape[1]:]


def _real(feed: Padded, prompts: torch.Tensor) -> torch.Tensor:
    """Where tokens of the prompts are real; each must end with one, for there the text goes on."""
    real = feed.real(prompts)
    if not bool(real[:, -1].all()):
        raise DataError(f"Prompt {int((~real[:, -1]).nonzero()[0])} ends with padding; expected prompts that end with "
                        f"a token, for there the text goes on. Pad them on the left and type Padded({feed.pad}, "
                        "side='left').")
    return real


def _longer(feed: Padded, real: torch.Tensor, text: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the model is called with, for prompts that have grown: all that was added is real, the padding id too."""
    added = real.new_ones(len(text), text.shape[1] - real.shape[1])
    return feed.given(text, torch.cat([real, added], dim=1))


def _step_of(model: nn.Module, feed: Feed = None) -> Step | None:
    """How a model goes on from a cache: by a step of its own, or as Hugging Face's causal models do."""
    if callable(getattr(model, "step", None)):
        return model.step if feed is None else None  # type: ignore[return-value]
    if not {"past_key_values", "use_cache"} <= set(inspect.signature(type(model).forward).parameters):
        return None
    if isinstance(feed, Padded):
        return partial(_masked_step, model, feed)
    if feed is not None:  # what it gives for one more token is known to it alone
        return None

    def step(ids: torch.Tensor, cache: Any) -> tuple[torch.Tensor, Any]:
        said = model(input_ids=ids, past_key_values=cache, use_cache=True)
        return said.logits, said.past_key_values

    return step


def _masked_step(model: nn.Module, feed: Padded, ids: torch.Tensor, cache: Any) -> tuple[torch.Tensor, Any]:
    past, real = cache or (None, None)
    real = feed.real(ids) if real is None else torch.cat([real, real.new_ones(ids.shape)], dim=1)
    said = model(**feed.given(ids, real), past_key_values=past, use_cache=True)
    return said.logits, (said.past_key_values, real)


class Greedy(nn.Module):
    """A language model that goes on by itself within one forward: prompts in, the logits of every added token out.

    Put on the bench as ``Specimen(Greedy(model, n_tokens=4), prompts)`` it can be examined as any network: the score
    reads logits (n, n_tokens, vocabulary). Its sites are called once for the prompt and once per added token; a region
    with positions ("token", "unit") at ``lm.layers.0`` counts them through the whole text.

    lm : a model with ``step(ids, cache)``, or a Hugging Face causal model.
    """

    def __init__(self, lm: nn.Module, *, n_tokens: int) -> None:
        super().__init__()
        if _step_of(lm) is None:
            raise SpecimenError(f"{type(lm).__name__} has no cache: neither step(ids, cache) nor past_key_values.")
        self.lm, self.n_tokens = lm, n_tokens

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Get the logits (n, n_tokens, vocabulary) from which the added tokens were taken."""
        step, said, cache = _step_of(self.lm), [], None
        for _ in range(self.n_tokens):
            logits, cache = step(ids, cache)  # type: ignore[misc]
            said.append(logits[:, -1])
            ids = said[-1].argmax(dim=-1, keepdim=True).to(ids.device)
        return torch.stack(said, dim=1)
