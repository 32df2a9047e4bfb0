"""The figures of cohorts draw every difference, every network and the slope that is tested."""

import numpy as np
import pytest

from neurolab import plots
from neurolab.errors import SchemaError
from neurolab.plots.cohorts import SHOWN


def test_the_table_has_a_cell_per_condition_and_index_coloured_by_what_is_shown(every_result):
    result = every_result["plot_cohorts"]
    ax = plots.plot_cohorts(result)
    assert len(ax.patches) == result["effect"].size
    colours = [patch.get_facecolor()[:3] for patch in ax.patches]
    grey = tuple(int(SHOWN[0][at : at + 2], 16) / 255 for at in (1, 3, 5))
    shown = [not np.allclose(colour, grey) for colour in colours]
    wanted = (result["q"].transpose("index", "condition").values <= 0.05).ravel().tolist()
    assert shown == wanted
    assert any(shown)
    assert not all(shown)


def test_an_asterisk_marks_what_is_not_shown_to_be_equal(every_result):
    result = every_result["plot_cohorts"]
    flagged = result.assign(equal=(("condition", "matched"), [[False], [True]]))
    assert [t.get_text() for t in plots.plot_cohorts(result).get_xticklabels()] == ["dropout", "noise"]
    assert [t.get_text() for t in plots.plot_cohorts(flagged).get_xticklabels()] == ["dropout *", "noise"]


def test_one_index_shows_every_network_and_the_means(every_result):
    result = every_result["plot_cohorts"]
    ax = plots.plot_cohorts(result, index="redundancy")
    dotted = np.concatenate([np.asarray(c.get_offsets())[:, 1] for c in ax.collections if len(c.get_offsets())])
    for value in result["value"].sel(index="redundancy").values.ravel():
        assert np.isclose(dotted, value).any()
    diamonds = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "D"]
    np.testing.assert_allclose(diamonds, result["mean"].sel(index="redundancy").values)
    with pytest.raises(SchemaError, match="Did you mean 'redundancy'"):
        plots.plot_cohorts(result, index="redundance")


def test_a_trend_draws_every_network_the_means_and_its_slope(every_result):
    result = every_result["plot_trend"]
    ax = plots.plot_trend(result, index="redundancy")
    drawn = np.concatenate([line.get_ydata() for line in ax.lines])
    one = result.sel(index="redundancy")
    for value in [*one["value"].values.ravel(), *one["mean"].values]:
        assert np.isclose(drawn, value).any()
    assert f"slope {float(one['effect']):.2f}" in ax.get_xlabel()
    assert ax.get_xlabel().startswith("label noise")


def test_a_selected_index_or_condition_is_drawn_as_it_is_by_name(every_result, tmp_path):
    result, line = every_result["plot_cohorts"], every_result["plot_trend"]

    def words(ax):
        return [text.get_text() for text in (*ax.texts, *ax.get_xticklabels(), ax.yaxis.label)]

    one = plots.plot_cohorts(result.sel(index="redundancy"))
    assert words(one) == words(plots.plot_cohorts(result, index="redundancy"))
    other = plots.plot_cohorts(result.sel(condition="noise"))
    assert words(other) == words(plots.plot_cohorts(result.sel(condition=["noise"])))
    assert len(other.patches) == result.sizes["index"]
    slope = plots.plot_trend(line.sel(index="redundancy"))
    assert slope.get_xlabel() == plots.plot_trend(line, index="redundancy").get_xlabel()
    saved = plots.save_figure(line.sel(index="redundancy"), plots.plot_trend, tmp_path, "one")
    assert saved.alt.read_text("utf-8").count("slope") == 1
