"""The command that measures how fast campaigns are: each workload against the loop of hooks and against its peers."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from neurolab.errors import MissingDataError
from neurolab.protocol.shelf import shipped
from neurolab.writing import path_of, saying, write_whole

#: The name under which the benchmarks are imported; they lie in ``tests/benchmarks``, in a wheel inside the package.
PACKAGE = "neurolab_benchmarks"
#: What to type where the rows cannot be written.
INSTEAD = "--json FILE in a folder of your own"


def bench(options: argparse.Namespace) -> int:
    """Time campaigns of lesions against the loop of hooks and against peers; write a row per workload as JSON."""
    runner = benchmarks("runner")
    broken: list[str] = []
    if options.json:
        with saying(options.json, INSTEAD):  # now, not when the first row is measured
            there = options.json.exists()
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.open("a").close()
            if not there:
                options.json.unlink()

    def keep(rows: Sequence[Any]) -> None:
        if options.json:
            with saying(options.json, INSTEAD):
                write_whole(options.json, (json.dumps([row.as_dict() for row in rows], indent=1) + "\n").encode())

    def failed(name: str, error: Exception) -> None:
        broken.append(name)
        print(f"{name}: not measured. {type(error).__name__}: {error}", file=sys.stderr, flush=True)

    rows = runner.run(options.workloads, quick=options.quick, repeats=options.repeats, peers=not options.no_peers,
                      say=lambda line: print(line, flush=True), keep=keep, failed=failed)  # fmt: skip
    print(runner.table(rows))
    return 1 if broken else 0


def benchmarks(module: str) -> ModuleType:
    """Get a module of the benchmarks, from the checkout or from what travels in the wheel.

    Raises
    ------
    MissingDataError : neither is there.

    Example
    -------
    >>> benchmarks("measure").Row("L1", "a perceptron", "hook loop").speedup is None
    True
    """
    if PACKAGE not in sys.modules:
        place = shipped("tests/benchmarks")
        if place is None or not (place / "__init__.py").is_file():
            raise MissingDataError(
                "The benchmarks are neither in a checkout around this neurolab nor in its wheel; expected the folder "
                "tests/benchmarks. Type git clone, then pip install -e . inside it."
            )
        spec = importlib.util.spec_from_file_location(
            PACKAGE, place / "__init__.py", submodule_search_locations=[str(place)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{PACKAGE}.{module}")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD",
                        help="L1 L2 L3 L3s: lesions in three networks; S1: Shapley; P1: max-T; R1: recording; E1: a "
                        "zoo of models (default: all)")
    parser.add_argument("--json", type=path_of, metavar="FILE", help="write a list with one object per workload")
    parser.add_argument("--quick", action="store_true", help="small networks and few repeats: shows that it works")
    parser.add_argument("--repeats", type=int, help="runs of every workload (default: as each says)")
    parser.add_argument("--no-peers", action="store_true", help="leave the other programs out")
