"""The memory of one market: one row of int64 words. Nothing else in the engine knows a number from this file.

A *handle* is where a record starts in its row, so a field is `row[handle + FIELD]`, a null handle is 0 (the header
lives there), and a row that is copied elsewhere keeps working. Orders and price levels are int32 records: their
handles count int32 words, and `row.view(np.int32)` reads them; real numbers are read through `row.view(np.float64)`.

Orders and levels are nodes of one circular list: an empty level points at itself, so linking has no special case.
Prices inside a row are *ladder ticks*: a price in ticks less the book's `BASE`. A side's prices are *keys*,
`price ^ flip`, and a smaller key is always better: asks keep their price, bids count down from the ladder's top.

Units: time in ns, sizes in lots, prices in ladder ticks, money in hundredths of tick x lot (`MONEY` of them make one).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ACCEPTED",
    "ACCOUNTS",
    "ACCOUNT_COUNT",
    "ACCOUNT_STRIDE",
    "ACCOUNT_WORDS",
    "ALL_KINDS",
    "ARRIVE",
    "ARRIVED",
    "ASK",
    "AUCTION",
    "BACKGROUND",
    "BACKGROUND_EVENT",
    "BAD_DISPLAY",
    "BAD_OPERATION",
    "BAD_OWNER",
    "BAD_PRICE",
    "BAD_SIDE",
    "BAD_SIZE",
    "BAND_HIGH",
    "BAND_LOW",
    "BASE",
    "BEST",
    "BEYOND_LADDER",
    "BID",
    "BITS",
    "BOOK",
    "BOOKS",
    "BOOK_COUNT",
    "BOOK_FULL",
    "BOOK_TRADES",
    "BOOK_VOLUME",
    "BOOK_WORDS",
    "BUY",
    "BY_CLOCK",
    "BY_OWNER",
    "CALLING",
    "CALL_BEGINS",
    "CALL_BUYS",
    "CALL_ENDS",
    "CALL_LEFT",
    "CALL_PRICE",
    "CALL_SELLS",
    "CAME",
    "CANCELLED",
    "CAPACITY",
    "CASH",
    "CHECKED",
    "CLEARING",
    "CLOSE",
    "CLOSED",
    "CONTINUOUS",
    "COUNT",
    "DECIDE",
    "DONE",
    "DRAIN",
    "DUE",
    "DUE_COUNT",
    "DUPLICATE_TAG",
    "EDGE",
    "ELASTIC",
    "ELECTING",
    "EPISODE",
    "EVENTS",
    "EVENT_CAPACITY",
    "EVENT_HEAD",
    "EVENT_KINDS",
    "EVENT_STOP",
    "EVENT_TAIL",
    "EVENT_WORDS",
    "EVERY_NS",
    "EVERY_TRADES",
    "EXTERNAL",
    "EXTRAS",
    "EXTRA_WORDS",
    "E_CAUSE",
    "E_ORDER",
    "E_OTHER",
    "E_OWNERS",
    "E_PRICE",
    "E_SIZE",
    "E_TIME",
    "E_WHAT",
    "FEED",
    "FEED_CAPACITY",
    "FEED_HEAD",
    "FEED_LEVELS",
    "FEED_SHORT",
    "FEED_STRIDE",
    "FEED_WORDS",
    "FEES",
    "FILLS",
    "FLIP",
    "FLOODED",
    "FLOW",
    "FLOW_WORDS",
    "FOREVER",
    "F_BOUND",
    "F_CANCEL",
    "F_DEPTH",
    "F_KIND",
    "F_LIMIT",
    "F_MARKET",
    "F_NAME",
    "F_SIZE",
    "F_STREAM",
    "GATE",
    "HALF_TICK",
    "HALT",
    "HALT_ENDS",
    "HALT_HIGH",
    "HALT_LOW",
    "HALT_NS",
    "HEADER_WORDS",
    "HIDDENS",
    "IDLE",
    "ID_SHIFT",
    "INDEX",
    "IS_AON",
    "IS_HIDDEN",
    "IS_ICEBERG",
    "IS_POST_ONLY",
    "IS_STOP",
    "IS_STOP_LIMIT",
    "IS_TRAILING",
    "IS_WAITING",
    "KEEP",
    "LAST",
    "LAYOUT_VERSION",
    "LEAVING",
    "LEVELS",
    "LEVEL_FULL",
    "LEVEL_WORDS",
    "LIVE",
    "LOST",
    "LOT",
    "MAKER",
    "MAKER_FEE",
    "MAKER_FEE_PER_LOT",
    "MARK",
    "MAX_MONEY",
    "MAX_ORDER_SIZE",
    "MAX_PRICE",
    "MAX_SIZE",
    "MAX_TAG",
    "MAX_TICKS",
    "MAX_VALUE",
    "MEMORY_WORDS",
    "MESSAGES",
    "MIN_FILL",
    "MONEY",
    "MOST_ORDERS",
    "MOST_POSITION",
    "MOST_RATE",
    "M_AFTER",
    "M_BOOK",
    "M_CURSOR",
    "M_DISPLAY",
    "M_FILLED",
    "M_FLAGS",
    "M_HELD",
    "M_LEVEL",
    "M_OP",
    "M_ORDER",
    "M_OWNER",
    "M_PLACE",
    "M_PRICE",
    "M_REACH",
    "M_REASON",
    "M_ROOT",
    "M_SENDER",
    "M_SIDE",
    "M_SIZE",
    "M_STAGE",
    "M_STOP",
    "M_TAG",
    "M_TAKEN",
    "M_TRADES",
    "NEVER",
    "NEXT",
    "NONE",
    "NOT_IN_CALL",
    "NOT_OWNER",
    "NOW",
    "NO_CALL",
    "NO_FLOW",
    "NO_LIMIT",
    "NO_PLACE",
    "NO_ROLE",
    "NO_TAG",
    "OFF_LOT",
    "OFF_TICK",
    "OK",
    "OPEN",
    "OP_AON",
    "OP_CANCEL",
    "OP_FOK",
    "OP_IOC",
    "OP_LIMIT",
    "OP_MARKET",
    "OP_MASS_CANCEL",
    "OP_MODIFY",
    "OP_PHASE",
    "OP_QUOTE",
    "OP_REDUCE",
    "OP_STOP",
    "OP_STOP_LIMIT",
    "OP_TRAILING_STOP",
    "OP_UNCROSS",
    "ORDERS",
    "ORDER_LIMIT",
    "ORDER_WORDS",
    "OUTBOX",
    "OUTBOX_CAPACITY",
    "OUTBOX_WORDS",
    "OUTSIDE_BAND",
    "OVERFLOWED",
    "OWNER",
    "OWN_FILLS",
    "PARAMETER_WORDS",
    "PAUSED",
    "PHASE",
    "PHASED",
    "PHASE_CHANGE",
    "PHASE_ENDS",
    "PLACE",
    "POISSON",
    "POSITION",
    "POSITION_LIMIT",
    "PREV",
    "PRICE",
    "PROBE_FILL",
    "PROBE_MEETS",
    "PROBE_OUTSIDE",
    "PRO_RATA",
    "QTY",
    "QUEUE",
    "QUEUED",
    "QUEUE_CAPACITY",
    "QUEUE_KEPT",
    "QUEUE_WORDS",
    "Q_ARG",
    "Q_KEY",
    "Q_TIME",
    "Q_WHAT",
    "RATES",
    "RATE_LIMIT",
    "RATE_WINDOW",
    "REACTIVE",
    "RECORDED_FLOW",
    "REDUCED",
    "REFERENCE",
    "REFUSED",
    "REFUSED_CODE",
    "REJECTED",
    "REJECTS",
    "REOPENING_NS",
    "REPLACED",
    "REPLENISHED",
    "RESERVED",
    "ROOT_FILLED",
    "ROOT_OP",
    "ROOT_ORDER",
    "ROOT_TAG",
    "ROOT_TAKEN",
    "RULES",
    "R_COUNT",
    "R_DISPLACED",
    "R_LEFT",
    "R_MISSED",
    "R_NEXT",
    "R_ORDERS",
    "R_OUT_OF_TURN",
    "R_PLAYED",
    "R_SHRUNK",
    "R_TARGET",
    "R_WORDS",
    "SCANNED",
    "SEATS",
    "SEAT_COUNT",
    "SEAT_WORDS",
    "SEED",
    "SELF_TRADE",
    "SELL",
    "SENT",
    "SENT_MESSAGES",
    "SERIAL",
    "SHARING",
    "SIDE",
    "SIDE_FLIP",
    "SIZE",
    "SLOTS",
    "SLOT_COUNT",
    "SNAP_MARK",
    "SNAP_PHASE",
    "SNAP_PRINTS",
    "SNAP_STAMP",
    "SNAP_WORDS",
    "SPECIAL",
    "SPECIALS",
    "SPECIAL_ALL",
    "SPECIAL_ARRIVALS",
    "SPECIAL_TRADES",
    "STOPS",
    "STP",
    "STP_BOTH",
    "STP_DECREMENT",
    "STP_NEWEST",
    "STP_NONE",
    "STP_OLDEST",
    "SUMMARY",
    "SWEEPING",
    "S_ACCRUED",
    "S_AVERSION",
    "S_BOOK",
    "S_CLOCK",
    "S_EVERY",
    "S_EXPOSURE",
    "S_KERNEL",
    "S_LAG",
    "S_LATENCY",
    "S_LEVELS",
    "S_MAX_OFFSET",
    "S_MAX_SIZE",
    "S_MEMORY",
    "S_NAME",
    "S_PARAMETERS",
    "S_PENDING",
    "S_PRINTS",
    "S_ROLE",
    "S_SEEN",
    "S_SLOTS",
    "S_STARTED",
    "S_STREAM",
    "S_TIE",
    "S_TIME",
    "S_WAITING",
    "S_WEALTH",
    "TAG",
    "TAGS_EXHAUSTED",
    "TAKER",
    "TAKER_FEE",
    "TAKER_FEE_PER_LOT",
    "TAKING_OUT",
    "TAPE",
    "TAPE_CAPACITY",
    "TAPE_HEAD",
    "TAPE_WORDS",
    "TICK",
    "TICKS",
    "TOP",
    "TOP_ORDER",
    "TRADED",
    "TRADES",
    "TRAILERS",
    "TRIGGERED",
    "T_OWNERS",
    "T_PRICE",
    "T_SIZE",
    "T_TIME",
    "UNFILLED",
    "UNIT_VALUE",
    "UNKNOWN_ORDER",
    "UNSEEN",
    "UNTIL",
    "UNWINDING",
    "VENUE",
    "VERSION",
    "VOLUME",
    "WAKE",
    "WAKES",
    "WALKING",
    "WOULD_TRADE",
    "X_DISPLAY",
    "X_FLAGS",
    "X_OFFSET",
    "X_RESERVE",
    "X_SEEN",
    "X_SHARE",
    "X_SPARE",
    "X_STOP",
    "ZERO_INTELLIGENCE",
    "Row",
    "new_row",
]

Row = NDArray[np.int64]

LAYOUT_VERSION: Final = 4
MONEY: Final = 100  # money units in one tick x lot; a half tick is an exact number of them
HALF_TICK: Final = MONEY // 2
NONE: Final = 1 << 40  # the key of no price
FOREVER: Final = 1 << 62  # a time that never comes
MAX_SIZE: Final = (1 << 30) - 1  # lots in one order, and in one level: int32 holds them
MAX_TAG: Final = (1 << 31) - 1
NO_TAG: Final = -1  # the tag of a slot that holds no order
MAX_PRICE: Final = (1 << 31) - 1  # ticks, counted from zero, not from BASE
MAX_MONEY: Final = 1 << 62  # in an account: a fill that leads beyond it is still exact, the next need not be
MAX_VALUE: Final = MAX_MONEY // MONEY  # tick x lot of one order: what it pays is exact in int64
KEEP: Final = -(1 << 40)  # in a modify: leave the price, or the size, as it is
MAX_TICKS: Final = 64**3  # three words of 64 bits, one above the other
BY_CLOCK: Final = -1  # what an agent's kernel returns to be woken next by its seat's clock
EXTERNAL: Final = 0  # the kernel number of a seat whose decisions come from outside

# --- header: one word each, in cache lines of 8; what every message touches lies in the first four ------------------
(NOW, MESSAGES, SERIAL, ELASTIC, ACCOUNTS, ACCOUNT_COUNT, ACCOUNT_STRIDE, MAX_ORDER_SIZE) = range(0, 8)
(EVENTS, EVENT_CAPACITY, EVENT_HEAD, EVENT_TAIL, EVENT_KINDS, EVENT_STOP, M_REACH, M_HELD) = range(8, 16)
# the message in hand: what a stop in its middle must remember
(M_OP, M_STAGE, M_BOOK, M_SIDE, M_OWNER, M_PRICE, M_SIZE, M_TAG) = range(16, 24)
(M_ORDER, M_FILLED, M_REASON, M_TAKEN, M_AFTER, M_PLACE, M_TRADES, M_SENDER) = range(24, 32)
# the market's clock
(QUEUE, QUEUED, DUE_COUNT, REACTIVE, TRADES, REJECTS, BOOKS, UNTIL) = range(32, 40)
(QUEUE_CAPACITY, SEATS, SEAT_COUNT, DUE, OUTBOX, OUTBOX_CAPACITY, SENT, LOST) = range(40, 48)
(SIZE, VERSION, SEED, EPISODE, OPEN, CLOSE, WAKES, BOOK_COUNT) = range(48, 56)
# what only special messages need (`sekai.markets.engine.special`)
(M_FLAGS, M_DISPLAY, M_STOP, M_LEVEL, CALL_PRICE, CALL_LEFT, RATES, M_ROOT) = range(56, 64)
(ROOT_OP, ROOT_TAG, ROOT_ORDER, ROOT_FILLED, ROOT_TAKEN, PROBE_FILL, PROBE_OUTSIDE, PROBE_MEETS) = range(64, 72)
(M_CURSOR, BACKGROUND, VENUE, UNIT_VALUE, QUEUE_KEPT, OVERFLOWED) = range(72, 78)
HEADER_WORDS: Final = 80
# M_SIDE: BUY or SELL. M_PRICE: ladder ticks. M_REACH: the worst key of the other side that it may trade at. M_HELD: the
# order that a modify took out of its queue, so that it keeps its handle. M_ORDER: the id that it names; in the end the
# id of the order that rests, or 0. M_TAKEN: lots that a cancel or a reduce took away, orders that a mass cancel took.
# M_SENDER: the seat that sent it, if one did.
# ELASTIC: 1 where the row's owner lays out a larger one when asked (OrderBook); a market env's row says no instead.
# UNTIL: where a session that somebody watches pauses next. UNIT_VALUE (real): what one money unit is worth in the
# currency. EVENT_STOP: 1 where a full ring stops the kernel, 0 where it forgets the oldest. REACTIVE: how many seats
# have trades or fills for a clock. DUE: where the seats are listed that must decide now.
# M_FLAGS, M_DISPLAY, M_STOP: the rest of a special order: AON and its like, lots shown, trigger or offset. M_LEVEL: the
# level that is being shared out. M_ROOT: 1 while a stop is carried out that the message elected, whose own outcome
# waits in ROOT_*. PROBE_*: what a taker would trade, whether outside the halting band, and whether it meets anybody.
# CALL_PRICE, CALL_LEFT: the price of an uncross and the lots still to trade. RATES: where new orders are counted.
# QUEUE_KEPT: entries of the heap that messages leave free for wake-ups, flows, and what the venue has scheduled.
# OVERFLOWED: 1 once an account has held more than MAX_MONEY, up or down: from then on money need not be exact.

# --- a book, aligned to 16 words so that `side ^ SIDE_FLIP` is the other side of the same book ----------------------
(GATE, INDEX, BASE, TICKS, CAPACITY, LIVE, SLOTS, ORDERS) = range(8)
(LAST, BOOK_TRADES, BOOK_VOLUME, TAPE, TAPE_CAPACITY, TAPE_HEAD, FLOW, FEED) = range(8, 16)
BID: Final = 16  # the two sides, inside a book
ASK: Final = 24
SIDE_FLIP: Final = BID ^ ASK
(MARK, REFERENCE) = (23, 31)  # the word that each side leaves
(RULES, TICK, LOT, BAND_LOW, BAND_HIGH, PHASE, STP, PRO_RATA) = range(32, 40)  # its rules
(TOP_ORDER, MIN_FILL, HALT_LOW, HALT_HIGH, MOST_POSITION, MOST_ORDERS, MOST_RATE, RATE_WINDOW) = range(40, 48)
(MAKER_FEE, TAKER_FEE, MAKER_FEE_PER_LOT, TAKER_FEE_PER_LOT) = range(48, 52)
(EXTRAS, STOPS, CALL_BUYS, CALL_SELLS, SPECIALS, HIDDENS, TRAILERS, SCANNED, RESERVED) = range(52, 61)
(HALT_NS, REOPENING_NS, PHASE_ENDS) = range(61, 64)
BOOK_WORDS: Final = 64
# LAST: the last trade price, -1 before the first. MARK: the mid in half ticks, the last that two sides agreed on.
# TICK, LOT: prices and sizes of orders are multiples of them. BAND_LOW to BAND_HIGH: the prices that orders may name,
# counted from zero. MAX_ORDER_SIZE, in the header, is for all books.
# GATE: what a message must be aware of: prices and sizes are CHECKED, trades, new orders or all messages are SPECIAL; 0
# on a plain book. RULES: the part of it that the venue's rules make. HALT_LOW to HALT_HIGH: the prices at
# which it may trade without a halt. MOST_*: limits of one owner, NO_LIMIT if none; RATE_WINDOW in ns. *_FEE:
# ten-thousandths of a basis point of the value; *_FEE_PER_LOT: money. EXTRAS: how far behind an order its extra record
# lies, 0 if there are none and special orders are refused. STOPS, CALL_BUYS, CALL_SELLS: heads of the lists of pending
# stops and of market orders in a call, oldest first. SPECIALS, HIDDENS, TRAILERS: live orders that are not plain; of
# these hidden, trailing. SCANNED: the last price at which no stop was found reached; NEVER to look again.
# RESERVED: at least the lots that icebergs hold back.
# FEED: where snapshots for delayed market data start; 0 while no seat has a delayed feed.
# HALT_NS, REOPENING_NS: how long a halt lasts, and the call after it; HALT_NS is 0 where phases know no clock.
# PHASE_ENDS: when the present call or halt does; 0 in continuous trading. REFERENCE: the price, counted from zero, that
# a halting band lies around: the opening one, then that of each call's end; 0 where it stays.

# --- a side of a book. BEST is a key, NONE when the side is empty; LEVELS counts int32 words ------------------------
(BEST, FLIP, LEVELS, BITS, SUMMARY, TOP, BOOK) = range(7)

# --- int32 records: a level, and an order, which is a level's node with more to say ---------------------------------
(NEXT, PREV, QTY, COUNT) = range(4)
LEVEL_WORDS: Final = 4
(PRICE, SIDE, OWNER, TAG, PLACE) = (3, 4, 5, 6, 7)
ORDER_WORDS: Final = 8
(X_FLAGS, X_DISPLAY, X_RESERVE, X_STOP, X_OFFSET, X_SEEN, X_SHARE, X_SPARE) = range(8)
EXTRA_WORDS: Final = ORDER_WORDS
(IS_AON, IS_HIDDEN, IS_ICEBERG, IS_STOP) = (1, 2, 4, 8)  # bits of X_FLAGS, and of M_FLAGS
(IS_STOP_LIMIT, IS_TRAILING, IS_WAITING, IS_POST_ONLY) = (16, 32, 64, 128)
# An order that is not plain has an extra record. X_FLAGS: what it is. X_DISPLAY: lots an iceberg shows at a time, QTY
# those it shows now, X_RESERVE the rest. X_STOP: the trigger, in ladder ticks; a trailing one is X_OFFSET from X_SEEN,
# the best trade price since it came (UNSEEN before one; the ladder need not reach it). X_SHARE: lots that a pro-rata
# round gives it.
# IS_WAITING: a market order in a call. IS_POST_ONLY is of messages only.
# PLACE is the order's position among the book's slots: the first LIVE slots are the live orders, in no order.

# --- an account; the position in book k is word POSITION + k --------------------------------------------------------
(CASH, EDGE, FILLS, VOLUME, SENT_MESSAGES, REFUSED, FEES, POSITION) = range(8)
ACCOUNT_WORDS: Final = 8  # with one book; a row's own stride is in its header
# EDGE: money earned against the mark at each fill (a maker's spread; what a taker paid is negative). It sums to zero.

# --- the event ring: everything that happens ------------------------------------------------------------------------
(E_TIME, E_WHAT, E_PRICE, E_SIZE, E_ORDER, E_OTHER, E_OWNERS, E_CAUSE) = range(8)
EVENT_WORDS: Final = 8
# E_WHAT: kind | reason << 8 | side << 16 (0 buy, 1 sell; of the order, or of the taker) | book << 24
# E_OWNERS: owner of E_ORDER | owner of E_OTHER << 32. A trade's E_ORDER is the maker's, E_OTHER the taker's.
# E_CAUSE: the number of the message that caused it; the first is 1.
# Events leave the row, so their prices count from zero, not from BASE, and their orders are tags, -1 for none.
# ACCEPTED: price and size as sent, E_OTHER the operation. TRADED: one fill. CANCELLED, REDUCED: E_SIZE is what was
# taken away. REPLACED: the new price and open size of an order that lost its place. REJECTED: as sent, E_OTHER the op.
# EVENT_HEAD counts the events that were written, EVENT_TAIL those that were read (or overwritten, if EVENT_STOP is 0).

# --- the tape: the last trades of a book, for agents and observations -----------------------------------------------
(T_TIME, T_PRICE, T_SIZE, T_OWNERS) = range(4)  # T_SIZE > 0: the taker bought
TAPE_WORDS: Final = 4

# --- the heap of pending things, soonest first ----------------------------------------------------------------------
(Q_TIME, Q_KEY, Q_WHAT, Q_ARG) = range(4)
QUEUE_WORDS: Final = 4
(WAKE, ARRIVE, BACKGROUND_EVENT, PHASE_CHANGE) = range(4)  # what an entry is: low 4 bits of Q_WHAT
(CALL_BEGINS, CALL_ENDS, HALT_ENDS) = range(3)  # what changes a phase: bits 4 to 7
# PHASE_CHANGE: the book's number is in bits 8 and up; Q_ARG says when a call that begins will end. An end counts only
# if PHASE_ENDS still says so: a scheduled call takes over from a halt.

# --- the outbox: what the agent that is deciding has sent: Q_WHAT and Q_ARG of the entry to come --------------------
OUTBOX_WORDS: Final = 2

# --- a seat ---------------------------------------------------------------------------------------------------------
(S_KERNEL, S_ROLE, S_LATENCY, S_LAG, S_CLOCK, S_EVERY, S_BOOK, S_NAME) = range(8)
(S_STREAM, S_TIE, S_TIME, S_WEALTH, S_SEEN, S_WAITING, S_STARTED, S_ACCRUED) = range(8, 16)
(S_LEVELS, S_PRINTS, S_AVERSION, S_MAX_OFFSET, S_MAX_SIZE) = range(16, 21)
S_PENDING: Final = 21  # messages on their way, a byte for each place: two words
S_EXPOSURE: Final = 23  # real: lots^2 x seconds held since it was last told
S_PARAMETERS: Final = 24  # reals that a kernel reads
S_MEMORY: Final = 40  # what a kernel remembers between wake-ups: 8 words
S_SLOTS: Final = 48  # ids of its own orders, by place
SEAT_WORDS: Final = 64
PARAMETER_WORDS: Final = 16
MEMORY_WORDS: Final = 8
SLOT_COUNT: Final = 16
NO_PLACE: Final = 31  # of an order that nobody will name again
ID_SHIFT: Final = 32  # an order's id: tag << ID_SHIFT | handle
(EVERY_NS, POISSON, EVERY_TRADES, OWN_FILLS) = range(4)  # S_CLOCK; S_EVERY is ns, mean ns, trades, or nothing
(NO_ROLE, MAKER, TAKER) = range(3)  # S_ROLE
# S_LAG: delay of its market data in ns. S_TIME: its last decision. S_WEALTH: what it was worth then. S_SEEN: trades
# or fills that it has reacted to. S_WAITING: 1 while a wake-up of it is pending. S_STARTED: 1 once it has acted from
# outside. S_ACCRUED: up to when S_EXPOSURE counts.
# S_LEVELS, S_PRINTS: book levels and trades in its observation. S_AVERSION (real): money per lot^2 and second of
# inventory that its reward is charged. S_MAX_OFFSET, S_MAX_SIZE: the largest that its actions may name.

# --- background flow of one book: words, then reals by distance -----------------------------------------------------
(F_KIND, F_STREAM, F_DEPTH, F_NAME, F_LIMIT, F_CANCEL, F_MARKET, F_SIZE, F_BOUND) = range(9)
FLOW_WORDS: Final = 16
(NO_FLOW, ZERO_INTELLIGENCE, RECORDED_FLOW) = range(3)  # F_KIND
# F_LIMIT: total rate of limit orders of one side, F_CANCEL: the largest rate at which one order is cancelled,
# F_MARKET: rate of market orders of one side (reals, events per ns); F_SIZE: lots of each order; F_BOUND: live orders
# when its next event was drawn. Then, for i in 1..F_DEPTH, the share of limit orders at distances 1..i, and after
# those, for i in 1..F_DEPTH, the cancel rate at i over F_CANCEL (further out: the last).

# --- recorded flow of one book: words that it shares are F_KIND, F_STREAM and F_NAME --------------------------------
(R_COUNT, R_ORDERS, R_NEXT, R_PLAYED, R_LEFT, R_TARGET) = range(4, 10)
(R_SHRUNK, R_DISPLACED, R_OUT_OF_TURN, R_MISSED) = range(10, 14)
R_WORDS: Final = 3  # of a message: time in ns, ladder price << 32 | lots, operation | side << 4 | order << 8
# R_COUNT messages, after those a word for each of R_ORDERS orders: its id here, 0 before it came and after a refusal.
# R_NEXT: the message that is next, or in hand; R_PLAYED: 1 while it is in hand. R_LEFT: lots that an execution in hand
# has still to trade, R_TARGET: the open lots that its order is to be left with, -1 when none is in hand.
# Counted: R_SHRUNK lots by which recorded cancels and executions shrank, because others took them before; R_DISPLACED
# lots of executions that others' orders had, being first; R_OUT_OF_TURN lots of executions whose order was not the
# first of the recorded ones, or in a call or a halt: taken away without a trade; R_MISSED messages of which nothing
# could be done.

# --- delayed market data of one book: a ring of snapshots, each with its book's best levels -------------------------
(FEED_CAPACITY, FEED_LEVELS, FEED_STRIDE, FEED_HEAD, FEED_SHORT) = range(5)
FEED_WORDS: Final = 8
(SNAP_STAMP, SNAP_MARK, SNAP_PRINTS, SNAP_PHASE) = range(4)
SNAP_WORDS: Final = 4  # then FEED_LEVELS bids and as many asks, best first: ladder price << 32 | lots, 0 for none
# SNAP_STAMP: 2 * time in ns, and 1 more where messages of that very instant have arrived after its wake-ups.
# SNAP_PRINTS: trades on the tape by then. SNAP_PHASE: PHASE_ENDS << 2 | PHASE. FEED_HEAD counts the snapshots that were
# taken, FEED_SHORT those, or the prints, that somebody needed when they were overwritten already.

# --- words of the trade ---------------------------------------------------------------------------------------------
BUY: Final = 0
SELL: Final = 1
(OP_LIMIT, OP_CANCEL, OP_IOC, OP_REDUCE, OP_MARKET, OP_MODIFY, OP_MASS_CANCEL, OP_QUOTE) = range(8)
(OP_FOK, OP_AON, OP_STOP, OP_STOP_LIMIT, OP_TRAILING_STOP, OP_PHASE, OP_UNCROSS) = range(8, 15)
(ACCEPTED, TRADED, CANCELLED, REDUCED, REPLACED, REJECTED) = range(1, 7)  # event kinds
(TRIGGERED, REPLENISHED, PHASED) = range(7, 10)
ALL_KINDS: Final = (1 << 10) - 1
(CONTINUOUS, AUCTION, HALT) = range(3)  # a book's phase
(CHECKED, SPECIAL_TRADES, SPECIAL_ARRIVALS, SPECIAL_ALL) = (1, 2, 4, 8)  # bits of GATE, and of RULES
(STP_NONE, STP_NEWEST, STP_OLDEST, STP_BOTH, STP_DECREMENT) = range(5)
NO_LIMIT: Final = 1 << 62
NEVER: Final = -2  # no price, and not the lack of one
UNSEEN: Final = -(1 << 31)  # no price of any ladder
# why an order was refused or ended
(OK, BY_OWNER, UNFILLED, BAD_PRICE, BAD_SIZE, BEYOND_LADDER, BOOK_FULL, UNKNOWN_ORDER) = range(8)
(NOT_OWNER, DUPLICATE_TAG, TAGS_EXHAUSTED, LEVEL_FULL, BAD_OPERATION, BAD_OWNER, CLOSED, BAD_SIDE) = range(8, 16)
(OFF_TICK, OFF_LOT, OUTSIDE_BAND, BAD_DISPLAY, WOULD_TRADE, NOT_IN_CALL, SELF_TRADE, POSITION_LIMIT) = range(16, 24)
(ORDER_LIMIT, RATE_LIMIT, NO_CALL) = range(24, 27)
# where the message in hand is
(IDLE, ARRIVED, SWEEPING, CLEARING) = range(4)
(CAME, WALKING, SHARING, LEAVING, ELECTING, TAKING_OUT, CALLING, UNWINDING) = range(4, 12)  # special ones
# what a kernel answers; SPECIAL: `sekai.markets.engine.special` must work on the message in hand
(DONE, DRAIN, DECIDE, REFUSED_CODE, PAUSED, FLOODED) = range(6)
SPECIAL: Final = 6


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
) -> Row:
    """Return a fresh, empty market: every book empty, every account at zero, nothing pending.

    `ticks` prices a book (a power of two, 64 to 262,144), `orders` live orders a book, `events` and `tape` entries
    (powers of two), `queue` pending things, `feed` snapshots of `feed_levels` levels for delayed market data (a power
    of two, or 0 for none); flow by distances up to `flow_depth`, or `flow_words` of a record. Raises ValueError naming
    the argument that is out of range.
    """
    _check_capacity(ticks=ticks, orders=orders, accounts=accounts, books=books, events=events, tape=tape)
    stride = ACCOUNT_WORDS if books == 1 else _aligned(POSITION + books)
    bits, summary = ticks // 64, (ticks // 64 + 63) // 64
    per_book = {
        "slots": (orders + 1) // 2,
        "orders": orders * ORDER_WORDS // 2,
        "bid_levels": ticks * LEVEL_WORDS // 2,
        "ask_levels": ticks * LEVEL_WORDS // 2,
        "bid_bits": summary + bits,
        "ask_bits": summary + bits,
        "extras": orders * EXTRA_WORDS // 2 if special else 0,
        "lists": 3 * LEVEL_WORDS // 2 if special else 0,
        "tape": tape * TAPE_WORDS,
        "flow": FLOW_WORDS + 2 * flow_depth + flow_words if flow_depth or flow_words else 0,
        "feed": FEED_WORDS + feed * (SNAP_WORDS + 2 * feed_levels) if feed else 0,
    }
    sizes = {
        "books": books * BOOK_WORDS,
        "accounts": (accounts + special) * stride,
        "rates": 2 * accounts if special else 0,
        "seats": seats * SEAT_WORDS,
        "due": seats,
        "events": events * EVENT_WORDS,
        "queue": queue * QUEUE_WORDS,
        "outbox": 64 * OUTBOX_WORDS,
    }
    sizes |= {f"{name}{k}": words for k in range(books) for name, words in per_book.items()}
    at: dict[str, int] = {}
    end = HEADER_WORDS
    for name, words in sizes.items():
        at[name], end = end, end + _aligned(words)
    row = np.zeros(end, np.int64)
    row[SIZE], row[VERSION], row[MAX_ORDER_SIZE], row[UNTIL] = end, LAYOUT_VERSION, MAX_SIZE, FOREVER
    row[BOOKS], row[BOOK_COUNT] = at["books"], books
    row[SEATS], row[SEAT_COUNT], row[DUE] = at["seats"], seats, at["due"]
    row[ACCOUNTS], row[ACCOUNT_COUNT], row[ACCOUNT_STRIDE] = at["accounts"], accounts, stride
    row[BACKGROUND], row[VENUE] = max(accounts - 2, 0), accounts - 1 + special
    row[RATES] = at["rates"] if special else 0
    row[EVENTS], row[EVENT_CAPACITY], row[EVENT_KINDS] = at["events"], events, ALL_KINDS
    row[QUEUE], row[QUEUE_CAPACITY], row[QUEUE_KEPT] = at["queue"], queue, seats + books
    row[OUTBOX], row[OUTBOX_CAPACITY] = at["outbox"], 64
    for k in range(books):
        places = {name: at[f"{name}{k}"] for name in per_book}
        _lay_out_book(row, k, places, ticks, orders, tape, base)
        _lay_out_rules(row, k, places, special)
        book = row[BOOKS] + k * BOOK_WORDS
        row[book + FLOW] = at[f"flow{k}"] if per_book["flow"] else 0
        if feed:
            start = row[book + FEED] = at[f"feed{k}"]
            row[start + FEED_CAPACITY], row[start + FEED_LEVELS] = feed, feed_levels
            row[start + FEED_STRIDE] = SNAP_WORDS + 2 * feed_levels
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
        ("accounts", accounts, 1, 1 << 24),
        ("books", books, 1, 1 << 10),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name} must be from {least} to {most}, got {value}")


def _lay_out_book(row: Row, k: int, at: dict[str, int], ticks: int, orders: int, tape: int, base: int) -> None:
    book = int(row[BOOKS]) + k * BOOK_WORDS
    row[book + INDEX], row[book + TICKS], row[book + BASE] = k, ticks, base
    row[book + LAST], row[book + MARK], row[book + SCANNED] = -1, -1, NEVER
    row[book + CAPACITY], row[book + SLOTS], row[book + ORDERS] = orders, 2 * at["slots"], 2 * at["orders"]
    row[book + TAPE], row[book + TAPE_CAPACITY] = at["tape"], tape
    half = row.view(np.int32)
    first = 2 * at["orders"]
    half[2 * at["slots"] : 2 * at["slots"] + orders] = first + ORDER_WORDS * np.arange(orders)
    half[first + PLACE : first + ORDER_WORDS * orders : ORDER_WORDS] = np.arange(orders)
    half[first + TAG : first + ORDER_WORDS * orders : ORDER_WORDS] = NO_TAG
    for side, name, flip in ((book + BID, "bid", ticks - 1), (book + ASK, "ask", 0)):
        levels = 2 * at[f"{name}_levels"]
        row[side + BEST], row[side + FLIP], row[side + LEVELS] = NONE, flip, levels
        row[side + SUMMARY], row[side + BOOK] = at[f"{name}_bits"], book
        row[side + BITS] = row[side + SUMMARY] + (ticks // 64 + 63) // 64
        empty = levels + LEVEL_WORDS * np.arange(ticks)
        half[empty + NEXT] = half[empty + PREV] = empty


def _lay_out_rules(row: Row, k: int, at: dict[str, int], special: bool) -> None:
    book, half = int(row[BOOKS]) + k * BOOK_WORDS, row.view(np.int32)
    row[book + TICK] = row[book + LOT] = row[book + BAND_LOW] = row[book + MIN_FILL] = row[book + RATE_WINDOW] = 1
    row[book + BAND_HIGH], row[book + HALT_HIGH] = MAX_PRICE, NO_LIMIT
    row[book + MOST_POSITION] = row[book + MOST_ORDERS] = row[book + MOST_RATE] = NO_LIMIT
    row[book + EXTRAS] = 2 * (at["extras"] - at["orders"]) if special else 0
    for n, head in enumerate((STOPS, CALL_BUYS, CALL_SELLS) if special else ()):
        row[book + head] = at_head = 2 * at["lists"] + n * LEVEL_WORDS
        half[at_head + NEXT] = half[at_head + PREV] = at_head
