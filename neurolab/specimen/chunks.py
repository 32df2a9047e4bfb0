"""Chunks on their way to disk: filled by the hooks, each written once, whole, while the network computes on."""

from __future__ import annotations

import math
import mmap
import os
import pathlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

#: Bytes of one chunk at most: small enough to stay in the cache between the copy and the write.
CHUNK = 2**22
#: From this size on a chunk goes past the page cache, which a recording larger than memory would only sweep.
STRAIGHT = 2**20
#: What a write past the page cache must be a multiple of, in bytes.
BLOCK = 4096
#: Chunks that may wait for the disk.
WAITING = 1


def chunk_columns(rows: int, width: int, itemsize: int) -> int:
    """Get how many columns a chunk of so many rows has: at most CHUNK bytes, in whole blocks where it is large.

    Example
    -------
    >>> chunk_columns(32, 611_428, 4), chunk_columns(32, 100, 4)
    (32768, 100)
    """
    most = max(1, CHUNK // (rows * itemsize))
    step = BLOCK // math.gcd(BLOCK, rows * itemsize)
    return width if width <= most else most - most % step if most > step else most


class Chunks:
    """Writes an array (stimuli, neuroids) in chunks of some rows and columns, one batch of rows after another.

    ``name`` gives the file of a chunk from its place (row, column) in the grid of chunks.
    """

    def __init__(
        self, name: Callable[[int, int], pathlib.Path], rows: int, columns: int, width: int, dtype: np.dtype
    ) -> None:
        self.name, self.rows, self.columns, self.width, self.dtype = name, rows, columns, width, dtype
        self.straight = hasattr(os, "O_DIRECT") and rows * columns * dtype.itemsize >= STRAIGHT
        self.at = slice(0, 0)
        self.begun: dict[int, tuple[torch.Tensor, int]] = {}  # column of chunks -> its buffer, columns still missing
        self.free: list[torch.Tensor] = []
        self.waiting: deque[tuple[Future[None], torch.Tensor]] = deque()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="neurolab-disk")
        self.failed: BaseException | None = None

    def begin(self, at: slice) -> None:
        """Say which rows come next."""
        self.at = at
        self.name(at.start // self.rows, 0).parent.mkdir(parents=True, exist_ok=True)

    def put(self, span: slice, values: torch.Tensor) -> None:
        """Take over the columns ``span`` of these rows, (rows, columns) on the host; raises nothing, see :meth:`done`.

        A hook calls it, and a model may catch what a hook raises.
        """
        for column in range(span.start // self.columns, -(-span.stop // self.columns)):
            first = column * self.columns
            low, high = max(span.start, first), min(span.stop, first + self.columns)
            buffer, missing = self.begun.pop(column) if column in self.begun else self._begun(first)
            buffer[: len(values), low - first : high - first].copy_(values[:, low - span.start : high - span.start])
            self.begun[column] = buffer, missing - (high - low)
            if missing == high - low:
                del self.begun[column]
                path = self.name(self.at.start // self.rows, column)
                self.waiting.append((self.thread.submit(self._write, path, buffer), buffer))

    def done(self) -> None:
        """Take note that the rows are whole and checked; raises what went wrong on the disk so far."""
        if self.failed is not None:
            raise self.failed

    def finish(self) -> None:
        """Wait until all is on the disk; raises OSError when it could not be written."""
        while self.waiting:
            self._written()
        self.done()

    def close(self) -> None:
        """End the thread and give the memory back."""
        self.thread.shutdown(wait=True, cancel_futures=True)
        self.begun.clear()
        self.free.clear()
        self.waiting.clear()

    def _begun(self, first: int) -> tuple[torch.Tensor, int]:
        """Room for one chunk, and how many columns it will get; rows and columns past the end are zero."""
        while len(self.waiting) > WAITING or (self.waiting and self.waiting[0][0].done()):
            self._written()
        buffer = self.free.pop() if self.free else _aligned((self.rows, self.columns), self.dtype)
        rows, columns = self.at.stop - self.at.start, min(self.columns, self.width - first)
        if rows < self.rows:
            buffer[rows:] = 0
        if columns < self.columns:
            buffer[:, columns:] = 0
        return buffer, columns

    def _written(self) -> None:
        done, buffer = self.waiting.popleft()
        self.failed = self.failed or done.exception()
        self.free.append(buffer)

    def _write(self, path: pathlib.Path, buffer: torch.Tensor) -> None:
        values = buffer.numpy().reshape(-1).view(np.uint8).data
        if not (self.straight and len(values) % BLOCK == 0 and _written_straight(path, values)):
            self.straight = False
            path.write_bytes(values)


def _written_straight(path: pathlib.Path, values: memoryview) -> bool:
    """Write past the page cache; False where the file system cannot, or wrote a part only."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_DIRECT)
    except OSError:
        return False
    try:
        return os.write(file, values) == len(values)
    except OSError:
        return False
    finally:
        os.close(file)


def _aligned(shape: tuple[int, int], dtype: np.dtype) -> torch.Tensor:
    """Room that begins on a page, as writing past the page cache asks."""
    memory = mmap.mmap(-1, max(1, shape[0] * shape[1] * dtype.itemsize))
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.from_numpy(np.frombuffer(memory, dtype=dtype).reshape(shape))
