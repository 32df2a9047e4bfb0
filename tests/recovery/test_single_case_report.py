"""Patient DF and a network of the shipped cohort against its intact seeds: one call, one report, kept and read back."""

import os
import pathlib
import re

import numpy as np
import pytest
from scipy import stats as sps

import neurolab as nl

PLACE = pathlib.Path(os.environ.get("NEUROLAB_DATA", "")) / "single-case" / "size_weight_illusion.rda"
HERE = bool(os.environ.get("NEUROLAB_DATA")) and PLACE.is_file()
CASE = "faces-and-objects seed 0"
HEAD = ["control mean", "SD", "n", "t", "p", "z_cc [95 % CI]", "% population below [95 % CI]"]


@pytest.fixture(scope="module")
def lesioned():
    """Every network with and without its own face area: the case is lesioned, the other seeds are taken intact."""
    choose, test = nl.datasets.load_stimuli("faces-and-objects").split(2, by="label", rng=0)
    tasks = [nl.Task(f"name {kind}", test.where(condition=kind), nl.scores.accuracy) for kind in ("faces", "objects")]
    parts = []
    for network in list(nl.datasets.load_cohort("faces-and-objects"))[:5]:
        intact = nl.record(network, choose, ["features.6"])
        area = nl.select_roi(nl.localise(intact, "faces > objects"), name="face area", top=0.25)
        lesion = nl.Lesion(area, nl.Mean(intact))
        parts.append(nl.examine(network, [nl.sham(lesion), lesion], tasks))
    return nl.concat(parts)


def found_of(trials):
    people = nl.brain.from_table(PLACE, person="PPT")
    return {
        "DF": nl.single_case(people, case="DF", controls={"GROUP": "HC"}, tasks=["V_SWI", "K_SWI"], rng=0),
        "network": nl.single_case(trials, case=CASE, lesion="face area", rng=0),
    }


def test_network__against_intact_seeds_is_the_t_of_their_mean_scores(lesioned):
    result = nl.single_case(lesioned, case=CASE, lesion="face area", rng=0)
    frame = nl.to_frame(lesioned)
    for task in ("name faces", "name objects"):
        mean = frame[frame["task"] == task].groupby(["specimen", "lesion_id"])["score"].mean().unstack()
        others = mean["face area | sham"].drop(CASE).to_numpy()
        assert len(others) == 4
        t = sps.ttest_ind([mean.loc[CASE, "face area"]], others, alternative="less")
        at = result.sel(case=CASE, task=task)
        np.testing.assert_allclose((at["t"], at["p"]), (t.statistic, t.pvalue), rtol=1e-9)
    assert bool(result["deficit"].sel(case=CASE, task="name faces"))


@pytest.mark.data
@pytest.mark.skipif(not HERE, reason="NEUROLAB_DATA is not set to a folder with single-case")
def test_run_script__one_report_with_both_tables(lesioned, tmp_path):
    def main(*, rng=0, quick=False):
        yield from found_of(lesioned).items()

    draw = dict.fromkeys(("DF", "network"), nl.plots.plot_single_case)
    folder = nl.run_script(main, draw=draw, argv=["--out", str(tmp_path / "out")])
    page = (folder / "report.html").read_text("utf-8")
    heads = re.findall(r"<tr>(?:\s*<th scope=\"col\">[^<]*</th>)+", page)
    heads = [re.findall(r">([^<]+)</th>", row) for row in heads]
    assert ["Task", "DF", *HEAD] in heads
    assert ["Task", CASE, *HEAD] in heads
    assert "4.80 [0.96, 12.44]" in page
    assert f"{CASE} after lesion of face area against 4 controls" in page
    for name, result in found_of(lesioned).items():  # what the run wrote can be read, and says the same
        kept = nl.load(folder / "results" / f"{name}.nc")
        assert kept.attrs["verdict"] == result.attrs["verdict"]
        assert nl.methods_text(kept) == nl.methods_text(result)
