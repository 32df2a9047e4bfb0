"""A saved figure is what a journal takes: exact width, live TrueType text, the same bytes twice, and its words."""

import re
import struct
from functools import partial

import numpy as np
import pandas as pd
import pytest

from neurolab import plots
from neurolab.errors import DesignError, SchemaError
from neurolab.plots import words
from neurolab.plots.words import sample_words

NAMES = sorted(plots.FIGURES)


@pytest.fixture(scope="module")
def saved(every_result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    return {name: plots.save_figure(every_result[name], plots.FIGURES[name], folder, name) for name in NAMES}


def width_of(pdf):
    box = re.search(rb"/MediaBox \[ ?([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)", pdf.read_bytes())
    return (float(box[3]) - float(box[1])) / 72 * 25.4


@pytest.mark.parametrize("name", NAMES)
def test_pdf__is_89_mm_wide_with_truetype_fonts_only(name, saved):
    assert width_of(saved[name].pdf) == pytest.approx(89.0, abs=0.005)
    content = saved[name].pdf.read_bytes()
    assert b"/Type3" not in content
    assert b"/FontFile2" in content
    assert b"CreationDate" not in content
    assert b"matplotlib" not in content.lower().replace(b"matplotlib pdf backend", b"")


@pytest.mark.parametrize("name", NAMES)
def test_png__is_89_mm_at_450_dpi_without_dates_or_programs(name, saved):
    content = saved[name].png.read_bytes()
    width, _ = struct.unpack(">II", content[16:24])
    assert abs(width - 89 / 25.4 * 450) <= 1
    assert not re.search(rb"tEXt|iTXt|tIME", content)


@pytest.mark.parametrize("name", NAMES)
def test_second_run__writes_the_same_bytes(name, saved, every_result, tmp_path):
    again = plots.save_figure(every_result[name], plots.FIGURES[name], tmp_path, name)
    for first, second in zip(saved[name].paths, again.paths):
        assert first.read_bytes() == second.read_bytes(), first.name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in again.paths)


@pytest.mark.parametrize("name", NAMES)
def test_legend__says_n_test_correction_and_error_bars(name, saved, every_result):
    attrs, legend = every_result[name].attrs, saved[name].legend.read_text("utf-8")
    assert sample_words(every_result[name]) in legend
    assert f"Test: {words.TESTS.get(attrs['test'], attrs['test'])}" in legend
    assert (
        f"Correction for multiple tests: {words.CORRECTIONS.get(attrs['correction'], attrs['correction'])}." in legend
    )
    over = f"generalises over {words.over_words(every_result[name])}."
    assert (over in legend) == (name != "plot_single_case")  # which says nothing of others
    barless = name in ("plot_stat_map", "plot_symptom_map", "plot_reliability", "plot_clusters", "plot_modules",
                        "plot_screen")
    assert (f"Error bars: {100 * attrs['level']:g} % intervals" in legend) == (not barless)
    assert ".." not in legend


@pytest.mark.parametrize("name", NAMES)
def test_alt_text__has_n_and_numbers_of_the_result(name, saved, every_result):
    alt = saved[name].alt.read_text("utf-8")
    assert sample_words(every_result[name]) in alt
    assert len(re.findall(r"−?\d+\.\d+", alt)) >= 2
    assert "nan" not in alt.lower()


def test_alt_text__follows_the_numbers(every_result):
    result = every_result["plot_controls"].copy(deep=True)
    result["effect"] = 0.4321
    assert "0.43" in plots.alt_text(result, plots.plot_controls)


def test_csv__redraws_the_dissociation(saved, every_result):
    result, table = every_result["plot_dissociation"], pd.read_csv(saved["plot_dissociation"].csv)
    cells = table[table["over"] == "lesion × specimen × task"]
    back = cells.set_index(["specimen", "lesion", "task"])["deficit"].to_xarray()
    wanted = result["deficit"]
    np.testing.assert_array_equal(back.sel(specimen=wanted.specimen, lesion=wanted.lesion, task=wanted.task), wanted)
    claims = table[table["over"] == "claim"].set_index("claim")
    for name in ("effect", "low", "high", "p", "p_floor"):
        np.testing.assert_array_equal(claims.loc[result["claim"].values, name], result[name])


@pytest.mark.parametrize("name", NAMES)
def test_csv__holds_every_variable_that_is_drawn(name, saved, every_result):
    table = pd.read_csv(saved[name].csv, low_memory=False)
    result = every_result[name]
    for variable in ("effect", "low", "high", "statistic", "deficit", "value", "target", "control", "split_r"):
        if variable in result and variable in table:
            values = pd.to_numeric(table[variable]).dropna().to_numpy()
            wanted = np.ravel(result[variable].values)
            np.testing.assert_array_equal(np.sort(values), np.sort(wanted[~np.isnan(wanted)]))
    assert {"effect", "statistic", "split_r", "rate", "estimate"} & set(table)


def test_wide_figure__is_183_mm_and_bound_choices_keep_their_words(every_result, tmp_path):
    plot = partial(plots.plot_selectivity, measure="effect")
    wide = plots.save_figure(every_result["plot_selectivity"], plot, tmp_path, "wide", width_mm=183, height_mm=80)
    assert width_of(wide.pdf) == pytest.approx(183.0, abs=0.005)
    assert "ordered within its site" in wide.legend.read_text("utf-8")


def test_a_figure_of_ones_own__is_saved_with_words_from_attrs(every_result, tmp_path):
    def plot_mine(result, *, ax):
        ax.plot([0, 1], [0, float(result["effect"])])
        return ax

    mine = plots.save_figure(every_result["plot_controls"], plot_mine, tmp_path, "mine")
    assert "n = 10 networks" in mine.alt.read_text("utf-8")
    assert "control" in pd.read_csv(mine.csv)


@pytest.mark.parametrize(
    "choices, advice",
    [
        ({"width_mm": 100}, "89"),
        ({"height_mm": 400}, "170"),
        ({"name": "../escape"}, "letters"),
    ],
)
def test_what_no_journal_takes__is_refused(choices, advice, every_result, tmp_path):
    given = {"name": "figure", **choices}
    with pytest.raises(DesignError, match=advice):
        plots.save_figure(every_result["plot_controls"], plots.plot_controls, tmp_path, **given)
    assert not list(tmp_path.iterdir())


def test_no_figure_function__is_refused_with_the_one_that_there_is(every_result, tmp_path):
    result = every_result["plot_deficits"]
    drawn_by_none = result.assign_attrs(analysis="decode")
    assert plots.plot_for(drawn_by_none) is None
    with pytest.raises(SchemaError, match="no figure of neurolab draws results of 'decode'"):
        plots.save_figure(drawn_by_none, plots.plot_for(drawn_by_none), tmp_path, "decode")
    with pytest.raises(SchemaError, match=r"type nl\.plots\.plot_deficits"):
        plots.save_figure(result, None, tmp_path, "deficits")
    assert not list(tmp_path.iterdir())
