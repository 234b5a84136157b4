"""The market with many agents: turns, money, streams by identity, and the laws that tapes obey."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

import sekai
from sekai.agents import AvellanedaStoikov, ConstantSpread, Hold, Momentum, NoiseTrader, Uniform
from sekai.error import InvalidAction, InvalidAgents, ResetRequired, SekaiError
from sekai.markets.config import EveryTrades, Market, OwnFills, Periodic, Poisson, Seat, Venue, ZeroIntelligence
from sekai.markets.engine import layout as at
from sekai.markets.engine import terms
from sekai.markets.engine.check import check
from sekai.markets.envs import MarketEnv
from sekai.markets.parts import Maker, Taker
from sekai.markets.sdk import MONEY_PER_TICK_LOT

FLOW = ZeroIntelligence(pace=60.0)
QUOTE = np.array([0, 0, 2, 2])


def _market(*seats, session_s=20.0, **kwargs):
    return Market(seats=seats, flow=kwargs.pop("flow", FLOW), session_s=session_s, **kwargs)


def _maker(name="maker_0", every_s=0.5, **kwargs):
    return Seat(name=name, role=Maker(), clock=Periodic(every_s=every_s), **kwargs)


def _taker(name="taker_0", every_s=0.5, **kwargs):
    return Seat(name=name, role=Taker(), clock=Periodic(every_s=every_s), **kwargs)


def _play(env, seed=0, policy=None, **reset):
    """Play a session, everybody at random or by `policy(agent, observation)`; return all results."""
    draw = np.random.default_rng(seed)
    results = [env.reset(seed=seed, **reset)]
    while env.acting:
        seen = results[-1].observations
        actions = {}
        for agent in env.acting:
            space = env.action_spaces[agent]
            actions[agent] = policy(agent, seen[agent]) if policy else draw.integers(space.nvec)
        results.append(env.step(actions))
    return results


def _tape(env):
    """What happened, by who did it: independent of how seats are numbered."""
    names = dict(enumerate(env.accounts)) | {-1: None}
    return [
        (*(e[f].item() for f in ("time_ns", "kind", "reason", "side", "price_ticks", "size")),
         names[e["owner"].item()], names[e["other_owner"].item()])
        for e in env.events()
    ]  # fmt: skip


# --- money ------------------------------------------------------------------------------------------------------------
def test_wealth_sums_to_zero_over_all_accounts_at_every_decision():
    env = MarketEnv(_market(_maker(), _taker(), Seat(name="noise", policy=NoiseTrader(), clock=Poisson(every_s=0.3))))
    draw, result = np.random.default_rng(0), env.reset(seed=1)
    traded = 0
    while env.acting:
        spaces = env.action_spaces
        result = env.step({a: draw.integers(spaces[a].nvec) for a in env.acting})
        wealth = env.wealth()
        assert set(wealth) == {"maker_0", "taker_0", "noise", "background", "venue"}
        assert sum(wealth.values()) == 0
        accounts = env.look.accounts()
        assert (
            accounts[:, at.Account.CASH].sum()
            == accounts[:, at.Account.POSITION].sum()
            == accounts[:, at.Account.EDGE].sum()
            == 0
        )
        check(env.row)
        traded = int(accounts[:, at.Account.VOLUME].sum())
    assert result.all_done and traded > 50


def test_rewards_add_up_to_the_change_of_wealth_less_the_penalty():
    clock = Periodic(every_s=0.5)
    maker = Seat(name="maker_0", role=Maker(inventory_penalty=0.01), clock=clock)
    taker = Seat(name="taker_0", role=Taker(inventory_penalty=0.0), clock=clock)
    env = MarketEnv(_market(maker, taker))
    results = _play(env, seed=4)[1:]
    for agent in env.possible_agents:
        pnl, change, penalty, reward = (
            sum(r.info[agent][name] for r in results) if name else sum(r.rewards[agent] for r in results)
            for name in ("pnl", "wealth_change", "inventory_penalty", None)
        )
        assert pnl == pytest.approx(env.wealth()[agent] * env.market.venue.units.money_unit)
        assert change == pytest.approx(env.wealth()[agent] / MONEY_PER_TICK_LOT)
        assert reward == pytest.approx(change + penalty)
        assert (penalty < 0) == (agent == "maker_0")


def test_rewards_before_the_penalty_sum_to_zero_over_all_accounts_step_by_step():
    """The maker and the taker are the only ones in the market, so their rewards alone must cancel."""
    env = MarketEnv(_market(_maker(), _taker(), flow=None))
    results = _play(env, seed=2)[1:]
    assert any(abs(r.info["maker_0"]["pnl"]) > 0 for r in results)
    for r in results:
        assert r.info["maker_0"]["pnl"] + r.info["taker_0"]["pnl"] == pytest.approx(0.0, abs=1e-12)


def test_the_penalty_is_weight_times_lots_squared_times_seconds():
    seat = Seat(name="taker_0", role=Taker(inventory_penalty=0.5), clock=Periodic(every_s=2.0))
    env = MarketEnv(_market(seat))
    env.reset(seed=0)
    result = env.step({"taker_0": np.array([1, 1])})
    lots = result.observations["taker_0"]["account"][0]
    assert lots == 2
    assert result.info["taker_0"]["inventory_penalty"] == pytest.approx(-0.5 * lots**2 * 2.0)


# --- turns ------------------------------------------------------------------------------------------------------------
def test_agents_with_different_clocks_get_complete_transitions():
    env = MarketEnv(_market(_maker("fast", 0.5), _maker("slow", 2.0), session_s=10.0))
    begun = env.reset(seed=0)
    assert set(begun.observations) == {"fast", "slow"} == set(env.acting)
    result = env.step({"fast": QUOTE, "slow": QUOTE})
    assert set(env.acting) == {"fast"} == set(result.rewards) == set(result.observations) == set(result.info)
    assert result.elapsed == {"fast": 0.5}
    for _ in range(3):
        result = env.step({"fast": QUOTE})
    assert set(env.acting) == {"fast", "slow"}
    assert result.elapsed == {"fast": 0.5, "slow": 2.0}
    while env.acting:
        result = env.step(dict.fromkeys(env.acting, QUOTE))
    assert result.all_done and set(result.observations) == {"fast", "slow"}
    assert result.elapsed == {"fast": 0.5, "slow": 2.0} and env.agents == ()


def test_an_agent_that_first_observes_later_is_marked_first():
    poisson = Seat(name="late", role=Taker(), clock=Poisson(every_s=3.0))
    env = MarketEnv(_market(_maker(), poisson))
    begun = env.reset(seed=0)
    assert set(begun.observations) == {"maker_0"}
    firsts = []
    while env.acting:
        result = env.step({a: QUOTE if a == "maker_0" else np.array([0, 0]) for a in env.acting})
        firsts += [(a, result.rewards[a]) for a in result.first]
    assert firsts == [("late", 0.0)]


def test_settle_hands_out_and_consumes_what_a_waiting_agent_has_earned():
    market = _market(_maker("fast", 0.5), _taker("slow", 4.0), session_s=8.0)
    plain, settled = MarketEnv(market), MarketEnv(market)
    rewards = []
    for env in (plain, settled):
        env.reset(seed=3)
        env.step({"fast": QUOTE, "slow": np.array([1, 4])})
        total = 0.0
        if env is settled:
            early = env.settle(["slow"])
            assert set(early.observations) == {"slow"} and not early.any_done
            total += early.rewards["slow"]
            with pytest.raises(SekaiError, match="wait for their turn, got 'fast'"):
                env.settle(["fast"])
        while "slow" not in env.acting:
            result = env.step({"fast": QUOTE})
        rewards.append(total + result.rewards["slow"])
    assert rewards[0] == pytest.approx(rewards[1])
    np.testing.assert_array_equal(plain.row[: at.Market.WORDS], settled.row[: at.Market.WORDS])


@pytest.mark.parametrize("clock", [EveryTrades(trades=5), OwnFills()])
def test_seats_may_decide_after_trades_or_their_own_fills(clock):
    env = MarketEnv(_market(Seat(name="maker_0", role=Maker(), clock=clock), _taker(every_s=0.2)), record=True)
    env.reset(seed=0)
    wakes = []
    while env.acting:
        if "maker_0" in env.acting:
            events = env.events()
            trades = events[events["kind"] == terms.Kind.TRADED]
            wakes.append((len(trades), int(np.sum((trades["owner"] == 0) | (trades["other_owner"] == 0)))))
        env.step({a: QUOTE if a == "maker_0" else np.array([1, 0]) for a in env.acting})
    assert len(wakes) > 3
    for trades, own in wakes[1:]:
        assert trades >= 5 if isinstance(clock, EveryTrades) else own >= 1


def test_the_close_is_a_true_end():
    env = MarketEnv(_market(_maker(), session_s=1.0))
    results = _play(env)
    assert len(results) == 3
    last = results[-1]
    assert last.terminated == {"maker_0": True} and last.truncated == {"maker_0": False}
    assert last.observations["maker_0"]["clock"] == 0.0
    with pytest.raises(ResetRequired, match="reset"):
        env.step({"maker_0": QUOTE})


def test_a_market_without_outside_seats_plays_itself_within_reset():
    env = MarketEnv(_market(Seat(name="noise", policy=NoiseTrader())))
    begun = env.reset(seed=0)
    assert begun.observations == {} and env.agents == () and env.look.time_s == 20.0
    assert env.row[at.Market.TRADES] > 10


# --- seeds and streams ------------------------------------------------------------------------------------------------
def test_a_seed_determines_the_session_and_no_seed_goes_on():
    env = MarketEnv(_market(_maker(), _taker()))
    first = _play(env, seed=5)
    assert _play(env, seed=5) == first
    env.reset()
    second = env.row.copy()
    env.reset(seed=5, options={"episode": 1})
    np.testing.assert_array_equal(env.row, second)
    assert not np.array_equal(second, _row_after_reset(env, 5))


def _row_after_reset(env, seed):
    env.reset(seed=seed)
    return env.row.copy()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"episode": -1}, "episode"),
        ({"episode": 2**70}, "episode"),
        (["episode"], "options must be a dict"),
        ("", "''"),
    ],
)
def test_wrong_options_are_named_and_change_nothing(options, message):
    env, twin = MarketEnv(_market(_maker())), MarketEnv(_market(_maker()))
    _play(env, seed=0)
    before = env.row.copy()
    with pytest.raises(SekaiError, match=message):
        env.reset(options=options)
    np.testing.assert_array_equal(env.row, before)
    _play(twin, seed=0)
    env.reset()
    twin.reset()
    np.testing.assert_array_equal(env.row, twin.row)


def test_an_unknown_option_is_warned_of_and_changes_nothing():
    env, twin = MarketEnv(_market(_maker())), MarketEnv(_market(_maker()))
    with pytest.warns(UserWarning, match=r"knows the option 'episode' alone, and leaves out \['tempo'\]") as caught:
        env.reset(seed=3, options={"tempo": 2, "episode": 4})
    assert caught[0].filename == __file__
    twin.reset(seed=3, options={"episode": 4})
    np.testing.assert_array_equal(env.row, twin.row)


def test_somebody_who_does_nothing_changes_nobody_s_draws():
    """The same market with and without a third seat that never sends: the same tape, to the event."""
    noise = Seat(name="noise", policy=NoiseTrader(market_share=0.5), clock=Poisson(every_s=0.3))
    tapes = []
    for seats in ((_maker(), noise), (_maker("idle", 0.7), _maker(), noise)):
        env = MarketEnv(_market(*seats), record=True)
        _play(env, seed=9, policy=lambda agent, _: QUOTE if agent == "maker_0" else np.array([1, 1, 0, 0]))
        tapes.append(_tape(env))
    assert len(tapes[0]) > 500 and tapes[0] == tapes[1]


def test_seats_in_another_order_make_the_same_tape():
    seats = (_maker("a"), _maker("b"), _taker("c"), Seat(name="n", policy=NoiseTrader(), clock=Periodic(every_s=0.5)))
    tapes = []
    for order in (seats, seats[::-1]):
        env = MarketEnv(_market(*order), record=True)
        _play(env, seed=1, policy=lambda agent, _: np.array([1, 0]) if agent == "c" else QUOTE)
        tapes.append(_tape(env))
    assert len(tapes[0]) > 500 and tapes[0] == tapes[1]


# --- nothing changes by being looked at -------------------------------------------------------------------------------
def test_recording_and_watching_change_nothing():
    market = _market(_maker(), _taker(), session_s=10.0)
    looks = []
    watched, plain = MarketEnv(market, record=True), MarketEnv(market)
    watched.watch(0.037, lambda view: looks.append(view.top_of_book()))
    assert _play(watched, seed=3) == _play(plain, seed=3)
    assert len(looks) == 270
    assert watched.wealth() == plain.wealth()


def test_watching_stops_with_the_next_reset_and_does_not_travel_with_a_copy():
    env, looks = MarketEnv(_market(_maker(), session_s=3.0)), []
    env.watch(0.1, lambda view: looks.append(view.time_s))
    env.reset(seed=0)
    twin = env.clone()
    for _ in range(6):
        twin.step({"maker_0": QUOTE})
    assert looks == []
    env.step({"maker_0": QUOTE})
    env.watch(0.1, None)
    while env.acting:
        env.step({"maker_0": QUOTE})
    np.testing.assert_allclose(looks, np.arange(1, 30) * 0.1)
    env.reset(seed=0)
    env.step({"maker_0": QUOTE})
    assert len(looks) == 29
    with pytest.raises(SekaiError, match="every_s must be >= 1e-9, got 0"):
        env.watch(0, print)


def test_what_is_observed_belongs_to_the_caller():
    env = MarketEnv(_market(_maker(), _taker()))
    begun = env.reset(seed=0)
    before = copy.deepcopy(begun)
    begun.observations["taker_0"]["book"][:] = 7.0
    result = env.step({"maker_0": QUOTE, "taker_0": np.array([1, 2])})
    assert begun.observations["maker_0"]["book"].tolist() == before.observations["maker_0"]["book"].tolist()
    assert not (result.observations["taker_0"]["book"] == 7.0).all()


def test_a_clone_goes_on_as_the_original_would():
    env = MarketEnv(_market(_maker(), _taker()))
    env.reset(seed=8)
    action = {"maker_0": QUOTE, "taker_0": np.array([1, 1])}
    env.step(action)
    twin = env.clone()
    assert [env.step(action) for _ in range(5)] == [twin.step(action) for _ in range(5)]
    env.step(action)
    assert env.look.time_s > twin.look.time_s


def test_a_market_is_pickled_in_the_middle_of_a_session():
    env = MarketEnv(_market(_maker(), _taker(), Seat(name="n", policy=NoiseTrader(), clock=Poisson(every_s=0.4))))
    env.reset(seed=8)
    action = {"maker_0": QUOTE, "taker_0": np.array([1, 1])}
    env.step(action)
    pickle.dumps(sekai.make("markets/MarketMaking-v0"))
    twin = pickle.loads(pickle.dumps(env))
    assert [env.step(action) for _ in range(5)] == [twin.step(action) for _ in range(5)]
    np.testing.assert_array_equal(env.row, twin.row)


# --- actions ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "action",
    [
        np.array([2**64 - 1, 1, 1, 1], np.uint64),
        [-1, 1, 1, 1],
        [1, 21, 1, 1],
        [1, 1, 11, 1],
        [1, 1, 1, -1],
        [1, 1, 1],
        [1.5, 1, 1, 1],
        "buy",
    ],
)
def test_an_action_outside_its_space_is_refused_before_anything_happens(action):
    env = MarketEnv(_market(_maker(), _taker()))
    env.reset(seed=0)
    twin, before = env.clone(), env.row.copy()
    with pytest.raises(InvalidAction, match=r"action of 'maker_0' must be in MultiDiscrete\(.*, got "):
        env.step({"taker_0": np.array([1, 2]), "maker_0": action})
    assert set(np.flatnonzero(env.row != before)) <= _asked(env) | {at.Market.FAULT, at.Market.FAULT_AT}
    good = {"maker_0": [0, 1, 1, 1], "taker_0": np.array([0, 0])}
    assert env.step(good) == twin.step(good) and env.wealth() == twin.wealth()


def _asked(env):
    """The words in which agents are asked for something: all that a rejected action may have written."""
    windows = [face.windows.action for face in env._session.faces.values()]
    return {word for window in windows for word in range(window.start, window.stop)}


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({}, r"exactly \['maker_0'\]: missing \['maker_0'\]"),
        ({"maker_1": QUOTE}, r"missing \['maker_0'\], extra 'maker_1' Did you mean 'maker_0'"),
        ({"maker_0": QUOTE, "taker_0": np.array([0, 0])}, r"extra 'taker_0' \(it waits for its turn\)"),
    ],
)
def test_actions_of_others_than_who_must_act_are_named(actions, message):
    env = MarketEnv(_market(_maker(every_s=0.5), _taker(every_s=1.0)))
    env.reset(seed=0)
    env.step({"maker_0": QUOTE, "taker_0": np.array([0, 0])})
    before = env.row.copy()
    with pytest.raises(InvalidAgents, match=message):
        env.step(actions)
    np.testing.assert_array_equal(env.row, before)
    env.step({"maker_0": QUOTE})


def test_a_quote_lies_where_it_was_asked_for_and_keeps_its_place():
    env = MarketEnv(_market(_maker(), flow=None, session_s=10.0), record=True)
    env.reset(seed=0)
    env.step({"maker_0": np.array([1, 2, 4, 5])})
    events = env.events()
    assert events["kind"].tolist() == [terms.Kind.ACCEPTED, terms.Kind.ACCEPTED]
    assert events["price_ticks"].tolist() == [9999, 10_003]  # the mark is 10,000.5: 1 below 10,000, 2 above 10,001
    env.step({"maker_0": np.array([1, 2, 4, 5])})  # the mark is 10,001: the ask stands where it stood
    moved = env.events()
    assert moved["kind"].tolist() == [terms.Kind.REPLACED] and moved["price_ticks"].tolist() == [10_000]
    env.step({"maker_0": np.array([1, 1, 3, 5])})  # the mark is 10,001.5: both prices as they are, one lot less
    assert env.events()["kind"].tolist() == [terms.Kind.REDUCED]
    env.step({"maker_0": np.array([1, 1, 3, 5])})
    assert len(env.events()) == 0
    env.step({"maker_0": np.array([1, 1, 0, 5])})
    assert env.events()["kind"].tolist() == [terms.Kind.CANCELLED]


def test_latency_delays_what_an_agent_sends():
    env = MarketEnv(_market(_maker(every_s=1.0, latency_s=0.25), flow=None, session_s=3.0), record=True)
    env.reset(seed=0)
    env.step({"maker_0": QUOTE})
    assert env.events()["time_ns"].tolist() == [250_000_000] * 2


def test_messages_of_one_instant_reach_the_book_in_an_order_that_their_senders_drew():
    """Two takers race for the same offer at the same instant: each wins about half of the races."""
    seats = (_taker("a", 1.0), _taker("b", 1.0))
    env, wins = MarketEnv(_market(*seats, session_s=400.0), record=True), {"a": 0, "b": 0}
    env.reset(seed=0)
    while env.acting:
        env.step({"a": np.array([1, 0]), "b": np.array([1, 0])})
        events = env.events()
        ours = events[(events["kind"] == terms.Kind.ACCEPTED) & (events["owner"] < 2)]
        if len(ours):
            wins[env.accounts[ours["owner"][0]]] += 1
    assert sum(wins.values()) == 400 and 160 < wins["a"] < 240


def test_a_seat_never_loses_its_wake_ups_however_much_is_on_its_way():
    """Its latency lets far more messages be under way than were expected: it is told at once, not at the close."""
    seat = Seat(name="me", role=Maker(), clock=EveryTrades(trades=1), latency_s=10.0)
    env = MarketEnv(_market(seat, venue=Venue(gateway_capacity=20), session_s=600.0))
    env.reset(seed=0)
    with pytest.raises(SekaiError, match="raise the venue's gateway_capacity"):
        for _ in range(10_000):
            env.step({"me": np.array([_ % 3, 1, 1, 1])})
    assert env.look.time_s < 60.0
    roomy = MarketEnv(_market(replace(seat, latency_s=2.0), session_s=60.0))
    roomy.reset(seed=0)
    decisions = 0
    while roomy.acting:
        roomy.step({"me": np.array([decisions % 3, 1, 1, 1])})
        decisions += 1
    assert decisions > 50


@pytest.mark.parametrize("settling", [False, True])
def test_the_penalty_is_the_integral_of_lots_squared_however_often_it_is_settled(settling):
    seat = Seat(name="slow", role=Maker(inventory_penalty=1.0), clock=Periodic(every_s=20.0))
    env = MarketEnv(_market(_taker("fast", 0.5), seat, session_s=60.0), record=True)
    env.reset(seed=3)
    charged = 0.0
    while env.acting:
        result = env.step({a: np.array([0, 0, 5, 5]) if a == "slow" else np.array([1, 0]) for a in env.acting})
        charged += result.info.get("slow", {}).get("inventory_penalty", 0.0)
        if settling and env.acting == ("fast",):
            charged += env.settle(["slow"]).info["slow"]["inventory_penalty"]
    events = env.events()
    trades, held, since, exact = events[events["kind"] == terms.Kind.TRADED], 0, 0, 0.0
    for e in trades:
        for owner, sign in ((e["other_owner"], 1 - 2 * e["side"]), (e["owner"], 2 * int(e["side"]) - 1)):
            if env.accounts[owner] == "slow":
                exact += held * held * (e["time_ns"] - since) * 1e-9
                held, since = held + int(sign) * int(e["size"]), int(e["time_ns"])
    exact += held * held * (60_000_000_000 - since) * 1e-9
    assert exact > 10 and charged == pytest.approx(-exact)


def test_first_is_who_has_not_acted_yet_whatever_was_settled():
    env = MarketEnv(_market(_maker("fast", 0.5), Seat(name="late", role=Taker(), clock=Poisson(every_s=3.0))))
    env.reset(seed=0)
    assert env.settle(["late"]).first == {"late"}
    result = env.step({"fast": QUOTE})
    while "late" not in env.acting:
        result = env.step({"fast": QUOTE})
    assert result.first == {"late"}


# --- views ------------------------------------------------------------------------------------------------------------
def test_a_view_with_a_compiled_policy_is_the_market_with_that_policy_seated():
    market = _market(_maker(), _taker())
    noise = NoiseTrader()
    view = MarketEnv(market).view("maker_0", others={"taker": noise})
    seated = MarketEnv(replace(market, seats=(market.seats[0], replace(market.seats[1], policy=noise))))
    begun, ours = view.reset(seed=2), seated.reset(seed=2)
    assert begun.observation.keys() == ours.observations["maker_0"].keys()
    while not begun.done if hasattr(begun, "done") else True:
        begun, ours = view.step(QUOTE), seated.step({"maker_0": QUOTE})
        assert begun.reward == ours.rewards["maker_0"]
        np.testing.assert_array_equal(begun.observation["book"], ours.observations["maker_0"]["book"])
    assert begun.terminated and ours.all_done


def test_a_view_with_a_python_policy_is_the_market_played_by_it():
    market = _market(_maker(), _taker())
    env = MarketEnv(market)
    hold = Hold().seated(env.observation_space("taker_0"), env.action_space("taker_0"))
    view = env.view("maker_0", others={"taker_0": hold})
    other = MarketEnv(market)
    view.reset(seed=2)
    other.reset(seed=2)
    for _ in range(10):
        seen = view.step(QUOTE)
        ours = other.step({"maker_0": QUOTE, "taker_0": np.array([0, 0])})
        assert seen.reward == ours.rewards["maker_0"]


def test_a_view_refuses_a_wrong_action_and_a_step_after_the_close():
    view = MarketEnv(_market(_maker(), session_s=1.0)).view("maker_0")
    with pytest.raises(ResetRequired):
        view.step(QUOTE)
    view.reset(seed=0)
    with pytest.raises(InvalidAction):
        view.step(np.array([21, 1, 1, 1]))
    view.step([1, 1, 1, 1])
    assert view.step(QUOTE).terminated
    with pytest.raises(ResetRequired):
        view.step(QUOTE)


def test_in_a_view_a_name_goes_before_a_role_and_a_wrong_one_is_named():
    market = _market(_maker(), _taker("taker_0"), _taker("taker_1"))
    env = MarketEnv(market)
    both = env.view("maker_0", others={"taker_0": Momentum(), "taker": NoiseTrader()})
    assert [type(s.policy) for s in both.multi.market.seats] == [type(None), Momentum, NoiseTrader]
    hold = Hold().seated(env.observation_space("taker_0"), env.action_space("taker_0"))
    mixed = env.view("maker_0", others={"taker_0": hold, "taker": NoiseTrader()})
    mixed.reset(seed=0)
    assert not mixed.step(QUOTE).done
    with pytest.raises(SekaiError, match="Did you mean 'taker_1'"):
        env.view("maker_0", others={"taker": NoiseTrader(), "takr_1": NoiseTrader()})


def test_an_unknown_seat_is_named():
    env = MarketEnv(_market(_maker(), _taker()))
    with pytest.raises(SekaiError, match="taker_9"):
        env.with_policies({"taker_9": NoiseTrader()})


# --- policies ---------------------------------------------------------------------------------------------------------
def test_the_makers_quote_both_sides_and_stay_within_their_position_limit():
    for policy in (AvellanedaStoikov(max_position_lots=3), AvellanedaStoikov(risk_aversion=0.05, size_lots=2)):
        seat = Seat(name="maker", policy=policy, clock=Periodic(every_s=0.1))
        positions = []
        env = MarketEnv(_market(seat, session_s=120.0), record=True)
        env.watch(0.1, lambda view, p=positions: p.append(view.position_lots(0)))
        env.reset(seed=0)
        assert max(map(abs, positions)) <= policy.max_position_lots
        assert min(positions) < 0 < max(positions)


def test_a_risk_averse_maker_holds_less():
    def inventory(risk_aversion):
        policy = AvellanedaStoikov(risk_aversion=risk_aversion, horizon_floor_s=5.0, max_position_lots=50)
        env, seen = MarketEnv(_market(Seat(name="m", policy=policy, clock=Periodic(every_s=0.2)), session_s=300.0)), []
        env.watch(1.0, lambda view: seen.append(abs(view.position_lots(0))))
        env.reset(seed=0)
        return np.mean(seen)

    assert inventory(0.5) < 0.5 * inventory(0.005)


def test_a_trend_follower_buys_what_rises():
    env = MarketEnv(_market(Seat(name="m", policy=Momentum(max_position_lots=5)), session_s=600.0), record=True)
    held, marks = [], []
    env.watch(
        1.0,
        lambda view: (held.append(view.position_lots(0)), marks.append(view.mark_ticks)),
    )
    env.reset(seed=1)
    trend = np.subtract(marks[20:], marks[:-20])
    assert np.corrcoef(trend, held[20:])[0, 1] > 0.2
    assert max(map(abs, held)) <= 5


@pytest.mark.parametrize("policy", [Hold(), Uniform(), ConstantSpread()])
def test_python_policies_play_a_maker_s_seat(policy):
    env = MarketEnv(_market(_maker()))
    player = policy.seated(env.observation_space("maker_0"), env.action_space("maker_0"))
    results = _play(env, policy=lambda _, seen: player.act(seen))
    assert all(env.action_spaces["maker_0"].contains(player.act(r.observations["maker_0"])) for r in results)
    if isinstance(policy, Hold):
        assert sum(r.rewards["maker_0"] for r in results[1:]) == 0.0


def test_an_agent_that_floods_the_gateway_is_an_error_and_nothing_is_lost_silently():
    from sekai.markets.sdk import BUY, BY_CLOCK, kernel, limit

    @kernel
    def flood(row, me):
        for _ in range(70):
            limit(row, me, 0, BUY, 10, 1)
        return BY_CLOCK

    class Flood:
        kernel = flood
        parameters = ()

    env = MarketEnv(_market(Seat(name="flood", policy=Flood())))
    with pytest.raises(SekaiError, match="6 messages found no room at 0.0 s"):
        env.reset(seed=0)


# --- as everybody expects ---------------------------------------------------------------------------------------------
def test_observations_lie_in_their_spaces_and_spaces_differ_by_role():
    env = MarketEnv(_market(_maker(), _taker()))
    for result in _play(env, seed=6):
        for agent, seen in result.observations.items():
            assert env.observation_spaces[agent].contains(seen)
    assert env.observation_spaces["maker_0"] != env.observation_spaces["taker_0"]
    assert env.action_spaces["maker_0"] != env.action_spaces["taker_0"]


@pytest.mark.parametrize("id", ["markets/MakerTaker-v0", "scenarios/calm"])
def test_worlds_are_made_by_id(id):
    env = sekai.make(id)
    result = env.reset(seed=0)
    for _ in range(5):
        result = env.step({a: env.action_spaces[a].sample() for a in env.acting})
    assert not result.all_done and env.spec.id == id


@pytest.mark.parametrize(
    ("id", "kwargs"),
    [
        ("markets/MarketMaking-v0", {}),
        ("markets/MarketMaking-v0", {"others": {"taker": "uniform"}}),
        ("markets/Trading-v0", {}),
        ("scenarios/maker-duel", {"agent": "maker_0"}),
    ],
)
def test_views_are_made_by_id(id, kwargs):
    env = sekai.make(id, **kwargs)
    env.reset(seed=0)
    steps = 1
    while not env.step(env.action_space.sample()).done:
        steps += 1
    assert steps > 500


def test_a_step_of_market_making_holds_about_ten_background_messages():
    env = sekai.make("markets/MarketMaking-v0")
    env.reset(seed=0)
    steps = 1
    while not env.step(np.array([1, 1, 0, 0])).done:
        steps += 1
    accounts = env.unwrapped.multi.look.accounts()
    assert accounts[-2, at.Account.SENT] / steps == pytest.approx(10.0, rel=0.1)
