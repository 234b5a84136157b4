"""Everything that is always true of a row, asserted: plain Python, slow, for tests and for whoever suspects the engine.

The row may be between two messages, or stopped in the middle of one by a full ring.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .layout import (
    ACCOUNT_COUNT,
    ACCOUNT_STRIDE,
    ACCOUNTS,
    ASK,
    BEST,
    BID,
    BITS,
    BOOK,
    BOOK_COUNT,
    BOOK_TRADES,
    BOOK_VOLUME,
    BOOK_WORDS,
    BOOKS,
    CALL_BUYS,
    CALL_SELLS,
    CALLING,
    CAME,
    CAPACITY,
    CASH,
    CONTINUOUS,
    COUNT,
    EDGE,
    EVENT_CAPACITY,
    EVENT_HEAD,
    EVENT_TAIL,
    EXTRAS,
    FILLS,
    FLIP,
    GATE,
    HALT_NS,
    HIDDENS,
    IDLE,
    INDEX,
    IS_AON,
    IS_HIDDEN,
    IS_ICEBERG,
    IS_STOP,
    IS_TRAILING,
    IS_WAITING,
    LAYOUT_VERSION,
    LEVEL_WORDS,
    LEVELS,
    LIVE,
    M_BOOK,
    M_HELD,
    M_STAGE,
    MARK,
    MAX_SIZE,
    NEXT,
    NO_TAG,
    NONE,
    ORDER_WORDS,
    ORDERS,
    OWNER,
    PHASE,
    PHASE_ENDS,
    PLACE,
    POSITION,
    PREV,
    PRICE,
    QTY,
    RESERVED,
    RULES,
    SHARING,
    SIDE,
    SIZE,
    SLOTS,
    SPECIAL_ALL,
    SPECIAL_TRADES,
    SPECIALS,
    STOPS,
    SUMMARY,
    TAG,
    TICKS,
    TOP,
    TRADES,
    TRAILERS,
    UNWINDING,
    VENUE,
    VERSION,
    VOLUME,
    X_FLAGS,
    X_RESERVE,
    X_SHARE,
    Row,
)

__all__ = ["accounts_of", "books_of", "check", "orders_at"]


def check(row: Row) -> None:
    """Raise AssertionError, saying which book, side, price or account is wrong, unless every invariant holds.

    Each level is the sum of its orders, the bitmaps and the best price are the occupied levels, links, slots and tags
    are consistent, no book is locked or crossed but by all-or-none orders or in a call, what is not plain is counted
    and marked, and cash, shares and edge sum to zero over all accounts, the venue's included.
    """
    assert row[SIZE] == row.size and row[VERSION] == LAYOUT_VERSION, "not a row, or not of this layout"
    assert 0 <= row[EVENT_HEAD] - row[EVENT_TAIL] <= row[EVENT_CAPACITY], "the ring holds more than it can"
    for book in books_of(row):
        _check_book(row, book)
    _check_ledger(row)


def books_of(row: Row) -> list[int]:
    """Return the handles of a row's books."""
    return [int(row[BOOKS]) + BOOK_WORDS * k for k in range(int(row[BOOK_COUNT]))]


def accounts_of(row: Row) -> NDArray[np.int64]:
    """Return a view of a row's accounts, `(ACCOUNT_COUNT, ACCOUNT_STRIDE)`."""
    count, stride, first = int(row[ACCOUNT_COUNT]), int(row[ACCOUNT_STRIDE]), int(row[ACCOUNTS])
    return row[first : first + count * stride].reshape(count, stride)


def orders_at(row: Row, level: int) -> Iterator[int]:
    """Yield the handles of the orders that wait at a level, oldest first."""
    half = row.view(np.int32)
    order = int(half[level + NEXT])
    while order != level:
        yield order
        order = int(half[order + NEXT])


def _check_book(row: Row, book: int) -> None:
    half, live, capacity, name = (
        row.view(np.int32),
        int(row[book + LIVE]),
        int(row[book + CAPACITY]),
        int(row[book + INDEX]),
    )
    first, slots = int(row[book + ORDERS]), int(row[book + SLOTS])
    assert 0 <= live <= capacity, f"book {name}: {live} live orders of {capacity}"
    orders = half[first : first + ORDER_WORDS * capacity].reshape(capacity, ORDER_WORDS)
    taken = half[slots : slots + capacity]
    handles = first + ORDER_WORDS * np.arange(capacity)
    assert np.array_equal(np.sort(taken), handles), f"book {name}: the slots are no permutation"
    assert np.array_equal(taken[orders[:, PLACE]], handles), f"book {name}: an order is not at its place"
    tags = orders[(taken - first) // ORDER_WORDS, TAG]
    assert (tags[live:] == NO_TAG).all() and (tags[:live] >= 0).all(), (
        f"book {name}: a live order has no tag, or a free one has"
    )
    assert len(set(tags[:live].tolist())) == live, f"book {name}: two live orders of one tag"
    linked = sum(_check_side(row, book + side) for side in (BID, ASK)) + _check_lists(row, book)
    _check_extras(row, book, taken[:live])
    is_held = row[M_STAGE] != IDLE and row[M_BOOK] == book and row[M_HELD] != 0
    assert linked + is_held == live, f"book {name}: {live} live orders, {linked} of them in queues"
    if row[book + HALT_NS] and row[M_STAGE] == IDLE:
        ends, is_continuous = int(row[book + PHASE_ENDS]), row[book + PHASE] == CONTINUOUS
        assert (ends == 0) == is_continuous, f"book {name}: phase {row[book + PHASE]} ends at {ends}"
    if row[book + PHASE] != CONTINUOUS:
        return
    bid, ask = (_best_of(row, book + side, IS_AON) for side in (BID, ASK))
    if row[M_STAGE] < CAME and bid is not None and ask is not None:
        assert bid < ask, f"book {name}: locked or crossed, bid {bid}, ask {ask}"
    bid, ask = (_best_of(row, book + side, IS_HIDDEN) for side in (BID, ASK))
    if bid is not None and ask is not None and row[M_STAGE] == IDLE:
        assert row[book + MARK] == bid + ask, f"book {name}: the mark is {row[book + MARK]}"


def _flags(row: Row, order: int) -> int:
    half = row.view(np.int32)
    extras = int(row[int(row[int(half[order + SIDE]) + BOOK]) + EXTRAS])
    return int(half[order + extras + X_FLAGS]) if extras else 0


def _best_of(row: Row, side: int, without: int) -> int | None:
    """Return the best price of a side's orders that are not of a kind, or None."""
    first, ticks = int(row[side + LEVELS]), int(row[row[side + BOOK] + TICKS])
    heads = row.view(np.int32)[first : first + LEVEL_WORDS * ticks].reshape(ticks, LEVEL_WORDS)[:, NEXT]
    for key in np.flatnonzero(heads != first + LEVEL_WORDS * np.arange(ticks)).tolist():
        if any(not _flags(row, order) & without for order in orders_at(row, first + LEVEL_WORDS * key)):
            return int(key ^ int(row[side + FLIP]))
    return None


def _check_lists(row: Row, book: int) -> int:
    """Check the lists of stops and of a call's market orders; return how many orders wait in them."""
    half, total = row.view(np.int32), 0
    for word, flag in ((STOPS, IS_STOP), (CALL_BUYS, IS_WAITING), (CALL_SELLS, IS_WAITING)):
        head = int(row[book + word])
        if head == 0:
            continue
        ahead, waiting = head, list(orders_at(row, head))
        for order in waiting:
            assert half[order + PREV] == ahead, f"list {head}: order {order} has another before it"
            assert _flags(row, order) & flag, f"list {head}: order {order} does not belong there"
            assert word == STOPS or half[order + SIDE] == book + (BID if word == CALL_BUYS else ASK), "a list's side"
            assert half[order + QTY] > 0 and half[order + PLACE] < row[book + LIVE], f"list {head}: {order} is no order"
            ahead = order
        assert half[head + PREV] == ahead and half[head + COUNT] == len(waiting), f"list {head}: its end, or its count"
        total += len(waiting)
    return total


def _check_extras(row: Row, book: int, live: NDArray[np.int32]) -> None:
    """Check that the orders that are not plain are what the book counts, and shares only dealt in a round."""
    half, shift = row.view(np.int32), int(row[book + EXTRAS])
    if shift == 0:
        assert row[book + SPECIALS] == 0, "special orders without room for them"
        return
    flags = half[live + shift + X_FLAGS]
    counted = [int(row[book + word]) for word in (SPECIALS, HIDDENS, TRAILERS)]
    found = [int((flags != 0).sum()), int((flags & IS_HIDDEN != 0).sum()), int((flags & IS_TRAILING != 0).sum())]
    assert counted == found, f"book {row[book + INDEX]}: counts {counted} special, hidden and trailing, has {found}"
    assert row[M_STAGE] == SHARING or (half[live + shift + X_SHARE] == 0).all(), "a share that nobody handed out"
    icebergs = live[flags & IS_ICEBERG != 0]
    assert (half[icebergs + shift + X_RESERVE] >= 0).all(), "an iceberg holds back less than nothing"
    assert half[icebergs + shift + X_RESERVE].sum() <= row[book + RESERVED], "icebergs hold back more than is known"
    if row[M_STAGE] == IDLE:
        is_for_all = row[book + PHASE] != CONTINUOUS or found[1] > 0
        wanted = int(row[book + RULES]) | SPECIAL_TRADES * (found[0] > 0) | SPECIAL_ALL * is_for_all
        assert row[book + GATE] == wanted, f"the gate is {row[book + GATE]}, should be {wanted}"


def _check_side(row: Row, side: int) -> int:
    """Check one side; return how many orders wait on it."""
    half, book, ticks = row.view(np.int32), int(row[side + BOOK]), int(row[row[side + BOOK] + TICKS])
    first = int(row[side + LEVELS])
    levels = half[first : first + LEVEL_WORDS * ticks].reshape(ticks, LEVEL_WORDS)
    heads = first + LEVEL_WORDS * np.arange(ticks)
    is_empty = levels[:, NEXT] == heads
    assert np.array_equal(is_empty, levels[:, PREV] == heads), f"side {side}: a level points at itself one way only"
    assert (levels[is_empty, QTY] == 0).all() and (levels[is_empty, COUNT] == 0).all(), (
        f"side {side}: size on an empty level"
    )
    keys = np.flatnonzero(~is_empty)
    assert row[side + BEST] == (keys[0] if keys.size else NONE), f"side {side}: the best key is {row[side + BEST]}"
    _check_bitmap(row, side, ~is_empty)
    for key in keys.tolist():
        _check_level(row, side, book, key)
    return sum(len(list(orders_at(row, int(heads[key])))) for key in keys.tolist())


def _check_level(row: Row, side: int, book: int, key: int) -> None:
    half, level = row.view(np.int32), int(row[side + LEVELS]) + LEVEL_WORDS * key
    where, ahead, lots, count, steps = f"side {side}, key {key}", level, 0, 0, 0
    may_be_used_up = row[M_STAGE] in (CALLING, UNWINDING)  # an iceberg's tranche, until the call ends
    is_among_hidden = False
    for order in orders_at(row, level):
        assert steps < row[book + CAPACITY], f"{where}: the queue does not come back to its level"
        assert half[order + PREV] == ahead, f"{where}: order {order} has another order before it"
        assert half[order + SIDE] == side and half[order + PRICE] ^ row[side + FLIP] == key, (
            f"{where}: a stranger, {order}"
        )
        flags, steps = _flags(row, order), steps + 1
        assert half[order + QTY] > 0 or (may_be_used_up and flags & IS_ICEBERG), (
            f"{where}: order {order} has size {half[order + QTY]}"
        )
        assert 0 <= half[order + OWNER] < row[ACCOUNT_COUNT], f"{where}: order {order} belongs to nobody"
        assert half[order + PLACE] < row[book + LIVE], f"{where}: order {order} waits but is not live"
        assert flags & IS_HIDDEN or not is_among_hidden, f"{where}: order {order} is displayed behind a hidden one"
        ahead, is_among_hidden = order, bool(flags & IS_HIDDEN)
        if not is_among_hidden:
            lots, count = lots + int(half[order + QTY]), count + 1
    assert half[level + PREV] == ahead, f"{where}: the last order is another"
    assert half[level + QTY] == lots <= MAX_SIZE, f"{where}: size {half[level + QTY]}, its orders {lots}"
    assert half[level + COUNT] == count, f"{where}: count {half[level + COUNT]}, its orders {count}"


def _check_bitmap(row: Row, side: int, is_occupied: NDArray[np.bool_]) -> None:
    for name, start in (("BITS", BITS), ("SUMMARY", SUMMARY)):
        words = np.packbits(np.pad(is_occupied, (0, -is_occupied.size % 64)), bitorder="little").view(np.int64)
        at = int(row[side + start])
        assert np.array_equal(row[at : at + words.size], words), f"side {side}: {name} is not the occupied levels"
        is_occupied = words != 0
    top = sum(1 << k for k, is_set in enumerate(is_occupied.tolist()) if is_set)
    assert int(row[side + TOP]) & (2**64 - 1) == top, f"side {side}: TOP is not the words of SUMMARY"


def _check_ledger(row: Row) -> None:
    accounts, books = accounts_of(row), books_of(row)
    if row[VENUE] == row[ACCOUNT_COUNT]:  # its account is behind the owners'
        at = int(row[ACCOUNTS] + row[ACCOUNT_STRIDE] * row[VENUE])
        accounts = np.vstack([accounts, row[at : at + int(row[ACCOUNT_STRIDE])]])
    for name, column in (("cash", CASH), ("edge", EDGE)):
        assert accounts[:, column].sum() == 0, f"{name} sums to {accounts[:, column].sum()} over all accounts"
    for k in range(len(books)):
        held = accounts[:, POSITION + k].sum()
        assert held == 0, f"positions in book {k} sum to {held} over all accounts"
    trades, volume = (sum(int(row[book + word]) for book in books) for word in (BOOK_TRADES, BOOK_VOLUME))
    assert row[TRADES] == trades, f"{row[TRADES]} trades, the books count {trades}"
    assert accounts[:, FILLS].sum() == 2 * trades, f"{trades} trades, {accounts[:, FILLS].sum()} fills"
    assert accounts[:, VOLUME].sum() == 2 * volume, f"volume {volume}, the accounts count {accounts[:, VOLUME].sum()}"
