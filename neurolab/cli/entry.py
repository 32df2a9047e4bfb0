"""The front door: parses the words, finds the command, and says an error in one readable message."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from neurolab import __version__
from neurolab.cli import bench, campaigns, commands, labs, rates, verify
from neurolab.cli.doctor import doctor
from neurolab.errors import NeurolabError, WordsError, did_you_mean
from neurolab.protocol.typed import typing
from neurolab.writing import path_of

DEMO = "face_object_dissociation"
#: The exit code where nobody read to the end: that of a program which the signal of a broken pipe ended.
UNREAD = 141

Command = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """argparse, with near misses: 'reprot' is answered with 'report'."""

    def error(self, message: str) -> NoReturn:
        given = message.partition("invalid choice: ")[2].partition(" (")[0].strip("'\"")
        hint = did_you_mean(given, COMMANDS) if given and self.prog == "neurolab" else ""
        self.print_usage(sys.stderr)
        self.exit(
            2, f"{self.prog}: {message}.{hint}\n" if not message.endswith(".") else f"{self.prog}: {message}{hint}\n"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 an error said in words, 2 words not understood."""
    try:
        try:
            return _answer(argv)
        finally:
            print(end="", flush=True)  # while it can still be told that nobody reads it
    except BrokenPipeError:
        if not _unread():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python writes at its end
        return UNREAD


def _unread() -> bool:
    """Whether what is printed goes nowhere, as with ``neurolab list | head -1``: that is no error."""
    try:
        print(flush=True)
    except BrokenPipeError:
        return True
    return False


def _answer(argv: Sequence[str] | None) -> int:
    parser = _parser()
    options, further = parser.parse_known_args(argv)
    if not hasattr(options, "command"):
        parser.print_help()
        return 2
    if further and not hasattr(options, "further"):
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    options.further = [*getattr(options, "further", []), *further]
    try:
        with typing(["neurolab", *(sys.argv[1:] if argv is None else argv)]):
            return options.command(options)
    except NeurolabError as error:
        if options.debug:
            raise
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(note, file=sys.stderr)
        return 2 if isinstance(error, WordsError) else 1
    except KeyboardInterrupt as error:
        for note in ("Stopped.", *getattr(error, "__notes__", ())):
            print(note, file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="neurolab", description="A lesion and recording laboratory for artificial neural networks.")
    parser.add_argument("--version", action="version", version=f"neurolab {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    words = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for name, (add, command) in COMMANDS.items():
        help_line = (command.__doc__ or "").partition("\n")[0].rstrip(".")
        said = help_line[:1].lower() + help_line[1:]
        one = words.add_parser(name, help=said, description=command.__doc__, conflict_handler="resolve")
        one.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        add(one)
        one.set_defaults(command=command)
    return parser


class _OneHelp(argparse.Action):
    """``--help``: of a protocol once it is named, with the options that are its own; else of the command."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *words: object) -> None:
        if not getattr(namespace, "protocol", None):
            parser.print_help()
            parser.exit()
        namespace.further = ["--help"]


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.allow_abbrev = False  # a protocol's own options are not taken for these
    parser.set_defaults(further=[])
    parser.add_argument("--rng", type=int, default=0, help="integer that fixes every draw of chance (default 0)")
    parser.add_argument("--quick", action="store_true", help="a smaller run that shows that the protocol works")
    parser.add_argument("--out", type=path_of, help="folder for everything found (default out/NAME)")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(protocol=DEMO)
    _run_options(parser)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", help="a name that `neurolab list` shows, the path of a script, or essays")
    _run_options(parser)
    parser.epilog = "A protocol can have more options: neurolab run NAME --help."
    parser.add_argument("-h", "--help", action=_OneHelp, nargs=0, help="show this, or the options of a protocol")


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def _sites(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", help="a network or cohort (`neurolab list`), a folder, or module:factory that returns a Specimen"
    )


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=path_of, help="the folder of a run, with results/ in it")


#: Every command: what adds its options, and what does it. A later command is one more entry.
COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Command]] = {
    "demo": (_demo, commands.demo),
    "run": (_run, commands.run),
    "list": (_list, commands.list_all),
    "sites": (_sites, commands.sites),
    "report": (_report, commands.report),
    "verify": (verify.add_options, verify.verify),
    "doctor": (_list, doctor),
    "status": (campaigns.add_status, campaigns.status),
    "merge": (campaigns.add_merge, campaigns.merge),
    "lab": (labs.add_options, labs.lab),
    "calibrate": (rates.add_options, rates.calibrate),
    "bench": (bench.add_options, bench.bench),
}


if __name__ == "__main__":
    raise SystemExit(main())
