"""Contributions of many regions are drawn by rank: every one of them is there, few are named."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from neurolab import analysis, plots
from neurolab.plots.contributions import MANY, NAMED
from neurolab.plots.twins import alt_text
from neurolab.simulate import phantom_trials


@pytest.fixture(scope="module")
def two():
    plan = {"A": {"X": 0.0}, "B": {"X": 0.0}, "A + B": {"X": 2.0}}
    return analysis.shapley(phantom_trials(deficits=plan, bounded=False, chance=0.0, rng=0), task="X", rng=0)


def many(two, n):
    """The same two regions again and again, each time with other contributions; q is .01 of the larger half."""
    stream, parts = np.random.default_rng(0), []
    for number in range(n // 2):
        part = two.assign_coords(player=[f"region {number}a", f"region {number}b"]).copy(deep=True)
        for name in ("value", "effect", "low", "high"):
            part[name] = part[name] + stream.normal()
        part["q"] = xr.full_like(part["q"], 0.01 if number < n // 4 else 0.4)
        parts.append(part)
    made = xr.concat(parts, "player", data_vars="minimal", coords="minimal", compat="override")
    return made.assign_attrs(two.attrs)


def test_many_regions_are_drawn_by_rank(two):
    result = many(two, 48)
    ax = plots.plot_shapley(result)
    drawn = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "D"]
    assert drawn == sorted(result["effect"].values.tolist(), reverse=True)
    bars = [tuple(line.get_ydata()) for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 1.0]
    order = np.argsort(-result["effect"].values, kind="stable")
    assert bars == list(zip(result["low"].values[order], result["high"].values[order]))
    (alone,) = [one.get_offsets()[:, 1] for one in ax.collections if len(one.get_offsets()) == 48]
    assert np.array_equal(np.asarray(alone), result["alone_effect"].values[order])
    stars = sorted(round(text.get_position()[0]) - 1 for text in ax.texts if text.get_text() == "*")
    assert stars == [rank for rank, at in enumerate(order) if result["q"].values[at] == 0.01]
    (named,) = [text.get_text().split("\n") for text in ax.texts if "region" in text.get_text()]
    assert named == [f"{rank + 1}  {result['player'].values[order[rank]]}" for rank in range(NAMED)]
    assert ax.get_xlabel() == "rank among 48 regions (* q ≤ .05)"
    said = alt_text(result, plots.plot_shapley)
    assert "The largest of 48 (all are in the table)" in said
    assert said.count("lesioned alone") == NAMED
    plt.close("all")


def test_few_regions_are_drawn_with_every_network(two):
    result = many(two, MANY)
    ax = plots.plot_shapley(result)
    assert [text.get_text() for text in ax.get_xticklabels()] == [str(one) for one in result["player"].values]
    assert alt_text(result, plots.plot_shapley).count("lesioned alone") == MANY
    plt.close("all")
