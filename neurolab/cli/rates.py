"""The command that measures every test: rates at the edge of the null, coverage, power; a table and figures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from neurolab.errors import ProtocolError
from neurolab.writing import path_of, saying


def calibrate(options: argparse.Namespace) -> int:
    """Measure how often every public test errs at the edge of its null, covers and finds; write table and figures."""
    from neurolab.calibrate.run import QUICK_N, as_measured, calibrate
    from neurolab.calibrate.table import chosen
    from neurolab.calibrate.write import broken, write_rates

    entries = chosen(options.only, quick=options.quick)
    n = options.n or (QUICK_N if options.quick else 2_000)
    folder = options.out or Path("out/calibrate")
    shelf, progress = folder / "entries", sys.stderr.isatty()
    words = f"neurolab calibrate --n {n} --rng {options.rng}{' --quick' if options.quick else ''}"
    only = "".join(f' --only "{name}"' for name in options.only or ())
    with saying(folder, "--out with a folder of your own", kept="finished entries there are kept"):
        if options.as_measured:
            rows = as_measured(entries, shelf)
        else:
            shelf.mkdir(parents=True, exist_ok=True)  # now, not when the first entry is measured
            rows = calibrate(entries, n=n, rng=options.rng, n_jobs=options.n_jobs, folder=shelf, progress=progress)
        if not rows:
            raise ProtocolError(f"Nothing is finished in {shelf}; run without --as-measured.")
        written = write_rates(rows, folder, rng=options.rng, command=words + only)
    for row in rows:
        rate = f"{row['rate']:.3f} of {row['attainable']:.3f}" if "rate" in row else ""
        covered = f"covers {row['coverage']:.3f} of {row['attained']:.3f}" if "coverage" in row else ""
        print(f"{row['name']:<46} {row['kind']:<12} {rate:<15} {covered:<23} {row['verdict']}")
    wrong = broken(rows)
    print(f"{len(rows)} entries in {folder}; " + (f"BROKEN: {', '.join(wrong)}" if wrong else "all as promised"))
    return 1 if wrong or not written else 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--quick", action="store_true", help="200 simulations of the cheap entries")
    parser.add_argument("--n", type=int, help="simulations at the edge of each null (default 2,000; 200 with --quick)")
    parser.add_argument("--only", action="append", metavar="NAME", help="an entry or a test; may be given again")
    parser.add_argument("--n-jobs", type=int, default=1, help="workers; they change nothing but the time")
    parser.add_argument("--rng", type=int, default=0, help="integer that fixes every draw of chance (default 0)")
    parser.add_argument("--as-measured", action="store_true", help="measure nothing: write what lies finished in --out")
    parser.add_argument("--out", type=path_of, help="folder (default out/calibrate); finished entries there are kept")
