"""Claims as a reader meets them: a row per claim, its table in a report, and the paragraph on how they were judged."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.plots.read import names
from neurolab.plots.words import SAMPLE, number, over_words, percent, probability, tidy
from neurolab.report.in_a_line import numbers_line
from neurolab.report.methods_of_maps import Paragraph

CLAIM_COLUMNS = ("claim", "verdict", "effect", "n", "figure", "expects", "reasons", "undermined_by", "note")
SIDE = {"more": "an effect above 0", "less": "an effect below 0", "none": "no effect"}


def claim_table(result: xr.Dataset) -> pd.DataFrame:
    """Get one row per claim: sentence, verdict, effect with interval and p (by condition), n, figure, reasons.

    result : of ``nl.analysis.claims``.

    Example
    -------
    >>> from neurolab.analysis import claim, claims, deficits
    >>> from neurolab.simulate import phantom_trials
    >>> cost = deficits(phantom_trials(rng=0), rng=0).sel(lesion="A", task="X")
    >>> claim_table(claims(claim("A does X.", cost, expects="more")))["effect"][0]
    '0.28 [0.24, 0.31] (95 %), p = .00195 (smallest possible)'
    """
    rows = []
    for at, said in enumerate(names(result, "claim")):
        here = np.flatnonzero(result["claim_of"].values == at)
        cell = {name: str(result[name].values[at]) for name in ("verdict", "figure", "expects", "within")}
        texts = (said, cell["verdict"], "; ".join(_effect(result, int(row)) for row in here), _sample(result, here))
        expects = cell["expects"] + (f" (within ±{cell['within']})" if cell["within"] else "")
        said_of_it = (_lines(result, name, at) for name in ("reasons", "undermined_by", "note"))
        rows.append((*texts, cell["figure"], expects, *said_of_it))
    return pd.DataFrame(rows, columns=list(CLAIM_COLUMNS))


def _effect(result: xr.Dataset, row: int) -> str:
    wanted = ("effect", "low", "high", "p", "p_floor")
    effect, low, high, p, floor = (float(result[name].values[row]) for name in wanted)
    condition = str(result["condition"].values[row])
    where = f"{condition}: " if condition else ""
    if not np.isfinite(effect):
        return f"{where}not estimated"
    level, null = float(result["interval_level"].values[row]), _nulls(result)[row]
    against = f" against {number(null)}" if null else ""
    return f"{where}{numbers_line(effect, low, high, level, p, floor)}{against}"


def _nulls(result: xr.Dataset) -> np.ndarray:
    """What each row's effect was tested against; results written before it was kept say 0."""
    return np.asarray(result["null"].values if "null" in result else np.zeros(result.sizes["row"]), dtype=float)


def _sample(result: xr.Dataset, rows: np.ndarray) -> str:
    """``8 networks``; several where conditions have several."""
    every = [(str(result["n"].values[row]), str(result["over"].values[row])) for row in rows]
    return ", ".join(f"{n} {SAMPLE.get(over, ('', ''))[n != '1']}".strip() for n, over in dict.fromkeys(every))


def _lines(result: xr.Dataset, name: str, at: int) -> str:
    text = str(result[name].values[at]) if name in result else ""  # a result written before it was kept
    return " ".join(tidy(str(line)) for line in json.loads(text)) if text.startswith("[") else tidy(text)


def claims_table(result: xr.Dataset) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Get the table of claims with its caption; the first row is the head."""
    table = claim_table(result)
    levels = sorted({float(level) for level in result["interval_level"].values})
    caption = f"Effects with intervals of {' or '.join(percent(level) for level in levels)}"
    rows = [tuple(map(str, row)) for row in table[["claim", "verdict", "effect", "n"]].itertuples(index=False)]
    return [(caption, [("Claim", "verdict", "effect", "n"), *rows])]


def claims_paragraph(result: xr.Dataset) -> Paragraph:
    """Get the paragraph on how claims were judged; of one claim or of several."""
    several = "claim" in result.dims
    expects = result["expects"].values if several else [result.attrs["expects"]]
    sides = sorted({SIDE[str(one)] for one in expects})
    bounds = result["within"].values if several else [result.attrs["within"]]
    bounded = any(str(bound) for bound in bounds)
    bound = " or the interval lies within the stated bound" if bounded else ""
    other = "; 0 stands for another value where one is given" if _nulls(result).any() else ""
    alpha = probability(float(str(result.attrs["alpha"]).split(";")[0]))
    most = int(np.bincount(result["claim_of"].values).max()) if several else result.sizes["row"]
    text = [
        f"Each claim was stated with what it expects ({' or '.join(sides)}{other}) "
        f"and judged by {result.attrs['test']}, at {alpha}: supported where the test shows the expected side, refuted "
        f"where it shows the other{bound}, else not shown."
    ]
    if most > 1:
        text.append(
            "A claim on several conditions is supported where each of them supports it (intersection-union); where "
            "they disagree, both sides were called shown at one-sided levels divided by the number of conditions, one "
            "side alone after Holm's correction."
        )
    text.append(f"The sample of each claim stands beside it ({over_words(result)}). Claims were not corrected for each "
                "other." if several else "")  # fmt: skip
    keys = ("Berger 1982" if most > 1 else "", "Holm 1979" if most > 1 else "", "Schuirmann 1987" if bounded else "")
    return " ".join(part for part in text if part), keys
