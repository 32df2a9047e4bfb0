"""What the README says to type works as it stands."""

import contextlib
import io
import json
import pathlib
import re

import numpy as np
import pandas as pd
import pytest
import torch

import neurolab as nl

README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def section(title):
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def test_readme__architecture_fits_a_page():
    assert section("Architecture").count("\n") <= 60


def test_readme__example_is_twelve_lines_and_runs():
    (example,) = [block for block in BLOCKS if "load_cohort" in block]
    assert len([line for line in example.splitlines() if line.strip()]) <= 12
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    assert "stimuli" in printed.getvalue()


def test_readme__a_campaign_goes_on_from_its_store(tmp_path, monkeypatch):
    words = ("load_cohort", "shard=", "campaign.partial")
    blocks = [next(block for block in BLOCKS if word in block) for word in words]
    monkeypatch.chdir(tmp_path)
    here: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in blocks:  # as it stands but for the number of controls and a cluster that is not here
            small = block.replace("999", "9").replace('"dask"', '"threading"').replace("n_jobs=8", "n_jobs=2")
            exec(compile(small, "README.md", "exec"), here)
    assert here["trials"].sizes["lesion"] == here["so_far"].sizes["lesion"] == 11
    assert here["so_far"].identical(here["trials"])


def test_readme__an_ablation_added_from_outside_works_everywhere():
    (addition,) = [block for block in BLOCKS if "ABLATIONS[" in block]
    here: dict = {"__name__": "outside"}
    exec(compile(addition, "README.md", "exec"), here)
    SignFlip = here["SignFlip"]
    table = pd.DataFrame({"stimulus_id": list("abcd"), "condition": list("xxyy"), "label": [0, 1, 0, 1]})
    inputs = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    stimuli = nl.StimulusSet("four", inputs, table)
    network = torch.nn.Linear(3, 2)
    specimen = nl.Specimen(network, inputs[:2], name="linear")
    lesion = nl.Lesion(nl.ROI("corner", {"input": [0, 2]}), SignFlip(1.0))
    seen = nl.record(specimen, stimuli, ["output"], lesions=[lesion])
    flipped = inputs * np.array([-1, 1, -1], dtype=np.float32)
    expected = network(torch.from_numpy(flipped)).detach().numpy()
    assert np.allclose(seen.values, expected, atol=1e-6)
    ladder = nl.dose_ladder(lesion, [0.5, 1.0], rng=0)
    trials = nl.examine(specimen, ladder, [nl.Task("name", stimuli, nl.scores.margin)], progress=False)
    assert list(trials["how"].values) == ["Sham", "SignFlip share=1", "SignFlip share=1"]
    right = expected[np.arange(4), table["label"]] - expected[np.arange(4), 1 - table["label"]]
    assert np.allclose(trials["score"].values[0, 2], right, atol=1e-5)
    assert trials["certificate_changed"].values[0, 2] == 1.0


def test_readme__texts_heads_positions_and_two_lesions_at_once(tmp_path, monkeypatch):
    transformers = pytest.importorskip("transformers")
    (block,) = [block for block in BLOCKS if "specimen.generate(" in block]
    monkeypatch.chdir(tmp_path)
    sizes = {"vocab_size": 11, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 4}
    shape = transformers.LlamaConfig(**sizes, num_attention_heads=2, max_position_embeddings=24)
    with torch.random.fork_rng(devices=[]):
        model = transformers.LlamaForCausalLM(shape).eval()
    ids = np.array([[0, 5, 6, 7], [3, 4, 5, 8]])
    table = pd.DataFrame({"stimulus_id": ["a", "b"], "condition": ["x", "y"]})
    stimuli, site = nl.StimulusSet("texts", ids, table), "model.layers.1"
    here = {"nl": nl, "model": model, "ids": ids, "stimuli": stimuli, "prompts": stimuli, "site": site, "width": 8}
    here |= {"lesion": nl.Lesion(nl.ROI("area", {site: [1, 2]}), nl.Zero())}
    here |= {"noise": nl.Lesion(nl.ROI("more", {"model.layers.2": [1, 3]}), nl.Clamp(0.5), name="noise")}
    here |= {"tasks": [nl.Task("last", stimuli, lambda answers, table: answers[:, -1, 3])]}
    exec(compile(block, "README.md", "exec"), here)
    assert nl.load(tmp_path / "run.zarr").sizes == {"presentation": 2, "neuroid": 2}


def test_readme__a_cohort_by_recipe_comes_to_its_criterion():
    (block,) = [block for block in BLOCKS if "training_table(" in block]
    here: dict = {"nl": nl}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block.replace("n=8", "n=2"), "README.md", "exec"), here)
    assert printed.getvalue().count("seed") == 5  # the column, and two networks in each condition
    assert nl.specimen.training_table(here["cohorts"]).reached.all()


def test_readme__a_lesion_is_removed_retrained_and_told_what_came_back(tmp_path, monkeypatch):
    (block,) = [block for block in BLOCKS if "remove_units(" in block]
    monkeypatch.chdir(tmp_path)
    here: dict = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block, "README.md", "exec"), here)
    assert printed.getvalue() == "recovered; savings\n"  # what the sentence below it says
    assert float(here["recovery"]["initial_effect"]) > 0.1
    assert float(here["savings"]["steps_effect"]) > 0
    assert not json.loads(here["savings"].attrs["undermined_by"])
    assert list(here["learned"]) == ["first learning", "lesioned", "intact"]
    assert (tmp_path / "recovery.png").stat().st_size > 5_000


def test_readme__an_own_network_and_own_arrays_from_data_to_deficits():
    (block,) = [block for block in BLOCKS if "images = " in block]
    here: dict = {}
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()) as printed:
        torch.default_generator.manual_seed(0)
        exec(compile(block, "README.md", "exec"), here)
    assert "ReLU" in printed.getvalue()
    assert "square units" in printed.getvalue()
    intact = here["trials"].sel(lesion=here["trials"]["role"].values == "sham")["score"]
    assert float(intact.mean()) > 0.7  # of three shapes: it was trained, on the half that also chose the units
    assert int((here["squares"]["q"] <= 0.05).sum()) >= 8
    assert here["trials"].sizes == {"specimen": 1, "lesion": 41, "trial": 80}
    by_label = nl.localise(here["intact"], "0 > *", column="label")  # what the comment says
    np.testing.assert_array_equal(by_label["statistic"], here["squares"]["statistic"])
    assert max(map(len, block.splitlines())) <= 120


def test_readme__your_own_network_and_what_comes_next(tmp_path, monkeypatch):
    (own,) = [block for block in BLOCKS if "optimiser.step()" in block]
    (then,) = [block for block in BLOCKS if "coalitions.coalitions(" in block]
    monkeypatch.chdir(tmp_path)
    here: dict = {}
    printed = io.StringIO()
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(printed):
        torch.default_generator.manual_seed(0)
        exec(compile(own, "README.md", "exec"), here)
        exec(compile(then, "README.md", "exec"), here)
    assert nl.load("trials.nc").identical(here["trials"])
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".pdf", ".png", ".csv", ".txt"}
    assert here["doses"].sizes["dose"] == 4
    assert here["alike"].sizes["task"] == 1
    assert "field 3" in printed.getvalue()
