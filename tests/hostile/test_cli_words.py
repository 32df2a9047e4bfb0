"""The command line: light, exact in what it finds, one readable message where something is wrong."""

import json
import os
import pathlib
import resource
import subprocess
import sys
import textwrap

import pytest

import neurolab
import neurolab as nl
from neurolab.cli import main
from neurolab.cli.doctor import problems_of
from neurolab.cli.entry import COMMANDS
from neurolab.errors import FileFormatError
from neurolab.protocol.shelf import find_protocol, list_protocols, question_of

HEAVY = ("torch", "mne", "statsmodels", "seaborn", "xarray", "matplotlib", "pandas", "numpy", "scipy")
ENV = {**os.environ, "PYTHONPATH": str(pathlib.Path(neurolab.__file__).parents[1])}
PROTOCOL = '''\
"""Is two more than one?"""
import neurolab as nl

def main(*, rng=0, quick=False):
    yield "answer", {"rng": rng, "quick": quick}
    if rng == 13:
        raise nl.errors.DesignError("thirteen is unlucky; type --rng 12.")

if __name__ == "__main__":
    nl.run_script(main)
'''


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "two_and_one.py"
    path.write_text(PROTOCOL)
    return path


def python(code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, env=ENV
    )


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["list"], ["run", "--help"], ["run", "nothing_like_it"]])
def test_light_words__import_nothing_heavy(words):
    done = python(
        f"""
        import sys
        from neurolab.cli import main
        try:
            main({words!r})
        except SystemExit:
            pass
        print("heavy:", *[name for name in {HEAVY!r} if name in sys.modules])
        """
    )
    assert done.stdout.strip().endswith("heavy:"), done.stdout + done.stderr


def test_help__takes_less_than_half_a_second_of_cpu():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "neurolab.cli", "--help"], capture_output=True, text=True, check=True, env=ENV
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    for command in COMMANDS:
        assert command in done.stdout


def test_version__is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"neurolab {neurolab.__version__}"


def test_no_words__show_the_help_and_are_an_error(capsys):
    assert main([]) == 2
    assert "doctor" in capsys.readouterr().out


def test_misspelt_command__is_told_the_nearest(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["reprot"])
    assert ended.value.code == 2
    assert "Did you mean 'report'" in capsys.readouterr().err


def test_unknown_protocol__is_told_the_nearest_in_one_message(capsys):
    assert main(["run", "face_objekt_dissociation"]) == 1
    said = capsys.readouterr().err
    assert "Did you mean 'face_object_dissociation'" in said
    assert "Traceback" not in said
    assert main(["run", "./nowhere.py"]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_debug__shows_the_traceback():
    done = subprocess.run(
        [sys.executable, "-m", "neurolab.cli", "run", "nothing", "--debug"],
        capture_output=True,
        text=True,
        check=False,
        env=ENV,
    )
    assert "Traceback" in done.stderr
    assert done.returncode == 1


def test_run__passes_options_and_leaves_argv_as_it_was(script, tmp_path, capsys):
    argv, path = list(sys.argv), list(sys.path)
    assert main(["run", str(script), "--rng", "7", "--quick", "--out", str(tmp_path / "out")]) == 0
    assert (sys.argv, sys.path) == (argv, path)
    found = json.loads((tmp_path / "out" / "results" / "answer.json").read_text())
    assert found == {"rng": 7, "quick": True}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["protocol"] == "two_and_one"
    assert manifest["question"] == "Is two more than one?"
    assert "--quick" in manifest["command"]
    assert "Is two more than one?" in capsys.readouterr().out


def test_run__as_a_plain_script_is_the_same(script, tmp_path):
    words = [sys.executable, str(script), "--rng", "7", "--out", "here"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, env=ENV)
    assert json.loads((tmp_path / "here" / "results" / "answer.json").read_text()) == {"rng": 7, "quick": False}


def test_failing_protocol__is_one_message_that_says_where_the_rest_is(script, tmp_path, capsys):
    assert main(["run", str(script), "--rng", "13", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "DesignError: thirteen is unlucky" in said
    assert "Traceback" not in said
    assert f"Finished findings are on disk in {tmp_path / 'out'}: results/answer.json." in said


def test_report__is_written_anew_and_refuses_an_empty_folder(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert "holds no results" in capsys.readouterr().err


def test_list__names_protocols_with_their_question(capsys):
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for protocol in list_protocols():
        assert protocol.name in shown
        assert protocol.question in shown
    assert main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["protocols"]) == {protocol.name for protocol in list_protocols()}
    assert "faces-and-objects" in found["datasets"]


def test_protocols__are_found_by_name_with_either_dash():
    assert find_protocol("face-object-dissociation") == find_protocol("face_object_dissociation")
    assert all(protocol.question.count("?") for protocol in list_protocols())


def test_question__of_a_broken_file_does_not_stop_the_list(tmp_path):
    (tmp_path / "broken.py").write_text("def :\n")
    assert "not valid Python" in question_of(tmp_path / "broken.py")
    (tmp_path / "silent.py").write_text("raise SystemExit(3)\n")  # never run, only read
    assert question_of(tmp_path / "silent.py") == ""


def test_doctor__says_what_is_here_as_json(capsys):
    code = main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["ready"] == (code == 0)
    assert found["neurolab"] == neurolab.__version__
    assert found["cores"] >= 1
    assert found["demo takes about (s)"] > 0
    assert main(["doctor"]) == code
    assert ("not ready" in capsys.readouterr().out) == (code == 1)


def test_doctor__names_what_would_stop_a_run():
    fine = {
        "python": "3.12", "packages": {"torch": "2.9.0+cpu", "mne": "1.13"}, "protocols": 4, "free disk GiB": 10.0,
        "memory GiB": 8.0, "oversubscribed": False, "load": 0.1, "cores": 2, "NEUROLAB_DATA": "not set",
    }  # fmt: skip
    assert problems_of(fine) == []
    for wrong, word in (
        ({"packages": {"torch": "not installed"}}, "pip install torch"),
        ({"packages": {"torch": "2.14.0"}}, "newer than any"),
        ({"protocols": 0}, "wheel"),
        ({"memory GiB": 0.3}, "memory"),
        ({"memory GiB": "unknown", "free disk GiB": 0.1}, "disk"),
        ({"oversubscribed": True}, "OMP_NUM_THREADS"),
        ({"NEUROLAB_DATA": "/nowhere does not exist"}, "NEUROLAB_DATA"),
    ):
        assert any(word in problem for problem in problems_of({**fine, **wrong})), word


def test_sites__of_what_is_no_model_is_refused_in_words(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "not_a_model.py").write_text("def make():\n    return 42\n")
    assert main(["sites", "not_a_model:make"]) == 1
    assert "nl.Specimen" in capsys.readouterr().err
    assert main(["sites", "not_a_model:mak"]) == 1
    assert "Did you mean 'make'" in capsys.readouterr().err
    assert main(["sites", "no_such_module:make"]) == 1
    assert "There is no module 'no_such_module'" in capsys.readouterr().err


def test_run__leaves_the_words_that_were_typed(script, tmp_path):
    words = ["run", str(script), "--quick", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["command"] == ["neurolab", *words]
    typed = [sys.executable, script.name, "--out", "here"]
    subprocess.run(typed, cwd=tmp_path, check=True, capture_output=True, env=ENV)
    assert json.loads((tmp_path / "here" / "manifest.json").read_text())["command"] == [
        "python", "two_and_one.py", "--out", "here",
    ]  # fmt: skip


def test_sites__a_factory_that_wants_arguments_is_told_so(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text("def build(width):\n    return width\n")
    monkeypatch.chdir(tmp_path)
    assert main(["sites", "mine:build"]) != 0
    assert "give each of them a default" in capsys.readouterr().err


def test_run__into_what_cannot_be_written_is_one_message(script, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["run", str(script), "--out", str(tmp_path / "file" / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"StoreWriteError: {tmp_path / 'file' / 'out'} is a file, or in one, where a folder")
    assert said.endswith("Type --out with a folder of your own.\n")


def test_run__on_a_disk_that_takes_no_more_is_one_message(script, tmp_path):
    text = script.read_text().replace('yield "answer", {', 'yield "trials", nl.simulate.phantom_trials(rng=0)\n    {')
    script.write_text(text)
    done = python(f"""
        import resource
        from neurolab.cli import main
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        print(main(["run", {str(script)!r}, "--out", {str(tmp_path / "out")!r}]))
    """)
    assert done.stdout.splitlines()[-1] == "1", done.stderr
    assert "Traceback" not in done.stderr
    assert f"StoreWriteError: The disk of {tmp_path / 'out'} is full" in done.stderr


@pytest.mark.parametrize("words", ["list", "list --json", "doctor --json"])
def test_words_that_nobody_reads__end_in_silence(words):
    read, write = os.pipe()
    os.close(read)  # before a word is written, so that it does not hang on how much a pipe holds
    command = [sys.executable, "-m", "neurolab", *words.split()]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=ENV)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_broken_pipe_of_its_own__is_no_silence(tmp_path, monkeypatch, capsys):
    def broken(options):
        raise BrokenPipeError("a worker is gone")

    monkeypatch.setitem(COMMANDS, "list", (COMMANDS["list"][0], broken))
    with pytest.raises(BrokenPipeError, match="a worker is gone"):
        main(["list"])


@pytest.mark.parametrize("place", ["mine.py", "./mine.py", "{here}/mine.py", "mine"])
def test_sites__a_factory_is_found_by_the_path_of_its_file(place, tmp_path, monkeypatch, capsys):
    build = "def build():\n    return nl.Specimen(torch.nn.Linear(3, 2), torch.zeros(1, 3))\n"
    (tmp_path / "mine.py").write_text(f"import torch, neurolab as nl\n{build}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    assert main(["sites", f"{place.format(here=tmp_path)}:build"]) == 0
    assert "output" in capsys.readouterr().out
    assert main(["sites", "./mine.py"]) != 0
    assert "type ./mine.py:name" in capsys.readouterr().err


def test_load__the_store_of_a_campaign_is_told_from_a_file(tmp_path):
    (tmp_path / "runs" / "net" / "journal").mkdir(parents=True)
    with pytest.raises(FileFormatError, match=r"store of a campaign. Type nl.campaign.partial"):
        nl.load(tmp_path / "runs")
