"""A recorded day as a market's background: from a tape's file to the words of a row.

The record's state at the market's time 0 is in the book when the session starts; what the record says after that
happens at its own time. Each recorded order is the background's.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sekai.markets.data.files import load as load_tape
from sekai.markets.data.recording import Recording, windowed
from sekai.markets.data.tape import BadTape, Tape
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.matching import submit
from sekai.markets.engine.recorded import RECORDED_WORDS, pack
from sekai.markets.engine.rng import name_hash
from sekai.markets.rules import VenueRules
from sekai.markets.units import nanoseconds
from sekai.utils import InvalidValue

if TYPE_CHECKING:
    from sekai.markets import config

__all__ = ["counts", "lay_out", "load", "words"]

_COUNTED = {
    "played": at.Recorded.NEXT,
    "missed": at.Recorded.MISSED,
    "shrunk_lots": at.Recorded.SHRUNK,
    "displaced_lots": at.Recorded.DISPLACED,
    "out_of_turn_lots": at.Recorded.OUT_OF_TURN,
}


def load(market: config.Market) -> Recording:
    """Return what a market with `flow = Replay(...)` plays: from its start to its close, sizes in lots.

    Raises BadTape for a file that is none, InvalidValue where nothing of it lies in the session, sizes are no lots, or
    the day does not keep the venue's rules.
    """
    flow, venue = market.flow, market.venue
    assert flow is not None and flow.kind == "replay"
    path = Path(flow.file)
    if not path.is_file():
        raise BadTape(f"flow.file must be a recorded day's file, got {flow.file!r}: there is none at {path.absolute()}")
    changed_ns = path.stat().st_mtime_ns
    length_ns = nanoseconds(market.warmup_s) + nanoseconds(market.session_s)
    recording = _part(path, changed_ns, nanoseconds(flow.start_s), length_ns, venue.tick_size, venue.lot_size)
    _check_rules(recording, venue.rules, path.name)
    return recording


def _check_rules(recording: Recording, rules: VenueRules, name: str) -> None:
    """Raise InvalidValue unless a day keeps the rules: increments and largest size all day, the band when it opens."""
    sizes, prices = recording.messages["size"], recording.messages["price_ticks"]
    faults = []
    if (sizes % rules.lot).any():
        faults.append(f"rules.lot must divide every size in {name}, got {rules.lot}")
    if sizes.max(initial=0) > rules.max_size:
        faults.append(f"rules.max_size must be >= every size in {name}, {sizes.max()}, got {rules.max_size}")
    if (prices % rules.tick).any():
        faults.append(f"rules.tick must divide every price in {name}, got {rules.tick}")
    low, high = rules.band
    seeds = recording.messages[recording.messages["row"] == 0]  # of each side, best first
    bests = [
        int(price) for side in (terms.BUY, terms.SELL) for price in seeds["price_ticks"][seeds["side"] == side][:1]
    ]
    if not all(low <= best <= high for best in bests):
        faults.append(f"rules.band must hold the best prices at which {name} begins, {bests}, got {low} to {high}")
    if faults:
        raise InvalidValue(*faults)


@lru_cache(maxsize=2)
def _tape(path: Path, changed_ns: int) -> Tape:
    return load_tape(path)


@lru_cache(maxsize=8)
def _part(path: Path, changed_ns: int, start_ns: int, length_ns: int, tick_size: float, lot_size: float) -> Recording:
    tape = _tape(path, changed_ns)
    times = tape.messages["time_ns"]
    start_ns = max(start_ns, int(times[0])) if len(tape) else start_ns
    first = int(np.searchsorted(times, start_ns, "right")) - 1 if len(tape) else -1
    last = int(np.searchsorted(times, start_ns + length_ns, "left"))
    if last <= first + 1 or first < 0:
        raise InvalidValue(f"start_s must be a time of day at which {path.name} has messages, got {start_ns / 1e9:g}")
    recording = windowed(tape, tick_size=tick_size, first=first, last=last)
    messages = recording.messages
    messages["time_ns"] -= start_ns
    lots, left = np.divmod(messages["size"], int(lot_size)) if lot_size == int(lot_size) else (None, np.ones(1))
    if lots is None or left.any():
        raise InvalidValue(f"lot_size must divide every size in {path.name}, got {lot_size}; 1.0 divides all")
    messages["size"] = lots
    return recording


def words(recording: Recording) -> int:
    """Return how many words of a row a recording takes, beside the flow's own."""
    return at.Recorded.MESSAGE_WORDS * len(recording.messages) + recording.orders


def lay_out(row: NDArray[np.int64], book: int, recording: Recording, venue: config.Venue) -> None:
    """Write a recording into a row's flow, and put its first state into the book. Modifies `row` in place.

    Raises InvalidValue where the ladder, or the book, has no room for that.
    """
    flow, base = int(row[book + at.Book.FLOW]), int(row[book + at.Book.BASE])
    table = recording.messages.view(np.int64).reshape(-1, RECORDED_WORDS)
    row[flow + at.Flow.KIND], row[flow + at.Flow.NAME] = terms.FlowKind.RECORDED, name_hash("background")
    row[flow + at.Recorded.COUNT], row[flow + at.Recorded.ORDERS], row[flow + at.Recorded.TARGET] = (
        len(table),
        recording.orders,
        -1,
    )
    first = flow + at.Flow.WORDS
    row[first : first + at.Recorded.MESSAGE_WORDS * len(table)] = pack(table, base)
    ids = first + at.Recorded.MESSAGE_WORDS * len(table)
    seeds = recording.messages[recording.messages["row"] == 0]
    bests = [
        int(seeds["order"][seeds["side"] == side].min(initial=recording.orders)) for side in (terms.BUY, terms.SELL)
    ]
    for _, _, _, order, side, price, lots in seeds.tolist():
        row[at.Market.SERIAL] += 1
        owner, tag = int(row[at.Market.BACKGROUND]), int(row[at.Market.SERIAL])
        code = submit(row, book, terms.Op.LIMIT, side, owner, price - base, lots, tag, 0)
        if code == terms.Answer.DONE:
            row[ids + order] = row[at.Message.ORDER]
        elif order in bests:  # what lies far out may be beyond the ladder, and is counted
            raise InvalidValue(
                f"the recording opens at {venue.units.price(price)}, where the ladder does not reach: set "
                f"opening_price (now {venue.opening_price}) near it, or raise ladder_ticks (now {venue.ladder_ticks})"
            )
        else:
            row[flow + at.Recorded.MISSED] += 1
        row[at.Market.EVENT_TAIL] = row[at.Market.EVENT_HEAD]
    row[flow + at.Recorded.NEXT] = len(seeds)
    account = int(row[at.Market.ACCOUNTS] + row[at.Market.BACKGROUND] * row[at.Market.ACCOUNT_STRIDE])
    row[account + at.Account.SENT] = row[account + at.Account.REJECTED] = row[at.Market.MESSAGES] = row[
        at.Market.REJECTS
    ] = 0


def counts(row: NDArray[np.int64]) -> dict[str, int]:
    """Return what has become of a row's record so far; empty where its flow is none.

    `played` messages; of `missed` ones nothing could be done. Lots: `shrunk`, by which cancels and executions shrank,
    since others took them before; `displaced`, that others traded in place of the recorded order, being before it; and
    `out_of_turn`, whose order was not the first of the recorded ones, or in a call, taken away without a trade.
    """
    flow = int(row[int(row[at.Market.BOOKS]) + at.Book.FLOW])
    if not flow or row[flow + at.Flow.KIND] != terms.FlowKind.RECORDED:
        return {}
    return {name: int(row[flow + word]) for name, word in _COUNTED.items()}
