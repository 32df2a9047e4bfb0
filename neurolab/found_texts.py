"""Texts found inside installed packages, read as files: the language localiser, grammar suites; and digits to copy."""

from __future__ import annotations

import csv
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from neurolab.chance import RNG, generator
from neurolab.errors import DataError, FileFormatError, UnknownNameError, did_you_mean, listed
from neurolab.packages import INSTALL, package_file, package_folder
from neurolab.stimuli import StimulusSet

SUITES = ("number_prep", "number_orc", "number_src")


def fedorenko_2010() -> StimulusSet:
    """Get the language localiser: 240 twelve-word sentences and 240 lists of twelve pronounceable non-words, as texts.

    Lower case. Conditions "sentences", "non-words"; ``run`` and ``set`` say which list of the experiment. Turn
    them into token ids with ``nl.datasets.load_tokeniser(name)``.

    Source
    ------
    Fedorenko et al. 2010, https://doi.org/10.1152/jn.00032.2010, in the package brainscore-language.
    """
    what = "The stimulus set 'fedorenko-2010'"
    folder = package_folder("brainscore_language", what=what) / "data" / "fedorenko2010_localization"
    files = sorted(folder.glob("langloc_fmri_run*_stim_set*.csv"))
    if not files:
        raise FileFormatError(
            f"{what} expects data/fedorenko2010_localization in the package brainscore_language; it "
            f"is not there. Type `{INSTALL['brainscore_language']}`."
        )
    rows = [row for file in files for row in _localiser_rows(file)]
    table = pd.DataFrame(rows, columns=["stimulus_id", "condition", "run", "set", "words"])
    return StimulusSet("fedorenko-2010", table.pop("words").to_numpy(dtype=str), table)


def _localiser_rows(file: pathlib.Path) -> Iterator[tuple[str, str, str, str, str]]:
    run, part = re.findall(r"\d+", file.stem)[:2]
    kinds = {"S": "sentences", "N": "non-words"}
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=1):
            kind = kinds.get((row.get("stim14") or "").strip())
            words = [(row.get(f"stim{place}") or "").strip().lower() for place in range(2, 14)]
            if kind is None or not all(words):
                raise FileFormatError(
                    f"{file.name}, item {number}: expected twelve words and S or N, found {row}. Type "
                    f"`{INSTALL['brainscore_language']}` for an undamaged release."
                )
            yield f"run{run}-set{part}-{number:02d}", kind, run, part, " ".join(words)


def agreement(*, suites: tuple[str, ...] = SUITES) -> StimulusSet:
    """Get the subject-verb agreement suites as prompts that end before the verb, with both forms of the verb.

    "The author next to the senators" with ``correct`` " is" and ``wrong`` " are"; condition "singular" or "plural"
    by the subject. ``suite``, ``item``; ``group`` keeps the versions of one item together when the set is split.

    Parameters
    ----------
    suites : of SyntaxGym: "number_prep", "number_orc", "number_src".

    Returns
    -------
    StimulusSet of texts. For a score turn the verbs into ids too: ``words(words.keep(stimuli, "correct", "wrong"),
    words=("correct", "wrong"))``.

    Source
    ------
    Hu et al. 2020, https://doi.org/10.18653/v1/2020.acl-main.158, in the package brainscore-language.
    """
    odd = [name for name in suites if name not in SUITES]
    if odd or not suites:
        raise UnknownNameError(
            f"There is no agreement suite {listed(odd)}.{did_you_mean(odd, SUITES)} Expected some of {listed(SUITES)}."
        )
    rows = [row for suite in suites for row in _agreement_rows(suite)]
    table = pd.DataFrame(rows)
    return StimulusSet("syntaxgym-agreement", table.pop("prompt").to_numpy(dtype=str), table)


def _agreement_rows(suite: str) -> Iterator[dict[str, Any]]:
    parts = ("benchmarks", "syntaxgym", "suites", "syntaxgym-2020", f"{suite}.json")
    file = package_file("brainscore_language", *parts, what="The stimulus set 'syntaxgym-agreement'")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        verb = next(int(number) for number, name in content["region_meta"].items() if name == "matrix_v")
        for item in content["items"]:
            regions = {
                one["condition_name"]: {region["region_number"]: region["content"] for region in one["regions"]}
                for one in item["conditions"]
            }
            for short, number in (("sing", "singular"), ("plural", "plural")):
                right, wrong = regions[f"match_{short}"], regions[f"mismatch_{short}"]
                prompt = " ".join(right[place] for place in sorted(right) if place < verb and right[place])
                yield {
                    "stimulus_id": f"{suite}-{item['item_number']:02d}-{short}",
                    "condition": number,
                    "suite": suite,
                    "item": int(item["item_number"]),
                    "group": f"item {item['item_number']}",
                    "prompt": prompt,
                    "correct": f" {right[verb]}",
                    "wrong": f" {wrong[verb]}",
                }
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise FileFormatError(
            f"{file.name} is no SyntaxGym suite ({type(error).__name__}: {error}). Type "
            f"`{INSTALL['brainscore_language']}` for an undamaged release."
        ) from error


def digit_copying(*, n: int = 60, span: int = 4, rng: RNG = 0) -> StimulusSet:
    """Get prompts that a network continues by copying: digits, and again without the last; no language in them.

    "7,2,9,4;7,2,9," asks for 4. ``digit`` is the answer; conditions are the digits. All have the same
    length, and no digit occurs twice in a sequence.

    Parameters
    ----------
    n : prompts. span : digits per sequence, 2 to 9. rng : integer or numpy Generator.

    Example
    -------
    >>> str(digit_copying(n=1, rng=0).inputs[0])
    '4,7,3,6;4,7,3,'
    """
    if not 2 <= span <= 9 or n < 1:
        raise DataError(f"n was {n} and span {span}; expected n >= 1 and a span of 2 to 9.")
    draw = generator(rng, "digit copying", n, span)
    prompts, answers = [], []
    for _ in range(n):
        digits = [str(digit) for digit in draw.permutation(10)[:span]]
        whole = ",".join(digits)
        prompts.append(f"{whole};{','.join(digits[:-1])},")
        answers.append(digits[-1])
    table = {"stimulus_id": [f"copy-{row:03d}" for row in range(n)], "condition": answers, "digit": answers}
    return StimulusSet("digit-copying", np.array(prompts), pd.DataFrame(table))
