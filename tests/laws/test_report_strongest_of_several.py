"""One of several tests, named in a sentence or a figure, is told with the p that is corrected for all of them."""

import json

import matplotlib
import numpy as np
import pytest
import xarray as xr

import neurolab as nl
from neurolab import plots
from neurolab.plots.style import settings
from neurolab.plots.twins import alt_text, legend_text
from neurolab.plots.words import p_words
from neurolab.rdms import make_rdms
from neurolab.report.answers import answer
from neurolab.report.tables import printed_table

#: A p of every single test, and what is left of it after the correction.
RAW, CORRECTED = 0.0137, 0.119


def drawn(plot, result):
    with matplotlib.rc_context(settings()):
        return plot(result)


def told(result, plot):
    """Everything that is said of a result in sentences, and the words in its figure."""
    ax = drawn(plot, result)
    words = [text.get_text() for text in ax.texts]
    titles = [ax.get_title(loc="left"), ax.get_xlabel()]
    return [nl.methods_text(result), legend_text(result, plot), alt_text(result, plot), answer(result), *titles, *words]


@pytest.mark.parametrize("name", [
    "plot_likeness", "plot_likeness_change", "plot_cohorts", "plot_localiser_matrix", "plot_shapley", "plot_pairs",
    "plot_minimal_set", "plot_trend", "plot_selectivity", "plot_symptom_map",
])  # fmt: skip
def test_no_sentence_and_no_figure__gives_the_p_of_one_of_several_tests_alone(name, every_result):
    result = every_result[name]
    if name == "plot_likeness_change":
        result = several_layers()
    several = result["q"].size > 1
    put = {"p": RAW, "q": CORRECTED if several else RAW}
    made = result.assign({of: xr.full_like(result[of], value, dtype=float) for of, value in put.items()})
    for said in told(made.assign_attrs(reasons="[]"), plots.FIGURES[name]):
        assert not several or p_words(RAW) not in said, said
        assert not several or "* p ≤" not in said, said


def rdms(n, noise, draw):
    features = draw.normal(size=(20, 30))
    every = [features + by * draw.normal(size=features.shape) for by in noise]
    each = [1 - np.corrcoef(one)[np.triu_indices(20, 1)] for one in every[:n]]
    return make_rdms(np.array(each), stimuli=[f"s{k:02d}" for k in range(20)], kind="simulated")


def several_layers():
    every = rdms(11, [1.0] * 11, np.random.default_rng(0))
    named = [every[[at, at + 1, at + 2]].assign_coords(rdm=["a", "b", "c"]) for at in (0, 3)]
    return nl.analysis.compare_models(named[0], named[1:], every[6:])


@pytest.mark.parametrize("correction", ["holm", "fdr", "none"])
def test_best_of_several_models__is_printed_with_its_corrected_p(correction):
    every = rdms(9, [3.0] * 9, np.random.default_rng(0))
    models = every[:4].assign_coords(rdm=["a", "b", "c", "d"])
    found = nl.analysis.compare(models, every[4:], correction=correction)
    among = nl.analysis.compare_models(models, [models[::-1].assign_coords(rdm=models["rdm"])], every[4:],
                                       correction=correction)  # fmt: skip
    how = "uncorrected" if correction == "none" else "corrected"
    for result in (found, among):
        top = np.argmax(result["effect"].values if result is found else np.abs(result["effect"].values))
        tested = f"{how} {p_words(float(result['q'][top]))}"
        assert tested in json.loads(result.attrs["reasons"])[0]
        assert tested in answer(result)
        assert tested in printed_table(result).replace("\n    ", " ")
        assert tested in nl.methods_text(result)
        plot = plots.plot_for(result)
        assert tested in legend_text(result, plot)
        assert tested in alt_text(result, plot)
        assert f"* {'p' if how == 'uncorrected' else 'q'} ≤ .05" in drawn(plot, result).get_title(loc="left")


def test_one_model__has_nothing_to_correct():
    every = rdms(6, [1.0] * 6, np.random.default_rng(0))
    one = nl.analysis.compare(every[:1], every[1:])
    for said in (nl.methods_text(one), alt_text(one, plots.plot_likeness), one.attrs["reasons"]):
        assert "corrected p" not in said
        assert p_words(float(one["p"][0])) in said
    assert "* p ≤ .05" in drawn(plots.plot_likeness, one).get_title(loc="left")
