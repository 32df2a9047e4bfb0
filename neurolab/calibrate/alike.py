"""Likeness of models and brains, for new people and new stimuli: at its edges the truth is equal by symmetry."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr
from scipy.spatial.distance import pdist

from neurolab.analysis.alike import compare
from neurolab.analysis.alike_others import compare_models
from neurolab.calibrate.entry import Entry, Found, approximate, attainable, covers, exact
from neurolab.rdms import make_rdms
from neurolab.stats.rsa import influences, rsa_test

Stream = np.random.Generator
WIDTH = 16


def rdms_of(*features: np.ndarray, kind: str = "brain") -> xr.DataArray:
    """Get RDMs, each of features (stimulus, feature)."""
    values = [pdist(one, "correlation") for one in features]
    return make_rdms(values, stimuli=[f"s{k:03d}" for k in range(len(features[0]))], kind=kind)


def noisy(stream: Stream, features: np.ndarray, spread: np.ndarray, by: float = 1.0) -> np.ndarray:
    """Get features with noise, on some stimuli more than on others."""
    return features + by * spread * stream.normal(size=features.shape)


def world(stream: Stream, n: int, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """Get the features of n stimuli (stimulus, feature), and how noisy each stimulus is."""
    return stream.normal(size=(n, width)), np.exp(0.4 * stream.normal(size=(n, 1)))


def tasted(stream: Stream, people: int, n: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Get people who weigh two halves of the features each in their own way, and the features."""
    x, spread = world(stream, n)
    weights = np.repeat(np.exp(0.3 * stream.normal(size=(people, 2))), WIDTH // 2, axis=1)
    return [noisy(stream, weight * x, spread) for weight in weights], x


def halves(stream: Stream, effect: float, *, people: int, n: int) -> Found:
    """Compare two models that know a half of the features each; the first also ``effect`` of the other half."""
    brain, x = tasted(stream, people, n)
    half = WIDTH // 2
    one = np.hstack([x[:, :half], effect * x[:, half:]])
    found = influences(rdms_of(one, x[:, half:]).values, rdms_of(*brain).values)
    test = rsa_test(found.score[0] - found.score[1], found.influence[0] - found.influence[1])
    return Found(float(test.p))


def unrelated(stream: Stream, effect: float, *, people: int, n: int) -> Found:
    """Compare a model with people that share their own geometry; ``effect`` is what it has of it."""
    x, spread = world(stream, n)
    model = effect * x + stream.normal(size=x.shape)
    found = compare(rdms_of(model, kind="ann"), rdms_of(*(noisy(stream, x, spread) for _ in range(people))))
    return Found(float(found["p"][0]))


def alone(stream: Stream, effect: float, *, n: int = 20) -> Found:
    """Compare a model with eight people who have nothing in common but ``effect`` of the model."""
    x, _ = world(stream, n)
    brain = [effect * x + stream.normal(size=x.shape) for _ in range(8)]
    return Found(float(compare(rdms_of(x, kind="ann"), rdms_of(*brain))["people_p"][0]))


def as_good_as_people(stream: Stream, effect: float, *, people: int = 4, n: int = 30) -> Found:
    """Compare a model that is the mean of as many strangers with the others of each person; ``effect`` is its noise."""
    x, spread = world(stream, n)
    every = rdms_of(*(noisy(stream, x, spread) for _ in range(2 * people - 1)))
    ranked = every.values.argsort(axis=1).argsort(axis=1).astype(float)
    pooled = ranked[people:].mean(axis=0)
    noise = effect * pooled.std() * stream.normal(size=pooled.shape)
    model = make_rdms(pooled + noise - noise.min(), stimuli=[f"s{k:03d}" for k in range(n)], kind="ann")
    return Found(float(compare(model, every[:people])["gap_p"][0]))


def among(stream: Stream, effect: float, *, people: int, n: int, draws: int, p: str = "p") -> Found:
    """Compare one network with others that are as noisy; ``effect`` is how much noisier the one is."""
    x, spread = world(stream, n)
    brain = rdms_of(*(noisy(stream, x, spread) for _ in range(people)))
    one, *others = (rdms_of(noisy(stream, x, spread, 1 + effect * (k == 0)), kind="ann") for k in range(draws + 1))
    return Found(float(compare_models(one, others, brain)[p][0]))


def twice(stream: Stream, effect: float, *, n: int = 40) -> Found:
    """Get the interval of the difference of two models that know a half of the features each: it is 0."""
    brain, x = tasted(stream, 4, n)
    half = WIDTH // 2
    found = compare_models(rdms_of(x[:, :half], kind="ann"), [rdms_of(x[:, half:], kind="ann")], rdms_of(*brain))
    return Found(float(found["p"][0]), float(found["low"][0]), float(found["high"][0]), effect)


def as_much_as_intact(stream: Stream, effect: float, *, n: int = 40) -> Found:
    """Get the share of a difference that is as large as the likeness of the intact network, by symmetry: 1."""
    brain, x = tasted(stream, 4, n)
    half = WIDTH // 2
    one, other, intact = (rdms_of(part, kind="ann") for part in (x[:, :half], stream.normal(size=x.shape), x[:, half:]))
    found = compare_models(one, [other], rdms_of(*brain), intact=intact)
    return Found(low=float(found["share_low"][0]), high=float(found["share_high"][0]), truth=1.0 + effect)


_TEST, _ONE, _TWO = "stats.rsa.rsa_test", "analysis.compare", "analysis.compare_models"
_HALVES = "Two models know a half of the features each; people weigh the halves in their own way, alike on average."
_ALIKE = "The one and the others are equally noisy, each stimulus anew."

ENTRIES = (
    *(Entry(f"rsa_test, {people} people, {n} stimuli", _TEST, _HALVES, f"{people} people, {n} stimuli",
            partial(halves, people=people, n=n), approximate(rate), power_at=1.0, effect="the other half too",
            quick=people == 4)
      for people, n, rate in ((4, 40, 0.0695), (12, 20, 0.064), (2, 40, 0.0005))),
    Entry("compare_models, one brain", _TWO, _ALIKE, "1 RDM, 40 stimuli", partial(among, people=1, n=40, draws=1),
          approximate(0.0645), power_at=1.0, effect="twice the noise"),
    Entry("compare", _ONE, "The model has nothing of the geometry that the people share.", "4 people, 30 stimuli",
          partial(unrelated, people=4, n=30), approximate(0.0205), power_at=0.7, effect="0.7 of the geometry"),
    Entry("compare, sign-flip over people", _ONE, "Eight people have nothing in common, with the model either.",
          "8 people, 20 stimuli", alone, exact(attainable(2**8)), power_at=0.5, effect="0.5 of the model's geometry"),
    Entry("compare, gap to the ceiling", _ONE, "The model is the mean of as many strangers as a person has others.",
          "4 people, 30 stimuli", as_good_as_people, approximate(0.024), power_at=2.0, effect="twice the noise"),
    Entry("compare_models", _TWO, _HALVES, "4 people, 40 stimuli", twice, approximate(0.0575),
          covers(kind="approximate", rate=0.9425)),
    Entry("compare_models, share of the intact", _TWO, "One and intact know a half each, the other knows nothing.",
          "4 people, 40 stimuli", as_much_as_intact, interval=covers(kind="approximate")),
    Entry("compare_models, one against nine", _TWO, _ALIKE, "4 people, 30 stimuli",
          partial(among, people=4, n=30, draws=9), approximate(0.034), power_at=0.8, effect="1.8 times the noise"),
    Entry("compare_models, rank among draws", _TWO, _ALIKE, "39 draws",
          partial(among, people=2, n=12, draws=39, p="rank_p"), exact(attainable(40, mirrored=True)), power_at=1.5,
          effect="2.5 times the noise"),
)  # fmt: skip
