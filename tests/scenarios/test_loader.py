"""Scenario files: found by name or path, checked whole, and told apart by their content."""

import pytest

import sekai
from sekai.error import SekaiError
from sekai.markets.schedule import Schedule
from sekai.scenarios import ScenarioError, UnknownScenario, load, names, parse
from sekai.scenarios.loader import load as load_again
from sekai.scenarios.record import play

CALM = """
title = "Calm"
[market]
ladder_ticks = 512
[flow]
kind = "zero_intelligence"
[[seats]]
name = "maker"
role = { kind = "maker" }
clock = { kind = "periodic", every_s = 1.0 }
policy = { kind = "avellaneda_stoikov" }
[[traders]]
name = "noise"
count = 2
clock = { kind = "poisson", every_s = 5.0 }
policy = { kind = "noise" }
"""


def _faults(text: str) -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        parse(text, source="bad.toml")
    return caught.value.faults


@pytest.mark.parametrize("name", names())
def test_every_scenario_of_ours_loads_and_says_who_is_in_it(name):
    scenario = load(name)
    assert scenario.name == name and scenario.title and scenario.description
    assert scenario.as_market({}).seats[0].policy is None
    assert load(f"scenarios/{name}") == load_again(name) == scenario


def test_maker_duel_is_what_it_says():
    duel = load("maker-duel")
    assert [seat.name for seat in duel.seats] == ["maker_0", "maker_1", "taker"]
    styles = [seat.policy for seat in duel.seats[:2]]
    assert styles[0].risk_aversion > styles[1].risk_aversion and styles[0].size_lots < styles[1].size_lots


def test_calls_and_halts_is_what_it_says():
    venue = load("calls-and-halts").market
    assert venue.has_phases and venue.schedule == Schedule(
        opening_call_s=15.0, closing_call_s=15.0, halt_s=10.0, reopening_call_s=5.0
    )
    opening_ticks = venue.units.ticks(venue.opening_price)
    assert [price - opening_ticks for price in venue.rules.band] == [-12, 12]
    record = play(load("calls-and-halts"), episodes=1, seed=1, samples=300)[0]
    assert 0.5 < record.is_trading.mean() < 0.9 and not record.is_trading[:14].any()
    trades = record.trades["time_ns"] / 1e9
    assert (trades == 15.0).any() and trades[-1] == 300.0 and record.total_trades > 100


def test_a_schedule_that_cannot_be_is_named_with_its_path():
    calls = "[market.schedule]\nopening_call_s = 3.0\nintraday_calls = [{ at_s = 2.0, length_s = 1.0 }]\n"
    assert _faults(CALM.replace("[flow]", calls + "[flow]")) == (
        "market.schedule.intraday_calls[0] must begin at 3 s or later, where opening_call_s ends, got 2 s",
    )
    calls = "[market.schedule]\nclosing_cal_s = 3.0\nhalt_s = 0\nintraday_calls = [{ at_s = -1.0 }]\n"
    assert sorted(_faults(CALM.replace("[flow]", calls + "[flow]"))) == [
        "market.schedule.closing_cal_s: unknown key. Did you mean 'closing_call_s'?",
        "market.schedule.halt_s: input should be greater than or equal to 0.000001, got 0",
        "market.schedule.intraday_calls[0].at_s: input should be greater than or equal to 0, got -1.0",
        "market.schedule.intraday_calls[0].length_s: missing, it must be given",
    ]


def test_a_path_is_a_scenario_too(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CALM)
    assert load(path).name == "mine"
    assert load(str(path)).content_hash == parse(CALM).content_hash


def test_traders_are_numbered_seats_of_the_market():
    market = parse(CALM).as_market({})
    assert [seat.name for seat in market.seats] == ["maker", "noise_0", "noise_1"]
    assert [seat.policy is None for seat in market.seats] == [True, False, False]


def test_every_fault_is_named_at_once_with_its_path_and_what_was_meant():
    bad = (
        CALM.replace("ladder_ticks = 512", 'ladder_tics = 512\nlot_size = "one"\nopening_price = 1.005')
        .replace('kind = "zero_intelligence"', 'kind = "zero_intelligence"\npace = -1.0\ndepth_ticks = 2')
        .replace('kind = "avellaneda_stoikov"', 'kind = "avelaneda_stoikov"')
        .replace('kind = "periodic", every_s', "every_s")
        .replace("count = 2", "count = 2.5")
        .replace('title = "Calm"', "")
    )
    faults = _faults("seating = 3\n" + bad)
    expected = {
        "market.ladder_tics": "unknown key. Did you mean 'ladder_ticks'?",
        "market.lot_size": "input should be a valid number, got 'one'",
        "market": "opening_price must be a multiple of the tick size 0.01, got 1.005",
        "flow.pace": "input should be greater than 0, got -1.0",
        "flow": "depth_ticks must be >= the 5 limit_per_min, got 2",
        "seats[0].clock": "needs a kind, one of 'periodic', 'poisson', 'trades', 'fills'",
        "seats[0].policy.kind": "Did you mean 'avellaneda_stoikov'?",
        "traders[0].count": "input should be a valid integer, got 2.5",
        "title": "missing, it must be given",
        "seating": "unknown key. Did you mean 'seats'?",
    }
    found = dict(fault.split(": ", 1) for fault in faults)
    assert found.keys() == expected.keys()
    for path, text in expected.items():
        assert text in found[path]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('name = "noise"', 'name = "maker"\ncount = 1'), "not TOML"),
        (('name = "maker"', 'name = "venue"'), "not empty, 'background' or 'venue', got 'venue'"),
        (('name = "maker"', 'name = "noise_1"'), "names must differ, got 'noise_1' more than once"),
        (('kind = "noise"', 'kind = "uniform"'), "one of 'avellaneda_stoikov', 'momentum', 'noise', got 'uniform'"),
        (('kind = "maker" }', 'kind = "taker" }\nlatency_us = -1'), "seats[0].latency_us"),
        (("[[seats]]", "[[stools]]"), "seats: missing"),
        (("ladder_ticks = 512", "ladder_ticks = 500"), "ladder_ticks: must be a power of two, got 500"),
        (("title", "title = 1\nno"), "title"),
        (('"Calm"', '"Ca\\u001b[2Jlm"'), "title: must be a line of text, got 'Ca\\x1b[2Jlm'"),
        (('"Calm"', '"Calm"\ndescription = "\\u0007"'), "description: must be a printable text, got '\\x07'"),
        (('name = "maker"', 'name = "two\\nlines"'), "seats[0].name: must be a line of text, got 'two\\nlines'"),
        (('name = "noise"', 'name = "\\u2028"'), "traders[0].name: must be a line of text"),
    ],
)
def test_faults(change, fault):
    assert any(fault in f for f in _faults(CALM.replace(*change)))


def test_what_lies_between_tables_is_told_even_where_something_must_be_given():
    text = CALM.replace('title = "Calm"', "").replace('name = "maker"', 'name = "noise_0"')
    text = text.replace('role = { kind = "maker" }', 'role = { kind = "taker" }').replace("avellaneda_stoikov", "hold")
    both = text.replace('policy = { kind = "hold" }', 'policy = { kind = "constant_spread" }')
    assert _faults(both) == (
        "title: missing, it must be given",
        "seats and traders: names must differ, got 'noise_0' more than once",
        "seats[0].policy: 'constant_spread' plays makers, but seat 'noise_0' is a taker",
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('kind = "zero_intelligence"', 'kind = "zero_inteligence"'), "Did you mean 'zero_intelligence'?"),
        (('policy = { kind = "avellaneda_stoikov" }', 'policy = "hodl"'), "seats[0].policy.kind: must be one of"),
        (
            ('policy = { kind = "avellaneda_stoikov" }', "policy = 3"),
            "must be a table with a kind, or a kind alone, got 3",
        ),
        (('kind = "zero_intelligence"', 'kind = "zero_intelligence"\npace = inf'), "flow.pace: input should be less"),
        (("[market]", "[session]\nlength_s = inf\n[market]"), "session.length_s: input should be less"),
        (("count = 2", "count = 3_000_000"), "traders[0].count: input should be less than or equal to 60000"),
        (("ladder_ticks = 512", "tick_size = 1e-9"), "market: opening_price must be 1 to"),
        (("every_s = 1.0", "every_s = 1e-5"), "latencies and clocks must leave at most 4194304 messages"),
    ],
)
def test_faults_of_numbers_and_kinds(change, fault):
    text = CALM.replace('name = "maker"', 'name = "maker"\nlatency_us = 1e9') if "1e-5" in change[1] else CALM
    assert any(fault in f for f in _faults(text.replace(*change)))


def test_a_file_is_as_good_as_a_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CALM)
    env = sekai.make(str(path), agent="maker")
    assert env.spec.id == "scenarios/mine" and not env.step(env.reset(seed=0) and env.action_space.sample()).done
    again = sekai.make(env.spec)
    assert sekai.make(str(path)).possible_agents == ("maker",) == again.unwrapped.multi.possible_agents
    assert env.spec.kwargs["content_hash"] == load(path).content_hash
    with pytest.raises(UnknownScenario):
        sekai.make("nowhere.toml")
    path.write_text(CALM.replace("512", "1024"))
    with pytest.raises(SekaiError, match="is not what it was"):
        sekai.make(env.spec)
    path.write_text(CALM)
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="cannot be read as text"):
        load(tmp_path / "bad.toml")


def test_a_maker_s_policy_in_a_taker_s_seat_is_a_fault():
    text = CALM.replace('role = { kind = "maker" }', 'role = { kind = "taker" }').replace(
        'kind = "avellaneda_stoikov"', 'kind = "constant_spread"'
    )
    assert any("'constant_spread' plays makers, but seat 'maker' is a taker" in f for f in _faults(text))


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownScenario, match="Did you mean 'maker-duel'"):
        load("maker-dual")
    with pytest.raises(UnknownScenario, match="no scenario file"):
        load("nowhere/else.toml")


def test_the_content_hash_ignores_comments_and_names_and_nothing_else():
    same = parse("# another comment\n" + CALM.replace("[market]", "# words\n[market]"), name="other")
    assert same.content_hash == parse(CALM).content_hash
    assert parse(CALM.replace("512", "1024")).content_hash != parse(CALM).content_hash
    explicit = CALM.replace("ladder_ticks = 512", "ladder_ticks = 512\ntick_size = 0.01")
    assert parse(explicit).content_hash == parse(CALM).content_hash


def test_a_fault_is_named_where_it_stands_in_the_file_whatever_else_is_wrong():
    """What is found on a second look is counted as on the first."""
    seat = CALM[CALM.index("[[seats]]") : CALM.index("[[traders]]")]
    lame = seat.replace('clock = { kind = "periodic", every_s = 1.0 }', "")
    wrong = seat.replace('role = { kind = "maker" }', 'role = { kind = "taker" }')
    wrong = wrong.replace("avellaneda_stoikov", "constant_spread").replace('"maker"', '"second"', 1)
    faults = _faults(CALM.replace(seat, lame + lame.replace('"maker"', '"other"', 1) + seat + wrong))
    assert faults == (
        "seats[0].clock: missing, it must be given",
        "seats[1].clock: missing, it must be given",
        "seats[3].policy: 'constant_spread' plays makers, but seat 'second' is a taker",
    )
    calls = "{ at_s = 1.0 }, { at_s = 9.0, length_s = 5.0 }, { at_s = 10.0, length_s = 1.0 }"
    first, second = _faults(CALM.replace("[flow]", f"[market.schedule]\nintraday_calls = [{calls}]\n[flow]"))
    assert first == "market.schedule.intraday_calls[0].length_s: missing, it must be given"
    assert second.startswith("market.schedule.intraday_calls[2] must begin at 14 s or later")


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 50_000, "a" + ".a" * 3_000 + " = 1", "[flow]\nlimit_per_min = " + "[" * 300 + "]" * 300]
)
def test_what_is_nested_too_deeply_is_an_error_of_the_file(text):
    with pytest.raises(ScenarioError) as caught:
        parse(text, source="deep.toml")
    assert str(caught.value).startswith("deep.toml has ") and len(str(caught.value)) < 2_000


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (('kind = "zero_intelligence"', 'kind = "zero_intelligence"\npace = 1e9'), "5.6e+11"),
        (("[market]", "[session]\nlength_s = 1e8\nwarmup_s = 1e8\n[market]"), "4.7e+08"),
        (("every_s = 5.0", "every_s = 1e-6"), "2.4e+09"),
    ],
)
def test_a_session_of_too_many_messages_is_a_fault_that_says_how_to_raise_the_limit(change, messages):
    text = CALM.replace(*change)
    limit = "max_messages = 1e8\n"
    if "[session]" in text:
        text = text.replace("[session]\n", "[session]\n" + limit)
    (fault,) = _faults(text)
    assert fault.startswith(f"session.max_messages: a session would take about {messages} messages, more than 1e+0")
    assert "raise session.max_messages" in fault
    more = "max_messages = 1e15\n"
    raised = text.replace(limit, more) if limit in text else text.replace("[market]", f"[session]\n{more}[market]")
    assert parse(raised).session.max_messages == 1e15
