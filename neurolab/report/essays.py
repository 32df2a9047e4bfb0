"""One report over several protocols: a row per claim with verdict, numbers and figure, and what failed and why."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from neurolab.plots import SavedFigure
from neurolab.report.claimed import claim_table
from neurolab.report.html import write_page
from neurolab.report.methods import paragraph
from neurolab.report.provenance import provenance
from neurolab.report.references import bibliography
from neurolab.writing import path_of, write_whole

COLUMNS = ("protocol", "claim", "verdict", "effect", "n", "figure", "expects", "reasons", "undermined_by", "note")
QUICK = "Quick runs: they show that the protocols work; their numbers are not the experiments'."
STYLE = (
    "<style>.nl .claims img {width: 22rem; max-width: 22rem} .nl .claims td, .nl .claims th {padding-right: 1rem} "
    ".nl .claims tbody th {min-width: 12rem} .nl .claims td {min-width: 5rem}</style>"
)


@dataclass(frozen=True, eq=False)
class Told:
    """What one protocol says: its claims, or why it says none.

    status : "finished", "failed", "not run" (a package is missing), "no claims" or "not yet run".
    claims : of ``nl.analysis.claims``; None where there are none. figures : those drawn, by name of the finding.
    """

    name: str
    question: str = ""
    status: str = "not yet run"
    reason: str = ""
    seconds: float = 0.0
    claims: xr.Dataset | None = None
    figures: Mapping[str, SavedFigure] = field(default_factory=dict)


def essays_table(told: Sequence[Told], root: Path) -> pd.DataFrame:
    """Get one row per claim; a protocol without claims has one row, whose verdict is its status and reasons its cause.

    root : the folder that figures are named from.
    """
    rows: list[dict[str, Any]] = []
    for one in told:
        if one.claims is None:
            said = {"protocol": one.name, "verdict": one.status, "reasons": one.reason}
            rows.append({**dict.fromkeys(COLUMNS, ""), **said})
            continue
        for row in records(claim_table(one.claims)):
            drawn = one.figures.get(row["figure"])
            place = drawn.png.relative_to(root).as_posix() if drawn else ""
            rows.append({**row, "protocol": one.name, "figure": place})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_essays(told: Sequence[Told], root: str | os.PathLike[str], *, about: Mapping[str, Any]) -> list[Path]:
    """Write ``claims.csv``, ``claims.md`` and ``report.html`` into a folder and return their paths.

    Parameters
    ----------
    told : in the order of the report. root : the folder; each protocol's own run lies below it.
    about : what the report says of the run: command, rng, quick, versions.
    """
    folder = path_of(root)
    table = essays_table(told, folder)
    csv = _whole(folder / "claims.csv", table.to_csv(index=False, lineterminator="\n"))
    page = _whole(folder / "claims.md", _markdown(told, table, about))
    sections = [
        ("Claims", STYLE + _head(about) + _rows(told)),
        ("Reasons", _reasons(table)),
        ("Not finished", _unfinished(told)),
        ("Methods", _methods(told)),
        ("How to get it again", provenance({}, about) + _runs(told)),
    ]
    write_page(folder / "report.html", "essays", [(name, content) for name, content in sections if content])
    return [csv, page, folder / "report.html"]


def records(table: pd.DataFrame) -> list[dict[str, str]]:
    """Get the rows of a table of text, each a dictionary."""
    return [{str(name): str(cell) for name, cell in row.items()} for row in table.to_dict("records")]


def _whole(path: Path, text: str) -> Path:
    write_whole(path, text.encode())
    return path


def _markdown(told: Sequence[Told], table: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """The table, for a page on the web: a row per claim, with a link to its figure."""
    lines = ["# The essays' claims on the bench", ""]
    lines += [QUICK, ""] if about.get("quick") else []
    lines += [f"`{' '.join(map(str, about.get('command', [])))}`", ""]
    lines += ["| protocol | claim | verdict | effect [interval] | n | figure |", "| --- " * 6 + "|"]
    for row in records(table):
        figure = f"[figure]({row['figure']})" if row["figure"] else ""
        claim = row["claim"] or row["reasons"]
        cells = (row["protocol"], claim, f"**{row['verdict']}**", row["effect"], row["n"], figure)
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    flagged = table[table["undermined_by"] != ""]
    lines += ["", "What would undermine them:", ""] if len(flagged) else []
    lines += [f"* {_cell(row['claim'])} {_cell(row['undermined_by'])}" for row in records(flagged)]
    return "\n".join([*lines, ""])


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def _head(about: Mapping[str, Any]) -> str:
    return f"<p>{html.escape(QUICK)}</p>" if about.get("quick") else ""


def _rows(told: Sequence[Told]) -> str:
    """The table of claims as HTML; a figure that several claims share is shown once."""
    named = ("Claim", "Verdict", "Effect [interval]", "n", "Protocol", "Figure")
    head = "".join(f'<th scope="col">{name}</th>' for name in named)
    shown: set[str] = set()
    body = []
    for one in told:
        rows = records(claim_table(one.claims)) if one.claims is not None else []
        for row in rows:
            name = html.escape(one.name)
            effect = html.escape(row["effect"]).replace("; ", "<br>")  # a line per condition
            cells = f"<td>{effect}</td><td>{html.escape(row['n'])}</td>"
            cells += f'<td><a href="{name}/report.html">{name}</a></td>'
            claim, verdict = html.escape(row["claim"]), html.escape(row["verdict"])
            figure = _figure(one, str(row["figure"]), shown)
            body.append(f'<tr><th scope="row">{claim}</th><td><strong>{verdict}</strong></td>{cells}{figure}</tr>')
    if not body:
        return "<p>No protocol has told its claims yet.</p>"
    return f'<table class="claims"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def _figure(one: Told, name: str, shown: set[str]) -> str:
    drawn, place = one.figures.get(name), f"{one.name}-{name}".replace(" ", "-")
    if drawn is None:
        return f"<td>{html.escape(f'{name} was not drawn') if name else ''}</td>"
    if place in shown:
        return f'<td><a href="#{html.escape(place)}">{html.escape(name)}, above</a></td>'
    shown.add(place)
    image = base64.b64encode(drawn.png.read_bytes()).decode("ascii")
    alt = html.escape(drawn.alt.read_text("utf-8").strip(), quote=True)
    legend = html.escape(drawn.legend.read_text("utf-8").strip())
    return (
        f'<td id="{html.escape(place)}"><img src="data:image/png;base64,{image}" alt="{alt}">'
        f"<details><summary>Legend of {html.escape(name)}</summary>{legend}</details></td>"
    )


def _reasons(table: pd.DataFrame) -> str:
    parts = []
    for row in records(table[table["claim"] != ""]):
        against = f" Undermined by: {row['undermined_by']}" if row["undermined_by"] else ""
        against += f" Note: {row['note']}" if row["note"] else ""
        parts.append(
            f"<p><strong>{html.escape(row['claim'])}</strong> Expected: {html.escape(row['expects'])}. "
            f"{html.escape(row['reasons'] + against)}</p>"
        )
    return "".join(parts)


def _unfinished(told: Sequence[Told]) -> str:
    lines = [
        f"<li><strong>{html.escape(one.name)}</strong>: {html.escape(one.status)}. {html.escape(one.reason)}</li>"
        for one in told
        if one.claims is None
    ]
    return f"<ul>{''.join(lines)}</ul>" if lines else ""


def _methods(told: Sequence[Told]) -> str:
    made = {one.name: paragraph(one.claims) for one in told if one.claims is not None}
    said = "".join(f"<p><em>{html.escape(name)}.</em> {html.escape(text)}</p>" for name, (text, _) in made.items())
    cited = bibliography(key for _, keys in made.values() for key in keys)
    return said + (f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in cited)}</ul>" if cited else "")


def _runs(told: Sequence[Told]) -> str:
    """Every protocol with its question, its status, how long it took and where its own report lies."""
    rows = "".join(
        f'<tr><th scope="row"><a href="{html.escape(one.name)}/report.html">{html.escape(one.name)}</a></th>'
        f"<td>{html.escape(one.question)}</td><td>{html.escape(one.status)}</td><td>{one.seconds:.0f} s</td></tr>"
        for one in told
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Protocol", "Question", "Status", "Time"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
