"""What undermines a result, and which of its arms or conditions that is about: others need not carry it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: Sentence -> dim -> the names along it that the sentence is about; about everything where it names no dim.
Flags = Mapping[str, Mapping[str, Sequence[str]]]


def as_attrs(flags: Flags) -> dict[str, Any]:
    """Get flags as the attrs of a result or of trials."""
    about = {sentence: {dim: list(names) for dim, names in dims.items()} for sentence, dims in flags.items() if dims}
    return {"undermined_by": json.dumps(list(flags)), "flags_about": json.dumps(about)}


def flags_in(attrs: Mapping[Any, Any]) -> dict[str, dict[str, list[str]]]:
    """Get the flags that attrs hold, of a result, of trials or of a table; those of an override included.

    Example
    -------
    >>> flags_in(as_attrs({"Half of them.": {"arm": ["cut"]}, "All of them.": {}}))
    {'Half of them.': {'arm': ['cut']}, 'All of them.': {}}
    """
    said = _read(attrs.get("undermined_by"), [])
    about = _read(attrs.get("flags_about"), {})
    found = {str(sentence): dict(about.get(sentence, {})) for sentence in said}
    return found | ({override_text(attrs): {}} if attrs.get("override") else {})


def override_text(attrs: Mapping[Any, Any]) -> str:
    """Get the sentence that an override was used, or none."""
    return f"An override was used: {attrs['override']}." if attrs.get("override") else ""


def flags_of(flags: Flags, **used: Iterable[str]) -> list[str]:
    """Get the sentences about what is used; a dim that is not said may be used anywhere.

    Example
    -------
    >>> flags_of({"Half of them.": {"arm": ["cut"]}, "All of them.": {}}, arm=["whole"])
    ['All of them.']
    """
    kept = {dim: set(map(str, names)) for dim, names in used.items()}
    return [
        sentence
        for sentence, about in flags.items()
        if all(dim not in kept or kept[dim].intersection(names) for dim, names in about.items())
    ]


def _read(text: Any, default: Any) -> Any:
    """JSON of an attr, or what a table holds as it is; one sentence where it is plain text."""
    if isinstance(text, (Mapping, list, tuple)):
        return text
    try:
        return json.loads(str(text)) if text else default
    except json.JSONDecodeError:
        return [str(text)]
