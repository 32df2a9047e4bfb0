"""How a saved finding differs from the same one computed again: its numbers, its words and its decisions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neurolab.protocol.findings import is_result, is_trials
from neurolab.schema import RESULTS

#: What a finding can be, from best to worst.
EXACT, WITHIN, DIFFERS, MISSING, NEW = "exact", "within", "differs", "missing", "new"
#: Attrs and variables that are digests of other numbers: another digest says that bits differ, not by how much.
DIGESTS = re.compile(r"(^|[_.])(digest|digests|inputs|source|weights|stimuli)$")
#: How a finding was computed, which may be otherwise: the numbers show whether it mattered.
HOW = ("attrs device", "attrs batch_size", "attrs dtype", "certificate_path")
NUMBERS = re.compile(r"[-+−]?\d[\d,]*\.?\d*(e[-+]?\d+)?|[-+−]?\.\d+")


@dataclass(frozen=True)
class Difference:
    """How one finding differs.

    largest : the largest difference of a number, as a share of the largest number of its variable; ``where`` it is.
    changed, decisions : how many of the decisions are others: p <= alpha, booleans, verdicts, answers right or wrong.
    said : what differs, in words.
    """

    finding: str
    same: str
    largest: float = 0.0
    where: str = ""
    changed: int = 0
    decisions: int = 0
    said: tuple[str, ...] = ()


def difference(finding: str, saved: Any, again: Any, tolerance: float) -> Difference:
    """Get how a finding computed again differs from the saved one.

    Example
    -------
    >>> one = difference("answer", {"value": 1.0, "n": 3}, {"value": 1.0 + 1e-9, "n": 3}, 1e-6)
    >>> one.same, one.where
    ('within', 'value')
    """
    before, after = dict(_parts(saved)), dict(_parts(again))
    wrong = [f"{name} is {'new' if name in after else 'gone'}" for name in before.keys() ^ after.keys()]
    found = {name: _differ(name, one, after[name]) for name, one in before.items() if name in after}
    how = [words for name, (_, words) in found.items() if words and name in HOW]
    numbers = {name: share for name, (share, _) in found.items() if share > 0 and name not in HOW}
    texts = {name: words for name, (_, words) in found.items() if words and name not in HOW}
    wrong += [f"{name} differs by {share:.3g} of its largest number" for name, share in numbers.items()
              if share > tolerance]  # fmt: skip
    wrong += [words for name, words in texts.items() if not _follows(name, before[name], after[name])]
    changed, decisions = _decided(saved, again)
    if changed:
        wrong.append(f"changed decisions: {changed} of {decisions}")
    where = max(numbers, key=lambda name: numbers[name], default="")
    same = DIFFERS if wrong else WITHIN if numbers or texts else EXACT
    return Difference(finding, same, numbers.get(where, 0.0), where, changed, decisions, (*wrong, *how))


def _parts(value: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every array of a finding, by name; attributes count, JSON in them is read."""
    if isinstance(value, xr.Dataset):
        for key, variable in value.variables.items():
            yield str(key), np.asarray(variable.values)
        for key, attr in value.attrs.items():
            yield from _parts(_read(attr), f"attrs {key}")
    elif isinstance(value, pd.DataFrame):
        for column in value:
            yield str(column), value[column].to_numpy()
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _parts(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and not _flat(value):
        for at, inner in enumerate(value):
            yield from _parts(inner, f"{name}[{at}]")
    else:
        yield name or "value", np.asarray(value, dtype=None if _flat(value) else object)


def _flat(value: Any) -> bool:
    """Whether a plain value is a number, or a list of numbers."""
    every = value if isinstance(value, list) else [value]
    return all(isinstance(one, (bool, int, float, np.generic)) for one in every)


def _read(attr: Any) -> Any:
    if isinstance(attr, str) and attr[:1] in ("[", "{"):
        try:
            return json.loads(attr)
        except json.JSONDecodeError:
            return attr
    return attr


def _differ(name: str, before: np.ndarray, after: np.ndarray) -> tuple[float, str]:
    """By how much two arrays differ (a share of the largest number), or in words, where they are no such numbers."""
    if before.shape != after.shape:
        return 0.0, f"{name} has the shape {after.shape}, not {before.shape}"
    kinds = before.dtype.kind + after.dtype.kind
    if set(kinds) <= set("iufc") and ("f" in kinds or "c" in kinds):
        return _share(before, after), ""
    if set(kinds) & set("mM"):
        before, after = before.astype(str), after.astype(str)
    n = int(np.sum([str(one) != str(other) for one, other in zip(before.ravel(), after.ravel())]))
    if n and not before.shape:
        return 0.0, f"{name} is {str(after)[:60]!r} here, {str(before)[:60]!r} then"
    return 0.0, f"{name} has {n} of {before.size} other entries" if n else ""


def _share(before: np.ndarray, after: np.ndarray) -> float:
    """The largest difference as a share of the largest finite number; infinite where one is no number."""
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    if same.all():
        return 0.0
    if not (np.isfinite(before[~same]).all() and np.isfinite(after[~same]).all()):
        return float("inf")
    size = max(float(np.abs(of[np.isfinite(of)]).max()) for of in (before, after))
    apart = np.subtract(before[~same], after[~same], dtype=np.result_type(before, np.float64))
    return float(np.abs(apart).max()) / size


def _follows(name: str, before: np.ndarray, after: np.ndarray) -> bool:
    """Whether other words only follow from other numbers: digests, and sentences that differ in their numbers."""
    if DIGESTS.search(name.removeprefix("attrs ")):
        return True
    if before.shape != after.shape or before.dtype.kind not in "OUS":
        return False
    pairs = zip(before.ravel(), after.ravel())
    texts = [(str(one), str(other)) for one, other in pairs if str(one) != str(other)]
    sentences = name.startswith("attrs ") or name.endswith("_notes")
    return sentences and all(NUMBERS.sub("#", one) == NUMBERS.sub("#", other) for one, other in texts)


def _decided(saved: Any, again: Any) -> tuple[int, int]:
    """How many decisions changed, and of how many."""
    before, after = _decisions(saved), _decisions(again)
    changed = total = 0
    for name in before.keys() & after.keys():
        one, other = before[name], after[name]
        if one.shape == other.shape:
            total += one.size
            changed += int((one != other).sum())
    return changed, total


def _decisions(value: Any) -> dict[str, np.ndarray]:
    """What was decided, by name: p <= alpha, booleans, the verdict; of trials whether each answer was right."""
    if is_trials(value):
        score = np.asarray(value["score"].values)
        return {"score": score > 0.5} if np.isin(score, (0, 1)).all() else {}
    if not is_result(value):
        return {}
    alpha = _alpha(value)
    found = {name: np.asarray(value[name].values) <= alpha + 1e-12 for name in _tested(value)}
    found |= {str(name): value[name].values for name in value.data_vars if value[name].dtype.kind == "b"}
    if "verdict" in value.attrs:
        found["verdict"] = np.array([NUMBERS.sub("#", str(value.attrs["verdict"]))])
    return found


def _tested(result: xr.Dataset) -> list[str]:
    """Every p and corrected p of a result."""
    spec = RESULTS.get(str(result.attrs["analysis"]))
    named = [test[0] for test in spec.tests] if spec else []
    corrected = [str(name) for name in result.data_vars if str(name) == "q" or str(name).endswith("_q")]
    return [name for name in dict.fromkeys([*named, *corrected]) if name in result]


def _alpha(result: xr.Dataset) -> float:
    """The level of the result: its own alpha, else what its intervals leave out, else 0.05."""
    level = float(result.attrs.get("level", np.nan))
    given = result.attrs.get("alpha", 1 - level if 0 < level < 1 else 0.05)
    return float(given) if isinstance(given, (int, float)) else 0.05
