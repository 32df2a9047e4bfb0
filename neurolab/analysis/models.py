"""A deficit by the test that the design gives, and beside it what models of single trials make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurolab.analysis.fits import FEWEST, MODELS, MOST_ROWS, Fit, Pairs
from neurolab.analysis.localiser import known
from neurolab.analysis.sample import Sample, sample_of, sham_rows, target_rows
from neurolab.analysis.words import floor_text, interval_text, joined, p_text
from neurolab.chance import RNG, generator
from neurolab.errors import DesignError, ReplicationUnitError
from neurolab.schema import make_result, register_result, strings
from neurolab.stats.permutation import SignFlip, sign_flip
from neurolab.trials import pick_task

TEST = ("effect", "low", "high", "p", "p_floor")
FLOOR = float(np.finfo(np.float64).tiny)
#: Models that are refused, with what was measured of them.
REFUSED = {
    "binomial_bayes": "statsmodels' BinomialBayesMixedGLM is not offered: on data whose conditional logit has a "
    "standard error of .146 its fit_vb gives .099, and its fit_map diverged (a variance of 8e-27). Networks as the "
    "sample are tested by the sign-flip; for odds type models='conditional_logit'.",
    "glm": "A logistic regression without clusters takes every trial for an independent network. Type models='gee'.",
}
BY_STIMULUS = (
    "{n} networks and over='stimulus': a model clustered by stimulus while networks differ rejects a true null in "
    "22.7 % at a nominal 5 % (measured: 6 networks, lesion effect varying over them, 150 simulations). The network is "
    "the sample: leave over= out. For the stimuli of one network alone type trials.sel(specimen=['{first}'])."
)

register_result(
    "mixed",
    {
        **dict.fromkeys(TEST, ()),
        **dict.fromkeys((*(f"model_{name}" for name in TEST), "model_se", "model_df", "fitted", "flagged"), ("model",)),
    },
    [
        ("p", "effect", "low", "high", "p_floor"),
        ("model_p", "model_effect", "model_low", "model_high", "model_p_floor"),
    ],
)


def mixed(
    trials: xr.Dataset,
    *,
    lesion: str,
    task: str,
    models: str | Sequence[str] | None = None,
    over: str | None = None,
    level: float = 0.95,
    rng: RNG,
) -> xr.Dataset:
    """Get a lesion's deficit by the sign-flip over networks, and beside it what models of single trials say.

    ``p`` is the test: two-sided sign-flip of the mean deficits of networks (people; stimuli of a single network). It
    asks only that signs are exchangeable. The models are a check on it: they weigh trials, and see odds where the score
    is right or wrong. Where they disagree the design-based test holds, and ``note`` says so.

    Parameters
    ----------
    trials : with the target and a sham.
    lesion, task : names. level : coverage of all intervals.
    models : "mixedlm" (linear mixed model of the paired differences, random by network), "gee" (clustered by network;
        binomial for scores of 0 and 1), "conditional_logit" (a stratum per presentation, clustered by network), or
        several. Default: gee and conditional_logit for scores of 0 and 1, else mixedlm and gee.
    over : "specimen", or "stimulus" for the stimuli of one network; the sample, and the cluster of every model.
    rng : integer or Generator; used above 30 members.

    Returns
    -------
    Dataset: ``effect`` (mean deficit, in score) with ``low, high, p, p_floor``; ``value`` per member. Over model:
    ``model_effect`` (coordinate ``unit``: score or log odds), ``model_low, model_high, model_p`` (t with one df less
    than there are members), ``model_se, model_df``; ``fitted``; ``flagged``, True where statsmodels warned or did not
    converge: ``note`` says of what. attrs: ``verdict`` and ``reasons``.

    Raises
    ------
    ReplicationUnitError : stimuli as clusters while networks vary; units, draws or folds as the sample.
    DesignError : a model that is not offered ("binomial_bayes"), with what was measured of it; odds of graded scores.

    When this is invalid
    --------------------
    Few networks. Rejections of a true null at .05, effects varying over 6, 8, 12, 20 networks with 50 stimuli (2,000
    simulations): gee .044, .034, .038, .040; conditional_logit .054, .045, .044, .046; mixedlm .040, .033 with 6, 8
    (300). With a normal in place of t, as statsmodels prints them: gee .088, mixedlm .103, conditional_logit .112
    with 6.
    A model's p is no second test of the same claim: report the design-based one.

    Source
    ------
    Sandwich for few clusters: Mancl & DeRouen 2001, doi:10.1111/j.0006-341X.2001.00126.x; fitted by statsmodels.

    Example
    -------
    >>> from neurolab.simulate import phantom_trials
    >>> found = mixed(phantom_trials(n_specimens=8, spread=0.1, rng=0), lesion="A", task="X", models="gee", rng=0)
    >>> float(found["p"]), found["unit"].values.tolist()
    (0.0078125, ['log odds'])
    """
    sample = sample_of(trials, over)
    _networks(sample)
    rows = target_rows(sample.trials, lesion)
    name = str(sample.trials["roi"].values[rows[0]])
    shams = sham_rows(sample.trials, name)
    pairs = _pairs(sample, rows, shams, task)
    asked = _asked(models, pairs)
    deficit = (sample.table(shams, task) - sample.table(rows, task)).to_numpy()
    test = sign_flip(deficit, level=level, rng=generator(rng, "mixed", name, task))
    fits = {model: _fit(model, pairs) for model in asked}
    floor = floor_text(test.n, test.p_floor, plural=sample.plural, alternative="two-sided", alpha=1 - level)
    return make_result(
        {"value": (sample.dim, deficit), **{name: getattr(test, name) for name in TEST}, **_models(fits, level)},
        coords={**_members(sample, task), "model": strings([_label(model, fit) for model, fit in fits.items()]),
                "kind": ("model", strings(asked)), "unit": ("model", strings([fit.unit for fit in fits.values()]))},
        analysis="mixed",
        estimand=f"the mean over {sample.plural} of the deficit of {name} on {task}; models: its size given the trials",
        test=f"two-sided sign-flip over {sample.plural}; beside it {joined([MODELS[model][0] for model in asked])}",
        n=test.n,
        correction="none",
        alternative="two-sided",
        level=level,
        lesion=name,
        task=task,
        clusters=sample.over,
        n_rows=2 * len(pairs.intact),
        verdict=_verdict(name, task, test, fits, level, sample.plural),
        reasons=_reasons(fits, test, level),
        **sample.said(rng, floor, *_notes(fits, test, level), tasks=[task], rows=rows),
    )  # fmt: skip


def _networks(sample: Sample) -> None:
    """Refuse stimuli as clusters while networks vary."""
    if sample.over == "stimulus" and len(sample.specimens) > 1:
        raise ReplicationUnitError(BY_STIMULUS.format(n=len(sample.specimens), first=sample.specimens[0]))


def _asked(models: str | Sequence[str] | None, pairs: Pairs) -> list[str]:
    if models is None:
        return ["gee", "conditional_logit"] if pairs.binary else ["mixedlm", "gee"]
    asked = [models] if isinstance(models, str) else list(models)
    for model in asked:
        if model in REFUSED:
            raise DesignError(REFUSED[model])
        known(model, MODELS, "models")
    if "conditional_logit" in asked and pairs.single and not pairs.binary:
        raise DesignError("A conditional logit needs scores of 0 and 1, and these are graded: type models='mixedlm'.")
    return list(dict.fromkeys(asked))


def _pairs(sample: Sample, rows: np.ndarray, shams: np.ndarray, task: str) -> Pairs:
    """Every presentation with its score without and with the lesion, by member."""
    where = pick_task(sample.trials, task)
    intact, lesioned = (sample.scores[:, at][:, :, where].mean(axis=1) for at in (shams, rows))
    member = np.broadcast_to(np.arange(len(intact))[:, None], intact.shape)
    if sample.over == "stimulus":
        ids = sample.trials["stimulus_id"].values[where].astype(str)
        order = {name: at for at, name in enumerate(dict.fromkeys(ids))}
        member = np.array([[order[name] for name in ids]])
    return Pairs(intact.ravel(), lesioned.ravel(), member.ravel(), sample.plural, len(rows) == len(shams) == 1)


def _fit(model: str, pairs: Pairs) -> Fit:
    if pairs.n < FEWEST:
        return Fit(said=(f"{pairs.n} {pairs.plural} are too few for a model; {FEWEST} or more, better 10.",))
    if 2 * len(pairs.intact) > MOST_ROWS:
        return Fit(said=(f"{2 * len(pairs.intact):,} rows are more than {MOST_ROWS:,}: average presentations first.",))
    return MODELS[model][1](pairs)


def _label(model: str, fit: Fit) -> str:
    return f"{MODELS[model][0]} ({fit.unit})"


def _members(sample: Sample, task: str) -> dict[str, Any]:
    return {sample.dim: strings(sample.stimuli(task)) if sample.over == "stimulus" else sample.specimens}


def _models(fits: dict[str, Fit], level: float) -> dict[str, Any]:
    every = list(fits.values())
    ends = np.array([fit.interval(level) for fit in every])
    return {
        "model_effect": ("model", [fit.effect for fit in every]),
        "model_low": ("model", ends[:, 0]),
        "model_high": ("model", ends[:, 1]),
        "model_p": ("model", [fit.p for fit in every]),
        "model_p_floor": ("model", [FLOOR if np.isfinite(fit.p) else np.nan for fit in every]),
        "model_se": ("model", [fit.se for fit in every]),
        "model_df": ("model", [fit.df for fit in every]),
        "fitted": ("model", [bool(np.isfinite(fit.effect)) for fit in every]),
        "flagged": ("model", [bool(fit.said) for fit in every]),
    }


def _disagrees(fit: Fit, test: SignFlip, level: float) -> bool:
    alpha = round(1 - level, 12)
    return np.isfinite(fit.p) and (fit.p <= alpha) != (test.p <= alpha)


def _notes(fits: dict[str, Fit], test: SignFlip, level: float) -> list[str]:
    """What each model warned of, and where one decides otherwise than the design-based test."""
    said = []
    for model, fit in fits.items():
        what = MODELS[model][0]
        kind = "Flagged" if np.isfinite(fit.effect) else "Not fitted"
        said += [f"{kind}, {what}: {line}" for line in fit.said]
        if _disagrees(fit, test, level):
            said.append(f"The {what} decides otherwise than the sign-flip; the sign-flip holds, it assumes less.")
    return said


def _verdict(name: str, task: str, test: SignFlip, fits: dict[str, Fit], level: float, plural: str) -> str:
    shown = "shown" if test.p <= round(1 - level, 12) else "not shown"
    head = f"{shown}: {name} changes {task} ({p_text(test.p)}, sign-flip over {test.n} {plural})"
    told: dict[bool, list[str]] = {True: [], False: []}
    for model, fit in fits.items():
        if np.isfinite(fit.p):
            told[not _disagrees(fit, test, level)].append(MODELS[model][0])
    parts = [f"{joined(who)} {'agrees' if len(who) == 1 else 'agree'}" for who in (told[True],) if who]
    parts += [f"{joined(who)} {'does' if len(who) == 1 else 'do'} not" for who in (told[False],) if who]
    return "; ".join([head, *parts])


def _reasons(fits: dict[str, Fit], test: SignFlip, level: float) -> list[str]:
    said = [f"Sign-flip: {interval_text(test.effect, test.low, test.high, level)} in score, {p_text(test.p)}."]
    for model, fit in fits.items():
        if np.isfinite(fit.p):
            flag = " (flagged, see the note)" if fit.said else ""
            numbers = interval_text(fit.effect, *fit.interval(level), level)
            said.append(f"{MODELS[model][0]}: {numbers} in {fit.unit}, {p_text(fit.p)}{flag}.")
    return said
