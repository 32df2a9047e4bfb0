"""A protocol leaves what it found: when it ends, raises, is killed, is run twice, or meets a stranger's folder."""

import errno
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import neurolab as nl
from neurolab.errors import FileFormatError, MissingDataError, NeurolabError, ProtocolError, StoreWriteError
from neurolab.protocol.again import load_findings, report_again
from neurolab.protocol.findings import load_dataset
from neurolab.simulate import phantom_recording, phantom_trials

# a script run by its path must find the package also where it is not installed
ENV = {**os.environ, "PYTHONPATH": str(pathlib.Path(nl.__file__).parents[1])}
TRIALS = phantom_trials(n_controls=5, spread=0.03, rng=0).assign_attrs(
    source="net seed 0 0123abcd; net seed 1 4567abcd", inputs='{"X": "89ab", "Y": "cdef"}'
)
DRAW = {"deficits": nl.plots.plot_deficits}


def whole(*, rng=0, quick=False):
    """Does it all stay?"""
    yield "trials", TRIALS
    yield "deficits", nl.deficits(TRIALS, rng=rng)
    yield "recording", phantom_recording(n_units=20, rng=rng)
    yield "table", pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]})
    yield "answer", {"value": np.float64(0.25), "quick": quick, "rng": rng}


def broken(*, rng=0, quick=False):
    yield "trials", TRIALS
    yield "deficits", nl.deficits(TRIALS, rng=rng)
    raise ValueError("the third finding failed")


def run(main, out, *words, draw=None):
    return nl.run_script(main, draw=draw, argv=[*words, "--out", str(out)])


def manifest(out):
    return json.loads((out / "manifest.json").read_text("utf-8"))


def digests(out):
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("*.*")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(whole, tmp_path_factory.mktemp("run") / "out", "--rng", "3", draw=DRAW)


def test_run__leaves_everything_that_was_found(finished):
    found = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    twins = {f"figures/deficits.{end}" for end in ("pdf", "png", "csv", "legend.txt", "alt.txt")}
    results = {"results/deficits.nc", "results/recording.nc", "results/table.csv", "results/answer.json"}
    assert found == {"trials.nc", "manifest.json", "report.html", *twins, *results}


def test_run__findings_come_back_as_they_were(finished):
    xr.testing.assert_identical(load_dataset(finished / "trials.nc"), TRIALS)
    xr.testing.assert_identical(load_dataset(finished / "results" / "deficits.nc"), nl.deficits(TRIALS, rng=3))
    xr.testing.assert_identical(nl.load(finished / "results" / "recording.nc"), phantom_recording(n_units=20, rng=3))
    assert json.loads((finished / "results" / "answer.json").read_text()) == {"value": 0.25, "quick": False, "rng": 3}


def test_manifest__says_how_to_get_it_again(finished):
    said = manifest(finished)
    assert said["status"] == "finished"
    assert said["question"] == __doc__.strip()
    assert said["rng"] == 3
    assert said["versions"]["numpy"] == np.__version__
    assert said["weights"] == {"net seed 0": "0123abcd", "net seed 1": "4567abcd"}
    assert said["stimuli"] == {"X": "89ab", "Y": "cdef"}
    assert set(said["git"]) == {"script", "neurolab"}
    assert said["findings"]["deficits"]["inputs"] == nl.deficits(TRIALS, rng=3).attrs["inputs"]
    wanted = {name: digest for name, digest in digests(finished).items() if name != "manifest.json"}
    assert said["files"] == wanted


def test_second_run__writes_the_same_figures_and_results(finished, tmp_path):
    again = run(whole, tmp_path / "again", "--rng", "3", draw=DRAW)
    first, second = digests(finished), digests(again)
    same = [name for name in first if name.startswith(("figures", "results", "trials"))]
    assert len(same) >= 9
    assert {name: first[name] for name in same} == {name: second[name] for name in same}


def test_second_run__in_the_same_folder_replaces_its_own_and_nothing_else(tmp_path):
    out = run(whole, tmp_path / "out", draw=DRAW)
    (out / "notes.txt").write_text("mine")
    (out / "results" / "mine.txt").write_text("mine too")
    changed = out / "results" / "table.csv"
    changed.write_text("edited by hand\n")

    def smaller(*, rng=0, quick=False):
        return {"deficits": nl.deficits(TRIALS, rng=rng)}

    run(smaller, out)
    left = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert left == {
        "manifest.json",
        "report.html",
        "results/deficits.nc",
        "notes.txt",
        "results/mine.txt",
        "results/table.csv",
    }
    assert changed.read_text() == "edited by hand\n"


def test_midway_failure__leaves_finished_findings_and_says_where(tmp_path, capsys):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="third finding") as caught:
        run(broken, out, draw={**DRAW, "never": nl.plots.plot_deficits})
    assert any(str(out) in note and "results/deficits.nc" in note for note in caught.value.__notes__)
    xr.testing.assert_identical(load_dataset(out / "trials.nc"), TRIALS)
    assert (out / "figures" / "deficits.pdf").is_file()
    assert "did not finish" in (out / "report.html").read_text("utf-8")
    said = manifest(out)
    assert said["status"] == "failed"
    assert said["error"] == "ValueError: the third finding failed"
    assert set(said["findings"]) == {"trials", "deficits"}


def test_midway_failure__is_mended_by_a_second_run(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError):
        run(broken, out)
    run(whole, out)
    assert manifest(out)["status"] == "finished"
    assert "error" not in manifest(out)


def test_killed_run__has_what_was_handed_over(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        textwrap.dedent(
            '''\
            """Is it there after a kill?"""
            import os, signal
            import neurolab as nl
            from neurolab.simulate import phantom_trials

            def main(*, rng=0, quick=False):
                yield "trials", phantom_trials(rng=rng)
                os.kill(os.getpid(), signal.SIGKILL)

            if __name__ == "__main__":
                nl.run_script(main)
            '''
        )
    )
    done = subprocess.run([sys.executable, str(script), "--out", str(tmp_path / "out")], check=False, env=ENV)
    assert done.returncode == -9
    assert load_dataset(tmp_path / "out" / "trials.nc").sizes["specimen"] == 10
    assert manifest(tmp_path / "out")["status"] == "running"
    assert "trials" in report_again(tmp_path / "out").read_text("utf-8")


def test_dictionary_main__hands_over_at_its_end_and_is_told_so(tmp_path):
    def main(*, rng=0, quick=False):
        found = {"trials": TRIALS}
        raise NeurolabError("too late")
        return found

    with pytest.raises(NeurolabError) as caught:
        run(main, tmp_path / "out")
    assert any("yields" in note for note in caught.value.__notes__)
    assert manifest(tmp_path / "out")["status"] == "failed"


def test_strangers_folder__is_left_alone(tmp_path):
    (tmp_path / "report.html").write_text("my thesis")
    with pytest.raises(ProtocolError, match="another --out"):
        run(whole, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "my thesis"
    with pytest.raises(ProtocolError, match="is a file"):
        run(whole, tmp_path / "report.html")


def one(value, name="thing"):
    def main(*, rng=0, quick=False):
        return {name: value}

    return main


@pytest.mark.parametrize(
    "main, advice",
    [
        (one(object()), "expected trials, a result"),
        (one(1, name="../escape"), "letters, digits"),
        (one(1, name=""), "letters, digits"),
        (lambda *, rng, quick: 42, "yield 'trials', trials"),
        (lambda *, rng, quick: iter([42]), "expected a pair"),
        (lambda *, rng, quick: iter([("a", 1), ("a", 2)]), "twice"),
        (lambda seed: {}, r"def main\(\*, rng=0, quick=False\)"),
    ],
)
def test_bad_findings__are_told_what_to_type(main, advice, tmp_path):
    with pytest.raises(ProtocolError, match=advice):
        run(main, tmp_path / "out")


def test_bad_result__is_refused_before_it_is_saved(tmp_path):
    bad = nl.deficits(TRIALS, rng=0)
    del bad.attrs["n"]
    with pytest.raises(nl.errors.SchemaError, match="'n'"):
        run(one(bad), tmp_path / "out")
    assert not (tmp_path / "out" / "results").exists()


def test_several_figures_of_one_kind__are_all_kept(tmp_path):
    plots = [partial(nl.plots.plot_deficits, tasks=[task]) for task in ("X", "Y", "X")]
    out = run(one(nl.deficits(TRIALS, rng=0), "deficits"), tmp_path / "out", draw={"deficits": plots})
    assert len(list((out / "figures").glob("*.png"))) == 3


def test_unknown_name_in_draw__is_told_the_nearest(tmp_path):
    with pytest.raises(ProtocolError, match="Did you mean 'deficits'"):
        run(one(nl.deficits(TRIALS, rng=0), "deficits"), tmp_path / "out", draw={"deficit": nl.plots.plot_deficits})


def test_several_figures_of_one_finding__have_names_of_their_own(tmp_path):
    stat_map = nl.localise(phantom_recording(n_units=20, rng=0), "faces > objects")
    draw = {"map": [nl.plots.plot_stat_map, nl.plots.plot_selectivity]}
    out = run(one(stat_map, "map"), tmp_path / "out", draw=draw)
    assert {path.stem for path in out.glob("figures/*.pdf")} == {"map", "map-selectivity"}


def test_command_line_of_another_program__is_not_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    out = nl.run_script(one(1))
    assert out.parts[0] == "out"
    assert (tmp_path / out / "results" / "thing.json").is_file()


def test_report_again__is_the_report_that_was(finished):
    before = (finished / "report.html").read_bytes()
    (finished / "report.html").unlink()
    assert report_again(finished).read_bytes() == before
    assert list(load_findings(finished)) == ["trials", "deficits", "recording", "table", "answer"]
    assert b"Methods" in before


def test_report_again__of_nothing_or_of_ruins_is_refused(tmp_path):
    with pytest.raises(MissingDataError, match="neurolab run"):
        report_again(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "deficits.nc").write_bytes(b"\x89HDF\r\n\x1a\n truncated")
    with pytest.raises(FileFormatError, match="truncated"):
        report_again(tmp_path)


def test_a_region_and_lesions__are_findings_and_the_region_is_ringed(tmp_path):
    stat_map = nl.localise(phantom_recording(n_units=20, rng=0), "faces > objects")
    area = nl.select_roi(stat_map, name="area", top=3)
    control = nl.Lesion(area, nl.Zero(), role="control", family="matched", draw=2, notes=(("match_distance", 0.5),))

    def main(*, rng=0, quick=False):
        return {"map": stat_map, "area": area, "lesions": [nl.Lesion(area, nl.Zero()), control]}

    out = run(main, tmp_path / "out", draw={"map": partial(nl.plots.plot_stat_map, roi="area")})
    found = load_findings(out)
    units = {site: held.tolist() for site, held in area.units.items()}
    assert found["area"][0]["units"] == units
    assert found["lesions"][1]["notes"] == {"match_distance": 0.5}
    assert found["lesions"][1]["region"]["units"] == units
    assert [row["ablation"] for row in found["lesions"]] == ["Zero", "Zero"]
    assert "Black rings: area, 3 units." in (out / "figures" / "map.legend.txt").read_text("utf-8")
    before = (out / "report.html").read_bytes()
    assert b"area | matched control | draw 2 (3 units)" in before
    assert report_again(out).read_bytes() == before


def test_a_mapping_of_results__is_a_finding_each(tmp_path):
    def main(*, rng=0, quick=False):
        cost = nl.deficits(nl.simulate.phantom_trials(rng=rng), rng=rng)
        yield "cost", {"a": cost, "b": cost}
        yield "plain", {"a": 1, "b": 2}

    out = run(main, tmp_path / "out")
    assert {path.name for path in (out / "results").iterdir()} == {"cost_a.nc", "cost_b.nc", "plain.json"}


def test_names_of_findings_to_draw__take_the_figure_of_their_kind(tmp_path):
    out = run(whole, tmp_path / "out", draw=["deficits"])
    drawn = run(whole, tmp_path / "told", draw={"deficits": nl.plots.plot_deficits})
    assert {path.name for path in out.glob("figures/*")} == {path.name for path in drawn.glob("figures/*")}
    assert (out / "figures" / "deficits.csv").read_bytes() == (drawn / "figures" / "deficits.csv").read_bytes()
    mixed = run(whole, tmp_path / "mixed", draw={"deficits": None})
    assert (mixed / "figures" / "deficits.pdf").exists()
    every = run(whole, tmp_path / "every", draw=True)
    assert {path.stem for path in every.glob("figures/*.pdf")} == {"deficits"}
    with pytest.raises(ProtocolError, match="'answer', a dict of which"):
        run(whole, tmp_path / "answer", draw=["deficits", "answer"])
    with pytest.raises(ProtocolError, match="Did you mean 'deficits'"):
        run(whole, tmp_path / "other", draw=["deficit"])
    with pytest.raises(ProtocolError, match="one word"):
        run(whole, tmp_path / "word", draw="deficits")


@pytest.mark.parametrize("number, said", [(errno.EROFS, "cannot be written"), (errno.ENOSPC, "is full")])
def test_folder_that_cannot_be_written__is_said_at_once(tmp_path, monkeypatch, number, said):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StoreWriteError, match=rf"/out {said} "):
        run(whole, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("fails", ["trials", "report", "deficits.pdf"])
def test_full_disk__in_the_middle_keeps_what_was_finished_and_says_so(tmp_path, monkeypatch, fails):
    real = os.replace

    def refuse(draft, target):
        if fails in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(draft, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StoreWriteError, match=r"^The disk of \S*/out(/figures)? is full"):
        run(whole, tmp_path / "out", draw=DRAW)
    assert not list((tmp_path / "out").rglob(".*"))
    assert (tmp_path / "out" / "results" / "deficits.nc").exists() == (fails != "trials")


def test_full_disk__while_a_broken_run_is_reported_does_not_hide_why_it_broke(tmp_path, monkeypatch):
    real = os.replace

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def main(*, rng=0, quick=False):
        yield "trials", TRIALS
        monkeypatch.setattr(os, "replace", full)
        raise ValueError("the second finding failed")

    with pytest.raises(ValueError, match="the second finding failed") as broke:
        run(main, tmp_path / "out")
    monkeypatch.setattr(os, "replace", real)
    assert "StoreWriteError: The disk of" in broke.value.__notes__[0]
    assert load_findings(tmp_path / "out")["trials"].equals(TRIALS)


def test_report_again__in_a_folder_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    out = run(whole, tmp_path / "out")

    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StoreWriteError, match=r"/out cannot be written .*Type the name of a copy"):
        report_again(out)
