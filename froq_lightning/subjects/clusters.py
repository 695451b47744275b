"""Who shows whom, where nobody says so: clusters of embeddings by average linkage, without a matrix of all pairs."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from froq_lightning.data.comparison_set import Indices, connected
from froq_lightning.errors import ConfigurationError
from froq_lightning.subjects.choice import NOBODY, Integers

Vectors = npt.NDArray[np.float32]
BLOCK = 2048  # a side of the part of the similarity matrix that is in memory: 16 MB


def cluster(embeddings: Vectors, same_above: float) -> Integers:
    """Cluster images by average linkage (UPGMA) of cosine similarity.

    Clusters are joined, the most alike first, while the mean cosine similarity between the images of one and those of
    the other is above `same_above`. Two such clusters hold two images that are themselves that alike, since a mean is
    not above all of its terms: average linkage therefore works within the connected components of the graph of such
    images, which are found block by block. Memory is that of the embeddings, and time grows with N².

    Args:
        embeddings: `[N, D]`; a row that is zero or not finite is of nobody.
        same_above: cosine similarity, -1..1. What is right depends on the network.

    Returns:
        `[N]` numbers from 0 in the order of the first image of each cluster; `NOBODY` for rows without direction.

    Raises:
        ConfigurationError: if `same_above` is not in -1..1.
    """
    if not -1 <= same_above < 1:
        raise ConfigurationError(
            f"Expected a cosine similarity in -1..1, above which two clusters are joined, but got {same_above:g}"
        )
    lengths = np.linalg.norm(embeddings, axis=1)
    usable = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    units = embeddings[usable] / lengths[usable, None]
    labels = np.full(len(embeddings), NOBODY, dtype=np.int64)
    first = np.arange(len(usable))  # of every image the first one of its cluster
    for component in _groups(_components(units, same_above)):
        for members in average_linkage(units[component], same_above):
            first[component[members]] = component[min(members)]
    labels[usable] = np.unique(first, return_inverse=True)[1]
    return labels


def average_linkage(units: Vectors, same_above: float) -> list[list[int]]:
    """Join m vectors of unit length by average linkage, and return the members of every cluster.

    The nearest-neighbour chain (Benzécri 1982; Murtagh and Contreras 2012, doi:10.1002/widm.53) gives the clusters of
    the greedy algorithm, since average linkage is reducible: joining two clusters brings neither nearer to a third. A
    step costs one product of an `[m, D]` matrix and a vector, and nothing is stored for pairs.
    """
    clusters, done = _Clusters(units), list[list[int]]()
    chain: list[int] = []  # every cluster is the nearest one of that before it
    while len(clusters.sums):
        chain = chain or [0]
        top, before = chain[-1], chain[-2] if len(chain) > 1 else None
        nearest, similarity = clusters.nearest(top, before)
        if similarity <= same_above:  # and nothing that others are joined to comes nearer
            done.append(clusters.members[top])
            chain, gone = chain[:-1], top
        elif nearest == before:
            clusters.join(before, top)
            chain, gone = chain[:-2], top
        else:
            chain.append(nearest)
            continue
        last = clusters.take_out(gone)
        chain = [gone if link == last else link for link in chain]
    return done


class _Clusters:
    """Clusters of unit vectors by the sums of these.

    The mean cosine similarity of two clusters is the dot product of their sums over the product of their sizes.
    """

    def __init__(self, units: Vectors) -> None:
        self.sums = units.astype(np.float32, copy=True)
        self.sizes = np.ones(len(units), dtype=np.float32)
        self.members = [[row] for row in range(len(units))]

    def nearest(self, row: int, preferred: int | None) -> tuple[int, float]:
        """Find the cluster that is the most alike, and how alike; of equal ones the preferred, else no chain ends."""
        alike = self.sums @ self.sums[row] / (self.sizes * self.sizes[row])
        alike[row] = -np.inf
        nearest = int(np.argmax(alike))
        if preferred is not None and alike[preferred] >= alike[nearest]:
            nearest = preferred
        return nearest, float(alike[nearest])

    def join(self, into: int, row: int) -> None:
        """Add the members of one cluster to another."""
        self.sums[into] += self.sums[row]
        self.sizes[into] += self.sizes[row]
        self.members[into] += self.members[row]

    def take_out(self, row: int) -> int:
        """Put the last cluster in the place of one, so that those left stand together; return where it stood."""
        last = len(self.members) - 1
        self.sums[row], self.sizes[row], self.members[row] = self.sums[last], self.sizes[last], self.members[last]
        self.sums, self.sizes = self.sums[:last], self.sizes[:last]
        self.members.pop()
        return last


def _components(units: Vectors, same_above: float) -> Indices:
    """Number the connected components of the graph whose edges are pairs more alike than `same_above`."""
    labels: Indices = connected(len(units), np.arange(0), np.arange(0))  # every image is one of its own
    for row in range(0, len(units), BLOCK):
        for column in range(row, len(units), BLOCK):
            alike = units[row : row + BLOCK] @ units[column : column + BLOCK].T
            # Average linkage adds in another order: what rounding may take from a pair is left to it.
            edges = np.nonzero(alike > same_above - 1e-5)
            one, other = labels[edges[0] + row], labels[edges[1] + column]
            if (one != other).any():
                labels = connected(int(labels.max()) + 1, one, other)[labels]
    return labels


def _groups(labels: Indices) -> Iterator[Integers]:
    """Yield the positions of the members of every component of two or more."""
    order = np.argsort(labels, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        if len(group) > 1:
            yield group
