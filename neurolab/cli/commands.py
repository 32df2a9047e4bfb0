"""The commands: each takes the parsed words and returns an exit code. What they need is imported when they run."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurolab.catalogue import FOUND, LOADERS
from neurolab.cli import essays
from neurolab.errors import MissingDataError, NeurolabError, ProtocolError, UnknownNameError, did_you_mean
from neurolab.packages import install_line
from neurolab.protocol.shelf import find_protocol, list_labs, list_protocols, shipped
from neurolab.protocol.started import start
from neurolab.writing import path_of


def demo(options: argparse.Namespace) -> int:
    """Run the first experiment: localise a face area, lesion it, look for a double dissociation."""
    return run(options)


def run(options: argparse.Namespace) -> int:
    """Run a protocol by name or path and save everything that it finds; essays: all that test the essays' claims."""
    if options.protocol == essays.NAME:
        return essays.run_all(options)
    script = _protocol(options)
    words = ["--rng", str(options.rng), *(["--quick"] if options.quick else [])]
    words += ["--out", str(options.out)] if options.out else []
    words += options.further
    if not start(script, words):
        raise ProtocolError(
            f"{script.name} ended and never called nl.run_script, so that nothing was kept; expected a protocol. Type "
            f"nl.run_script(main) at its end, with def main(*, rng, quick). A lab is run as python {script.name}."
        )
    return 0


def _protocol(options: argparse.Namespace) -> Path:
    """Get the script; the value of an option that came before the name was taken for the name."""
    try:
        return find_protocol(options.protocol)
    except NeurolabError as error:
        if options.further:
            error.add_note("There were further words; the name comes first: neurolab run NAME --n-jobs 2 ...")
        raise


def list_all(options: argparse.Namespace) -> int:
    """Show the protocols, labs and data sets that ship with neurolab, each with its question."""
    protocols = {protocol.name: protocol.question for protocol in list_protocols()}
    labs = {lab.name: lab.question for lab in list_labs()}
    datasets, networks, stimuli = _datasets(), _from_packages(LOADERS), _from_packages(FOUND)
    if options.json:
        found = {"protocols": protocols, "labs": labs, "datasets": datasets, "networks": networks, "stimuli": stimuli}
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    shelves = {
        "protocols (neurolab run NAME)": protocols,
        "labs (neurolab lab new NAME)": labs,
        "data sets": datasets,
        "networks (neurolab sites NAME)": networks,
        "stimuli found in packages": stimuli,
    }
    for title, names in shelves.items():
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


def _from_packages(table: Mapping[str, Any]) -> dict[str, str]:
    """Names and one line each, with what to type where a package is missing."""
    lines = {name: install_line(entry.needs) for name, entry in table.items()}
    return {name: table[name].about + (f" (missing: {line})" if line else "") for name, line in lines.items()}


def _line(entry: Any) -> str:
    if isinstance(entry, dict):
        told = next((entry[key] for key in ("question", "about", "description", "source") if entry.get(key)), "")
        return ": ".join(str(part) for part in (entry.get("kind"), told) if part)
    return str(entry)


def sites(options: argparse.Namespace) -> int:
    """List what can be recorded and cut in a model: address, type, shape, status."""
    specimen = _specimen(options.model)
    print(*specimen.notes, specimen.sites(), sep="\n")
    return 0


def _specimen(model: str) -> Any:
    """Get a specimen from the name of a cohort or a network, from a local folder, or from ``module:factory``."""
    import neurolab as nl

    if ":" not in model:
        if path_of(model).is_dir():
            return nl.specimen.from_folder(model)
        if model.endswith(".py"):
            raise MissingDataError(f"{model} is a Python file; type {model}:name, the name of what makes a Specimen.")
        cohorts = nl.datasets.list_datasets().query("kind == 'cohort'")["name"]
        return nl.datasets.load_cohort(model)[0] if model in set(cohorts) else nl.datasets.load_specimen(model)
    module_name, _, factory_name = model.partition(":")
    file = path_of(module_name)
    away = file.is_absolute() or module_name.startswith(".")  # a path from elsewhere, and no package
    folder = str(file.parent) if away else ""
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(file.stem if away else module_name.removesuffix(".py").replace("/", "."))
    except ModuleNotFoundError as error:
        raise MissingDataError(f"There is no module {module_name!r} here ({error}); type module:factory.") from error
    finally:
        sys.path.remove(folder)
    if not hasattr(module, factory_name):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise UnknownNameError(f"{module_name} has no {factory_name!r}.{did_you_mean(factory_name, names)}")
    made = _made(getattr(module, factory_name), model)
    if hasattr(made, "sites"):
        return made
    raise ProtocolError(
        f"{model} gave a {type(made).__name__}; expected a Specimen, which also knows an example input. Type "
        f"def {factory_name}(): return nl.Specimen(...) in {module_name}."
    )


def _made(factory: Any, model: str) -> Any:
    """Get what a factory makes; what is no factory is itself."""
    if not callable(factory) or hasattr(factory, "state_dict"):
        return factory
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise ProtocolError(f"{model} is called without arguments ({error}); give each of them a default.") from error
    return factory()


def report(options: argparse.Namespace) -> int:
    """Write report.html anew from the saved results, figures and manifest of a run."""
    from neurolab.protocol.again import report_again

    print(report_again(options.folder))
    return 0
