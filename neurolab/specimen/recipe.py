"""Recipes: how a network is trained, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any

from neurolab.errors import DesignError, UnknownNameError, did_you_mean, listed

#: What is done about networks that end short of their criterion. All of them are kept in any case.
ON_MISS = ("warn", "flag", "error")


def _is_number(value: Any) -> bool:
    """Whether something is a finite number, and no text or truth value."""
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


@dataclass(frozen=True)
class Prune:
    """Magnitude pruning on a schedule: weights near zero become zero, more and more of them, while training goes on.

    The share removed from every weight matrix at progress :math:`t` (0 to 1) is
    :math:`s(t) = s_f + (s_0 - s_f)(1 - t)^3`. Biases stay. See ``neurolab.specimen.kept_by_magnitude`` for the rule.

    Parameters
    ----------
    to : share of each matrix that is gone at the end, below 1.
    first : share that goes at once, when pruning starts.
    start, stop : epochs between which it runs; stop None is the last epoch.
    every : optimiser steps from one cut to the next.

    Source
    ------
    Zhu & Gupta 2017, https://arxiv.org/abs/1710.01878

    Example
    -------
    >>> schedule = Prune(to=0.9, first=0.5)
    >>> [round(schedule.share(progress), 3) for progress in (0, 0.5, 1)]
    [0.5, 0.85, 0.9]
    """

    to: float = 0.9
    first: float = 0.0
    start: int = 0
    stop: int | None = None
    every: int = 10

    def __post_init__(self) -> None:
        given = (self.to, self.first, self.start, self.every, *(() if self.stop is None else (self.stop,)))
        if not all(map(_is_number, given)):
            raise DesignError(f"{self!r}; expected finite numbers. Type Prune(to=0.9, start=20, every=10).")
        if not 0 <= self.first <= self.to < 1:
            raise DesignError(f"Prune(to={self.to}, first={self.first}); expected 0 <= first <= to < 1. Type "
                              "Prune(to=0.9).")
        if self.every < 1 or self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise DesignError(f"Prune(start={self.start}, stop={self.stop}, every={self.every}); expected epochs "
                              "0 <= start < stop and at least 1 step. Type Prune(to=0.9, start=20, every=10).")

    def share(self, progress: float) -> float:
        """Get the share of weights that is gone at this progress, 0 (start) to 1 (stop)."""
        return self.to + (self.first - self.to) * (1 - progress) ** 3

    def due(self, step: int, per_epoch: int, epochs: int) -> float | None:
        """Get the share to prune to when so many optimiser steps are done, or None when no cut is due."""
        begin, end = self.start * per_epoch, (epochs if self.stop is None else self.stop) * per_epoch
        if not begin <= step <= end or ((step - begin) % self.every and step != end):
            return None
        return self.share((step - begin) / (end - begin))


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: Adam on the cross-entropy of integer labels, with as much disturbance as is asked for.

    Disturbances belong to the recipe, not to the network: they act while training and leave the architecture as it is,
    so that conditions differ by recipe alone. Each network draws each kind from a stream of its own, (rng, seed, kind).

    Parameters
    ----------
    epochs : passes over all stimuli; 0 leaves the networks untrained.
    learning_rate, batch_size : of Adam.
    weight_decay : L2: so many times the parameter is added to its gradient (the loss grows by half of it times w²).
    l1 : the loss grows by so many times the sum of |w| over weight matrices.
    criterion : training accuracy, in evaluation mode, at which a network is finished and stays as it is; looked at
        after every epoch (once pruning is over); None trains all epochs.
    on_miss : what is done about networks that end short of it, or whose weights are no numbers any more: "warn" and
        "flag" keep them and say so in ``cohort.training``, the first with a warning; "error" raises CriterionMissed,
        which carries them.
    dropout : chance that a hidden unit is silent on one showing; the others are scaled up.
    activation_noise : sd of Gaussian noise added to every hidden unit, in the units of the activation.
    weight_noise : sd of Gaussian noise on every weight matrix at every step, in sds of that matrix.
    input_noise : sd of Gaussian noise on the inputs, in their units.
    gradient_noise : sd of Gaussian noise on gradients at the first step; its variance falls as (1 + step)^-0.55.
    label_noise : share of the stimuli whose label is drawn anew from all labels, once, for each network on its own.
    prune : see :class:`Prune`.

    Hidden units are those of activation modules (``nn.ReLU`` and its like); noise comes before dropout.

    Source
    ------
    Srivastava et al. 2014 (dropout), https://jmlr.org/papers/v15/srivastava14a.html; Neelakantan et al. 2015
    (gradient noise), https://arxiv.org/abs/1511.06807; Zhang et al. 2017 (random labels),
    https://arxiv.org/abs/1611.03530

    Example
    -------
    >>> Recipe(epochs=30, dropout=0.5).dropout
    0.5
    """

    epochs: int = 60
    learning_rate: float = 3e-3
    batch_size: int = 64
    weight_decay: float = 0.0
    criterion: float | None = None
    on_miss: str = "warn"
    l1: float = 0.0
    dropout: float = 0.0
    activation_noise: float = 0.0
    weight_noise: float = 0.0
    input_noise: float = 0.0
    gradient_noise: float = 0.0
    label_noise: float = 0.0
    prune: Prune | None = None

    def __post_init__(self) -> None:
        self._check("epochs", lambda x: x >= 0 and isinstance(x, Integral), "a whole number >= 0")
        self._check("batch_size", lambda x: x >= 1 and isinstance(x, Integral), "a whole number, at least 1")
        self._check("learning_rate", lambda x: x > 0, "a finite number above 0")
        self._check("dropout", lambda x: 0 <= x < 1, "a chance, 0 to below 1")
        self._check("label_noise", lambda x: 0 <= x <= 1, "a share, 0 to 1")
        if self.criterion is not None:
            self._check("criterion", lambda x: 0 < x <= 1, "an accuracy up to 1, or None")
        for name in ("weight_decay", "l1", "activation_noise", "weight_noise", "input_noise", "gradient_noise"):
            self._check(name, lambda x: x >= 0, "a finite number >= 0")
        if self.prune is not None and not isinstance(self.prune, Prune):
            raise DesignError(f"Recipe(prune={self.prune!r}); expected a schedule or None. Type Prune(to=0.9).")
        if self.on_miss not in ON_MISS:
            raise UnknownNameError(f"Recipe(on_miss={self.on_miss!r}); expected one of {listed(ON_MISS)}."
                                   f"{did_you_mean(self.on_miss, ON_MISS)}")
        last = self.prune and (self.prune.stop if self.prune.stop is not None else self.prune.start + 1)
        if last and last > self.epochs:
            raise DesignError(f"Recipe(epochs={self.epochs}) ends before its pruning does ({self.prune}). Type "
                              f"Recipe(epochs={last}, ...) or an earlier Prune(start=..., stop=...).")

    def _check(self, name: str, good: Callable[[Any], bool], expected: str) -> None:
        value = getattr(self, name)
        if not (_is_number(value) and good(value)):
            raise DesignError(f"Recipe({name}={value!r}); expected {expected}.")

    @property
    def settled(self) -> int:
        """The first epoch after which a criterion may end the training: when pruning, if any, is over."""
        if self.prune is None:
            return 0
        return self.epochs if self.prune.stop is None else self.prune.stop
