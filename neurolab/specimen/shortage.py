"""What is done with a tile for which there was no memory: halves, once; then a typed error that says what to type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from neurolab.errors import TooLargeError
from neurolab.specimen.canary import Canaries
from neurolab.specimen.plan import Tile, in_tiles
from neurolab.specimen.room import out_of_memory

if TYPE_CHECKING:
    from neurolab.specimen.engine import Answered, Engine


def halved(engine: Engine, tile: Tile) -> Iterator[Answered]:
    """Get the answers under each lesion of a tile by halves of it, which its canaries check anew.

    A lesion that is alone is computed again with nothing kept beside it, which changes no bit; in smaller batches it is
    not, for that may. ``engine.pressed`` says what was done.

    Raises
    ------
    TooLargeError : there is no memory for that either.
    """
    engine.empty()
    size = max(tile.copies, len(tile.at))
    with said_so(engine):
        if size == 1:
            yield from engine.answered([tile])
            return
        half = replace(tile, copies=max(tile.copies // 2, 1))
        parts = in_tiles(tile.at, size // 2)
        checked = Canaries(engine, tile.at).compare(tile.path, engine.serving(half), parts, bits=False)
        if all(one.held for one in checked):
            engine.pressed |= dict.fromkeys(tile.at, "halved: out of memory")
        else:
            engine.pressed |= dict.fromkeys(tile.at, "by hooks: out of memory, and in halves a canary died")
            half = replace(tile, path="hooks", copies=1)
        for at in parts:
            yield from engine.answered([replace(half, at=at)])


@contextmanager
def said_so(engine: Engine) -> Iterator[None]:
    """Say in words that memory was short, and what to type."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        n = len(engine.batches[0].inputs)
        way = f"Type batch_size={n // 2}" if n > 1 else "Type a smaller n_jobs="
        raise TooLargeError(
            f"{engine.table.specimen.name!r} with {n} stimuli at a time takes more memory than there is, also with "
            f"nothing kept beside it ({str(error).splitlines()[0][:120]}). {way}; a store is of one batch size, so "
            "another one needs another store=. What is finished is kept."
        ) from error
