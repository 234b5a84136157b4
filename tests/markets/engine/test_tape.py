"""One golden tape: the same events on every machine, with the jit on or off, with the cache cold or warm."""

import os
import subprocess
import sys

from tests.shipped import ROOT

GOLDEN = "801 943dc77fbff3678c"
PLAY = """
import hashlib
from sekai.agents import AvellanedaStoikov, Momentum, NoiseTrader
from sekai.markets.config import EveryTrades, Market, OwnFills, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.envs import MarketEnv
seats = (
    Seat(name="maker", policy=AvellanedaStoikov(risk_aversion=0.05), clock=Periodic(every_s=0.5), latency_s=0.001),
    Seat(name="noise", policy=NoiseTrader(market_share=0.3), clock=Poisson(every_s=0.5)),
    Seat(name="filled", policy=AvellanedaStoikov(size_lots=2), clock=OwnFills()),
    Seat(name="trend", policy=Momentum(threshold_ticks=0.2), clock=EveryTrades(trades=2), latency_s=0.01),
)
venue = Venue(ladder_ticks=128, order_capacity=256)
env = MarketEnv(Market(seats=seats, venue=venue, flow=ZeroIntelligence(pace=60.0), session_s=12.0), record=True)
env.reset(seed=2026)
events = env.events()
names = sorted(events.dtype.names)
print(len(events), hashlib.sha256(b"".join(events[n].astype("<i8").tobytes() for n in names)).hexdigest()[:16])
"""


def _tape(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PLAY],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.strip()


def test_the_tape_compiled():
    assert _tape() == GOLDEN


def test_the_tape_interpreted():
    assert _tape(NUMBA_DISABLE_JIT="1") == GOLDEN


def test_the_tape_with_a_cold_cache_and_then_a_warm_one(tmp_path):
    assert _tape(SEKAI_CACHE_DIR=str(tmp_path)) == GOLDEN
    assert any(tmp_path.rglob("*.nbi"))
    assert _tape(SEKAI_CACHE_DIR=str(tmp_path)) == GOLDEN
