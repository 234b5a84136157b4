"""What the rest of the framework leans on."""

from sekai.utils.checked import Checked, InvalidValue, power_of_two

__all__ = ["Checked", "InvalidValue", "power_of_two"]
