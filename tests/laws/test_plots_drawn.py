"""A figure draws what is in the result: every member, every effect, every interval, n; and computes nothing."""

import ast
import itertools
import pathlib
from functools import partial

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib._pylab_helpers import Gcf
from matplotlib.colors import to_rgba

import neurolab as nl
from neurolab import plots
from neurolab.errors import SchemaError
from neurolab.plots.style import SERIES, WONG, settings

ROOM = pathlib.Path(plots.__file__).parent
NAMES = sorted(plots.FIGURES)


def texts(ax):
    return [text.get_text() for text in ax.figure.findobj(matplotlib.text.Text) if text.get_text()]


def diamonds(ax):
    """(x, y) of every effect drawn as a diamond."""
    lines = [line for line in ax.lines if line.get_marker() == "D"]
    return np.array([line.get_xydata()[0] for line in lines])


def bars(ax):
    """(low, high) of every interval: the vertical two-point lines of width 1."""
    two = [line.get_xydata() for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 1.0]
    return np.array([xy[:, 1] for xy in two if xy[0, 0] == xy[1, 0]])


def dotted(ax):
    return np.concatenate([np.asarray(c.get_offsets())[:, 1] for c in ax.collections if len(c.get_offsets())])


def marked(ax, gid):
    """How many marks of this kind there are."""
    return sum(len(c.get_offsets()) for c in ax.collections if c.get_gid() == gid)


def holds(drawn, wanted):
    return all(np.isclose(drawn, value).any() for value in np.ravel(wanted))


def test_every_figure__has_a_result_to_be_tested_with(every_result):
    assert set(every_result) == set(plots.FIGURES)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure__says_n_and_leaves_no_trace(name, every_result):
    before = dict(matplotlib.rcParams)  # reading it as a whole settles the backend, which is none of our doing
    ax = plots.FIGURES[name](every_result[name])
    assert dict(matplotlib.rcParams) == before
    assert not Gcf.get_all_fig_managers()
    n = every_result[name].attrs["n"]
    assert any(text.startswith(f"n = {n} ") for text in texts(ax))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure__draws_on_given_axes(name, every_result):
    figure = matplotlib.figure.Figure()
    left, right = figure.subplots(1, 2)
    assert plots.FIGURES[name](every_result[name], ax=right) is right
    assert not left.lines
    assert not left.collections


@pytest.mark.parametrize("name", NAMES)
def test_every_figure__leaves_its_result_as_it_was(name, every_result):
    before = every_result[name].copy(deep=True)
    plots.FIGURES[name](every_result[name])
    xr.testing.assert_identical(before, every_result[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_figure__uses_readable_text_and_no_grid(name, every_result):
    with matplotlib.rc_context(settings()):
        ax = plots.FIGURES[name](every_result[name])
        ax.figure.canvas.draw()
        shown = [t for t in ax.figure.findobj(matplotlib.text.Text) if t.get_visible() and t.get_text().strip()]
        assert {5.0 <= text.get_fontsize() <= 7.0 for text in shown} == {True}
        assert not any(line.get_visible() for line in (*ax.get_xgridlines(), *ax.get_ygridlines()))


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.stem)
def test_the_room__computes_no_statistic(path):
    calls = {node.func.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Attribute)}  # fmt: skip
    computed = {"mean", "nanmean", "std", "var", "sem", "median", "percentile", "quantile", "bootstrap", "corrcoef"}
    assert not calls & computed


def test_dissociation__draws_every_network_claim_and_spared_task(every_result):
    result = every_result["plot_dissociation"]
    ax = plots.plot_dissociation(result)
    joined = [line for line in ax.lines if line.get_linewidth() == 0.5 and len(line.get_xdata()) == 2][1:]
    assert len(joined) == 2 * result.sizes["specimen"]
    drawn = np.array([line.get_ydata() for line in joined])
    for task in range(2):
        wanted = result["deficit"].transpose("task", "specimen", "lesion").values[task]
        np.testing.assert_allclose(drawn[task * len(wanted) : (task + 1) * len(wanted)], wanted)
    assert holds(dotted(ax), result["value"].values)
    assert holds(diamonds(ax)[:, 1], [*result["effect"].values, *result["spared_effect"].values])
    wanted = np.column_stack([result["low"], result["high"]])
    assert all(np.isclose(bars(ax), pair).all(axis=1).any() for pair in wanted)
    assert result.attrs["verdict"] in texts(ax)
    bounds = [patch.get_height() / 2 for patch in ax.patches]
    assert sorted(bounds) == pytest.approx(sorted(result["spared_bound"].values))


def test_dissociation__shows_the_difference_in_the_column_of_its_task(every_result):
    result = every_result["plot_dissociation"].copy(deep=True)
    result["effect"].values[:] = [0.111, 0.222]
    result["spared_effect"].values[:] = [0.333, 0.444]  # a spares y, b spares x
    places = {round(float(y), 3): float(x) for x, y in diamonds(plots.plot_dissociation(result))}
    assert places[0.444] < places[0.111] < places[0.333] < places[0.222]


def test_controls__draw_the_target_in_its_cloud(every_result):
    result = every_result["plot_controls"]
    ax = plots.plot_controls(result)
    clouds = [c for c in ax.collections if len(c.get_offsets()) == result.sizes["draw"]]
    assert len(clouds) == result.sizes["specimen"]
    for at, cloud in enumerate(clouds):
        offsets = np.asarray(cloud.get_offsets())
        np.testing.assert_allclose(offsets[:, 1], result["control"].values[at])
        assert (abs(offsets[:, 0] - at) < 0.5).all()
    assert holds(dotted(ax), result["target"].values)
    assert holds(dotted(ax), result["difference"].values)
    np.testing.assert_allclose(diamonds(ax)[0, 1], result["effect"])
    np.testing.assert_allclose(bars(ax)[0], [result["low"], result["high"]])


def test_picked__draws_the_best_pair_in_its_null(every_result):
    result = every_result["plot_picked"]
    ax = plots.plot_picked(result)
    clouds = [c for c in ax.collections if len(c.get_offsets()) == result.sizes["draw"]]
    drawn = np.stack([np.asarray(cloud.get_offsets())[:, 1] for cloud in clouds])
    np.testing.assert_allclose(drawn, result["null"].values)
    assert holds(dotted(ax), result["observed"].values)
    assert holds(dotted(ax), result["excess"].values)
    np.testing.assert_allclose(diamonds(ax)[0, 1], result["effect"])
    np.testing.assert_allclose(bars(ax)[0], [result["low"], result["high"]])


def test_deficits__draw_every_lesion_but_the_sham_in_every_task(every_result):
    result = every_result["plot_deficits"]
    ax = plots.plot_deficits(result)
    assert holds(diamonds(ax)[:, 1], result["effect"].values)
    assert len(diamonds(ax)) == result["effect"].size
    assert holds(dotted(ax), result["deficit"].values)
    labels = [tick.get_text().replace("\n", " ") for tick in ax.get_xticklabels()]
    assert labels == ["A", "B", "matched for A", "matched for B"]


def test_deficits__mark_ceiling_and_floor(every_result):
    result = every_result["plot_deficits"].copy(deep=True)
    result["ceiling"].values[:], result["floor"].values[:] = False, False
    assert "†" not in texts(plots.plot_deficits(result))
    result["floor"].values[0, 1] = True
    assert texts(plots.plot_deficits(result)).count("†") == 1


def test_an_interval_without_an_end__is_an_arrow(every_result):
    result = every_result["plot_controls"].copy(deep=True)
    result["high"] = np.inf
    ax = plots.plot_controls(result)
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 1
    assert np.isfinite(ax.get_ylim()).all()


def test_dose__draws_networks_mean_and_band(every_result):
    result = every_result["plot_dose"]
    ax = plots.plot_dose(result)
    thin = [line for line in ax.lines if line.get_linewidth() == 0.4]
    assert len(thin) == result.sizes["specimen"]
    thick = next(line for line in ax.lines if line.get_linewidth() == 1.4)
    np.testing.assert_allclose(thick.get_ydata(), result["mean"])
    np.testing.assert_allclose(thick.get_xdata(), result["dose"])
    edges = [collection.get_paths()[0].vertices[:, 1] for collection in ax.collections]
    assert any(holds(edge, result["low"].values) and holds(edge, result["high"].values) for edge in edges)
    dashed = next(line for line in ax.lines if line.get_label() == "controls")
    there = np.isfinite(result["control_mean"].values)
    np.testing.assert_allclose(dashed.get_ydata(), result["control_mean"].values[there])


def test_localiser_matrix__colours_symmetric_and_bold_only_where_corrected(every_result):
    result = every_result["plot_localiser_matrix"]
    ax = plots.plot_localiser_matrix(result)
    mesh = ax.collections[0]
    np.testing.assert_allclose(np.ravel(mesh.get_array()), np.ravel(result["effect"]))
    assert mesh.get_clim()[0] == -mesh.get_clim()[1]
    bold = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert len(bold) == int((result["q"] <= 0.05).sum())


def test_stat_map__one_dot_per_unit_and_equal_area_per_site(every_result):
    result = every_result["plot_stat_map"]
    ax = plots.plot_stat_map(result)
    ellipses = [c for c in ax.collections if type(c).__name__ == "EllipseCollection"]
    assert [len(c.get_offsets()) for c in ellipses] == np.bincount(result["site"].values).tolist()
    assert all(c.get_rasterized() for c in ellipses)
    for at, collection in enumerate(ellipses):
        x, y = np.asarray(collection.get_offsets()).T
        assert ((x > at - 0.45) & (x < at + 0.45) & (y > 0) & (y < 1)).all()
    assert marked(ax, "cross") == int((~result["valid"]).sum()) == 2
    assert marked(ax, "passes") == int((result["valid"] & (result["q"] <= 0.05)).sum()) > 0
    sizes = {c.get_widths()[0] for c in ellipses}
    assert len(sizes) == 1  # circles of unlike size would read as data


def test_stat_map__says_site_units_and_whose_map(every_result):
    result = every_result["plot_stat_map"].copy()
    result.attrs["sites"] = result.attrs["sites"].replace("early", "0").replace("late", "4")
    ax = plots.plot_stat_map(result)
    n = np.bincount(result["site"].values)
    assert [t.get_text() for t in ax.get_xticklabels()] == [f"site 0\n{n[0]} units", f"site 4\n{n[1]} units"]
    assert result.attrs["specimen"] in ax.get_title(loc="left")
    legend = plots.legend_text(result, plots.plot_stat_map)
    assert "Colour: Welch's t (not the difference itself)" in legend
    assert "Columns: sites" in legend
    assert "Black rings" not in legend


def test_stat_map_in_space__names_the_sides_and_crosses_what_is_bad(every_result):
    flat = every_result["plot_stat_map"].copy()
    where = np.random.default_rng(0).normal(size=(flat.sizes["neuroid"], 3))
    where[0] = np.nan  # a channel without a place
    brain = flat.assign_coords({axis: ("neuroid", where[:, at]) for at, axis in enumerate("xyz")})
    brain.attrs["kind"] = "brain"
    ax = plots.plot_stat_map(brain)
    assert sorted(t.get_text() for t in ax.texts if len(t.get_text()) == 1) == sorted("PAIS" + "LRIS" + "LRPA")
    assert marked(ax, "cross") == 3 * int((~brain["valid"].values[1:]).sum()) > 0
    dots = [c for c in ax.collections if type(c).__name__ == "EllipseCollection"]
    ends = [(c.get_offsets()[:, 0].min(), c.get_offsets()[:, 0].max()) for c in dots]
    radius = dots[0].get_widths()[0]
    assert all(after[0] - before[1] > 2 * radius for before, after in itertools.pairwise(ends))
    legend = plots.legend_text(brain, partial(plots.plot_stat_map, roi=nl.select_roi(flat, name="area", top=5)))
    assert "Three projections" in legend
    assert "Columns" not in legend
    assert "Black rings: area, 5 units." in legend


def test_stat_map__paints_the_sign_and_rings_the_region(every_result):
    result = every_result["plot_stat_map"]
    roi = nl.select_roi(result, name="area", top=5)
    ax = plots.plot_stat_map(result, roi=roi)
    ellipses = [c for c in ax.collections if type(c).__name__ == "EllipseCollection"]
    faces = np.concatenate([c.get_facecolor() for c in ellipses])
    rings = np.concatenate([c.get_linewidth() for c in ellipses])
    order = np.lexsort([result["unit"].values, result["site"].values])
    statistic, chosen = result["statistic"].values[order], roi.mask(result)[order]
    assert (np.asarray(rings) > 0.5).tolist() == chosen.tolist()
    strong = abs(statistic) > 2
    assert ((faces[strong, 0] > faces[strong, 2]) == (statistic[strong] > 0)).all()  # red for more, blue for less


def test_stat_map__draws_a_brain_in_space_and_a_large_site_in_cells(every_result):
    flat = every_result["plot_stat_map"]
    place = {axis: ("neuroid", np.linspace(-40, 40, flat.sizes["neuroid"])) for axis in "xyz"}
    ax = plots.plot_stat_map(flat.assign_coords(place))
    ellipses = [c for c in ax.collections if type(c).__name__ == "EllipseCollection"]
    assert [len(c.get_offsets()) for c in ellipses] == [flat.sizes["neuroid"]] * 3
    slice_ = flat.assign_coords({**place, "z": ("neuroid", np.full(flat.sizes["neuroid"], 7.0))})
    ellipses = [c for c in plots.plot_stat_map(slice_).collections if type(c).__name__ == "EllipseCollection"]
    assert len(ellipses) == 1
    with pytest.raises(SchemaError, match="view='layers'"):
        plots.plot_stat_map(flat, view="space")
    many = xr.concat([flat.isel(neuroid=flat["site"].values == 0)] * 200, "neuroid", data_vars="minimal")
    many = many.assign_coords(unit=("neuroid", np.arange(many.sizes["neuroid"])))
    meshes = [c for c in plots.plot_stat_map(many).collections if type(c).__name__ == "QuadMesh"]
    assert len(meshes) == 1
    cells = np.ma.getdata(meshes[0].get_array()).ravel()[: many.sizes["neuroid"]]
    valid = many["valid"].values
    np.testing.assert_allclose(cells[valid], many["statistic"].values[valid])


@pytest.mark.parametrize("measure", ["d_prime", "auc", "effect"])
def test_selectivity__draws_every_valid_unit_in_order(measure, every_result):
    result = every_result["plot_selectivity"]
    ax = plots.plot_selectivity(result, measure=measure)
    valid = result["valid"].values
    drawn = np.concatenate(
        [np.asarray(c.get_offsets()) for c in ax.collections if type(c).__name__ == "PathCollection"]
    )
    assert len(drawn) == int(valid.sum())
    np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(result[measure].values[valid]))
    filled = sum(
        len(c.get_offsets())
        for c in ax.collections
        if type(c).__name__ == "PathCollection"
        and len(c.get_offsets())
        and not np.allclose(c.get_facecolor()[0][:3], 1)
    )
    assert filled == int((result["q"].values[valid] <= 0.05).sum())


def test_held_out__draws_profile_folds_and_effect(every_result):
    result = every_result["plot_held_out"]
    ax = plots.plot_held_out(result)
    drawn = np.concatenate([line.get_ydata() for line in ax.lines])
    assert holds(drawn, result["profile"].values)
    assert holds(dotted(ax), result["fold_effect"].values)
    assert holds(diamonds(ax)[:, 1], result["effect"].values)
    np.testing.assert_allclose(bars(ax)[-1], [result["low"], result["high"]])


def test_reliability__draws_splits_and_both_means(every_result):
    result = every_result["plot_reliability"]
    ax = plots.plot_reliability(result)
    assert holds(dotted(ax), result["split_r"].values)
    assert holds(
        diamonds(ax)[:, 1], [result["r"], result["effect"], result["mean_dice"], *result["site_effect"].values]
    )


def test_spared__draws_every_network_bound_and_verdict(every_result):
    result = every_result["plot_spared"]
    ax = plots.plot_spared(result)
    assert holds(dotted(ax), result["deficit"].values)
    assert holds(diamonds(ax)[:, 1], result["effect"].values)
    assert sorted(patch.get_height() / 2 for patch in ax.patches) == pytest.approx(sorted(result["bound"].values))
    assert all(
        np.isclose(bars(ax), pair).all(axis=1).any() for pair in np.column_stack([result["low"], result["high"]])
    )


def test_interaction__draws_every_deficit_and_the_tested_difference(every_result):
    result = every_result["plot_interaction"]
    ax = plots.plot_interaction(result)
    assert holds(dotted(ax), result["deficit"].values)
    assert holds(dotted(ax), result["value"].values)
    np.testing.assert_allclose(diamonds(ax)[0, 1], result["effect"])
    np.testing.assert_allclose(bars(ax)[-1], [result["low"], result["high"]])


def test_the_wrong_result__is_told_which_figure_draws_it(every_result):
    with pytest.raises(SchemaError, match="draw it with plot_deficits"):
        plots.plot_dissociation(every_result["plot_deficits"])
    with pytest.raises(SchemaError, match=r"a result, an xarray\.Dataset"):
        plots.plot_dissociation([1, 2])
    with pytest.raises(SchemaError, match="Did you mean 'd_prime'"):
        plots.plot_selectivity(every_result["plot_selectivity"], measure="dprime")


def test_plot_for__finds_a_figure_for_every_result(every_result):
    for name, result in every_result.items():
        assert result.attrs["analysis"] in plots.plot_for(result)(result).figure.axes[0].get_title() or name


def test_series__differ_in_colour_and_in_marker():
    assert len({marker for _, marker in SERIES}) == len(SERIES) == len({colour for colour, _ in SERIES})
    assert {to_rgba(colour) for colour, _ in SERIES} <= {to_rgba(colour) for colour in WONG.values()}


def test_deficits__draw_chosen_tasks_on_axes_of_their_own():
    from neurolab.analysis import deficits
    from neurolab.errors import UnknownNameError
    from neurolab.plots import plot_deficits
    from neurolab.simulate import phantom_trials

    found = deficits(phantom_trials(rng=0), rng=0)
    tasks = found["task"].values.tolist()
    ax = plot_deficits(found, tasks=tasks[1:])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == tasks[1:]
    with pytest.raises(UnknownNameError, match="expected some of"):
        plot_deficits(found, tasks=["nothing"])
