"""Nodes, and edges between them: who may trade with whom, which order was matched with which."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sekai.core.seeding import child_seed
from sekai.error import SpaceMismatch
from sekai.spaces.box import Box
from sekai.spaces.discrete import Discrete
from sekai.spaces.space import Space

__all__ = ["Graph", "GraphInstance"]

_MOST_NODES = 10


class GraphInstance(NamedTuple):
    """A graph of n nodes and m edges: `nodes` (n, *shape), `edges` (m, *shape) or None, `edge_links` (m, 2) or None.

    Edge k goes from node `edge_links[k, 0]` to node `edge_links[k, 1]`.
    """

    nodes: NDArray[Any]
    edges: NDArray[Any] | None
    edge_links: NDArray[np.int32] | None


class Graph(Space[GraphInstance]):
    """Graphs whose nodes are of `node_space` and whose edges are of `edge_space`, each a Box or a Discrete.

    Without an `edge_space` graphs have no edges. Their size is not fixed, so they cannot be flattened.

    >>> graph = Graph(Box(0.0, 1.0, (2,)), Discrete(3))
    >>> graph.sample(num_nodes=4, num_edges=5).edge_links.shape
    (5, 2)
    """

    is_flattenable = False

    def __init__(
        self, node_space: Box | Discrete, edge_space: Box | Discrete | None = None, *, seed: int | None = None
    ) -> None:
        for name, space in (("node_space", node_space), ("edge_space", edge_space)):
            if not isinstance(space, Box | Discrete) and not (space is None and name == "edge_space"):
                raise SpaceMismatch(f"{name} must be a Box or a Discrete, got {space!r}")
        self.node_space, self.edge_space = node_space, edge_space
        super().__init__(seed=seed)

    def seed(self, seed: int | None = None) -> int:
        """Seed sizes, nodes and edges from `seed`; return the seed used."""
        seed = super().seed(seed)
        self.node_space.seed(child_seed(seed, "node"))
        if self.edge_space is not None:
            self.edge_space.seed(child_seed(seed, "edge"))
        return seed

    def sample(
        self, mask: tuple[Any, Any] | None = None, num_nodes: int | None = None, num_edges: int | None = None
    ) -> GraphInstance:
        """Draw a graph: 1 to 10 nodes and no more edges than that, unless the numbers are given.

        `mask` is (a mask of every node, a mask of every edge), each of which may be None.
        """
        of_nodes, of_edges = (None, None) if mask is None else mask
        nodes = int(self.rng.integers(1, _MOST_NODES + 1)) if num_nodes is None else num_nodes
        if nodes < 1:
            raise SpaceMismatch(f"num_nodes must be >= 1, got {nodes}")
        if self.edge_space is None:
            if num_edges:
                raise SpaceMismatch(f"num_edges must be 0 or None without an edge_space, got {num_edges}")
            return GraphInstance(_many(self.node_space, nodes, of_nodes), None, None)
        edges = int(self.rng.integers(0, nodes + 1)) if num_edges is None else num_edges
        if edges < 0:
            raise SpaceMismatch(f"num_edges must be >= 0, got {edges}")
        links = self.rng.integers(0, nodes, (edges, 2), dtype=np.int32)
        return GraphInstance(
            _many(self.node_space, nodes, of_nodes), _many(self.edge_space, edges, of_edges), links
        )  # fmt: skip

    def contains(self, x: Any) -> bool:
        """Say whether `x` is a `GraphInstance` of such nodes and edges, every link between two of its nodes."""
        if not isinstance(x, GraphInstance) or not _all_in(self.node_space, x.nodes):
            return False
        if self.edge_space is None or x.edges is None or x.edge_links is None:
            return self.edge_space is None and x.edges is None and x.edge_links is None
        links = x.edge_links
        if not isinstance(links, np.ndarray) or links.dtype.kind not in "iu" or links.shape != (len(x.edges), 2):
            return False
        return _all_in(self.edge_space, x.edges) and bool(((links >= 0) & (links < len(x.nodes))).all())

    def encode_sample(self, sample: GraphInstance) -> Any:
        """Return the graph as lists of what node and edge space write, and its links."""
        edges = self.edge_space
        return {
            "nodes": [self.node_space.encode_sample(node) for node in sample.nodes],
            "edges": None if edges is None or sample.edges is None else [edges.encode_sample(e) for e in sample.edges],
            "edge_links": None if sample.edge_links is None else sample.edge_links.tolist(),
        }

    def decode_sample(self, encoded: Any) -> GraphInstance:
        """Return the graph that `encode_sample` wrote."""
        nodes = _stacked(self.node_space, [self.node_space.decode_sample(node) for node in encoded["nodes"]])
        if self.edge_space is None or encoded["edges"] is None:
            return GraphInstance(nodes, None, None)
        edges = _stacked(self.edge_space, [self.edge_space.decode_sample(edge) for edge in encoded["edges"]])
        return GraphInstance(nodes, edges, np.array(encoded["edge_links"], np.int32).reshape(-1, 2))

    def _describe(self) -> dict[str, Any]:
        edge = None if self.edge_space is None else self.edge_space.to_jsonable()
        return {"node_space": self.node_space.to_jsonable(), "edge_space": edge}

    @classmethod
    def _rebuild(cls, description: Mapping[str, Any]) -> "Graph":
        node, edge = description["node_space"], description["edge_space"]
        return cls(Space.from_jsonable(node), None if edge is None else Space.from_jsonable(edge))  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and (self.node_space, self.edge_space) == (other.node_space, other.edge_space)

    def __hash__(self) -> int:
        return hash((Graph, self.node_space, self.edge_space))

    def __repr__(self) -> str:
        return f"Graph({self.node_space!r}, {self.edge_space!r})"


def _many(space: Box | Discrete, count: int, mask: Any) -> NDArray[Any]:
    return _stacked(space, [space.sample(mask) for _ in range(count)])


def _stacked(space: Box | Discrete, values: list[Any]) -> NDArray[Any]:
    return np.array(values, dtype=space.dtype).reshape((len(values), *space.shape))


def _all_in(space: Box | Discrete, values: Any) -> bool:
    return isinstance(values, np.ndarray) and all(space.contains(value) for value in values)
