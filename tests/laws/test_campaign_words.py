"""What is said of a campaign that is not whole: which shard is missing, how long all of it takes, what a design is."""

import numpy as np
import pandas as pd
import pytest
from torch import nn

import neurolab as nl
from neurolab import campaign
from neurolab.campaign import Store
from neurolab.campaign.joined import absent_shards
from neurolab.campaign.overview import time_left
from neurolab.campaign.shards import Shard
from neurolab.cli import main
from neurolab.errors import CampaignMismatchError, UnknownNameError
from neurolab.specimen.phantoms import naming_tasks, phantom_stimuli

TASKS = naming_tasks(phantom_stimuli(n_each=3, rng=0))
LESIONS = [nl.Lesion(nl.ROI("area", {"1": [unit]}), nl.Zero(), draw=unit) for unit in range(6)]


@pytest.fixture
def network():
    example = TASKS[0].stimuli.inputs[:1]
    return nl.Specimen(nn.Sequential(nn.Linear(example[0].size, 6), nn.ReLU(), nn.Linear(6, 8)).eval(), example,
                       name="net")


def examine(network, store, **options):
    return nl.examine(network, LESIONS, TASKS, store=store, progress=False, **options)


def test_merge__says_which_shard_is_missing(network, tmp_path, capsys):
    for shard in ("1/3", "3/3"):
        examine(network, tmp_path / shard[0], shard=shard)
    one, two, three = (str(tmp_path / name) for name in "123")
    assert absent_shards([one, three]) == [Shard(2, 3)]
    assert absent_shards([one]) == [Shard(2, 3), Shard(3, 3)]
    into = tmp_path / "whole"
    assert main(["merge", one, three, "--into", str(into)]) == 1
    missing = 7 - campaign.status(into)["done"].item()
    assert missing > 0
    assert f"{missing} cells are missing; no store named here holds any of shard 2/3." in capsys.readouterr().out
    examine(network, two, shard="2/3")
    assert main(["merge", two, "--into", str(into)]) == 0
    assert "missing" not in capsys.readouterr().out
    assert examine(network, into).identical(nl.examine(network, LESIONS, TASKS, progress=False))


def test_merge__names_no_shard_that_a_merge_has_carried(network, tmp_path, capsys):
    one, two, three, both, more = (str(tmp_path / name) for name in ("1", "2", "3", "both", "more"))
    for number in (one, two, three):
        examine(network, number, shard=f"{number[-1]}/4")
    main(["merge", one, two, "--into", both])
    assert "holds any of shard 3/4, 4/4." in capsys.readouterr().out
    assert absent_shards([both, three]) == []
    missing = sum(campaign.status(one)["planned"]) - sum(campaign.status(at)["done"].item() for at in (one, two, three))
    assert missing > 0
    for stores in ([both, three, "--into", more], [three, "--into", both]):
        assert main(["merge", *stores]) == 1
        said = capsys.readouterr().out
        assert f"{missing} cells are missing. A shard that was stopped" in said
        assert "holds any" not in said
    assert main(["merge", two, "--into", one]) == 1  # of a shard that takes others it is known
    assert "holds any of shard 3/4, 4/4." in capsys.readouterr().out
    assert main(["merge", str(tmp_path / "nothing"), "--into", both]) == 1
    assert "nothing holds no store of a campaign" in capsys.readouterr().err


def test_status__names_each_design_and_counts_what_they_share_once(network, tmp_path, capsys):
    for more in (4, 6):
        nl.examine(network, LESIONS[:more], TASKS, store=tmp_path, shard="1/2", progress=False)
    table = campaign.status(tmp_path)
    shelf = campaign.overview.shelves(tmp_path)[0]
    keys = set().union(*(shelf.read_outline(design)["keys"] for design in shelf.designs()))
    done = len(keys & shelf.done())
    assert len(keys) < table["planned"].sum()  # some are shared
    assert done < table["done"].sum()
    assert main(["status", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"\n{done} of {len(keys)} cells; 0 of 2 designs of 1 network finished" in said
    typed = [line.partition("trials = ")[2] for line in said.splitlines() if line.startswith("What is there")]
    assert len(typed) == 2
    for line, design in zip(typed, sorted(table["design"])):
        assert f'design="{design}"' in line
        assert eval(line, {"neurolab": nl, "nl": nl}).sizes["lesion"] > 0
    examine(network, tmp_path / "one", shard="1/2")
    assert main(["status", str(tmp_path / "one")]) == 0
    assert "design=" not in capsys.readouterr().out


def test_merge__says_that_a_shard_was_stopped(network, tmp_path, capsys):
    examine(network, tmp_path / "whole")
    shelf = campaign.overview.shelves(tmp_path / "whole")[0]
    design = shelf.designs()[0]
    outline = shelf.read_outline(design)
    with Store.open(tmp_path / "part", campaign.identity.read_identity(shelf.folder), writer="1-of-1") as store:
        store.outline_as(design, outline)
        assert shelf.done() == set(outline["keys"])
        scores, facts = shelf.get(outline["keys"][:2])
        store.put({key: campaign.Cell(row, fact) for key, row, fact in zip(outline["keys"], scores, facts)})
        store.poison({outline["keys"][2]: "no memory"})
    assert main(["merge", str(tmp_path / "part"), "--into", str(tmp_path / "all")]) == 1
    said = capsys.readouterr().out
    assert "4 cells are missing. A shard that was stopped goes on by its own call" in said
    assert "1 cells failed: neurolab status" in said
    assert main(["merge", str(tmp_path / "part"), "--into", str(tmp_path / "all"), "--json"]) == 1
    assert "missing" not in capsys.readouterr().out


def table(*rows):
    return pd.DataFrame(rows, columns=["planned", "done", "failed", "running", "seconds_left"])


def test_time_left__counts_networks_that_have_not_begun():
    runs, waits = (10, 4, 1, "all: process 1", 10.0), (10, 0, 0, "", np.nan)
    assert time_left(table(runs)) == 10.0
    assert time_left(table(runs, waits)) == pytest.approx(30.0)  # half a cell a second, 5 and 10 of them
    assert time_left(table(runs, runs, waits)) == pytest.approx(20.0)  # two at once
    assert np.isnan(time_left(table(waits)))
    assert np.isnan(time_left(table((10, 10, 0, "all: process 1", 0.0))))


def test_status__says_the_time_that_all_will_take(network, tmp_path, capsys, monkeypatch):
    examine(network, tmp_path)
    main(["status", str(tmp_path)])
    assert "left" not in capsys.readouterr().out.rpartition("cells;")[2]
    monkeypatch.setattr("neurolab.campaign.overview.time_left", lambda table: 75.0)
    main(["status", str(tmp_path)])
    assert "7 of 7 cells; 1 of 1 network finished; about 1 min left\n" in capsys.readouterr().out


def test_status__of_what_is_still_being_planned(network, tmp_path, capsys):
    with Store.open(tmp_path, {"specimen": "net"}):
        assert main(["status", str(tmp_path)]) == 0
    assert "its lesions are still being planned" in capsys.readouterr().out
    examine(network, tmp_path / "planned")
    assert main(["status", str(tmp_path / "planned")]) == 0
    assert "planned\n" not in capsys.readouterr().out.rpartition("cells;")[2]


def test_partial__tells_designs_apart(network, tmp_path):
    examine(network, tmp_path)
    nl.examine(network, [nl.Lesion(nl.ROI("other", {"1": [0]}), nl.Zero())], TASKS, store=tmp_path, progress=False)
    with pytest.raises(UnknownNameError, match="2 designs") as error:
        campaign.partial(tmp_path)
    assert "7 lesions ('area | sham', 'area', " in str(error.value)
    assert "2 lesions ('other | sham', 'other')" in str(error.value)
    names = [line.split("'")[1] for line in str(error.value).splitlines()[1:]]
    assert {campaign.partial(tmp_path, design=name).sizes["lesion"] for name in names} == {7, 2}
    with pytest.raises(UnknownNameError, match="no design 'x'") as error:
        campaign.partial(tmp_path, design="x")
    assert repr(TASKS[0].name) in str(error.value)


def test_other_campaign__is_told_in_words(network, tmp_path):
    examine(network, tmp_path)

    def other(outputs, table):
        return outputs[:, 0]

    tasks = [nl.Task(task.name, task.stimuli, other) for task in TASKS]
    with pytest.raises(CampaignMismatchError) as error:
        nl.examine(network, LESIONS, tasks, store=tmp_path, progress=False)
    said = str(error.value)
    assert f"score of {TASKS[0].name}: here '" in said
    assert "' (its code, or what it refers to, was changed; so it is by a cache that it fills as it runs)\n" in said
    assert "weights" not in said
    assert "delete" not in said
    with pytest.raises(CampaignMismatchError) as error:
        nl.examine(network, LESIONS, TASKS[:1], store=tmp_path, progress=False)
    assert f"score of {TASKS[1].name}: here nothing" in str(error.value)
