"""Every protocol runs under --quick and leaves what it promises; the demo gives the same bytes twice."""

import pathlib

import pytest
import xarray as xr

from neurolab.protocol.essays import ESSAYS

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path for path in (ROOT / "protocols").glob("*.py") if path.stem not in ESSAYS)
#: What a protocol needs beside the package: a folder of data.
NEEDS_DATA = {"faces_and_houses"}


@pytest.mark.parametrize(
    "script",
    [pytest.param(s, marks=[pytest.mark.data] if s.stem in NEEDS_DATA else [], id=s.stem) for s in SCRIPTS],
)
def test_protocol__runs_quickly_and_leaves_everything(script, leaves_everything):
    leaves_everything(script)


def test_demo__second_run_gives_the_same_bytes(run, tmp_path):
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
