"""Workers of a dask cluster, through the client that ``joblib.parallel_config("dask")`` holds.

Not through joblib's own calls: joblib 1.6 waits forever for a task that dask has given up (``KilledWorker``), and puts
what all tasks share on a single worker, with which it can die.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from neurolab.campaign.serving import Answer, Broken, Failure, serve

Job = tuple[int, Sequence[Any]]  # its number, its pieces
Answers = Generator[tuple[int, Answer], None, None]


def by_dask(client: Any, sent: tuple[str, np.ndarray], jobs: Iterable[Job], *, most: int) -> Answers:
    """Get the answer to every job as it comes, with its number; at most so many are out at a time.

    Raises
    ------
    Broken : the last copy of what the workers share, or of a result, was lost with a worker.
    """
    try:
        yield from _answers(client, sent, iter(jobs), most)
    except Exception as error:  # dask has many ways to say that something was lost
        raise Broken(f"{type(error).__name__}: {error}") from error


def _answers(client: Any, sent: tuple[str, np.ndarray], jobs: Iterator[Job], most: int) -> Answers:
    from distributed import KilledWorker, as_completed

    digest, content = sent
    kept = client.scatter(content, broadcast=True, hash=False)
    out: dict[Any, tuple[int, int]] = {}
    done = as_completed([])

    def send(n: int) -> None:
        for _, (at, pieces) in zip(range(n), jobs):
            future = client.submit(serve, digest, kept, pieces, pure=False)
            out[future] = at, len(pieces)
            done.add(future)

    try:
        send(most)
        while out:
            future = next(done)
            at, n = out.pop(future)
            try:
                yield at, future.result()
            except KilledWorker as error:
                yield at, ([Failure(f"its workers died ({error})", died=True)] * n, 0.0)
            send(1)
    finally:
        client.cancel([*out, kept])
