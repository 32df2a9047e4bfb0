"""What recording would cost without a copy: outputs held by a thread and written from where torch put them.

Run by hand: ``python tests/benchmarks/bench_held.py``. Network, stimuli and forward are those of R1, without names,
shapes or checks; a tensor that something behind its layer writes into would be recorded wrongly. A write past the page
cache must begin where its address does, modulo a sector; a file takes that, an array of zarr's regular chunks does not.
"""

from __future__ import annotations

import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from neurolab.specimen import bench
from neurolab.specimen.columns import Columns
from neurolab.specimen.filling import finite
from neurolab.specimen.record import _recording, resolve
from neurolab.specimen.stream import Streamed
from tests.benchmarks.measure import interleaved, one_thread, ratios
from tests.benchmarks.streaming import BATCH, Streaming

#: What address, size and place in the file of a write past the page cache are multiples of, in bytes.
SECTOR = 512
#: Bytes of outputs that may wait for the disk.
HELD = 2**24
TURNS = 7


class Held:
    """A thread that writes tensors from where they lie: to one file, or to one each."""

    def __init__(self, folder: Path, each: bool) -> None:
        self.folder, self.each, self.at, self.held = folder, each, 0, 0
        self.queue: queue.SimpleQueue[torch.Tensor | None] = queue.SimpleQueue()
        self.less = threading.Condition()
        self.edges = np.zeros(2 * 4096 + 4096, dtype=np.uint8)
        start = -self.edges.ctypes.data % 4096
        self.head, self.tail = (memoryview(self.edges[start + skip :][:SECTOR]) for skip in (0, 4096))
        self.file = self._open("all")
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def __call__(self, module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
        size = output.numel() * output.element_size()
        with self.less:
            self.less.wait_for(lambda: not self.held or self.held + size <= HELD)
            self.held += size
        self.queue.put(output)

    def close(self) -> None:
        """Wait until all is written."""
        self.queue.put(None)
        self.thread.join()
        os.close(self.file)

    def _open(self, name: str) -> int:
        return os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_DIRECT)

    def _write(self) -> None:
        number = 0
        while (tensor := self.queue.get()) is not None:
            raw = memoryview(tensor.numpy().reshape(-1).view(np.uint8))
            lead = -tensor.data_ptr() % SECTOR
            end = lead + (len(raw) - lead) // SECTOR * SECTOR
            self.head[SECTOR - lead :] = raw[:lead]
            self.tail[: len(raw) - end] = raw[end:]
            parts = [self.head, raw[lead:end], self.tail]
            if self.each:
                file = self._open(str(number))
                os.pwritev(file, parts, 0)
                os.close(file)
            else:
                self.at += os.pwritev(self.file, parts, self.at)
            number += 1
            with self.less:
                self.held -= len(raw)
                self.less.notify()
            del raw, parts, tensor


def held(stream: Streaming, folder: Path, each: bool) -> Callable[[], None]:
    """Get what runs the network once with every output held and written."""
    taken = iter(range(1000))

    def work() -> None:
        place = folder / f"held-{each}-{next(taken)}"
        place.mkdir()
        with ExitStack() as stack:
            writer = Held(place, each)
            stack.callback(writer.close)
            hooked(stream, writer, stack)
            stream.forward()

    return work


def checked(stream: Streaming, folder: Path) -> Callable[[], None]:
    """Get the same to one file with all else that ``record(store=)`` does: checks, proofs, names, a store of zarr."""
    taken = iter(range(1000))
    channels = resolve(stream.specimen, stream.probes)
    n = len(stream.stimuli)

    def work() -> None:
        place = folder / f"checked-{next(taken)}"
        place.mkdir()
        with ExitStack() as stack:
            table = stack.enter_context(bench(stream.specimen))
            columns = Columns(stream.specimen, channels, table.digest)
            nobody = {name: np.zeros(0, dtype=np.int64) for name in columns.names}
            empty = np.empty((n, 0), dtype=np.float32)
            template = _recording(stream.specimen, stream.stimuli, channels, (), table.digest, empty, nobody)
            store = Streamed(place / "a.zarr", template, columns, BATCH)
            stack.callback(store.drop)
            store.describe(columns)
            writer = Held(place, each=False)
            stack.callback(writer.close)

            def sink(tensor: torch.Tensor) -> None:
                if not finite(tensor):
                    raise ValueError("a number that is none")
                writer(None, None, tensor)  # type: ignore[arg-type]

            with table.probed({channel.site: sink for channel in channels}):
                for at in range(0, n, BATCH):
                    inputs = stream.specimen.prepare(stream.stimuli.inputs[at : at + BATCH])
                    table.forward(inputs, stream.stimuli.ids[at : at + BATCH])

    return work


def hooked(stream: Streaming, hook: Callable[..., None], stack: ExitStack) -> None:
    """Hang a hook on every layer that is recorded."""
    for probe in stream.probes:
        stack.callback(stream.model.get_submodule(probe.site).register_forward_hook(hook).remove)


def idle(stream: Streaming) -> Callable[[], None]:
    """Get what runs the network once with hooks that do nothing."""

    def work() -> None:
        with ExitStack() as stack:
            hooked(stream, lambda module, args, output: None, stack)
            stream.forward()

    return work


def timed(work: Callable[[], Any], walls: list[float]) -> Callable[[], None]:
    """Get the same work, its seconds by the clock on the wall kept."""

    def again() -> None:
        start = time.perf_counter()
        work()
        walls.append(time.perf_counter() - start)

    return again


def main() -> None:
    """Print one row of a table per way of recording."""
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        stream = Streaming(quick="--quick" in sys.argv)
        stream.forward()
        works = {
            "forward": stream.forward, "hooks that do nothing": idle(stream),
            "held, one file": held(stream, Path(folder), each=False),
            "held, a file for each layer and batch": held(stream, Path(folder), each=True),
            "held, one file, with all checks, proofs and names": checked(stream, Path(folder)),
            "bare copies": stream.bare(Path(folder)), "record(store=)": stream.record(Path(folder)),
        }  # fmt: skip
        walls: dict[str, list[float]] = {name: [] for name in works}
        seconds = interleaved({name: timed(work, walls[name]) for name, work in works.items()}, TURNS)
    print("| way | CPU seconds, of the forward | low to high | seconds on the wall, of the forward |")
    print("| --- | --- | --- | --- |")
    for name in works:
        middle, (low, high) = ratios(seconds[name], seconds["forward"])
        wall = median(walls[name]) / median(walls["forward"])
        print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} | {wall:.2f} |")


if __name__ == "__main__":
    main()
