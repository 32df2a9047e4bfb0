"""Effect sizes, means, shares and reliabilities: do their intervals cover; and tests of yes and no."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import stats as sps

from neurolab.calibrate.entry import Entry, Found, approximate, conservative, covers, exact, found_of
from neurolab.stats import effects, intervals, paired, proportion, reliability

Stream = np.random.Generator


def size(stream: Stream, effect: float, *, measure: str, n: int = 12) -> Found:
    """Get the interval of a standardised difference; that of g covers g's own expectation, J times the true d."""
    x, y = stream.normal(effect, 1, n), stream.normal(0, 1, n)
    factor = effects.small_sample_factor(2 * n - 2) if measure == "hedges_g" else 1.0
    return found_of(getattr(effects, measure)(x, y), effect * factor)


def area(stream: Stream, effect: float, *, n: int = 20) -> Found:
    """Get the interval of an AUC of two normals ``effect`` sd apart."""
    x, y = stream.normal(effect, 1, n), stream.normal(0, 1, n)
    return found_of(effects.auc(x, y), sps.norm.cdf(effect / np.sqrt(2)))


def delta(stream: Stream, effect: float, *, n: int = 20) -> Found:
    """Get the interval of Cliff's delta of two normals ``effect`` sd apart."""
    x, y = stream.normal(effect, 1, n), stream.normal(0, 1, n)
    return found_of(effects.cliffs_delta(x, y), 2 * sps.norm.cdf(effect / np.sqrt(2)) - 1)


def errors_shared(stream: Stream, effect: float, *, n: int = 100) -> Found:
    """Test whether two observers fail on the same items; ``effect`` is the share of items on which y copies x."""
    x, y = stream.random(n) < 0.7, stream.random(n) < 0.7
    y = np.where(stream.random(n) < effect, x, y)
    return found_of(paired.error_consistency(x, y), effect)


def detection(stream: Stream, effect: float, *, n: int = 100) -> Found:
    """Get the interval of d' from counts of hits and false alarms."""
    hits, alarms = (int(stream.binomial(n, sps.norm.cdf(z))) for z in (effect / 2, -effect / 2))
    return found_of(effects.yes_no(hits, n, alarms, n), effect)


def student(stream: Stream, effect: float, *, n: int = 8) -> Found:
    """Get the Student interval of a mean."""
    return found_of(intervals.t_interval(stream.normal(effect, 1, n)), effect)


def bootstrapped(stream: Stream, effect: float, *, n: int, method: str = "bca") -> Found:
    """Get the bootstrap interval of a mean."""
    x = stream.normal(effect, 1, n)
    return found_of(intervals.bootstrap(x, method=method, n_resamples=999, rng=stream), effect)


def nested(stream: Stream, effect: float) -> Found:
    """Get the hierarchical bootstrap interval of a mean over 40 networks with 15 stimuli each."""
    x = effect + stream.normal(0, 0.5, (40, 1)) + stream.normal(size=(40, 15))
    return found_of(intervals.hierarchical_bootstrap(x, n_resamples=400, rng=stream), effect)


def agreement(stream: Stream, effect: float, *, kind: str, raters: float = 0.0) -> Found:
    """Get the intraclass correlation of 15 targets, 4 raters; targets have ``effect`` times the noise's variance."""
    x = stream.normal(size=(15, 4)) + np.sqrt(effect) * stream.normal(size=(15, 1))
    x = x + np.sqrt(raters) * stream.normal(size=(1, 4))
    truth = effect / (effect + raters + 1)
    return found_of(reliability.icc(x, kind=kind), 4 * truth / (1 + 3 * truth) if kind.endswith("k)") else truth)


def alpha(stream: Stream, effect: float) -> Found:
    """Get Cronbach's alpha of four items that correlate at .5, so that it is .8."""
    x = stream.normal(size=(25, 4)) + stream.normal(size=(25, 1))
    return found_of(reliability.cronbach_alpha(x), effect)


def share(stream: Stream, effect: float, *, method: str, n: int = 30) -> Found:
    """Get the interval of a share of 30."""
    return found_of(getattr(proportion, method)(int(stream.binomial(n, effect)), n), effect)


def wilson_covers(at: float, n: int = 30) -> float:
    """Get what Wilson's interval covers at this share and n, by summing over all counts."""
    ends = [proportion.wilson(k, n) for k in range(n + 1)]
    return float(sum(sps.binom.pmf(k, n, at) for k, end in enumerate(ends) if end.low <= at <= end.high))


def changed(stream: Stream, effect: float, *, method: str, n: int = 120) -> Found:
    """Test whether two conditions differ on the same items; the truth of the odds ratio is 1 without an effect."""
    x, y = stream.random(n) < 0.6, stream.random(n) < 0.6 - effect
    b, c = 0.6 * (0.4 + effect), 0.4 * (0.6 - effect)
    return found_of(paired.mcnemar(paired.pairs_table(x, y), method=method), c / b)


def several(stream: Stream, effect: float, *, n: int = 40) -> Found:
    """Test whether four conditions differ on the same items; the fourth is harder by ``effect``."""
    easy = np.clip(stream.random((n, 1)) - effect * np.array([0, 0, 0, 1]), 0, 1)
    return Found(paired.cochran_q(stream.random((n, 4)) < easy).p)


_MC, _ICC, _BOOT = "stats.paired.mcnemar", "stats.reliability.icc", "stats.intervals.bootstrap"
_SAME = "Both conditions are right on 60 % of the items."
_LESS: dict[str, Any] = {"power_at": 0.25, "effect": "25 points fewer right", "n": "120 items"}

ENTRIES = (
    Entry("cohens_d", "stats.effects.cohens_d", "Groups 0.8 sd apart.", "12 + 12 values",
          partial(size, measure="cohens_d"), interval=covers(), at=0.8),
    Entry("hedges_g", "stats.effects.hedges_g", "Groups 0.8 sd apart.", "12 + 12 values",
          partial(size, measure="hedges_g"), interval=covers(), at=0.8),
    Entry("auc", "stats.effects.auc", "Groups 1 sd apart.", "20 + 20 values", area,
          interval=covers(kind="approximate", rate=0.957), at=1.0),
    Entry("cliffs_delta", "stats.effects.cliffs_delta", "Groups 1 sd apart.", "20 + 20 values", delta,
          interval=covers(kind="approximate"), at=1.0),
    Entry("error_consistency", "stats.paired.error_consistency", "Two observers, right on 70 %, fail independently.",
          "100 items", errors_shared, conservative(), covers(kind="approximate"), power_at=0.5, effect="kappa .5"),
    Entry("d' of counts", "stats.effects.yes_no", "d' = 1.2.", "100 + 100 trials", detection,
          interval=covers(kind="approximate", rate=0.9485), at=1.2),
    Entry("t_interval", "stats.intervals.t_interval", "Normal values about 1.", "8 values", student,
          interval=covers(), at=1.0, quick=True),
    *(Entry(f"bootstrap, {method}", _BOOT, "Normal values about 1.", "60 stimuli",
            partial(bootstrapped, n=60, method=method), interval=covers(kind="approximate", rate=rate), at=1.0)
      for method, rate in (("bca", 0.9365), ("percentile", 0.9425), ("basic", 0.931))),
    Entry("hierarchical_bootstrap", "stats.intervals.hierarchical_bootstrap", "Networks about 1.",
          "40 networks, 15 stimuli", nested, interval=covers(kind="conservative"), at=1.0),
    Entry("icc, ICC(3,1)", _ICC, "Targets do not differ.", "15 targets, 4 raters", partial(agreement, kind="ICC(3,1)"),
          exact(), covers(), power_at=1.0, effect="ICC = .5"),
    Entry("icc, ICC(2,1)", _ICC, "Targets and raters each have the noise's variance.", "15 targets, 4 raters",
          partial(agreement, kind="ICC(2,1)", raters=1.0), interval=covers(kind="approximate", rate=0.935), at=1.0),
    Entry("cronbach_alpha", "stats.reliability.cronbach_alpha", "Alpha is .8.", "25 people, 4 items", alpha,
          interval=covers(), at=0.8),
    Entry("clopper_pearson", "stats.proportion.clopper_pearson", "A share of .9.", "30 trials",
          partial(share, method="clopper_pearson"), interval=covers(kind="conservative"), at=0.9),
    Entry("wilson", "stats.proportion.wilson", "A share of .9.", "30 trials", partial(share, method="wilson"),
          interval=covers(rate=wilson_covers(0.9)), at=0.9, quick=True),
    Entry("mcnemar, exact", _MC, _SAME, draw=partial(changed, method="exact"), rejects=conservative(),
          interval=covers(kind="approximate"), quick=True, **_LESS),
    Entry("mcnemar, chi2", _MC, _SAME, draw=partial(changed, method="chi2"), rejects=approximate(0.0525),
          interval=covers(kind="approximate"), **_LESS),
    Entry("mcnemar, continuity", _MC, _SAME, draw=partial(changed, method="continuity"), rejects=conservative(),
          interval=covers(kind="approximate"), **_LESS),
    Entry("cochran_q", "stats.paired.cochran_q", "Four conditions alike, items of unequal hardness.", "40 items",
          several, approximate(0.0495), power_at=0.4, effect="one condition 0.4 harder"),
)  # fmt: skip
