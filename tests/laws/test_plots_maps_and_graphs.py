"""Figures of clusters and modules draw the numbers of their results."""

import numpy as np
from matplotlib.patches import Rectangle

from neurolab import plots


def test_clusters__draw_every_t_and_outline_every_cluster(every_result):
    result = every_result["plot_clusters"]
    ax = plots.plot_clusters(result)
    np.testing.assert_allclose(np.ravel(ax.collections[0].get_array()), np.ravel(result["statistic"]))
    drawn = [c for c in ax.collections if c.get_gid() == "cluster"]
    assert len(drawn) == 2 * result.sizes["cluster"]
    label = np.pad(result["label"].values, 1)
    for k in range(1, result.sizes["cluster"] + 1):
        edges = sum(int((np.diff(label == k, axis=axis) != 0).sum()) for axis in (0, 1))
        assert sum(len(c.get_segments()) for c in drawn[2 * k - 2 : 2 * k]) == edges
        passes = float(result["p"][k - 1]) <= 0.05
        assert np.allclose(drawn[2 * k - 2].get_colors()[0][:3], 0) == passes


def test_clusters__leave_untested_places_white(every_result):
    result = every_result["plot_clusters"].copy(deep=True)
    result["valid"].values[0, 0] = False
    assert np.ma.getmaskarray(plots.plot_clusters(result).collections[0].get_array()).sum() == 1


def test_modules__draw_every_edge_in_the_order_of_modules(every_result):
    result = every_result["plot_modules"]
    ax = plots.plot_modules(result)
    order = np.argsort(result["label"].values, kind="stable")
    np.testing.assert_allclose(
        np.ravel(ax.collections[0].get_array()), np.ravel(result["weight"].values[np.ix_(order, order)])
    )
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert [box.get_width() for box in boxes] == [(result["label"].values == k).sum() for k in (1, 2)]
