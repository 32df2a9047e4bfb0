"""R1: every layer of a ResNet-18 recorded to disk for 256 stimuli, against the plain forward."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

import neurolab as nl
from neurolab.recording import at_site
from neurolab.specimen.chunks import BLOCK, CHUNK, _aligned

from . import networks
from .measure import Row, extra_mb, in_fresh_process, interleaved, one_thread, ratios

BATCH = 32


class Streaming:
    """A network, stimuli and probes of all its layers, every value kept."""

    def __init__(self, quick: bool) -> None:
        self.model = networks.resnet(16 if quick else 64)
        self.stimuli = networks.pictures(64 if quick else 256)
        self.specimen = nl.Specimen(self.model, self.stimuli.inputs[:1], name="R1")
        leaves = {name for name, part in self.model.named_modules() if not list(part.children())}
        table = self.specimen.sites()
        self.probes = [nl.Probe(site, pool=None) for site in table.working if site in leaves]
        self.batches = torch.tensor(np.asarray(self.stimuli.inputs)).split(BATCH)

    def forward(self) -> None:
        """Run the network and keep nothing."""
        with torch.no_grad():
            for batch in self.batches:
                self.model(batch)

    def append(self, folder: Path) -> Callable[[], None]:
        """Get what appends every layer's output to a file of its own, raw, unchecked: what a recording cannot beat."""
        taken = iter(range(1000))

        def work() -> None:
            place = folder / f"raw{next(taken)}"
            place.mkdir()
            with ExitStack() as stack:
                for at, probe in enumerate(self.probes):
                    file = stack.enter_context(open(place / str(at), "wb", buffering=0))
                    handle = self.model.get_submodule(probe.site).register_forward_hook(
                        lambda module, args, output, file=file: _appended(file, output))
                    stack.callback(handle.remove)
                self.forward()
            shutil.rmtree(place)

        return work

    def bare(self, folder: Path) -> Callable[[], None]:
        """Get what copies every layer's output to one aligned room and writes that past the page cache to one file.

        Neither names nor shapes are kept, and nothing is checked: the least that a recording does which copies at all.
        """
        room = _aligned((1, CHUNK // 4), np.dtype(np.float32))[0]
        taken = iter(range(1000))

        def work() -> None:
            place = folder / f"bare{next(taken)}"
            file = os.open(place, os.O_WRONLY | os.O_CREAT | getattr(os, "O_DIRECT", 0))

            def put(module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
                for part in output.reshape(-1).split(len(room)):
                    room[: len(part)].copy_(part)
                    size = -(-part.numel() * 4 // BLOCK) * BLOCK
                    os.write(file, room.numpy().view(np.uint8)[:size].data)

            with ExitStack() as stack:
                stack.callback(os.close, file)
                for probe in self.probes:
                    handle = self.model.get_submodule(probe.site).register_forward_hook(put)
                    stack.callback(handle.remove)
                self.forward()
            place.unlink()

        return work

    def record(self, folder: Path) -> Callable[[], None]:
        """Get what records to a new store in a folder, every time that it is called."""
        taken = iter(range(1000))

        def work() -> None:
            store = folder / f"{next(taken)}.zarr"
            self.found = nl.record(self.specimen, self.stimuli, self.probes, batch_size=BATCH, store=store)

        return work


def _appended(file: BinaryIO, output: torch.Tensor) -> None:
    file.write(memoryview(output.numpy()).cast("B"))


def race(*, quick: bool = False, repeats: int | None = None, peers: bool = True) -> Row:
    """Get the row of R1; the goal is a forward's time, 1.2 of it at most."""
    turns = repeats or (3 if quick else 5)
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        stream = Streaming(quick)
        stream.forward()
        works = {"forward": stream.forward, "ours": stream.record(Path(folder)), "raw": stream.append(Path(folder)),
                 "bare": stream.bare(Path(folder))}
        seconds = interleaved(works, turns)
        apart, size = _apart(stream), float(stream.found.nbytes)
    speedup, (low, high) = ratios(seconds["forward"], seconds["ours"])
    raw, bare = (ratios(seconds["forward"], seconds[one])[0] for one in ("raw", "bare"))
    extra = in_fresh_process("streaming", quick=quick)["extra_mb"]
    return Row(
        "R1", f"{len(stream.probes)} layers of a ResNet-18, {len(stream.stimuli)} stimuli, {size / 1e6:.0f} MB to disk",
        "plain forward", 1 / 1.2, speedup, None, speedup / bare, apart, extra,
        {"raw files": raw, "bare copies": bare}, turns, (low, high), quick,
        {"times_the_forward": 1 / speedup, "bare_times_the_forward": 1 / bare,
         "ours_s": sorted(seconds["ours"])[turns // 2], "forward_s": sorted(seconds["forward"])[turns // 2],
         "recorded_mb": size / 1e6},
        ["raw files: a hook per layer that appends its output to a file, with no check, name or shape",
         "bare copies, the least that copies: outputs copied to aligned room, written to one file, unchecked",
         "seconds are of the processor, in the kernel too; neurolab writes past the page cache"],
    )  # fmt: skip


def _apart(stream: Streaming) -> float:
    """The largest difference of the recorded first and last batch of some layers from plain hooks."""
    worst = 0.0
    for probe in stream.probes[:: max(1, len(stream.probes) // 5)]:
        ours = at_site(stream.found, probe.site)
        for rows, batch in ((slice(0, BATCH), stream.batches[0]), (slice(-BATCH, None), stream.batches[-1])):
            right = _hooked(stream.model, probe.site, batch)
            worst = max(worst, float(np.abs(ours[rows].values - right.flatten(1).numpy()).max()))
    return worst


def _hooked(model: torch.nn.Module, site: str, batch: torch.Tensor) -> torch.Tensor:
    """What a plain hook sees at a site."""
    kept: list[torch.Tensor] = []
    handle = model.get_submodule(site).register_forward_hook(lambda module, args, output: kept.append(output))
    with torch.no_grad():
        model(batch)
    handle.remove()
    return kept[0]


def alone(quick: bool) -> dict[str, float]:
    """Get the peak memory of recording above that of the process with the network and the stimuli."""
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        stream = Streaming(quick)
        stream.forward()
        nl.record(stream.specimen, stream.stimuli.take(range(2)), stream.probes[:1], store=Path(folder) / "first.zarr")
        return {"extra_mb": extra_mb(stream.record(Path(folder)))}
