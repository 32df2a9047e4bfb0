"""What the figures of robustness and recovery draw: every curve, every half, every network that got there."""

import numpy as np

from neurolab import analysis, plots
from neurolab.simulate import phantom_noise


def diamonds(ax):
    return np.array([line.get_xydata()[0] for line in ax.lines if line.get_marker() == "D"])


def thick(ax):
    return [line.get_ydata() for line in ax.lines if line.get_linewidth() == 1.4]


def test_robustness__draws_curves_and_each_half_at_half_its_height(every_result):
    result = every_result["plot_robustness"]
    ax = plots.plot_robustness(result)
    np.testing.assert_allclose(thick(ax), result["mean"].values)
    height = 0.5 + (result["mean"].values[:, 0] - 0.5) / 2
    np.testing.assert_allclose(diamonds(ax), np.column_stack([result["ed50_mean"].values, height]))
    thin = [line.get_ydata() for line in ax.lines if line.get_linewidth() == 0.4]
    np.testing.assert_allclose(thin, result["score"].values.reshape(-1, result.sizes["strength"]))
    assert ax.get_xlabel().startswith("noise (sd of each unit) at input\nshift of the ED50: −0.")


def test_robustness__draws_no_diamond_where_half_was_never_reached():
    trials = phantom_noise(ed50={"intact": 9.0, "A": 1.0}, n_stimuli=50, rng=0)
    result = analysis.robustness(trials, noise="input", lesion="A", task="X", rng=0)
    ax = plots.plot_robustness(result)
    assert len(diamonds(ax)) == 1
    assert "8 beyond" in [text.get_text() for text in ax.texts]


def test_recovery__draws_the_criterion_and_who_reached_it(every_result):
    result = every_result["plot_recovery"]
    ax = plots.plot_recovery(result)
    np.testing.assert_allclose(thick(ax), result["mean"].values)
    assert float(result["criterion_mean"]) in [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    marks = [c.get_offsets()[:, 0] for c in ax.collections if c.get_gid() == "time"]
    for arm, at in zip(result["arm"].values, marks):
        one = result.sel(arm=arm)
        np.testing.assert_allclose(at, one["steps"].values[one["reached"].values])
    assert 0 < len(marks[0]) < result.sizes["specimen"]
