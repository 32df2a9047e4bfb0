"""The protocols on the essays' claims run under --quick and leave what they promise: the second half of them."""

import pathlib

import pytest

from neurolab.protocol.essays import ESSAYS

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: What a protocol needs beside the package: a folder of data.
NEEDS_DATA = {"ninety_two_images"}


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.data] if one in NEEDS_DATA else []) for one in ESSAYS[1::2]]
)
def test_protocol__runs_quickly_and_leaves_everything(name, leaves_everything):
    leaves_everything(ROOT / "protocols" / f"{name}.py")
