"""One case against few controls, with and without covariates, on one task and on two."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neurolab.calibrate.entry import Entry, Found, approximate, conservative, covers, exact, found_of
from neurolab.stats import single_case

Stream = np.random.Generator


def deficit(stream: Stream, effect: float, *, n: int) -> Found:
    """Test a case that lies ``effect`` sd below the mean of the controls' population; it varies as they do."""
    return Found(single_case.crawford_howell(stream.normal() - effect, stream.normal(size=n)).p)


def place(stream: Stream, effect: float, *, n: int) -> Found:
    """Get the interval of a case's z, the case standing at ``effect`` sd exactly."""
    return found_of(single_case.crawford_howell(effect, stream.normal(size=n)), effect)


def pairs(stream: Stream, n: int, r: float) -> np.ndarray:
    """Get n people's two scores, correlated at r."""
    return stream.normal(size=(n, 2)) @ np.array([[1, r], [0, np.sqrt(1 - r**2)]])


def difference(
    stream: Stream, effect: float, *, n: int, test: str, r: float = 0.6, both: float = 0.0, **settings: Any
) -> Found:
    """Test the difference of a case's two scores; ``both`` tasks are hurt alike, the first by ``effect`` more."""
    people = pairs(stream, n + 1, r)
    case = people[0] - both - np.array([effect, 0.0])
    return Found(getattr(single_case, test)(case, people[1:], **settings).p)


def bayesian(stream: Stream, effect: float, *, prior: str, both: float = 0.0, n: int = 10, r: float = 0.0) -> Found:
    """Test the difference by the Bayesian standardised test."""
    more = {"prior": prior, "n_draws": 1_000, "rng": stream}
    return difference(stream, effect, n=n, test="bayesian_standardised_difference", r=r, both=both, **more)


def verdict(stream: Stream, effect: float, *, n: int = 10) -> Found:
    """Say whether a case, hurt by 2 sd on both tasks and by ``effect`` more on one, is called a dissociation."""
    people = pairs(stream, n + 1, 0.0)
    found = single_case.classify(people[0] - 2 - np.array([effect, 0]), people[1:], difference="unstandardised")
    return Found(0.0 if "dissociation" in found.verdict else 1.0)


def aged(stream: Stream, n: int, effect: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Get scores that fall with age, the ages, and a case of 70 who lies ``effect`` sd below expectation."""
    age = stream.uniform(20, 80, n)
    noise = stream.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n + 1)
    return noise[:n] - 0.05 * age[:, None], age, noise[n] - effect - 0.05 * 70


def deficit_given_age(stream: Stream, effect: float, *, n: int) -> Found:
    """Test a case's deficit given its age."""
    scores, age, case = aged(stream, n, effect)
    return Found(
        single_case.deficit_with_covariates(case[0], scores[:, 0], case_covariates=70, covariates=age).p
    )


def place_given_age(stream: Stream, effect: float, *, n: int) -> Found:
    """Get the credible interval of a case that stands at ``effect`` residual sd exactly."""
    scores, age, _ = aged(stream, n)
    case = effect - 0.05 * 70
    return found_of(
        single_case.deficit_with_covariates(case, scores[:, 0], case_covariates=70, covariates=age), effect
    )


def difference_given_age(stream: Stream, effect: float, *, prior: str, n: int = 14) -> Found:
    """Test the difference of a case's two scores given its age."""
    scores, age, case = aged(stream, n)
    case = case - np.array([effect, 0.0])
    found = single_case.difference_with_covariates(
        case, scores, case_covariates=70, covariates=age, prior=prior, n_draws=1_000, rng=stream
    )
    return Found(found.p)


_CH, _UDT = "stats.single_case.crawford_howell", "stats.single_case.unstandardised_difference"
_RSDT, _BSDT = "stats.single_case.revised_standardised_difference", "stats.single_case.bayesian_standardised_difference"
_BTD, _BSDT_COV = "stats.single_case.deficit_with_covariates", "stats.single_case.difference_with_covariates"
_ONE = "The case is one more draw of the controls' normal."
_TWO = "The case's two scores (r = .6) are one more draw of the controls'."

ENTRIES = (
    Entry("crawford_howell, 5 controls", _CH, _ONE, "1 case, 5 controls", partial(deficit, n=5), exact(),
          power_at=3.0, effect="3 sd below", quick=True),
    Entry("crawford_howell, 20 controls", _CH, _ONE, "1 case, 20 controls", partial(deficit, n=20), exact(),
          power_at=2.0, effect="2 sd below"),
    Entry("crawford_howell, interval of z", _CH, "The case stands 1.5 sd below the true mean.", "1 case, 12 controls",
          partial(place, n=12), interval=covers(), at=-1.5),
    Entry("unstandardised difference", _UDT, _TWO, "1 case, 5 controls",
          partial(difference, n=5, test="unstandardised_difference"), exact(), power_at=4.0,
          effect="one task 4 sd down"),
    Entry("revised standardised difference", _RSDT, _TWO, "1 case, 5 controls",
          partial(difference, n=5, test="revised_standardised_difference"), approximate(0.0505), power_at=4.0,
          effect="one task 4 sd down"),
    Entry("revised difference, both 8 sd down", _RSDT, "Both tasks (r = 0) are hurt by 8 sd: outside its limits.",
          "1 case, 10 controls", partial(difference, n=10, test="revised_standardised_difference", r=0.0, both=8.0),
          approximate(0.293)),
    Entry("Bayesian difference, standard prior", _BSDT, "The case's two scores (r = 0) are one more draw.",
          "1 case, 10 controls", partial(bayesian, prior="standard"), approximate(0.0725), power_at=4.0,
          effect="one task 4 sd down"),
    Entry("Bayesian difference, calibrated prior", _BSDT, "The case's two scores (r = 0) are one more draw.",
          "1 case, 10 controls", partial(bayesian, prior="calibrated"), conservative(), power_at=4.0,
          effect="one task 4 sd down"),
    Entry("Bayesian difference, both 8 sd down", _BSDT, "Both tasks (r = 0) are hurt alike, by 8 sd.",
          "1 case, 10 controls", partial(bayesian, prior="calibrated", both=8.0), conservative()),
    Entry("classify", "stats.single_case.classify", "Both tasks are hurt alike, by 2 sd: no dissociation.",
          "1 case, 10 controls", verdict, conservative(), power_at=4.0, effect="one task 4 sd more"),
    Entry("deficit given a covariate", _BTD, "A case of 70 who scores as its age makes expected.", "1 case, 8 controls",
          partial(deficit_given_age, n=8), exact(), power_at=3.0, effect="3 sd below"),
    Entry("deficit given a covariate, interval", _BTD, "The case stands 2 sd below what its age makes expected.",
          "1 case, 10 controls", partial(place_given_age, n=10), interval=covers(kind="approximate", rate=0.951),
          at=-2.0),
    Entry("difference given a covariate, calibrated", _BSDT_COV, "A case of 70, both scores as its age makes expected.",
          "1 case, 14 controls", partial(difference_given_age, prior="calibrated"), approximate(0.054), power_at=4.0,
          effect="one task 4 sd down"),
    Entry("difference given a covariate, standard", _BSDT_COV, "A case of 70, both scores as its age makes expected.",
          "1 case, 14 controls", partial(difference_given_age, prior="standard"), approximate(), power_at=4.0,
          effect="one task 4 sd down"),
)  # fmt: skip
