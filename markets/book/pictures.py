"""A book in pictures: how deep it is, its ladder, and how it moved, as figures of matplotlib (the extra `app`).

Each function takes a book or a tape and returns a figure, which has `savefig`. Bids are blue and asks vermilion, from
Okabe and Ito's palette, and each is always on its own side, so that colour never carries a meaning alone.

>>> from sekai.markets import OrderBook
>>> book = OrderBook()
>>> for price in (99, 98, 102): _ = book.limit("sell" if price > 100 else "buy", price=price, size=5)
>>> depth_chart(book).axes[0].get_xlabel()
'price, ticks'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sekai.error import SekaiError, install_hint
from sekai.markets.book.feeds import Feeds
from sekai.markets.book.order_book import OrderBook
from sekai.markets.book.rejection import whole_number
from sekai.markets.data.tape import Tape, TapeKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ASK", "BID", "GRID", "INK", "MUTED", "PAPER", "STYLE", "NothingToDraw", "depth_chart", "heat_map", "ladder"]

INK: Final = "#1c2127"
MUTED: Final = "#66707c"
GRID: Final = "#dde1e6"
PAPER: Final = "#fefefe"
BID: Final = "#0072b2"
ASK: Final = "#d55e00"
STYLE: Any = {
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
}
_COLUMNS, _ROWS = 640, 200  # cells of a heat map, at most
_TAPE_LEVELS = 20  # of a book's own tape
_MANY_PRINTS = 2_000  # more marks than that would hide the book
_LEGEND: Any = {"frameon": False, "fontsize": 8.5, "labelcolor": INK, "handlelength": 1.4}
_NS_PER_S = 1e9
_CLOCK_FROM_S = 3_600.0  # times from here on are times of day
_Level = tuple[float, int, int]  # price, lots, orders (0 where nobody said)


class NothingToDraw(SekaiError, ValueError):
    """Raised for a book, or a tape, in which there is nothing that a picture could show."""


def depth_chart(source: OrderBook | Tape, *, levels: int = 20, row: int = -1) -> Figure:
    """Draw how many lots wait at each price or better: bids to the left, asks to the right of the mid.

    A tape is drawn as it stood after message `row`, in the currency; a book as it is, in ticks. Raises NothingToDraw
    for what is empty, InvalidValue for a row that is not there, or no levels.
    """
    bids, asks = _both_sides(source, levels, row)
    figure, axes = _figure(6.4, 3.6)
    for side, colour, name in ((bids, BID, "bids"), (asks, ASK, "asks")):
        if side:
            price, lots = np.array([p for p, *_ in side]), np.cumsum([size for _, size, _ in side])
            far = price[-1] + (price[-1] - price[0]) * 0.04 + np.sign(price[-1] - price[0]) * _step(source)
            x, y = np.append(price, far), np.append(lots, lots[-1])
            axes.fill_between(x, y, step="post", color=colour, alpha=0.16, lw=0)
            axes.step(x, y, where="post", color=colour, lw=1.6, label=f"{name}, {lots[-1]:,} lots")
            axes.vlines(price[0], 0, lots[0], color=colour, lw=1.6)
    if bids and asks:
        mid = (bids[0][0] + asks[0][0]) / 2
        axes.axvline(mid, color=MUTED, lw=0.8, ls=(0, (4, 3)))
        axes.annotate(f"mid {mid:,.{_digits(source) + 1}f}", (mid, 1.0), (0, 3), xycoords=("data", "axes fraction"),
                      textcoords="offset points", ha="center", va="bottom", color=MUTED, fontsize=8.5)  # fmt: skip
    axes.set_ylim(0)
    axes.set_xlabel(_price_label(source))
    axes.set_ylabel("lots at this price or better")
    axes.grid(axis="y")
    _plain_numbers(axes, source)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, **_LEGEND)
    return figure


def ladder(source: OrderBook | Tape, *, levels: int = 10, row: int = -1) -> Figure:
    """Draw the best levels as a ladder: asks above bids, one row a level, its lots as a bar and a number.

    A book also tells how many orders wait at each level.
    """
    bids, asks = _both_sides(source, levels, row)
    rows = [(ASK, "ask", level) for level in reversed(asks)] + [(BID, "bid", level) for level in bids]
    most = max(size for _, _, (_, size, _) in rows)
    figure, axes = _figure(4.6, 0.5 + 0.26 * (len(rows) + 1))
    axes.set_axis_off()
    axes.set_xlim(-1.32, 1.32)
    axes.set_ylim(len(rows) - 0.45, -1.2)
    for x, words, colour in ((-0.66, "bid lots", BID), (0.0, "price", MUTED), (0.66, "ask lots", ASK)):
        axes.text(x, -0.75, words, ha="center", va="center", color=colour, fontsize=8.5)
    for place, (colour, side, (price, size, orders)) in enumerate(rows):
        away, start = (1, 0.3) if side == "ask" else (-1, -0.3)
        axes.barh(place, away * size / most * 0.7, left=start, height=0.78, color=colour, alpha=0.22, lw=0)
        axes.text(
            start + 0.04 * away, place, f"{size:,}", ha="left" if side == "ask" else "right", va="center", color=INK
        )
        axes.text(0, place, f"{price:,.{_digits(source)}f}", ha="center", va="center", color=colour, fontweight="bold")
        if orders:
            many = f"{orders} order" + ("s" if orders > 1 else "")
            axes.text(
                1.3 * away, place, many, ha="right" if side == "ask" else "left", va="center", color=MUTED, fontsize=7.5
            )
    if bids and asks:
        y = len(asks) - 0.5
        axes.axhline(y, color=MUTED, lw=0.8, ls=(0, (4, 3)))
        spread = asks[0][0] - bids[0][0]
        axes.text(-1.3, y - 0.08, f"spread {spread:,.{_digits(source)}f}", va="bottom", color=MUTED, fontsize=7.5)
    return figure


def heat_map(source: OrderBook | Tape, *, levels: int = _TAPE_LEVELS, trades: bool = True) -> Figure:
    """Draw what waited at each price over time, the more ink the more lots (log scale), with the best prices as lines.

    Trades are marked where they printed, up where the taker bought, unless there are thousands. A book needs
    `OrderBook(events=True)`; where its messages have no times, they are counted instead. Raises NothingToDraw for a
    tape without books.
    """
    tape = _own_tape(source, levels) if isinstance(source, OrderBook) else source
    if tape.book is None or len(tape) < 2:
        raise NothingToDraw("a heat map needs the book after each of at least two messages")
    x, label = _time_axis(tape)
    columns = min(_COLUMNS, len(tape))
    edges = np.linspace(x[0], x[-1], columns + 1)
    rows = np.clip(np.searchsorted(x, (edges[1:] + edges[:-1]) / 2, "right") - 1, 0, None)
    low, high = _window(tape.book[rows])
    cell = -(-(high - low + 1) // _ROWS)
    lots = _lots_by_price(tape.book[rows], low, high, cell)
    figure, axes = _figure(9.6, 4.4)
    largest = float(np.quantile(np.abs(lots[lots != 0]), 0.995)) if lots.any() else 1.0
    per_tick = tape.tick_size if isinstance(source, Tape) else 1.0
    extent = (x[0], x[-1], (low - 0.5) * per_tick, (low + lots.shape[1] * cell - 0.5) * per_tick)
    pixels = _ink(lots, largest).transpose(1, 0, 2)
    axes.imshow(pixels, origin="lower", aspect="auto", extent=extent, interpolation="none", zorder=1)
    for side, colour, name in ((1, ASK, "best ask"), (0, BID, "best bid")):
        best = tape.book[rows, side, 0]
        price = np.where(best[:, 1] > 0, best[:, 0] * per_tick, np.nan)
        axes.stairs(price, edges, baseline=None, color=colour, lw=1.0, label=name, zorder=2)
    if trades:
        _mark_trades(axes, tape, x, per_tick)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(extent[2], extent[3])
    axes.set_xlabel(label)
    axes.set_ylabel(_price_label(source))
    _plain_numbers(axes, source, along="y")
    if label == "time of day":
        axes.xaxis.set_major_formatter(lambda s, _: f"{int(s) // 3600:02d}:{int(s) % 3600 // 60:02d}")
        axes.xaxis.set_major_locator(_clock_ticks(x[0], x[-1]))
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, borderpad=0.2, **_LEGEND)
    _key(axes, largest)
    return figure


# --- what is drawn ----------------------------------------------------------------------------------------------------
def _both_sides(source: OrderBook | Tape, levels: int, row: int) -> tuple[list[_Level], list[_Level]]:
    """Return the best levels of bids and asks, best first."""
    levels = whole_number("levels", levels, 1)
    if isinstance(source, OrderBook):
        depth = source.depth(levels)
        bids, asks = ([(float(p), int(s), int(n)) for p, s, n in side.tolist()] for side in (depth.bids, depth.asks))
    else:
        if source.book is None or not len(source):
            raise NothingToDraw("a picture of a tape needs the book after each message")
        row = whole_number("row", row, -len(source), len(source) - 1)
        shown = source.book[row, :, :levels].tolist()
        digits = _digits(source) + 2
        bids, asks = ([(round(p * source.tick_size, digits), s, 0) for p, s in side if s] for side in shown)
    if not bids and not asks:
        raise NothingToDraw("the book is empty")
    return bids, asks


def _own_tape(book: OrderBook, levels: int) -> Tape:
    feeds = Feeds(levels=levels)
    feeds.publish(book.events)
    return feeds.tape(1.0)


def _time_axis(tape: Tape) -> tuple[NDArray[np.float64], str]:
    """Return where each message stands, and what that is: a time of day, seconds, or its number where there is none."""
    seconds = tape.messages["time_ns"] / _NS_PER_S
    if seconds[-1] == seconds[0]:
        return np.arange(len(tape), dtype=np.float64), "messages"
    if seconds[0] >= _CLOCK_FROM_S and seconds[-1] - seconds[0] >= 600.0:
        return seconds, "time of day"
    return seconds - seconds[0], "seconds"


def _window(book: NDArray[np.int64]) -> tuple[int, int]:
    """Return the lowest and highest price worth showing: what lies far off for a moment is left out."""
    shown = book[..., 1] > 0
    worst_bid = np.where(shown[:, 0], book[:, 0, :, 0], np.iinfo(np.int64).max).min(axis=1)
    worst_ask = np.where(shown[:, 1], book[:, 1, :, 0], -1).max(axis=1)
    bids, asks = worst_bid[shown[:, 0].any(axis=1)], worst_ask[shown[:, 1].any(axis=1)]
    both = book[..., 0][shown]
    if both.size == 0:
        raise NothingToDraw("the book is empty all the time")
    low = int(np.quantile(bids, 0.1)) if bids.size else int(both.min())
    high = int(np.quantile(asks, 0.9)) if asks.size else int(both.max())
    best = book[:, :, 0, 0][shown[:, :, 0]]
    return min(low, int(best.min()) - 1), max(high, int(best.max()) + 1)


def _lots_by_price(book: NDArray[np.int64], low: int, high: int, cell: int) -> NDArray[np.float64]:
    """Return lots `(columns, prices)`, bids positive and asks negative, `cell` ticks to a price."""
    out = np.zeros((len(book), -(-(high - low + 1) // cell)))
    for side, sign in ((0, 1.0), (1, -1.0)):
        price, size = book[:, side, :, 0], book[:, side, :, 1]
        column, level = np.nonzero((size > 0) & (price >= low) & (price <= high))
        np.add.at(out, (column, (price[column, level] - low) // cell), sign * size[column, level])
    return out


def _ink(lots: NDArray[np.float64], largest: float) -> NDArray[np.uint8]:
    from matplotlib.colors import to_rgb

    ink = np.clip(np.log1p(np.abs(lots)) / np.log1p(largest), 0.0, 1.0)
    pixels = np.empty((*lots.shape, 4))
    pixels[..., :3] = np.where((lots > 0)[..., None], to_rgb(BID), to_rgb(ASK))
    pixels[..., 3] = np.where(lots == 0, 0.0, 0.05 + 0.8 * ink**1.5)
    return (pixels * 255.0).round().astype(np.uint8)


def _mark_trades(axes: Axes, tape: Tape, x: NDArray[np.float64], per_tick: float) -> None:
    m = tape.messages
    is_print = np.isin(m["kind"], (TapeKind.EXECUTE, TapeKind.EXECUTE_HIDDEN))
    if not 0 < is_print.sum() <= _MANY_PRINTS:
        return
    largest = float(np.quantile(m["size"][is_print], 0.99))
    for side, marker, name in ((1, "^", "taker bought"), (0, "v", "taker sold")):
        chosen = is_print & (m["side"] == side)
        area = 5.0 + 25.0 * np.clip(m["size"][chosen] / max(largest, 1.0), 0.0, 1.0)
        axes.scatter(x[chosen], m["price_ticks"][chosen] * per_tick, s=area, marker=marker, color=INK, lw=0,
                     alpha=0.75, label=name, zorder=3)  # fmt: skip


# --- how it looks -----------------------------------------------------------------------------------------------------
def _figure(width_inches: float, height_inches: float) -> tuple[Figure, Axes]:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SekaiError(f"a picture needs matplotlib: {install_hint('app')} ({error})") from None

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width_inches, height_inches), layout="constrained", dpi=150)
        return figure, figure.subplots()


def _digits(source: OrderBook | Tape) -> int:
    """Return how many digits a price has behind the point."""
    return 0 if isinstance(source, OrderBook) else max(0, round(-np.log10(source.tick_size)))


def _step(source: OrderBook | Tape) -> float:
    return 1.0 if isinstance(source, OrderBook) else source.tick_size


def _price_label(source: OrderBook | Tape) -> str:
    return "price, ticks" if isinstance(source, OrderBook) else "price"


def _plain_numbers(axes: Axes, source: OrderBook | Tape, along: str = "x") -> None:
    """Write prices out, without an offset, on their axis; lots with thousands apart on the other."""
    prices, lots = (axes.xaxis, axes.yaxis) if along == "x" else (axes.yaxis, None)
    prices.set_major_formatter(lambda value, _: f"{value:,.{_digits(source)}f}")
    if lots is not None:
        lots.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _clock_ticks(first_s: float, last_s: float) -> Any:
    from matplotlib.ticker import MultipleLocator

    steps = (60, 120, 300, 600, 900, 1800, 3600, 7200)
    return MultipleLocator(next((s for s in steps if (last_s - first_s) / s <= 9), steps[-1]))


def _key(axes: Axes, largest: float) -> None:
    """Draw, beside the map, how much ink stands for how many lots."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        key = axes.inset_axes((1.015, 0.0, 0.02, 1.0))
    lots = np.expm1(np.linspace(0.0, np.log1p(largest), 64))
    pixels = np.stack([_ink(lots, largest), _ink(-lots, largest)], axis=1)
    key.imshow(pixels, origin="lower", aspect="auto", extent=(0, 2, 0, 1), interpolation="none")
    marks = [1, *(10**k for k in range(1, 12) if 10**k < largest * 0.7), round(largest)]
    key.set_yticks(np.log1p(marks) / np.log1p(largest), [f"{lots:,}" for lots in marks])
    key.yaxis.tick_right()
    key.set_xticks([])
    key.set_title("lots", fontsize=8.5, color=MUTED)
    for edge in key.spines.values():
        edge.set_visible(False)
