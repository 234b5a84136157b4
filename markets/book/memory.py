"""The memory behind an OrderBook: its row, the map from the senders' ids to it, the log of events, and room to grow.

Messages go to the engine's kernels. What one answers is brought to its end here: room is made, events are read, what
is not plain is worked on by the kernel for that, which is compiled when the first such message comes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sekai.markets.book.messages import MESSAGE, ORDER, BadMessage, Ending, Reason, trades_of, what_of
from sekai.markets.book.rejection import (
    MAX_ORDERS,
    MAX_OWNERS,
    Limits,
    check_capacity,
    is_faulty_price,
    rejection,
    too_big,
)
from sekai.markets.engine import layout, terms
from sekai.markets.engine.layout import Book, Event, Market, Message, Order, Row
from sekai.markets.engine.operations import OPERATIONS, PLAIN
from sekai.markets.engine.rows import new_row
from sekai.markets.engine.terms import ALL_KINDS, MAX_PRICE, MAX_TAG, MAX_TICKS, Answer, Kind, Stage
from sekai.markets.rules import VenueRules

__all__ = ["BookMemory", "lay_venue_rules"]

if TYPE_CHECKING:
    from sekai.markets.engine.replay import Demand

_MAX_GAP: Final = 1 << 20  # order ids that may be left out at once
_WITHOUT_EXTRAS: Final = (0, 0, 0)  # a stop, a display, flags


class BookMemory:
    """One book's row and what its owner keeps beside it: `OrderBook` is its face."""

    __slots__ = ("_book", "_ended", "_handles", "_log", "_logged", "_next_id", "_row", "_rules", "_send")

    _row: Row
    _rules: VenueRules
    _handles: NDArray[np.int32]
    _log: NDArray[np.int64]

    def _lay_out(self, rules: VenueRules, *, ticks: int, orders: int, owners: int, events: bool) -> None:
        check_capacity(ticks=ticks, orders=orders, owners=owners)
        base = max(0, (rules.last_trade or 0) - ticks // 2)
        self._row = new_row(
            ticks=ticks, orders=orders, accounts=owners, events=256, tape=1, queue=16, base=base, special=True
        )
        self._row[Market.EVENT_STOP] = self._row[Market.ELASTIC] = 1
        self._row[Market.SERIAL] = -1  # the largest id so far
        self._row[Market.EVENT_KINDS] = ALL_KINDS if events else 1 << Kind.TRADED | 1 << Kind.REJECTED
        self._book, self._rules = int(self._row[Market.BOOKS]), rules
        lay_venue_rules(self._row, self._book, rules)
        self._handles = np.zeros(1024, np.int32)
        self._log = np.zeros(256 * Event.WORDS, np.int64)
        self._logged = self._next_id = 0
        self._ended: dict[int, Ending] = {}
        self._send = _kernels().send

    @classmethod
    def _restored(
        cls, row: Row, handles: NDArray[np.int32], words: NDArray[np.int64], next_id: int, rules: VenueRules,
        ended: dict[int, Ending],
    ) -> Self:  # fmt: skip
        book = cls.__new__(cls)
        book._row, book._handles, book._next_id, book._book = row, handles, next_id, int(row[Market.BOOKS])
        book._logged, book._rules, book._ended = len(words), rules, ended
        book._log = np.concatenate([words.ravel(), np.zeros(max(words.size, 256 * Event.WORDS), np.int64)])
        book._send = _kernels().send
        return book

    def __reduce__(self) -> tuple[Any, ...]:
        self._pour()
        state = (
            self._row.copy(),
            self._handles.copy(),
            self._words.copy(),
            self._next_id,
            self._rules,
            self._ended.copy(),
        )
        return type(self)._restored, state

    # --- orders, many at once --------------------------------------------------------------------------------------

    def apply(self, messages: NDArray[Any]) -> NDArray[Any]:
        """Submit messages (`markets.messages(...)`) one after another; return the trades they made, dtype `TRADE`.

        What is refused changes nothing and raises nothing: `rejects` says which and why. Raises BadMessage if the array
        is none of messages.
        """
        if not isinstance(messages, np.ndarray) or messages.dtype not in (MESSAGE, ORDER) or messages.ndim != 1:
            what = f"{messages.dtype} {messages.shape}" if isinstance(messages, np.ndarray) else type(messages).__name__
            raise BadMessage(f"apply needs a one-dimensional array made by markets.messages(...), got {what}")
        self._pour()
        kernels, before, width = _kernels(), self._logged, messages.dtype.itemsize // 4
        words = np.require(messages, requirements=["C", "A", "W"]).view(np.int32)  # what the kernel was compiled for
        done, stop, count, can_fit_all = 0, len(messages), len(messages), True
        first, refused = int(self._row[Market.MESSAGES]), int(self._row[Market.REJECTS])
        is_plain = messages.dtype == MESSAGE and self._row[self._book + Book.GATE] <= terms.Gate.CHECKED
        while done < count:
            done, self._logged, code = self._replay(words[: stop * width], width, done, is_plain)
            self._row[Market.ELASTIC], stop = 1, count
            if code == Answer.DRAIN:
                self._lengthen_log()
            elif code == Answer.SPECIAL:
                is_plain = False
            elif code == kernels.GROW:
                rest, one = words[done * width :], words[done * width : (done + 1) * width]
                can_fit_all = can_fit_all and self._make_room(kernels.demand(rest, width), count - done)
                if not can_fit_all and not self._make_room(kernels.demand(one, width), 1):
                    self._row[Market.ELASTIC], stop = 0, done + 1  # there is no room to make: let the book refuse it
        self._pour()
        if self._row[Market.REJECTS] > refused:
            self._name_refused(before, messages["order_id"], first)
        self._next_id = max(self._next_id, int(self._row[Market.SERIAL]) + 1)
        return trades_of(self._words[before:])

    def _replay(self, words: NDArray[np.int32], width: int, done: int, is_plain: bool) -> tuple[int, int, int]:
        kernels, row, handles, log = _kernels(), self._row, self._handles, self._log
        if is_plain:
            return kernels.replay(row, words, handles, log, self._book, done, self._logged)
        special = kernels.special()
        return kernels.replay_special(row, words, width, handles, log, self._book, done, self._logged, special)

    # --- orders, one at a time -------------------------------------------------------------------------------------

    @property
    def _words(self) -> NDArray[np.int64]:
        return self._log[: self._logged * Event.WORDS].reshape(-1, Event.WORDS)

    def _do(
        self, op: int, number: int, side_index: int, price: int, size: int, owner: int,
        extras: tuple[int, int, int] = _WITHOUT_EXTRAS,
    ) -> None:  # fmt: skip
        """Send a message and bring it to its end; `extras` are a stop or an offset, a display, and flags."""
        try:
            if PLAIN >> op & 1 and extras is _WITHOUT_EXTRAS:  # said here too: most messages come this way
                code = self._send(self._row, self._handles, self._book, op, number, side_index, price, size, owner)
            else:
                code = self._sent((op, number, side_index, price, size, owner), extras)
        except OverflowError:
            raise too_big(price=price, size=size, owner=owner, id=number, stop=extras[0], display=extras[1]) from None
        if code:
            self._finish(code, op, number, side_index, price, size, owner, extras=extras)

    def _sent(self, message: tuple[int, ...], extras: tuple[int, int, int]) -> int:
        if not PLAIN >> message[0] & 1 or extras != _WITHOUT_EXTRAS:
            return _kernels().send_special(self._row, self._handles, self._book, *message, *extras)
        return self._send(self._row, self._handles, self._book, *message)

    def _finish(
        self, code: int, op: int, number: int, side_index: int, price: int, size: int, owner: int,
        *, extras: tuple[int, int, int] = _WITHOUT_EXTRAS,
    ) -> None:  # fmt: skip
        """Bring a message to its end that did not get there at once: make room, read events, or raise why not."""
        kernels, row, handles = _kernels(), self._row, self._handles
        message = (op, number, side_index, price, size, owner)
        if code == kernels.GROW:
            known = OPERATIONS[op]
            prices = (price, price) if known.is_priced and 0 < price <= MAX_PRICE else (1, 0)
            need = kernels.Demand(number if known.is_new else -1, owner, *prices)
            can_fit = self._make_room(need, 1)
            row, handles = self._row, self._handles
            row[Market.ELASTIC] = can_fit
            code = self._sent(message, extras)
            row[Market.ELASTIC] = 1
        while code in (Answer.DRAIN, Answer.SPECIAL):
            if code == Answer.DRAIN:
                self._pour()
            if code == Answer.SPECIAL or row[Message.STAGE] >= Stage.CAME:
                code = kernels.resume_special(row, handles, kernels.special())
            else:
                code = kernels.resume(row, handles)
        if code != Answer.DONE:
            reason, called = Reason(int(row[Message.REASON])), OPERATIONS[op].called
            named, sized = called.get("price_ticks", "price"), called.get("size", "size")
            if reason is Reason.IDS_EXHAUSTED:
                self._pour()
                self._name_refused(self._logged - 1, np.array([number]), int(row[Market.MESSAGES]) - 1)
            is_of_price = "price_ticks" in called and is_faulty_price(price, reason, self._limits())
            if "stop_ticks" in called and not is_of_price:
                named, price = called["stop_ticks"], extras[0]
            raise rejection(
                reason, self._limits(), id=number, price=price, size=size, owner=owner, named=named, sized=sized
            )

    def _limits(self) -> Limits:
        tick, lot, low, high = (
            int(self._row[self._book + word]) for word in (Book.TICK, Book.LOT, Book.BAND_LOW, Book.BAND_HIGH)
        )
        return Limits(
            tick=tick,
            lot=lot,
            band=(low, high),
            max_size=int(self._row[Market.MAX_ORDER_SIZE]),
            max_orders=MAX_ORDERS,
            max_owner=MAX_OWNERS - 1,
            max_id=self._id_limit(1) - 1,
            next_id=self._next_id,
            ladder=(self._base, self._base + int(self._row[self._book + Book.TICKS]) - 1),
            rules=self._rules,
        )

    # --- making room -----------------------------------------------------------------------------------------------

    @property
    def _base(self) -> int:
        return int(self._row[self._book + Book.BASE])

    def _pour(self) -> None:
        """Move what the ring holds into the log."""
        while self._row[Market.EVENT_TAIL] != self._row[Market.EVENT_HEAD]:
            self._logged = _kernels().pour(self._row, self._log, self._logged)
            if self._row[Market.EVENT_TAIL] != self._row[Market.EVENT_HEAD]:
                self._lengthen_log()

    def _name_refused(self, since: int, order_ids: NDArray[Any], first: int) -> None:
        """Write the ids of messages from number `first` on into refusals, which the engine has no room for.

        `since` is the first event that may be such.
        """
        words = self._words[since:]
        kind, reason, _, _ = what_of(words)
        nameless = (kind == Kind.REJECTED) & (reason == Reason.IDS_EXHAUSTED)
        words[nameless, Event.ORDER] = order_ids[words[nameless, Event.CAUSE] - 1 - first]

    def _lengthen_log(self) -> None:
        longer = np.zeros(2 * self._log.size, np.int64)
        longer[: self._log.size] = self._log
        self._log = longer

    def _id_limit(self, messages: int) -> int:
        return min(2 * self._handles.size + _MAX_GAP + messages, MAX_TAG + 1)

    def _make_room(self, need: Demand, messages: int) -> bool:
        """Make room for what `messages` messages need, and for more orders; return whether all found it."""
        row, book = self._row, self._book
        count, capacity, live = (
            int(row[Market.ACCOUNT_COUNT]),
            int(row[book + Book.CAPACITY]),
            int(row[book + Book.LIVE]),
        )
        window = self._window(need)
        if need.order_id >= self._id_limit(messages) or need.owner >= MAX_OWNERS or window is None:
            return False
        if need.order_id >= self._handles.size:
            more = np.zeros(max(2 * self._handles.size, need.order_id + 1), np.int32)
            more[: self._handles.size] = self._handles
            self._handles = more
        owners = count if need.owner < count else min(max(2 * count, need.owner + 1), MAX_OWNERS)
        orders = min(2 * capacity, MAX_ORDERS) if live == capacity else capacity
        if (orders, owners, *window) != (capacity, count, int(row[book + Book.TICKS]), self._base):
            self._grow(orders, owners, *window)
        return live < orders

    def _window(self, need: Demand) -> tuple[int, int] | None:
        """Return ticks and base of a ladder that holds all there is and the prices to come, or None if none does."""
        row, base, ticks = self._row, self._base, int(self._row[self._book + Book.TICKS])
        if need.low > need.high or (base <= need.low and need.high < base + ticks):
            return ticks, base
        prices = row.view(np.int32)[self._live_handles() + Order.PRICE] + base
        held = [float(price) for price in prices[prices > 0]]  # stops, and a call's market orders, have none
        held += [int(row[self._book + Book.LAST]) + base] * bool(row[self._book + Book.LAST] >= 0)
        held += [row[self._book + Book.MARK] / 2 + base] * bool(row[self._book + Book.MARK] >= 0)
        low, high = floor(min([need.low, *held])), ceil(max([need.high, *held]))
        if high - low >= MAX_TICKS:
            return None
        while ticks < MAX_TICKS and ticks < 2 * (high - low + 1):
            ticks *= 2
        return ticks, max(0, low - (ticks - (high - low + 1)) // 2)

    def _grow(self, orders: int, owners: int, ticks: int, base: int) -> None:
        from sekai.markets.engine.grow import grown

        self._pour()
        self._row = grown(self._row, ticks=ticks, orders=orders, accounts=owners, base=base)
        self._book = int(self._row[Market.BOOKS])
        live = self._live_handles()
        self._handles[self._row.view(np.int32)[live + Order.TAG]] = live

    # --- finding orders --------------------------------------------------------------------------------------------

    def _live_handles(self) -> NDArray[np.int32]:
        slots = int(self._row[self._book + layout.Book.SLOTS])
        return self._row.view(np.int32)[slots : slots + int(self._row[self._book + Book.LIVE])]

    def _find(self, number: int) -> int:
        handle = int(self._handles[number]) if 0 <= number < self._handles.size else 0
        within = handle - int(self._row[self._book + Book.ORDERS])
        if not 0 <= within < Order.WORDS * int(self._row[self._book + Book.CAPACITY]) or within % Order.WORDS:
            return 0
        return handle if self._row.view(np.int32)[handle + Order.TAG] == number else 0


def lay_venue_rules(row: Row, book: int, rules: VenueRules) -> None:
    """Write a venue's rules into the words of a row's book, which is laid out for them. Modifies `row` in place."""
    row[Market.MAX_ORDER_SIZE] = rules.max_size
    if rules.last_trade is not None:
        row[book + Book.LAST] = rules.last_trade - int(row[book + Book.BASE])
    if rules == _PLAIN:
        return
    from sekai.markets.engine.rules import lay_rules

    stp = ("none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement").index(rules.stp)
    low, high = rules.band
    words = {
        Book.TICK: rules.tick,
        Book.LOT: rules.lot,
        Book.BAND_LOW: 1 if rules.halt_band else low,
        Book.BAND_HIGH: MAX_PRICE if rules.halt_band else high,
        layout.Book.SELF_TRADE: stp,
        layout.Book.PRO_RATA: int(rules.allocation == "pro_rata"),
        layout.Book.TOP_ORDER: int(rules.top_order),
        layout.Book.MIN_FILL: rules.min_fill,
        layout.Book.MAKER_FEE: rules.maker_fee_parts,
        layout.Book.TAKER_FEE: rules.taker_fee_parts,
        layout.Book.MAKER_FEE_PER_LOT: rules.maker_fee_per_lot,
        layout.Book.TAKER_FEE_PER_LOT: rules.taker_fee_per_lot,
        layout.Book.RATE_WINDOW: rules.order_rate_window_ns,
    }
    words |= {layout.Book.HALT_LOW: low, layout.Book.HALT_HIGH: high} if rules.halt_band else {}
    limits = {
        layout.Book.MOST_POSITION: rules.position_limit,
        layout.Book.MOST_ORDERS: rules.open_order_limit,
        layout.Book.MOST_RATE: rules.order_rate_limit,
    }
    lay_rules(row, book, words | {word: value for word, value in limits.items() if value is not None})


_PLAIN: Final = VenueRules()


class _Kernels(NamedTuple):
    send: Callable[..., int]  # of two arrays and integers of Python's own: it looks at no types
    resume: Callable[..., int]
    replay: Callable[..., tuple[int, int, int]]
    send_special: Callable[..., int]
    resume_special: Callable[..., int]
    replay_special: Callable[..., tuple[int, int, int]]
    pour: Callable[..., int]
    demand: Callable[[NDArray[np.int32], int], Demand]
    Demand: type[Demand]
    GROW: int
    special: Callable[[], int]


_loaded: list[_Kernels] = []
_special: list[int] = []


def _kernels() -> _Kernels:
    """Return the engine's kernels; the first call imports numba."""
    if not _loaded:
        from sekai.markets.engine import replay as edge
        from sekai.markets.engine.events import pour
        from sekai.markets.engine.jit import entry_of

        def demand(words: NDArray[np.int32], width: int) -> Demand:
            return edge.demand(words) if width == edge.MESSAGE_WORDS else edge.demand_special(words, width)

        _loaded.append(
            _Kernels(
                send=entry_of(edge.send, np.zeros(1, np.int64), np.zeros(1, np.int32), *[0] * 7),
                resume=edge.resume,
                replay=edge.replay,
                send_special=edge.send_special,
                resume_special=edge.resume_special,
                replay_special=edge.replay_special,
                pour=pour,
                demand=demand,
                Demand=edge.Demand,
                GROW=edge.GROW,
                special=_address_of_special,
            )
        )
    return _loaded[0]


def _address_of_special() -> int:
    """Return the address of the kernel for all that is not plain; the first call compiles it, or loads it."""
    if not _special:
        from sekai.markets.engine.jit import address_of
        from sekai.markets.engine.special import special

        _special.append(address_of(special))
    return _special[0]
