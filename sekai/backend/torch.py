"""Torch's tensors on one device. On the CPU they share memory with NumPy's arrays.

Needs the extra `torch`, which is imported when a `TorchOps` is made. Torch itself raises for a dtype that it lacks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

__all__ = ["TorchOps"]


@dataclass(frozen=True)
class TorchOps:
    """Tensors on `device`; raises `ImportError` where torch is not installed."""

    device: str = "cpu"
    name = "torch"

    def __post_init__(self) -> None:
        import torch  # noqa: F401

    def from_numpy(self, array: NDArray[Any]) -> "torch.Tensor":
        """Return `array` as a tensor, in its own memory where the device is the CPU and it is writeable."""
        import torch

        array = np.asarray(array)
        return torch.from_numpy(array if array.flags.writeable else array.copy()).to(self.device)

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """Return a tensor, or what numpy understands, as an array."""
        return np.asarray(array.detach().cpu() if self.is_array(array) else array)

    def is_array(self, value: Any) -> bool:
        """Say whether `value` is a tensor."""
        import torch

        return isinstance(value, torch.Tensor)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> "torch.Tensor":
        """Return zeros."""
        return self.from_numpy(np.zeros(shape, dtype))

    def copy(self, array: "torch.Tensor") -> "torch.Tensor":
        """Return a copy, outside of any graph."""
        return array.detach().clone()

    def stack(self, arrays: Sequence["torch.Tensor"], axis: int = 0) -> "torch.Tensor":
        """Return tensors along a new axis."""
        import torch

        return torch.stack(tuple(arrays), axis)

    def concatenate(self, arrays: Sequence["torch.Tensor"], axis: int = 0) -> "torch.Tensor":
        """Return tensors along an axis that they have."""
        import torch

        return torch.cat(tuple(arrays), axis)

    def where(self, condition: Any, yes: Any, no: Any) -> "torch.Tensor":
        """Return `yes` where the condition holds and `no` elsewhere."""
        import torch

        return torch.where(condition, yes, no)

    def clip(self, array: "torch.Tensor", low: Any, high: Any) -> "torch.Tensor":
        """Return `array` within the bounds, which are numbers or tensors."""
        return array.clamp(low, high)
