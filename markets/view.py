"""The one reader of a market's row outside the engine: what there is to see, in ticks, lots, seconds and names.

Whoever draws, records or judges a market asks a `MarketView`; so does a part or a policy in plain Python. It copies
nothing and changes nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sekai.markets.engine.layout import Account, Book, Level, Market, Row, Seat, Side, Trade
from sekai.markets.engine.ledger import wealth
from sekai.markets.engine.terms import FOREVER, NONE
from sekai.markets.units import NS_PER_S

__all__ = [
    "CASH",
    "EDGE",
    "FEES",
    "FILLS",
    "MESSAGES",
    "POSITION_LOTS",
    "REJECTS",
    "VOLUME_LOTS",
    "MarketView",
    "TopOfBook",
]

CASH, EDGE, FILLS, VOLUME_LOTS, MESSAGES, REJECTS, FEES, POSITION_LOTS = range(8)  # columns of `accounts`


class TopOfBook(NamedTuple):
    """The best of both sides of a book; -1 and 0 where a side is empty."""

    bid_ticks: int
    ask_ticks: int
    bid_lots: int
    ask_lots: int
    mark_ticks: float


class MarketView:
    """What there is to see in one market's row, of its first book. Prices are ticks counted from zero."""

    __slots__ = ("_book", "_i32", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self._i32 = row.view(np.int32)
        self._book = int(row[Market.BOOKS])

    # --- the session --------------------------------------------------------------------------------------------------
    @property
    def time_s(self) -> float:
        """Seconds since the open; negative during the warm-up."""
        return float(self.row[Market.NOW] - self.row[Market.OPEN]) / NS_PER_S

    @property
    def open_ns(self) -> int:
        """When the session opens, on the market's clock, which starts with the warm-up."""
        return int(self.row[Market.OPEN])

    @property
    def counters(self) -> dict[str, int]:
        """How many `messages`, `trades` and `rejects` there were, the warm-up's included."""
        row = self.row
        return {
            "messages": int(row[Market.MESSAGES]),
            "trades": int(row[Market.TRADES]),
            "rejects": int(row[Market.REJECTS]),
        }

    @property
    def trading_phase(self) -> int:
        """The trading phase by number, as `sekai.markets.book.order_book.PHASES` names them."""
        return int(self.row[self._book + Book.PHASE])

    @property
    def account_count(self) -> int:
        """How many accounts there are: the seats', the background's and the venue's."""
        return int(self.row[Market.ACCOUNT_COUNT])

    # --- the book -----------------------------------------------------------------------------------------------------
    @property
    def base_ticks(self) -> int:
        """The price at the foot of the ladder."""
        return int(self.row[self._book + Book.BASE])

    @property
    def mark_ticks(self) -> float:
        """The common mark: the mid of the best prices, the last that there was."""
        return float(self.row[self._book + Book.MARK]) / 2 + self.base_ticks

    @property
    def last_ticks(self) -> int:
        """The last trade's price, -1 before the first."""
        last = int(self.row[self._book + Book.LAST])
        return last if last < 0 else last + self.base_ticks

    def top_of_book(self) -> TopOfBook:
        """Return the best prices and what waits there."""
        prices, lots = [], []
        for side in (self._book + Book.BID, self._book + Book.ASK):
            key = int(self.row[side + Side.BEST])
            empty = key == NONE
            prices.append(-1 if empty else (key ^ int(self.row[side + Side.FLIP])) + self.base_ticks)
            lots.append(0 if empty else int(self._i32[self._level(side, key) + Level.QTY]))
        return TopOfBook(prices[0], prices[1], lots[0], lots[1], self.mark_ticks)

    def ladder_lots(self) -> NDArray[np.int32]:
        """Return the lots at each price of the ladder, `(ticks,)`, from `base_ticks` up: bids positive, asks negative.

        In a call auction both may wait at a price, and this is how many more want to buy.
        """
        ticks = int(self.row[self._book + Book.TICKS])

        def by_key(side: int) -> NDArray[np.int32]:
            first = self._level(side, 0) + Level.QTY
            return self._i32[first : first + Level.WORDS * ticks : Level.WORDS]

        return by_key(self._book + Book.BID)[::-1] - by_key(self._book + Book.ASK)

    def trades(self, count: int) -> NDArray[np.int64]:
        """Return the last trades, latest first, `(n, 3)`: time in ns, price, lots (positive: the taker bought)."""
        row, book = self.row, self._book
        head, capacity = int(row[book + Book.TAPE_HEAD]), int(row[book + Book.TAPE_CAPACITY])
        first = int(row[book + Book.TAPE])
        tape = row[first : first + capacity * Trade.WORDS].reshape(capacity, Trade.WORDS)
        latest = np.arange(head - 1, max(head - min(count, capacity), 0) - 1, -1) & (capacity - 1)
        found: NDArray[np.int64] = tape[latest][:, [Trade.TIME, Trade.PRICE, Trade.SIZE]]
        found[:, 1] += self.base_ticks
        return found

    def _level(self, side: int, key: int) -> int:
        return int(self.row[side + Side.LEVELS]) + Level.WORDS * key

    # --- accounts -----------------------------------------------------------------------------------------------------
    def accounts(self) -> NDArray[np.int64]:
        """Return a copy of all accounts, `(account_count, 8)`, by `CASH`, `EDGE`, ...; money in money units."""
        row = self.row
        first, stride = int(row[Market.ACCOUNTS]), int(row[Market.ACCOUNT_STRIDE])
        table = row[first : first + self.account_count * stride].reshape(self.account_count, stride)
        columns: NDArray[np.int64] = table[:, : Account.POSITION + 1].copy()
        return columns

    def wealth(self) -> NDArray[np.int64]:
        """Return what each account is worth at the mark, `(account_count,)` money units; they sum to zero."""
        return np.array([wealth(self.row, owner) for owner in range(self.account_count)], np.int64)

    def position_lots(self, owner: int) -> int:
        """Return an account's position."""
        row = self.row
        return int(row[int(row[Market.ACCOUNTS]) + owner * int(row[Market.ACCOUNT_STRIDE]) + Account.POSITION])

    # --- seats --------------------------------------------------------------------------------------------------------
    def seat(self, number: int) -> int:
        """Return the handle of a seat, `me` in its kernels."""
        return int(self.row[Market.SEATS]) + number * Seat.WORDS

    def due(self) -> list[int]:
        """Return the numbers of the seats that must decide now."""
        row, first = self.row, int(self.row[Market.DUE])
        handles: Any = row[first : first + int(row[Market.DUE_COUNT])] - row[Market.SEATS]
        return [int(number) for number in handles // Seat.WORDS]

    def due_seats(self) -> list[int]:
        """Return the handles of the seats that must decide now."""
        return [self.seat(number) for number in self.due()]

    def was_told(self, me: int) -> bool:
        """Say whether a seat was told something in this turn."""
        return bool(self.row[me + Seat.TOLD])

    def is_alive(self, me: int) -> bool:
        """Say whether a seat's episode goes on."""
        return bool(self.row[me + Seat.ALIVE])

    def number_of(self, me: int) -> int:
        """Return the number of a seat with that handle."""
        return (me - int(self.row[Market.SEATS])) // Seat.WORDS

    # --- what stopped the engine --------------------------------------------------------------------------------------
    @property
    def fault(self) -> tuple[int, int]:
        """The seat at which the engine stopped, and the number of its action that was out of range."""
        return int(self.row[Market.FAULT]), int(self.row[Market.FAULT_AT])

    @property
    def lost_messages(self) -> int:
        """How many messages found no room."""
        return int(self.row[Market.LOST])

    @property
    def pending_capacity(self) -> int:
        """How many things may be pending at once."""
        return int(self.row[Market.QUEUE_CAPACITY])

    @property
    def wake_budget(self) -> int:
        """How many wake-ups compiled policies have between two decisions from outside."""
        return int(self.row[Market.WAKE_BUDGET])

    def pause_at(self, after_open_ns: int | None) -> None:
        """Let the session pause so long after the open; None: never."""
        self.row[Market.UNTIL] = FOREVER if after_open_ns is None else self.row[Market.OPEN] + after_open_ns

    @property
    def paused_at_s(self) -> float:
        """When the session pauses next, in seconds since the open."""
        return float(self.row[Market.UNTIL] - self.row[Market.OPEN]) / NS_PER_S
