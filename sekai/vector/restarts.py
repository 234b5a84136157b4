"""When episodes begin and end: the one place that knows.

What follows an episode's end is said by `autoreset`: `"same_step"` begins the next episode in the step that ends one,
`"next_step"` in the step after, whose action for that row is ignored, `"disabled"` leaves it to
`reset(mask=result.dones)`. Of all this, whoever steps rows learns only what a `Turn` says.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from sekai.core.seeding import child_seed
from sekai.error import InvalidMask, ResetRequired, SekaiError, did_you_mean
from sekai.vector.table import Table

__all__ = ["Autoreset", "Restarts", "Seeds", "Turn", "played", "rows_in", "seeds_of"]

Autoreset: TypeAlias = Literal["same_step", "next_step", "disabled"]
"""What follows an episode's end."""

Seeds: TypeAlias = int | Sequence[int | None] | None
"""One seed for all rows, whose children they get, or one for each."""


@dataclass(slots=True)
class Turn:
    """What rows are asked to do: `steps` are stepped with `actions`, then in `begins` an episode begins.

    `seeds` are those of `begins`, in order. Where `restart`, a row whose episode ends begins the next one at once.
    A turn that is `whole` is a reset of everything, with `seed` as it was given.
    """

    steps: Sequence[int] = ()
    actions: Any = None
    restart: bool = False
    begins: Sequence[int] = ()
    seeds: Sequence[int | None] = ()
    options: dict[str, Any] | None = None
    whole: bool = False
    seed: Seeds = None

    @property
    def is_reset(self) -> bool:
        """Whether it is no step, in which rows may begin too."""
        return self.actions is None


class Restarts:
    """Which rows have no episode that could go on: those never reset, and those whose episode is over."""

    def __init__(self, rows: int, autoreset: Autoreset) -> None:
        if autoreset not in get_args(Autoreset):
            near = did_you_mean(str(autoreset), get_args(Autoreset))
            raise SekaiError(f"autoreset must be one of {list(get_args(Autoreset))}, got {autoreset!r}.{near}")
        self.rows, self.autoreset = rows, autoreset
        self._usual = Turn(range(rows), restart=autoreset == "same_step")
        self._new = set(range(rows))
        self._over: set[int] = set()

    def reset(self, seed: Seeds, options: dict[str, Any] | None, mask: Any) -> Turn:
        """Return the turn that begins an episode where `mask` is true, or in every row."""
        rows, seeds = rows_in(mask, self.rows), seeds_of(seed, self.rows)
        given = [seeds[row] for row in rows]
        return Turn(begins=rows, seeds=given, options=options, whole=mask is None, seed=seed)

    def step(self, mask: Any) -> Turn:
        """Return the turn that steps the rows where `mask` is true, or every row; its actions come later.

        Raises `ResetRequired` where an episode has not begun, or is over and nobody begins the next.
        """
        if mask is None and not self._new and not self._over:
            return self._usual
        rows = rows_in(mask, self.rows)
        new = [row for row in rows if row in self._new]
        if new:
            raise ResetRequired(f"step before the first reset of environments {new}: call reset() first")
        over = [row for row in rows if row in self._over]
        if over and self.autoreset != "next_step":
            raise ResetRequired(f"step after the episode's end in environments {over}: call reset(mask=...) first")
        steps = [row for row in rows if row not in self._over] if over else rows
        return replace(self._usual, steps=steps, begins=over, seeds=[None] * len(over))

    def learn(self, turn: Turn, table: Table) -> None:
        """Learn that a turn has been played, and what it has written."""
        if self._new or self._over:
            self._new.difference_update(turn.begins)
            self._over.difference_update(turn.begins)
        if not turn.restart:
            self._over.update(table.over(turn.steps))

    def broken(self) -> None:
        """Learn of an error in the middle of a turn: the rows do not belong together any more."""
        self._new.update(range(self.rows))


_Begin: TypeAlias = Callable[[Sequence[int], Sequence[int | None], Any], Generator[Any, Any, list[Any]]]
_Step: TypeAlias = Callable[[Sequence[int], Any], Generator[Any, Any, list[int]]]


def played(turn: Turn, table: Table, step: _Step, begin: _Begin) -> Generator[Any, Any, None]:
    """Play a turn by two programs that write into `table`.

    `step(rows, actions)` writes transitions and returns the rows whose episode is over; `begin(rows, seeds, options)`
    writes first observations and returns what each row says of its beginning.
    """
    if not turn.steps:
        table.open()
    else:
        over = yield from step(turn.steps, turn.actions)
        if over and turn.restart:
            table.keep(over)
            table.restart(over, (yield from begin(over, [None] * len(over), None)))
    if turn.begins:
        table.begin(turn.begins, (yield from begin(turn.begins, turn.seeds, turn.options)))


def seeds_of(seed: Seeds, count: int) -> list[int | None]:
    """Return `count` seeds: children of `seed` by their index, or the seeds given one by one."""
    if seed is None:
        return [None] * count
    if isinstance(seed, int | np.integer):
        return [child_seed(int(seed), index) for index in range(count)]
    if len(seed) != count:
        raise SekaiError(f"seed must be an integer, None, or {count} of them, got {len(seed)}")
    return list(seed)


def rows_in(mask: Any, count: int) -> Sequence[int]:
    """Return the rows where `mask` is true, all where it is None; raises `InvalidMask` unless it is `(count,) bool`."""
    if mask is None:
        return range(count)
    mask = np.asarray(mask)
    if mask.shape != (count,) or mask.dtype != np.bool_:
        raise InvalidMask(f"mask must have shape ({count},) and dtype bool, got {mask.shape} and {mask.dtype}")
    return np.flatnonzero(mask).tolist()
