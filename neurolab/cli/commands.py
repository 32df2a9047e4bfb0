"""The commands: each takes the parsed words and returns an exit code. What they need is imported when they run."""

from __future__ import annotations

import argparse
import importlib
import json
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurolab.errors import MissingDataError, ProtocolError, UnknownNameError, did_you_mean
from neurolab.protocol.shelf import find_protocol, list_protocols, shipped


def demo(options: argparse.Namespace) -> int:
    """Run the first experiment: localise a face area, lesion it, look for a double dissociation."""
    return run(options)


def run(options: argparse.Namespace) -> int:
    """Run a protocol by name or path and save everything that it finds."""
    script = find_protocol(options.protocol)
    words = ["--rng", str(options.rng), *(["--quick"] if options.quick else [])]
    words += ["--out", str(options.out)] if options.out else []
    with _arguments([str(script), *words]):
        runpy.run_path(str(script), run_name="__main__")
    return 0


@contextmanager
def _arguments(argv: list[str]) -> Iterator[None]:
    """Let a script see its own command line and its own folder first on the path, as ``python script.py`` would."""
    argv_before, path_before = sys.argv, list(sys.path)
    sys.argv = argv
    sys.path.insert(0, str(Path(argv[0]).parent))
    try:
        yield
    finally:
        sys.argv = argv_before
        sys.path[:] = path_before


def list_all(options: argparse.Namespace) -> int:
    """Show the protocols and data sets that ship with neurolab, each with its question."""
    protocols = {protocol.name: protocol.question for protocol in list_protocols()}
    datasets = _datasets()
    if options.json:
        print(json.dumps({"protocols": protocols, "datasets": datasets}, indent=1, ensure_ascii=False))
        return 0
    for title, names in (("protocols (neurolab run NAME)", protocols), ("data sets", datasets)):
        print(f"{title}:")
        width = max((len(name) for name in names), default=0)
        for name, line in names.items():
            print(f"  {name:<{width}}  {line}")
        if not names:
            print("  none here")
    return 0


def _datasets() -> dict[str, str]:
    """Names and one line each, read from the index that lies beside the data."""
    place = shipped("datasets")
    index = place / "index.json" if place else None
    if index is None or not index.is_file():
        return {}
    content: Any = json.loads(index.read_text(encoding="utf-8"))
    entries = content.get("datasets", content) if isinstance(content, dict) else content
    rows = entries.items() if isinstance(entries, dict) else ((entry.get("name", "?"), entry) for entry in entries)
    return {str(name): _line(entry) for name, entry in rows}


def _line(entry: Any) -> str:
    if isinstance(entry, dict):
        told = next((entry[key] for key in ("question", "about", "description", "source") if entry.get(key)), "")
        return ": ".join(str(part) for part in (entry.get("kind"), told) if part)
    return str(entry)


def sites(options: argparse.Namespace) -> int:
    """List what can be recorded and cut in a model: address, type, shape, status."""
    specimen = _specimen(options.model)
    print(specimen.sites())
    return 0


def _specimen(model: str) -> Any:
    """Get a specimen from the name of a shipped cohort or from ``module:factory``."""
    import neurolab as nl

    if ":" not in model:
        return nl.datasets.load_cohort(model)[0]
    module_name, _, factory_name = model.partition(":")
    sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name.removesuffix(".py").replace("/", "."))
    except ModuleNotFoundError as error:
        raise MissingDataError(f"There is no module {module_name!r} here ({error}); type module:factory.") from error
    finally:
        sys.path.remove("")
    if not hasattr(module, factory_name):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise UnknownNameError(f"{module_name} has no {factory_name!r}.{did_you_mean(factory_name, names)}")
    made = getattr(module, factory_name)
    made = made() if callable(made) and not hasattr(made, "state_dict") else made
    if hasattr(made, "sites"):
        return made
    raise ProtocolError(
        f"{model} gave a {type(made).__name__}; expected a Specimen, which also knows an example input. Type "
        f"def {factory_name}(): return nl.Specimen(...) in {module_name}."
    )


def report(options: argparse.Namespace) -> int:
    """Write report.html anew from the saved results, figures and manifest of a run."""
    from neurolab.protocol.again import report_again

    print(report_again(options.folder))
    return 0
