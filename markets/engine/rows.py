"""A fresh market's row: what it has room for, laid out one section behind another."""

from __future__ import annotations

import numpy as np

from .layout import (
    Account,
    Book,
    Entry,
    Event,
    Extra,
    Feed,
    Flow,
    Fundamental,
    Level,
    Market,
    Order,
    Outbox,
    Row,
    Seat,
    Side,
    Snapshot,
    Trade,
)
from .terms import (
    ALL_KINDS,
    FOREVER,
    MAX_BOOKS,
    MAX_OWNERS,
    MAX_PRICE,
    MAX_SIZE,
    MAX_TICKS,
    NEVER,
    NO_LIMIT,
    NO_TAG,
    NONE,
)

__all__ = ["new_row"]


def _aligned(words: int) -> int:
    return (words + 7) // 8 * 8


def new_row(
    *,
    ticks: int = 1024,
    orders: int = 512,
    accounts: int = 4,
    seats: int = 0,
    books: int = 1,
    events: int = 64,
    tape: int = 16,
    queue: int = 64,
    flow_depth: int = 0,
    flow_words: int = 0,
    feed: int = 0,
    feed_levels: int = 1,
    base: int = 0,
    special: bool = False,
    arena: int = 0,
    fundamental: bool = False,
) -> Row:
    """Return a fresh, empty market: every book empty, every account at zero, nothing pending.

    `ticks` prices a book (a power of two, 64 to 262,144), `orders` live orders a book, `events` and `tape` entries
    (powers of two), `queue` pending things, `feed` snapshots of `feed_levels` levels for delayed market data (a power
    of two, or 0 for none); flow by distances up to `flow_depth`, or `flow_words` of a record; `arena` words for the
    parts of seats. Raises ValueError naming the argument that is out of range.
    """
    _check_capacity(ticks=ticks, orders=orders, accounts=accounts, books=books, events=events, tape=tape)
    stride = Account.WORDS if books == 1 else _aligned(Account.POSITION + books)
    bits, summary = ticks // 64, (ticks // 64 + 63) // 64
    per_book = {
        "slots": (orders + 1) // 2,
        "orders": orders * Order.WORDS // 2,
        "bid_levels": ticks * Level.WORDS // 2,
        "ask_levels": ticks * Level.WORDS // 2,
        "bid_bits": summary + bits,
        "ask_bits": summary + bits,
        "extras": orders * Extra.WORDS // 2 if special else 0,
        "lists": 3 * Level.WORDS // 2 if special else 0,
        "tape": tape * Trade.WORDS,
        "flow": Flow.WORDS + 2 * flow_depth + flow_words if flow_depth or flow_words else 0,
        "fundamental": Fundamental.WORDS if fundamental else 0,
        "feed": Feed.WORDS + feed * (Snapshot.WORDS + 2 * feed_levels) if feed else 0,
    }
    sizes = {
        "books": books * Book.WORDS,
        "accounts": (accounts + special) * stride,
        "rates": 2 * accounts if special else 0,
        "seats": seats * Seat.WORDS,
        "due": seats,
        "events": events * Event.WORDS,
        "queue": queue * Entry.WORDS,
        "outbox": 64 * Outbox.WORDS,
        "arena": arena,
    }
    sizes |= {f"{name}{k}": words for k in range(books) for name, words in per_book.items()}
    at: dict[str, int] = {}
    end = Market.WORDS
    for name, words in sizes.items():
        at[name], end = end, end + _aligned(words)
    row = np.zeros(end, np.int64)
    row[Market.SIZE], row[Market.VERSION], row[Market.MAX_ORDER_SIZE], row[Market.UNTIL] = (
        end,
        Market.CURRENT_VERSION,
        MAX_SIZE,
        FOREVER,
    )
    row[Market.BOOKS], row[Market.BOOK_COUNT] = at["books"], books
    row[Market.SEATS], row[Market.SEAT_COUNT], row[Market.DUE] = at["seats"], seats, at["due"]
    row[Market.ACCOUNTS], row[Market.ACCOUNT_COUNT], row[Market.ACCOUNT_STRIDE] = at["accounts"], accounts, stride
    row[Market.BACKGROUND], row[Market.VENUE] = max(accounts - 2, 0), accounts - 1 + special
    row[Market.RATES] = at["rates"] if special else 0
    row[Market.EVENTS], row[Market.EVENT_CAPACITY], row[Market.EVENT_KINDS] = at["events"], events, ALL_KINDS
    row[Market.QUEUE], row[Market.QUEUE_CAPACITY], row[Market.QUEUE_KEPT] = at["queue"], queue, seats + books
    row[Market.OUTBOX], row[Market.OUTBOX_CAPACITY] = at["outbox"], 64
    row[Market.ARENA], row[Market.WAKE_BUDGET] = at["arena"], FOREVER
    for k in range(books):
        places = {name: at[f"{name}{k}"] for name in per_book}
        _lay_out_book(row, k, places, ticks, orders, tape, base)
        _lay_out_rules(row, k, places, special)
        book = row[Market.BOOKS] + k * Book.WORDS
        row[book + Book.FLOW] = at[f"flow{k}"] if per_book["flow"] else 0
        row[book + Book.FUNDAMENTAL] = at[f"fundamental{k}"] if fundamental else 0
        if feed:
            start = row[book + Book.FEED] = at[f"feed{k}"]
            row[start + Feed.CAPACITY], row[start + Feed.LEVELS] = feed, feed_levels
            row[start + Feed.STRIDE] = Snapshot.WORDS + 2 * feed_levels
    return row


def _check_capacity(*, ticks: int, orders: int, accounts: int, books: int, events: int, tape: int) -> None:
    for name, value, least, most in (
        ("ticks", ticks, 64, MAX_TICKS),
        ("events", events, 16, 1 << 24),
        ("tape", tape, 1, 1 << 20),
    ):
        if not least <= value <= most or value & (value - 1):
            raise ValueError(f"{name} must be a power of two from {least} to {most}, got {value}")
    for name, value, least, most in (
        ("orders", orders, 1, 1 << 24),
        ("accounts", accounts, 1, MAX_OWNERS),
        ("books", books, 1, MAX_BOOKS),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name} must be from {least} to {most}, got {value}")


def _lay_out_book(row: Row, k: int, at: dict[str, int], ticks: int, orders: int, tape: int, base: int) -> None:
    book = int(row[Market.BOOKS]) + k * Book.WORDS
    row[book + Book.INDEX], row[book + Book.TICKS], row[book + Book.BASE] = k, ticks, base
    row[book + Book.LAST], row[book + Book.MARK], row[book + Book.SCANNED] = -1, -1, NEVER
    row[book + Book.CAPACITY], row[book + Book.SLOTS], row[book + Book.ORDERS] = (
        orders,
        2 * at["slots"],
        2 * at["orders"],
    )
    row[book + Book.TAPE], row[book + Book.TAPE_CAPACITY] = at["tape"], tape
    i32 = row.view(np.int32)
    first = 2 * at["orders"]
    i32[2 * at["slots"] : 2 * at["slots"] + orders] = first + Order.WORDS * np.arange(orders)
    i32[first + Order.PLACE : first + Order.WORDS * orders : Order.WORDS] = np.arange(orders)
    i32[first + Order.TAG : first + Order.WORDS * orders : Order.WORDS] = NO_TAG
    for side, name, flip in ((book + Book.BID, "bid", ticks - 1), (book + Book.ASK, "ask", 0)):
        levels = 2 * at[f"{name}_levels"]
        row[side + Side.BEST], row[side + Side.FLIP], row[side + Side.LEVELS] = NONE, flip, levels
        row[side + Side.SUMMARY], row[side + Side.BOOK] = at[f"{name}_bits"], book
        row[side + Side.BITS] = row[side + Side.SUMMARY] + (ticks // 64 + 63) // 64
        empty = levels + Level.WORDS * np.arange(ticks)
        i32[empty + Level.NEXT] = i32[empty + Level.PREV] = empty


def _lay_out_rules(row: Row, k: int, at: dict[str, int], special: bool) -> None:
    book, i32 = int(row[Market.BOOKS]) + k * Book.WORDS, row.view(np.int32)
    row[book + Book.TICK] = row[book + Book.LOT] = row[book + Book.BAND_LOW] = row[book + Book.MIN_FILL] = row[
        book + Book.RATE_WINDOW
    ] = 1
    row[book + Book.BAND_HIGH], row[book + Book.HALT_HIGH] = MAX_PRICE, NO_LIMIT
    row[book + Book.MOST_POSITION] = row[book + Book.MOST_ORDERS] = row[book + Book.MOST_RATE] = NO_LIMIT
    row[book + Book.EXTRAS] = 2 * (at["extras"] - at["orders"]) if special else 0
    for n, head in enumerate((Book.STOPS, Book.CALL_BUYS, Book.CALL_SELLS) if special else ()):
        row[book + head] = at_head = 2 * at["lists"] + n * Level.WORDS
        i32[at_head + Level.NEXT] = i32[at_head + Level.PREV] = at_head
