"""Names in any script: the fonts that figures use, and one warning where none of them holds a letter."""

import warnings
from functools import partial

import pytest

from neurolab import analysis, plots
from neurolab.plots import fonts, style
from neurolab.simulate import phantom_trials

NAMES = {"顔の領域": {"名前を言う": 0.3}, "область": {"名前を言う": 0.02}}


@pytest.fixture
def strange():
    return analysis.deficits(phantom_trials(deficits=NAMES, n_specimens=4, rng=0), rng=0)


@pytest.fixture
def no_other_fonts(monkeypatch):
    usual = tuple(name for name in fonts.font_families() if name in fonts.USUAL)
    monkeypatch.setattr(fonts, "font_families", lambda: usual)
    monkeypatch.setattr(style, "font_families", lambda: usual)
    monkeypatch.setattr("neurolab.plots.room.font_families", lambda: usual)
    style._settings.cache_clear()
    yield
    style._settings.cache_clear()


@pytest.mark.parametrize("saved", [True, False])
def test_letters_that_no_font_holds__give_one_warning_that_names_the_font(strange, saved, no_other_fonts, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if saved:
            plots.save_figure(strange, plots.plot_deficits, tmp_path, "strange")
        else:
            plots.plot_deficits(strange)
    (one,) = caught
    assert "holds '顔の領域名前を言' and 1 more" in str(one.message)
    assert "apt install fonts-noto-cjk" in str(one.message)
    if not saved:
        assert one.filename == __file__


def test_a_figure_of_one_s_own__warns_once_too(strange, no_other_fonts, tmp_path):
    def own(result, ax):
        return ax.set_title("名前")

    with pytest.warns(UserWarning, match="holds '名前'") as caught:
        plots.save_figure(strange, own, tmp_path, "own")
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="No font of this machine") as caught:
        plots.save_figure(strange, partial(plots.plot_deficits, rungs=True), tmp_path, "partial")
    assert len(caught) == 1


def test_letters_of_plain_names_and_of_signs__are_held_and_warn_of_nothing(every_result, tmp_path):
    assert not fonts.missing_letters("Δ ± σ − ≤ ÷ × ∞ … † é ü ß Жж αβγ µ")
    assert fonts.missing_letters("abc", ()) == ""
    assert fonts.missing_letters("aéé", ()) == "é"
    plots.save_figure(every_result["plot_deficits"], plots.plot_deficits, tmp_path, "plain")  # a warning is an error
    figure = plots.plot_deficits(every_result["plot_deficits"]).figure
    assert fonts.pdf_font_type(figure) == 42


def test_fonts_are_asked_by_name__so_that_a_second_one_is_asked_at_all():
    """Of the family sans-serif matplotlib takes the first font only."""
    assert style.settings()["font.family"] == list(fonts.font_families())
    assert fonts.font_families()[0] in fonts.USUAL


def test_letters_from_a_font_of_another_script__are_held_in_a_pdf_as_outlines(strange, no_other_fonts):
    with pytest.warns(UserWarning, match="No font"):
        figure = plots.plot_deficits(strange).figure
    assert fonts.pdf_font_type(figure) == 3
