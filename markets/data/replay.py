"""Is the engine's book the market's? A recorded day is played through it and compared, row by row.

Two questions. *Windowed*: after every row, is each level that the record shows the engine's too, price and size? Here
executions name the order that traded. *Taker*: if each run of executions of the same nanosecond and side is sent as
one immediate-or-cancel order instead, does it trade with the same orders, in the same sequence, for the same sizes?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sekai.markets.data.files import load
from sekai.markets.data.recording import Recording, windowed
from sekai.markets.data.tape import BadTape, Tape, TapeKind
from sekai.markets.engine import layout, terms
from sekai.markets.engine.recorded import RUN_WORDS, Progress, play_rows
from sekai.markets.engine.rows import new_row

__all__ = ["ReplayResult", "replay", "replay_file", "taker_runs"]

_CHUNK_ROWS = 8_192
_FILLS = 1 << 12  # that one taker may make


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay has shown. `windowed_match` is the share of rows whose every level is the engine's too.

    `taker_match` of `taker_runs` runs traded as recorded. `trades` and `hidden_trades` are the record's prints.
    `first_mismatch` is the first row that differs, -1 where none does.
    """

    rows: int
    levels: int
    trades: int
    hidden_trades: int
    windowed_match: float
    taker_runs: int
    taker_match: int
    first_mismatch: int

    def to_json(self) -> dict[str, int | float]:
        """Return the numbers by name."""
        return asdict(self)


def replay_file(
    path: str | Path, *, tick_size: float = 0.01, progress: Callable[[int, int], None] | None = None
) -> ReplayResult:
    """Replay the tape in a file (LOBSTER's `.csv` or `.zip`, or ours); `progress(rows done, rows)` is told as it goes.

    Raises BadTape for a file that is no tape, or has no book to compare with.
    """
    return replay(load(path), tick_size=tick_size, progress=progress)


def replay(tape: Tape, *, tick_size: float = 0.01, progress: Callable[[int, int], None] | None = None) -> ReplayResult:
    """Replay a tape that has a book, in ticks of `tick_size`, and say how much of it the engine's book agrees with."""
    if len(tape) == 0:
        raise BadTape("a replay needs at least one message, got none")
    recording = windowed(tape, tick_size=tick_size)
    done = Progress(0, 0, 0, 0, -1)
    for done in _play(recording):
        if progress:
            progress(done.rows, len(tape))
    kinds = tape.messages["kind"]
    return ReplayResult(
        rows=len(tape),
        levels=tape.levels,
        trades=int((kinds == TapeKind.EXECUTE).sum()),
        hidden_trades=int((kinds == TapeKind.EXECUTE_HIDDEN).sum()),
        windowed_match=done.rows_matched / len(tape),
        taker_runs=len(taker_runs(recording)),
        taker_match=done.runs_matched,
        first_mismatch=done.first_mismatch,
    )


def _play(recording: Recording) -> Iterator[Progress]:
    """Play a recording through the engine, a chunk of rows at a time."""
    low, high = recording.prices
    ticks = 64
    while ticks < high - low + 1:
        ticks *= 2
    if ticks > terms.MAX_TICKS:
        raise BadTape(f"prices must lie within {terms.MAX_TICKS} ticks of each other, got {low} to {high}")
    row = new_row(ticks=ticks, orders=recording.live_most + 16, accounts=3, events=_FILLS, tape=1, base=low)
    row[layout.Market.EVENT_KINDS] = 1 << terms.Kind.TRADED
    words = np.ascontiguousarray(recording.messages).view(np.int64)
    runs = taker_runs(recording)
    assert recording.tape.book is not None
    book, levels = np.ascontiguousarray(recording.tape.book).ravel(), recording.tape.levels
    handles, scratch = np.zeros(recording.orders + 1, np.int32), np.empty_like(row)
    done, rows = Progress(0, 0, 0, 0, -1), len(recording.tape)
    while done.rows < rows:
        last = min(done.rows + _CHUNK_ROWS, rows)
        done = Progress(*play_rows(row, scratch, words, handles, runs.ravel(), book, levels, last, *done))
        yield done


def taker_runs(recording: Recording) -> NDArray[np.int64]:
    """Return runs of executions of one nanosecond and side, `(n, RUN_WORDS)`.

    Each as its first and last row, the side of the orders that traded, the worst price in ticks, and all its lots.
    Prints of hidden orders in between, which no book shows, do not end a run.
    """
    m = recording.tape.messages
    public = np.flatnonzero(m["kind"] != TapeKind.EXECUTE_HIDDEN)
    place = np.flatnonzero((m["kind"][public] == TapeKind.EXECUTE) & (public > 0))  # row 0 is the seed
    at = public[place]
    if not at.size:
        return np.zeros((0, RUN_WORDS), np.int64)
    breaks = (np.diff(place) != 1) | (np.diff(m["time_ns"][at]) != 0) | (np.diff(m["side"][at]) != 0)
    firsts = np.append(0, np.flatnonzero(breaks) + 1)
    lasts = np.append(firsts[1:], at.size) - 1
    lots = np.add.reduceat(m["size"][at], firsts)
    prices = m["price_ticks"][at[lasts]]
    return np.stack([at[firsts], at[lasts], m["side"][at[firsts]].astype(np.int64), prices, lots], axis=1)
