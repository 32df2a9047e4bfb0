"""A report stands alone, its images speak, and every number in its words is in the result."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import neurolab as nl
from neurolab import plots
from neurolab.plots.words import over_words
from neurolab.report import REFERENCES, bibliography, printed_table, result_table, write_report
from neurolab.report.methods import METHODS, paragraph

NO_FIGURE = {"savings", "mixed", "power", "claim", "claims", "decode"}
MANIFEST = {"neurolab": "0", "status": "finished", "question": "Does <it> work?", "rng": 0, "command": ["x", "--rng"]}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.loads, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "img":
            self.images.append(given)
        if tag in {"img", "script", "link", "iframe", "source", "object", "embed", "video", "audio"}:
            self.loads += [given[name] for name in ("src", "href", "data", "srcset") if given.get(name)]

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def results(every_result):
    kept = ("plot_dissociation", "plot_controls", "plot_deficits", "plot_stat_map", "plot_localiser_matrix")
    return {name.removeprefix("plot_"): every_result[name] for name in kept}


@pytest.fixture(scope="module")
def figures(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    kept = ("dissociation", "controls")
    return [plots.save_figure(results[name], plots.FIGURES[f"plot_{name}"], folder, name) for name in kept]


@pytest.fixture(scope="module")
def text(results, figures, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    return write_report(results, path, figures=figures, title="demo", manifest=MANIFEST).read_text("utf-8")


def test_report__loads_nothing_from_elsewhere(text):
    page = Page(text)
    assert page.loads
    assert all(place.startswith("data:") for place in page.loads)
    styles = re.findall(r"url\(\s*['\"]?([^'\")\s]+)", text)
    assert all(place.startswith(("data:", "#")) for place in styles)
    assert not re.search(r"@import\s+(url|['\"])", text)


def test_report__every_image_speaks_and_is_the_figure(text, figures):
    ours = [image for image in Page(text).images if image.get("alt") != "MNE"]
    assert len(ours) == len(figures)
    for image, figure in zip(ours, figures):
        assert image["alt"] == figure.alt.read_text("utf-8").strip()
        assert base64.b64decode(image["src"].partition(",")[2]) == figure.png.read_bytes()
    assert all(image["alt"] for image in Page(text).images)


def test_report__is_the_same_twice(results, figures, tmp_path, text):
    again = write_report(results, tmp_path / "again.html", figures=figures, title="demo", manifest=MANIFEST)
    assert again.read_text("utf-8") == text


def test_report__says_verdict_question_legends_and_references(text, results):
    words = "".join(Page(text).words)
    assert results["dissociation"].attrs["verdict"] in words
    assert "Does <it> work?" in words  # escaped in the file, whole on the page
    assert "Because:" in words
    assert "Error bars: 90 % intervals" in words
    for _, keys in map(paragraph, results.values()):
        for key in keys:
            assert REFERENCES[key] in words


def test_report__of_a_failed_run_says_so(results, tmp_path):
    failed = {**MANIFEST, "status": "failed", "error": "ValueError: <no>"}
    page = write_report(results, tmp_path / "r.html", title="t", manifest=failed).read_text("utf-8")
    assert "did not finish" in page
    assert "&lt;no&gt;" in page


def test_report__without_results_still_opens(tmp_path):
    page = write_report({"answer": 42}, tmp_path / "r.html", title="t", manifest=MANIFEST)
    assert "answer" in page.read_text("utf-8")


def test_mne_logging__is_as_loud_as_before(results, tmp_path, capfd):
    import logging

    before = logging.getLogger("mne").level
    write_report({}, tmp_path / "r.html", title="t")
    assert logging.getLogger("mne").level == before
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", sorted(set(METHODS) - NO_FIGURE))
def test_methods__numbers_are_those_of_the_result(name, every_result):
    result = next(one for one in every_result.values() if one.attrs["analysis"] == name)
    said = nl.methods_text(result)
    assert f"n = {result.attrs['n']} " in said
    assert (f"generalises over {over_words(result)}" in said) == (name != "single_case")  # there n are its controls
    assert said.endswith(f"Software: neurolab {nl.__version__}.")
    drawn = name in ("held_out", "map_reliability", "picked_dissociation", "single_case", "symptom_map", "clusters",
                     "modules", "clusterability", "alignment", "minimal_set", "best_layers",
                     "screen")  # fmt: skip # the others list every flip
    assert (f"rng {result.attrs['rng']}" in said) == drawn


def test_methods__follow_the_result(every_result):
    result = every_result["plot_dissociation"].copy(deep=True)
    result["p_double"] = 0.0321
    result["spared_bound"].values[:] = [0.123, 0.234]
    result.attrs |= {"n": 77, "level": 0.8, "verdict": "no dissociation shown"}
    said = nl.methods_text(result)
    for number in (".0321", "0.123", "0.234", "n = 77 networks", "80 %", "no dissociation shown"):
        assert number in said
    controls = every_result["plot_controls"].copy(deep=True)
    controls["rank_p"] = 0.35
    said = nl.methods_text(controls)
    assert f"{controls.sizes['draw']} matched control lesions" in said
    assert "p = .35 (smallest possible .05)" in said


def test_methods__of_an_unknown_analysis_are_made_of_its_attrs(every_result):
    result = every_result["plot_controls"].copy()
    result.attrs |= {"analysis": "something new", "test": "a brand-new test"}
    assert "a brand-new test" in nl.methods_text(result)


def test_result_table__has_every_tested_effect_as_it_is(every_result):
    dissociation = every_result["plot_dissociation"]
    table = result_table(dissociation)
    assert len(table) == 6
    np.testing.assert_array_equal(table["effect"][:2], dissociation["effect"])
    np.testing.assert_array_equal(table["p"][2:4], dissociation["own_p"])
    np.testing.assert_array_equal(table["p"][4:], dissociation["spared_p"])
    controls = result_table(every_result["plot_controls"])
    assert controls["what"].tolist() == ["A, X: target − controls", "rank among control draws"]
    assert controls["p_floor"].tolist() == [
        float(every_result["plot_controls"][f]) for f in ("p_floor", "rank_p_floor")
    ]
    assert len(result_table(every_result["plot_deficits"])) == every_result["plot_deficits"]["effect"].size


def test_result_table__of_a_map_has_one_row_per_site(every_result):
    result = every_result["plot_stat_map"]
    table = result_table(result)
    assert len(table) == 2
    here = result.isel(neuroid=(result["site"].values == 0) & result["valid"].values)
    passed = f"{int((here['q'] <= 0.05).sum())} of {here.sizes['neuroid']}"
    assert table["what"][0].startswith(f"early: {passed} units have q ≤ .05;")


def test_printed_table__has_verdict_n_effect_interval_p_and_floor(results):
    printed = printed_table(results)
    assert f"dissociation: {results['dissociation'].attrs['verdict']} (n = 10 networks)" in printed
    effect = results["dissociation"]["effect"].values[0]
    said = "lesion of A costs X more than that of B"
    line = next(line for line in printed.split("\n") if line.strip().startswith(said))
    assert f"{effect:.3f}" in line
    assert "smallest possible p" in printed
    assert "[" in line
    assert max(map(len, printed.split("\n"))) <= 132


def test_bibliography__is_sorted_and_knows_its_keys():
    assert bibliography(["Welch 1947", "Holm 1979", "Holm 1979"]) == [REFERENCES["Holm 1979"], REFERENCES["Welch 1947"]]
    with pytest.raises(nl.errors.UnknownNameError, match="Did you mean 'Holm 1979'"):
        bibliography(["Holm 1978"])
    assert all(re.search(r"\(\d{4}\)", citation) for citation in REFERENCES.values())


def test_sentences__are_shown_as_a_list():
    from neurolab.report.plain import told

    assert told("said", ["a < b", "c"]) == "<h3>said</h3><ul><li>a &lt; b</li><li>c</li></ul>"
