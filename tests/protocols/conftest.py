"""What every protocol must do, as a fixture for the files that hold it: they are shared out over processes by file."""

import json
import os
import subprocess
import sys

import pytest
import xarray as xr


@pytest.fixture
def run():
    """Run a protocol under --quick in a process of its own."""

    def quickly(script, out):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        command = [sys.executable, "-m", "neurolab", "run", str(script), "--quick", "--out", str(out)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=out.parent)

    return quickly


@pytest.fixture
def leaves_everything(run, tmp_path):
    """Run a protocol and look at what it left: results that say their sample, figures with their data, a report."""

    def looked(script):
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

    return looked
