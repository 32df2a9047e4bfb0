"""Long names, titles and footers stay inside the figure and lie on nothing; crowds are thinned and said to be so."""

from functools import cache
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from matplotlib.text import Text
from torch import nn

from neurolab import analysis, plots
from neurolab.plots.deficits import MOST
from neurolab.plots.drawing import drawing_of
from neurolab.plots.marks import height_mm, width_mm
from neurolab.plots.room import text_mm, told_apart, wrapped
from neurolab.plots.save import figure_paths
from neurolab.plots.style import MM, NORMAL, TINY, blank, settings
from neurolab.recording import make_recording
from neurolab.screening import screened
from neurolab.simulate import phantom_recording, phantom_trials
from neurolab.specimen import Probe, Specimen, record
from neurolab.stimuli import StimulusSet

A, B = "language-selective units of layer 12 (top 1 %)", "arithmetic-selective units of layer 12 (top 1 %)"
X, Y = "subject-verb agreement across a relative clause", "two-digit addition with carrying"
DIGITS = [f"digit {k}" for k in range(10)]
CONTRAST = f"{DIGITS[0]} > {' + '.join(DIGITS[1:])}"
SMOOTH = "logit margin of the right answer over the best of all wrong answers"


def drawn(plot, result, width=89.0):
    """The axes of a figure of this width in millimetres, laid out as it is saved."""
    with matplotlib.rc_context(settings()):
        ax = plot(result, ax=blank(width, drawing_of(plot).height_mm))
        ax.figure.canvas.draw()
    return ax


def said(figure):
    """Every text that is seen, with its place in pixels."""
    every_axis = [axis for ax in figure.findobj(matplotlib.axes.Axes) for axis in (ax.xaxis, ax.yaxis)]
    ticks = {axis: axis.get_major_ticks() for axis in every_axis}
    hidden = set()
    for axis, every in ticks.items():
        low, high = sorted(axis.get_view_interval())
        hidden |= {tick.label1 for tick in every if not low - 1e-9 <= tick.get_loc() <= high + 1e-9}
        hidden |= {tick.label2 for tick in every}
    shown = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    return [(text, text.get_window_extent()) for text in shown if text not in hidden]


def collisions(figure):
    """The pairs of texts of which one lies on the other by more than half a millimetre."""
    few = 0.25 * MM * figure.dpi
    flat = [(text, place.padded(-few)) for text, place in said(figure) if text.get_rotation() in (0, 90)]
    n = [text for text, _ in flat if text.get_text().startswith("n = ")]  # beside the last line of a title
    flat = [(text, place) for text, place in flat if text not in n]
    pairs = ((a.get_text(), b.get_text()) for (a, one), (b, other) in combinations(flat, 2) if one.overlaps(other))
    return list(pairs)


def outside(figure):
    """The texts that are cut by the edge of the figure."""
    page = figure.bbox.padded(1.0)
    return [text.get_text() for text, at in said(figure)
            if at.x0 < page.x0 or at.y0 < page.y0 or at.x1 > page.x1 or at.y1 > page.y1]  # fmt: skip


@cache
def trials():
    return phantom_trials(deficits={A: {X: 0.3, Y: 0.05}, B: {X: 0.05, Y: 0.3}}, n_controls=39, rng=0)


@cache
def of_digits():
    return phantom_recording(n_units=60, n_stimuli=12, conditions=DIGITS, n_runs=3, sites=("early", "late"), rng=0)


def many(n):
    """Trials of n lesions and as many tasks, with names of some 25 letters."""
    lesions = [f"face-selective units at l{k}" for k in range(n)]
    tasks = [f"naming of familiar faces {k}" for k in range(n)]
    plan = {one: {task: 0.3 if i == j else 0.05 for j, task in enumerate(tasks)} for i, one in enumerate(lesions)}
    return phantom_trials(deficits=plan, n_specimens=6, rng=0)


def dosed():
    ladder = phantom_trials(doses=(0.25, 0.5, 1.0), n_controls=19, n_specimens=6, deficits={A: {X: 0.3}}, rng=1)
    return analysis.dose_response(ladder, lesion=A, task=X, rng=0)


def trended():
    rows = {x: pd.DataFrame({"ablation AUC": np.arange(6) / 9 - x}, index=[f"net seed {k}" for k in range(6)])
            for x in (0.0, 0.5, 1.0)}  # fmt: skip
    return analysis.trend(rows, what="label noise", matched_on=None, rng=0)


def screening():
    draw = np.random.default_rng(0)
    truth = draw.normal(size=100)
    exact = np.where(np.arange(100) % 3 == 0, truth, np.nan)
    about = {"test": "first order", "n": 40, "generalises_over": "stimulus", "alternative": "", "source": "",
             "inputs": {}}  # fmt: skip
    return screened(
        truth + 0.3 * draw.normal(size=100), {"score": np.round(exact), "smooth": exact}, site=["a"] * 100,
        unit=range(100), stimuli=["s"], level=0.95, rng=0, task="naming", how="Zero", smooth=SMOOTH, method="taylor",
        **about,
    )  # fmt: skip


FIGURES = {
    "plot_localiser_matrix": lambda: analysis.localiser_matrix(trials(), rng=0),
    "plot_dissociation": lambda: analysis.dissociation(trials(), lesions=(A, B), tasks=(X, Y), rng=0),
    "plot_deficits": lambda: analysis.deficits(trials(), rng=0),
    "plot_controls": lambda: analysis.against_controls(trials(), lesion=A, task=X, rng=0),
    "plot_spared": lambda: analysis.spared(trials(), lesion=A, tasks=(X, Y), rng=0),
    "plot_stat_map": lambda: analysis.localise(of_digits(), CONTRAST),
    "plot_selectivity": lambda: analysis.localise(of_digits(), CONTRAST),
    "plot_held_out": lambda: analysis.held_out(of_digits(), CONTRAST, n_permutations=19, rng=0),
    "plot_reliability": lambda: analysis.map_reliability(of_digits(), CONTRAST, n_splits=5, rng=0),
    "plot_dose": dosed,
    "plot_trend": trended,
    "plot_screen": screening,
}


def beside(ax):
    """The millimetres between the last line of the title and what n is."""
    last = ax.get_title(loc="left").rpartition("\n")[2]
    return width_mm(ax) - text_mm(last, NORMAL) - text_mm(ax.get_title(loc="right"), TINY)


@pytest.mark.parametrize("width", [89.0, 183.0])
@pytest.mark.parametrize("name", FIGURES)
def test_long_names__lie_on_nothing_and_leave_room_for_the_data(name, width):
    ax = drawn(plots.FIGURES[name], FIGURES[name](), width)
    assert not collisions(ax.figure)
    assert not outside(ax.figure)
    assert beside(ax) > 1
    if ax.get_legend():
        assert ax.get_legend().get_window_extent().x0 > ax.get_window_extent().x0 - 1
    assert width_mm(ax) > 0.4 * min(width, 150.0)  # a map of fixed shape is as wide as its height allows
    assert height_mm(ax) > 20


@pytest.mark.parametrize("n", [4, 8])
def test_matrix_of_middling_names__keeps_labels_apart_and_intervals_inside_their_cells(n):
    ax = drawn(plots.plot_localiser_matrix, analysis.localiser_matrix(many(n), rng=0))
    assert not collisions(ax.figure)
    assert not outside(ax.figure)
    cell = width_mm(ax) / n * MM * ax.figure.dpi
    assert all(place.width < cell for text, place in said(ax.figure) if text in ax.texts)
    assert not [text.get_text() for text in ax.texts if "…" in text.get_text()]  # half a number is none


def test_a_name__is_broken_before_it_is_shortened_and_keeps_both_ends():
    assert wrapped("arithmetic-selective units", 16, size=6.0).split("\n") == ["arithmetic-", "selective units"]
    lines = wrapped(A, 14, size=6.0, lines=2).split("\n")
    assert len(lines) == 2
    assert max(text_mm(line, 6.0) for line in lines) <= 14
    assert (lines[0][:5], lines[-1][-2:]) == (A[:5], A[-2:])
    assert "…" in "".join(lines)
    assert wrapped("a title beside n", 100, size=7.0, last=5.0) != "a title beside n"


def test_two_names__are_never_shown_alike():
    middle = [f"units of the layer that {what} in every network" for what in ("speak", "count")]
    shown = told_apart(middle, lambda name: wrapped(name, 14, size=6.0, lines=1))
    assert len(set(shown)) == 2
    assert told_apart(["same", "same"], str) == ["same", "same"]


def flat_brain():
    found = analysis.localise(phantom_recording(n_units=60, rng=0), "faces > objects")
    at = np.arange(60)
    place = {"x": at % 10 * 3.0, "y": at // 10 * 3.0, "z": np.zeros(60)}
    brain = found.assign_coords({axis: ("neuroid", value) for axis, value in place.items()})
    return brain.assign_attrs(kind="brain", specimen="haxby-2001 subject 1")


def test_map_of_one_slice__is_one_projection_in_the_middle():
    ax = drawn(plots.plot_stat_map, flat_brain())
    assert not collisions(ax.figure)
    place = ax.get_position()
    assert place.x0 < 0.25
    assert width_mm(ax) > 40
    legend = plots.legend_text(flat_brain(), plots.plot_stat_map)
    assert "One projection of where" in legend
    assert "Three" not in legend


class Steps(nn.Module):
    """A recurrent network whose units are recorded at every token."""

    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.RNN(4, 12, batch_first=True), nn.Linear(12, 2)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


def over_tokens():
    torch.manual_seed(0)
    shown = np.random.default_rng(0).normal(size=(40, 15, 4)).astype("float32")
    shown[:20, 5:10, 0] += 2
    rows = pd.DataFrame({"stimulus_id": [f"s{k}" for k in range(40)], "condition": ["a"] * 20 + ["b"] * 20})
    seen = record(Specimen(Steps().eval(), shown[:1], name="net"), StimulusSet("words", shown, rows),
                  [Probe("rnn", pool=None)])  # fmt: skip
    return analysis.clusters(seen, "a > b", by=analysis.ClusterMass(0.05), n_permutations=19, rng=0)


def outlines(ax):
    return max(float(c.get_linewidth()[0]) for c in ax.collections if c.get_gid() == "cluster")


def test_clusters_over_tokens__are_units_by_tokens_with_outlines_that_hide_no_colour():
    found = over_tokens()
    ax = drawn(plots.plot_clusters, found)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("token", "unit")
    painted = np.asarray(ax.collections[0].get_array())
    assert painted.shape == (12, 15)
    np.testing.assert_allclose(painted[7, 3], found["statistic"].values[3 * 12 + 7])
    cell = min(width_mm(ax) / 15, height_mm(ax) / 12) * MM * 72
    assert outlines(ax) < 0.3 * cell


def in_space(**neuroid):
    values = np.random.default_rng(0).normal(size=(8, 20, 30))
    values[:, 5:12, 10:20] += 2
    coords = {name: ("neuroid", value) for name, value in neuroid.items()}
    time = {"time": np.arange(30) / 60 - 0.1}
    data = xr.DataArray(values, dims=("subject", "neuroid", "time"), coords={**coords, **time})
    line = np.eye(20, k=1) + np.eye(20, k=-1)
    found = analysis.clusters(data, by=analysis.ClusterMass(0.05), adjacency=line, n_permutations=19, rng=0)
    return found.assign_attrs(kind="brain")


def test_clusters_over_channels__say_channels_and_round_times():
    ax = drawn(plots.plot_clusters, in_space(channel=np.array([f"EEG {k:03d}" for k in range(20)], dtype=object)))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "channel")
    assert ax.get_yticklabels()[0].get_text() == "EEG 000"
    assert {"0", "0.2"} <= {tick.get_text() for tick in ax.get_xticklabels()}
    at = dict(zip((tick.get_text() for tick in ax.get_xticklabels()), ax.get_xticks()))
    assert at["0"] == pytest.approx(6.5)  # the seventh column


def test_clusters_over_sites__name_the_sites():
    found = in_space(site=np.repeat([0, 1], 10), unit=np.tile(np.arange(10), 2))
    found.attrs["sites"] = '[{"name": "early", "dims": ["unit"], "shape": [10]}, '
    found.attrs["sites"] += '{"name": "late", "dims": ["unit"], "shape": [10]}]'
    ax = drawn(plots.plot_clusters, found)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["early", "late"]
    assert ax.get_yticks().tolist() == [5, 15]


def retrained(n):
    step = np.linspace(0, 600, n)
    mean = np.stack([0.9 - 0.5 * np.exp(-step / 80), np.full(n, 0.85)])
    score = mean + 0.02 * np.random.default_rng(0).standard_normal((8, 2, n))
    coords = {"specimen": list("abcdefgh"), "arm": ["lesioned", "intact"], "step": step.astype(int)}
    return analysis.recovery(xr.DataArray(score, coords=coords, dims=list(coords)), chance=0.1, rng=0)


def test_recovery__has_its_key_above_every_curve_and_few_marks_on_each():
    result = retrained(61)
    ax = drawn(plots.plot_recovery, result)
    below = ax.get_legend().get_window_extent().y0
    highest = max(float(result["criterion_mean"]), float(result["score"].max()), float(result["high"].max()))
    assert ax.transData.transform((0, highest))[1] < below
    thick = [line for line in ax.lines if line.get_linewidth() == 1.4]
    assert all(61 / line.get_markevery() < 20 for line in thick)


@pytest.mark.parametrize("name", ["x.png", "x.pdf", "x.csv", "x.legend.txt", "x"])
def test_a_known_ending_of_the_name__is_not_written_twice(name):
    assert [path.name for path in figure_paths("f", name).paths] == [
        "x.pdf", "x.png", "x.csv", "x.legend.txt", "x.alt.txt"
    ]  # fmt: skip
    assert figure_paths("f", "layer.4").png.name == "layer.4.png"


def turned(degrees):
    """A lesion map of a ball of voxels, 3 mm apart, in a space turned about two axes."""
    grid = np.argwhere(np.ones((9, 9, 9))) * 3.0
    grid = grid[((grid - 12) ** 2).sum(axis=1) < 150]
    a, b = np.deg2rad(degrees), np.deg2rad(degrees / 2)
    one = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    two = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    draw = np.random.default_rng(0)
    cut = np.array([((grid - grid[draw.integers(len(grid))]) ** 2).sum(axis=1) < 60 for _ in range(60)])
    rows = {"stimulus_id": [f"p{k}" for k in range(60)], "condition": ["patient"] * 60}
    lesions = make_recording(cut.astype(np.uint8), presentation=rows, neuroid=dict(zip("xyz", (grid @ one @ two).T)),
                             kind="brain")  # fmt: skip
    return analysis.symptom_map(lesions, -2.0 * cut[:, 0] + 0.1 * draw.normal(size=60), n_permutations=19, rng=0)


def test_lesion_map_in_a_turned_space__is_a_small_picture_without_holes():
    straight, oblique = (plots.plot_symptom_map(turned(degrees)) for degrees in (0, 25))
    assert [image.get_array().shape[:2] for image in straight.images] == [(9, 9)] * 3
    for image in oblique.images:
        alpha = np.asarray(image.get_array())[..., 3]
        assert max(alpha.shape) < 12
        middle = tuple(slice(n // 4, -(n // 4)) for n in alpha.shape)
        assert (alpha[middle] > 0).all()


def test_many_lesions__are_the_strongest_and_the_rest_is_counted():
    deficit = np.random.default_rng(0).random(60).round(3)
    plan = {f"unit {k}": {"X": float(0.4 * one)} for k, one in enumerate(deficit)}
    result = analysis.deficits(phantom_trials(deficits=plan, n_specimens=5, n_stimuli=30, rng=0), rng=0)
    ax = drawn(plots.plot_deficits, result)
    named = [tick.get_text() for tick in ax.get_xticklabels()]
    effect = dict(zip(result["roi"].values, np.abs(result["effect"].max("task").values)))
    assert len(named) == MOST
    assert min(effect[name] for name in named) == pytest.approx(np.sort(list(effect.values()))[-MOST])
    assert ax.get_xlabel() == "the 24 largest of 60 lesions … and 36 more, see the table"
    assert not outside(ax.figure)


def test_many_tasks_of_a_case__are_the_strongest_with_their_p_upright():
    draw = np.random.default_rng(0)
    scores = {f"task {k}": draw.normal(10, 2, size=20) for k in range(23)}
    people = pd.DataFrame(scores, index=[f"s{k}" for k in range(20)])
    people.iloc[0] -= 4
    ax = drawn(plots.plot_single_case, analysis.single_case(people, case="s0", n_draws=200, rng=0))
    assert len(ax.get_xticklabels()) == 16
    assert ax.get_xlabel().endswith("7 more, see the table")
    assert not collisions(ax.figure)


def test_many_pairs__are_the_strongest_with_their_p_upright():
    regions = "ABCDEFGH"
    plan = {" + ".join(some): {"X": 0.2 * len(some)} for r in range(1, 9) for some in combinations(regions, r)}
    made = phantom_trials(deficits=plan, bounded=False, chance=0.0, n_stimuli=5, n_specimens=6, rng=0)
    ax = drawn(plots.plot_pairs, analysis.pair_interactions(made, task="X", rng=0))
    assert len(ax.get_xticklabels()) == 16
    assert ax.get_xlabel().endswith("12 more, see the table")
    assert not collisions(ax.figure)
