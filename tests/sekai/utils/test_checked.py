"""Frozen tables that check themselves: which hints are read, and what they then ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import numpy as np
import pytest
from annotated_types import Ge

from sekai.utils import Checked, InvalidValue


class Acts(Protocol):
    """Somebody else's type, which nobody checks."""

    def act(self) -> int: ...


@dataclass(frozen=True)
class Table(Checked):
    """One field of each kind of hint."""

    pair: tuple[str, int] = ("a", 1)
    nothing: tuple[()] = ()
    gaps: tuple[int | None, ...] = (1, None)
    flag: bool = True
    least: Annotated[int | None, Ge(1)] = None
    number: Annotated[int | float, Ge(1)] = 1
    actor: Acts | None = None
    call: Callable[[int], int] = abs
    names: list[str] | None = None


def test_what_cannot_be_checked_is_taken() -> None:
    table = Table(pair=("b", 2), gaps=(None, 3), flag=np.True_, least=2, actor="anybody", names=["a"])  # type: ignore[arg-type]
    assert (table.pair, table.gaps, table.flag, table.names) == (("b", 2), (None, 3), True, ["a"])
    assert type(table.flag) is bool


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"pair": 3}, "pair must be a tuple, got 3"),
        ({"gaps": None}, "gaps must be a tuple, got None"),
        ({"gaps": (1, "a")}, "gaps[1] must be a number, got 'a'"),
        ({"flag": 1}, "flag must be True or False, got 1"),
        ({"least": 0}, "least must be >= 1, got 0"),
        ({"number": "a"}, "number must be a number, got 'a'"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Table(**wrong)
    assert str(caught.value) == why
