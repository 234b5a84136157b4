"""Words that hold several numbers: what goes in comes out, at the edges of each, compiled or not, and as arrays."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from sekai.markets.engine import packing
from sekai.markets.engine.jit import plain
from sekai.markets.engine.layout import Seat
from sekai.markets.engine.terms import MAX_BOOKS, MAX_OWNERS, NO_SLOT, Change, Due, Kind, Op, Phase, Reason

EDGE = (1 << 31) - 1
OPS, KINDS, REASONS = range(max(Op) + 1), range(max(Kind) + 1), range(max(Reason) + 1)


def test_a_pair_keeps_both_signs() -> None:
    for upper, lower in product((-EDGE, -1, 0, 1, EDGE), repeat=2):
        word = packing.pair(upper, lower)
        assert (packing.upper(word), packing.lower(word)) == (upper, lower)
        assert plain(packing.pair)(upper, lower) == word


@pytest.mark.parametrize(
    ("pack", "unpack", "numbers"),
    [
        (
            packing.pack_message,
            packing.message_of,
            (OPS, (0, 1), (0, NO_SLOT), (0, MAX_BOOKS - 1), (0, MAX_OWNERS - 1)),
        ),
        (packing.pack_change, packing.change_of, (range(max(Change) + 1), (0, MAX_BOOKS - 1))),
        (packing.pack_event, packing.event_of, (KINDS, REASONS, (0, 1), (0, MAX_BOOKS - 1))),
        (packing.pack_phase, packing.phase_of, (range(max(Phase) + 1), (0, 1 << 60))),
        (packing.pack_recorded, packing.recorded_of, (range(5), (0, 1), (0, EDGE))),
    ],
)
def test_what_goes_in_comes_out(pack, unpack, numbers) -> None:  # type: ignore[no-untyped-def]  # of any of them
    given = list(product(*numbers))
    words = [pack(*one) for one in given]
    assert [unpack(word) for word in words] == given and len(set(words)) == len(given)
    columns = plain(unpack)(np.array(words))
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == given


def test_each_says_what_is_due() -> None:
    assert packing.due_of(packing.pack_message(max(Op), 1, NO_SLOT, 3, 4)) == Due.ARRIVAL
    assert packing.due_of(packing.pack_change(max(Change), 3)) == Due.PHASE_CHANGE


def test_messages_on_their_way_are_counted_by_slot() -> None:
    row = np.zeros(Seat.WORDS, np.int64)
    for slot in (*range(Seat.SLOT_COUNT), NO_SLOT):
        packing.count_pending(row, 0, slot, slot + 1)
    assert [packing.pending(row, 0, slot) for slot in range(Seat.SLOT_COUNT)] == list(range(1, Seat.SLOT_COUNT + 1))
    assert packing.pending(row, 0, NO_SLOT) == 0
    packing.count_pending(row, 0, 7, packing.MOST_PENDING - 8)
    packing.count_pending(row, 0, 15, packing.MOST_PENDING - 16)
    assert [packing.pending(row, 0, slot) for slot in (6, 7, 8, 14, 15)] == [7, 255, 9, 15, 255]
