"""Likeness of representations and of partitions, tested by shuffling what should correspond."""

from __future__ import annotations

from functools import partial

import numpy as np

from neurolab.calibrate.entry import Entry, Found, attainable, exact
from neurolab.stats import graphs, similarity

Stream = np.random.Generator


def rows(stream: Stream, effect: float, *, n: int = 12, width: int = 60) -> Found:
    """Test whether the stimuli of two recordings correspond; ``effect`` is the second's share of the first."""
    x, y = stream.normal(size=(2, n, width))
    return Found(similarity.row_shuffle(x, y + effect * x, n_permutations=19, rng=stream).p)


def partitions(stream: Stream, effect: float, *, measure: str) -> Found:
    """Test whether two partitions of 30 nodes agree; ``effect`` is the share of nodes labelled alike."""
    sizes = np.repeat([0, 1, 2], (8, 12, 10))
    a, b = stream.permutation(sizes), stream.permutation(sizes)
    same = stream.random(30) < effect
    b = np.where(same, a, b)
    return Found(graphs.agreement(a, b, measure=measure, n_permutations=99, rng=stream).p)


def modules(stream: Stream, effect: float, *, measure: str) -> Found:
    """Test modules named beforehand on a random graph, whose weights within a module are higher by ``effect``."""
    labels = np.repeat([0, 1, 2], 8)
    upper = np.triu(stream.random((24, 24)), 1)
    graph = upper + upper.T + effect * (labels[:, None] == labels)
    return Found(graphs.partition_test(graph, labels, measure=measure, n_permutations=39, rng=stream).p)


ENTRIES = (
    Entry("row_shuffle", "stats.similarity.row_shuffle", "Two independent random recordings, 60 units wide.",
          "12 stimuli", rows, exact(attainable(20)), power_at=0.8, effect="signal 0.8 of the noise", quick=True),
    *(Entry(f"agreement, {measure}", "stats.graphs.agreement", "Labels of the second partition at random.", "30 nodes",
            partial(partitions, measure=measure), exact(attainable(100)), power_at=0.5, effect="half the nodes alike")
      for measure in ("ari", "nmi")),
    *(Entry(f"partition_test, {measure}", "stats.graphs.partition_test", "Random weights; modules named beforehand.",
            "24 nodes", partial(modules, measure=measure), exact(attainable(40)), power_at=0.1,
            effect="weights 0.1 higher within modules")
      for measure in ("modularity", "normalised_cut")),
)  # fmt: skip
