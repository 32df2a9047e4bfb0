"""What a design can show, before it is run: the smallest p it can reach, its power, its ceilings, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurolab.errors import DataError, DesignError
from neurolab.stats._floors import n_needed, p_floor
from neurolab.stats._given import ALTERNATIVES, Floats, Rng, choice, counted, generator, unit_interval
from neurolab.stats._signs import EXACT_N, ExactFlips
from neurolab.stats._t_power import t_n_needed, t_power
from neurolab.stats.proportion import wilson

__all__ = [
    "DesignCheck",
    "Power",
    "check",
    "networks_for_power",
    "rejections",
    "score_risks",
    "sign_flip_power",
    "t_n_needed",
    "t_power",
]

CORRECTIONS = ("none", "bonferroni", "holm")
CLOSE = 0.05  # a score within this share of its range from the top is near the ceiling


@dataclass(frozen=True)
class Power:
    """The simulated power of a sign-flip over networks; (low, high) is its Wilson interval over simulations.

    ``alpha`` is the level asked for, ``attainable`` the largest one that n networks can hold exactly, ``p_floor`` the
    smallest p possible.
    """

    power: float
    low: float
    high: float
    effect: float
    sd: float
    n: int
    alpha: float
    attainable: float
    p_floor: float
    alternative: str
    n_simulations: int

    @property
    def sentence(self) -> str:
        """The power in plain words."""
        who = f"{self.n} network{'s' if self.n > 1 else ''}"
        if self.p_floor > self.alpha * (1 + 1e-12):
            return f"{who} cannot reach p = {self.alpha:.3g}: the smallest p is {self.p_floor:.3g}."
        size = f"{self.effect:.3g} (sd over networks {self.sd:.3g})"
        return f"{who} detect an effect of {size} with power {self.power:.2f} at p <= {self.alpha:.3g}."


@dataclass(frozen=True)
class DesignCheck:
    """A design's power with what must be known before it runs; ``sound`` if nothing stands against it.

    ``sentences`` say what it can show, ``risks`` what stands against it and what to do.
    """

    power: Power
    n_tests: int
    correction: str
    sentences: tuple[str, ...]
    risks: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing stands against the design."""
        return not self.risks


def _attainable(n: int, alpha: float, alternative: str) -> float:
    """Get the largest multiple of a pattern's share that is at most alpha."""
    step = p_floor("sign_flip", n=n, alternative=alternative)
    return float(np.floor(alpha / step * (1 + 1e-12)) * step)


def rejections(draws: Floats, alpha: float, alternative: str) -> np.ndarray:
    """Get, per row of simulated networks (simulation, network), whether the exact sign-flip gives p <= alpha.

    Example
    -------
    >>> rejections(np.array([[0.2, 0.4, 0.3, 0.5, 0.1], [0.2, -0.4, 0.3, 0.5, 0.1]]), 0.05, "greater").tolist()
    [True, False]
    """
    p = [flips.beyond(0.0, alternative) / flips.total for flips in map(ExactFlips, draws)]
    return np.array(p) <= alpha * (1 + 1e-12)


def _asked(effect: float, sd: float, alpha: float, alternative: str) -> None:
    choice(alternative, ALTERNATIVES, "alternative")
    unit_interval(alpha, "alpha")
    if not np.isfinite(effect) or not np.isfinite(sd) or sd <= 0:
        raise DataError(f"effect={effect!r} and sd={sd!r} given; expected the effect and its sd over networks, sd > 0.")


def sign_flip_power(
    effect: float,
    *,
    sd: float,
    n: int,
    alpha: float = 0.05,
    alternative: str = "greater",
    n_simulations: int = 2_000,
    rng: Rng,
) -> Power:
    """Get the power of the exact sign-flip test over n networks, by simulating normal effects.

    Parameters
    ----------
    effect, sd: the mean effect over networks and its standard deviation over networks, in one unit; take the sd from a
        pilot, never from trials.
    n: networks or people, at most 30 (above that the test is a t test in all but name: ``t_power``).

    When this is invalid: an effect estimated by a small pilot that was chosen because it worked.

    Example
    -------
    >>> found = sign_flip_power(0.2, sd=0.15, n=4, rng=0, n_simulations=100)
    >>> found.power, found.sentence
    (0.0, '4 networks cannot reach p = 0.05: the smallest p is 0.0625.')
    """
    _asked(effect, sd, alpha, alternative)
    n, m = counted(n, "n"), counted(n_simulations, "n_simulations")
    if n > EXACT_N:
        raise DesignError(f"n={n} given; expected at most {EXACT_N}: for more type t_power(effect / sd, n=n).")
    draws = generator(rng, "the simulation").normal(effect, sd, (m, n))
    share = wilson(int(rejections(draws, alpha, alternative).sum()), m)
    floor = p_floor("sign_flip", n=n, alternative=alternative)
    return Power(
        share.effect, share.low, share.high, float(effect), float(sd), n, alpha, _attainable(n, alpha, alternative),
        floor, alternative, m,
    )  # fmt: skip


def networks_for_power(
    effect: float,
    *,
    sd: float,
    power: float = 0.8,
    alpha: float = 0.05,
    alternative: str = "greater",
    n_simulations: int = 1_000,
    rng: Rng,
) -> Power:
    """Get the fewest networks (up to 30) whose simulated power reaches ``power``; arguments as in ``sign_flip_power``.

    Larger designs reuse the networks of smaller ones, so power grows smoothly with n.

    Example
    -------
    >>> networks_for_power(0.3, sd=0.15, n_simulations=200, rng=0).n
    5
    """
    _asked(effect, sd, alpha, alternative)
    unit_interval(power, "power")
    m = counted(n_simulations, "n_simulations")
    draws = generator(rng, "the simulation").normal(effect, sd, (m, EXACT_N))
    for n in range(n_needed("sign_flip", alpha=alpha, alternative=alternative), EXACT_N + 1):
        share = wilson(int(rejections(draws[:, :n], alpha, alternative).sum()), m)
        if share.effect >= power:
            level, floor = _attainable(n, alpha, alternative), p_floor("sign_flip", n=n, alternative=alternative)
            return Power(
                share.effect, share.low, share.high, float(effect), float(sd), n, alpha, level, floor, alternative, m
            )
    raise DesignError(
        f"{EXACT_N} networks reach a power of {share.effect:.2f} only, of {power:g} asked; an effect of {effect:g} is "
        f"too small for an sd of {sd:g}: use more trials per network, or a larger lesion."
    )


def check(
    *,
    n: int,
    effect: float,
    sd: float,
    n_tests: int = 1,
    correction: str = "holm",
    n_controls: int | None = None,
    intact: float | None = None,
    chance: float | None = None,
    top: float = 1.0,
    alpha: float = 0.05,
    alternative: str = "greater",
    n_simulations: int = 2_000,
    rng: Rng,
) -> DesignCheck:
    """Get a design's check in plain words: smallest p, power, tests and correction, ceiling and floor risks.

    Parameters
    ----------
    n, effect, sd: as in ``sign_flip_power``; the effect is a deficit, in the unit of the score.
    n_tests, correction: the planned tests; power is that of the first step, at alpha / n_tests ("holm" can only gain).
    n_controls: draws of control lesions, whose rank p cannot go below 1 / (n_controls + 1).
    intact, chance, top: scores of the intact network, of guessing, and of perfection, where known.

    Example
    -------
    >>> found = check(n=5, effect=0.2, sd=0.1, n_tests=2, n_controls=9, intact=0.99, chance=0.5, rng=0)
    >>> len(found.risks), found.risks[1]
    (3, '9 control draws cannot give a rank p below 0.1; draw 19 or more.')
    """
    choice(correction, CORRECTIONS, "correction")
    each = unit_interval(alpha, "alpha") / (1 if correction == "none" else counted(n_tests, "n_tests"))
    found = sign_flip_power(
        effect, sd=sd, n=n, alpha=each, alternative=alternative, n_simulations=n_simulations, rng=rng
    )
    said = [found.sentence, f"The smallest p that {n} networks can give is {found.p_floor:.3g} ({alternative})."]
    if n_tests > 1 and correction == "none":
        said.append(
            f"{n_tests} tests without correction: expect {n_tests * alpha:.2g} false alarms if nothing is there."
        )
    risks = [
        *_floor_risks(found, n_tests, correction),
        *([] if n_controls is None else _control_risks(counted(n_controls, "n_controls"), alpha)),
        *score_risks(effect, intact, chance, top),
    ]
    return DesignCheck(found, n_tests, correction, tuple(said), tuple(risks))


def _floor_risks(found: Power, n_tests: int, correction: str) -> list[str]:
    """Get what the floor of p and the power hold against a design."""
    tests = (
        f"With {n_tests} test{'s' if n_tests > 1 else ''} ({correction}) the first needs p <= {found.alpha:.3g}, and "
    )
    if found.attainable == 0:
        enough = n_needed("sign_flip", alpha=found.alpha, alternative=found.alternative)
        return [f"{tests}{found.n} networks cannot go below {found.p_floor:.3g}; train {enough} or more."]
    if found.power < 0.8:
        return [f"{tests}power is {found.power:.2f}, under .8; train more networks, or test more stimuli in each."]
    return []


def _control_risks(n_controls: int, alpha: float) -> list[str]:
    """Get what the number of control draws holds against a design."""
    floor, enough = p_floor("rank", n=n_controls), n_needed("rank", alpha=alpha)
    if floor <= alpha * (1 + 1e-12):
        return []
    return [f"{n_controls} control draws cannot give a rank p below {floor:.3g}; draw {enough} or more."]


def score_risks(effect: float, intact: float | None, chance: float | None, top: float) -> list[str]:
    """Get what ceiling and floor of the score hold against a design; effect is the deficit, 0 where none is expected.

    Example
    -------
    >>> len(score_risks(0.1, 0.99, 0.5, 1.0)), score_risks(0.2, 0.8, 0.5, 1.0)
    (1, [])
    """
    risks = []
    if intact is not None and chance is not None and not intact > chance:
        return [f"The intact score of {intact:g} is not above chance ({chance:g}): there is nothing to lose."]
    if intact is not None and intact > top - CLOSE * (top - (chance or 0.0)):
        risks.append(
            f"The intact score of {intact:g} is near the top of {top:g}: lesions that help, or hurt a little, cannot "
            "show; use harder stimuli or an unbounded score (margin)."
        )
    if intact is not None and chance is not None and abs(effect) > intact - chance:
        risks.append(
            f"The effect of {effect:g} is more than the {intact - chance:.3g} between intact and chance: it cannot be."
        )
    elif effect > 0 and intact is not None and chance is not None and intact - effect < chance + CLOSE * (top - chance):
        risks.append(
            f"A loss of {effect:g} leaves a score near chance ({chance:g}): a larger loss could not show, nor what two "
            "lesions cost together; use easier stimuli, a smaller dose, or an unbounded score (margin)."
        )
    return risks
