"""The memory of one market: one row of int64 words. Nothing else in the engine knows a number from this file.

A *handle* is where a record starts in its row, so a field is `row[seat + Seat.LATENCY]`, a null handle is 0 (the header
lives there), and a row that is copied elsewhere keeps working. Orders and price levels are int32 records: their
handles count int32 words, and `i32 = row.view(np.int32)` reads them, `i32[order + Order.QTY]`; real numbers are read
through `row.view(np.float64)`.

Orders and levels are nodes of one circular list: an empty level points at itself, so linking has no special case.
Prices inside a row are *ladder ticks*: a price in ticks less the book's BASE. A side's prices are *keys*,
`price ^ flip`, and a smaller key is always better: asks keep their price, bids count down from the ladder's top.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .terms import Words

__all__ = [
    "Account",
    "Book",
    "Bound",
    "Call",
    "Entry",
    "Event",
    "Extra",
    "Feed",
    "Fill",
    "Flow",
    "Fundamental",
    "Level",
    "Market",
    "Message",
    "Order",
    "Outbox",
    "Outcome",
    "Part",
    "Probe",
    "Recorded",
    "Rejection",
    "Root",
    "Row",
    "Seat",
    "Side",
    "Snapshot",
    "Trade",
]

Row = NDArray[np.int64]


# --- the header, in cache lines of 8 words; what every message touches lies in the first four -------------------------
class Market(metaclass=Words):
    """The header: one word each, from the start of the row.

    ELASTIC: 1 where the row's owner lays out a larger one when asked (OrderBook); a market env's row says no instead.
    MAX_ORDER_SIZE is for all books. UNTIL: where a session that somebody watches pauses next. UNIT_VALUE (real): what
    one money unit is worth in the currency. EVENT_HEAD counts the events that were written, EVENT_TAIL those that were
    read (or overwritten); EVENT_STOP: 1 where a full ring stops the kernel, 0 where it forgets the oldest. REACTIVE:
    how many seats have trades or fills for a clock. DUE: where the seats are listed that must decide now. RATES: where
    new orders are counted. QUEUE_KEPT: entries of the heap that messages leave free for wake-ups, flows, and what the
    venue has scheduled. OVERFLOWED: 1 once an account has held more than MAX_MONEY, up or down: from then on money need
    not be exact. FAULT: the seat at which a kernel stopped, FAULT_AT: the number of its action that was out of range.
    ARENA: where what the seats have of different sizes begins. WAKE_BUDGET: how many wake-ups compiled policies have
    between two decisions from outside; WAKES_BEFORE: how many there had been at the last.
    """

    NOW, MESSAGES, SERIAL, ELASTIC, ACCOUNTS, ACCOUNT_COUNT, ACCOUNT_STRIDE, MAX_ORDER_SIZE = range(0, 8)
    EVENTS, EVENT_CAPACITY, EVENT_HEAD, EVENT_TAIL, EVENT_KINDS, EVENT_STOP = range(8, 14)
    QUEUE, QUEUED, DUE_COUNT, REACTIVE, TRADES, REJECTS, BOOKS, UNTIL = range(32, 40)
    QUEUE_CAPACITY, SEATS, SEAT_COUNT, DUE, OUTBOX, OUTBOX_CAPACITY, SENT, LOST = range(40, 48)
    SIZE, VERSION, SEED, EPISODE, OPEN, CLOSE, WAKES, BOOK_COUNT = range(48, 56)
    RATES = 62
    BACKGROUND, VENUE, UNIT_VALUE, QUEUE_KEPT, OVERFLOWED, FAULT, FAULT_AT, ARENA = range(73, 81)
    WAKES_BEFORE, WAKE_BUDGET = 81, 82
    WORDS = 96  # so that books are aligned to 16 words
    CURRENT_VERSION = 5


class Message(metaclass=Words):
    """The message in hand: what a stop in its middle must remember. In the header.

    SIDE: BUY or SELL. PRICE: ladder ticks. REACH: the worst key of the other side that it may trade at. HELD: the order
    that a modify took out of its queue, so that it keeps its handle. ORDER: the id that it names; in the end the id of
    the order that rests, or 0. TAKEN: lots that a cancel or a reduce took away, orders that a mass cancel took. SENDER:
    the seat that sent it, if one did. FLAGS, DISPLAY, STOP: the rest of a special order: `Flag`, lots shown, trigger or
    offset. LEVEL: the level that is being shared out.
    """

    REACH, HELD = 14, 15
    OP, STAGE, BOOK, SIDE, OWNER, PRICE, SIZE, TAG = range(16, 24)
    ORDER, FILLED, REASON, TAKEN, AFTER, PLACE, TRADES, SENDER = range(24, 32)
    FLAGS, DISPLAY, STOP, LEVEL = range(56, 60)
    CURSOR = 72


class Call(metaclass=Words):
    """The uncross that is under way: its price, and the lots still to trade. In the header."""

    PRICE, LEFT = 60, 61


class Root(metaclass=Words):
    """The message that elected the stop in hand, ELECTED being 1 then: its outcome waits here. In the header."""

    ELECTED, OP, TAG, ORDER, FILLED, TAKEN = range(63, 69)


class Probe(metaclass=Words):
    """What a taker would trade, whether outside the halting band, and whether it meets anybody. In the header."""

    FILL, OUTSIDE, MEETS = range(69, 72)


# --- a book -----------------------------------------------------------------------------------------------------------
class Book(metaclass=Words):
    """A book, aligned to 16 words so that `side ^ Side.SWAP` is the other side of the same book.

    BID, ASK: where its sides start. LAST: the last trade price, -1 before the first. MARK: the mid in half ticks, the
    last that two sides agreed on. GATE: see `Gate`; RULES: the part of it that the venue's rules make. SPECIALS,
    HIDDENS, TRAILERS: live orders that are not plain; of these hidden, trailing. EXTRAS: how far behind an order its
    extra record lies, 0 if there are none and special orders are rejected. STOPS, CALL_BUYS, CALL_SELLS: heads of the
    lists of pending stops and of market orders in a call, oldest first. SCANNED: the last price at which no stop was
    found reached; NEVER to look again. RESERVED: at least the lots that icebergs hold back. FEED: where snapshots for
    delayed market data start; 0 while no seat has a delayed feed.

    The rules. TICK, LOT: prices and sizes of orders are multiples of them. BAND_LOW to BAND_HIGH: the prices that
    orders may name, counted from zero. HALT_LOW to HALT_HIGH: the prices at which it may trade without a halt; they lie
    around REFERENCE, counted from zero: the opening price, then that of each call's end; 0 where they stay. MOST_*:
    limits of one owner, NO_LIMIT if none; RATE_WINDOW in ns. *_FEE: ten-thousandths of a basis point of the value;
    *_FEE_PER_LOT: money. HALT_NS, REOPENING_NS: how long a halt lasts, and the call after it; HALT_NS is 0 where phases
    know no clock. PHASE_ENDS: when the present call or halt does; 0 in continuous trading. FUNDAMENTAL: where
    its fundamental value is drawn, 0 where it has none.
    """

    GATE, INDEX, BASE, TICKS, CAPACITY, LIVE, SLOTS, ORDERS = range(8)
    LAST, TRADES, VOLUME, TAPE, TAPE_CAPACITY, TAPE_HEAD, FLOW, FEED = range(8, 16)
    BID, MARK, ASK, REFERENCE = (16, 23, 24, 31)  # each side leaves its last word
    RULES, TICK, LOT, BAND_LOW, BAND_HIGH, PHASE, SELF_TRADE, PRO_RATA = range(32, 40)
    TOP_ORDER, MIN_FILL, HALT_LOW, HALT_HIGH, MOST_POSITION, MOST_ORDERS, MOST_RATE, RATE_WINDOW = range(40, 48)
    MAKER_FEE, TAKER_FEE, MAKER_FEE_PER_LOT, TAKER_FEE_PER_LOT = range(48, 52)
    EXTRAS, STOPS, CALL_BUYS, CALL_SELLS, SPECIALS, HIDDENS, TRAILERS, SCANNED, RESERVED = range(52, 61)
    HALT_NS, REOPENING_NS, PHASE_ENDS, FUNDAMENTAL = range(61, 65)
    WORDS = 80


class Side(metaclass=Words):
    """A side of a book. BEST is a key, NONE when the side is empty; LEVELS counts int32 words.

    Which levels are occupied is a bitmap three words high: a bit of BITS is a level, one of SUMMARY a word of BITS, one
    of TOP a word of SUMMARY.
    """

    BEST, FLIP, LEVELS, BITS, SUMMARY, TOP, BOOK = range(7)
    SWAP = Book.BID ^ Book.ASK


class Level(metaclass=Words):
    """A price level, int32: the head of the circular list of its orders, oldest first."""

    NEXT, PREV, QTY, COUNT = range(4)
    WORDS = 4


class Order(metaclass=Words):
    """An order, int32: a level's node with more to say.

    PLACE is its position among the book's slots: the first LIVE slots are the live orders, in no order.
    """

    NEXT, PREV, QTY, PRICE, SIDE, OWNER, TAG, PLACE = range(8)
    WORDS = 8


class Extra(metaclass=Words):
    """What an order that is not plain has beside, int32.

    FLAGS: what it is (`Flag`). DISPLAY: lots that an iceberg shows at a time; the order's QTY are those it shows now,
    RESERVE the rest. STOP: the trigger, in ladder ticks; a trailing one is OFFSET from SEEN, the best trade price since
    it came (UNSEEN before one; the ladder need not reach it). SHARE: lots that a pro-rata round gives it.
    """

    FLAGS, DISPLAY, RESERVE, STOP, OFFSET, SEEN, SHARE = range(7)
    WORDS = Order.WORDS


class Trade(metaclass=Words):
    """A trade on a book's tape, the ring of the last ones. SIZE > 0: the taker bought."""

    TIME, PRICE, SIZE, OWNERS = range(4)
    WORDS = 4


# --- who takes part ---------------------------------------------------------------------------------------------------
class Account(metaclass=Words):
    """An account; the position in book k is word POSITION + k. WORDS is with one book: a row's header has its own.

    EDGE: money earned against the mark at each fill (a maker's spread; what a taker paid is negative). It sums to zero.
    """

    CASH, EDGE, FILLS, VOLUME, SENT, REJECTED, FEES, POSITION = range(8)
    WORDS = 8


class Seat(metaclass=Words):
    """A seat. What differs in size from seat to seat lies in the row's arena; a count says how much of it there is.

    POLICY: the part of its compiled policy; 0 where its decisions come from outside. LAG: delay of its market data in
    ns. ALIVE: 1 until its episode is over. TIME: its last decision. WEALTH: what it was worth then. SEEN: trades or
    fills that it has reacted to. WAITING: 1 while a wake-up of it is pending. STARTED: 1 once it has acted from
    outside. ACCRUED: up to when EXPOSURE (real: lots^2 x seconds held since the open) counts. ACTIVE: the part
    whose kernel runs. SNAPSHOT: of the market as it sees it late; 0 where it sees it as it is. TOLD: 1 if it was told
    something in this turn.

    SLOTS: two words a client order slot, the id of the order that it names and a detail of the request on its way.
    PENDING: messages on their way, a byte for each slot. OBSERVATIONS, ACTIONS, REWARDS, ENDS, MASKS: its parts by
    kind. MASK: a byte for each option of its actions. ACTION: the numbers that it is asked for, BOUNDS between which;
    JOINT: the one number that stands for all of them where IS_JOINT. OUTCOME: what it is told beside what it sees.
    FILLS, REJECTS: rings of the last ones; *_LOGGED counts them, *_TOLD those of which it has been told,
    *_KNOWN those before its last look.
    """

    POLICY, LATENCY, LAG, CLOCK, EVERY, BOOK, NAME, ALIVE = range(8)
    STREAM, TIE, TIME, WEALTH, SEEN, WAITING, STARTED, ACCRUED = range(8, 16)
    ACTIVE, SNAPSHOT, EXPOSURE, TOLD, SLOTS, SLOT_COUNT, PENDING, OUTCOME = range(16, 24)
    OBSERVATIONS, OBSERVATION_COUNT, ACTIONS, ACTION_COUNT, REWARDS, REWARD_COUNT, ENDS, END_COUNT = range(24, 32)
    MASKS, MASK_COUNT, MASK, MASK_SIZE, ACTION, ACTION_SIZE, BOUNDS, JOINT = range(32, 40)
    IS_JOINT, FILLS, FILL_CAPACITY, FILLS_LOGGED, FILLS_KNOWN = range(40, 45)
    REJECTS, REJECT_CAPACITY, REJECTS_LOGGED, REJECTS_KNOWN = range(45, 49)
    FILLS_TOLD, REJECTS_TOLD = range(49, 51)
    WORDS = 56


class Part(metaclass=Words):
    """A kernel of a seat and what is its own. KERNEL: its number among the market's kernels. KIND: see `PartKind`.

    WINDOW: where its numbers lie, SIZE of them: float32 of an observation, reals of an action, one real of a reward.
    PARAMETERS: reals that it reads; MEMORY: words that it remembers. SLOT: the first client order slot that it names.
    OPTION: the first byte of its mask. WEIGHT (real): of a reward. BEYOND: 1 once it showed a number that it has not.
    """

    KERNEL, KIND, WINDOW, SIZE, PARAMETERS, PARAMETER_COUNT, MEMORY, MEMORY_COUNT = range(8)
    SLOT, SLOT_COUNT, OPTION, OPTION_COUNT, WEIGHT, BEYOND = range(8, 14)
    WORDS = 16


class Bound(metaclass=Words):
    """The range of one number of an action: LOW and HIGH are reals, IS_WHOLE is 1 where it is a whole number."""

    LOW, HIGH, IS_WHOLE = range(3)
    WORDS = 4


class Outcome(metaclass=Words):
    """What a seat is told beside what it sees, reals; then one a reward part, weighted.

    REWARD: their sum. PNL: change of wealth in currency. ELAPSED: seconds, since it was last told. ENDED: the number of
    the end part that ended its episode, from 1; 0 if none did. FIRST: 1 where it has not acted yet.
    """

    REWARD, PNL, ELAPSED, ENDED, FIRST = range(5)
    WORDS = 5


class Fill(metaclass=Words):
    """A fill of a seat. SIZE > 0: it bought."""

    PRICE, SIZE, IS_MAKER = range(3)
    WORDS = 3


class Rejection(metaclass=Words):
    """A message of a seat that was rejected. SLOT: the client order slot that it named, -1 for none."""

    REASON, SLOT = range(2)
    WORDS = 2


# --- what has happened, and what will ---------------------------------------------------------------------------------
class Event(metaclass=Words):
    """An entry of the event ring: everything that happens.

    WHAT: kind, reason, side (of the order, or of the taker), number of the book. OWNERS: the owner of ORDER, and above
    it that of OTHER. A trade's ORDER is the maker's, OTHER the taker's. CAUSE: the number of the message that caused
    it; the first is 1. Events leave the row, so their prices count from zero, not from BASE, and their orders are tags,
    -1 for none.

    ACCEPTED: price and size as sent, OTHER the operation; above its owner, one more than the lots that it shows, 0 for
    a plain order. TRADED: one fill. CANCELLED, REDUCED: SIZE is what was taken away. REPLACED: the new price and open
    size of an order that lost its place; OWNERS as of ACCEPTED. REJECTED: as sent, OTHER the operation, OWNERS the
    owner.
    """

    TIME, WHAT, PRICE, SIZE, ORDER, OTHER, OWNERS, CAUSE = range(8)
    WORDS = 8


class Entry(metaclass=Words):
    """An entry of the heap of pending things, soonest first. WHAT: see `Due`."""

    TIME, KEY, WHAT, ARG = range(4)
    WORDS = 4


class Outbox(metaclass=Words):
    """What the agent that is deciding has sent: WHAT and ARG of the entry to come."""

    WHAT, ARG = range(2)
    WORDS = 2


class Flow(metaclass=Words):
    """Background flow of one book: words, then reals by distance.

    LIMIT: total rate of limit orders of one side, CANCEL: the largest rate at which one order is cancelled, MARKET:
    rate of market orders of one side (reals, events per ns); SIZE: lots of each order; BOUND: live orders when its next
    event was drawn. Then, for i in 1..DEPTH, the share of limit orders at distances 1..i, and after those, for i in
    1..DEPTH, the cancel rate at i over CANCEL (further out: the last).
    """

    KIND, STREAM, DEPTH, NAME, LIMIT, CANCEL, MARKET, SIZE, BOUND = range(9)
    WORDS = 16


class Fundamental(metaclass=Words):
    """The fundamental value of a book, in ladder ticks, on a time grid: VALUE at TIME, the next one a STEP later.

    At each step what it is away from MEAN is multiplied by KEPT, a normal draw times SHOCK is added, and with
    probability JUMP_CHANCE an exponential one of mean JUMP, up or down. All but TIME, STEP, STREAM and NAME are reals.
    """

    STREAM, NAME, TIME, STEP, VALUE, MEAN, KEPT, SHOCK, JUMP, JUMP_CHANCE = range(10)
    WORDS = 16


class Recorded(metaclass=Words):
    """Recorded flow of one book; KIND, STREAM and NAME are those of `Flow`.

    COUNT messages, of MESSAGE_WORDS each: time in ns, ladder price and lots, operation and side and order; after
    those a word for each of ORDERS orders: its id here, 0 before it came and after a reject. NEXT: the message
    that is next, or in hand; PLAYED: 1 while it is in hand. LEFT: lots that an execution in hand has still to trade,
    TARGET: the open lots that its order is to be left with, -1 when none is in hand.

    Counted: SHRUNK lots by which recorded cancels and executions shrank, because others took them before; DISPLACED
    lots of executions that others' orders had, being first; OUT_OF_TURN lots of executions whose order was not the
    first of the recorded ones, or in a call or a halt: taken away without a trade; MISSED messages of which nothing
    could be done.
    """

    COUNT, ORDERS, NEXT, PLAYED, LEFT, TARGET = range(4, 10)
    SHRUNK, DISPLACED, OUT_OF_TURN, MISSED = range(10, 14)
    MESSAGE_WORDS = 3


class Feed(metaclass=Words):
    """Delayed market data of one book: a ring of snapshots. HEAD counts those that were taken.

    SHORT counts those, or the trades, that somebody needed when they were overwritten already.
    """

    CAPACITY, LEVELS, STRIDE, HEAD, SHORT = range(5)
    WORDS = 8


class Snapshot(metaclass=Words):
    """How a book looked; then its best LEVELS bids and as many asks: ladder price and lots, 0 for none.

    STAMP: 2 * time in ns, and 1 more where messages of that very instant have arrived after its wake-ups. TRADES:
    trades on the tape by then. PHASE: the phase, and when it ends.
    """

    STAMP, MARK, TRADES, PHASE = range(4)
    WORDS = 4
