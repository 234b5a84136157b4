"""The checker of environments, dataclasses that check themselves, files written whole, and text for terminals."""

from typing import TYPE_CHECKING

from sekai.later import later
from sekai.utils.checked import Checked, InvalidValue, line_of_text, power_of_two, printable_text

if TYPE_CHECKING:
    from sekai.utils.checker import check_env

__all__ = ["Checked", "InvalidValue", "check_env", "line_of_text", "power_of_two", "printable_text"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = later(__name__, ".checker")
