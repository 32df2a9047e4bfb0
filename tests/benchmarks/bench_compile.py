"""What ``torch.compile`` would save behind a lesion: run by hand, never by the tests; it needs a C++ compiler.

``python tests/benchmarks/bench_compile.py`` compiles every block of the ResNet-18 of L2, weights frozen, one by one, as
an engine would that shares the blocks among its sites, and prints one table row per number of rows that are computed
together: CPU seconds of all blocks by torch and compiled, what compiling took, the largest difference.
"""

from __future__ import annotations

import time
from statistics import median

import torch

from tests.benchmarks import networks
from tests.benchmarks.measure import one_thread

REPEATS = 7


def given_to_blocks(model: torch.nn.Module, rows: int) -> list[tuple[torch.nn.Module, torch.Tensor]]:
    """Get every block of a ResNet with what it is given."""
    found: list[tuple[torch.nn.Module, torch.Tensor]] = []
    blocks = [part for part in model.modules() if isinstance(part, networks.Block)]
    handles = [block.register_forward_pre_hook(lambda part, given: found.append((part, given[0].clone())))
               for block in blocks]
    model(torch.randn(rows, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    for handle in handles:
        handle.remove()
    return found


def main() -> None:
    """Compile, compare and print."""
    torch._inductor.config.freezing = True  # type: ignore[attr-defined]
    print("| rows | torch, s | compiled, s | ratio | compiling, s | largest difference |\n" + "| --- " * 6 + "|")
    for rows in (16, 64):
        plain = compiled = made = apart = 0.0
        torch._dynamo.reset()
        with torch.no_grad(), one_thread():
            for block, given in given_to_blocks(networks.resnet(), rows):
                start = time.perf_counter()
                fast = torch.compile(block, dynamic=False)
                apart = max(apart, float((fast(given) - block(given)).abs().max()))
                made += time.perf_counter() - start
                seconds: dict[bool, list[float]] = {True: [], False: []}
                for turn in range(2 * REPEATS):
                    start = time.process_time()
                    (fast if turn % 2 else block)(given)
                    seconds[bool(turn % 2)].append(time.process_time() - start)
                plain, compiled = plain + median(seconds[False]), compiled + median(seconds[True])
        ratio = plain / compiled
        print(f"| {rows} | {plain:.3f} | {compiled:.3f} | {ratio:.2f} | {made:.0f} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    main()
