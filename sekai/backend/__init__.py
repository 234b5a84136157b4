"""Whose arrays are used: NumPy's by default, torch's with the extra, or your own by the protocol `BackendOps`."""

from sekai.backend.base import NUMPY, BackendOps, NumpyOps, backend

__all__ = ["NUMPY", "BackendOps", "NumpyOps", "backend"]
