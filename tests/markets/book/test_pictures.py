"""Pictures: each shows what is in the book, from a book as from a tape, and says so where there is nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sekai import markets
from sekai.error import SekaiError
from sekai.markets.book.pictures import ASK, BID, NothingToDraw, depth_chart, heat_map, ladder
from sekai.markets.data.tape import Tape
from sekai.utils import InvalidValue
from tests.markets.data.days import a_day


def a_book() -> markets.OrderBook:
    book = markets.OrderBook(events=True)
    for side, price, size in (("buy", 99, 5), ("buy", 98, 10), ("buy", 98, 2), ("sell", 101, 4), ("sell", 104, 40)):
        book.limit(side, price=price, size=size)  # type: ignore[arg-type]
    book.market("buy", size=1)
    book.market("sell", size=2)
    return book


def words(figure: object) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]  # type: ignore[attr-defined]


def test_a_depth_chart_adds_up() -> None:
    figure = depth_chart(a_book())
    lines = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in figure.axes[0].lines}
    assert lines["bids, 15 lots"] == [3, 15, 15] and lines["asks, 43 lots"] == [3, 43, 43]
    assert "mid 100.0" in words(figure)
    assert figure.axes[0].get_xlabel() == "price, ticks"


def test_a_ladder_names_every_level() -> None:
    figure = ladder(a_book(), levels=1)
    assert {"101", "99", "3", "spread 2", "1 order"} <= set(words(figure))
    assert "98" not in words(figure)
    assert "2 orders" in words(ladder(a_book()))
    bars = [(bar.get_y(), round(bar.get_width(), 3)) for bar in ladder(a_book()).axes[0].patches]
    assert len(bars) == 4 and max(width for _, width in bars) == 0.7  # the largest level spans its half


def test_a_heat_map_paints_each_side_in_its_colour() -> None:
    from matplotlib.colors import to_rgb

    figure = heat_map(a_book())
    (image,) = figure.axes[0].images
    pixels = np.asarray(image.get_array())
    seen = {tuple(p[:3]) for row in pixels for p in row if p[3]}
    assert seen == {tuple((np.array(to_rgb(colour)) * 255).round().astype(int)) for colour in (BID, ASK)}
    assert {"best bid", "best ask", "taker bought", "taker sold", "messages"} <= set(words(figure))
    assert {"taker bought"} & set(words(heat_map(a_book(), trades=False))) == set()


@pytest.mark.parametrize("draw", [depth_chart, ladder, heat_map])
def test_a_tape_is_drawn_in_the_currency(draw: object, tmp_path: Path) -> None:
    figure = draw(a_day(1, levels=4))  # type: ignore[operator]
    figure.savefig(tmp_path / "picture.png", dpi=40)
    assert (tmp_path / "picture.png").stat().st_size > 2_000
    assert any("." in text for text in words(figure))


def test_what_is_empty_is_refused() -> None:
    with pytest.raises(NothingToDraw, match="the book is empty"):
        depth_chart(markets.OrderBook())
    with pytest.raises(NothingToDraw, match="the book is empty"):
        ladder(markets.OrderBook())
    with pytest.raises(NothingToDraw, match="at least two messages"):
        heat_map(markets.OrderBook(events=True))
    tape = a_day(1, rows=20)
    with pytest.raises(NothingToDraw, match="needs the book after each message"):
        ladder(Tape(tape.messages))


def test_a_row_or_a_level_that_is_not_there_is_refused() -> None:
    tape = a_day(0, rows=20)
    for row in (20, -21, "last"):
        with pytest.raises(InvalidValue, match=f"row must be an integer from -20 to 19, got {row!r}"):
            depth_chart(tape, row=row)  # type: ignore[arg-type]
    for draw in (depth_chart, ladder):
        with pytest.raises(InvalidValue, match="levels must be an integer >= 1, got 0"):
            draw(a_book(), levels=0)


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SekaiError, match=r"a picture needs matplotlib: .* pip install -e '.\[app\]'"):
        depth_chart(a_book())


def test_one_side_alone_is_drawn() -> None:
    book = markets.OrderBook(events=True)
    book.limit("buy", price=99, size=5)
    book.limit("buy", price=98, size=5)
    for draw in (depth_chart, ladder, heat_map):
        assert draw(book).axes


def test_matplotlib_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, sekai.markets.book.pictures; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
