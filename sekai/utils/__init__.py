"""What the rest of the framework leans on, and the checker of environments."""

from typing import TYPE_CHECKING, Any

from sekai.utils.checked import Checked, InvalidValue, line_of_text, power_of_two, printable_text

if TYPE_CHECKING:
    from sekai.utils.checker import check_env

__all__ = ["Checked", "InvalidValue", "check_env", "line_of_text", "power_of_two", "printable_text"]


def __getattr__(name: str) -> Any:
    if name == "check_env":
        from sekai.utils.checker import check_env

        return check_env
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
