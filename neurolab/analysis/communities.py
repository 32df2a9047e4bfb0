"""Ways to divide a graph into modules: spectral by scikit-learn, communities by networkx or leidenalg."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurolab.errors import DesignError, MissingPackageError
from neurolab.stats.graphs import modularity, normalised_cut


@dataclass(frozen=True)
class Spectral:
    """Exactly ``n`` modules that cut little: k-means of the graph Laplacian's first eigenvectors (Shi & Malik 2000).

    n_init : starts of k-means per division. As ``sklearn.cluster.SpectralClustering(affinity="precomputed")``.
    """

    n: int
    n_init: int = 10

    def __post_init__(self) -> None:
        if self.n != int(self.n) or self.n < 2:
            raise DesignError(f"Spectral({self.n}) given; expected the number of modules, 2 or more. Type Spectral(4).")

    def divide(self, weights: np.ndarray, seed: int) -> np.ndarray:
        """Get a module code per node of a graph without isolated nodes."""
        from scipy.linalg import eigh
        from sklearn.cluster import KMeans

        root = np.sqrt(weights.sum(axis=1))
        laplacian = np.eye(len(weights)) - weights / np.outer(root, root)
        _, vectors = eigh(laplacian, subset_by_index=(0, min(self.n, len(weights)) - 1))
        place = vectors / root[:, None]
        n = min(self.n, len(np.unique(place.round(12), axis=0)))
        return np.asarray(KMeans(n, n_init=self.n_init, random_state=seed).fit_predict(place))

    def score(self, weights: np.ndarray, codes: np.ndarray) -> float:
        """Get what the best of several divisions has most of."""
        return -normalised_cut(weights, codes)


@dataclass(frozen=True)
class Louvain:
    """As many modules as give the most modularity, by networkx; a larger ``resolution`` prefers smaller modules."""

    resolution: float = 1.0

    def divide(self, weights: np.ndarray, seed: int) -> np.ndarray:
        """Get a module code per node."""
        import networkx as nx

        parts = nx.community.louvain_communities(
            nx.from_numpy_array(weights), weight="weight", resolution=self.resolution, seed=seed
        )
        codes = np.zeros(len(weights), dtype=np.int64)
        for code, part in enumerate(parts):
            codes[list(part)] = code
        return codes

    def score(self, weights: np.ndarray, codes: np.ndarray) -> float:
        """Get what the best of several divisions has most of."""
        return modularity(weights, codes, resolution=self.resolution)


@dataclass(frozen=True)
class Leiden:
    """As Louvain, by leidenalg (``pip install neurolab-lesion[modules]``): faster, and no module falls apart."""

    resolution: float = 1.0

    def divide(self, weights: np.ndarray, seed: int) -> np.ndarray:
        """Get a module code per node."""
        try:
            import igraph
            import leidenalg
        except ImportError as error:
            raise MissingPackageError(
                "Leiden() needs leidenalg, which is not installed. Type pip install 'neurolab-lesion[modules]', or use "
                "by=Louvain()."
            ) from error
        rows, cols = np.nonzero(np.triu(weights, k=1))
        graph = igraph.Graph(n=len(weights), edges=np.column_stack([rows, cols]).tolist())
        found = leidenalg.find_partition(
            graph, leidenalg.RBConfigurationVertexPartition, weights=weights[rows, cols].tolist(), n_iterations=-1,
            seed=seed, resolution_parameter=self.resolution,
        )  # fmt: skip
        return np.asarray(found.membership)

    def score(self, weights: np.ndarray, codes: np.ndarray) -> float:
        """Get what the best of several divisions has most of."""
        return modularity(weights, codes, resolution=self.resolution)


Division = Spectral | Louvain | Leiden
