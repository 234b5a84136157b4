"""What the rest of the framework leans on, and the checker of environments."""

from typing import TYPE_CHECKING, Any

from sekai.utils.checked import Checked, InvalidValue, power_of_two

if TYPE_CHECKING:
    from sekai.utils.checker import check_env

__all__ = ["Checked", "InvalidValue", "check_env", "power_of_two"]


def __getattr__(name: str) -> Any:
    if name == "check_env":
        from sekai.utils.checker import check_env

        return check_env
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
