"""Graphs of nodes and edges: who may trade with whom, which order was matched with which."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sekai.backend.base import BackendOps
from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.space import Space
from sekai.spaces.stacks import stacked, unstacked

__all__ = ["Graph", "GraphInstance"]

_MOST_NODES = 10


class GraphInstance(NamedTuple):
    """A graph of n nodes and m edges: `nodes` (n, *shape), `edges` (m, *shape) or None, `edge_links` (m, 2) or None.

    If a node is a dict or a tuple, `nodes` is a dict or a tuple of such arrays; likewise `edges`. Edge k goes from node
    `edge_links[k, 0]` to node `edge_links[k, 1]`.
    """

    nodes: Any
    edges: Any
    edge_links: NDArray[np.int32] | None


class Graph(Space[GraphInstance]):
    """Graphs whose nodes are of `node_space` and whose edges are of `edge_space`.

    Without an `edge_space` graphs have no edges. Their size is not fixed, so they cannot be flattened.

    >>> from sekai.spaces import Box, Discrete
    >>> graph = Graph(Box(0.0, 1.0, (2,)), Discrete(3))
    >>> graph.sample(num_nodes=4, num_edges=5).edge_links.shape
    (5, 2)
    """

    is_flattenable = False

    def __init__(
        self,
        node_space: Space[Any],
        edge_space: Space[Any] | None = None,
        *,
        seed: int | None = None,
        backend: BackendOps | None = None,
    ) -> None:
        for name, space in (("node_space", node_space), ("edge_space", edge_space)):
            if not isinstance(space, Space) and not (space is None and name == "edge_space"):
                raise SpaceMismatch(f"{name} must be a space, got {space!r}")
        self.node_space, self.edge_space = node_space, edge_space
        if backend is not None:
            self._move_parts(backend)
        super().__init__(seed=seed, backend=backend)

    def with_backend(self, backend: BackendOps) -> Self:
        """Return this space with streams of its own, whose arrays live in `backend`."""
        twin = super().with_backend(backend)
        twin._move_parts(backend)
        return twin

    def _move_parts(self, backend: BackendOps) -> None:
        self.node_space = self.node_space.with_backend(backend)
        self.edge_space = None if self.edge_space is None else self.edge_space.with_backend(backend)

    def seed(self, seed: int | None = None) -> int:
        """Seed sizes, nodes and edges by `seed`; return the seed used."""
        seed = super().seed(seed)
        self.node_space.seed(child_seed(seed, "node"))
        if self.edge_space is not None:
            self.edge_space.seed(child_seed(seed, "edge"))
        return seed

    def sample(
        self, mask: tuple[Any, Any] | None = None, num_nodes: int | None = None, num_edges: int | None = None
    ) -> GraphInstance:
        """Draw a graph of 1 to 10 nodes and at most as many edges, unless the numbers are given.

        `mask` is (a mask of every node, a mask of every edge), each of which may be None.
        """
        of_nodes, of_edges = (None, None) if mask is None else mask
        n = int(self.rng.integers(1, _MOST_NODES + 1)) if num_nodes is None else num_nodes
        if n < 1:
            raise SpaceMismatch(f"num_nodes must be >= 1, got {n}")
        if self.edge_space is None:
            if num_edges:
                raise SpaceMismatch(f"num_edges must be 0 or None without an edge_space, got {num_edges}")
            return GraphInstance(_many(self.node_space, n, of_nodes), None, None)
        m = int(self.rng.integers(0, n + 1)) if num_edges is None else num_edges
        if m < 0:
            raise SpaceMismatch(f"num_edges must be >= 0, got {m}")
        links = self.backend.from_numpy(self.rng.integers(0, n, (m, 2), dtype=np.int32))
        return GraphInstance(_many(self.node_space, n, of_nodes), _many(self.edge_space, m, of_edges), links)

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a `GraphInstance` of such nodes and edges whose links are between its nodes."""
        nodes = unstacked(self.node_space, x.nodes) if isinstance(x, GraphInstance) else None
        if nodes is None or not all(map(self.node_space.contains, nodes)):
            return False
        if self.edge_space is None or x.edges is None or x.edge_links is None:
            return self.edge_space is None and x.edges is None and x.edge_links is None
        edges, links = unstacked(self.edge_space, x.edges), self._given(x.edge_links)
        if edges is None or not all(map(self.edge_space.contains, edges)):
            return False
        if not isinstance(links, np.ndarray) or links.dtype.kind not in "iu" or links.shape != (len(edges), 2):
            return False
        return bool(((links >= 0) & (links < len(nodes))).all())

    def encode_sample(self, sample: GraphInstance) -> Any:
        """Return the graph as lists of encoded nodes and edges, and its links."""
        links = None if sample.edge_links is None else self.backend.to_numpy(sample.edge_links).tolist()
        edges = None if self.edge_space is None else _encoded(self.edge_space, sample.edges)
        return {"nodes": _encoded(self.node_space, sample.nodes), "edges": edges, "edge_links": links}

    def decode_sample(self, encoded: Any) -> GraphInstance:
        """Return the graph that `encode_sample` wrote."""
        nodes = _decoded(self.node_space, encoded["nodes"])
        if self.edge_space is None:
            return GraphInstance(nodes, None, None)
        links = np.array(encoded["edge_links"], np.int32).reshape(-1, 2)
        return GraphInstance(nodes, _decoded(self.edge_space, encoded["edges"]), self.backend.from_numpy(links))

    def _describe(self) -> dict[str, Any]:
        edge = None if self.edge_space is None else self.edge_space.to_jsonable()
        return {"node_space": self.node_space.to_jsonable(), "edge_space": edge}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Graph":
        node, edge = description["node_space"], description["edge_space"]
        return cls(Space.from_jsonable(node), None if edge is None else Space.from_jsonable(edge))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and (self.node_space, self.edge_space) == (other.node_space, other.edge_space)

    def __hash__(self) -> int:
        return hash((Graph, self.node_space, self.edge_space))

    def __repr__(self) -> str:
        return f"Graph({self.node_space!r}, {self.edge_space!r})"


def _many(space: Space[Any], count: int, mask: Any) -> Any:
    return stacked(space, [space.sample(mask) for _ in range(count)])


def _encoded(space: Space[Any], stack: Any) -> list[Any]:
    return [space.encode_sample(value) for value in unstacked(space, stack) or ()]


def _decoded(space: Space[Any], encoded: list[Any]) -> Any:
    return stacked(space, [space.decode_sample(value) for value in encoded])
