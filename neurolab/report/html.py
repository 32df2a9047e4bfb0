"""The report of a run: one HTML file that needs nothing else, made with mne.Report."""

from __future__ import annotations

import base64
import html
import logging
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from neurolab.plots import SavedFigure
from neurolab.plots.words import sample_words, sentences
from neurolab.report.methods import paragraph
from neurolab.report.references import bibliography
from neurolab.report.tables import MOST_ROWS, formatted, result_table

STYLE = """
.nl table {border-collapse: collapse; margin: .5rem 0 1rem} .nl th, .nl td {padding: .15rem .8rem .15rem 0;
text-align: left; border-bottom: 1px solid #ddd; vertical-align: top} .nl td.number {font-variant-numeric: tabular-nums}
.nl figure {margin: 0 0 1.5rem} .nl img {max-width: 46rem; width: 100%} .nl figcaption, .nl p, .nl ul {max-width: 52rem}
.nl .verdict {font-size: 1.25rem; font-weight: 600} .nl .failed {color: #8a1c00; font-weight: 600}
"""


def write_report(
    findings: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    figures: Sequence[SavedFigure] = (),
    title: str,
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """Write the findings of a run as one self-contained HTML file and return its path.

    Parameters
    ----------
    findings : name -> finding; results are told in words, tables and methods, other findings are only named.
    path : ends in ``.html``; replaced if it is there.
    figures : from ``save_figure``; images go in with their alternative text, and legends below them.
    title : of the page. manifest : of the run; its question, options and versions are shown.

    When this is invalid
    --------------------
    A report is a copy of what the results say; the numbers to work with are in ``results/``.
    """
    results = {name: value for name, value in findings.items() if _is_result(value)}
    about = dict(manifest or {})
    sections = [("Answer", _answer(results, about)), ("Figures", _figures(figures)), ("Results", _tables(results)),
                ("Methods", _methods(results)), ("How to get it again", _provenance(findings, about))]  # fmt: skip
    target = Path(path)
    _write(target, title, [(name, content) for name, content in sections if content])
    return target


def _is_result(value: object) -> bool:
    return isinstance(value, xr.Dataset) and bool(value.attrs.get("analysis"))


def _write(target: Path, title: str, sections: list[tuple[str, str]]) -> None:
    import mne

    loud = logging.getLogger("mne").level
    page = mne.Report(title=title, verbose="ERROR")
    page.add_custom_css(STYLE)
    for name, content in sections:
        page.add_html(f'<div class="nl">{content}</div>', title=name, tags=("neurolab",))
    draft = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.html")
    page.save(draft, open_browser=False, overwrite=True, verbose="ERROR")
    logging.getLogger("mne").setLevel(loud)
    # a clock in the footer would make every run another file, and its link is the only one that leaves the page
    made = re.sub(
        r"<span>Created on .*?</span>", "<span>Made by neurolab with MNE-Python</span>", draft.read_text("utf-8")
    )
    draft.write_text(made, encoding="utf-8")
    os.replace(draft, target)


def _answer(results: Mapping[str, xr.Dataset], about: Mapping[str, Any]) -> str:
    parts = [f"<p>{html.escape(str(about['question']))}</p>"] if about.get("question") else []
    if about.get("status") == "failed":
        error = html.escape(str(about.get("error", "")))
        parts.append(f'<p class="failed">This run did not finish; below is what it had found. {error}</p>')
    if about.get("quick"):
        parts.append("<p>A quick run: it shows that the protocol works, its numbers are not the experiment's.</p>")
    for name, result in results.items():
        if result.attrs.get("verdict"):
            parts.append(_verdict(name, result))
    return "".join(parts)


def _verdict(name: str, result: xr.Dataset) -> str:
    verdict = html.escape(f"{name}: {result.attrs['verdict']} ({sample_words(result)})")
    lists = [
        f"<p>{intro}</p><ul>{''.join(f'<li>{html.escape(said)}</li>' for said in sentences(result, attr))}</ul>"
        for intro, attr in (("Because:", "reasons"), ("It would be undermined by:", "undermined_by"))
        if sentences(result, attr)
    ]
    return f'<p class="verdict">{verdict}</p>{"".join(lists)}'


def _figures(figures: Sequence[SavedFigure]) -> str:
    return "".join(_figure(figure) for figure in figures)


def _figure(figure: SavedFigure) -> str:
    image = base64.b64encode(figure.png.read_bytes()).decode("ascii")
    alt = html.escape(figure.alt.read_text("utf-8").strip(), quote=True)
    legend = html.escape(figure.legend.read_text("utf-8").strip())
    name = html.escape(figure.name)
    return (
        f'<figure><img src="data:image/png;base64,{image}" alt="{alt}">'
        f"<figcaption><strong>{name}.</strong> {legend}</figcaption></figure>"
    )


def _tables(results: Mapping[str, xr.Dataset]) -> str:
    return "".join(f"<h3>{html.escape(name)}</h3>{_table(result)}" for name, result in results.items())


def _table(result: xr.Dataset) -> str:
    table = result_table(result)
    estimand = str(result.attrs.get("estimand", "")).rstrip(".")
    head = f"<p>{html.escape(estimand[:1].upper() + estimand[1:])}; {html.escape(sample_words(result))}.</p>"
    if not len(table):
        return head
    note = str(result.attrs.get("note", "") or "")
    rows = "".join(_row(formatted(row)) for row in table.head(MOST_ROWS).itertuples())
    more = f"<p>{len(table) - MOST_ROWS} more rows are in the saved result.</p>" if len(table) > MOST_ROWS else ""
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("", "effect", "interval", "p (smallest possible)"))
    told = f"<p>{html.escape(note)}</p>" if note else ""
    return f"{head}<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>{more}{told}"


def _row(cells: tuple[str, str, str, str]) -> str:
    what, *numbers = map(html.escape, cells)
    return f'<tr><th scope="row">{what}</th>{"".join(f"<td class=number>{cell}</td>" for cell in numbers)}</tr>'


def _methods(results: Mapping[str, xr.Dataset]) -> str:
    told = {name: paragraph(result) for name, result in results.items()}
    paragraphs = []
    for name, (text, keys) in told.items():
        cited = f" ({'; '.join(keys)})" if keys else ""
        paragraphs.append(f"<p><em>{html.escape(name)}.</em> {html.escape(text + cited)}</p>")
    lines = [html.escape(line) for line in bibliography(key for _, keys in told.values() for key in keys)]
    references = f"<h3>References</h3><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>" if lines else ""
    return "".join(paragraphs) + references


def _provenance(findings: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    rows = {"command": " ".join(map(str, about.get("command", []))), "rng": about.get("rng", ""),
            "neurolab": about.get("neurolab", ""), "python": about.get("python", ""), "git": about.get("git") or "no "
            "checkout",
            **dict(about.get("versions", {})), "findings": ", ".join(findings)}  # fmt: skip
    cells = "".join(
        f'<tr><th scope="row">{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>'
        for name, value in rows.items()
        if str(value)
    )
    return f"<table><tbody>{cells}</tbody></table>"
