"""What was typed to start a run: a report tells its reader these words, so they must be the ones that work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

_WORDS: ContextVar[tuple[str, ...]] = ContextVar("typed", default=())


@contextmanager
def typing(words: Sequence[str]) -> Iterator[None]:
    """Let every run that starts inside say that it was started by these words."""
    before = _WORDS.set(tuple(words))
    try:
        yield
    finally:
        _WORDS.reset(before)


def command_of(script: str, given: Sequence[str], *, is_program: bool) -> list[str]:
    """Get the words that start a run again: those of the command line, of Python, or of the call in a notebook.

    Example
    -------
    >>> command_of("/home/me/my_protocol.py", ["--rng", "3"], is_program=True)
    ['python', 'my_protocol.py', '--rng', '3']
    >>> command_of("", ["--quick"], is_program=False)
    ["nl.run_script(main, argv=['--quick'])"]
    """
    if _WORDS.get():
        return list(_WORDS.get())
    if is_program:
        return ["python", script.replace("\\", "/").rpartition("/")[2], *given]
    return [f"nl.run_script(main, argv={list(given)!r})"]
