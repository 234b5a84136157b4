"""The pictures of a run. One function a picture; each returns a figure, and `svg` turns it into markup for a page.

Prices are in price units, time in seconds or minutes since the open. Colours come from Okabe and Ito's palette, which
people who see colours differently can tell apart; a buy points up and a sell points down, so that colour never carries
a meaning alone. In a page the inks become CSS variables, so that one picture serves a light page and a dark one.
"""

from __future__ import annotations

import html
import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sekai.scenarios import statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sekai.scenarios.record import EpisodeRecord

__all__ = [
    "CSS_NAMES",
    "PAPER",
    "SEAT_COLOURS",
    "STYLE",
    "book_figure",
    "distribution_figure",
    "overview_figure",
    "price_figure",
    "returns_figure",
    "seat_colours",
    "seats_figure",
    "svg",
]

_INK, _MUTED, _GRID, PAPER = "#1c2127", "#66707c", "#dde1e6", "#fefefe"
_BID, _ASK = "#0072b2", "#d55e00"
SEAT_COLOURS = ("#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#a6761d")

# What a colour is called in a page's style sheet.
CSS_NAMES = {_INK: "ink", _MUTED: "muted", _GRID: "grid", PAPER: "card", _BID: "bid", _ASK: "ask"} | {
    colour: f"seat-{index}" for index, colour in enumerate(SEAT_COLOURS)
}

STYLE: Any = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": _INK,
    "axes.labelcolor": _MUTED,
    "axes.edgecolor": _GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "legend.frameon": True,
    "legend.facecolor": PAPER,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.75,
    "legend.labelcolor": _INK,
    "lines.linewidth": 1.2,
    "svg.fonttype": "none",
    "svg.hashsalt": "sekai",
}
_WIDTH_INCHES = 9.6
_MINUTES_FROM_S = 600.0
_MANY_MARKS = 1_500  # beyond, markers are drawn as one image: a page of markup per marker is slow to open
_RASTER_DPI = 160
_FAINT_POINTS = 120  # a line among many needs no more
_ACF_LAGS = 30
_ALL_PRICES = 160  # a window of at most so many ticks is shown whole


def seat_colours(seats: Sequence[str]) -> dict[str, str]:
    """Return a colour per seat, in the order of the seats; they repeat after six."""
    return {seat: SEAT_COLOURS[index % len(SEAT_COLOURS)] for index, seat in enumerate(seats)}


def svg(figure: Figure, name: str, title: str) -> str:
    """Return ``figure`` as an ``<svg>`` element that scales with the page and follows its colours.

    ``name`` (letters, digits, hyphens) keeps its ids apart from those of other figures; ``title`` is read to people who
    cannot see it.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", dpi=_RASTER_DPI, metadata={"Date": None, "Creator": None})
    markup = buffer.getvalue()
    markup = re.sub(r"<metadata>.*?</metadata>", "", markup[markup.index("<svg") :], flags=re.S)
    markup = re.sub("<[^>]*>", lambda tag: _of_page(tag[0], name), markup)
    head = re.search(r'viewBox="([^"]+)"', markup)
    assert head is not None
    label = f'role="img" aria-labelledby="{name}-title"><title id="{name}-title">{html.escape(title)}</title>'
    return f'<svg viewBox="{head[1]}" {label}{markup[markup.index(">") + 1 :]}'


def _of_page(tag: str, name: str) -> str:
    """Return a tag of a picture with ids of its own and with the page's colours; what is between tags is text."""
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", tag.replace("xlink:href=", "href="))
    for colour, css_name in CSS_NAMES.items():
        tag = tag.replace(colour, f"var(--{css_name})")
    return tag


def _plain(text: str) -> str:
    """Return what matplotlib shows as `text`: a dollar begins no formula, an underscore hides nothing in a legend."""
    return ("\u200b" if text.startswith("_") else "") + text.replace("$", r"\$")


def price_figure(record: EpisodeRecord) -> Figure:
    """Draw the mid of one episode and every fill of a seat on it: buys point up, sells point down."""
    figure, (axes,) = _figure(3.4, 1)
    _draw_price(axes, record)
    _legend(axes, "above")
    _label_time(axes, record)
    return figure


def book_figure(record: EpisodeRecord) -> Figure:
    """Draw the sizes that rest in the book of one episode over time, bids and asks, with the best prices as lines.

    Raises ValueError when the record kept no depth.
    """
    figure, (axes,) = _figure(3.8, 1)
    largest = _draw_book(axes, record)
    _label_time(axes, record)
    _book_key(axes, largest)
    return figure


def seats_figure(records: Sequence[EpisodeRecord]) -> Figure:
    """Draw a row per seat, on a scale of its own: inventory in the first episode; P&L in all, with their mean."""
    first = records[0]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH_INCHES, 0.6 + 1.25 * len(first.seats)), layout="constrained")
        rows = figure.subplots(len(first.seats), 2, squeeze=False, sharex=True)
    for index, (seat, (left, right)) in enumerate(zip(first.seats, rows, strict=True)):
        _draw_inventory(left, first, [index])
        _draw_pnl(right, records, [index])
        left.set_ylabel(f"{_plain(seat)}\nlots", color=seat_colours(first.seats)[seat])
        for axes in (left, right):
            axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=axes is left))
            if index + 1 < len(first.seats):
                axes.set_xlabel("")
    _title(rows[0, 0], "Inventory, first episode")
    _title(rows[0, 1], _pnl_title(records))
    return figure


def overview_figure(records: Sequence[EpisodeRecord]) -> Figure:
    """Draw a run in one picture: the book of the first episode with the fills of every seat, and each seat's P&L."""
    first = records[0]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH_INCHES, 5.8), layout="constrained", facecolor=PAPER)
        rows: Any = figure.subfigures(2, 1, height_ratios=[1.9, 1.0])
        book_row, pnl_row = rows
        book = book_row.subplots()
        panels = pnl_row.subplots(1, len(first.seats), squeeze=False)[0]
    largest = _draw_book(book, first)
    _draw_fills(book, first)
    _label_time(book, first)
    _book_key(book, largest)
    _legend(book, "above")
    for index, (panel, seat) in enumerate(zip(panels, first.seats, strict=True)):
        _draw_pnl(panel, records, [index])
        panel.set_ylabel("")
        panel.yaxis.set_major_locator(MaxNLocator(nbins=4))
        _title(panel, f"P&L of {_plain(seat)}")
    return figure


def distribution_figure(records: Sequence[EpisodeRecord]) -> Figure:
    """Draw the P&L of every episode as a dot, one row per seat, with the mean and its 95% interval above."""
    lines = statistics.seat_statistics(records)
    figure, (axes,) = _figure(0.9 + 0.55 * len(lines), 1)
    spread = np.random.default_rng(0).uniform(-0.16, 0.16, len(records))  # so that equal dots stay apart
    for row, (line, colour) in enumerate(zip(lines, seat_colours(records[0].seats).values(), strict=True)):
        axes.scatter(line.pnl_by_episode, row + 0.12 + spread, s=16, color=colour, alpha=0.55, lw=0)
        reach = line.pnl.half_width or 0.0
        axes.plot([line.pnl.mean - reach, line.pnl.mean + reach], [row - 0.25] * 2, color=_INK, lw=1.4)
        axes.plot(line.pnl.mean, row - 0.25, "D", color=_INK, ms=4)
    axes.axvline(0.0, color=_MUTED, lw=0.8)
    axes.set_yticks(range(len(lines)), [_plain(line.seat) for line in lines])
    axes.set_ylim(len(lines) - 0.5, -0.6)
    axes.tick_params(axis="y", labelcolor=_INK)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("P&L of an episode, money")
    return figure


def returns_figure(records: Sequence[EpisodeRecord]) -> Figure:
    """Draw how returns are distributed, how they remember, and, where depth was kept, the mean shape of the book."""
    with_depth = records[0].depth_lots is not None
    figure, panels = _figure(2.9, 3 if with_depth else 2)
    returns = [statistics.log_returns(record) for record in records]
    _draw_tails(panels[0], np.concatenate(returns), statistics.sampling_interval_s(records[0]))
    _draw_memory(panels[1], returns)
    if with_depth:
        _draw_shape(panels[2], records[0])
    return figure


def _figure(height_inches: float, panels: int) -> tuple[Figure, list[Axes]]:
    """Return a figure in our style and its panels, side by side."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
        return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def _time_scale(record: EpisodeRecord) -> float:
    return 60.0 if record.time_s[-1] > _MINUTES_FROM_S else 1.0


def _label_time(axes: Axes, record: EpisodeRecord) -> None:
    scale = _time_scale(record)
    axes.set_xlim(float(record.time_s[0]) / scale, float(record.time_s[-1]) / scale)
    axes.set_xlabel("minutes since the open" if scale > 1.0 else "seconds since the open")


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=9.5, fontweight="bold", color=_INK)


def _legend(axes: Axes, place: Literal["above", "best", "upper right"]) -> None:
    """Explain what is drawn, in one row; nothing where nothing has a name."""
    if axes.get_legend_handles_labels()[0]:
        look: dict[str, Any] = {"loc": place}
        if place == "above":
            look = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0)}
        with matplotlib.rc_context(STYLE):
            axes.legend(fontsize=8.5, ncols=6, handlelength=1.2, borderpad=0.2, columnspacing=1.2, **look)


def _draw_price(axes: Axes, record: EpisodeRecord) -> None:
    axes.plot(record.time_s / _time_scale(record), record.mark, color=_INK, lw=0.9, label="mid")
    axes.set_ylabel("price")
    _shade_pauses(axes, record)
    _draw_fills(axes, record)


def _shade_pauses(axes: Axes, record: EpisodeRecord) -> None:
    """Shade the calls and halts, where there are any."""
    if not record.is_trading.all():
        look: dict[str, Any] = {"color": _MUTED, "alpha": 0.18, "lw": 0, "transform": axes.get_xaxis_transform()}
        times, label = record.time_s / _time_scale(record), "call or halt"
        axes.fill_between(times, 0.0, 1.0, where=~record.is_trading, step="post", label=label, **look)


def _draw_fills(axes: Axes, record: EpisodeRecord) -> None:
    """Mark every trade of a seat at its price: up where the seat bought, down where it sold."""
    trades = record.trades
    marks = int(np.sum((trades["maker"] >= 0) | (trades["taker"] >= 0)))
    time = trades["time_ns"] / 1e9 / _time_scale(record)
    price = trades["price_ticks"] * record.tick_size
    for index, (seat, colour) in enumerate(seat_colours(record.seats).items()):
        as_taker, as_maker = trades["taker"] == index, trades["maker"] == index
        bought = (as_taker & (trades["side"] == 0)) | (as_maker & (trades["side"] == 1))
        sold = (as_taker & (trades["side"] == 1)) | (as_maker & (trades["side"] == 0))
        look: dict[str, Any] = {"color": colour, "s": 15, "lw": 0, "alpha": 0.8, "zorder": 3}
        look["rasterized"] = marks > _MANY_MARKS
        axes.scatter(time[bought], price[bought], marker="^", label=_plain(seat), **look)
        axes.scatter(time[sold], price[sold], marker="v", **look)


def _draw_inventory(axes: Axes, record: EpisodeRecord, seats: Iterable[int]) -> None:
    colours = list(seat_colours(record.seats).values())
    for seat in seats:
        time = record.time_s / _time_scale(record)
        axes.step(time, record.position_lots[:, seat], where="post", color=colours[seat], lw=1.0)
    axes.set_ylabel("lots")
    axes.axhline(0.0, color=_MUTED, lw=0.8)
    _label_time(axes, record)


def _draw_pnl(axes: Axes, records: Sequence[EpisodeRecord], seats: Iterable[int]) -> None:
    """Draw the P&L of seats: a faint line per episode, and their mean."""
    first = records[0]
    colours = list(seat_colours(first.seats).values())
    time = first.time_s / _time_scale(first)
    few = slice(None, None, max(1, len(time) // _FAINT_POINTS))
    for seat in seats:
        for record in records if len(records) > 1 else ():
            axes.plot(time[few], record.wealth[few, seat], color=colours[seat], lw=0.6, alpha=0.25)
        axes.plot(time, np.mean([record.wealth[:, seat] for record in records], axis=0), color=colours[seat], lw=2.0)
    axes.set_ylabel("money")
    axes.axhline(0.0, color=_MUTED, lw=0.8)
    _label_time(axes, first)


def _pnl_title(records: Sequence[EpisodeRecord]) -> str:
    return f"P&L, {len(records)} episodes and their mean" if len(records) > 1 else "P&L"


def _draw_book(axes: Axes, record: EpisodeRecord) -> float:
    """Paint the book as a heat map, the more opaque the more lots (on a log scale); return the lots at full ink."""
    if record.depth_lots is None or record.window_ticks is None:
        raise ValueError("record.depth_lots is None; a heat map needs an episode that kept its depth")
    scale = _time_scale(record)
    seen = _seen_prices(record)
    lots, ticks = record.depth_lots[:, seen], record.window_ticks[seen]
    largest = max(float(np.quantile(np.abs(lots[lots != 0]), 0.995)), 1.0) if np.any(lots) else 1.0
    pixels = _book_pixels(lots, largest)
    low, high = (ticks[0] - 0.5) * record.tick_size, (ticks[-1] + 0.5) * record.tick_size
    edges = (float(record.time_s[0]) / scale, float(record.time_s[-1]) / scale, low, high)
    axes.imshow(pixels.transpose(1, 0, 2), origin="lower", aspect="auto", extent=edges, interpolation="none", zorder=1)
    for best, colour, name in ((record.ask_ticks, _ASK, "best ask"), (record.bid_ticks, _BID, "best bid")):
        price = np.where(best >= 0, best * record.tick_size, np.nan)
        axes.step(record.time_s / scale, price, where="post", color=colour, lw=0.9, label=name)
    _shade_pauses(axes, record)
    axes.set_ylim(low, high)
    axes.set_ylabel("price")
    axes.grid(visible=False)
    return largest


def _book_pixels(lots: NDArray[Any], largest: float) -> NDArray[np.uint8]:
    """Return (..., 4) colours for signed lots: bids positive, asks negative, nothing transparent."""
    ink = np.clip(np.log1p(np.abs(lots)) / np.log1p(largest), 0.0, 1.0)
    pixels = np.empty((*lots.shape, 4))
    pixels[..., :3] = np.where((lots > 0)[..., None], to_rgb(_BID), to_rgb(_ASK))
    pixels[..., 3] = np.where(lots == 0, 0.0, 0.06 + 0.84 * ink)
    return (pixels * 255.0).round().astype(np.uint8)


def _seen_prices(record: EpisodeRecord) -> NDArray[np.bool_]:
    """Return which window prices are worth showing: all of few, else those within reach of the best prices."""
    assert record.window_ticks is not None
    bids, asks = record.bid_ticks[record.bid_ticks >= 0], record.ask_ticks[record.ask_ticks >= 0]
    if record.window_ticks.size <= _ALL_PRICES or bids.size == 0 or asks.size == 0:
        return np.ones(record.window_ticks.size, np.bool_)
    low, high = int(bids.min()), int(asks.max())
    reach = max(20, (high - low) // 3)
    return (record.window_ticks >= low - reach) & (record.window_ticks <= high + reach)


def _book_key(axes: Axes, largest: float) -> None:
    """Draw, beside a heat map, how much ink stands for how many lots."""
    with matplotlib.rc_context(STYLE):
        key = axes.inset_axes((1.015, 0.0, 0.018, 1.0))
    levels = np.expm1(np.linspace(0.0, np.log1p(largest), 64))
    column = np.concatenate([levels[::-1], -levels])
    key.imshow(_book_pixels(column[:, None], largest), origin="lower", aspect="auto", extent=(0, 1, -1, 1))
    marks = [lots for lots in (1, 2, 5, 10, 20, 50, 100, 300, 1_000, 3_000, 10_000) if lots <= largest][-4:]
    places = [float(np.log1p(lots) / np.log1p(largest)) for lots in marks]
    key.set_yticks([-place for place in places] + places, [f"{lots:,}" for lots in marks] * 2)
    key.set_xticks([])
    key.yaxis.tick_right()
    key.grid(visible=False)
    key.tick_params(labelsize=7.5, length=0)
    for text, place, colour in (("ask lots", 0.5, _ASK), ("bid lots", -0.5, _BID)):
        key.text(3.4, place, text, rotation=90, va="center", ha="center", color=colour, fontsize=8)
    for spine in key.spines.values():
        spine.set_visible(False)


def _draw_tails(axes: Axes, returns: NDArray[np.float64], interval_s: float) -> None:
    """Draw the share of returns at least so many standard deviations out, against a normal's.

    A distribution function has no bins, which would beat against the ticks that the mid moves by.
    """
    _title(axes, f"Returns over {interval_s:.3g} s")
    axes.set_xlabel("standard deviations")
    axes.set_ylabel("share of returns")
    if returns.size == 0 or float(np.std(returns)) == 0.0:
        return
    size, count = np.unique(np.abs((returns - returns.mean()) / returns.std()).round(6), return_counts=True)
    beyond = 1.0 - (np.cumsum(count) - count) / returns.size
    axes.step(size, beyond, where="pre", color=_BID, lw=1.6, label="market")
    grid = np.linspace(0.0, float(size[-1]), 200)
    axes.plot(grid, [math.erfc(z / math.sqrt(2.0)) for z in grid], color=_MUTED, lw=1.2, label="normal")
    axes.set_yscale("log")
    axes.set_ylim(0.5 / returns.size, 2.0)
    _legend(axes, "upper right")


def _draw_memory(axes: Axes, returns: Sequence[NDArray[np.float64]]) -> None:
    """Draw the autocorrelation of returns and of their size, with the band of white noise."""
    _title(axes, "Autocorrelation")
    axes.set_xlabel("lag, samples")
    lags = np.arange(1, _ACF_LAGS + 1)
    count = sum(one.size for one in returns)
    if count:
        band = 1.96 / np.sqrt(count)
        axes.axhspan(-band, band, color=_MUTED, alpha=0.18, lw=0)
    axes.axhline(0.0, color=_MUTED, lw=0.8)
    for series, colour, look, name in (
        (list(returns), _BID, "o-", "returns"),
        ([np.abs(one) for one in returns], _ASK, "s-", "their size"),
    ):
        found = statistics.autocorrelation(series, _ACF_LAGS)
        if found is not None:
            axes.plot(lags, found, look, color=colour, ms=2.6, lw=0.8, label=name)
    _legend(axes, "best")


def _draw_shape(axes: Axes, record: EpisodeRecord) -> None:
    """Draw the mean size at a distance from the best price of the other side (Bouchaud, Mezard and Potters 2002)."""
    assert record.depth_lots is not None and record.window_ticks is not None
    reach = min(40, record.window_ticks.size // 2)
    for best, sign, colour, look, name in (
        (record.ask_ticks, 1, _BID, "o-", "bids"),
        (record.bid_ticks, -1, _ASK, "s-", "asks"),
    ):
        here = np.flatnonzero(best >= 0)
        if here.size == 0:
            continue
        columns = best[here, None] - sign * np.arange(1, reach + 1) - int(record.window_ticks[0])
        inside = (columns >= 0) & (columns < record.window_ticks.size)
        lots = np.maximum(sign * record.depth_lots[here[:, None], np.where(inside, columns, 0)], 0)
        seen = inside.sum(axis=0)
        distance = np.flatnonzero(seen) + 1
        mean = (lots * inside).sum(axis=0)[distance - 1] / seen[distance - 1]
        axes.plot(distance, mean, look, color=colour, ms=2.6, lw=0.8, label=name)
    _title(axes, "Mean shape of the book")
    axes.set_xlabel("ticks from the opposite best price")
    axes.set_ylabel("lots")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    _legend(axes, "best")
