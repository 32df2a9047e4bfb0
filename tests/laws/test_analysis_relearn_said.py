"""Recovery and savings say of which task they are, how exactly a step is known, and draw every arm's times apart."""

import numpy as np
import pytest
import xarray as xr

from neurolab import analysis, plots


@pytest.fixture(scope="module")
def curves():
    score = np.array([[0.4, 0.7, 0.9, 0.9], [0.9, 0.9, 0.9, 0.9], [0.4, 0.7, 0.9, 0.9]])[None]
    coords = {"specimen": range(8), "arm": ["lesioned", "intact", "control"], "step": [0, 10, 20, 30]}
    return xr.DataArray(score + np.linspace(-0.02, 0.02, 8)[:, None, None], coords=coords, dims=list(coords))


def test_recovery__says_which_task_in_result_axis_legend_and_words(curves):
    result = analysis.recovery(curves, control="control", chance=0.1, task="name faces", rng=0)
    assert result.attrs["task"] == "name faces"
    assert "in name faces" in result.attrs["estimand"]
    ax = plots.plot_recovery(result)
    assert ax.get_ylabel() == "score in name faces"
    assert "in name faces" in plots.legend_text(result, plots.plot_recovery)
    assert plots.alt_text(result, plots.plot_recovery).startswith("Score in name faces over retraining;")
    unnamed = plots.plot_recovery(analysis.recovery(curves, chance=0.1, rng=0))
    assert unnamed.get_ylabel() == "score"


def test_savings__says_which_task_in_result_axis_legend_and_words(curves):
    result = analysis.savings(curves, first="lesioned", again="intact", criterion=0.85, task="name faces", rng=0)
    assert result.attrs["task"] == "name faces"
    assert "in name faces" in result.attrs["estimand"]
    assert plots.plot_savings(result).get_ylabel() == "steps to the criterion\nin name faces"
    assert "in name faces" in plots.legend_text(result, plots.plot_savings)
    assert "criterion in name faces;" in plots.alt_text(result, plots.plot_savings)
    given = xr.DataArray([[9.0, 4], [8, 5], [9, 3]], dims=("specimen", "arm"),
                         coords={"specimen": range(3), "arm": ["lesioned", "intact"]})
    steps = analysis.savings(given, first="lesioned", again="intact", task="name faces", rng=0)
    assert steps.attrs["task"] == "name faces"
    assert "scored" not in steps.attrs["reasons"]


def test_recovery__says_how_often_was_looked_and_counts_one_step_as_one(curves):
    said = analysis.recovery(curves, chance=0.1, rng=0).attrs["reasons"]
    assert "after 20 steps on average (scored every 10 steps)." in said
    assert "at every step" in analysis.recovery(curves.assign_coords(step=range(4)), chance=0.1, rng=0).attrs["reasons"]
    uneven = analysis.recovery(curves.assign_coords(step=[0, 1, 5, 50]), chance=0.1, rng=0).attrs["reasons"]
    assert "(scored at 4 steps, 1 to 45 apart)" in uneven
    soon = curves.copy()
    soon[:, 0, 1:] = 0.9
    soon = soon.assign_coords(step=[0, 1, 2, 3])
    assert "after 1 step on average" in analysis.recovery(soon, chance=0.1, rng=0).attrs["reasons"]


def test_recovery__triangles_of_arms_that_are_equally_soon_are_drawn_apart(curves):
    ax = plots.plot_recovery(analysis.recovery(curves, control="control", chance=0.1, rng=0))
    ax.figure.canvas.draw()
    marks = [mark for mark in ax.collections if mark.get_gid() == "time"]
    drawn = [mark.get_offset_transform().transform(mark.get_offsets()) for mark in marks]
    np.testing.assert_allclose(drawn[0][:, 0], drawn[2][:, 0])  # at the same steps
    heights = sorted(float(each[:, 1].mean()) for each in drawn)
    size = np.sqrt(marks[0].get_sizes()[0]) * ax.figure.dpi / 72
    assert np.diff(heights).min() >= size
