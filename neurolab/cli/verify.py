"""The command that computes a finished run again and says what is the same: numbers, and decisions."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from neurolab.writing import path_of

if TYPE_CHECKING:
    from neurolab.protocol.verified import Verified


def verify(options: argparse.Namespace) -> int:
    """Compute a finished run again here and compare every finding: exact, within tolerance, or different."""
    from neurolab.protocol.verified import verify_run

    found = verify_run(
        options.folder,
        tolerance=options.tolerance,
        script=options.script,
        allow_changed=options.allow_changed,
        out=options.out,
    )
    print(json.dumps(_plain(found), indent=1, ensure_ascii=False) if options.json else said(found))
    return 0 if found.same else 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=path_of, help="the folder of a finished run, with its manifest.json")
    least = "largest difference that counts as none, as a share of the largest number (default 1e-6)"
    parser.add_argument("--tolerance", type=float, default=1e-6, metavar="X", help=least)
    parser.add_argument("--script", type=path_of, help="the protocol, where it lies somewhere else now")
    parser.add_argument("--allow-changed", action="store_true", help="compare although the script has changed since")
    parser.add_argument("--out", type=path_of, help="keep the second run here (default: it is thrown away)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def said(found: Verified) -> str:
    """Get the comparison as a table: a line per finding, what differs below it, and the sum of it all."""
    lines = [f"{found.protocol}{' (quick)' if found.quick else ''}, rng {found.rng}: computed again, compared with "
             f"{found.folder}", *(f"not as it was then: {line}" for line in found.other)]  # fmt: skip
    width = max(len(row.finding) for row in found.rows) if found.rows else 7
    lines.append(f"{'finding':<{width}}  {'':<8} {'difference':>10}  changed decisions")
    for row in found.rows:
        largest = f"{row.largest:10.2g}" if row.largest else f"{'0' if row.same == 'exact' else '':>10}"
        decided = f"{row.changed} of {row.decisions}" if row.decisions else "none taken"
        lines.append(f"{row.finding:<{width}}  {row.same:<8} {largest}  {decided}{_where(row.where)}")
        lines += [f"{'':<{width}}  {line}" for line in row.said]
    return "\n".join([*lines, _sum(found)])


def _where(name: str) -> str:
    return f" (largest in {name})" if name else ""


def _sum(found: Verified) -> str:
    kinds = [row.same for row in found.rows]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds)))
    changed, every = (sum(getattr(row, name) for row in found.rows) for name in ("changed", "decisions"))
    verdict = "the same" if found.same else "NOT the same"
    return f"{verdict} at tolerance {found.tolerance:g}: {counts}; changed decisions: {changed} of {every}"


def _plain(found: Verified) -> dict[str, Any]:
    """The same as plain values; JSON has no infinity."""
    plain = {**asdict(found), "same": found.same}
    for row in plain["rows"]:
        row["largest"] = row["largest"] if math.isfinite(row["largest"]) else "infinite"
    return plain
