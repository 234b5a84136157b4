"""Days that a seed makes, as a venue would publish them: the plainest book, seen through a window of levels."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sekai.markets.data.tape import L3, Tape, TapeKind
from tests.shipped import ROOT

GOOG = ROOT.parent / "shared" / "data" / "GOOG_2012-06-21_10.zip"
needs_goog_day = pytest.mark.skipif(not GOOG.is_file(), reason=f"the GOOG day is not at {GOOG}")
MIDDLE = 1_000


class Day:
    """A book of (id, size) queues by side and price, and the messages about what lies inside its best levels."""

    def __init__(self, seed: int, levels: int) -> None:
        self.rng, self.levels = random.Random(seed), levels
        self.book: tuple[dict[int, list[list[int]]], ...] = ({}, {})
        self.time_ns, self.next_id = 34_200_000_000_000, 1
        self.rows: list[tuple[int, ...]] = []
        self.books: list[list[list[tuple[int, int]]]] = []

    def best(self, side: int) -> list[int]:
        return sorted(self.book[side], reverse=side == 0)

    def shown(self, side: int) -> list[int]:
        return self.best(side)[: self.levels]

    def publish(self, kind: int, order: int, side: int, price: int, size: int, was_shown: bool) -> None:
        if not (was_shown or price in self.shown(side) or kind == TapeKind.EXECUTE_HIDDEN):
            return
        self.rows.append((self.time_ns, order, price, size, kind, side))
        levels = []
        for s in (0, 1):
            prices = self.shown(s)
            level = [(p, sum(size for _, size in self.book[s][p])) for p in prices]
            levels.append(level + [(0, 0)] * (self.levels - len(level)))
        self.books.append(levels)

    def add(self, side: int, price: int, size: int) -> None:
        was_shown = price in self.shown(side)
        self.book[side].setdefault(price, []).append([self.next_id, size])
        self.publish(TapeKind.ADD, self.next_id, side, price, size, was_shown)
        self.next_id += 1

    def take(self, kind: int, side: int, price: int, place: int, size: int) -> None:
        was_shown, queue = price in self.shown(side), self.book[side][price]
        order = queue[place]
        order[1] -= size
        if order[1] == 0:
            queue.pop(place)
        if not queue:
            del self.book[side][price]
        self.publish(kind, order[0], side, price, size, was_shown)

    def step(self) -> None:
        rng, side = self.rng, self.rng.randrange(2)
        self.time_ns += rng.choice((0, 1, 999, 10_000_000))
        what, size = rng.random(), 10 * rng.randint(1, 9)
        if what < 0.5 or len(self.best(0)) < 4 or len(self.best(1)) < 4:
            far = self.best(1 - side)[0] if self.book[1 - side] else MIDDLE + (1 if side == 0 else 0)
            self.add(side, far + (1 + int(rng.expovariate(0.25))) * (2 * side - 1), size)
        elif what < 0.8:
            price = rng.choice(self.best(side))
            place = rng.randrange(len(self.book[side][price]))
            left = self.book[side][price][place][1]
            if rng.random() < 0.4 and left > 1:
                self.take(TapeKind.REDUCE, side, price, place, rng.randint(1, left - 1))
            else:
                self.take(TapeKind.DELETE, side, price, place, left)
        elif what < 0.95:
            while size > 0 and len(self.book[side]) > 1:
                price = self.best(side)[0]
                lots = min(size, self.book[side][price][0][1])
                self.take(TapeKind.EXECUTE, side, price, 0, lots)
                size -= lots
                if rng.random() < 0.1:
                    self.publish(TapeKind.EXECUTE_HIDDEN, 0, side, price, 1, False)
        else:
            self.publish(TapeKind.EXECUTE_HIDDEN, 0, side, self.best(side)[0], size, False)


def a_day(seed: int, rows: int = 600, levels: int = 3) -> Tape:
    """Return a tape in ticks of 0.01; it opens with orders that it never added."""
    day = Day(seed, levels)
    for k in range(12):
        day.add(k % 2, MIDDLE - 1 - k // 2 if k % 2 == 0 else MIDDLE + 1 + k // 2, 50)
    day.rows.clear()
    day.books.clear()
    while len(day.rows) < rows:
        day.step()
    return Tape(np.array(day.rows[:rows], L3), np.array(day.books[:rows], np.int64), 0.01)
