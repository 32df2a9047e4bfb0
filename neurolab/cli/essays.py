"""``neurolab run essays``: all protocols on the claims of the essays, and one report with a row per claim."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from neurolab.errors import NeurolabError, WordsError, listed
from neurolab.writing import path_of

#: What is typed instead of the name of a protocol.
NAME = "essays"


def run_all(options: argparse.Namespace) -> int:
    """Run every protocol on the claims of the essays; the exit code is 1 when one of them failed or told no claims."""
    from neurolab.protocol.essays import ESSAYS, run_essays

    asked = _parser(ESSAYS).parse_args(options.further)
    _check_only(asked.only or (), ESSAYS)
    out = Path("out") / NAME if options.out is None else options.out
    words = ["neurolab", "run", NAME, "--rng", str(options.rng), *(["--quick"] if options.quick else [])]
    with _ended():
        told = run_essays(
            out, rng=options.rng, quick=options.quick, again=asked.again, command=[*words, "--out", str(out)],
            **({"scripts": asked.only} if asked.only else {}), say=lambda line: print(line, flush=True),
        )  # fmt: skip
    broken = [one.name for one in told if one.status not in ("finished", "not run")]
    counts = {status: sum(one.status == status for one in told) for status in sorted({one.status for one in told})}
    print(", ".join(f"{n} {status}" for status, n in counts.items()) + f": {out / 'report.html'}, {out / 'claims.md'}")
    if broken:
        print(f"The same command tries again what is not finished ({', '.join(broken)}) and keeps the rest.")
    return 1 if broken else 0


@contextmanager
def _ended() -> Iterator[None]:
    """Let a request to end (SIGTERM) end the protocol that runs as well: it would go on, an orphan."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Parser(argparse.ArgumentParser):
    """argparse whose errors are typed."""

    def error(self, message: str) -> NoReturn:
        raise WordsError(f"{self.prog}: {message}. It takes --rng, --quick, --out, --again and --only NAME.")


def _check_only(only: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a name that is no protocol's, before anything is written."""
    from neurolab.protocol.shelf import find_protocol

    for name in only:
        try:
            find_protocol(name)
        except NeurolabError as error:
            raise WordsError(f"neurolab run {NAME} --only {name}: {error} Those on the essays are {listed(known)}."
                             ) from error


def _parser(known: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"neurolab run {NAME}", description=run_all.__doc__, allow_abbrev=False,
                     epilog=f"Protocols with claims, in their order: {', '.join(known)}.")
    # these three were read before this, as they are of every protocol; they are here to be shown
    parser.add_argument("--rng", type=int, help="integer that fixes every draw of chance (default 0)")
    parser.add_argument("--quick", action="store_true", help="smaller runs that show that the protocols work")
    parser.add_argument("--out", type=path_of, help=f"folder for everything found (default out/{NAME})")
    parser.add_argument("--again", action="store_true", help="repeat the protocols that are finished too")
    parser.add_argument("--only", action="append", metavar="NAME", help="this protocol alone; may be given again")
    return parser
