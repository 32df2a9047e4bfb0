"""Starting a protocol script as ``python script.py`` would, from within this process."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def start(script: Path, words: Sequence[str]) -> bool:
    """Run a script with these words as its command line, and get whether it called ``run_script``."""
    with _arguments([str(script), *words]), _calls() as calls:
        runpy.run_path(str(script), run_name="__main__")
    return bool(calls)


@contextmanager
def _calls() -> Iterator[list[str]]:
    """Note every run that begins: each reads its options first."""
    from neurolab.protocol import run

    calls: list[str] = []
    options_of = run.options_of

    def noted(main: Any, name: str, *given: Any) -> Any:
        calls.append(name)
        return options_of(main, name, *given)

    vars(run)["options_of"] = noted
    try:
        yield calls
    finally:
        vars(run)["options_of"] = options_of


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
