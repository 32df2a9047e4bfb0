"""The figure of savings draws the steps of every network, joined, and who never got there."""

import numpy as np
import pandas as pd
import xarray as xr

from neurolab import analysis, plots
from neurolab.report.tables import printed_table


def steps(again):
    table = pd.DataFrame({"first learning": [20.0, 24, 22, 21, 25, 23], "relearning": again})
    return table.rename_axis("specimen").reset_index().melt("specimen", None, "arm", "steps")


def test_savings__draws_every_network_in_both_trainings():
    result = analysis.savings(steps([5.0, 8, 6, 4, 9, 7]), rng=0)
    ax = plots.plot_savings(result)
    dots = [np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets()) == 6]
    for at in range(2):
        np.testing.assert_allclose(dots[at][:, 1], result["steps"].values[at])
    pairs = [line.get_ydata() for line in ax.lines if len(line.get_ydata()) == 2 and line.get_linewidth() == 0.4]
    np.testing.assert_allclose(np.sort(np.array(pairs), axis=0), np.sort(result["steps"].values.T, axis=0))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["first learning", "relearning"]
    assert "share saved: 0.71" in ax.get_xlabel()
    assert ax.get_ylim()[0] <= 0


def test_savings__who_never_reached_the_criterion_is_hollow():
    curves = np.zeros((6, 2, 4))
    curves[:, 0, 2:] = 1.0  # first learning: at the third step
    curves[:5, 1, 1:] = 1.0  # relearning: at the second, one never
    scores = xr.DataArray(curves, dims=("specimen", "arm", "step"), coords={
        "specimen": [f"n{at}" for at in range(6)], "arm": ["first learning", "relearning"], "step": [0, 10, 20, 30]})
    ax = plots.plot_savings(analysis.savings(scores, criterion=0.5, rng=0))
    faces = [c.get_facecolors() for c in ax.collections if len(c.get_offsets()) == 6]
    white = [(np.asarray(face)[:, :3] == 1).all(axis=1).sum() for face in faces]
    assert white == [0, 1]


def test_savings__an_open_end_is_an_arrow_within_the_axes_and_said_in_words():
    curves = np.zeros((6, 2, 4))
    curves[:, 1, 1:] = 1.0  # first learning: never; relearning: at the second step
    scores = xr.DataArray(curves, dims=("specimen", "arm", "step"), coords={
        "specimen": [f"n{at}" for at in range(6)], "arm": ["first learning", "relearning"], "step": [0, 10, 20, 30]})
    result = analysis.savings(scores, criterion=0.5, rng=0)
    ax = plots.plot_savings(result)
    (arrow,) = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert arrow.xy[1] == 30
    tip = ax.transData.transform((0, 30))[1] + 14 * ax.figure.dpi / 72
    assert tip <= ax.transAxes.transform((0, 1))[1]
    assert "0.67 to 1.00" in ax.get_xlabel()
    assert "6 of 6 networks never reached the criterion" in plots.savings.describe_savings(result)
    both = analysis.savings(scores.isel(arm=[0, 0]).assign_coords(arm=["first learning", "relearning"]), criterion=0.5,
                            rng=0)
    assert "−∞ to 1.00" in plots.plot_savings(both).get_xlabel()
    table = printed_table({"savings": both})
    assert "[no end, 1.000]" in table
    assert "[no end, no end]" in table
    assert "too small a sample" not in table
