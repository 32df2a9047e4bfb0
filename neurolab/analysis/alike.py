"""Which layer, or which model, sees the stimuli as a brain does? Scores of RDMs, with the best that any could score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.correct import FROM_P
from neurolab.analysis.localiser import known
from neurolab.analysis.sample import noted
from neurolab.analysis.words import corrected_text, interval_text
from neurolab.chance import RNG, rng_name
from neurolab.digest import digest_of
from neurolab.errors import DataError, DesignError
from neurolab.rdms import dissimilarities, is_rdms, per_subject, stimuli_of, with_stimuli
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import sign_flip
from neurolab.stats.rsa import METHODS, Influence, RsaTest, influences, rsa_test
from neurolab.stats.similarity import noise_ceiling

Models = xr.DataArray | Mapping[str, xr.DataArray]
TEST = ("effect", "low", "high", "p")
DISTANCES = ("correlation", "euclidean")

register_result(
    "compare",
    {
        **dict.fromkeys((*TEST, "q", "people_p", "people_low", "people_high"), ("model",)),
        **dict.fromkeys(("gap", "gap_low", "gap_high", "gap_p"), ("model",)),
        "score": ("model", "subject"),
        "ceiling": ("subject",),
        **dict.fromkeys(("p_floor", "people_p_floor", "ceiling_low", "ceiling_high"), ()),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("people_p", "effect", "people_low", "people_high", "people_p_floor"),
        ("gap_p", "gap", "gap_low", "gap_high", "p_floor"),
    ],
)


#: With one RDM of so few stimuli, p is too small where distances rest on few features.
FEW_STIMULI = 40
FEW_FEATURES = (
    "One RDM of {n} stimuli: where its distances rest on few features (Euclidean, 6 to 8) p is too small. At .05 two "
    "equally good models were called different in .10 to .11 with 20 stimuli, .07 to .10 with 40; an unrelated one "
    "like the brain, or unlike it, in .07 to .08."
)


@dataclass(frozen=True)
class RSA:
    """How representations are compared: by the distances between their responses to the same stimuli.

    Parameters
    ----------
    distance : of a recording: "correlation" (1 - r over neuroids) or "euclidean".
    method : "spearman", "corr" or "cosine".

    Source
    ------
    Kriegeskorte, Mur & Bandettini 2008, doi:10.3389/neuro.06.004.2008.

    Example
    -------
    >>> RSA().method
    'spearman'
    """

    distance: str = "correlation"
    method: str = "spearman"

    def __post_init__(self) -> None:
        known(self.distance, DISTANCES, "distance")
        known(self.method, METHODS, "method")


@dataclass(frozen=True, eq=False)
class Brain:
    """One RDM per person, and what a person is in words."""

    rdms: xr.DataArray
    metric: RSA

    @property
    def people(self) -> list[str]:
        """The names of the people."""
        return [str(one) for one in self.rdms["rdm"].values]

    @property
    def name(self) -> str:
        """What each RDM is of: "brain", or "network" where networks stand in a brain's place."""
        return "network" if str(self.rdms.attrs.get("kind", "")) == "ann" else "brain"

    def said(self) -> dict[str, Any]:
        """Get what every result says of its sample: people and stimuli, or the stimuli of one brain."""
        n, stimuli = len(self.people), len(stimuli_of(self.rdms))
        over, plural = ("subject", "people") if self.name == "brain" else ("specimen", "networks")
        about = {"source": str(self.rdms.attrs.get("source", "")), "compared_with": self.name}
        if n == 1:
            few = {"undermined_by": [FEW_FEATURES.format(n=stimuli)]} if stimuli <= FEW_STIMULI else {}
            return {"n": stimuli, "n_stimuli": stimuli, "generalises_over": "stimulus", **about, **few,
                    "note": f"One RDM: generalises over stimuli only, not to other {self.name}s."}  # fmt: skip
        least = f"{n} {plural}: the smallest two-sided p of a sign-flip over them alone is {2 / 2**n:.3g}."
        least = least.replace(" 0.", " .")
        return {"n": n, "n_stimuli": stimuli, "generalises_over": over, "also_over": "stimulus", **about,
                "note": noted(f"Generalises over {plural} and over stimuli ({stimuli}) at once.", least)}  # fmt: skip

    def tested(self) -> str:
        """Get the name of the test."""
        alone = "t of a score, dyadic over stimuli"
        if len(self.people) == 1:
            return alone
        many = "people" if self.name == "brain" else "networks"
        return f"t of a mean over {many}, dyadic over {len(stimuli_of(self.rdms))} stimuli"


def compare(
    a: Models,
    b: xr.DataArray,
    *,
    metric: RSA | None = None,
    by: str | None = None,
    level: float = 0.95,
    correction: str = "holm",
    rng: RNG | None = None,
) -> xr.Dataset:
    """Get how alike models and a brain are in their distances between stimuli, with the noise ceiling.

    The score of a model is the mean over people of the likeness of its RDM and theirs. No chance enters: the test sums
    what each pair of stimuli adds to the score by stimulus and by person, so it generalises over both at once.

    Parameters
    ----------
    a : the models: RDMs, a recording (one model, or with ``by="site"`` one per site), or name -> either.
    b : the brain: RDMs, one per person (sessions of a ``subject`` are averaged first), or a recording. Stimuli are
        brought in its order; models must have them all.
    metric : default ``RSA()``, Spearman's rho of correlation distances. by : None or "site", for recordings in ``a``.
    level : coverage. correction : of p over models, "holm", "fdr", "by" or "none".
    rng : integer or Generator, for the sign-flip of more than 30 people only.

    Returns
    -------
    Dataset over model: ``effect`` (mean score) with ``low, high, p`` (two-sided t against 0) and ``q``; ``people_p``
    with ends, the exact sign-flip over people alone, NaN for one; ``gap`` (score - lower noise ceiling) with ends and
    ``gap_p``; over (model, subject): ``score``; over subject: ``ceiling`` (the mean of the others, scored alike);
    ``ceiling_low``, ``ceiling_high``.

    Raises
    ------
    DataError : other stimuli. DesignError : fewer than 10 stimuli. UnknownNameError : no such metric or correction.

    When this is invalid
    --------------------
    The best of several layers flatters (choose it on other stimuli or people). No difference from the ceiling is no
    proof of having reached it: read the interval of ``gap``. Models fitted to these stimuli need others. One person
    (or one RDM of several animals) has no noise ceiling and says nothing about others.

    Source
    ------
    Nili et al. 2014, doi:10.1371/journal.pcbi.1003553 (ceiling); Schuett et al. 2023, doi:10.7554/eLife.82566 (people
    and stimuli); the test: ``stats.rsa.rsa_test``. Scores and ceiling agree with rsatoolbox.

    Example
    -------
    >>> from neurolab.simulate import phantom_recording
    >>> one = phantom_recording(n_units=60, rng=0).isel(presentation=slice(None, None, 4))
    >>> found = compare(one, dissimilarities(one))
    >>> round(float(found["effect"][0]), 6), bool(found["p"][0] < 0.001)
    (1.0, True)
    """
    metric = metric or RSA()
    brain = brain_of(b, metric)
    models, names = models_of(a, brain, by)
    found = influences(models, brain.rdms.values, method=metric.method)
    test = rsa_test(found.score, found.influence, level=level)
    ceiling = _ceiling(brain, found, level)
    q = adjusted(test.p, correction)
    variables = {
        **{name: ("model", getattr(test, name)) for name in TEST},
        "q": ("model", q),
        "p_floor": test.p_floor,
        "score": (("model", "subject"), found.score),
        **_flipped(found.score, level, rng),
        **ceiling,
    }
    return make_result(
        variables,
        coords={"model": strings(names), "subject": strings(brain.people)},
        analysis="compare",
        estimand=f"the likeness ({metric.method} of {metric.distance} distances) of each model and such a {brain.name}",
        test=brain.tested(),
        correction=correction,
        alternative="two-sided",
        level=level,
        rng="" if rng is None else rng_name(rng),
        method=metric.method,
        distance=metric.distance,
        reasons=_reasons(names, test, variables, level, correction),
        inputs=digest_of(models, brain.rdms.values),
        **brain.said(),
    )


def brain_of(given: xr.DataArray, metric: RSA) -> Brain:
    """Get one RDM per person from RDMs or a recording."""
    rdms = given if is_rdms(given) else dissimilarities(given, distance=metric.distance)
    return Brain(per_subject(rdms), metric)


def models_of(given: Models, brain: Brain, by: str | None) -> tuple[np.ndarray, list[str]]:
    """Get the RDMs (model, pair) of all models, in the brain's order of stimuli, and their names."""
    named = given if isinstance(given, Mapping) else {"": given}
    if not named:
        raise DesignError("compare() got no models; expected RDMs, a recording, or a mapping of names to them.")
    values, names = [], []
    for name, one in named.items():
        rdms = one if is_rdms(one) else dissimilarities(one, distance=brain.metric.distance, by=by)
        same = with_stimuli(rdms, stimuli_of(brain.rdms))
        values.append(same.values)
        own = [str(part) for part in same["rdm"].values]
        alone = len(own) == 1 and name
        names += [name] if alone else [" ".join(filter(None, (name, part))) for part in own]
    if len(set(names)) < len(names):
        raise DataError("Two models have the same name; name them: {'trained': a, 'untrained': b}.")
    return np.concatenate(values), names


def adjusted(p: np.ndarray, correction: str) -> np.ndarray:
    """Get p after the correction over models."""
    known(correction, FROM_P, "correction")
    return FROM_P[correction](p, mask=np.ones(len(p), dtype=bool))


def _ceiling(brain: Brain, found: Influence, level: float) -> dict[str, Any]:
    """The noise ceiling, and how far each model lies from its lower end; NaN with one person."""
    data, n, method = brain.rdms.values, len(brain.people), brain.metric.method
    if n == 1:
        nothing = dict.fromkeys(("gap", "gap_low", "gap_high", "gap_p"), ("model", np.full(len(found.score), np.nan)))
        return {**nothing, "ceiling": ("subject", [np.nan]), "ceiling_low": np.nan, "ceiling_high": np.nan}
    ends = noise_ceiling(data, method=method)
    best = [influences(_others(data, s, method), data[s], method=method) for s in range(n)]
    lower, pull = np.array([one.score[0, 0] for one in best]), np.stack([one.influence[0, 0] for one in best])
    gap = rsa_test(found.score - lower, found.influence - pull, level=level)
    tested = {"gap": gap.effect, "gap_low": gap.low, "gap_high": gap.high, "gap_p": gap.p}
    return {
        **{name: ("model", values) for name, values in tested.items()},
        "ceiling": ("subject", lower),
        "ceiling_low": ends.low,
        "ceiling_high": ends.high,
    }


def _others(data: np.ndarray, one: int, method: str) -> np.ndarray:
    """The pooled RDM of all people but one: the mean of what the method compares, as in ``noise_ceiling``."""
    from scipy.stats import rankdata

    rest = np.delete(data, one, axis=0)
    if method == "spearman":
        return np.mean([rankdata(row) for row in rest], axis=0)
    centred = rest - rest.mean(axis=1, keepdims=True) if method == "corr" else rest
    return (centred / np.linalg.norm(centred, axis=1, keepdims=True)).mean(axis=0)


def _flipped(score: np.ndarray, level: float, rng: RNG | None) -> dict[str, Any]:
    """The exact sign-flip over people alone, stimuli held fixed; NaN with one person."""
    if score.shape[1] < 2:
        none = ("model", np.full(len(score), np.nan))
        return {**dict.fromkeys(("people_p", "people_low", "people_high"), none), "people_p_floor": np.nan}
    tests = [sign_flip(row, level=level, rng=rng) for row in score]
    columns = {"people_p": "p", "people_low": "low", "people_high": "high"}
    found = {name: ("model", [getattr(one, of) for one in tests]) for name, of in columns.items()}
    return {**found, "people_p_floor": tests[0].p_floor}


def _reasons(
    names: list[str], test: RsaTest, variables: Mapping[str, Any], level: float, correction: str
) -> list[str]:
    """The best model, and where it stands to the ceiling."""
    top = int(np.argmax(test.effect))
    numbers = interval_text(test.effect[top], test.low[top], test.high[top], level)
    which, it = f"Highest of {len(names)} models: {names[top]}", names[top]
    if len(names) == 1:
        which, it = "Likeness", "the likeness"
    said = [f"{which}, {numbers}, {corrected_text(float(variables['q'][1][top]), correction, len(names))}."]
    if np.isnan(variables["ceiling_low"]):
        return said
    gap = [float(variables[name][1][top]) for name in ("gap", "gap_low", "gap_high")]
    ends = f"{variables['ceiling_low']:.3g} to {variables['ceiling_high']:.3g}"
    numbers = interval_text(gap[0], gap[1], gap[2], level)
    return [*said, f"Noise ceiling {ends}; {it} less its lower end: {numbers}."]
