"""Write figures/rates.md, rates.csv and the figures of rates: how often every test errs, covers and finds.

Run it from the root of the checkout: ``python figures/make_rates.py``. It is ``neurolab calibrate``, and measures only
what ``figures/rates.csv`` lacks, or holds from other settings or other code: every row carries the digests of both. All
of it is about two hours of one core. It may be stopped and started again: finished entries are kept in
``out/calibrate/entries``. Words of ``neurolab calibrate`` may be added, such as ``--n-jobs 2``; with ``--as-measured``
nothing is measured, and rows from before a change of code are marked.
"""

import pathlib
import shutil
import sys

from neurolab.calibrate import ENTRIES
from neurolab.calibrate.kept import lay_out
from neurolab.cli import main

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "out" / "calibrate"


def make(words):
    """Run the calibration and copy its table and figures here, also where an entry is out of its band."""
    lay_out(HERE / "rates.csv", ENTRIES.values(), OUT / "entries")
    code = main(["calibrate", "--out", str(OUT), *words])
    for path in sorted(OUT.glob("rates*")):
        shutil.copy(path, HERE / path.name)
    return code


if __name__ == "__main__":
    raise SystemExit(make(sys.argv[1:]))
