"""The methods paragraphs of likeness to a brain: what is compared, what is sampled, and the best that could be."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.read import level, likened, names, scalar, values
from neurolab.plots.several import several_words
from neurolab.plots.words import corrected_by, interval_words, number, percent

Paragraph = tuple[str, tuple[str, ...]]
CITED = ("Kriegeskorte et al. 2008", "Nili et al. 2014", "Schuett et al. 2023", "Aronow et al. 2015", "Holm 1979")


def _compared(result: xr.Dataset) -> str:
    attrs, (what, one, _) = result.attrs, likened(result)
    return (
        f"{_models(result)} and the {what} were compared by their distances between "
        f"{attrs['n_stimuli']} stimuli ({attrs['method']}), {one} by {one}"
    )


def _models(result: xr.Dataset) -> str:
    n = result.sizes["model"]
    return f"Each of {n} models" if n > 1 else "The model"


def _tested(result: xr.Dataset) -> str:
    _, one, many = likened(result)
    over = f"{many} and over stimuli at once" if "also_over" in result.attrs else "stimuli"
    return (
        f"Tests are two-sided t that generalise over {over}: what each pair of stimuli adds to a score is summed by "
        f"stimulus{f' and by {one}' if 'also_over' in result.attrs else ''} before it is squared"
        f"{_correction(result)}; intervals have {percent(level(result))} coverage."
    )


def _correction(result: xr.Dataset) -> str:
    return f" (correction over models: {corrected_by(result)})" if result.sizes["model"] > 1 else ""


def _found(result: xr.Dataset, at: int) -> str:
    e, low, high = (float(values(result, name, "model")[at]) for name in ("effect", "low", "high"))
    return f"{number(e)} ({interval_words(low, high, level(result))}; {several_words(result, at)})"


def compare(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of models compared with a brain."""
    at = int(np.argmax(values(result, "effect", "model")))
    low, high = (scalar(result, f"ceiling_{end}") for end in ("low", "high"))
    each = f"from each {likened(result)[1]} against the others and against all"
    ceiling = (
        f" The noise ceiling, {each}, is {number(low)} to {number(high)}."
        if np.isfinite(low) else " One RDM has no noise ceiling."
    )  # fmt: skip
    which = f"highest likeness is that of {names(result, 'model')[at]}," if result.sizes["model"] > 1 else "likeness is"
    text = (
        f"{_compared(result)}. {_tested(result)} The {which} {_found(result, at)}.{ceiling}"
    )
    return text, CITED


def compare_models(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of one network among others like it."""
    attrs, at = result.attrs, int(np.argmax(np.abs(values(result, "effect", "model"))))
    text = (
        f"{_compared(result)}; tested was the likeness of {attrs['one_name']} minus the mean of {attrs['n_draws']} "
        f"draws of {attrs['others_name']}. {_tested(result)} The largest difference is at "
        f"{names(result, 'model')[at]}, {_found(result, at)}."
    )
    return text, CITED
