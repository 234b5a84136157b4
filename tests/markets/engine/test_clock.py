"""The heap of pending things against a sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from sekai.markets.engine import clock
from sekai.markets.engine.layout import Entry, Market
from sekai.markets.engine.rows import new_row

_thing = st.tuples(st.integers(0, 8), st.integers(0, 3), st.integers(0, 3), st.integers(0, 1 << 40))


def _first(row):
    top = int(row[Market.QUEUE])
    return tuple(int(row[top + k]) for k in (0, Entry.KEY, Entry.WHAT, Entry.ARG))


@given(st.lists(st.tuples(st.sampled_from(["push", "pop", "replace"]), _thing), max_size=80))
def test_the_heap_is_a_sorted_list(moves):
    row, pending = new_row(ticks=64, orders=1, queue=32), []
    for verb, thing in moves:
        if verb == "push":
            assert clock.push(row, *thing) == (len(pending) < 32)
            if len(pending) < 32:
                pending.append(thing)
        elif pending:
            first = _first(row)
            assert first[:2] == min(pending)[:2]
            pending.remove(first)
            if verb == "pop":
                clock.pop(row)
            else:
                clock.replace(row, *thing)
                pending.append(thing)
        assert row[Market.QUEUED] == len(pending)
    order = []
    while row[Market.QUEUED]:
        order.append(_first(row)[:2])
        clock.pop(row)
    assert order == sorted(thing[:2] for thing in pending)


def test_a_full_heap_counts_what_it_could_not_take_and_keeps_the_rest():
    row = new_row(ticks=64, orders=1, queue=2)
    assert clock.push(row, 5, 0, 1, 10) and clock.push(row, 3, 0, 1, 20)
    assert not clock.push(row, 1, 0, 1, 30)
    assert row[Market.LOST] == 1 and _first(row) == (3, 0, 1, 20)


def test_messages_on_their_way_come_before_wake_ups_and_those_before_what_is_sent_at_the_instant():
    assert clock.ON_ITS_WAY < clock.WAKE_UP < clock.AT_ONCE
    drawn = ((1 << clock.TIE_BITS) - 1) << clock.TIE_SHIFT | 63
    assert clock.ON_ITS_WAY | drawn < clock.WAKE_UP and clock.WAKE_UP | drawn < clock.AT_ONCE
