"""What is no Specimen, no design and no number of workers: typed errors that say what to type."""

import numpy as np
import pandas as pd
import pytest
import torch

import neurolab as nl
from neurolab.errors import DataError, LesionPlanError, SpecimenError

INPUTS = np.random.default_rng(0).standard_normal((12, 6)).astype(np.float32)
TABLE = pd.DataFrame({"stimulus_id": [f"s{k}" for k in range(12)], "condition": ["x", "y"] * 6, "label": [0, 1, 2] * 4})
SHOWN = nl.StimulusSet("twelve", INPUTS, TABLE)
TASK = nl.Task("name", SHOWN, nl.scores.accuracy)


def bare(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))


def network(seed=0):
    return nl.Specimen(bare(seed), INPUTS[:2], name=f"net {seed}")


def lesion(specimen="", how=None):
    return nl.Lesion(nl.ROI("unit", {"1": [0]}, specimen=specimen), how or nl.Zero())


@pytest.fixture
def cohort():
    return nl.Cohort([network(0), network(1)], "two")


def test_a_bare_model__is_to_be_made_a_specimen():
    with pytest.raises(SpecimenError, match=r"examine\(\) got a Sequential.*Type nl\.Specimen\(model, batch\)"):
        nl.examine(bare(), [lesion()], [TASK])
    with pytest.raises(SpecimenError, match=r"record\(\) got a Sequential.*Type nl\.Specimen\(model, batch\)"):
        nl.record(bare(), SHOWN, ["1"])


def test_several_networks__are_to_be_made_a_cohort(cohort):
    with pytest.raises(SpecimenError, match=r"examine\(\) got a list.*Type nl\.Cohort\(\[\.\.\.\]\)"):
        nl.examine(list(cohort), [lesion()], [TASK])
    with pytest.raises(SpecimenError, match=r"record\(\) got a Cohort.*for network in cohort"):
        nl.record(cohort, SHOWN, ["1"])


@pytest.mark.parametrize("given", [("c", [1]), (bare(),), ([bare()],), (3,)],
                         ids=["name first", "model", "models", "3"])
def test_what_is_no_cohort__says_how_one_is_made(given):
    with pytest.raises(SpecimenError, match=r"Cohort\(\) got (str|Sequential|int).*Type nl\.Cohort\(\[nl\.Specimen"):
        nl.Cohort(*given)
    with pytest.raises(SpecimenError, match=r"Cohort\(\) got Specimen"):
        nl.Cohort(network())


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2", True])
def test_workers_that_cannot_be__are_refused(n_jobs, tmp_path, cohort):
    for specimen in (network(), cohort):
        with pytest.raises(DataError, match=r"n_jobs=.*Type n_jobs=2"):
            nl.examine(specimen, [lesion()], [TASK], n_jobs=n_jobs, store=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("design", "said"), [
    (lambda network: None, "gave NoneType for 'net 0'"),
    (lambda: [lesion()], "cannot be called with one network"),
    (None, "NoneType among the lesions"),
])
def test_what_is_no_design__is_said(design, said, cohort):
    for specimen in (network(), cohort):
        with pytest.raises(LesionPlanError, match=said):
            nl.examine(specimen, design, [TASK])


def test_what_a_design_function_raises__names_the_network(cohort):
    def design(network):
        if network.name == "net 1":
            raise ValueError("no area found")
        return [lesion()]

    with pytest.raises(ValueError, match="no area found") as found:
        nl.examine(cohort, design, [TASK], progress=False)
    assert found.value.__notes__ == ["The design function 'design' raised this for the network 'net 1'."]


def test_an_export_that_is_not_worth_it__is_why_no_faster_path_served():
    said = nl.examine(network(), [lesion()], [TASK], progress=False)["certificate_path"].values[0]
    assert said[0] == "hooks (the whole procedure)"
    assert "(no export: too little to gain" in said[1]


def test_units_and_references_of_another_network__are_refused_before_a_store_is_made(tmp_path):
    other = network(1)
    reference = nl.record(other, SHOWN, ["1"])
    for design, said in (([lesion("net 1")], r"nl\.examine\(cohort, design_function, tasks\)"),
                         ([lesion(how=nl.Mean(reference))], "is of 'net 1' with the weights")):
        for store in (None, tmp_path / "run"):
            with pytest.raises(LesionPlanError, match=said):
                nl.examine(network(0), design, [TASK], store=store)
    assert not (tmp_path / "run").exists()
    assert nl.examine(other, [lesion(how=nl.Mean(reference))], [TASK], progress=False).sizes["lesion"] == 2
