"""Nothing in a figure lies on anything else: labels stand apart, notes stay inside, each mark has its key."""

from itertools import combinations

import matplotlib
import numpy as np
import pytest

from neurolab import analysis, plots
from neurolab.plots.style import settings
from neurolab.simulate import phantom_recording, phantom_trials

NAMES = ["face area", "odd area", "object area", "body area", "place area", "word area", "tool area", "food area"]


def drawn(plot, result, **choices):
    """The axes of a figure at its own size, laid out as it is saved."""
    with matplotlib.rc_context(settings()):
        ax = plot(result, **choices)
        ax.figure.canvas.draw()
        return ax


def box(ax, text):
    return text.get_window_extent(ax.figure.canvas.get_renderer())


def tick_boxes(ax):
    return [box(ax, tick) for tick in ax.get_xticklabels() if tick.get_text()]


def overlapping(boxes):
    return [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def of_two(spread=0.06, deficits=None, **more):
    plan = {
        "odd area": {"name faces": 0.3, "name objects": 0.1},
        "even area": {"name faces": 0.12, "name objects": 0.3},
    }
    trials = phantom_trials(deficits=deficits or plan, n_specimens=6, n_controls=19, spread=spread, rng=0, **more)
    return analysis.dissociation(trials, lesions=tuple(plan), tasks=("name faces", "name objects"), rng=0)


@pytest.mark.parametrize(
    "names", [NAMES, [f"{name} {at}" for at in (1, 2) for name in NAMES], ["prefrontal cortex"] * 9]
)
def test_deficits_of_many_lesions__have_labels_that_stand_apart(names):
    plan = {f"{name}{'' if names.count(name) == 1 else at}": {"X": 0.2, "Y": 0.1} for at, name in enumerate(names)}
    result = analysis.deficits(phantom_trials(deficits=plan, n_specimens=4, rng=0), rng=0)
    ax = drawn(plots.plot_deficits, result)
    assert len(tick_boxes(ax)) == len(plan)
    if ax.get_xticklabels()[0].get_rotation() == 0:  # the boxes of slanted text overlap where the text does not
        assert not overlapping(tick_boxes(ax))


def test_deficits__leave_the_lower_rungs_of_a_ladder_out():
    trials = phantom_trials(doses=(0.25, 0.5, 1.0), n_specimens=4, rng=0)
    result = analysis.deficits(trials, rng=0)
    assert [tick.get_text() for tick in drawn(plots.plot_deficits, result).get_xticklabels()] == ["A", "B"]
    assert len(tick_boxes(drawn(plots.plot_deficits, result, rungs=True))) == 6


def test_dissociation__labels_and_notes_lie_on_nothing():
    ax = drawn(plots.plot_dissociation, of_two())
    assert not overlapping(tick_boxes(ax))
    notes = [text for text in ax.texts if text.get_text().startswith("sparing")]
    assert len(notes) == 2
    axis = ax.get_window_extent()
    for note in notes:
        assert axis.y0 <= box(ax, note).y0
        assert not [tick for tick in tick_boxes(ax) if tick.overlaps(box(ax, note))]
        zero = ax.transData.transform((0, 0))[1]
        assert box(ax, note).y1 < zero


def test_dissociation__says_where_sparing_is_shown():
    plan = {"odd area": {"name faces": 0.3, "name objects": 0.0}, "even area": {"name faces": 0.0, "name objects": 0.3}}
    result = of_two(spread=0.0, deficits=plan)
    result["spared_shown"].values[:] = [True, False]  # a spares y, b spares x
    said = {
        round(text.xy[0]): text.get_text()
        for text in drawn(plots.plot_dissociation, result).texts
        if hasattr(text, "xy")
    }
    assert said[5] == "sparing\nshown"
    assert said[1] == "sparing\nnot shown"


def test_dissociation__writes_both_tasks_at_one_height():
    ax = drawn(plots.plot_dissociation, of_two())
    heights = {text.get_window_extent().y0 - text.get_window_extent().y0 + text.xyann[1] for text in ax.texts
               if text.get_text() in ("name faces", "name objects")}  # fmt: skip
    assert len(heights) == 1
    assert {text.get_va() for text in ax.texts if text.get_text() in ("name faces", "name objects")} == {"baseline"}


@pytest.mark.parametrize("name", ["plot_controls", "plot_picked", "plot_dissociation", "plot_held_out"])
def test_every_p__stays_inside_the_figure_and_is_not_struck_by_a_line(name, every_result):
    ax = drawn(plots.FIGURES[name], every_result[name])
    said = [text for text in ax.texts if text.get_text().startswith("p ")]
    assert said
    for text in said:
        assert box(ax, text).x1 <= ax.get_window_extent().x1 + 1
        assert text.get_bbox_patch() is not None


@pytest.mark.parametrize("name, keys", [
    ("plot_controls", ["lesion", "controls"]), ("plot_picked", ["best pair", "best random pair"]),
    ("plot_reliability", ["mean over splits", "stepped up (Spearman-Brown)"]),
])  # fmt: skip
def test_every_mark__has_a_key_in_the_figure(name, keys, every_result):
    ax = drawn(plots.FIGURES[name], every_result[name])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == keys
    below = ax.get_legend().get_window_extent().y0
    tops = [
        ax.transData.transform(xy)[1]
        for line in ax.lines
        for xy in line.get_xydata()
        if line.get_transform() == ax.transData
    ]
    assert max(tops) < below


def test_reliability__near_one_hides_no_diamond(every_result):
    ax = drawn(plots.plot_reliability, every_result["plot_reliability"])
    marks = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata()) == 1]
    x = sorted(mark[0] for mark in marks)
    assert min(np.diff(x)) > 0.15


def test_effects_in_volts__are_drawn_in_microvolts():
    recording = phantom_recording(n_units=20, n_runs=3, rng=0)
    recording = (recording * 1e-6).assign_attrs(recording.attrs | {"units": "V"})
    held = analysis.held_out(recording, "faces > objects", n_permutations=19, rng=0)
    ax = drawn(plots.plot_held_out, held)
    assert ax.get_ylabel() == "held-out response (µV)"
    assert ax.get_ylim()[1] > 0.1
    assert "µV" in plots.alt_text(held, plots.plot_held_out)
    shown = drawn(plots.plot_selectivity, analysis.localise(recording, "faces > objects"), measure="effect")
    assert shown.get_ylabel() == "difference of means (µV)"
    assert shown.get_ylim()[1] > 0.1
