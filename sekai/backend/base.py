"""A backend says whose arrays are handed out and taken: `Box(..., backend=backend("torch"))`.

Spaces draw samples with NumPy, and vector envs write their columns in NumPy, so numbers do not depend on the backend.
It only converts arrays on their way out and in.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sekai.error import BackendMismatch, SekaiError, did_you_mean, install_hint

__all__ = ["NUMPY", "BackendOps", "NumpyOps", "backend"]


@runtime_checkable
class BackendOps(Protocol):
    """What a backend can do; `Any` stands for its own kind of array."""

    @property
    def name(self) -> str:
        """The name that errors print."""
        ...

    def from_numpy(self, array: NDArray[Any]) -> Any:
        """Return `array` as this backend's; it may share memory with it."""
        ...

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """Return this backend's `array`, or anything that numpy understands, as numpy's; it may share memory."""
        ...

    def is_array(self, value: Any) -> bool:
        """Say whether `value` is this backend's array."""
        ...

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return zeros of a numpy dtype."""
        ...

    def copy(self, array: Any) -> Any:
        """Return a copy that shares no memory."""
        ...

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        """Return arrays of one shape along a new axis."""
        ...

    def concatenate(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        """Return arrays along an axis that they have."""
        ...

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        """Return `yes` where the condition holds and `no` elsewhere."""
        ...

    def clip(self, array: Any, low: Any, high: Any) -> Any:
        """Return `array` within the bounds."""
        ...


class NumpyOps:
    """NumPy's own arrays: nothing is converted.

    >>> NUMPY.stack([NUMPY.zeros((2,), np.float32)] * 3).shape
    (3, 2)
    """

    name = "numpy"

    def from_numpy(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return `array`."""
        return array

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """Return `array` as an array; raises `BackendMismatch` for one that NumPy cannot read, as on another device."""
        try:
            return np.asarray(array)
        except (TypeError, RuntimeError) as error:
            kind = f"{type(array).__module__}.{type(array).__qualname__}"
            raise BackendMismatch(f"array must be one that NumPy can read, got a {kind}: {error}") from error

    def is_array(self, value: Any) -> bool:
        """Say whether `value` is an array or a numpy scalar."""
        return isinstance(value, np.ndarray | np.generic)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Return zeros."""
        return np.zeros(shape, dtype)

    def copy(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a copy."""
        return np.array(array)

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> NDArray[Any]:
        """Return arrays along a new axis."""
        return np.stack(arrays, axis)

    def concatenate(self, arrays: Sequence[Any], axis: int = 0) -> NDArray[Any]:
        """Return arrays along an axis that they have."""
        return np.concatenate(arrays, axis)

    def where(self, condition: Any, yes: Any, no: Any) -> NDArray[Any]:
        """Return `yes` where the condition holds and `no` elsewhere."""
        return np.asarray(np.where(condition, yes, no))

    def clip(self, array: Any, low: Any, high: Any) -> NDArray[Any]:
        """Return `array` within the bounds."""
        return np.asarray(np.clip(array, low, high))

    def __eq__(self, other: object) -> bool:
        return type(other) is NumpyOps

    def __hash__(self) -> int:
        return hash(NumpyOps)

    def __repr__(self) -> str:
        return "NumpyOps()"


NUMPY = NumpyOps()


def _torch(**options: Any) -> BackendOps:
    from sekai.backend.torch import TorchOps

    return TorchOps(**options)


_BACKENDS: dict[str, Callable[..., BackendOps]] = {"numpy": lambda: NUMPY, "torch": _torch}


def backend(name: str, **options: Any) -> BackendOps:
    """Return the backend called `name`: `"numpy"`, or `"torch"` with `device="cpu"`.

    Raises `SekaiError` for another name, and where the backend's library is not installed.
    """
    if name not in _BACKENDS:
        raise SekaiError(f"backend must be one of {list(_BACKENDS)}, got {name!r}.{did_you_mean(name, _BACKENDS)}")
    try:
        return _BACKENDS[name](**options)
    except ImportError as error:
        raise SekaiError(f"backend {name!r} needs its library: {install_hint(name)} ({error})") from error
