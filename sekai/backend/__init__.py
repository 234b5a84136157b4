"""Where arrays live: numpy by default, torch as an extra, or your own by the protocol `BackendOps`."""

from sekai.backend.base import NUMPY, BackendOps, NumpyOps, backend

__all__ = ["NUMPY", "BackendOps", "NumpyOps", "backend"]
