"""The same lesions by other programs, each as its documentation shows, beside the loop of hooks in the same process.

Each peer is a function of the network, its stimuli (one batch) and some cuts of one site, which gives the first answer
column under each cut and how many forwards it is charged. A peer that is not installed is skipped, with what to type.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import nn

from .cuts import Cut, hooked
from .measure import Clock

if TYPE_CHECKING:
    from .campaigns import Campaign

#: What a peer gives: the first column of the answers under each cut, and the forwards that it is charged.
Answered = tuple[list[torch.Tensor], int]
#: A peer at work on a network and a batch: the cuts of one site in, what they gave out.
Worker = Callable[[Sequence[Cut]], Answered]


def captum(model: nn.Module, inputs: torch.Tensor) -> Worker:
    """Get the worker of captum's LayerFeatureAblation, which cuts disjoint groups of one layer.

    It is charged every forward that it makes, also the two that find the layer and the intact answer.
    """
    from captum.attr import LayerFeatureAblation

    forwards = [0]

    def first(x: torch.Tensor) -> torch.Tensor:
        forwards[0] += 1
        return model(x)[:, 0]

    def work(cuts: Sequence[Cut]) -> Answered:
        layer = model.get_submodule(cuts[0].path)
        forwards[0] = 0
        found: list[torch.Tensor] = []
        handle = layer.register_forward_hook(lambda module, args, output: found.append(output))
        intact = first(inputs)
        handle.remove()
        mask = torch.full_like(found[0][:1], len(cuts), dtype=torch.long)
        for at, cut in enumerate(cuts):
            mask[cut.where] = at
        change = LayerFeatureAblation(first, layer).attribute(inputs, layer_baselines=0, layer_mask=mask)
        change = change[0] if isinstance(change, tuple) else change
        answers = [intact - change[cut.where].flatten(1)[:, 0] for cut in cuts]
        return answers, forwards[0]

    return work


def nnsight(model: nn.Module, inputs: torch.Tensor) -> Worker:
    """Get the worker of nnsight: a trace per lesion, in which the layer's output is edited."""
    from nnsight import NNsight

    wrapped = NNsight(model)

    def one(cut: Cut) -> torch.Tensor:
        layer = functools.reduce(_part, cut.path.split("."), wrapped)
        where = cut.where
        with wrapped.trace(inputs):
            layer.output[where] = 0
            out = wrapped.output.save()
        return out[:, 0].clone()

    def _part(envoy, name: str):
        return envoy[int(name)] if name.isdigit() else getattr(envoy, name)

    return lambda cuts: ([one(cut) for cut in cuts], len(cuts))


def torchlens(model: nn.Module, inputs: torch.Tensor) -> Worker:
    """Get the worker of torchlens: one trace, then per lesion a fork that replays what lies behind the site.

    The trace, which it makes once per batch, is not counted.
    """
    import torchlens as lens

    trace = lens.trace(model, inputs, capture=lens.options.CaptureOptions(intervention_ready=True))

    def one(cut: Cut) -> torch.Tensor:
        def silenced(value: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
            value = value.clone()
            value[cut.where] = 0
            return value

        fork = trace.fork()
        fork.do(lens.module(cut.path), silenced)
        return fork["output_1"].out[:, 0].clone()

    return lambda cuts: ([one(cut) for cut in cuts], len(cuts))


#: Peers of lesions: module -> what makes its worker.
PEERS: dict[str, Callable[[nn.Module, torch.Tensor], Worker]] = {
    "captum": captum,
    "nnsight": nnsight,
    "torchlens": torchlens,
}


def race_peers(campaign: Campaign) -> tuple[dict[str, float], list[str]]:
    """Get the speed-up of each installed peer over the loop of hooks, and notes on how, or on what is missing.

    Some cuts of every site are done by each in turn and by the loop; sites count with their number of lesions.
    """
    found: dict[str, float] = {}
    notes = [f"peers: {campaign.peer_cuts} silenced sets at each of {len(campaign.by_site)} sites, weighted by lesions"]
    for name, make in PEERS.items():
        if importlib.util.find_spec(name) is None:
            notes.append(f"{name} is not installed: {install(name)}")
            continue
        with quiet(), torch.no_grad():
            found[name], apart = _race(campaign, make(campaign.model, campaign.batches[0]))
        notes.append(f"{name}: largest difference from the loop {apart:.1e}")
    return found, notes


def _race(campaign: Campaign, work: Worker) -> tuple[float, float]:
    """The speed-up of one peer, and its largest difference from the loop of hooks."""
    loop_s = peer_s = apart = 0.0
    first = next(iter(campaign.by_site.values()))
    work(_some(first, campaign.peer_cuts))  # warm
    for cuts in campaign.by_site.values():
        some, loop, peer = _some(cuts, campaign.peer_cuts), Clock(), Clock()
        with loop.running():
            right = [hooked(campaign.model, campaign.batches[:1], cut)[:, 0] for cut in some]
        with peer.running():
            answers, charged = work(some)
        loop_s += loop.seconds / len(some) * len(cuts)
        peer_s += peer.seconds / charged * len(cuts)
        apart = max(apart, *(float((one - two).abs().max()) for one, two in zip(answers, right, strict=True)))
    return loop_s / peer_s, apart


def _some(cuts: Sequence[Cut], n: int) -> list[Cut]:
    """The first cuts that silence single units: they never overlap."""
    return [cut for cut in cuts if not cut.keep and len(cut.units) == 1][:n]


def msapy() -> ModuleType:
    """Get msapy's module of games with its run-time checks of types off: they fail under current Pythons, and cost."""
    from unittest.mock import patch

    with patch("typeguard.typechecked", lambda function: function):
        from msapy import msa

    return msa


def install(name: str) -> str:
    """Get what to type for a missing peer."""
    return f'pip install "neurolab-lesion[bench]", or pip install {name}'


@contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars and advice of other programs off the terminal."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), \
            warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
