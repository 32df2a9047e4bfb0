"""``neurolab run essays``: a row per claim; a protocol that fails stops no other; what is finished is kept."""

import csv
import os
import re
import subprocess
import sys
import time

import pytest

from neurolab.cli import main
from neurolab.errors import ProtocolError
from neurolab.protocol.essays import ESSAYS, Asked, _finished, further_words, run_essays
from neurolab.report.essays import COLUMNS

GOOD = '''"""Is a planted lesion found?"""
import neurolab as nl

def main(*, rng=0, quick=False):
    cost = nl.deficits(nl.simulate.phantom_trials(n_specimens=6 if quick else 8, rng=rng), rng=rng)
    yield "deficits", cost
    one = cost.sel(lesion="A")
    yield "claims", nl.analysis.claims(
        nl.analysis.claim("A does X.", one.sel(task="X"), expects="more", figure="deficits"),
        nl.analysis.claim("A does Y.", one.sel(task="Y"), expects="more", within=0.1, figure="deficits"))

if __name__ == "__main__":
    nl.run_script(main, draw={"deficits": nl.plots.plot_deficits})
'''
SCRIPTS = {
    "good": GOOD,
    "raises": '"""Does it raise?"""\nraise ValueError("as planted | here")\n',
    "dies": '"""Does it die?"""\nimport os\nprint("last words", flush=True)\nos.kill(os.getpid(), 9)\n',
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")
    for name, text in SCRIPTS.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture(scope="module")
def scripts(place):
    return [*(str(place / f"{name}.py") for name in SCRIPTS), "doubble_dissociation"]


@pytest.fixture(scope="module")
def ran(place, scripts):
    lines = []
    told = run_essays(place / "out", quick=True, scripts=scripts, say=lines.append)
    return place / "out", {one.name: one for one in told}, lines


def test_failures_are_listed_with_their_reason_and_stop_nothing(ran):
    _, told, lines = ran
    assert {name: one.status for name, one in told.items()} == {
        "good": "finished", "raises": "failed", "dies": "failed", "doubble_dissociation": "failed",
    }  # fmt: skip
    assert "ValueError: as planted | here (log: raises.log)" in told["raises"].reason
    assert "killed by signal 9; its last line: last words" in told["dies"].reason
    assert "There is no protocol 'doubble_dissociation'" in told["doubble_dissociation"].reason
    assert lines[0].startswith("essays: 4 to run, 0 finished before")
    assert lines[1] == "[1/4] good"
    assert re.search(r"\[2/4\] raises \(about \d+ (s|min) left\)", lines[3])


def test_the_report_has_a_row_per_claim_and_its_figure(ran):
    root, _, _ = ran
    with (root / "claims.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["claim"], row["verdict"]) for row in rows] == [
        ("A does X.", "supported"), ("A does Y.", "refuted"), ("", "failed"), ("", "failed"), ("", "failed"),
    ]  # fmt: skip
    assert rows[0]["n"] == "6 networks"
    assert rows[0]["effect"].startswith("0.")
    assert (root / rows[0]["figure"]).is_file()
    page = (root / "claims.md").read_text()
    assert "| good | A does X. | **supported** |" in page
    assert "as planted \\| here" in page
    text = (root / "report.html").read_text()
    assert text.count('src="data:image/png') - text.count('alt="MNE"') == 1  # two claims share a figure
    assert 'alt="' in text
    assert "Quick runs" in text
    assert '<a href="good/report.html">good</a>' in text
    assert "killed by signal 9" in text


def test_finished_ones_are_kept_unless_again_and_another_chance_or_script_is_another_run(ran, place, scripts):
    root, _, _ = ran
    manifest = root / "good" / "manifest.json"
    before = manifest.stat().st_mtime_ns
    lines = []
    (place / "raises.py").write_text(GOOD)
    told = run_essays(root, quick=True, scripts=scripts[:2], say=lines.append)
    assert lines[0].startswith("essays: 1 to run, 1 finished before")
    assert [one.status for one in told] == ["finished", "finished"]
    assert manifest.stat().st_mtime_ns == before
    lines.clear()
    run_essays(root, quick=True, again=True, scripts=scripts[:1], say=lines.append)
    assert lines[0].startswith("essays: 1 to run")
    assert manifest.stat().st_mtime_ns > before
    assert _finished(Asked(0, True, root), "good", scripts[0])
    assert not _finished(Asked(1, True, root), "good", scripts[0])
    assert not _finished(Asked(0, False, root), "good", scripts[0])
    (place / "good.py").write_text(GOOD + "# another script\n")
    assert not _finished(Asked(0, True, root), "good", scripts[0])


def test_a_run_made_with_other_options_is_no_finished_one(tmp_path):
    script = tmp_path / "sized.py"
    script.write_text(GOOD.replace("quick=False)", "quick=False, size=8)").replace("6 if quick else 8", "size"))
    words = [sys.executable, "-m", "neurolab", "run", str(script), "--size", "6", "--out", str(tmp_path / "out/sized")]
    subprocess.run(words, check=True, capture_output=True)
    asked = Asked(0, False, tmp_path / "out")
    assert not _finished(asked, "sized", str(script))
    (told,) = run_essays(tmp_path / "out", scripts=[str(script)], say=lambda line: None)
    assert set(told.claims["n"].values.astype(str)) == {"8"}
    assert _finished(asked, "sized", str(script))
    assert further_words(["nl.run_script(main, argv=['--quick', '--size', '3'])"]) == ["--size"]
    assert further_words(["python", "sized.py", "--quick", "--store", "kept", "--rng=2"]) == []


def test_a_protocol_without_claims_is_said(tmp_path):
    (tmp_path / "bare.py").write_text(
        '"""Is there a claim?"""\nimport neurolab as nl\n'
        'def main(*, rng=0, quick=False):\n    yield "answer", 42\n'
        'if __name__ == "__main__":\n    nl.run_script(main)\n'
    )
    (told,) = run_essays(tmp_path / "out", scripts=[str(tmp_path / "bare.py")], say=lambda line: None)
    assert told.status == "no claims"
    assert "no claims" in (tmp_path / "out" / "claims.md").read_text()


def test_strangers_files_and_unknown_words_are_refused(tmp_path, capsys):
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(ProtocolError, match="Type another --out"):
        run_essays(tmp_path, scripts=[])
    assert (tmp_path / "report.html").read_text() == "mine"
    assert main(["run", "essays", "--agian"]) == 2
    assert "--again" in capsys.readouterr().err


def test_the_words_reach_the_runner(tmp_path, place, capsys):
    words = ["run", "essays", "--quick", "--rng", "3", "--out", str(tmp_path / "out")]
    assert main([*words, "--only", str(place / "dies.py")]) == 1
    said = capsys.readouterr().out
    assert "1 failed" in said
    assert "keeps the rest" in said
    assert "neurolab run essays --rng 3 --quick" in (tmp_path / "out" / "claims.md").read_text()
    assert len(set(ESSAYS)) == len(ESSAYS) == 11


def test_a_request_to_end_ends_the_protocol_too_and_the_report_is_there(tmp_path):
    (tmp_path / "waits.py").write_text(
        '"""Does it wait?"""\nimport os, pathlib, time\n'
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\ntime.sleep(60)\n"
    )
    words = ["run", "essays", "--out", str(tmp_path / "out"), "--only", str(tmp_path / "waits.py")]
    code = f"import sys; sys.path[:] = {sys.path!r}; from neurolab.cli import main; sys.exit(main({words!r}))"
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    for _ in range(600):
        if (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.1)
    run.terminate()
    assert run.wait(60) == 143
    assert not os.path.exists(f"/proc/{(tmp_path / 'pid').read_text()}")
    assert "not yet run" in (tmp_path / "out" / "claims.md").read_text()


def test_a_shipped_protocol__is_run_by_its_name_which_its_manifest_tells(tmp_path, monkeypatch, place):
    asked = []
    monkeypatch.setattr(subprocess, "run", lambda words, **_: asked.append(words) or subprocess.CompletedProcess([], 1))
    run_essays(tmp_path, quick=True, scripts=["redundancy", str(place / "good.py")], say=lambda line: None)
    named = [words[words.index("run") + 1] for words in asked if "run" in words]
    assert named == ["redundancy", str(place / "good.py")]
