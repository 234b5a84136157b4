"""`sekai info` in words: every part of every seat, when it decides, how late it is, and what a market takes."""

from __future__ import annotations

from typing import Any

import pytest

import sekai
from sekai.cli import main
from sekai.markets import parts
from sekai.markets.config import EveryTrades, OwnFills, Periodic, Poisson, Seat
from sekai.markets.explain import seat_lines
from sekai.markets.parts.tables import numbers


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (Periodic(every_s=0.25), "every 0.25 s"),
        (Poisson(every_s=3.0), "every 3 s on average, at random"),
        (EveryTrades(), "after every trade"),
        (EveryTrades(trades=5), "after every 5 trades"),
        (OwnFills(), "after each fill of its own"),
    ],
)
def test_when_a_seat_decides(clock: Any, words: str) -> None:
    seat = Seat(name="me", role=parts.Maker(), clock=clock, latency_s=2e-4, market_data_lag_s=1e-3)
    lines = [*seat_lines(seat, seat.role.observations)]  # type: ignore[union-attr]
    assert lines[0] == "me: maker" and lines[1].split(None, 1) == ["decides", words]
    assert lines[2].split(None, 1) == ["latency", "200 us; market data is 1000 us late"]


def test_a_joint_action_ends_and_weights_are_told() -> None:
    role = parts.Parts(
        observations=(parts.Account(name="mine"),),
        actions=(parts.MarketOrder(), parts.Cancel()),
        rewards=(parts.Fees(weight=0.5),),
        ends=(parts.Deadline(after_s=5.0),),
        joint=True,
    )
    text = "\n".join(seat_lines(Seat(name="me", role=role), role.observations))
    for words in ("acts, all choices in one number", "0..2, 0..9", "0..5", "x 0.5", "deadline", "close", "mine  (2,)"):
        assert words in text


@pytest.mark.parametrize("id", ["scenarios/calls-and-halts", "scenarios/maker-duel", "markets/MarketMaking-v0"])
def test_info_tells_every_part_of_every_seat(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", id]) == 0
    shown = capsys.readouterr().out
    env: Any = sekai.make(id)
    market = env.unwrapped if isinstance(env, sekai.MultiAgentEnv) else env.unwrapped.multi
    assert f"{market.row.nbytes:,} bytes" in shown
    for seat in market.market.seats:
        if seat.name in market.possible_agents:
            assert f"\n{seat.name}: {seat.role.name}\n" in shown
            for part in (*seat.role.observations, *seat.role.actions, *seat.role.rewards, *seat.role.ends):
                assert part.meaning and part.meaning in shown and part.unit in shown
            assert all(f"{part.shape}" in shown for part in seat.role.observations)
            assert all(numbers(part) in shown for part in seat.role.actions)
        else:
            assert seat.name in shown
    if id.endswith("halts"):
        assert parts.Phase.meaning in shown
