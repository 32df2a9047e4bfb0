"""How to get a run again: the command that was typed, chance, versions, the state of the code."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any


def provenance(findings: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Get a table (HTML) of what a manifest says about how to get its run again."""
    rows = {
        "command": " ".join(map(str, about.get("command", []))),
        "rng": about.get("rng", ""),
        "neurolab": about.get("neurolab", ""),
        "python": about.get("python", ""),
        "git": git_words(about.get("git")),
        **dict(about.get("versions", {})),
        "findings": ", ".join(findings),
    }
    cells = "".join(
        f'<tr><th scope="row">{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>'
        for name, value in rows.items()
        if str(value)
    )
    return f"<table><tbody>{cells}</tbody></table>"


def git_words(state: object) -> str:
    """Get the git state of a manifest in words.

    Example
    -------
    >>> git_words({"script": None, "neurolab": None})
    'no checkout'
    >>> git_words({"script": None, "neurolab": {"commit": "0123456789abcdef", "uncommitted changes": True}})
    'neurolab at commit 0123456789 with uncommitted changes'
    """
    known = state if isinstance(state, Mapping) else {}
    said = [
        f"{what} at commit {str(one['commit'])[:10]}" + (" with uncommitted changes" * bool(one["uncommitted changes"]))
        for what, one in known.items()
        if isinstance(one, Mapping) and "commit" in one and "uncommitted changes" in one
    ]
    return "; ".join(said) or "no checkout"
