"""Everything that is always true of a row, asserted: plain Python, slow, for tests and for whoever suspects the engine.

The row may be between two messages, or stopped in the middle of one by a full ring.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .layout import Account, Book, Extra, Level, Market, Message, Order, Row, Side
from .terms import MAX_SIZE, NO_TAG, NONE, Flag, Gate, Phase, Stage

__all__ = ["accounts_of", "books_of", "check", "orders_at"]


def check(row: Row) -> None:
    """Raise AssertionError, saying which book, side, price or account is wrong, unless every invariant holds.

    Each level is the sum of its orders, the bitmaps and the best price are the occupied levels, links, slots and tags
    are consistent, no book is locked or crossed but by all-or-none orders or in a call, what is not plain is counted
    and marked, and cash, shares and edge sum to zero over all accounts, the venue's included.
    """
    assert row[Market.SIZE] == row.size and row[Market.VERSION] == Market.CURRENT_VERSION, (
        "not a row, or not of this layout"
    )
    assert 0 <= row[Market.EVENT_HEAD] - row[Market.EVENT_TAIL] <= row[Market.EVENT_CAPACITY], (
        "the ring holds more than it can"
    )
    for book in books_of(row):
        _check_book(row, book)
    _check_ledger(row)


def books_of(row: Row) -> list[int]:
    """Return the handles of a row's books."""
    return [int(row[Market.BOOKS]) + Book.WORDS * k for k in range(int(row[Market.BOOK_COUNT]))]


def accounts_of(row: Row) -> NDArray[np.int64]:
    """Return a view of a row's accounts, `(ACCOUNT_COUNT, ACCOUNT_STRIDE)`."""
    count, stride, first = int(row[Market.ACCOUNT_COUNT]), int(row[Market.ACCOUNT_STRIDE]), int(row[Market.ACCOUNTS])
    return row[first : first + count * stride].reshape(count, stride)


def orders_at(row: Row, level: int) -> Iterator[int]:
    """Yield the handles of the orders that wait at a level, oldest first."""
    i32 = row.view(np.int32)
    order = int(i32[level + Level.NEXT])
    while order != level:
        yield order
        order = int(i32[order + Order.NEXT])


def _check_book(row: Row, book: int) -> None:
    i32, live, capacity, name = (
        row.view(np.int32),
        int(row[book + Book.LIVE]),
        int(row[book + Book.CAPACITY]),
        int(row[book + Book.INDEX]),
    )
    first, slots = int(row[book + Book.ORDERS]), int(row[book + Book.SLOTS])
    assert 0 <= live <= capacity, f"book {name}: {live} live orders of {capacity}"
    orders = i32[first : first + Order.WORDS * capacity].reshape(capacity, Order.WORDS)
    taken = i32[slots : slots + capacity]
    handles = first + Order.WORDS * np.arange(capacity)
    assert np.array_equal(np.sort(taken), handles), f"book {name}: the slots are no permutation"
    assert np.array_equal(taken[orders[:, Order.PLACE]], handles), f"book {name}: an order is not at its place"
    tags = orders[(taken - first) // Order.WORDS, Order.TAG]
    assert (tags[live:] == NO_TAG).all() and (tags[:live] >= 0).all(), (
        f"book {name}: a live order has no tag, or a free one has"
    )
    assert len(set(tags[:live].tolist())) == live, f"book {name}: two live orders of one tag"
    linked = sum(_check_side(row, book + side) for side in (Book.BID, Book.ASK)) + _check_lists(row, book)
    _check_extras(row, book, taken[:live])
    is_held = row[Message.STAGE] != Stage.IDLE and row[Message.BOOK] == book and row[Message.HELD] != 0
    assert linked + is_held == live, f"book {name}: {live} live orders, {linked} of them in queues"
    if row[book + Book.HALT_NS] and row[Message.STAGE] == Stage.IDLE:
        ends, is_continuous = int(row[book + Book.PHASE_ENDS]), row[book + Book.PHASE] == Phase.CONTINUOUS
        assert (ends == 0) == is_continuous, f"book {name}: phase {row[book + Book.PHASE]} ends at {ends}"
    if row[book + Book.PHASE] != Phase.CONTINUOUS:
        return
    bid, ask = (_best_of(row, book + side, Flag.AON) for side in (Book.BID, Book.ASK))
    if row[Message.STAGE] < Stage.CAME and bid is not None and ask is not None:
        assert bid < ask, f"book {name}: locked or crossed, bid {bid}, ask {ask}"
    bid, ask = (_best_of(row, book + side, Flag.HIDDEN) for side in (Book.BID, Book.ASK))
    if bid is not None and ask is not None and row[Message.STAGE] == Stage.IDLE:
        assert row[book + Book.MARK] == bid + ask, f"book {name}: the mark is {row[book + Book.MARK]}"


def _flags(row: Row, order: int) -> int:
    i32 = row.view(np.int32)
    extras = int(row[int(row[int(i32[order + Order.SIDE]) + Side.BOOK]) + Book.EXTRAS])
    return int(i32[order + extras + Extra.FLAGS]) if extras else 0


def _best_of(row: Row, side: int, without: int) -> int | None:
    """Return the best price of a side's orders that are not of a kind, or None."""
    first, ticks = int(row[side + Side.LEVELS]), int(row[row[side + Side.BOOK] + Book.TICKS])
    heads = row.view(np.int32)[first : first + Level.WORDS * ticks].reshape(ticks, Level.WORDS)[:, Order.NEXT]
    for key in np.flatnonzero(heads != first + Level.WORDS * np.arange(ticks)).tolist():
        if any(not _flags(row, order) & without for order in orders_at(row, first + Level.WORDS * key)):
            return int(key ^ int(row[side + Side.FLIP]))
    return None


def _check_lists(row: Row, book: int) -> int:
    """Check the lists of stops and of a call's market orders; return how many orders wait in them."""
    i32, total = row.view(np.int32), 0
    for word, flag in ((Book.STOPS, Flag.STOP), (Book.CALL_BUYS, Flag.WAITING), (Book.CALL_SELLS, Flag.WAITING)):
        head = int(row[book + word])
        if head == 0:
            continue
        ahead, waiting = head, list(orders_at(row, head))
        for order in waiting:
            assert i32[order + Order.PREV] == ahead, f"list {head}: order {order} has another before it"
            assert _flags(row, order) & flag, f"list {head}: order {order} does not belong there"
            assert word == Book.STOPS or i32[order + Order.SIDE] == book + (
                Book.BID if word == Book.CALL_BUYS else Book.ASK
            ), "a list's side"
            assert i32[order + Order.QTY] > 0 and i32[order + Order.PLACE] < row[book + Book.LIVE], (
                f"list {head}: {order} is no order"
            )
            ahead = order
        assert i32[head + Level.PREV] == ahead and i32[head + Level.COUNT] == len(waiting), (
            f"list {head}: its end, or its count"
        )
        total += len(waiting)
    return total


def _check_extras(row: Row, book: int, live: NDArray[np.int32]) -> None:
    """Check that the orders that are not plain are what the book counts, and shares only dealt in a round."""
    i32, shift = row.view(np.int32), int(row[book + Book.EXTRAS])
    if shift == 0:
        assert row[book + Book.SPECIALS] == 0, "special orders without room for them"
        return
    flags = i32[live + shift + Extra.FLAGS]
    counted = [int(row[book + word]) for word in (Book.SPECIALS, Book.HIDDENS, Book.TRAILERS)]
    found = [int((flags != 0).sum()), int((flags & Flag.HIDDEN != 0).sum()), int((flags & Flag.TRAILING != 0).sum())]
    assert counted == found, (
        f"book {row[book + Book.INDEX]}: counts {counted} special, hidden and trailing, has {found}"
    )
    assert row[Message.STAGE] == Stage.SHARING or (i32[live + shift + Extra.SHARE] == 0).all(), (
        "a share that nobody handed out"
    )
    icebergs = live[flags & Flag.ICEBERG != 0]
    assert (i32[icebergs + shift + Extra.RESERVE] >= 0).all(), "an iceberg holds back less than nothing"
    assert i32[icebergs + shift + Extra.RESERVE].sum() <= row[book + Book.RESERVED], (
        "icebergs hold back more than is known"
    )
    if row[Message.STAGE] == Stage.IDLE:
        is_for_all = row[book + Book.PHASE] != Phase.CONTINUOUS or found[1] > 0
        wanted = int(row[book + Book.RULES]) | Gate.SPECIAL_TRADES * (found[0] > 0) | Gate.SPECIAL_ALL * is_for_all
        assert row[book + Book.GATE] == wanted, f"the gate is {row[book + Book.GATE]}, should be {wanted}"


def _check_side(row: Row, side: int) -> int:
    """Check one side; return how many orders wait on it."""
    i32, book, ticks = row.view(np.int32), int(row[side + Side.BOOK]), int(row[row[side + Side.BOOK] + Book.TICKS])
    first = int(row[side + Side.LEVELS])
    levels = i32[first : first + Level.WORDS * ticks].reshape(ticks, Level.WORDS)
    heads = first + Level.WORDS * np.arange(ticks)
    is_empty = levels[:, Order.NEXT] == heads
    assert np.array_equal(is_empty, levels[:, Order.PREV] == heads), (
        f"side {side}: a level points at itself one way only"
    )
    assert (levels[is_empty, Order.QTY] == 0).all() and (levels[is_empty, Level.COUNT] == 0).all(), (
        f"side {side}: size on an empty level"
    )
    keys = np.flatnonzero(~is_empty)
    assert row[side + Side.BEST] == (keys[0] if keys.size else NONE), (
        f"side {side}: the best key is {row[side + Side.BEST]}"
    )
    _check_bitmap(row, side, ~is_empty)
    for key in keys.tolist():
        _check_level(row, side, book, key)
    return sum(len(list(orders_at(row, int(heads[key])))) for key in keys.tolist())


def _check_level(row: Row, side: int, book: int, key: int) -> None:
    i32, level = row.view(np.int32), int(row[side + Side.LEVELS]) + Level.WORDS * key
    where, ahead, lots, count, steps = f"side {side}, key {key}", level, 0, 0, 0
    may_be_used_up = row[Message.STAGE] in (Stage.CALLING, Stage.UNWINDING)  # an iceberg's tranche, until the call ends
    is_among_hidden = False
    for order in orders_at(row, level):
        assert steps < row[book + Book.CAPACITY], f"{where}: the queue does not come back to its level"
        assert i32[order + Order.PREV] == ahead, f"{where}: order {order} has another order before it"
        assert i32[order + Order.SIDE] == side and i32[order + Order.PRICE] ^ row[side + Side.FLIP] == key, (
            f"{where}: a stranger, {order}"
        )
        flags, steps = _flags(row, order), steps + 1
        assert i32[order + Order.QTY] > 0 or (may_be_used_up and flags & Flag.ICEBERG), (
            f"{where}: order {order} has size {i32[order + Order.QTY]}"
        )
        assert 0 <= i32[order + Order.OWNER] < row[Market.ACCOUNT_COUNT], f"{where}: order {order} belongs to nobody"
        assert i32[order + Order.PLACE] < row[book + Book.LIVE], f"{where}: order {order} waits but is not live"
        assert flags & Flag.HIDDEN or not is_among_hidden, f"{where}: order {order} is displayed behind a hidden one"
        ahead, is_among_hidden = order, bool(flags & Flag.HIDDEN)
        if not is_among_hidden:
            lots, count = lots + int(i32[order + Order.QTY]), count + 1
    assert i32[level + Level.PREV] == ahead, f"{where}: the last order is another"
    assert i32[level + Level.QTY] == lots <= MAX_SIZE, f"{where}: size {i32[level + Level.QTY]}, its orders {lots}"
    assert i32[level + Level.COUNT] == count, f"{where}: count {i32[level + Level.COUNT]}, its orders {count}"


def _check_bitmap(row: Row, side: int, is_occupied: NDArray[np.bool_]) -> None:
    for name, start in (("BITS", Side.BITS), ("SUMMARY", Side.SUMMARY)):
        words = np.packbits(np.pad(is_occupied, (0, -is_occupied.size % 64)), bitorder="little").view(np.int64)
        at = int(row[side + start])
        assert np.array_equal(row[at : at + words.size], words), f"side {side}: {name} is not the occupied levels"
        is_occupied = words != 0
    top = sum(1 << k for k, is_set in enumerate(is_occupied.tolist()) if is_set)
    assert int(row[side + Side.TOP]) & (2**64 - 1) == top, f"side {side}: TOP is not the words of SUMMARY"


def _check_ledger(row: Row) -> None:
    accounts, books = accounts_of(row), books_of(row)
    if row[Market.VENUE] == row[Market.ACCOUNT_COUNT]:  # its account is behind the owners'
        at = int(row[Market.ACCOUNTS] + row[Market.ACCOUNT_STRIDE] * row[Market.VENUE])
        accounts = np.vstack([accounts, row[at : at + int(row[Market.ACCOUNT_STRIDE])]])
    for name, column in (("cash", Account.CASH), ("edge", Account.EDGE)):
        assert accounts[:, column].sum() == 0, f"{name} sums to {accounts[:, column].sum()} over all accounts"
    for k in range(len(books)):
        held = accounts[:, Account.POSITION + k].sum()
        assert held == 0, f"positions in book {k} sum to {held} over all accounts"
    trades, volume = (sum(int(row[book + word]) for book in books) for word in (Book.TRADES, Book.VOLUME))
    assert row[Market.TRADES] == trades, f"{row[Market.TRADES]} trades, the books count {trades}"
    assert accounts[:, Account.FILLS].sum() == 2 * trades, f"{trades} trades, {accounts[:, Account.FILLS].sum()} fills"
    assert accounts[:, Account.VOLUME].sum() == 2 * volume, (
        f"volume {volume}, the accounts count {accounts[:, Account.VOLUME].sum()}"
    )
