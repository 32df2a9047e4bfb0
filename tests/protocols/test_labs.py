"""Both labs run to the end from a copy in an empty folder, offline, in time; wrong answers get their hints."""

import json
import os
import re
import resource
import subprocess
import sys

import pytest

from neurolab import lab
from neurolab.lab.shelf import LABS

#: Put before a lab: no socket opens, and an answer that is wrong on any network.
OFFLINE = """
import socket
def refuse(*words, **more):
    raise OSError("a lab reached for the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
def wrong(name):
    from neurolab import lab
    truth = lab.key(name)
    return next(letter for letter in "abc" if letter != truth) if isinstance(truth, str) else truth + 1000
"""
MINUTES = 2


def run(script, folder):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    words = [sys.executable, "-W", "error", script.name]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("name", sorted(LABS))
def test_lab__runs_to_the_end_offline_and_wrong_answers_get_their_hints(name, tmp_path):
    place = lab.new(name, tmp_path / "class" / "ada", student="Ada")
    script = place / f"{name}.py"
    tried = r'lab.check("\1", None); lab.check("\1", wrong("\1")); lab.check("\1", wrong("\1")); '
    text = re.sub(r'lab\.check\("(\w+)", None\)', tried + r'lab.check("\1", lab.key("\1"))', script.read_text())
    text = re.sub(r'lab\.predict\("(\w+)", None\)', r'lab.predict("\1", "0,5")', text)
    script.write_text(OFFLINE + text)
    done, seconds = run(script, place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert seconds < MINUTES * 60
    said = " ".join(done.stdout.split())
    for question in LABS[name].questions:
        assert f"{question.name}: {' '.join(question.asks.split())}" in said
        assert f"{question.name}: not yet. Hint: {question.hint}" in said
        assert f"{question.name}: not yet. The reason: " in said
        assert f"{question.name}: right. " in said
    drawn = sorted((place / "figures").glob("*.png"))
    assert len(drawn) == text.count("lab.show(")
    assert all(f"Figure {path.name}: " in said for path in drawn)
    entries = json.loads((place / "progress.json").read_text())["entries"]
    assert [one["kind"] for one in entries[:3]] == ["prediction"] * 3
    (graded,) = lab.grade(tmp_path / "class", say=lambda line: None)
    assert graded.row["right"] == graded.row["questions"] == len(LABS[name].questions)
    assert (graded.row["Q1"], graded.row["Q1 answers"], graded.row["predictions"]) == (1, 3, 3)


def test_plain__figures_are_told_and_not_drawn(tmp_path, capsys):
    import neurolab as nl

    lab.start("find_the_face_area", folder=tmp_path, plain=True)
    cost = nl.deficits(nl.simulate.phantom_trials(rng=0), rng=0)
    lab.show(cost, nl.plots.plot_deficits)
    assert "Figure: Deficits (sham minus lesion)" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
