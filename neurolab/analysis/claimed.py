"""A claim in words against the results that bear on it: supported, refuted, not shown, or depending on a condition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.analysis.claim_rows import (
    EXPECTS,
    NOT_SHOWN,
    TEST,
    Row,
    conditions_of,
    decided,
    granted,
    out_of_reach,
    rows_of,
    verdict_of,
)
from neurolab.analysis.claim_words import because, noted, other_sign, presumed, undermining
from neurolab.analysis.flags import flags_in
from neurolab.analysis.profiles import training_flags
from neurolab.analysis.sample import PLURAL
from neurolab.digest import digest_of
from neurolab.errors import DesignError, SchemaError, UnknownNameError, did_you_mean, listed
from neurolab.schema import make_result, register_result, strings

_ROW = {**dict.fromkeys(TEST, ("row",)), **dict.fromkeys(("decision", "n", "over", "interval_level"), ("row",))}
register_result("claim", _ROW, [TEST])
register_result("claims", {**_ROW, **dict.fromkeys(("verdict", "figure", "n_of_claim"), ("claim",))}, [TEST])


def claim(
    sentence: str,
    results: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    expects: str,
    within: float | None = None,
    alpha: float = 0.05,
    by: str = "",
    test: str | None = None,
    figure: str = "",
    pilot: float | Mapping[str, float] | None = None,
    presumes: xr.Dataset | None = None,
) -> xr.Dataset:
    """Get the verdict on a sentence from the results that bear on it, with its reasons.

    One result: *supported* when p <= alpha and the effect lies on the expected side; *refuted* when the opposite side
    is shown, or the interval lies within ``±within``; else *not shown*. "none" is supported when the interval lies
    within the bound, refuted when all of it lies beyond.

    Several conditions: what holds in every one of them holds for the claim (no correction is needed: all must hold).
    Where they disagree: *depends on <by>* when one supports the claim and another refutes it, each one-sided at alpha
    over their number k; else *supported in part (which)* or *refuted in part (which)*, after Holm's correction of p,
    when the others merely do not show it. *Cannot be shown with n networks* is said where the smallest p that the
    design can give is above alpha, or, for "none", its interval has no end. An interval in the place of a p must be as
    wide; one within the bound is not corrected, and the reasons say so.

    Where all members gave the same value, their interval has no width. The verdict stands, as it is of the mean of what
    was seen, and ``undermined_by`` says what it leaves open: of n alike, 1 - .05^(1/n) of others (about 3/n) may
    differ. Where a tenth of networks relapse, ten show none that does in .35 of runs.

    Parameters
    ----------
    sentence : the claim, as a reader should meet it.
    results : a result, or condition -> result; each with one effect, interval, p and floor: take ``.sel(...)`` first. A
        result with one dimension left is split along it: what lies there are the conditions.
    expects : "more" (effect above 0), "less" or "none". Of a mean that was tested against another value, such as
        ``index_mean(..., popmean=.1)``, above or below that value.
    within : the largest effect that counts as none, in its unit; "none" needs it. State it before looking. A result of
        an equivalence test has a bound of its own, which it cannot exceed.
    by : what the conditions are, for "depends on <by>"; default the dimension that a result is split along.
    test : the p that is meant, where a result has several; default its first with no dimension left.
    figure : name of the finding whose figure shows it.
    pilot : the effect of a pilot, or condition -> effect; a sign that differs from it is said in the reasons.
    presumes : a claim without which this one says nothing, such as that there was anything to remove. Where it is not
        supported (in the condition of the same name, else in all) this one is not shown.

    Returns
    -------
    Dataset over ``row`` (condition): ``effect, low, high, p, p_floor``, ``null`` (what the effect was tested against),
    ``decision``, ``n``, ``over`` and ``interval_level``. attrs: ``verdict``, ``sentence``, and as JSON lists
    ``reasons`` and ``undermined_by``, which takes over what the results say of themselves, as far as it is about
    what was taken out of them; ``note``, their notes.

    Raises
    ------
    SchemaError : what is no result, or has more than one effect. UnknownNameError : another expectation or test.
    DesignError : "none" without ``within``; a ``within`` above the result's own bound; intervals too short for
    ``alpha``; intervals of several levels.

    When this is invalid
    --------------------
    The claim, its side and its bound must be stated before the results are seen. A claim not shown is not refuted, and
    shown here but not there is no evidence that here and there differ. Claims are not corrected for each other.

    Source
    ------
    All conditions must hold: Berger 1982, doi:10.1080/00401706.1982.10487790. Equivalence from an interval: Schuirmann
    1987, doi:10.1007/BF01068419.

    Example
    -------
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> cost = deficits(phantom_trials(rng=0), rng=0).sel(lesion="A")
    >>> claim("A does X.", cost.sel(task="X"), expects="more").attrs["verdict"]
    'supported'
    >>> tasks = {task: cost.sel(task=task) for task in ("X", "Y")}
    >>> claim("A does all tasks.", tasks, expects="more", within=0.1, by="task").attrs["verdict"]
    'depends on task'
    """
    _check(expects, within, alpha, sentence)
    _check_words(by, test, figure, pilot)
    named = conditions_of(results, test)
    by = by or _along(results, named)
    rows = granted(decided(rows_of(named, sentence, alpha, test, within), expects, within, alpha), presumes)
    return make_result(
        _variables(rows),
        coords={"row": strings([row.condition for row in rows])},
        analysis="claim",
        sentence=sentence,
        verdict=_verdict(rows, expects, alpha, by),
        reasons=[*because(rows, expects, within, alpha), *other_sign(rows, pilot)],
        undermined_by=[*presumed(rows, presumes), *undermining(named, rows)],
        note=noted(named),
        expects=expects,
        within="" if within is None else within,
        alpha=alpha,
        by=by,
        figure=figure,
        n=_sizes((row.n, row.over) for row in rows),
        level=rows[0].level,
        **{**_about(list(named.values()), sentence), "generalises_over": rows[0].over},
    )


def _along(results: xr.Dataset | Mapping[str, xr.Dataset], named: Mapping[str, xr.Dataset]) -> str:
    """What the conditions are: the dimension that a result was split along."""
    dims = [str(dim) for dim in results.dims if list(map(str, results[dim].values)) == list(named)
            ] if isinstance(results, xr.Dataset) else []  # fmt: skip
    return dims[0] if dims else "condition"


def _verdict(rows: Sequence[Row], expects: str, alpha: float, by: str) -> str:
    """The verdict in words; one that no data could have brought about says so."""
    said = verdict_of({row.condition: row.decision for row in rows}, by)
    if said == NOT_SHOWN and out_of_reach(rows, expects, alpha):
        sizes = _sizes((row.n, row.over) for row in rows)
        return f"cannot be shown with {sizes}" + (f" {rows[0].members}" if len({row.over for row in rows}) == 1 else "")
    return said


def claims(*made: xr.Dataset, training: pd.DataFrame | None = None) -> xr.Dataset:
    """Get several claims as one result: a row per claim for the report, in the order given.

    Parameters
    ----------
    made : what :func:`claim` gave; each sentence once.
    training : of ``nl.specimen.training_table``: what it says against networks that did not learn is said of each.

    Returns
    -------
    Dataset over ``claim`` (its sentence): ``verdict``, ``figure``, ``n_of_claim``, ``expects``, ``reasons``; and over
    ``row`` (claim and condition): all that :func:`claim` gives, with ``claim_of`` saying whose row it is. attrs:
    ``verdict``, how many claims have which; ``reasons``, a sentence per claim; ``undermined_by``.

    Raises
    ------
    SchemaError : what is no claim. DesignError : no claim at all, or one sentence twice.

    When this is invalid
    --------------------
    Verdicts are not corrected for the number of claims: of many true nulls, alpha of each would be called supported.

    Example
    -------
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> cost = deficits(phantom_trials(rng=0), rng=0).sel(lesion="A")
    >>> one = claim("A does X.", cost.sel(task="X"), expects="more")
    >>> two = claim("A does Y.", cost.sel(task="Y"), expects="more", within=0.1)
    >>> claims(one, two).attrs["verdict"]
    '1 supported, 1 refuted'
    """
    _check_claims(made)
    made = tuple(_trained(one, training) for one in made)
    sentences = [str(one.attrs["sentence"]) for one in made]
    verdicts = [str(one.attrs["verdict"]) for one in made]
    kinds = [one.partition(" (")[0] for one in verdicts]
    rows = xr.concat([one.drop_vars("row") for one in made], dim="row", combine_attrs="drop")
    owner = np.repeat(np.arange(len(made)), [one.sizes["row"] for one in made])
    conditions = [str(condition) for one in made for condition in one["row"].values]
    of_row = {"claim_of": ("row", owner), "condition": ("row", strings(conditions))}
    return make_result(
        {**{str(name): one for name, one in rows.data_vars.items()}, **of_row, **_per_claim(made)},
        coords={"claim": strings(sentences), "row": strings(_labels(sentences, owner, conditions))},
        analysis="claims",
        verdict=", ".join(f"{kinds.count(one)} {one}" for one in dict.fromkeys(kinds)),
        reasons=[f"{verdict[:1].upper()}{verdict[1:]}: {said}" for said, verdict in zip(sentences, verdicts)],
        undermined_by=list(dict.fromkeys(said for one in made for said in undermining({"": one}))),
        note=" ".join(dict.fromkeys(filter(None, (str(one.attrs.get("note", "")) for one in made)))),
        n=_sizes(zip(rows["n"].values.tolist(), rows["over"].values.tolist())),
        level=min(float(one.attrs["level"]) for one in made),
        alpha="; ".join(dict.fromkeys(f"{one.attrs['alpha']:g}" for one in made)),
        **_about(made, "; ".join(sentences)),
    )


def _check(expects: str, within: float | None, alpha: float, sentence: str) -> None:
    if not isinstance(sentence, str) or not sentence.strip():
        raise DesignError(f"The claim is {sentence!r}; expected a sentence such as 'Dropout spreads a task out.'")
    if not isinstance(expects, str) or expects not in EXPECTS:
        raise UnknownNameError(f"expects={expects!r}; expected {listed(EXPECTS)}.{did_you_mean(str(expects), EXPECTS)}")
    if within is not None and not (_is_number(within) and 0 < within < np.inf):
        raise DesignError(f"within={within!r}; expected a number above 0: the largest effect that counts as none.")
    if expects == "none" and within is None:
        raise DesignError(
            f"The claim {sentence!r} expects no effect, which only a bound can show: a large p is no evidence. Type "
            "within=the largest effect that counts as none."
        )
    if not (_is_number(alpha) and 0 < alpha < 0.5):
        raise DesignError(f"alpha={alpha!r}; expected a level between 0 and .5. Type alpha=.05.")


def _check_words(by: str, test: str | None, figure: str, pilot: float | Mapping[str, float] | None) -> None:
    for name, given in {"by": by, "test": test or "", "figure": figure}.items():
        if not isinstance(given, str):
            raise DesignError(f"{name}={given!r}; expected a name. Type {name}='...'.")
    before = pilot.values() if isinstance(pilot, Mapping) else [] if pilot is None else [pilot]
    if not all(map(_is_number, before)):
        raise DesignError(f"pilot={pilot!r}; expected the effect of a pilot, a number, or condition -> number.")


def _is_number(given: object) -> bool:
    return isinstance(given, Real) and not isinstance(given, (bool, np.bool_))


def _variables(rows: Sequence[Row]) -> dict[str, Any]:
    numbers = {name: ("row", [getattr(row, name) for row in rows]) for name in (*TEST, "null")}
    words = {name: ("row", strings([getattr(row, name) for row in rows])) for name in ("decision", "n", "over")}
    return {**numbers, **words, "interval_level": ("row", [row.level for row in rows])}


def _about(results: Sequence[xr.Dataset], estimand: str) -> dict[str, Any]:
    """What the results say of where they come from, each once."""
    said = {
        name: "; ".join(dict.fromkeys(str(one.attrs.get(name, "")) for one in results))
        for name in ("test", "correction", "alternative", "rng", "source")
    }
    inputs = digest_of(*(str(one.attrs.get("inputs", "")) for one in results))
    return {**said, "estimand": estimand, "inputs": inputs, "generalises_over": results[0].attrs["generalises_over"]}


def _trained(made: xr.Dataset, training: pd.DataFrame | None) -> xr.Dataset:
    """A claim that says what the training of its networks says against them."""
    before, more = list(flags_in(made.attrs)), training_flags(training)
    return made.assign_attrs(undermined_by=json.dumps([*before, *(line for line in more if line not in before)]))


def _sizes(every: Iterable[tuple[str, str]]) -> str:
    """How many members of one kind; of several kinds each with its name, for people and stimuli make no range."""
    kinds: dict[str, list[str]] = {}
    for n, over in every:
        kinds.setdefault(str(over), []).append(str(n))
    if len(kinds) == 1:
        return _joined(*kinds.values())
    return ", ".join(f"{_joined(some)} {PLURAL.get(over, f'{over}s')}" for over, some in kinds.items())


def _joined(every: Sequence[str]) -> str:
    """One n, or the smallest and the largest."""
    known = sorted(set(every), key=lambda n: (not n.isdigit(), int(n) if n.isdigit() else 0, n))
    return known[0] if len(known) == 1 else f"{known[0]} to {known[-1]}"


def _check_claims(made: Sequence[xr.Dataset]) -> None:
    for one in made:
        if not isinstance(one, xr.Dataset) or one.attrs.get("analysis") != "claim":
            raise SchemaError(f"claims() got a {type(one).__name__} that is no claim; type claims(claim(...), ...).")
    sentences = [str(one.attrs["sentence"]) for one in made]
    if not made or len(set(sentences)) < len(sentences):
        raise DesignError(f"claims() got {listed(sentences, empty='nothing')}; expected claims, each sentence once.")


def _per_claim(made: Sequence[xr.Dataset]) -> dict[str, Any]:
    named = {"verdict": "verdict", "figure": "figure", "n_of_claim": "n", "expects": "expects", "reasons": "reasons",
             "within": "within", "undermined_by": "undermined_by", "note": "note"}  # fmt: skip
    return {name: ("claim", strings([one.attrs[attr] for one in made])) for name, attr in named.items()}


def _labels(sentences: Sequence[str], owner: np.ndarray, conditions: Sequence[str]) -> list[str]:
    pairs = zip(owner, conditions)
    return [f"{sentences[at]} [{condition}]" if condition else sentences[at] for at, condition in pairs]
