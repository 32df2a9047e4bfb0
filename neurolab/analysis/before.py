"""What a design can show, said before the run: its smallest p, its power, its tests, and its ceiling and floor."""

from __future__ import annotations

import json
from collections.abc import Sized

from neurolab.analysis.planning import power
from neurolab.analysis.words import rank_texts
from neurolab.chance import RNG
from neurolab.errors import DesignError
from neurolab.stats.design_check import score_risks
from neurolab.stats.permutation import n_needed, p_floor


def design_check(
    sample: int | Sized,
    *,
    n_controls: int | None = None,
    n_tests: int = 1,
    alpha: float = 0.05,
    plural: str = "networks",
    test: str = "deficits",
    effect: float | None = None,
    sd: float | None = None,
    intact: float | None = None,
    chance: float | None = None,
    top: float = 1.0,
    rng: RNG | None = None,
) -> str:
    """Get, before the run, the sentences that say what this design can and cannot show.

    Parameters
    ----------
    sample : number of networks or people, or the cohort itself.
    n_controls : control draws per target; their rank p cannot fall below 1 / (n_controls + 1), and its
        interval of level 1 - alpha has no ends below 2 / alpha - 1 draws.
    n_tests : planned tests that share the error rate (Holm): the smallest p must reach alpha / n_tests.
    alpha : the level.
    test, effect, sd : the test whose power is wanted, the deficit expected and its sd over networks, in the score's
        unit, as in ``power``; power is that of the first step, at alpha / n_tests.
    intact, chance, top : the scores expected of the intact network and of guessing, and the largest score possible:
        said is what ceiling and floor would hide.
    rng : integer or Generator; needed with ``effect``, whose power is simulated.

    Returns
    -------
    One sentence per line; print it.

    Raises
    ------
    DesignError : fewer than two networks, an alpha outside (0, 1), fewer than one control, an effect without its sd or
    without rng.

    When this is invalid
    --------------------
    That a p can be reached says nothing of power: give the effect that you expect, not the one that you hope for.

    Source
    ------
    The sign-flip of n values has 2^n arrangements: Fisher 1935, The Design of Experiments.

    Example
    -------
    >>> print(design_check(5, n_controls=19))
    5 networks: the smallest two-sided p is .0625; use 6 or more.
    5 networks: the smallest one-sided p is .0312.
    19 controls: the smallest rank p is .05.
    A 95 % interval of the rank test needs 39 or more controls.
    >>> print(design_check(8, effect=0.2, sd=0.15, intact=0.99, chance=0.5, rng=0).splitlines()[-1][:39])
    The intact score of 0.99 is near the to
    """
    n = sample if isinstance(sample, int) else len(sample)
    if n < 2 or not 0 < alpha < 1 or n_tests < 1:
        raise DesignError(
            f"design_check() got n={n} ({plural}), {n_tests} tests and alpha={alpha}; expected two or more (one says "
            "nothing of others), at least one test and an alpha between 0 and 1. Type design_check(8, n_controls=99), "
            "or --n 8 after the name of a protocol."
        )
    if n_controls is not None and n_controls < 1:
        raise DesignError(f"n_controls={n_controls} given; expected one control per target or more (39 for an interval "
                          "of 95 %). Type n_controls=99, or leave it out where there are none.")  # fmt: skip
    level = alpha / n_tests
    said = [_sign_flip(n, alternative, level, plural) for alternative in ("two-sided", "greater")]
    if n_controls is not None:
        said += rank_texts(n_controls, what="controls", level=1 - alpha, alpha=level)
    if n_tests > 1:
        said.append(f"{n_tests} tests share alpha = {_plain(alpha)}: the smallest p must reach {_plain(level)} (Holm).")
    if effect is not None or sd is not None:
        said += _power(test, effect, sd, n, n_controls, level, plural, rng)
    return "\n".join([*said, *score_risks(effect or 0.0, intact, chance, top)])


def _power(
    test: str, effect: float | None, sd: float | None, n: int, n_controls: int | None, level: float, plural: str,
    rng: RNG | None,
) -> list[str]:  # fmt: skip
    """What the design finds of the effect that is expected, and how many networks would do."""
    if effect is None or sd is None or rng is None:
        raise DesignError(
            f"effect={effect}, sd={sd}, rng={rng} given; power needs all three: the deficit expected, its sd over "
            "networks (from a pilot), and a stream. Type design_check(8, effect=0.2, sd=0.15, rng=0)."
        )
    draws = 19 if n_controls is None else n_controls
    found = power(test, effect=effect, sd=sd, n=n, alpha=level, n_controls=draws, rng=rng,
                  over="subject" if plural == "people" else "specimen")  # fmt: skip
    said = [str(found.attrs["verdict"]), str(json.loads(found.attrs["reasons"])[0])]
    if float(found["power"]) >= 0.8:
        return said
    more = "Test more people" if plural == "people" else "Train more networks"
    return [*said, f"Power under .8: a p above the level would say little. {more}, or score more stimuli."]


def _sign_flip(n: int, alternative: str, level: float, plural: str) -> str:
    floor = p_floor("sign_flip", n=n, alternative=alternative)
    tail = "two-sided" if alternative == "two-sided" else "one-sided"
    said = f"{n} {plural}: the smallest {tail} p is {_plain(floor)}"
    if floor <= level:
        return f"{said}."
    return f"{said}; use {n_needed('sign_flip', alpha=level, alternative=alternative)} or more."


def _plain(value: float) -> str:
    return f"{value:.3g}".replace("0.", ".", 1) if value < 1 else f"{value:.3g}"
