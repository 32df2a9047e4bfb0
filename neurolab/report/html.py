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
from neurolab.plots.read import level
from neurolab.plots.words import sample_words, sentences, tidy
from neurolab.report.answers import answer
from neurolab.report.cases import own_tables
from neurolab.report.lesions import damage_paragraph, damage_tables, is_trials
from neurolab.report.methods import paragraph
from neurolab.report.methods_of_deficits import room_words
from neurolab.report.plain import told
from neurolab.report.provenance import provenance
from neurolab.report.references import bibliography
from neurolab.report.tables import MOST_ROWS, formatted, picked_names, result_table, untested
from neurolab.writing import path_of, removed_on_error

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
    findings : name -> finding; results are told in words, tables and methods; trials say what was lesioned; plain
        values and tables are shown as they are.
    path : ends in ``.html``; replaced if it is there.
    figures : from ``save_figure``; images go in with their alternative text, and legends below them.
    title : of the page. manifest : of the run; its question, options and versions are shown.

    When this is invalid
    --------------------
    A report is a copy of what the results say; the numbers to work with are in ``results/``.

    Example
    -------
    >>> import tempfile
    >>> from neurolab.analysis import deficits
    >>> from neurolab.simulate import phantom_trials
    >>> found = {"deficits": deficits(phantom_trials(rng=0), rng=0), "answer": 42}
    >>> write_report(found, tempfile.mkdtemp() + "/report.html", title="my protocol").name
    'report.html'
    """
    results = {name: value for name, value in findings.items() if _is_result(value)}
    about = dict(manifest or {})
    trials = {name: value for name, value in findings.items() if is_trials(value)}
    rest = {name: value for name, value in findings.items() if name not in results and name not in trials}
    sections = [("Answer", _answer(results, about)), ("Figures", _figures(figures)),
                ("Results", _tables(results) + "".join(told(name, value) for name, value in rest.items())),
                ("Lesions and tasks", "".join(damage_tables(name, value) for name, value in trials.items())),
                ("Methods", _methods(trials, results)),
                ("How to get it again", provenance(findings, about))]  # fmt: skip
    target = path_of(path)
    write_page(target, title, [(name, content) for name, content in sections if content])
    return target


def _is_result(value: object) -> bool:
    return isinstance(value, xr.Dataset) and bool(value.attrs.get("analysis"))


def write_page(target: Path, title: str, sections: list[tuple[str, str]]) -> None:
    """Write sections, each a name and its HTML, as one page that needs nothing else."""
    import mne

    loud = logging.getLogger("mne").level
    page = mne.Report(title=title, verbose="ERROR")
    page.add_custom_css(STYLE)
    for name, content in sections:
        page.add_html(f'<div class="nl">{content}</div>', title=name, tags=("neurolab",))
    draft = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.html")
    with removed_on_error(draft):
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
        parts.append(_verdict(name, result) if result.attrs.get("verdict") else _sentence(name, result))
    return "".join(parts)


def _sentence(name: str, result: xr.Dataset) -> str:
    return f"<p><strong>{html.escape(name)}.</strong> {html.escape(answer(result))}</p>"


def _verdict(name: str, result: xr.Dataset) -> str:
    verdict = html.escape(f"{name}: {tidy(str(result.attrs['verdict']))} ({sample_words(result)})")
    lists = [
        f"<p>{intro}</p><ul>{''.join(f'<li>{html.escape(said)}</li>' for said in sentences(result, attr))}</ul>"
        for intro, attr in (("Because:", "reasons"), ("Undermined by:", "undermined_by"))
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
    table, own = result_table(result), own_tables(result)
    estimand = tidy(str(result.attrs.get("estimand", ""))).rstrip(".").replace("such stimuli", "stimuli like these")
    head = f"<p>{html.escape(estimand[:1].upper() + estimand[1:])}; {html.escape(sample_words(result))}.</p>"
    note = tidy(str(result.attrs.get("note", "") or ""))
    notes = " ".join(filter(None, (picked_names(result), room_words(result), note)))
    said = f"<p>{html.escape(notes)}</p>" if notes else ""
    if own:
        return head + "".join(f"<p>{html.escape(caption)}.</p>{_grid(rows)}" for caption, rows in own) + said
    if not len(table):
        return f"{head}<p>{html.escape(untested(result))}.</p>{said}"
    more = f"<p>{len(table) - MOST_ROWS} more rows are in the saved result.</p>" if len(table) > MOST_ROWS else ""
    return f"{head}{_grid(formatted(table.head(MOST_ROWS), level(result)))}{more}{said}"


def _grid(rows: Sequence[tuple[str, ...]]) -> str:
    columns = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in rows[0])
    return f"<table><thead><tr>{columns}</tr></thead><tbody>{''.join(map(_row, rows[1:]))}</tbody></table>"


def _row(cells: tuple[str, ...]) -> str:
    what, *numbers = map(html.escape, cells)
    return f'<tr><th scope="row">{what}</th>{"".join(f"<td class=number>{cell}</td>" for cell in numbers)}</tr>'


def _methods(trials: Mapping[str, xr.Dataset], results: Mapping[str, xr.Dataset]) -> str:
    paragraphs_of = {name: damage_paragraph(value) for name, value in trials.items()}
    paragraphs_of |= {name: paragraph(result) for name, result in results.items()}
    paragraphs = []
    for name, (text, keys) in paragraphs_of.items():
        cited = f" ({'; '.join(keys)})" if keys else ""
        paragraphs.append(f"<p><em>{html.escape(name)}.</em> {html.escape(text + cited)}</p>")
    lines = [html.escape(line) for line in bibliography(key for _, keys in paragraphs_of.values() for key in keys)]
    references = f"<h3>References</h3><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>" if lines else ""
    return "".join(paragraphs) + references
