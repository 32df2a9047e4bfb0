"""The methods paragraphs of a screening (an estimate, and what the exact sample says of it) and of a decoder."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurolab.plots.read import level
from neurolab.plots.words import interval_words, number, p_words, percent, tidy

Paragraph = tuple[str, tuple[str, ...]]
#: What the two scores are called in a sentence.
CALLED = {"score": "the task's score", "smooth": "the smooth score"}


def screen(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of a screening."""
    attrs = result.attrs
    n, n_units = int(attrs["n_exact"]), int(attrs["n_units"])
    left = n_units - n
    rest = f" The other {left:,} were not run; their effects are not known." if left else ""
    text = (
        f"The {n_units:,} units of the screened sites were ordered by an estimate, which is no lesion: what "
        f"{attrs['how']} of each would cost {attrs['task']}, from gradients of {attrs['smooth']} ({attrs['test']}). A "
        f"random sample of {n:,} of the {n_units:,} units was lesioned exactly, one by one, on the same stimuli."
        f"{rest} {' '.join(_against(result, name) for name in CALLED)} Verdict: {tidy(str(attrs['verdict']))}."
    )
    path = ("Sundararajan et al. 2017",) if attrs.get("method") == "path" else ()
    return text, ("Molchanov et al. 2017", "Bonett & Wright 2000", *path)


def decode(result: xr.Dataset) -> Paragraph:
    """Get the paragraph of a linear decoder."""
    attrs = result.attrs
    ends = interval_words(float(result["low"]), float(result["high"]), level(result))
    return (
        f"A ridge regression on standardised activity of {attrs['n_units']} units was fitted to all folds but one (by "
        f"{attrs['by']}) and named the {attrs['column']} of the {attrs['n']} stimuli in the folds left out; conditions "
        f"count alike. Balanced accuracy {number(float(result['accuracy']), 3)}, "
        f"{number(float(result['effect']), 3)} above chance ({ends}; {attrs['test']}: "
        f"{p_words(float(result['p']), float(result['p_floor']))}).",
        ("Pereira et al. 2009", "Ojala & Garriga 2010"),
    )


def _against(result: xr.Dataset, name: str) -> str:
    """How estimate and lesion agree, in one score."""
    one, ends = result.sel(against=name), level(result)
    said = []
    for kind in ("spearman", "pearson"):
        value, low, high = (float(one[f"{kind}{end}"]) for end in ("", "_low", "_high"))
        words = f"{number(value)} ({interval_words(low, high, ends)})" if np.isfinite(value) else "not defined"
        said.append(f"{kind.capitalize()} correlation {words}")
    shares = [
        f"{_share(one['recall'], times)} in the top {5 * int(times)} % "
        f"({_share(one['recall_low'], times)} to {_share(one['recall_high'], times)})"
        for times in one["times"].values
    ]
    found = (f"of the {int(one['n_top'])} most harmful units, {', '.join(shares)} of the estimate"
             if int(one["n_top"]) else "no unit stood out")  # fmt: skip
    return f"Against the exact effects on {CALLED[name]}: {', '.join(said)}; {found} ({percent(ends)} intervals)."


def _share(shares: xr.DataArray, times: int) -> str:
    return f"{100 * float(shares.sel(times=times)):.0f} %"
