"""A cohort whose networks each find their own lesions: the trials of networks one by one, on any number of workers."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

import neurolab as nl
from neurolab.errors import LesionPlanError
from neurolab.lesion import Lesion, Zero
from neurolab.roi import ROI


def _three() -> tuple[nl.Cohort, list[nl.Task]]:
    networks = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
        networks.append(nl.Specimen(model, torch.zeros(1, 6), name=f"net {seed}"))
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(8)], "condition": "x", "label": [0, 1, 2, 0] * 2})
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(9)).numpy()
    return nl.Cohort(networks), [nl.Task("name", nl.StimulusSet("eight", inputs, table), nl.scores.margin)]


def _design(specimen: nl.Specimen) -> list[Lesion]:
    """Other units in every network, as localising finds them; the same lesion ids."""
    which = int(specimen.name[-1])
    return [Lesion(ROI(name, {"0": [which, which + step]}, specimen=specimen.name), Zero())
            for name, step in (("near", 1), ("far", 2))]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_network_has_its_own_design(n_jobs: int, tmp_path) -> None:
    """The same bytes as networks examined one by one and joined, with one worker or two, with a store or without."""
    cohort, tasks = _three()
    apart = nl.concat(nl.examine(one, _design(one), tasks) for one in cohort)
    assert nl.examine(cohort, _design, tasks, n_jobs=n_jobs).identical(apart)
    kept = nl.examine(cohort, _design, tasks, n_jobs=n_jobs, store=tmp_path / "runs")
    assert kept.drop_attrs().identical(apart.drop_attrs())
    assert len(list((tmp_path / "runs").glob("*/"))) == len(cohort)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_a_design_raises_comes_through(n_jobs: int) -> None:
    """The error of the network that has one, not that of a worker."""
    cohort, tasks = _three()

    def broken(specimen: nl.Specimen) -> list[Lesion]:
        return _design(cohort[0])

    with pytest.raises(LesionPlanError, match="localised in 'net 0'"):
        nl.examine(cohort, broken, tasks, n_jobs=n_jobs)
