"""Networks on several devices, and on another one than the processor: as on the processor alone, at every promise.

No GPU is needed: ``lent_device.py`` makes two devices of torch's own kind on which mixing raises as on a GPU. Backends
are registered for a whole process, so the checks of ``on_lent_devices.py`` run in one of their own.
"""

import ast
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils import backend_registration

from neurolab.lesion import Lesion, Zero
from neurolab.roi import ROI
from neurolab.specimen import Specimen, record
from neurolab.specimen.devices import chances
from neurolab.stimuli import StimulusSet

SCRIPT = pathlib.Path(__file__).with_name("on_lent_devices.py")
FUNCTIONS = [node for node in ast.parse(SCRIPT.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
CHECKS = [node.name for node in FUNCTIONS if any(getattr(one, "id", "") == "check" for one in node.decorator_list)]


@pytest.fixture(scope="module")
def found():
    """Give what each check found, "" where all was right."""
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip(f"torch {torch.__version__} has no devices written in Python")
    root = SCRIPT.parents[2]
    paths = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    run = subprocess.run([sys.executable, str(SCRIPT)], cwd=root, env={**os.environ, "PYTHONPATH": paths},
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_checks__are_all_run(found):
    assert sorted(found) == sorted(CHECKS)
    assert len(CHECKS) >= 18


@pytest.mark.parametrize("check", CHECKS)
def test_several_devices__are_right(found, check):
    assert not found[check], found[check]


def test_several_devices__in_the_table_of_hostile_networks(found, record_property):
    assert not found["recorded__as_on_the_processor_at_every_site"]
    assert not found["lesioned__by_every_ablation_as_on_the_processor"]
    for what, value in {"model": "a network over three devices", "site": "second", "recorded": "right",
                        "lesioned": "right", "sentence": ""}.items():
        record_property(what, value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_processor_and_gpu__are_as_the_processor_alone():
    class Spread(nn.Sequential):
        def forward(self, x):
            for layer in self:
                x = layer(x.to(next(layer.parameters(), x).device))
            return x

    model = Spread(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(3 * 36, 2))
    inputs = np.random.default_rng(0).normal(size=(5, 1, 8, 8))
    table = pd.DataFrame({"stimulus_id": list("abcde"), "condition": list("xyxyx")})
    lesion = Lesion(ROI("r", {"0": [1]}), Zero())

    def seen():
        net = Specimen(model, inputs[:1])
        return record(net, StimulusSet("five", inputs, table), ["0", "output"], lesions=[lesion])

    here = seen()
    model[0].cuda()
    there = seen()
    assert there.attrs["device"] == "cpu, cuda:0"
    np.testing.assert_allclose(there.values, here.values, rtol=1e-3, atol=1e-4)


def test_chance__of_devices_that_nobody_used_is_not_asked_for():
    if torch.accelerator.is_available():
        pytest.skip("this machine has a GPU, which other tests may have used")
    assert not list(chances())
