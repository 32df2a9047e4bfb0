"""Fixtures that every folder of tests may ask for, and the rule for tests that need data."""

import os
import random
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

#: Run by a test in a process of their own, for what they register is there for good.
collect_ignore = ["hostile/lent_device.py", "hostile/on_lent_devices.py"]

# The workers share the cores, and sums over several threads differ in the last bit: before torch is imported anywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def binomial_band() -> Callable[[float, int], tuple[int, int]]:
    """Give f(level, n): the counts between which n trials at that rate fall with probability .999 or more."""

    def band(level: float, n: int) -> tuple[int, int]:
        return int(stats.binom.ppf(0.0005, n, level)), int(stats.binom.isf(0.0005, n, level))

    return band


@pytest.fixture
def calibrated(binomial_band, record_property) -> Callable[..., None]:
    """Give f(happened, level, side="both"): assert that the count of True fits the level; ``--junitxml`` records it.

    side="upper": a conservative test may reject more rarely; side="lower": an interval may cover more often.
    """

    def check(happened: object, level: float, *, side: str = "both") -> None:
        events = np.asarray(happened, dtype=bool).ravel()
        low, high = binomial_band(level, events.size)
        record_property("rate", f"{events.mean():.4f} of {events.size} (level {level:.4f}, {side})")
        assert side == "upper" or events.sum() >= low, f"{events.mean():.3f} where {level:.4f} was promised"
        assert side == "lower" or events.sum() <= high, f"{events.mean():.3f} where {level:.4f} was promised"

    return check


def _same_chance() -> None:
    """Begin from one state: what a test draws without saying so is the same in every run, alone or among others."""
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def pytest_collectstart(collector) -> None:
    """Seed what a file of tests draws while it is read."""
    _same_chance()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item) -> None:
    """Seed what a test draws, and the fixtures that it is the first to ask for."""
    _same_chance()


def pytest_collection_modifyitems(items) -> None:
    """Skip tests that need the folder named by NEUROLAB_DATA where it is not there, with a reason."""
    if os.environ.get("NEUROLAB_DATA"):
        return
    for item in items:
        if "data" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs the data: set NEUROLAB_DATA to the folder that holds them"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail a test that is skipped for want of data although NEUROLAB_DATA says where they are."""
    report = yield
    if report.skipped and "data" in item.keywords and os.environ.get("NEUROLAB_DATA"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although NEUROLAB_DATA is set: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter) -> None:
    """Say how many tests were skipped for want of data."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum("NEUROLAB_DATA" in str(report.longrepr) for report in skipped)
    terminalreporter.write_line(f"{count} tests skipped for want of the data folder (NEUROLAB_DATA)")
