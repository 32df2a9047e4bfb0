"""Common shortcuts, each at the edge of its null, so that its failure stands beside the tests that hold."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import stats as sps

from neurolab.calibrate.cases import aged, pairs
from neurolab.calibrate.columns import two_columns
from neurolab.calibrate.curves import threshold
from neurolab.calibrate.entry import NOMINAL, Entry, Found, covers, shortcut
from neurolab.calibrate.permutations import shuffle
from neurolab.calibrate.sizes import bootstrapped
from neurolab.stats import maps, single_case

Stream = np.random.Generator
AT_ONCE = 200


def z_of_case(stream: Stream, effect: float, *, n: int) -> Found:
    """Read a case's z from n controls in the table of the normal."""
    controls, case = stream.normal(size=(n, AT_ONCE)), stream.normal(size=AT_ONCE)
    return Found(sps.norm.cdf((case - controls.mean(axis=0)) / controls.std(axis=0, ddof=1)))


def controls_against_case(stream: Stream, effect: float, *, n: int) -> Found:
    """Test n controls by a one-sample t against the case's score, as if that were a constant."""
    controls, case = stream.normal(size=(n, AT_ONCE)), stream.normal(size=AT_ONCE)
    return Found(sps.ttest_1samp(controls, case, axis=0, alternative="greater").pvalue)


def units_as_n(stream: Stream, effect: float, *, n_units: int = 200) -> Found:
    """Test deficits of 6 networks' units as if units were the sample; each network has luck of its own."""
    deficits = stream.normal(0, 0.2, (6, 1)) + stream.normal(size=(6, n_units))
    return Found(sps.ttest_1samp(deficits.ravel(), 0).pvalue)


def folds_as_n(stream: Stream, effect: float, *, n_folds: int = 20) -> Found:
    """Test the means of 20 random halves of the same 24 stimuli as if they were 20 networks."""
    deficits = stream.normal(size=24)
    halves = [stream.permutation(24)[:12] for _ in range(n_folds)]
    return Found(sps.ttest_1samp([deficits[half].mean() for half in halves], 0).pvalue)


def same_data(stream: Stream, effect: float) -> Found:
    """Choose the top 10 of 1,000 noise units by a contrast, and test their mean response on the same presentations."""
    a, b = stream.normal(size=(2, 20, 1_000))
    top = np.argsort(-maps.welch_t(a, b).statistic, kind="stable")[:10]
    return Found(sps.ttest_ind(a[:, top].mean(axis=1), b[:, top].mean(axis=1), equal_var=False).pvalue)


def one_yes_one_no(stream: Stream, effect: float) -> Found:
    """Call it a dissociation when one of two equal deficits reaches .05 and the other does not."""
    people = pairs(stream, 11, 0.0)
    case = people[0] - 2
    p = [single_case.crawford_howell(case[k], people[1:, k]).p <= NOMINAL for k in (0, 1)]
    return Found(0.0 if p[0] != p[1] else 1.0)


def age_ignored(stream: Stream, effect: float, *, n: int = 20) -> Found:
    """Test a case of 70 against controls of every age."""
    scores, _, case = aged(stream, n)
    return Found(single_case.crawford_howell(case[0], scores[:, 0]).p)


def any_uncorrected(stream: Stream, effect: float, *, n: int = 20) -> Found:
    """Look at 20 tests without correction: is any p <= .05?"""
    return Found(stream.random(n).min())


_CASE = "The case is one more draw of the controls' normal."

ENTRIES = (
    Entry("z against 5 controls", "use stats.single_case.crawford_howell", _CASE, "1 case, 5 controls",
          partial(z_of_case, n=5), shortcut(), at_once=AT_ONCE, quick=True),
    Entry("t of 5 controls against the case", "use stats.single_case.crawford_howell", _CASE, "1 case, 5 controls",
          partial(controls_against_case, n=5), shortcut(), at_once=AT_ONCE, quick=True),
    Entry("units as n", "use stats.permutation.sign_flip over networks", "No network loses anything in the mean.",
          "6 networks, 200 units each", units_as_n, shortcut(), quick=True),
    Entry("folds as n", "use stats.permutation.sign_flip over networks", "No stimulus loses anything in the mean.",
          "20 random halves of 24 stimuli", folds_as_n, shortcut(), quick=True),
    Entry("same-data selection", "use analysis.held_out", "No unit prefers anything.",
          "1,000 units, 20 + 20 presentations", same_data, shortcut(), quick=True),
    Entry("20 tests, none corrected", "use stats.multiplicity", "20 true nulls.", "20 tests", any_uncorrected,
          shortcut(), quick=True),
    Entry("one p below .05, one above", "use stats.single_case.classify", "Both tasks are hurt alike, by 2 sd.",
          "1 case, 10 controls", one_yes_one_no, shortcut(), quick=True),
    Entry("covariate ignored", "use stats.single_case.deficit_with_covariates",
          "A case of 70 who scores as its age makes expected.", "1 case, 20 controls", age_ignored, shortcut()),
    Entry("pooled_t, unequal spread", "use stats.maps.welch_t", "Equal means, spreads 4 : 1.", "10 + 30 rows",
          partial(two_columns, test="pooled_t", sizes=(10, 30), spread=4.0), shortcut(), at_once=AT_ONCE, quick=True),
    Entry("label_shuffle, unequal spread", "use stats.maps.welch_t", "Equal means, spreads 3 : 1.", "12 + 24 values",
          partial(shuffle, sizes=(12, 24), spread=3.0, n_permutations=99), shortcut()),
    Entry("bootstrap over 8 networks", "use stats.intervals.mean_interval", "Normal values about 1.", "8 networks",
          partial(bootstrapped, n=8), interval=covers(kind="shortcut"), at=1.0),
    Entry("threshold, trials as independent", "use stats.psychometric.fit(overdispersed=True)",
          "Trials of a level correlate at .05.", "7 levels of 60 trials", partial(threshold, scatter=0.05),
          interval=covers(kind="shortcut"), at=3.0),
)  # fmt: skip
