"""Every protocol runs under --quick and leaves what it promises; the demo gives the same bytes twice."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import xarray as xr

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "protocols").glob("*.py"))
#: What a protocol needs beside the package: a folder of data.
NEEDS_DATA = {"faces_and_houses", "ninety_two_images"}


def run(script, out):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    command = [sys.executable, "-m", "neurolab", "run", str(script), "--quick", "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=out.parent)


@pytest.mark.parametrize(
    "script",
    [pytest.param(s, marks=[pytest.mark.data] if s.stem in NEEDS_DATA else [], id=s.stem) for s in SCRIPTS],
)
def test_protocol__runs_quickly_and_leaves_everything(script, tmp_path):
    done = run(script, tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    if "not run" in done.stdout:
        pytest.skip(f"{script.stem} needs a package that is not installed here")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["rng"] == 0
    results = sorted((tmp_path / "out" / "results").glob("*.nc"))
    assert results
    for path in results:
        with xr.open_dataset(path, engine="h5netcdf") as result:
            if "lesion_id" in result and "analysis" not in result.attrs:  # trials under a name of their own
                assert {"lesion", "trial"} <= set(result["score"].dims)
                continue
            assert result.attrs["analysis"]
            assert result.attrs["generalises_over"] in ("specimen", "stimulus", "subject", "run", "control draw")
    figures = sorted((tmp_path / "out" / "figures").glob("*.pdf"))
    assert figures
    for figure in figures:
        for suffix in (".png", ".csv", ".legend.txt", ".alt.txt"):
            assert figure.with_suffix(suffix).stat().st_size > 40
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<img") >= len(figures)
    assert "n = " in done.stdout


def test_demo__second_run_gives_the_same_bytes(tmp_path):
    script = ROOT / "protocols" / "face_object_dissociation.py"
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        assert run(script, folder).returncode == 0
    names = sorted(path.name for path in (folders[0] / "figures").iterdir())
    assert names == sorted(path.name for path in (folders[1] / "figures").iterdir())
    for name in names:
        assert (folders[0] / "figures" / name).read_bytes() == (folders[1] / "figures" / name).read_bytes(), name
    for path in [*(folders[0] / "results").glob("*.nc"), folders[0] / "trials.nc"]:
        other = folders[1] / path.relative_to(folders[0])
        with xr.open_dataset(path, engine="h5netcdf") as one, xr.open_dataset(other, engine="h5netcdf") as two:
            assert one.load().identical(two.load()), path.name
