"""The report's answer of a comparison of cohorts has its numbers, and a legend names every arm."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurolab import analysis, plots
from neurolab.report import write_report
from neurolab.report.answers import answer


def profile(name, **shift):
    rng = np.random.default_rng(0)
    table = {"accuracy": 0.9 + 0.01 * rng.random(8), "redundancy": rng.random(8), "reliance": rng.random(8)}
    frame = pd.DataFrame(table, index=[f"{name} seed {seed}" for seed in range(8)])
    for index, by in shift.items():
        frame[index] += by * (1 + 0.1 * np.arange(8))
    return frame


@pytest.fixture(scope="module")
def found():
    cohorts = {"control": profile("control"), "dropout": profile("dropout", redundancy=2.0, reliance=-1.0)}
    cohorts["noise"] = profile("noise", accuracy=0.0001)
    return analysis.compare_cohorts(cohorts, against="control", rng=0)


def test_answer__of_cohorts_counts_what_is_shown_and_tells_each_with_its_numbers(found, tmp_path):
    said = answer(found)
    q = found["q"].sel(condition="dropout", index="redundancy").item()
    assert q <= 0.05
    n_shown = int((found["q"] <= 0.05).sum())
    assert said.startswith(f"Of 6 comparisons with control, {n_shown} shown: ")
    effect = found["effect"].sel(condition="dropout", index="redundancy").item()
    assert f"redundancy is higher in dropout, {effect:.2f} (95 % interval" in said
    assert "reliance is lower in dropout, −1." in said
    page = write_report({"cohorts": found}, tmp_path / "report.html", title="cohorts").read_text("utf-8")
    assert f"redundancy is higher in dropout, {effect:.2f} (95 % interval" in page
    one = answer(found.sel(index="redundancy"))
    assert one.startswith("Of 2 comparisons with control, ")


def test_answer__of_cohorts_where_nothing_is_shown_says_so_with_the_nearest(found):
    none = found.copy()
    none["q"] = xr.full_like(found["q"], 0.5)
    assert answer(none).startswith("Of 6 comparisons with control, 0 shown; nearest to it: ")
    none["q"] = xr.full_like(found["q"], np.nan)
    assert answer(none).startswith("Of 0 comparisons with control, 0 shown (n = ")


def test_legend__names_every_arm_that_the_scores_come_from():
    score = np.array([[0.4, 0.7, 0.9], [0.9, 0.9, 0.9]])[None] + np.linspace(-0.02, 0.02, 8)[:, None, None]
    coords = {"specimen": range(8), "arm": ["lesioned", "intact"], "step": [0, 10, 20]}
    curves = xr.DataArray(score, coords=coords, dims=list(coords), attrs={"source": "lesioned: exposed; intact: naive"})
    legend = plots.legend_text(analysis.recovery(curves, chance=0.1, rng=0), plots.plot_recovery)
    assert legend.endswith('Source: the arms lesioned (networks "exposed") and intact (networks "naive").\n')
