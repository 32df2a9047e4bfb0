"""Workers of a dask cluster, through the client that ``joblib.parallel_config("dask")`` holds.

Not through joblib's own calls: joblib 1.6 waits forever for a task that dask has given up (``KilledWorker``), and puts
what all tasks share on a single worker, with which it can die.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

import numpy as np

from neurolab.campaign.serving import Answer, Broken, Failure, serve


def by_dask(
    client: Any, sent: tuple[str, np.ndarray], jobs: Iterable[tuple[int, Sequence[Any]]], *, most: int
) -> Generator[tuple[int, Answer], None, None]:
    """Get the answer to every job as it comes, with its number; at most so many are out at a time.

    Raises
    ------
    Broken : the last copy of what the workers share, or of a result, was lost with a worker.
    """
    from distributed import KilledWorker, as_completed

    digest, content = sent
    kept = client.scatter(content, broadcast=True, hash=False)
    out: dict[Any, tuple[int, int]] = {}
    ahead, done = iter(jobs), as_completed([])

    def send(n: int) -> None:
        for _, (at, pieces) in zip(range(n), ahead):
            future = client.submit(serve, digest, kept, pieces, pure=False)
            out[future] = at, len(pieces)
            done.add(future)

    try:
        send(most)
        while out:
            future = next(done)
            at, n = out.pop(future)
            error = future.exception() if future.status == "error" else None
            if future.status == "finished":
                yield at, future.result()
            elif isinstance(error, KilledWorker):
                yield at, ([Failure(f"its workers died ({error})", died=True)] * n, 0.0)
            else:
                raise Broken(f"{future.status}: {error}")
            send(1)
    finally:
        client.cancel([*out, kept])
