"""The figures of many lesions: what each region contributes, how pairs act together, and which sets are needed."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurolab.plots.drawing import drawing
from neurolab.plots.marks import columns, dots, effect, heading, headroom, key, more_words, note, strongest, zero_line
from neurolab.plots.read import by_member, level, names, scalar, values
from neurolab.plots.style import GREY, PALE, SERIES, WONG
from neurolab.plots.words import alpha_words, interval_words, number, p_words, probability, sample_words, tidy

TEST = ("effect", "low", "high", "p", "q")
#: More regions than this are drawn by rank, without every network and name: only so many of them are named.
MANY, NAMED = 16, 6
WIDE = 8  # columns that have room for a p in one line


def describe_shapley(result: xr.Dataset) -> str:
    """Get the figure in words: every contribution beside the single lesion, the largest ones where there are many."""
    every = list(zip(names(result, "player"), values(result, "alone_effect", "player"), _cells(result, "player")))
    few = every if len(every) <= MANY else [every[at] for at in _by_rank(result)[:NAMED]]
    parts = []
    for player, single, (e, low, high, _, q) in few:
        ends = interval_words(low, high, level(result))
        parts.append(f"{player}: {number(e)} ({ends}; corrected {p_words(q)}), lesioned alone {number(single)}")
    largest = "" if len(few) == len(every) else f"The largest of {len(every)} (all are in the table): "
    return (
        f"Contributions to {_task(result)}; {sample_words(result)}. {largest}{'; '.join(parts)}. "
        f"Redundancy index {number(scalar(result, 'redundancy_index'))}."
    )


def _by_rank(result: xr.Dataset) -> list[int]:
    """The places of the players, the largest contribution first."""
    return [int(at) for at in np.argsort(-values(result, "effect", "player"), kind="stable")]


def describe_pairs(result: xr.Dataset) -> str:
    """Get the figure in words: every pair, redundant above zero and synergistic below."""
    parts = [
        f"{pair}: {number(e)} ({interval_words(low, high, level(result))}; corrected {p_words(q)})"
        for pair, (e, low, high, _, q) in zip(names(result, "pair"), _cells(result, "pair"))
    ]
    return (
        f"Interaction of pairs in {_task(result)}, above 0 redundant, below 0 synergistic; "
        f"{sample_words(result)}. {'; '.join(parts)}."
    )


def describe_minimal_set(result: xr.Dataset) -> str:
    """Get the figure in words: the verdict, then every set with its cost."""
    parts = []
    less = values(result, "needed_effect", "set")
    for name, spared, (e, low, high, _, q) in zip(names(result, "set"), less, _cells(result, "set")):
        ends = interval_words(low, high, level(result))
        parts.append(f"{name}: {number(e)} ({ends}; corrected {p_words(q)}), with one region intact {number(spared)}")
    said = "; ".join(parts) or "none"
    return (
        f"Verdict: {tidy(str(result.attrs.get('verdict', 'none')))}; {sample_words(result)}. Minimal sets of regions "
        f"whose lesion costs {number(scalar(result, 'bound'))} or more: {said}."
    )


def _cells(result: xr.Dataset, dim: str) -> list[list[float]]:
    return [[float(one) for one in row] for row in zip(*(values(result, name, dim) for name in TEST))]


def _task(result: xr.Dataset) -> str:
    return str(result.attrs.get("task", "the task"))


def _corrected(ax: Axes, at: int, q: float, n: int) -> None:
    """Write the corrected p of one of n columns at its foot, upright where they are narrow."""
    said, turn = f"q = {probability(q)}".replace("= <", "<"), 90 if n > WIDE else 0
    note(ax, at, 0.01, said, transform=ax.get_xaxis_transform(), rotation=turn)


def _finish(ax: Axes, shown: list[str], ylabel: str, *, above: float) -> None:
    """Name the columns, one per region, pair or set, and leave room for the key above and the corrected p below."""
    n = max(1, len(shown))
    columns(ax, range(len(shown)), shown, share=1 / n)
    ax.set(xlim=(-0.55, n - 0.45), ylabel=ylabel)
    headroom(ax, above=above, below=0.26 if n > WIDE else 0.14)


@drawing(
    "shapley",
    variables=("value", "effect", "low", "high", "p", "p_floor", "q", "alone_value", "alone_effect", "alone_low",
               "alone_high", "monte_carlo_se", "sampling_se"),
    marks="Coloured dots: the contribution of each region in each network, over all orders of lesions; diamonds with "
    "bars: mean and interval. Grey: the deficit of the lesion of that region alone. "
    f"More than {MANY} regions are drawn by rank, mean and interval alone; stars: corrected p up to the level.",
    alt=describe_shapley,
    height_mm=58.0,
)  # fmt: skip
def plot_shapley(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw the contribution of every region with its interval, and the deficit of its single lesion beside it.

    result : of ``shapley``: value and alone_value per member, effect, low, high, q (player), in score.
    Returns the axes. Where single lesions lie below the contributions, regions back each other up. More than 16 regions
    are drawn by rank, the largest of them named.

    Example
    -------
    >>> from neurolab.analysis import shapley
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, rng=0)
    >>> plot_shapley(shapley(trials, task="X", rng=0)).get_title(loc="left")
    'contributions to X'
    """
    zero_line(ax)
    if result.sizes["player"] > MANY:
        return _ranked(result, ax)
    colour, marker = SERIES[1]
    players, each = names(result, "player"), by_member(result, "value", "player")
    alone = by_member(result, "alone_value", "player")
    ends = zip(*(values(result, f"alone_{name}", "player") for name in ("effect", "low", "high")))
    for at, ((e, low, high, _, q), single) in enumerate(zip(_cells(result, "player"), ends)):
        dots(ax, at - 0.3, each[at], colour=colour, marker=marker, width=0.12, s=4.0)
        effect(ax, at - 0.12, e, low, high, colour=colour, label="contribution" if not at else None)
        dots(ax, at + 0.14, alone[at], colour=GREY, width=0.12, s=4.0)
        effect(ax, at + 0.3, *single, colour=GREY, markerfacecolor="white", label=None if at else "lesioned alone")
        _corrected(ax, at, q, len(players))
    _finish(ax, players, "contribution, deficit (score)", above=0.16)
    key(ax, ncols=2)
    heading(ax, f"contributions to {_task(result)}", sample_words(result))
    return ax


def _ranked(result: xr.Dataset, ax: Axes) -> Axes:
    """Draw the contributions of many regions from the largest to the smallest."""
    order, cells, players = _by_rank(result), _cells(result, "player"), names(result, "player")
    alone, alpha, colour = values(result, "alone_effect", "player"), 1 - level(result), SERIES[1][0]
    ranks = range(1, len(order) + 1)
    for rank, at in zip(ranks, order):
        e, low, high, _, q = cells[at]
        effect(ax, rank, e, low, high, colour=colour, markersize=2.0, label=None if rank > 1 else "contribution")
        if q <= round(alpha, 12):
            note(ax, rank, high if np.isfinite(high) else e, "*")
    ax.scatter(ranks, alone[order], s=5.0, color=GREY, zorder=3, label="lesioned alone")
    # ranks fall: at the upper right it is empty
    first = "\n".join(f"{rank}  {players[at]}" for rank, at in zip(ranks, order[:NAMED]))
    note(ax, 0.98, 0.84, first, transform=ax.transAxes, ha="right", va="top", ma="left")
    ax.set(xlim=(0, len(order) + 1), ylabel="contribution, deficit (score)",
           xlabel=f"rank among {len(order)} regions (* q ≤ {alpha_words(result)})")  # fmt: skip
    headroom(ax, above=0.16)
    key(ax, ncols=2)
    heading(ax, f"contributions to {_task(result)}", sample_words(result))
    return ax


@drawing(
    "pair_interactions",
    variables=("value", "effect", "low", "high", "p", "p_floor", "q"),
    marks="Dots: the interaction of each pair of regions in each network, over all lesions of the others; diamonds "
    "with bars: mean and interval. Above zero two regions back each other up, below it they need each other.",
    alt=describe_pairs,
    height_mm=55.0,
)
def plot_pairs(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw how every two regions act together: redundant above zero, synergistic below.

    result : of ``pair_interactions``: value per member, effect, low, high, q (pair), in score.
    Returns the axes. Of more than 16 pairs the 16 with the largest interactions are drawn.

    Example
    -------
    >>> from neurolab.analysis import pair_interactions
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, bounded=False, chance=0.0, rng=0)
    >>> plot_pairs(pair_interactions(trials, task="X", rng=0)).get_title(loc="left")
    'pairs in X'
    """
    zero_line(ax)
    colour, marker = SERIES[3]
    every = result.sizes["pair"]
    result = result.isel(pair=strongest(values(result, "effect", "pair"), MANY))
    pairs, each = names(result, "pair"), by_member(result, "value", "pair")
    for at, (e, low, high, _, q) in enumerate(_cells(result, "pair")):
        dots(ax, at - 0.15, each[at], colour=GREY, marker=marker, width=0.15, s=4.0)
        effect(ax, at + 0.1, e, low, high, colour=colour)
        _corrected(ax, at, q, len(pairs))
    _finish(ax, pairs, "both − sum of each (score)", above=0.05)
    ax.set_xlabel(more_words(len(pairs), every, "pairs"))
    heading(ax, f"pairs in {_task(result)}", sample_words(result))
    return ax


@drawing(
    "minimal_set",
    variables=("value", "effect", "low", "high", "p", "p_floor", "q", "needed_effect", "needed_low", "needed_high",
               "bound", "members"),
    marks="Dots: the deficit of each network that had no part in choosing the set; diamonds with bars: mean and "
    "interval, filled where the set is shown. Open grey diamonds: the largest deficit with one region of the set left "
    "intact. Dashed line: the deficit that counts.",
    alt=describe_minimal_set,
    height_mm=58.0,
)  # fmt: skip
def plot_minimal_set(result: xr.Dataset, *, ax: Axes) -> Axes:
    """Draw what every minimal set costs where it was tested, beside the cost with one of its regions left intact.

    result : of ``minimal_set``: value per member, effect, low, high, needed_* , q, shown (set), bound, in score.
    Returns the axes.

    Example
    -------
    >>> from neurolab.analysis import minimal_set
    >>> from neurolab.simulate import phantom_trials
    >>> plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    >>> trials = phantom_trials(deficits=plan, intact=3.0, bounded=False, chance=0.0, rng=0)
    >>> ax = plot_minimal_set(minimal_set(trials, task="X", costing=0.5, rng=0))
    >>> [tick.get_text().replace(chr(10), " ") for tick in ax.get_xticklabels()]
    ['A + B']
    """
    zero_line(ax)
    ax.axhline(scalar(result, "bound"), color=WONG["black"], linewidth=0.6, linestyle="--", zorder=1, label="counts")
    colour, marker = SERIES[0]
    sets, tests = names(result, "set"), ~result["chose"].values.astype(bool)
    each, shown = by_member(result, "value", "set"), values(result, "shown", "set")
    less = zip(*(values(result, f"needed_{name}", "set") for name in ("effect", "low", "high")))
    for at, ((e, low, high, _, q), spared) in enumerate(zip(_cells(result, "set"), less)):
        first = not at
        dots(ax, at - 0.28, each[at][tests], colour=PALE, edgecolors=GREY, marker=marker, width=0.12, s=5.0)
        effect(ax, at - 0.08, e, low, high, colour=colour, markerfacecolor=colour if shown[at] else "white",
               label="all of the set" if first else None)  # fmt: skip
        said = "one region intact" if first else None
        effect(ax, at + 0.22, *spared, colour=GREY, markerfacecolor="white", label=said)
        _corrected(ax, at, q, len(sets))
    _finish(ax, sets, "deficit (sham − lesion)", above=0.18)
    key(ax, ncols=3)
    heading(ax, f"minimal sets in {_task(result)}", sample_words(result))
    return ax
