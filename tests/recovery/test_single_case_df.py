"""Patient DF and a lesioned network against intact seeds: the same call, and the report prints both."""

import os
import pathlib
import re

import numpy as np
import pytest

import neurolab as nl
from neurolab.analysis import single_case
from neurolab.brain import from_table
from neurolab.plots import plot_single_case, save_figure
from neurolab.report import printed_table, write_report
from neurolab.simulate import phantom_trials

PLACE = pathlib.Path(os.environ.get("NEUROLAB_DATA", "")) / "single-case" / "size_weight_illusion.rda"
HERE = bool(os.environ.get("NEUROLAB_DATA")) and PLACE.is_file()
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not HERE, reason="NEUROLAB_DATA is not set to a folder with single-case"),
]
HEAD = ["Task", "DF", "control mean", "SD", "n", "t", "p", "z_cc [95 % CI]", "% population below [95 % CI]"]


@pytest.fixture(scope="module")
def patient():
    people = from_table(PLACE, person="PPT")
    return single_case(people, case="DF", controls={"GROUP": "HC"}, tasks=["V_SWI", "K_SWI"], rng=0)


@pytest.fixture(scope="module")
def network():
    trials = phantom_trials(n_specimens=12, n_stimuli=80, rng=0)
    return single_case(trials, case="phantom-3", lesion="A", rng=0)


def test_df__has_the_published_numbers(patient):
    # statistics.md V1 and V6: singcar's README, and the calibrated Bayesian test
    at = patient.sel(case="DF", task="V_SWI")
    assert patient.attrs["n"] == 28
    assert (float(at["t"]), float(at["df"]), float(at["p"])) == pytest.approx((-1.7243, 27, 0.04804), abs=6e-5)
    np.testing.assert_allclose((at["effect"], at["low"], at["high"]), (-1.754857, -2.343, -1.153), atol=6e-4)
    np.testing.assert_allclose(
        (at["percent_below"], at["percent_low"], at["percent_high"]), (4.804003, 0.956, 12.438), rtol=1e-3
    )
    np.testing.assert_allclose((at["control_mean"], at["control_sd"]), (0.1646236, 0.0777695), rtol=1e-5)
    both = patient.isel(case=0, pair=0)
    assert float(both["bsdt_p"]) == pytest.approx(0.3215, abs=0.01)
    ends = both["bsdt_effect"], both["bsdt_low"], both["bsdt_high"]
    np.testing.assert_allclose(ends, (-1.042, -1.69, -0.416), atol=0.03)
    assert str(both["classification"].values) == "deficit"


def test_report__prints_patient_and_network_alike(patient, network, tmp_path):
    found = {"DF": patient, "network": network}
    printed = printed_table(found)
    lines = [re.split(r"\s{2,}", line.strip()) for line in printed.split("\n")]
    assert HEAD in lines
    assert [name if name != "DF" else "phantom-3" for name in HEAD] in lines
    row = next(line for line in lines if line[0] == "V_SWI")
    assert row[:7] == ["V_SWI", "0.028", "0.165", "0.078", "28", "−1.72", ".048"]
    assert row[7:] == ["−1.75 [−2.34, −1.15]", "4.80 [0.96, 12.44]"]
    assert "phantom-3 after lesion of A against 11 controls" in printed
    for result in found.values():
        assert result.attrs["note"][:40] in printed.replace("\n    ", " ")
    figures = [save_figure(result, plot_single_case, tmp_path, name) for name, result in found.items()]
    page = write_report(found, tmp_path / "r.html", figures=figures, title="t").read_text("utf-8")
    for name in HEAD:
        assert f'<th scope="col">{name}</th>' in page
    assert "4.80 [0.96, 12.44]" in page
    assert "Crawford JR, Howell DC (1998)" in page
    assert "28 controls on V_SWI and K_SWI" in nl.methods_text(patient)


def test_both__are_of_one_kind(patient, network):
    assert set(patient.data_vars) == set(network.data_vars)
    assert (patient.attrs["generalises_over"], network.attrs["generalises_over"]) == ("subject", "specimen")
    assert network.attrs["verdict"] == "phantom-3: classical dissociation, deficit on X and none shown on Y"


def test_df__given_age(patient):
    people = from_table(PLACE, person="PPT")
    aged = single_case(
        people, case="DF", controls={"GROUP": "HC"}, tasks=["V_SWI"], covariates="YRS", rng=0
    )  # singcar::BTD_cov
    assert float(aged["p"].item()) == pytest.approx(0.0519, abs=0.001)
    assert "given YRS" in aged.attrs["estimand"]
