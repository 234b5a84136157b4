"""Every part and role as tables for people, made from the classes: `python -m sekai.markets.parts` prints them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, fields
from typing import Any, Final

from sekai.markets.parts.base import Action, Part
from sekai.markets.parts.named import ACTIONS, ENDS, OBSERVATIONS, REWARDS, ROLES, Parts
from sekai.spaces import Box
from sekai.utils.kinds import Kinds

__all__ = ["aligned", "markdown", "numbers", "rewritten"]

_BEGIN: Final = "<!-- python -m sekai.markets.parts -->"
_END: Final = "<!-- the end of the tables -->"


def numbers(part: Action) -> str:
    """Return what each number of an action may be.

    >>> from sekai.markets.parts import ContinuousOrder, MarketOrder
    >>> numbers(MarketOrder()), numbers(ContinuousOrder())
    ('0..2, 0..9', '-1..1')
    """
    if part.choices:
        return ", ".join(f"0..{options - 1}" for options in part.choices)
    assert isinstance(part.space, Box)
    bounds = zip(part.space.low.ravel(), part.space.high.ravel(), strict=True)
    return ", ".join(f"{low:g}..{high:g}" for low, high in bounds)


def aligned(rows: Iterable[Sequence[str]], indent: int) -> Iterator[str]:
    """Yield rows of cells as lines, each column as wide as its widest cell."""
    table = [*rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield " " * indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def markdown() -> str:
    """Return the tables of our own parts and roles, in Markdown."""
    return "\n".join(
        [
            *_table(
                "Observations", ("kind", "parameters", "what it shows", "shape", "unit"), OBSERVATIONS, _observation
            ),
            *_table("Actions", ("kind", "parameters", "what its numbers ask for", "numbers", "unit"), ACTIONS, _action),
            *_table("Rewards", ("kind", "parameters", "what it pays", "unit"), REWARDS, _reward),
            *_table(
                "Ends", ("kind", "parameters", "when it ends the seat's episode"), ENDS, lambda part: [part.meaning]
            ),
            *_table("Roles", ("kind", "parameters", "sees", "does", "is paid for", "ends with"), ROLES, _role),
        ]
    )


def rewritten(page: str) -> str:
    """Return a page with its tables made anew: what stands between the two comments that mark them."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    assert before and after, f"the page must have {_BEGIN} and {_END}"
    return f"{before}{_BEGIN}\n{markdown()}\n{_END}{after}"


def _table(title: str, columns: Sequence[str], kinds: Kinds, cells: Callable[[Any], list[str]]) -> Iterator[str]:
    yield f"### {title}\n"
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for kind, cls in kinds.ours.items():
        if cls is Parts:
            continue  # is whatever its lists say
        parameters = ", ".join(f"`{line}`" for line in _fields(cls))
        yield f"| {' | '.join([f'`{kind}`', parameters, *map(_cell, cells(cls()))])} |"
    yield ""


def _fields(cls: Any) -> Iterator[str]:
    """Yield a class's own parameters with their defaults, as TOML has them."""
    for field in fields(cls):
        if field.name in ("kind", "parameters", "name") or field.default is MISSING:
            continue
        if field.name != "weight" or field.default != 1.0:
            yield f"{field.name} = {_toml(field.default)}"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Part):
        return f'"{value.name}"'
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def _observation(part: Any) -> list[str]:
    return [part.meaning, str(part.shape), part.unit]


def _action(part: Any) -> list[str]:
    return [part.meaning, numbers(part), part.unit]


def _reward(part: Any) -> list[str]:
    return [part.meaning, part.unit]


def _role(role: Any) -> list[str]:
    lists = (role.observations, role.actions, role.rewards, role.ends)
    return [", ".join(f"`{part.name}`" for part in parts) or "-" for parts in lists]
