"""Messages as arrays: what is made of what is given, and what cannot be made into any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sekai import SekaiError, markets
from sekai.markets.book.messages import MESSAGE, TRADE, BadMessage, Reason, events_of, messages, rejects_of, trades_of


def test_the_function_and_the_module_go_by_one_name() -> None:
    assert markets.messages is messages and markets.messages(op=0).dtype == MESSAGE


def test_numbers_are_for_all() -> None:
    made = messages(
        op=[0, 1, 2], order_id=np.arange(3, dtype=np.uint16), side=1, price_ticks=[5.0, 6.0, 7.0], size=True
    )
    assert made.tolist() == [(0, 0, 1, 5, 1, 0), (1, 1, 1, 6, 1, 0), (2, 2, 1, 7, 1, 0)]
    assert messages(op=1, order_id=4).shape == (1,) and messages(op=[]).shape == (0,)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"op": 15}, "op must be one of 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, got 15"),
        ({"op": [0, 7]}, "14, got 7 at 1"),  # a quote is the engine's own
        ({"op": "limit"}, "op must hold integers"),
        ({"side": [0, 0, -1]}, "side must be 0 (buy) or 1 (sell), got -1 at 2"),
        ({"order_id": -1}, "order_id must be from 0"),
        ({"order_id": 2**31}, "order_id must be from 0"),
        ({"price_ticks": 2**31}, "price_ticks must be a 32-bit integer"),
        ({"price_ticks": [1.5, 2.0]}, "price_ticks must hold integers, got float64: [1.5, 2.0]"),
        ({"price_ticks": [np.nan]}, "price_ticks must hold integers"),
        ({"size": 1e30}, "size must be a 32-bit integer"),
        ({"size": [[1]]}, "size must be a number or one-dimensional, got shape (1, 1)"),
        ({"owner": -3}, "owner must be from 0"),
        ({"op": [0, 0], "size": [1, 2, 3]}, "all arrays must have one length, got {'op': 2, 'size': 3}"),
    ],
)
def test_what_cannot_be_a_message(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(BadMessage) as error:
        messages(**({"op": 0} | wrong))
    assert words in str(error.value) and isinstance(error.value, SekaiError) and isinstance(error.value, ValueError)


def test_nothing_happened() -> None:
    none = np.zeros((0, 8), np.int64)
    assert trades_of(none).dtype == TRADE and trades_of(none).size == events_of(none).size == rejects_of(none).size == 0


def test_every_reason_of_the_engine_has_a_name() -> None:
    assert [int(reason) for reason in Reason] == list(range(len(Reason)))
