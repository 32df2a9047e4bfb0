"""Screening: planted units are found, estimates are what they say, and the exact sample tells where they fail."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neurolab import scores
from neurolab.lesion import Lesion, Mean, Scale, Zero
from neurolab.plots.words import number
from neurolab.report import methods_text, printed_table
from neurolab.report.cases import own_tables
from neurolab.roi import ROI
from neurolab.schema import check_result
from neurolab.specimen import Specimen, Task, examine, phantoms, record
from neurolab.specimen.screening_run import screen
from neurolab.stimuli import StimulusSet
from neurolab.storage import load, save


def made(model, shape, name="net", **more):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        return Specimen(model().double(), np.ones((1, *shape)), name=name, **more)


def shown(shape, n=20, n_labels=3, seed=0):
    labels = np.arange(n) % n_labels
    table = pd.DataFrame({"stimulus_id": [f"s{at}" for at in range(n)], "condition": "a", "label": labels})
    return StimulusSet("shown", np.random.default_rng(seed).normal(size=(n, *shape)), table)


def label_output(outputs, table):
    """The labelled output itself: linear in it."""
    return outputs[torch.arange(len(outputs)), torch.tensor(table["label"].to_numpy().copy())]


def plain(outputs, table):
    return outputs[np.arange(len(outputs)), table["label"].to_numpy()]


def small():
    return nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 12), nn.Tanh(), nn.Linear(12, 3))


@pytest.fixture(scope="module")
def trained():
    """A network of 64 hidden units that has learnt eight classes."""
    stimuli = phantoms.phantom_stimuli(n_each=16, noise=0.4, rng=0)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 8))
        step = torch.optim.Adam(model.parameters(), 1e-2)
        inputs, labels = torch.tensor(stimuli.inputs.copy()), torch.tensor(stimuli.table["label"].to_numpy().copy())
        for _ in range(60):
            step.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels).backward()
            step.step()
        step.zero_grad()
    return Specimen(model, np.zeros((1, 8), np.float32), name="trained"), phantoms.phantom_stimuli(noise=0.4, rng=1)


@pytest.mark.parametrize("score", [scores.margin, scores.accuracy])
@pytest.mark.parametrize("method", ["taylor", "path"])
def test_planted__units_come_first(score, method):
    net, stimuli, truth = phantoms.separate_modules(rng=3)
    task = Task("name faces", stimuli.where(condition="faces"), score)
    result = screen(net, "relu", task, method=method, n_exact=12, rng=0)
    first = result["unit"].values[np.argsort(-result["estimate"].values)[:8]]
    stood_out = bool(result["n_top"].sel(against="score"))
    assert ("no unit stood out" in result.attrs["verdict"]) != stood_out
    assert ("most harmful" in result.attrs["verdict"]) == stood_out
    assert set(first) == set(truth["faces"].units["relu"])


def test_trained__network_is_screened_well_and_the_result_says_so(trained, tmp_path):
    net, stimuli = trained
    task = Task("naming", stimuli, scores.accuracy)
    result = screen(net, "1", task, n_exact=40, rng=0)
    every = screen(net, "1", task, n_exact=64, rng=0)
    assert every["spearman"].sel(against="smooth") > 0.9
    np.testing.assert_array_equal(every["estimate"], result["estimate"])
    assert float(result["spearman_low"].sel(against="smooth")) > 0.75
    low, high = (float(result[f"spearman_{end}"].sel(against="smooth")) for end in ("low", "high"))
    assert low < float(every["spearman"].sel(against="smooth")) < high
    for end in ("_low", "_high"):  # nothing was sampled: intervals are points
        xr_equal = every[f"spearman{end}"].values == every["spearman"].values
        assert xr_equal.all()
    unknown = result["status"].values == "not_run"
    assert unknown.sum() == 24
    for name in ("exact", "exact_smooth"):
        assert np.isnan(result[name].values[unknown]).all()
        assert np.isfinite(result[name].values[~unknown]).all()
        np.testing.assert_allclose(result[name].values[~unknown], every[name].values[~unknown], rtol=0, atol=1e-6)
    assert "40 of 64 units examined exactly, Spearman" in result.attrs["verdict"]
    text = methods_text(result)
    for part in ("no lesion", "40 of the 64 units", "Spearman", "not run", "first order"):
        assert part in text, part
    assert load(save(result, tmp_path / "screen.nc")).identical(check_result(result))
    (_, (head, score, smooth)), (said, (_, *rows)) = own_tables(result)
    assert smooth[1].startswith(f"{float(result['spearman'].sel(against='smooth')):.2f} [")
    assert score[3:] == ("2", *(f"{100 * share:.0f} %" for share in result["recall"].sel(against="score").values))
    assert head[4:] == ("in top 5 %", "in top 10 %", "in top 20 %")
    order = np.argsort(-result["estimate"].values)[:10]
    assert [row[1] for row in rows] == [str(unit) for unit in result["unit"].values[order]]
    assert [row[3] == "not run" for row in rows] == unknown[order].tolist()
    for name, column in (("exact_smooth", 3), ("exact", 4)):
        known = [(row[column], result[name].values[at]) for row, at in zip(rows, order) if not unknown[at]]
        assert known
        assert all(text == number(float(value), 3) for text, value in known)
    assert said in printed_table(result)


def test_saturated__units_are_missed_and_the_calibration_says_so():
    class Saturated(nn.Module):
        """Half of the units drive what is full already: no slope, yet all of it goes with the unit."""

        def __init__(self):
            super().__init__()
            self.units = nn.ReLU()
            gain = torch.linspace(0.02, 0.6, 40, dtype=torch.float64)
            self.gain = nn.Parameter(torch.cat([gain, 5 + gain]))

        def forward(self, x):
            return torch.stack([(self.units(x) * self.gain).clamp(max=1.0).sum(1), 0 * x.sum(1)], 1)

    stimuli = shown((80,), n_labels=1)
    stimuli = StimulusSet("ones", np.abs(stimuli.inputs) * 0.1 + 1, stimuli.table)
    result = screen(made(Saturated, (80,)), "units", Task("t", stimuli, scores.margin), n_exact=40, rng=0)
    assert result["spearman_high"].max() < 0.3
    assert result.attrs["verdict"].startswith("does not agree")
    assert (result["found"].sel(times=1) == 0).all()
    assert "does not agree" in methods_text(result)


# -- what an estimate is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["taylor", "path"])
@pytest.mark.parametrize("held", ["zero", "mean"])
def test_linear__estimates_are_exact(method, held):
    net = made(lambda: nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 12), nn.Linear(12, 3)),
               (1, 6, 6))
    stimuli = shown((1, 6, 6))
    how = Zero() if held == "zero" else Mean(record(net, shown((1, 6, 6), seed=5), ["1", "3"]))
    result = screen(net, ["1", "3"], Task("t", stimuli, plain), smooth=label_output, how=how, method=method,
                    n_exact=18, n_steps=3, batch_size=7, rng=0)
    assert (result["status"] == "exact").all()
    assert float(result["exact"].std()) > 1e-3
    np.testing.assert_allclose(result["estimate"], result["exact"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result["exact_smooth"], result["exact"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("site", ["1", "4", "0", "input"])
def test_taylor__is_the_slope_that_slight_lesions_show(site):
    net, stimuli, slight = made(small, (1, 6, 6)), shown((1, 6, 6)), 1e-6
    task = Task("t", stimuli, scores.margin)
    result = screen(net, site, task, n_exact=10, rng=0)
    units = result["unit"].values
    lesions = [Lesion(ROI(f"u{unit}", {site: [unit]}), Scale(1 - slight)) for unit in units]
    trials = examine(net, lesions, [task], progress=False, exact="bit")
    mean = trials["score"].isel(specimen=0).mean("trial").values
    sham = trials["role"].values == "sham"
    np.testing.assert_allclose((mean[sham] - mean[~sham]) / slight, result["estimate"], rtol=1e-4, atol=1e-7)


def test_path__of_a_whole_layer_adds_up_to_its_loss():
    net, stimuli = made(small, (1, 6, 6)), shown((1, 6, 6))
    result = screen(net, "4", Task("t", stimuli, plain), smooth=label_output, method="path", n_steps=64, n_exact=12,
                    rng=0)
    everything = Lesion(ROI("all", {"4": np.arange(12)}), Zero())
    trials = examine(net, [everything], [Task("t", stimuli, plain)], progress=False)
    lost = trials["score"].mean("trial").values[0]
    np.testing.assert_allclose(result["estimate"].sum(), lost[0] - lost[1], rtol=1e-4)


@pytest.mark.parametrize("method", ["taylor", "path"])
def test_in_place__modules_are_screened_as_their_plain_twins(method):
    class Residual(nn.Module):
        def __init__(self, inplace):
            super().__init__()
            self.a, self.b, self.head = nn.Linear(5, 12), nn.Linear(12, 12), nn.Linear(12, 3)
            self.act = nn.ReLU(inplace)

        def forward(self, x):
            h = self.act(self.a(x))
            y = self.b(h)
            y += h
            return self.head(self.act(y))

    task = Task("t", shown((5,)), scores.margin)
    results = [screen(made(lambda flag=flag: Residual(flag), (5,)), ["a", "act", "b"], task, method=method, n_exact=10,
                      rng=0) for flag in (True, False)]
    assert results[0].sizes["neuroid"] == 48
    np.testing.assert_allclose(results[0]["estimate"], results[1]["estimate"], rtol=1e-12, atol=1e-14)
    assert (results[0]["estimate"] != 0).mean() > 0.5
