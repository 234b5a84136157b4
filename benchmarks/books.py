"""Our engine beside other order books of the package index that match orders and cancel them, on GOOG's day.

Each lives in an environment of its own (`benchmarks.framework`), is called as its users call it, once or twice a
message, and must end with the trades that we end with, or be known not to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.book import GOOG, goog
from benchmarks.framework import Contender, Duel, home
from benchmarks.registry import Trial, benchmark

__all__ = ["BOOKS", "Book", "book_calls"]


@dataclass(frozen=True, slots=True)
class Book:
    """Another book: its name here, what pip installs, what it is, and how many trades of the day only one of us has."""

    name: str
    package: str
    what: str
    differing: int = 0

    def contender(self) -> Contender:
        """Return who plays for it; raises `Skipped` where its environment is not there."""
        python = home(self.name, f"'{self.package}' numpy")
        return Contender(self.name, python, "_books", (str(GOOG),), remark=str(self.differing))


BOOKS: Final = (
    Book("sekai_0_2_0", "sekai==0.2.0", "sorted lists and deques, in Python"),
    Book("bourse", "bourse==0.4.0", "a book in Rust"),
    Book("liquibook", "liquibook==2.0.1", "a book in C++, through SWIG", differing=23),
    Book("lightmatchingengine", "lightmatchingengine==2019.1.4", "dictionaries of lists, in Python"),
    Book("orderly_chaos", "orderly-chaos==0.2.0", "a book in C++, through ctypes"),
    Book("cython_orderbook", "cython-orderbook==0.1.2", "sorted dictionaries, in Cython"),
    Book("pyorderbook", "pyorderbook==0.4.9", "heaps of levels, in Python"),
    Book("obook", "obook==0.1.0", "a shared library, through ctypes"),
    Book("order_matching", "order-matching[polars]==0.12.0", "lists, in Python"),
)


def _trial(ours: str, book: Book) -> Trial:
    """Return our contender of that name beside a book, on the whole day."""
    stream, _ = goog()
    theirs = book.contender()
    duel = Duel(Contender(ours, module="_books", arguments=(str(GOOG),), remark="0"), theirs, len(stream))
    return Trial(duel.side(ours, ours, 1), duel.side(book.name, f"{book.package}, {book.what}", 1))


def _register(book: Book) -> None:
    def trial() -> Trial:
        return _trial("engine", book)

    trial.__name__ = f"book_{book.name}"
    same = f"{book.differing} trades are in one tape only" if book.differing else "the same trades"
    benchmark(
        workload=f"GOOG's day: the engine in one kernel call, the other by calls of its own; {same}",
        unit="M/s",
        counts="messages per CPU-second",
    )(trial)


for _each in BOOKS:
    _register(_each)


@benchmark(
    workload="GOOG's day, one or two Python calls a message on both sides; the same trades",
    unit="M/s",
    counts="messages per CPU-second",
)
def book_calls() -> Trial:
    """What is left of the ratio where a message is a call: the price of a call from Python."""
    return _trial("calls", next(book for book in BOOKS if book.name == "bourse"))
