"""The campaigns that are timed: a network, stimuli, lesions, and the least operations that they need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

import neurolab as nl

from . import networks
from .bounds import Least, least_of_gpt, least_of_perceptron, least_of_resnet
from .cuts import Cut, design_of


@dataclass
class Campaign:
    """A workload of lesions.

    dim : what the units of the cuts run over. sample : how many lesions the loop of hooks is timed on in each run, for
    every one costs it the same forward. pauses : how often a run stops for it. peer_cuts : cuts per site for the peers.
    stands_for : lesions of the whole campaign for each that is computed, at every site as many: the plan, which is made
    once, counts once, the rest of a run so often.
    """

    id: str
    what: str
    goal: float
    model: nn.Module
    stimuli: nl.StimulusSet
    cuts: Sequence[Cut]
    least: Least
    dim: str
    batch_size: int
    sample: int
    pauses: int
    peer_cuts: int
    repeats: int
    stands_for: float = 1.0

    @cached_property
    def specimen(self) -> nl.Specimen:
        """The network on the bench."""
        return nl.Specimen(self.model, self.stimuli.inputs[:1], name=self.id)

    @cached_property
    def design(self) -> list[nl.Lesion]:
        """The lesions behind a sham."""
        return design_of(self.cuts, self.dim)

    @cached_property
    def batches(self) -> tuple[torch.Tensor, ...]:
        """The stimuli as the loop of hooks shows them."""
        return torch.tensor(np.asarray(self.stimuli.inputs)).split(self.batch_size)

    @property
    def flops(self) -> float:
        """The least operations of the whole campaign."""
        return len(self.stimuli) * sum(map(self.least, self.cuts)) * self.stands_for

    @cached_property
    def by_site(self) -> dict[str, list[Cut]]:
        """The cuts of every site."""
        found: dict[str, list[Cut]] = {}
        for cut in self.cuts:
            found.setdefault(cut.path, []).append(cut)
        return found

    def sampled(self, turn: int) -> frozenset[int]:
        """Get the places of the cuts that the loop of hooks does in a run, spread over all; others in the next."""
        n = len(self.cuts)
        picked = np.linspace(0, n, min(self.sample, n), endpoint=False).astype(int) + turn
        return frozenset(int(at) for at in picked % n)


def l1(quick: bool) -> Campaign:
    """Get the perceptron: single units, groups of 32, groups at a dose, half of each in either hidden layer."""
    width, n = (128, 256) if quick else (512, 1024)
    stimuli = networks.digits(n)
    model = networks.trained(networks.perceptron(width), stimuli)
    singles, groups, doses = (width, 50, 20) if quick else (width, 200, 75)
    stream = np.random.default_rng(0)
    cuts = []
    for path in ("relu1", "relu2"):
        cuts += [Cut(path, (unit,)) for unit in range(singles)]
        drawn = [tuple(sorted(map(int, stream.choice(width, 32, replace=False)))) for _ in range(groups + doses)]
        cuts += [Cut(path, units) for units in drawn[:groups]]
        cuts += [Cut(path, units, keep=(0.25, 0.5, 0.75)[at % 3]) for at, units in enumerate(drawn[groups:])]
    what = f"MLP 784-{width}-{width}-10, {n} stimuli, {len(cuts)} lesions: units, groups of 32, doses"
    return Campaign("L1", what, 30.0, model, stimuli, cuts, least_of_perceptron(model), "unit", n,
                    sample=96, pauses=6, peer_cuts=8, repeats=3 if quick else 7)  # fmt: skip


def l2(quick: bool, share: float = 1.0) -> Campaign:
    """Get the ResNet-18: every channel behind every ReLU; ``share`` of them where less will do."""
    width, n = (16, 16) if quick else (64, 16)
    model, stimuli = networks.resnet(width), networks.pictures(n)
    sites = {"relu": width}
    for at, block in enumerate(model.blocks):
        sites |= {f"blocks.{at}.relu{which}": block.conv2.out_channels for which in (1, 2)}
    stream = np.random.default_rng(0)
    cuts = [Cut(path, (int(unit),)) for path, channels in sites.items()
            for unit in np.sort(stream.permutation(channels)[: max(2, round(share * channels))])]
    what = f"ResNet-18 {width} wide, {n} pictures of 64 x 64, 17 sites, {len(cuts)} channels"
    return Campaign("L2", what, 3.5, model, stimuli, cuts, least_of_resnet(model, torch.zeros(1, 3, 64, 64)), "channel",
                    16, sample=85, pauses=12, peer_cuts=1, repeats=2 if quick else 3)  # fmt: skip


def l3(quick: bool, per_layer: int = 10, *, small: bool = False) -> Campaign:
    """Get the decoder: every neuron of every layer, of whom as many of each layer are computed, drawn by chance.

    ``small`` is 6 layers, 256 wide.
    """
    layers, width, words = (6, 256, 8_000) if small else (12, 768, 50_257)
    model = networks.gpt(layers, width, words)
    stream = np.random.default_rng(0)
    cuts = [Cut(f"layers.{at}.act", (int(unit),), last=True) for at in range(layers)
            for unit in np.sort(stream.choice(4 * width, per_layer, replace=False))]
    what = (f"GPT-2 of {layers} layers, {width} wide, 4 x 64 tokens, all {layers * 4 * width} neurons "
            f"({per_layer} of every layer computed), read out at the last position")
    goal, sample, repeats = (1.44, 48, 3 if quick else 5) if small else (1.8, 24, 1 if quick else 3)
    return Campaign("L3s" if small else "L3", what, goal, model, networks.sentences(4, words), cuts,
                    least_of_gpt(model, 64), "unit", 4, sample=sample, pauses=12, peer_cuts=1, repeats=repeats,
                    stands_for=4 * width / per_layer)


def l3s(quick: bool, per_layer: int = 16) -> Campaign:
    """Get the small decoder."""
    return l3(quick, per_layer, small=True)


#: Name of a workload to what makes it.
MADE: dict[str, Callable[..., Campaign]] = {"L1": l1, "L2": l2, "L3": l3, "L3s": l3s}
