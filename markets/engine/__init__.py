"""The engine: the memory of a market and the kernels that run it. It knows numpy and numba only."""

__all__ = []
