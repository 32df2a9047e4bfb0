"""Units of one network are not those of another; what was lesioned is on record; gaps are refused at the door."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import neurolab as nl
from neurolab.errors import (
    DataError,
    DesignError,
    FileFormatError,
    LesionPlanError,
    SchemaError,
    UnknownNameError,
    listed,
)
from neurolab.simulate import phantom_recording, phantom_trials


def network(seed):
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(seed)
        return nl.Specimen(
            torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)),
            torch.zeros(2, 4),
            name=f"net {seed}",
        )


def stimuli(prefix):
    draw = np.random.default_rng(len(prefix))
    table = pd.DataFrame(
        {"stimulus_id": [f"{prefix}{i}" for i in range(12)], "condition": ["x", "y"] * 6, "label": [0, 1] * 6}
    )
    return nl.StimulusSet(prefix, draw.standard_normal((12, 4)).astype(np.float32), table)


def test_examine__refuses_units_of_another_network_and_takes_them_on_request():
    first, second = network(0), network(1)
    intact = nl.record(first, stimuli("choose"), ["1"])
    area = nl.select_roi(nl.localise(intact, "x > y", test="rank"), name="area", top=2)
    assert area.specimen == "net 0"
    task = nl.Task("name", stimuli("test"), nl.scores.margin)
    with pytest.raises(LesionPlanError, match=r"localised in 'net 0'.*"
            r"nl\.examine\(cohort, design_function, tasks\).*moved_to\('net 1'\)"):
        nl.examine(second, [nl.Lesion(area, nl.Zero())], [task], progress=False)
    moved = nl.Lesion(area.moved_to("net 1"), nl.Zero())
    assert nl.examine(second, [moved], [task], progress=False).sizes["lesion"] == 2
    with pytest.raises(SchemaError, match="do not correspond"):
        area | area.moved_to("net 1")


def test_examine__keeps_what_was_lesioned_and_how_well_controls_matched(tmp_path):
    one = network(0)
    intact = nl.record(one, stimuli("choose"), ["1"])
    lesion = nl.Lesion(nl.region(intact, name="area", site="1", units=[2, 5]), nl.Mean(intact))
    controls = nl.matched_controls(lesion, intact, 3, match=("site", "activity"), rng=0)
    task = nl.Task("name", stimuli("test"), nl.scores.margin)
    trials = nl.examine(one, [lesion, *controls], [task], progress=False)
    kept = [json.loads(text) for text in trials["lesion_units"].values[0]]
    assert kept[:2] == [{}, {"1": [2, 5]}]
    assert kept[2] == {"1": controls[0].roi.units["1"].tolist()}
    assert json.loads(trials["lesion_notes"].values[0, 2]) == dict(controls[0].notes)
    assert nl.load(nl.save(trials, tmp_path / "trials.nc")).identical(trials)


def test_examine__takes_one_lesion_as_it_is():
    one = network(0)
    lesion = nl.Lesion(nl.ROI("corner", {"1": [0]}), nl.Zero())
    assert (
        nl.examine(one, lesion, nl.Task("name", stimuli("test"), nl.scores.margin), progress=False).sizes["lesion"] == 2
    )


def test_stimuli__gaps_are_refused_at_the_door():
    table = stimuli("a").table
    inputs = stimuli("a").inputs
    with pytest.raises(DataError, match=r"lacks the condition of 1 stimuli \(the first is row 3\).*dropna"):
        nl.StimulusSet("gap", inputs, table.assign(condition=table["condition"].where(table.index != 3)))
    holed = inputs.copy()
    holed[5, 1] = np.nan
    with pytest.raises(DataError, match=r"1 of 12 inputs.*row 5"):
        nl.StimulusSet("gap", holed, table)


def test_save__takes_trials_and_results_and_says_what_it_does_not_take(tmp_path):
    trials = phantom_trials(rng=0)
    result = nl.deficits(trials, rng=0)
    for name, data in (("trials", trials), ("result", result), ("recording", phantom_recording(rng=0))):
        for suffix in (".nc", ".zarr"):
            assert nl.load(nl.save(data, tmp_path / f"{name}{suffix}")).identical(data)
    with pytest.raises(SchemaError, match="expected a recording, trials or a result"):
        nl.save({"a": 1}, tmp_path / "x.nc")
    trials.drop_vars("score").drop_attrs().to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(FileFormatError, match="neither a recording nor trials nor a result"):
        nl.load(tmp_path / "other.nc")


def test_an_empty_list__is_said_in_words_and_never_left_out():
    trials = phantom_trials(rng=0)
    shams = trials.isel(lesion=np.flatnonzero(trials["role"] == "sham"))
    with pytest.raises(UnknownNameError, match=r"no target lesion 'A'\. They have none\."):
        nl.analysis.spared(shams, lesion="A", tasks="X", rng=0)
    with pytest.raises(DesignError, match=r"got the seeds \(\); expected one or more"):
        nl.train_cohort(None, None, seeds=(), rng=0)
    assert listed([]) == "none"
    assert listed(iter(()), empty="()") == "()"


@pytest.mark.parametrize(("given", "names", "said"), [
    ("fc1", ["0", "1", "2"], ""), ("1", ["0", "10", "2"], " Did you mean '10'?"),
    ("x", ["y", "X1"], " Did you mean 'X1'?"),
    ("10", ["1", "0"], " Did you mean '1' or '0'?"), ("relu", ["1", "relu1"], " Did you mean 'relu1'?"),
])  # fmt: skip
def test_a_name_of_one_sign_is_near_to_short_words_alone(given, names, said):
    assert nl.errors.did_you_mean(given, names) == said
