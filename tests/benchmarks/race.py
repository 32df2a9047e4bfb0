"""A campaign of lesions raced against the loop of hooks, piece by piece in one process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from .campaigns import MADE, Campaign
from .cuts import hooked
from .measure import Clock, Row, extra_mb, in_fresh_process, one_thread, peak_flops, ratios
from .peers import race_peers

#: The place of the sham among the cuts: it comes first in the design.
SHAM = -1


@dataclass
class Run:
    """One run of a whole campaign, and the loop of hooks on a sample of it."""

    plan: Clock = field(default_factory=Clock)
    rest: Clock = field(default_factory=Clock)
    export: Clock = field(default_factory=Clock)
    loop: Clock = field(default_factory=Clock)
    n: int = 1
    stands_for: float = 1.0
    known: int = 0
    looped: int = 0
    worst: float = 0.0
    largest: float = 0.0

    @property
    def ours(self) -> float:
        """The seconds of the engine for the whole campaign, without the export, which is made once per network.

        Some lesions are answered while the plan is made, as canaries, and are not computed again: the others, and no
        more, stand for the rest of the campaign.
        """
        computed, asked = self.n - self.known, self.n * self.stands_for - self.known
        if asked and not computed:
            raise ValueError(f"All {self.n} lesions lay beside the canaries; none is left that stands for the rest.")
        times = asked / computed if computed else 1.0
        return self.plan.seconds - self.export.seconds + self.rest.seconds * times

    def loop_of(self, n: int) -> float:
        """Get the seconds of the loop for a campaign of which ``n`` lesions are computed; each costs it a forward."""
        return self.loop.seconds / self.looped * n * self.stands_for


def run_campaign(campaign: Campaign, turn: int = 0) -> Run:
    """Run the engine on the whole campaign, answers written to disk; pause for the loop of hooks on a sample.

    The engine's seconds are those between asking for an answer and having it on disk, everything included; the plan,
    with its canaries and what is kept of the intact network, is made before the sham's answer comes, the first.
    """
    run, sampled = Run(n=len(campaign.cuts), stands_for=campaign.stands_for), campaign.sampled(turn)
    block = max(1, len(sampled) // campaign.pauses)
    waiting: dict[int, torch.Tensor] = {}
    with tempfile.TemporaryFile() as file, export_apart(run.export), canaries_counted(run):
        given = engine(campaign)
        with run.plan.running():
            assert next(given)[0] == SHAM
        while True:
            with run.rest.running():
                found = next(given, None)
                if found is not None:
                    file.write(memoryview(found[1].numpy()).cast("B"))
            if found is not None and found[0] in sampled:
                waiting[found[0]] = found[1]
            if len(waiting) >= block or (found is None and waiting):
                _loop(run, campaign, waiting)
            if found is None:
                break
        with run.rest.running():
            file.flush()
    return run


def engine(campaign: Campaign) -> Iterator[tuple[int, torch.Tensor]]:
    """Get the place of every cut and the answers under it, as neurolab's engine gives them, the sham's first."""
    from neurolab.specimen.engine import answers

    for at, outputs in answers(campaign.specimen, campaign.design, campaign.stimuli, batch_size=campaign.batch_size):
        yield at - 1, torch.as_tensor(outputs).contiguous()


def _loop(run: Run, campaign: Campaign, waiting: dict[int, torch.Tensor]) -> None:
    """Do the same lesions by hooks, and compare."""
    for at, ours in waiting.items():
        with run.loop.running():
            right = hooked(campaign.model, campaign.batches, campaign.cuts[at])
        run.worst = max(run.worst, float((ours - right).abs().max()))
        run.largest = max(run.largest, float(right.abs().max()))
        run.looped += 1
    waiting.clear()


def race(which: str, *, quick: bool = False, repeats: int | None = None, peers: bool = True) -> Row:
    """Get the row of a workload of lesions."""
    with one_thread():
        campaign = MADE[which](quick)
        n, turns = len(campaign.cuts), repeats or campaign.repeats
        hooked(campaign.model, campaign.batches, campaign.cuts[0])  # the kernels are warm before the clock
        runs = [run_campaign(campaign, turn) for turn in range(turns)]
        ours, loop = [run.ours for run in runs], [run.loop_of(n) for run in runs]
        export = max(run.export.seconds for run in runs)
        peak = peak_flops()
        raced, notes = race_peers(campaign) if peers else ({}, [])
    speedup, spread = ratios(loop, ours)
    full, _ = ratios(loop, [seconds + export for seconds in ours])
    used = in_fresh_process("race", which=which, quick=quick)["extra_mb"]
    worst, largest = (max(getattr(run, name) for run in runs) for name in ("worst", "largest"))
    middle = sorted(ours)[len(ours) // 2]
    details: dict[str, Any] = {
        "lesions": n, "stands_for": n * campaign.stands_for, "compared": sum(run.looped for run in runs),
        "ours_s": middle, "loop_s": sorted(loop)[turns // 2], "export_s": export,
        "plan_s": sorted(run.plan.seconds - run.export.seconds for run in runs)[turns // 2],
        "peak_gflops": peak / 1e9, "least_gflop": campaign.flops / 1e9, "largest_answer": largest,
    }  # fmt: skip
    notes.append(f"the loop of hooks is timed on {runs[0].looped} of {n} lesions a run, a full forward each")
    if campaign.stands_for > 1:
        known = runs[0].known
        notes.append(f"computed: {n} lesions for {n * campaign.stands_for:.0f}; the plan is counted once, with {known} "
                     f"that lie beside its canaries; the other {n - known} stand for the rest")
    return Row(which, campaign.what, "hook loop", campaign.goal, speedup, full, campaign.flops / peak / middle, worst,
               used, raced, turns, spread, quick, details, notes)  # fmt: skip


@contextmanager
def canaries_counted(run: Run) -> Iterator[None]:
    """Take note of how many lesions the engine has answered when its plan is made."""
    from neurolab.specimen.engine import Engine

    plan = Engine.plan

    def noted(engine: Any, *given: Any, **options: Any) -> Any:
        made = plan(engine, *given, **options)
        run.known = sum(map(len, engine.known.values()))
        return made

    Engine.plan = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        Engine.plan = plan  # type: ignore[method-assign]


@contextmanager
def export_apart(clock: Clock) -> Iterator[None]:
    """Count the seconds that the engine spends in exporting a network on a clock of their own."""
    from neurolab.specimen import graphs as its

    exported = its.exported

    def timed(*given: Any, **options: Any) -> Any:
        with clock.running():
            return exported(*given, **options)

    its.exported = timed
    try:
        yield
    finally:
        its.exported = exported


def alone(which: str, quick: bool) -> dict[str, float]:
    """Get the peak memory of a campaign above that of the process with the model, the stimuli and torch.export."""
    with one_thread():
        small = {"L2": {"share": 0.05}, "L3": {"per_layer": 5}, "L3s": {"per_layer": 8}}.get(which, {})
        campaign = MADE[which](quick, **small)
        torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(2, 2),))
        hooked(campaign.model, campaign.batches, campaign.cuts[0])
        campaign.specimen.sites(), len(campaign.design)  # made before the memory is read

        def work() -> None:
            with tempfile.TemporaryFile() as file:
                for _, outputs in engine(campaign):
                    file.write(memoryview(outputs.numpy()).cast("B"))

        return {"extra_mb": extra_mb(work)}
