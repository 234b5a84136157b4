"""Books beside each other: they play a day, and who makes other trades is not compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import _books, framework
from benchmarks.books import BOOKS, Book
from benchmarks.framework import Contender, Duel
from benchmarks.registry import Skipped

STORY = np.array(
    [  # op, order_id, side, price_ticks, size
        (_books.LIMIT, 0, 1, 101, 5),
        (_books.LIMIT, 1, 1, 101, 4),
        (_books.LIMIT, 2, 1, 102, 3),
        (_books.REDUCE, 0, 1, 101, 2),  # and keeps its place
        (_books.IOC, 3, 0, 101, 4),  # takes 3 of order 0, 1 of order 1
        (_books.CANCEL, 1, 1, 101, 0),
        (_books.LIMIT, 4, 0, 102, 4),  # takes 3 of order 2, and rests
        (_books.IOC, 5, 1, 103, 1),  # finds nobody
    ]
)
TRADES = np.array([(0, 3, 101, 3), (1, 3, 101, 1), (2, 4, 102, 3)])


def story(folder: Path, trades: np.ndarray = TRADES) -> str:
    names = ("op", "order_id", "side", "price_ticks", "size")
    np.savez(folder / "day.npz", trades=trades, **dict(zip(names, STORY.T, strict=True)))
    return str(folder / "day.npz")


def test_our_books_make_the_storys_trades(tmp_path: Path) -> None:
    for contender in (_books.engine, _books.calls):
        loop = contender(story(tmp_path))
        assert [loop(count)() for count in range(1, len(STORY) + 1)] == [0] * len(STORY)


@pytest.mark.parametrize(
    ("wrong", "differing"),
    [(TRADES[:2], 1), (TRADES[[1, 0, 2]], 1), (np.vstack([TRADES[:2], [(2, 4, 102, 2)]]), 2)],
)
def test_other_trades_are_counted(wrong: np.ndarray, differing: int, tmp_path: Path) -> None:
    day = story(tmp_path)
    assert _books.calls(day)(len(STORY))() == 0
    tape = [(int(maker), int(taker), int(price), int(size)) for maker, taker, price, size in wrong]
    assert _books._differing([(0, 3, 101, 3), (1, 3, 101, 1), (2, 4, 102, 3)], tape) == differing


def test_each_message_knows_what_is_left_of_its_order(tmp_path: Path) -> None:
    messages, tape = _books._day(story(tmp_path))
    assert [message[-1] for message in messages] == [5, 4, 3, 3, 0, 3, 1, 1] and len(tape) == 3


def test_a_round_is_the_books_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What we ask about its trades comes after the clock has stopped."""
    asked: list[str] = []

    class Watched(tuple[int, ...]):
        def __getitem__(self, place: Any) -> Any:
            asked.append("by us")
            return super().__getitem__(place)

    day = [Watched(message) for message in _books._day(story(tmp_path))[0]]
    monkeypatch.setattr(_books, "_day", lambda _: (day, []))
    remark = _books._book(lambda messages: [])("a day")(len(day))
    assert asked == [] and remark() == 0 and len(asked) == len(day)


def test_a_round_that_ends_otherwise_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framework, "ROUNDS", 1)
    ours = Contender("engine", module="_books", arguments=(story(tmp_path),), remark="0")
    Duel(ours, Contender("calls", module="_books", arguments=ours.arguments, remark="0"), len(STORY)).play()
    theirs = Contender("calls", module="_books", arguments=ours.arguments, remark="3")
    with pytest.raises(RuntimeError, match="calls must end with '3', got '0'"):
        Duel(ours, theirs, len(STORY)).play()


def test_every_book_has_a_contender_and_says_how_to_come(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEKAI_COMPETITORS", str(tmp_path))
    for book in BOOKS:
        assert callable(getattr(_books, book.name))
        with pytest.raises(Skipped, match=f"no {book.name}: python -m venv .*{book.name}"):
            book.contender()
    with pytest.raises(Skipped, match=r"pip install 'two\[extra\]==2' numpy"):
        Book("one", "two[extra]==2", "").contender()
