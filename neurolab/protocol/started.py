"""Starting a protocol script as ``python script.py`` would, from within this process."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def start(script: Path, words: Sequence[str]) -> bool:
    """Run a script with these words as its command line, and get whether it called ``run_script``."""
    from neurolab.protocol.run import BEGUN

    before = len(BEGUN)
    with _arguments([str(script), *words]):
        runpy.run_path(str(script), run_name="__main__")
    return len(BEGUN) > before


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
