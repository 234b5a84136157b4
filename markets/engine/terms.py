"""The terms that the engine speaks in: operations, reasons, phases, and the numbers that mean nothing or no limit.

Units: time in ns, sizes in lots, prices in ladder ticks, money in hundredths of tick x lot (`MONEY` of them make one).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = [
    "ALL_KINDS",
    "BUY",
    "BY_CLOCK",
    "FOREVER",
    "HALF_TICK",
    "KEEP",
    "MAX_BOOKS",
    "MAX_MONEY",
    "MAX_OWNERS",
    "MAX_PRICE",
    "MAX_SIZE",
    "MAX_TAG",
    "MAX_TICKS",
    "MAX_VALUE",
    "MONEY",
    "NEVER",
    "NONE",
    "NO_LIMIT",
    "NO_PRICE",
    "NO_SLOT",
    "NO_TAG",
    "SELL",
    "UNSEEN",
    "Answer",
    "Change",
    "Clock",
    "Due",
    "Flag",
    "FlowKind",
    "Gate",
    "Kind",
    "Op",
    "PartKind",
    "Phase",
    "Reason",
    "SelfTrade",
    "Stage",
    "Words",
]


class Words(type):
    """The class of a namespace whose values are constants: a kernel may read `Op.LIMIT` (see `jit`)."""

    def __iter__(cls) -> Iterator[int]:
        """Yield the values."""
        return (value for name, value in vars(cls).items() if name.isupper())


MONEY: Final = 100  # money units in one tick x lot; a half tick is an exact number of them
HALF_TICK: Final = MONEY // 2
BUY: Final = 0
SELL: Final = 1

# --- nothing, and no limit --------------------------------------------------------------------------------------------
NONE: Final = 1 << 40  # the key of no price
KEEP: Final = -(1 << 40)  # in a modify: leave the price, or the size, as it is
NO_TAG: Final = -1  # the tag of a slot that holds no order
NO_PRICE: Final = -1  # what a look answers where there is no price
NO_SLOT: Final = 1023  # the client order slot of an order that nobody will name again
NO_LIMIT: Final = 1 << 62
FOREVER: Final = 1 << 62  # a time that never comes
NEVER: Final = -2  # no price, and not the lack of one
UNSEEN: Final = -(1 << 31)  # no price of any ladder
BY_CLOCK: Final = -1  # what an agent's kernel returns to be woken next by its seat's clock

# --- how much there may be --------------------------------------------------------------------------------------------
MAX_SIZE: Final = (1 << 30) - 1  # lots in one order, and in one level: int32 holds them
MAX_TAG: Final = (1 << 31) - 1
MAX_PRICE: Final = (1 << 31) - 1  # ticks, counted from zero, not from the book's BASE
MAX_MONEY: Final = 1 << 62  # in an account: a fill that leads beyond it is still exact, the next need not be
MAX_VALUE: Final = MAX_MONEY // MONEY  # tick x lot of one order: what it pays is exact in int64
MAX_TICKS: Final = 64**3  # three words of 64 bits, one above the other
MAX_BOOKS: Final = 1 << 10  # in a row
MAX_OWNERS: Final = 1 << 24  # in a row, and seats


class Op(metaclass=Words):
    """What a message asks for."""

    LIMIT, CANCEL, IOC, REDUCE, MARKET, MODIFY, MASS_CANCEL, QUOTE = range(8)
    FOK, AON, STOP, STOP_LIMIT, TRAILING_STOP, PHASE, UNCROSS = range(8, 15)
    INVALID, POST_ONLY, ICEBERG = range(15, 18)  # of a seat's requests only; INVALID: its size is the reason


class Flag(metaclass=Words):
    """What an order is beside plain: bits. WAITING: a market order in a call. POST_ONLY is of messages only."""

    AON, HIDDEN, ICEBERG, STOP = (1, 2, 4, 8)
    STOP_LIMIT, TRAILING, WAITING, POST_ONLY = (16, 32, 64, 128)


class Reason(metaclass=Words):
    """Why an order was rejected, or ended."""

    OK, BY_OWNER, UNFILLED, BAD_PRICE, BAD_SIZE, BEYOND_LADDER, BOOK_FULL, UNKNOWN_ORDER = range(8)
    NOT_OWNER, DUPLICATE_TAG, TAGS_EXHAUSTED, LEVEL_FULL, BAD_OPERATION, BAD_OWNER, CLOSED, BAD_SIDE = range(8, 16)
    OFF_TICK, OFF_LOT, OUTSIDE_BAND, BAD_DISPLAY, WOULD_TRADE, NOT_IN_CALL, SELF_TRADE, POSITION_LIMIT = range(16, 24)
    ORDER_LIMIT, RATE_LIMIT, NO_CALL, BAD_SLOT, SLOT_BUSY = range(24, 29)


class Kind(metaclass=Words):
    """What an event is."""

    ACCEPTED, TRADED, CANCELLED, REDUCED, REPLACED, REJECTED = range(1, 7)
    TRIGGERED, REPLENISHED, PHASED = range(7, 10)


ALL_KINDS: Final = sum(1 << kind for kind in Kind)  # a bit each


class Phase(metaclass=Words):
    """What a book does at present."""

    CONTINUOUS, AUCTION, HALT = range(3)


class SelfTrade(metaclass=Words):
    """What a venue does where an order would trade with its owner's own."""

    ALLOW, CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT = range(5)


class Gate(metaclass=Words):
    """What a message must look out for: bits of a book's GATE, and of its RULES; 0 on a plain book.

    Prices and sizes are CHECKED; trades, new orders, or all messages are special.
    """

    CHECKED, SPECIAL_TRADES, SPECIAL_ARRIVALS, SPECIAL_ALL = (1, 2, 4, 8)


class Stage(metaclass=Words):
    """Where the message in hand is; from CAME on it is a special one."""

    IDLE, ARRIVED, SWEEPING, CLEARING = range(4)
    CAME, WALKING, SHARING, LEAVING, ELECTING, TAKING_OUT, CALLING, UNWINDING = range(4, 12)


class Answer(metaclass=Words):
    """What a kernel answers. SPECIAL: `sekai.markets.engine.special` must work on the message in hand."""

    DONE, DRAIN, DECIDE, REJECTED, PAUSED, FLOODED, SPECIAL, SHORT, RESTLESS = range(9)


class Due(metaclass=Words):
    """What an entry of the heap of pending things is: the low 4 bits of its WHAT."""

    WAKE_UP, ARRIVAL, BACKGROUND, PHASE_CHANGE = range(4)


class Change(metaclass=Words):
    """What changes a phase: bits 4 to 7 of WHAT. The book's number is in bits 8 and up.

    ARG says when a call that begins will end. An end counts only if the book's PHASE_ENDS still says so: a scheduled
    call takes over from a halt.
    """

    CALL_BEGINS, CALL_ENDS, HALT_ENDS = range(3)


class Clock(metaclass=Words):
    """When a seat decides; its EVERY is ns, mean ns, trades, or nothing."""

    EVERY_NS, POISSON, EVERY_TRADES, OWN_FILLS = range(4)


class PartKind(metaclass=Words):
    """What a kernel of a seat is for; a MASK is an action's other kernel."""

    POLICY, OBSERVATION, ACTION, REWARD, END, MASK = range(6)


class FlowKind(metaclass=Words):
    """Where a book's background flow comes from."""

    NONE, ZERO_INTELLIGENCE, RECORDED = range(3)
