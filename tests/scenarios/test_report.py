"""The page about a run: whole in one file, readable without sight, and right about what it draws."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest

from sekai.scenarios import figures, report
from tests.scenarios.synthetic import synthetic_record

VOID = {"br", "hr", "img", "input", "link", "meta"}


class Outline(HTMLParser):
    """Every tag with its attributes, and whether each that was opened was closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(episodes: int = 3, **changes: object) -> str:
    """Return the page of a synthetic run."""
    records = [
        dataclasses.replace(synthetic_record(seed, samples=80, depth=seed == 0), **changes) for seed in range(episodes)
    ]
    return report.report_html(
        records,
        title="A <duel> & more",
        description="Two makers.",
        seed=7,
        policies={"maker_0": "avellaneda_stoikov"},
        command="sekai run maker-duel --seed 7",
        facts={"scenario hash": "00ff"},
    )


def test_calls_and_halts_are_told_and_shaded() -> None:
    pauses = np.arange(80) % 20 >= 15
    assert "call or halt" not in page() and "Continuous trading" not in page()
    text = page(is_trading=~pauses)
    assert text.count("call or halt") == 1 and "Continuous trading" in text and "75.0" in text


def test_one_whole_file_that_asks_the_network_for_nothing() -> None:
    text = page()
    outline = Outline(text)
    assert outline.open == []
    assert not [tag for tag, _ in outline.tags if tag in {"link", "script", "iframe"}]
    sources = [attrs[key] for _, attrs in outline.tags for key in ("src", "href", "xlink:href") if key in attrs]
    assert sources and all(source and source.startswith(("#", "data:image/png")) for source in sources)
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert len(text) < 2_000_000


def test_ids_are_unique_and_references_resolve() -> None:
    text = page()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"(?:url\(#|href=\"#|labelledby=\")([^)\"]+)", text)) <= set(ids)


def test_words_are_escaped_and_every_picture_is_told() -> None:
    text = page()
    assert "<h1>A &lt;duel&gt; &amp; more</h1>" in text
    pictures = [attrs for tag, attrs in Outline(text).tags if tag == "svg"]
    assert len(pictures) == 5
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] for attrs in pictures)
    assert text.count("<figcaption>") == 5


def test_pictures_are_well_formed_and_take_their_colours_from_the_page() -> None:
    for picture in report.pictures([synthetic_record(samples=80)]):
        ElementTree.fromstring(picture.svg)
        assert "var(--muted)" in picture.svg
        assert not [colour for colour in figures.CSS_NAMES if colour in picture.svg]
        assert re.search(r"<title id=\"[^\"]+\">\S.{20,}</title>", picture.svg)


def test_one_episode_and_no_depth() -> None:
    text = page(episodes=1, depth_lots=None, window_ticks=None)
    assert "1 episode of" in text and "confidence interval (Student's t over" not in text
    assert text.count("<svg") == 4
    with pytest.raises(ValueError, match="depth_lots is None"):
        figures.book_figure(synthetic_record(depth=False))


def test_a_market_where_nothing_happened() -> None:
    samples = 80
    nothing = np.full(samples, -1)
    text = page(
        bid_ticks=nothing,
        ask_ticks=nothing,
        mark=np.full(samples, 100.0),
        trades=synthetic_record().trades[:0],
        wealth=np.zeros((samples, 3)),
        depth_lots=np.zeros((samples, 20), np.int32),
        window_ticks=np.arange(20),
    )
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.S)


def test_the_same_run_draws_the_same_page() -> None:
    assert page() == page()


def test_book_pixels_say_side_and_size() -> None:
    lots = np.array([0, 1, 10, -1, -10, 99])
    pixels = figures._book_pixels(lots, 10.0)
    assert pixels[0, 3] == 0
    assert pixels[1, 3] < pixels[2, 3] == pixels[5, 3]
    assert tuple(pixels[2, :3]) == (0x00, 0x72, 0xB2) and tuple(pixels[4, :3]) == (0xD5, 0x5E, 0x00)


def test_fills_point_the_way_their_seat_traded() -> None:
    """One trade: the taker buys, so that seat 0, which made it, sells."""
    record = synthetic_record(samples=10)
    trades = record.trades[:1].copy()
    trades["side"], trades["maker"], trades["taker"] = 0, 0, 2
    (axes,) = figures.price_figure(dataclasses.replace(record, trades=trades)).axes
    drawn = [len(np.asarray(marks.get_offsets())) for marks in axes.collections]
    assert drawn == [0, 1, 0, 0, 1, 0]  # bought, sold for each of three seats
