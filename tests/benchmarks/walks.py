"""S1: Shapley contributions of the units of a hidden layer, by walks through coalitions, against msapy."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import neurolab as nl
from neurolab.chance import generator
from neurolab.coalitions import walks
from neurolab.stats.shapley import orders_of

from . import networks
from .cuts import Cut, hooked
from .measure import Clock, Row, extra_mb, in_fresh_process, one_thread, peak_flops, ratios
from .peers import install, msapy, quiet

WALKS = 16  # eight blocks of an order and its reverse, the fewest whose error can be told


class Game:
    """A perceptron, stimuli, the units of its first hidden layer as players, and walks through their coalitions."""

    def __init__(self, quick: bool) -> None:
        self.players, self.n = (64, 256) if quick else (512, 1024)
        self.stimuli = networks.digits(self.n)
        self.model = networks.trained(networks.perceptron(self.players), self.stimuli)
        self.specimen = nl.Specimen(self.model, self.stimuli.inputs[:1], name="S1")
        self.rois = [nl.ROI(f"u{unit}", {"relu1": [unit]}) for unit in range(self.players)]
        self.labels, self.rows = self.stimuli.table["label"].to_numpy(), np.arange(self.n)
        self.batches = (torch.tensor(np.asarray(self.stimuli.inputs)),)
        self.orders = orders_of(self.players, WALKS, antithetic=True, rotations=1, rng=generator(0, "walks"))[0]

    def design(self) -> tuple[nl.Lesion, ...]:
        """Get the lesions on all walks."""
        return walks(self.rois, nl.Zero(), n=WALKS, rotations=1, rng=0)

    def value(self, outputs: Any) -> float:
        """Get the mean margin of the right answer over the best other one."""
        answers = np.array(np.asarray(outputs).T, dtype=np.float64, order="C")  # over the few outputs first
        right = answers[self.labels, self.rows]
        answers[self.labels, self.rows] = -np.inf
        return float((right - answers.max(axis=0)).mean())

    def ours(self) -> np.ndarray:
        """Get what every player adds on every walk, (walk, player), through the engine."""
        from neurolab.specimen.engine import answers

        design = self.design()
        value = np.empty(len(design))
        for at, outputs in answers(self.specimen, design, self.stimuli, batch_size=self.n):
            value[at] = self.value(outputs)
        out = np.zeros(self.players, dtype=bool)
        known = {self._key(out, lesion.roi.units["relu1"]): value[at] for at, lesion in enumerate(design)
                 if lesion.role != "sham"}  # fmt: skip
        known[out.tobytes()] = value[next(at for at, lesion in enumerate(design) if lesion.role == "sham")]
        added = np.empty((len(self.orders), self.players))
        for walk, order in enumerate(self.orders):
            steps = [known[self._key(out, order[joined:])] for joined in range(self.players + 1)]
            added[walk, order] = np.diff(steps)
        return added

    @staticmethod
    def _key(out: np.ndarray, taken: np.ndarray) -> bytes:
        out[taken] = True
        key = out.tobytes()
        out[taken] = False
        return key

    def peer(self, walk: int) -> np.ndarray:
        """Get the same of one walk by msapy, whose game is a forward with a hook."""
        msa = msapy()
        order = tuple(map(int, self.orders[walk][::-1]))  # it takes players out from the first on
        with quiet():
            table = msa.interface(elements=sorted(order), n_permutations=1, permutation_space=[order],
                                  n_parallel_games=1, objective_function=self.lesioned)  # fmt: skip
        return table[list(range(self.players))].to_numpy(dtype=float)[0]

    def loop(self, walk: int) -> np.ndarray:
        """Get the same of one walk by a loop of hooks."""
        order = [int(player) for player in self.orders[walk]]
        steps = [self.lesioned(tuple(order[joined:])) for joined in range(self.players + 1)]
        added = np.empty(self.players)
        added[order] = np.diff(steps)
        return added

    def lesioned(self, taken: Sequence[int]) -> float:
        """Get the value of the game with some players taken out, by a hook."""
        return self.value(hooked(self.model, self.batches, Cut("relu1", tuple(taken))))


def race(*, quick: bool = False, repeats: int | None = None, peers: bool = True) -> Row:
    """Get the row of S1: whole walks by neurolab, one walk by msapy and one by hooks in every turn."""
    turns = repeats or (2 if quick else 3)
    with_msapy = peers and importlib.util.find_spec("msapy") is not None
    clocks: dict[str, list[float]] = {name: [] for name in ("ours", "loop", "msapy", "examine")}
    apart = 0.0
    with one_thread():
        game = Game(quick)
        game.ours()  # the export is made and kept
        for turn in range(turns):
            added = _timed(clocks["ours"], game.ours)
            rows = {"loop": _timed(clocks["loop"], game.loop, turn)}
            if with_msapy:
                rows["msapy"] = _timed(clocks["msapy"], game.peer, turn)
            apart = max(apart, *(float(np.abs(added[turn] - row).max()) for row in rows.values()))
        task = nl.Task("digits", game.stimuli, nl.scores.margin)
        _timed(clocks["examine"], nl.examine, game.specimen, game.design(), [task], progress=False, batch_size=game.n)
        peak = peak_flops()
    return _row(game, clocks, apart, peak, turns, quick, with_msapy)


def _timed(into: list[float], work: Any, *given: Any, **options: Any) -> Any:
    clock = Clock()
    with clock.running():
        found = work(*given, **options)
    into.append(clock.seconds)
    return found


def _row(game: Game, clocks: dict[str, list[float]], apart: float, peak: float, turns: int, quick: bool,
         with_msapy: bool) -> Row:  # fmt: skip
    against = "msapy" if with_msapy else "hook loop"
    whole = {name: [seconds * WALKS for seconds in clocks[name]] for name in ("loop", "msapy")}
    base = whole["msapy" if with_msapy else "loop"]
    speedup, spread = ratios(base, clocks["ours"])
    middle = sorted(clocks["ours"])[turns // 2]
    hidden = game.players
    flops = game.n * WALKS * hidden * (2.0 * hidden + 2.0 * hidden * 10)
    peers = {"msapy": 1.0, "hook loop": ratios(base, whole["loop"])[0]} if with_msapy else {}
    notes = ["neurolab walks all orders, msapy and the loop one of them per turn, counted for all",
             "counted for neurolab: the design, the answers, the scores, the contributions"]  # fmt: skip
    if not with_msapy:
        notes.append(f"msapy is left out or not installed: {install('msapy')}")
    return Row(
        "S1", f"Shapley, {hidden} players x {game.n} stimuli, {WALKS} walks", against, 20.0, speedup, None,
        flops / peak / middle, apart, in_fresh_process("walks", quick=quick)["extra_mb"], peers, turns, spread, quick,
        {"ours_s": middle, "examine_s": clocks["examine"][0], f"{against}_s": sorted(base)[turns // 2],
         "peak_gflops": peak / 1e9}, notes,
    )  # fmt: skip


def alone(quick: bool) -> dict[str, float]:
    """Get the peak memory of the walks above that of the process before them."""
    with one_thread():
        game = Game(quick)
        torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(2, 2),))
        game.loop(0)
        return {"extra_mb": extra_mb(game.ours)}
