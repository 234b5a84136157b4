"""One self-contained page about a run: its numbers, its pictures, and the command that repeats it.

The page needs no network and no script; it follows the reader's light or dark setting and prints well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from sekai.scenarios import figures, tables
from sekai.scenarios.statistics import market_statistics, seat_statistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sekai.scenarios.record import EpisodeRecord

__all__ = ["TEMPLATE", "Picture", "pictures", "report_html"]

TEMPLATE = "report.html.jinja"
_DARK_SEAT_COLOURS = ("#2fbf94", "#e3a1c8", "#f0b93a", "#8bcdf5", "#b49bd6", "#d0a050")


class Picture:
    """A figure with the words that go with it: ``name``, ``caption``, and ``alt`` for those who cannot see it."""

    def __init__(self, name: str, figure: Figure, caption: str, alt: str) -> None:
        self.name, self.caption, self.alt = name, caption, alt
        self.svg = figures.svg(figure, re.sub(r"[^a-z]+", "-", name.lower()), alt)


def pictures(records: Sequence[EpisodeRecord]) -> list[Picture]:
    """Return the pictures of a run, in the order of the page; the book only where the first episode kept its depth."""
    first = records[0]
    seats = ", ".join(first.seats)
    lines = seat_statistics(records)
    results = "; ".join(f"{line.seat} {tables.interval(line.pnl, signed=True)}" for line in lines)
    found = [
        Picture(
            "Mid price and fills",
            figures.price_figure(first),
            "The mid in the first episode. A fill of a seat is a triangle at its price: up for a buy, down for a sell.",
            f"Line of the mid from {first.mark[0]:.6g} to {first.mark[-1]:.6g}, lowest {first.mark.min():.6g}, "
            f"highest {first.mark.max():.6g}, with the fills of {seats}.",
        )
    ]
    if first.depth_lots is not None:
        found.append(
            Picture(
                "The book",
                figures.book_figure(first),
                "Lots that rest at every price in the first episode, on a log scale; lines are the best prices.",
                "Heat map of price against time: bids below the mid, asks above it.",
            )
        )
    episodes = f"{len(records)} episodes" if len(records) > 1 else "1 episode"
    found += [
        Picture(
            "Inventory and P&L by seat",
            figures.seats_figure(records),
            f"Left, position in the first episode. Right, change of wealth at the common mark over {episodes}. "
            "Every seat on a scale of its own.",
            f"Lines of inventory and P&L for {seats}. P&L at the end: {results}.",
        ),
        Picture(
            "P&L across episodes",
            figures.distribution_figure(records),
            "A dot is an episode. The diamond is the mean, the bar its 95% confidence interval (Student's t).",
            f"One row of dots per seat. Mean P&L: {results}.",
        ),
        Picture(
            "Returns and the shape of the book",
            figures.returns_figure(records),
            f"Left, the share of log returns of the mid, over {episodes}, that lie further out than so many standard "
            "deviations, beside a normal's. Middle, the autocorrelation of returns and of their size, white noise in "
            "grey. Right, mean lots by distance from the other side's best price in the first episode.",
            "Tails of standardised returns beside a normal's; autocorrelations; mean size by distance.",
        ),
    ]
    return found


def report_html(
    records: Sequence[EpisodeRecord],
    *,
    title: str,
    description: str,
    seed: int,
    policies: Mapping[str, str],
    command: str,
    facts: Mapping[str, str],
) -> str:
    """Return the page about ``records`` (at least one episode, all of one scenario).

    ``policies`` names who sat in each seat, ``command`` is what repeats the run, ``facts`` are printed below it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    colours = figures.seat_colours(records[0].seats)
    variables = {colour: f"var(--{name})" for colour, name in figures.CSS_NAMES.items()}
    return environment.get_template(TEMPLATE).render(
        title=title,
        description=description,
        seed=seed,
        episodes=f"{len(records)} episodes" if len(records) > 1 else "1 episode",
        session=tables.duration(float(records[0].time_s[-1])),
        tiles=tables.market_facts(market_statistics(records)),
        columns=tables.SEAT_COLUMNS,
        rows=[
            {
                "seat": line.seat,
                "policy": policies.get(line.seat, tables.ABSENT),
                "colour": variables[colours[line.seat]],
                "cells": tables.seat_cells(line),
            }
            for line in seat_statistics(records)
        ],
        has_interval=len(records) > 1,
        pictures=pictures(records),
        command=command,
        facts=list(facts.items()),
        light_seats=figures.SEAT_COLOURS,
        dark_seats=_DARK_SEAT_COLOURS,
    )
