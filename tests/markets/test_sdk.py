"""Compiled agents of a user's own: they join a market without compiling the engine, and never run as stale code."""

import os
import subprocess
import sys

import pytest

from sekai.markets.config import Market, Periodic, Seat
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.turn import go_on
from sekai.markets.envs import MarketEnv
from sekai.markets.sdk import (
    BUY,
    BY_CLOCK,
    SELL,
    best_ask,
    best_bid,
    cancel_all,
    exponential,
    immediate,
    kernel,
    limit,
    mark,
    market,
    normal,
    now,
    own_price,
    own_size,
    parameter,
    position,
    quote,
    recall,
    recall_real,
    remember,
    remember_real,
    time_left,
    uniform,
)
from tests.shipped import ROOT


class _Policy:
    def __init__(self, kernel, *parameters):
        self.kernel, self.parameters = kernel, parameters


def _run(kernel, *parameters, session_s=10.0, record=False, **seat):
    seat = {"clock": Periodic(every_s=1.0)} | seat
    me = Seat(name="me", policy=_Policy(kernel, *parameters), **seat)
    env = MarketEnv(Market(seats=(me,), session_s=session_s), record=record)
    env.reset(seed=0)
    return env


def _memory(env, number=0):
    """The words in which the policy of a seat remembers."""
    row = env.row
    part = row[row[at.Market.SEATS] + number * at.Seat.WORDS + at.Seat.POLICY]
    return row[row[part + at.Part.MEMORY] :][: row[part + at.Part.MEMORY_COUNT]]


@kernel
def _looks(row, me):
    sees = best_bid(row, me) + best_ask(row, me) == mark(row, me) and best_bid(row, me) < best_ask(row, me)
    remember(row, me, 0, recall(row, me, 0) + 1)
    remember(row, me, 1, recall(row, me, 1) + (1 if sees else 0))
    remember(row, me, 2, now(row, me) + time_left(row, me))
    remember_real(row, me, 3, recall_real(row, me, 3) + parameter(row, me, 1))
    return BY_CLOCK


def test_a_kernel_looks_and_remembers():
    env = _run(_looks, 0.0, 0.25)
    memory = _memory(env)
    assert len(memory) == 8 and memory[:3].tolist() == [10, 10, 10_000_000_000]
    assert memory.view(float)[3] == 2.5


@kernel
def _trades(row, me):
    step = recall(row, me, 0)
    remember(row, me, 0, step + 1)
    if step == 0:
        market(row, me, BUY, 2)
    elif step == 1:
        immediate(row, me, SELL, best_bid(row, me), 1)
    elif step == 2:
        limit(row, me, 5, BUY, best_bid(row, me) - 3, 4)
    elif step == 3:
        remember(row, me, 1, own_size(row, me, 5))
        remember(row, me, 2, 1 if own_price(row, me, 5) > 0 else 0)
        remember(row, me, 3, position(row, me))
        cancel_all(row, me)
    else:
        remember(row, me, 4, own_size(row, me, 5) + own_price(row, me, 5))
    return BY_CLOCK


def test_a_kernel_sends_and_knows_its_orders_by_their_places():
    env = _run(_trades)
    assert _memory(env).tolist()[1:5] == [4, 1, 1, -1]


@kernel
def _asks_for_what_there_is_not(row, me):
    step = recall(row, me, 0)
    remember(row, me, 0, step + 1)
    huge = 4_294_967_296
    if step == 0:
        limit(row, me, 0, BUY, huge + best_bid(row, me), 1)
    elif step == 1:
        market(row, me, BUY, huge + 2)
    elif step == 2:
        limit(row, me, 20, BUY, best_bid(row, me), 1)
    elif step == 3:
        quote(row, me, 100_000_000, SELL, best_ask(row, me), 1)
    elif step == 4:
        immediate(row, me, SELL, -huge, 1)
    elif step == 5:
        limit(row, me, 0, BUY, best_bid(row, me), -3)
    remember(row, me, 1, own_size(row, me, 99) + own_price(row, me, -5))
    return BY_CLOCK


def test_what_there_is_not_is_refused_and_nobody_else_s_memory_is_touched():
    policy = _Policy(_asks_for_what_there_is_not)
    seats = tuple(Seat(name=n, policy=policy, clock=Periodic(every_s=1.0)) for n in ("a", "b"))
    env = MarketEnv(Market(seats=seats, session_s=10.0), record=True)
    clocks = env.row[int(env.row[at.Market.SEATS]) + at.Seat.WORDS :][: at.Seat.BOOK].tolist()
    env.reset(seed=0)
    assert env.row[int(env.row[at.Market.SEATS]) + at.Seat.WORDS :][: at.Seat.BOOK].tolist() == clocks
    events = env.events()
    ours = events[events["owner"] < 2]
    assert ours["kind"].tolist() == [terms.Kind.REJECTED] * 12 and env.totals()["rejects"] == 12
    assert (env.look.accounts()[:2, at.Account.POSITION] == 0).all()


@kernel
def _sets_its_own_alarm(row, me):
    remember(row, me, 0, recall(row, me, 0) + 1)
    return now(row, me) + 2_500_000_000


def test_a_kernel_may_say_when_it_wants_to_be_woken():
    env = _run(_sets_its_own_alarm)
    assert _memory(env)[0] == 4


@kernel
def _draws(row, me):
    remember_real(row, me, 0, uniform(row, me) + exponential(row, me) + normal(row, me))
    return BY_CLOCK


def test_a_kernel_s_draws_belong_to_its_name():
    def last(name):
        policy = _Policy(_draws)
        seats = (Seat(name="other", policy=policy), Seat(name=name, policy=policy))
        env = MarketEnv(Market(seats=seats, session_s=5.0))
        env.reset(seed=1)
        return _memory(env, 1)[0]

    assert last("a") == last("a") != last("b")


def test_a_kernel_of_a_user_s_own_does_not_compile_the_engine_again():
    _run(_looks, 0.0, 1.0)
    before = len(getattr(go_on, "signatures", [()]))

    @kernel
    def another(row, me):
        return BY_CLOCK

    _run(another)
    assert len(getattr(go_on, "signatures", [()])) == before == 1


def test_a_kernel_that_returns_something_else_is_an_error():
    @kernel
    def wrong(row, me):
        return "soon"

    with pytest.raises(Exception, match="int64|unicode"):
        _run(wrong)


HELPERS = {
    "near/helper.py": """
import middle
from far import STEP
from sekai.markets.sdk import kernel

@kernel
def step(row, me):
    return STEP * middle.one(row, me)
""",
    "far/__init__.py": "STEP = {step}\n",
    "aside/middle.py": """
from deep import deeper
from sekai.markets.sdk import kernel

@kernel
def one(row, me):
    return deeper(row, me)
""",
    "down/deep.py": """
from sekai.markets.sdk import kernel

@kernel
def deeper(row, me):
    return {deep}
""",
}
MINE = """
import helper
from sekai.markets.config import Market, Seat
from sekai.markets.engine.layout import Market as M, Part, Seat as S
from sekai.markets.envs import MarketEnv
from sekai.markets.sdk import BY_CLOCK, kernel, recall, remember

@kernel
def counts(row, me):
    remember(row, me, 0, recall(row, me, 0) + helper.step(row, me))
    return BY_CLOCK

class Policy:
    kernel = counts
    parameters = ()

env = MarketEnv(Market(seats=(Seat(name="me", policy=Policy()),), session_s=5.0))
env.reset(seed=0)
part = env.row[env.row[M.SEATS] + S.POLICY]
print(env.row[env.row[part + Part.MEMORY]])
"""


def test_an_edited_helper_of_an_agent_is_never_run_as_it_was(tmp_path):
    """Wherever it lies: reached through a module, two calls away, or as a constant of another package."""
    (tmp_path / "mine.py").write_text(MINE)
    folders = [str(ROOT), *(str(tmp_path / name) for name in (".", "near", "aside", "down"))]
    # Python itself takes a file of the same second and length for the one that it has compiled
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "PYTHONDONTWRITEBYTECODE": "1"}
    counted = []
    for step, deep in ((1, 1), (1, 1), (10, 1), (10, 3), (1, 1)):
        for name, text in HELPERS.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text.format(step=step, deep=deep))
        command = [sys.executable, str(tmp_path / "mine.py")]
        counted.append(int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout))
    assert counted == [5, 5, 50, 150, 5]
