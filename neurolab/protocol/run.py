"""Running a protocol: options in; findings on disk one by one; then figures, a report, a manifest and a table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from neurolab.errors import (
    MissingPackageError,
    PartialTrialsError,
    ProtocolError,
    StoreWriteError,
    did_you_mean,
    listed,
)
from neurolab.plots import SavedFigure, save_figure
from neurolab.plots.drawing import Plot, choices_of, drawing_of, plot_for
from neurolab.protocol.findings import is_result, place_of
from neurolab.protocol.folder import Folder
from neurolab.protocol.manifest import describe_finding, describe_run, weights_and_stimuli
from neurolab.protocol.options import Options, options_of, without_shard
from neurolab.protocol.typed import command_of
from neurolab.report import write_report
from neurolab.report.tables import printed_table

Main = Callable[..., Any]
Drawn = Plot | Sequence[Plot] | None
Draw = Mapping[str, Drawn] | Sequence[str] | bool


#: The protocols that were begun in this process, in their order.
BEGUN: list[str] = []


def run_script(main: Main, *, draw: Draw | None = None, argv: Sequence[str] | None = None) -> Path:
    """Run a protocol and leave everything that it found in one folder, which is returned.

    ``--rng``, ``--quick`` and ``--out`` are read from the command line when the script that holds ``main`` is the
    program that runs; called from anywhere else (a notebook, a test), only ``argv`` counts.

    Parameters
    ----------
    main : ``main(*, rng, quick)``. It returns ``{name: finding}``, or yields ``(name, finding)`` pairs. Findings are
        trials, results, recordings, regions, lesions, DataFrames, or plain numbers and text; a mapping of results is a
        finding each (of "savings" the key "contrast" is "savings_contrast"). Each further keyword argument with a
        default (``store=None, n_jobs=1, shard=None, n_controls=99``) is an option: ``--n-jobs 2``.
    draw : True for every result that has a figure of its kind; or the names of the findings to draw, each with the
        figure of its kind; or finding -> figure function, or several, or None for that of its kind. Bind choices with
        ``functools.partial``, where ``roi`` may be the name of a finding: ``partial(nl.plots.plot_stat_map,
        roi="face_area")``.
    argv : options instead of the command line, e.g. ``["--quick", "--out", "here"]``.

    Returns
    -------
    Path of the folder: ``trials.nc``, ``results/``, ``figures/``, ``manifest.json``, ``report.html``.

    When this is invalid
    --------------------
    If ``main`` raises, the findings that it has *handed over* are on disk, drawn and reported, the manifest says
    "failed", and the error goes on with a note that says where. A main that returns a dictionary hands over everything
    at its end and so nothing before; a main that yields hands over each finding when it is yielded. Yield what is
    costly, first of all the trials. A main whose package is not installed (MissingPackageError) is no failure: it is
    listed as "not run", with the line to type.

    Example
    -------
    >>> import tempfile
    >>> def main(*, rng=0, quick=False):
    ...     yield "answer", 42
    >>> folder = run_script(main, argv=["--out", tempfile.mkdtemp() + "/out"])  # doctest: +ELLIPSIS
    interactive...
    >>> sorted(path.name for path in folder.iterdir())
    ['manifest.json', 'report.html', 'results']
    """
    script, question = _script_of(main)
    is_program = _is_program(script)
    given = list(argv) if argv is not None else (sys.argv[1:] if is_program else [])
    BEGUN.append(Path(script).stem if script else "interactive")
    options = options_of(main, BEGUN[-1], question, given)
    command = command_of(script, given, is_program=is_program and argv is None)
    run = Run(Folder(options.out), script, question, options, _wanted(draw), draw is True, command)
    print(f"{run.name}{' (quick)' if options.quick else ''}, rng {options.rng}: {question}", flush=True)
    run.note("running")
    try:
        for name, value in _findings(main, rng=options.rng, quick=options.quick, **options.further):
            run.keep(name, value)
        run.check_drawn()
    except MissingPackageError as missing:
        run.finish("not run", str(missing))
        print(f"{run.name}: not run. {missing}", flush=True)
        return run.folder.root
    except BaseException as problem:
        if not (options.shard and isinstance(problem, PartialTrialsError)):
            _finish_broken(run, problem)
            raise
        run.finish(f"shard {options.shard} is done")
        again = command_of(script, without_shard(given), is_program=is_program and argv is None)
        print(run.said_of_shard(without_shard(again)), flush=True)
        return run.folder.root
    run.finish("finished")
    print(run.summary(), flush=True)
    return run.folder.root


@dataclass
class Run:
    """One run of a protocol while it goes on."""

    folder: Folder
    script: str
    question: str
    options: Options
    draw: dict[str, Drawn]
    every: bool = False
    command: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    figures: list[SavedFigure] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    about: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        asked = self.options
        self.about = describe_run(
            self.script, self.question, rng=asked.rng, quick=asked.quick, further=asked.further, command=self.command
        )

    @property
    def name(self) -> str:
        """What the protocol is called."""
        return Path(self.script).stem if self.script else "interactive"

    def keep(self, name: str, value: Any) -> None:
        """Write one finding to disk, now."""
        if name in self.found:
            raise ProtocolError(f"The protocol gives the finding {name!r} twice; expected each name once.")
        place, save = place_of(name, value)
        self.folder.write(place, save)
        self.found[name], self.places[name] = value, place
        self.note("running")

    def check_drawn(self) -> None:
        """Refuse a figure of a finding that is not there, with the nearest names, or that has no figure of its kind."""
        for name, plots in self.draw.items():
            if name not in self.found:
                raise ProtocolError(
                    f"draw= names {name!r}, which main did not find.{did_you_mean(name, self.found)} It found "
                    f"{listed(self.found, empty='nothing')}."
                )
            if plots is None and self._known(name) is None:
                raise ProtocolError(
                    f"draw= names {name!r}, a {type(self.found[name]).__name__} of which nl.plots has no figure. Leave "
                    f"it out, or say how: draw={{{name!r}: my_figure}}."
                )

    def _known(self, name: str) -> Plot | None:
        return plot_for(self.found[name]) if is_result(self.found[name]) else None

    def finish(self, status: str, error: str = "") -> None:
        """Draw and report what was found, and close the manifest."""
        for name, plots in (dict.fromkeys(self.found) if self.every else self.draw).items():
            if name in self.found:
                known = self._known(name) if plots is None else plots
                self._draw(name, [known] if callable(known) else list(known or ()))
        self.note(status, error)
        manifest = self.manifest(status, error)
        self.folder.write(
            "report.html",
            lambda path: write_report(self.found, path, figures=self.figures, title=self.name, manifest=manifest),
        )
        if status == "finished":
            self.folder.clear_stale()
        self.note(status, error)

    def _draw(self, name: str, plots: list[Plot]) -> None:
        for at, plot in enumerate(plots):
            known = drawing_of(plot)
            label = name if at == 0 else f"{name}-{known.name.removeprefix('plot_') if known else at + 1}"
            if label in {figure.name for figure in self.figures}:  # several figures of one kind
                label = f"{label}-{at + 1}"
            saved = save_figure(self.found[name], self._with_regions(plot), self.folder.root / "figures", label)
            self.folder.adopt(saved.paths)
            self.figures.append(saved)

    def _with_regions(self, plot: Plot) -> Plot:
        """Get a figure function with ``roi="name"`` replaced by the region that was found under that name."""
        chosen = choices_of(plot).get("roi")
        return partial(plot, roi=self.found[chosen]) if isinstance(chosen, str) and chosen in self.found else plot

    def manifest(self, status: str, error: str = "") -> dict[str, Any]:
        """Get what the manifest says now, without the list of files."""
        state = {"status": status, "seconds": round(time.monotonic() - self.started, 1)}
        findings = {name: {"file": self.places[name], **describe_finding(self.found[name])} for name in self.found}
        figures = [figure.name for figure in self.figures]
        digests = weights_and_stimuli(self.found)
        return {
            **self.about,
            **state,
            **({"error": error} if error else {}),
            **digests,
            "findings": findings,
            "figures": figures,
        }

    def note(self, status: str, error: str = "") -> None:
        """Write the manifest as it stands."""
        self.folder.write_manifest(self.manifest(status, error))

    def summary(self) -> str:
        """Get what is printed at the end: verdicts, then every effect with its interval, p and floor."""
        results = {name: value for name, value in self.found.items() if is_result(value)}
        seconds, root = time.monotonic() - self.started, self.folder.root
        table = printed_table(results)
        count = f"findings: {len(self.found)}, figures: {len(self.figures)}, {seconds:.0f} s"
        return f"\n{table}\n\n{count}: {root / 'report.html'}"

    def said_of_shard(self, again: Sequence[str]) -> str:
        """Get what is printed when this run's part of the campaigns is computed, with the words to type next."""
        shard, store = self.options.shard, self.options.further["store"]
        return (
            f"{self.name}: shard {shard} is done; its lesions are kept in {store}. When all {shard and shard.n} are "
            f"done, type: {' '.join(again)}\nStores that lie apart are joined first: "
            f"neurolab merge {store} OTHERS --into DIR"
        )


def _wanted(draw: Draw | None) -> dict[str, Drawn]:
    """Finding -> figures; None where the figure of its kind is to be taken."""
    if isinstance(draw, bool):
        return {}
    if isinstance(draw, str):
        raise ProtocolError(f"draw={draw!r} is one word; expected names of findings. Type draw=[{draw!r}].")
    return dict(draw) if isinstance(draw, Mapping) else dict.fromkeys(draw or ())


def _finish_broken(run: Run, problem: BaseException) -> None:
    """Save what there is of a broken run; a second error must not hide the first."""
    error = f"{type(problem).__name__}: {problem}"
    try:
        run.finish("failed", error)
    except Exception as second:
        problem.add_note(f"After that, reporting the finished findings failed too: {type(second).__name__}: {second}")
        with suppress(StoreWriteError):  # the note says it
            run.note("failed", error)
    if run.found:
        kept = ", ".join(run.places.values())
        problem.add_note(f"Finished findings are on disk in {run.folder.root}: {kept}.")
    else:
        problem.add_note(
            f"No finding was finished; {run.folder.root / 'manifest.json'} says how it failed. A main that yields "
            "(name, finding) pairs keeps each one as soon as it is found."
        )


def _findings(main: Main, **arguments: Any) -> Iterator[tuple[str, Any]]:
    found = main(**arguments)
    if isinstance(found, Mapping):
        yield from _each(found.items())
    elif isinstance(found, Iterator):
        for pair in found:
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise ProtocolError(f"main yielded a {type(pair).__name__}; expected a pair: yield 'trials', trials")
            yield from _each([pair])
    else:
        raise ProtocolError(
            f"main gave a {type(found).__name__}; expected named findings. Type return {{'trials': trials}}, or "
            "yield 'trials', trials."
        )


def _each(pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Findings one by one: a mapping of results is one per result, under both names."""
    for name, value in pairs:
        several = isinstance(value, Mapping) and not isinstance(value, xr.Dataset) and bool(value)
        if several and all(isinstance(one, xr.Dataset) for one in value.values()):
            yield from ((f"{name}_{key}", one) for key, one in value.items())
        else:
            yield name, value


def _script_of(main: Main) -> tuple[str, str]:
    """Get the file that holds main (empty in a notebook) and the question: first line of its, or main's, docstring."""
    file = getattr(getattr(main, "__code__", None), "co_filename", "")
    script = str(Path(file).resolve()) if file.endswith(".py") else ""
    text = (getattr(main, "__globals__", {}).get("__doc__") if script else "") or main.__doc__ or ""
    return script, text.strip().partition("\n")[0]


def _is_program(script: str) -> bool:
    """Whether the script that holds main is the program that runs."""
    program = Path(sys.argv[0]) if sys.argv and sys.argv[0] else None
    return bool(script) and program is not None and program.resolve() == Path(script)
