"""Figures of many tasks, cases, models, networks and conditions: every mark has its own key, no words lie on marks."""

import re
from functools import partial
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest

import neurolab as nl
from neurolab import analysis, plots
from neurolab.plots.style import MM, SINGLE_MM, settings
from neurolab.rdms import make_rdms
from neurolab.simulate import phantom_noise, phantom_recording, phantom_trials


def drawn(plot, result, width_mm=SINGLE_MM, **choices):
    """The axes of a figure, laid out as it is saved."""
    with matplotlib.rc_context(settings()):
        figure = matplotlib.figure.Figure(figsize=(width_mm * MM, 60 * MM), layout="constrained")
        matplotlib.backends.backend_agg.FigureCanvasAgg(figure)
        ax = plot(result, ax=figure.subplots(), **choices)
        figure.canvas.draw()
        return ax


def boxes(ax, texts):
    return [text.get_window_extent(ax.figure.canvas.get_renderer()) for text in texts]


def overlapping(found):
    return [pair for pair in combinations(found, 2) if pair[0].overlaps(pair[1])]


def key_of(ax):
    """Colour and marker of every entry of the key, by its name."""
    legend, said = ax.get_legend(), {}
    for handle, text in zip(legend.legend_handles, legend.get_texts()):
        if hasattr(handle, "get_facecolor") and not hasattr(handle, "get_marker"):
            said[text.get_text()] = (matplotlib.colors.to_hex(handle.get_facecolor()[0]),)
        else:
            said[text.get_text()] = (matplotlib.colors.to_hex(handle.get_color()), handle.get_marker())
    return said


def of_tasks(n, **more):
    plan = {f"task {at}": 0.05 * at for at in range(n)}
    return phantom_trials(deficits={"A": plan, "B": dict.fromkeys(plan, 0.02)}, n_stimuli=40, rng=0, **more)


@pytest.mark.parametrize("n", [2, 7, 8, 9, 12])
def test_deficits__key_names_the_task_of_each_diamond(n):
    result = analysis.deficits(of_tasks(n, n_specimens=8), rng=0)
    ax = drawn(plots.plot_deficits, result)
    key = key_of(ax)
    assert len(key) == min(n, 7) == len(set(key.values()))
    marks = [line for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata()) == 1]
    of = {matplotlib.colors.to_hex(line.get_color()): float(line.get_ydata()[0]) for line in marks[::2]}  # lesion A
    for task, (colour,) in key.items():
        assert of[colour] == float(result["effect"].sel(lesion="A", task=task))
    assert set(key) == {f"task {at}" for at in range(max(0, n - 7), n)}
    assert (f"7 largest of {n} tasks" in ax.get_xlabel().replace("\n", " ")) == (n > 7)
    assert set(key_of(drawn(plots.plot_deficits, result, tasks=["task 0", "task 1"]))) == {"task 0", "task 1"}


def patients(n, tasks=4):
    draw = np.random.default_rng(0)
    names = [f"control {at}" for at in range(20)] + [f"patient {at}" for at in range(n)]
    tests = [f"test {at}" for at in range(tasks)]
    table = pd.DataFrame(draw.normal(50, 8, (20 + n, tasks)), columns=tests, index=names)
    table.iloc[20:] -= 15
    return analysis.single_case(table, case=names[20:], rng=0)


@pytest.mark.parametrize("n", [2, 7, 8, 10])
def test_single_case__tells_patients_apart_by_colour_and_marker(n):
    result = patients(n)
    ax = drawn(plots.plot_single_case, result)
    key = key_of(ax)
    assert len(key) == min(n, 7)
    for part in (0, 1):
        assert len({series[part] for series in key.values()}) == len(key)
    effects = {round(float(line.get_ydata()[0]), 9): line for line in ax.lines if len(line.get_xdata()) == 1}
    for case, (colour, marker) in key.items():
        for value in result["effect"].sel(case=case).values:
            line = effects[round(float(value), 9)]
            assert (matplotlib.colors.to_hex(line.get_color()), line.get_marker()) == (colour, marker)
    assert (f"7 largest of {n} cases" in ax.get_xlabel().replace("\n", " ")) == (n > 7)


@pytest.mark.parametrize(("n", "width"), [(1, 89), (2, 89), (3, 89), (7, 89), (10, 183)])
def test_single_case__p_stand_apart_and_on_no_mark(n, width):
    ax = drawn(plots.plot_single_case, patients(n), width)
    said = [text for text in ax.texts if text.get_text().startswith("p ")]
    assert bool(said) != ("p: see the table" in ax.get_xlabel())
    assert not overlapping(boxes(ax, said))
    ends = [xy for line in ax.lines if len(line.get_xdata()) == 2 and line.get_transform() == ax.transData
            for xy in line.get_xydata()]  # fmt: skip
    low = min(ax.transData.transform(end)[1] for end in ends)
    for box in boxes(ax, [text for text in said if text.get_rotation() == 90]):
        assert box.y1 < low
        assert box.y0 >= ax.get_window_extent().y0
    legend = plots.twins.legend_text(patients(1), plots.plot_single_case)
    assert "not a test against 0, see p" in legend
    assert re.search(r"How far patient 0 lies .*", legend)
    assert "How far patient 0 and patient 1 lie " in plots.twins.legend_text(patients(2), plots.plot_single_case)


def models(names):
    draw = np.random.default_rng(0)
    features = draw.normal(size=(20, 30))
    noisy = [features + draw.normal(size=features.shape) for _ in range(len(names) + 4)]
    each = np.array([1 - np.corrcoef(one)[np.triu_indices(20, 1)] for one in noisy])
    every = make_rdms(each, stimuli=[f"s{at:02d}" for at in range(20)], kind="simulated")
    return analysis.compare(every[: len(names)].assign_coords(rdm=names), every[len(names) :])


@pytest.mark.parametrize(("names", "n_groups"), [
    ([f"{net} {layer}" for net in ("trained", "random") for layer in ("conv", "fc")], 2),
    ([f"net{net} {layer}" for net in range(7) for layer in ("early", "late")], 7),
    ([f"net{net} {layer}" for net in range(9) for layer in ("early", "late")], 0),
    (["ResNet 50", "ResNet 18", "ViT B 16", "AlexNet"], 0),
    (["block 1", "block 2", "block 3"], 0),
])  # fmt: skip
def test_likeness__groups_models_only_where_they_share_layers_and_each_has_a_mark(names, n_groups):
    result = models(names)
    ax = drawn(plots.plot_likeness, result, 183)
    ticks = [tick.get_text().replace("\n", " ") for tick in ax.get_xticklabels()]
    if not n_groups:
        assert ax.get_legend() is None
        assert len(ticks) == len(names) == len(set(ticks))
    else:
        key = key_of(ax)
        assert len(key) == n_groups == len(set(key.values()))
        assert len(ticks) == len(names) / n_groups
    bars = sorted(patch.get_height() for patch in ax.patches if patch.get_width() < 1 and patch.get_y() == 0)
    np.testing.assert_allclose([one for one in bars if one in result["effect"].values], sorted(result["effect"].values))


def falling(by, **more):
    trials = phantom_trials(doses=(0.25, 0.5, 1.0), deficits={"A": {"X": by}}, rng=0, **more)
    return analysis.reserve(trials, lesion="A", task="X", rng=0)


def test_reserve__a_failure_point_that_was_not_reached_is_a_bound_everywhere():
    result = falling(0.02)
    ax = drawn(plots.plot_reserve, result)
    bound = "failure point ≥ 1.00 (10 of 10 never failed)"
    assert bound in ax.get_xlabel().replace("\n", " ")
    assert [line for line in ax.lines if line.get_marker() == ">"]
    alt, legend = plots.alt_text(result, plots.plot_reserve), plots.twins.legend_text(result, plots.plot_reserve)
    said = nl.methods_text(result)
    for text in (alt, said):
        assert re.search(r"ailure point ≥ 1\.00 \(95 % interval 1\.00 to ∞; 10 of 10 never failed\)", text)
    for text in (legend, said):
        assert "that failure point is a lower bound" in text
    assert "1 [1, no end]" in legend
    reached = falling(0.45)
    assert reached.attrs["never_failed"] == 0
    ax = drawn(plots.plot_reserve, reached)
    assert "≥" not in ax.get_xlabel()
    assert not [line for line in ax.lines if line.get_marker() == ">"]


@pytest.mark.parametrize("n", [2, 4, 5, 6])
def test_curves_of_few_networks__say_that_there_is_no_interval(n):
    trials = phantom_trials(n_specimens=n, doses=(0.25, 0.5, 1.0), n_controls=3, n_stimuli=30, rng=0)
    dose, left = (verb(trials, lesion="A", task="X", rng=0) for verb in (analysis.dose_response, analysis.reserve))
    noise = analysis.robustness(phantom_noise(n_specimens=n, rng=0), noise="input", lesion="A", task="X", rng=0)
    for result, plot in ((dose, plots.plot_dose), (left, plots.plot_reserve), (noise, plots.plot_robustness)):
        none = "no 95 % interval" in drawn(plot, result).get_title(loc="right")
        assert none == (n < 6)
        said = plots.alt_text(result, plot) + plots.twins.legend_text(result, plot) + nl.methods_text(result)
        assert not re.search(r"inf\b|−∞ to ∞", said)
        assert ("Error bars" in said) == (n >= 6)
        assert ("no 95 % interval" in said or plot is plots.plot_robustness) == (n < 6 or plot is plots.plot_robustness)


@pytest.mark.parametrize(("n", "width"), [(2, 89), (3, 89), (6, 89), (30, 89), (4, 183)])
def test_spared__p_lie_on_nothing_and_no_more_tasks_are_drawn_than_fit(n, width):
    trials = of_tasks(n, n_specimens=6)
    result = analysis.spared(trials, lesion="A", tasks=[f"task {at}" for at in range(n)], rng=0)
    ax = drawn(plots.plot_spared, result, width)
    said = [text for text in ax.texts if text.get_text().startswith("p ")]
    assert len(said) == min(n, 16)
    assert (f"16 largest of {n} tasks" in ax.get_xlabel()) == (n > 16)
    marks = [ax.transData.transform(xy) for one in ax.collections for xy in one.get_offsets()]
    marks += [ax.transData.transform(line.get_xydata()[0]) for line in ax.lines if line.get_marker() == "D"]
    assert not overlapping(boxes(ax, said))
    for box in boxes(ax, said):
        assert not [mark for mark in marks if box.contains(*mark)]


@pytest.mark.parametrize("n", [8, 12, 25, 111])
def test_controls_of_many_networks__hide_no_mark(n):
    trials = phantom_trials(n_specimens=n, n_controls=19, spread=0.05, n_stimuli=50, rng=0)
    ax = drawn(plots.plot_controls, analysis.against_controls(trials, lesion="A", task="X", rng=0))
    plate = next(text for text in ax.texts if "rank" in text.get_text()).get_bbox_patch().get_window_extent()
    diamond = next(line for line in ax.lines if line.get_marker() == "D").get_xydata()[0]
    half = ax.figure.dpi * 3.2 / 72 / 2
    assert ax.transData.transform(diamond)[0] + half < plate.x0
    assert plate.x1 <= ax.get_window_extent().x1 + 1
    dots = [ax.transData.transform(xy) for one in ax.collections for xy in one.get_offsets()]
    assert not [dot for dot in dots if plate.contains(*dot)]
    assert not overlapping(boxes(ax, [tick for tick in ax.get_xticklabels() if tick.get_text()]))


@pytest.fixture(scope="module")
def many_conditions():
    draw = np.random.default_rng(0)
    shift = {"control": 0.0} | {f"condition {at}": at / 5 for at in range(12)}
    named = [f"index {at}" for at in range(5)]
    tables = {}
    for of, by in shift.items():
        seeds = [f"{of} seed {at}" for at in range(8)]
        small = np.array([1, 1, 1, 1, 0.001])  # the last index needs more digits
        tables[of] = pd.DataFrame(small * (by + draw.normal(0, 0.5, (8, 5))), columns=named, index=seeds)
    return analysis.compare_cohorts(tables, against="control", matched_on=None, rng=0)


@pytest.mark.parametrize("width", [89, 183])
@pytest.mark.parametrize("few", [False, True])
def test_cohorts__write_in_a_cell_what_it_has_room_for(width, few, many_conditions):
    result = many_conditions.isel(condition=slice(0, 2)) if few else many_conditions
    ax = drawn(plots.plot_cohorts, result, width)
    found = boxes(ax, ax.texts)
    assert not overlapping(found)
    assert any("[" in text.get_text() for text in ax.texts) == ("see the table" not in ax.get_xlabel())


def test_one_index_of_many_conditions__has_q_that_stand_apart(many_conditions):
    ax = drawn(plots.plot_cohorts, many_conditions, index="index 1")
    said = [text for text in ax.texts if text.get_text().startswith("q")]
    assert len(said) == 12
    assert not overlapping(boxes(ax, said))


def test_held_out_of_many_conditions__keeps_the_chosen_side_and_names_what_it_draws():
    named = [f"cond {at}" for at in range(30)]
    recording = phantom_recording(conditions=named, n_units=60, n_stimuli=4, n_runs=2, rng=0)
    result = analysis.held_out(recording, "cond 29 > *", n_permutations=19, rng=0)
    ax = drawn(plots.plot_held_out, result)
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert len(ticks) == 17
    assert "cond 29" in ticks
    assert "16 largest of 30 conditions" in ax.get_xlabel()
    plate = next(text for text in ax.texts if text.get_text().startswith("p")).get_bbox_patch().get_window_extent()
    diamond = [line for line in ax.lines if line.get_marker() == "D"][-1].get_xydata()[0]
    assert ax.transData.transform(diamond)[0] < plate.x0


@pytest.mark.parametrize("n", [2, 6])
def test_few_networks__leave_no_endless_numbers_in_cells_and_no_arrows_in_names(n):
    trials = phantom_trials(n_specimens=n, n_stimuli=30, rng=0)
    ax = drawn(plots.plot_localiser_matrix, analysis.localiser_matrix(trials, rng=0))
    assert not [text for text in ax.texts if "inf" in text.get_text()]
    assert ("no 95 % interval" in ax.get_title(loc="right")) == (n < 6)
    ax = drawn(plots.plot_deficits, analysis.deficits(trials, rng=0))
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert bool(arrows) == (n < 6)
    for arrow in arrows:
        assert arrow.arrow_patch.get_window_extent().y0 >= ax.get_window_extent().y0


def test_coverage_of_a_lesion_map__is_told_in_its_own_words(every_result):
    result = every_result["plot_symptom_map"]
    said = plots.alt_text(result, partial(plots.plot_symptom_map, show="coverage"))
    assert said.startswith("Share of cases in which each unit of early, late is lesioned: ")
    assert "strongest" not in said
    assert "strongest" in plots.alt_text(result, plots.plot_symptom_map)


@pytest.mark.parametrize("room, name, said", [
    ("analysis", "shapely", "Did you mean 'shapley'"), ("plots", "plot_shapely", "Did you mean 'plot_shapley'"),
    ("analysis", "plot_dose", "Type nl.plots.plot_dose."), ("plots", "retrain", "Type nl.specimen.retrain."),
])  # fmt: skip
def test_rooms__say_what_is_like_a_name_that_they_have_not(room, name, said):
    with pytest.raises(AttributeError, match=re.escape(said)):
        getattr(getattr(nl, room), name)
    with pytest.raises(AttributeError, match=r"Did you mean nl\.analysis\.shapley"):
        nl.shapely  # noqa: B018
