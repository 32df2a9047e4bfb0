"""Proofs of an exported graph: it answers as the network does, and its nodes hold what hooks find at the sites."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from neurolab.specimen.certificate import doubled, identical
from neurolab.specimen.marking import Touched, Where, where_of
from neurolab.specimen.plan import ROUNDING
from neurolab.specimen.program import NotExported, in_short
from neurolab.specimen.sites import Site
from neurolab.specimen.survey import rows

if TYPE_CHECKING:
    from neurolab.specimen.graph import Graph
    from neurolab.specimen.specimen import Specimen


def prove(graph: Graph) -> None:
    """Run the graph beside the network on three batches of 2, 3 and 1; raise NotExported where they differ."""
    for inputs in batches_of(graph.specimen):
        with _no_errors():
            got = graph.values(inputs, ())[1]
        known = graph.specimen.answer(inputs.clone())
        if identical(got, known):
            continue
        graph.exact = False
        if not close(got, known):
            raise NotExported("the exported graph answers otherwise than the network")


def prove_sites(graph: Graph, sites: Iterable[Site]) -> None:
    """See at each site whether hooks find there what the graph computes; a site where they do not is nowhere."""
    inputs, seen = next(batches_of(graph.specimen)), dict[Where, torch.Tensor]()

    def keep(where: Where, tensor: torch.Tensor) -> torch.Tensor:
        seen[where] = tensor.clone()
        return tensor

    touched = Touched(graph.specimen, sites, keep)
    with touched.hooked():
        touched.answer(inputs)
    nodes = list(dict.fromkeys(place.node for place in graph.places.values()))
    values, _ = graph.values(inputs, nodes)
    for site in sites:
        if site.address not in graph.places:
            continue
        got, known = values[graph.places[site.address].node], seen.get(where_of(site))
        if known is None or not (identical(got, known) if graph.exact else close(got, known)):
            del graph.places[site.address]
            graph.refused[site.address] = "hooks find another value there than the exported graph"


def batches_of(specimen: Specimen) -> Iterator[torch.Tensor]:
    """Get three batches to compare on: the example and others, of 2, 3 and 1 stimuli."""
    yield rows(specimen.example, 2)
    yield specimen.others(_varied(rows(specimen.example, 3)))
    yield _varied(rows(specimen.example, 1))


def _varied(inputs: torch.Tensor) -> torch.Tensor:
    if not inputs.is_floating_point():
        return inputs
    noise = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(0))
    return inputs + noise.to(inputs)


def close(got: torch.Tensor, known: torch.Tensor) -> bool:
    """Get whether two answers are equal to rounding, NaN at the same places."""
    return got.shape == known.shape and got.dtype == known.dtype and difference(got, known) <= ROUNDING


def difference(got: torch.Tensor, known: torch.Tensor) -> float:
    """Get the largest difference as a share of the largest known number; infinite where NaN or inf stand elsewhere."""
    if identical(got, known):
        return 0.0
    if not bool((got.isfinite() == known.isfinite()).all()):
        return float("inf")
    finite = known.isfinite()
    apart = (doubled(got) - doubled(known)).abs()[finite]
    return float(apart.max() / doubled(known).abs()[finite].max().clamp_min(torch.finfo(torch.float64).tiny))


@contextmanager
def _no_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever an operation says of other sizes, whole forwards work
        raise NotExported(f"the exported graph does not run: {in_short(error)}") from error
