"""A market is rows: N of them, alike, each with everything about its market's state. This drives them.

A row is opened with a seed and an episode, and turned: what its due seats were asked is done, time goes on, and who
must decide next is told, all in the row's own windows. `MarketEnv` is a session of one row, a native vector env one of
many; neither has a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sekai.core.result import AgentID
from sekai.error import InvalidAction, SekaiError
from sekai.markets import config
from sekai.markets.engine.events import drain
from sekai.markets.engine.jit import entry_of
from sekai.markets.engine.many import rows_of
from sekai.markets.engine.opening import open_row, warm_up
from sekai.markets.engine.running import run_python
from sekai.markets.engine.simulate import dispatch
from sekai.markets.engine.terms import Answer
from sekai.markets.engine.turn import begin, bury, check_actions, forget_due, go_on, tell, turn, unfold
from sekai.markets.population import Record, populate
from sekai.markets.seating import SeatFace
from sekai.markets.units import nanoseconds
from sekai.markets.view import MarketView
from sekai.spaces import Dict

__all__ = ["ELAPSED", "ENDED", "FIRST", "FIRST_TERM", "PNL", "REWARD", "BoundSeat", "Session", "fold"]

_Row = NDArray[np.int64]
REWARD, PNL, ELAPSED, ENDED, FIRST, FIRST_TERM = range(6)  # of a seat's outcome, as `engine.layout.Outcome` has it
_WHOLE, _REAL = "bhilqBHIL", "efd"  # dtypes of actions that float64 holds without a loss, by their characters
_Watcher = Callable[[MarketView], None]


def fold(seed: int) -> int:
    """Return a seed of any size as 63 bits; NumPy's SeedSequence mixes what does not fit."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))


class BoundSeat:
    """An outside seat in one row: arrays that are its windows, shaped once."""

    __slots__ = ("asked", "dtypes", "face", "lent", "mask", "me", "outcome", "shape", "shown", "shown_flat", "terms")

    def __init__(self, face: SeatFace, row: _Row) -> None:
        windows = face.windows
        self.face, self.me = face, windows.seat
        self.shown_flat = row.view(np.float32)[windows.observation]
        self.shown: list[tuple[str, NDArray[np.float32]]] = []
        start = 0
        for part in face.observations:
            self.shown.append((part.name, self.shown_flat[start : start + part.size].reshape(part.shape)))
            start += part.size
        reals = row.view(np.float64)
        self.asked = reals[windows.joint : windows.joint + 1] if face.role.joint else reals[windows.action]
        self.outcome = reals[windows.outcome]
        self.mask = row.view(np.int8)[windows.mask] if windows.mask.stop > windows.mask.start else None
        self.terms = face.terms
        self.lent: tuple[Any, NDArray[np.float32]] | None = None
        self.shape, self.dtypes = self.asked.shape, _WHOLE + _REAL if face.is_real else _WHOLE

    def observation(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of what the seat was last shown: a new one, or in the memory that `lend` gave."""
        if self.lent is not None:
            out, flat = self.lent
            flat[:] = self.shown_flat
            return out  # type: ignore[no-any-return]
        return {name: window.copy() for name, window in self.shown}

    def lend(self, out: Any, flat: Any) -> bool:
        """Write observations into `out` from now on, if `flat`, all of its numbers, has the windows' form."""
        if flat is None or (flat.shape, flat.dtype) != (self.shown_flat.shape, self.shown_flat.dtype):
            return False
        self.lent = out, flat
        return True

    def ask(self, action: Any) -> None:
        """Write down what the seat is asked for; raises `InvalidAction` where that is no action of its space."""
        given = action if type(action) is np.ndarray else self.face.flat_action(action)
        if given.ndim == 0:
            given = given.reshape(1)
        if given.shape != self.shape or given.dtype.char not in self.dtypes:
            raise self.invalid(action)
        self.asked[:] = given

    def info(self, told: list[float]) -> dict[str, Any]:
        """Return what an agent is told beside observation and reward; `told` is the seat's outcome."""
        info: dict[str, Any] = {"pnl": told[PNL]}
        info.update(zip(self.terms, told[FIRST_TERM:], strict=False))
        if self.mask is not None:
            info["action_mask"] = self.allowed()
        if told[ENDED]:
            info["ended_by"] = self.face.role.ends[int(told[ENDED]) - 1].name
        return info

    def allowed(self) -> Any:
        """Return a mask of the action space as its `sample` takes it; None where no part has a mask."""
        if self.mask is None:
            return None
        parts = self.face.role.actions
        if isinstance(self.face.action_space, Dict):
            ends = np.cumsum([sum(part.choices) for part in parts])
            named = zip(parts, np.split(self.mask, ends), strict=False)
            return {part.name: mask.copy() for part, mask in named if part.choices}
        if not self.face.role.joint:
            return self.mask.copy()
        combined, start = np.ones(1, np.int8), 0
        for options in (n for part in parts for n in part.choices):
            combined = np.multiply.outer(combined, self.mask[start : start + options]).ravel()
            start += options
        return combined

    def opening_info(self) -> dict[str, Any]:
        """Return what an agent is told at the open: the same keys, nothing earned yet."""
        return self.info([0.0] * len(self.outcome))

    def invalid(self, action: Any, at: int | None = None) -> InvalidAction:
        """Return the error for an action, naming the number at fault where it is known."""
        where = "" if at is None else f", number {at} of it: {self.asked[at]:g}"
        return InvalidAction(f"action of {self.face.name!r} must be in {self.face.action_space}, got {action!r}{where}")


class Session:
    """`num_rows` markets alike. Everything about a market's state is in its row; the rest is shared by all rows.

    With `record=True` every event is kept until `events(row)` hands it out.
    """

    def __init__(self, market: config.Market, num_rows: int = 1, *, record: Record = False) -> None:
        self.market, self.record = market, record
        self.population = populate(market, record=record)
        self.faces: dict[AgentID, SeatFace] = {face.name: face for face in self.population.faces}
        self.rows = rows_of(self.population.row, num_rows)
        self.logs: list[list[NDArray[np.int64]]] = [[] for _ in range(num_rows)]
        self.watchers: list[tuple[float, _Watcher] | None] = [None] * num_rows
        self.counters_at_open = [MarketView(row).counters for row in self.rows]
        kernels = self.population.addresses
        self._turn = entry_of(turn, self.rows[0], kernels)
        self._python = [face for face in self.faces.values() if face.has_python]

    def copy(self) -> Session:
        """Return an independent session in the same state; what stays as it was laid out is shared."""
        twin = object.__new__(Session)
        vars(twin).update(vars(self))
        twin.rows = rows_of(self.population.row, len(self.rows))
        twin.rows[:] = self.rows
        twin.logs = [list(log) for log in self.logs]
        twin.watchers = [None] * len(self.rows)
        twin.counters_at_open = list(self.counters_at_open)
        return twin

    # --- opening ------------------------------------------------------------------------------------------------------
    def open(self, k: int, seed: int, episode: int) -> int:
        """Open row `k`: session (seed, episode), warmed up, to the first decision. Returns DECIDE, or DONE."""
        row, kernels = self.rows[k], self.population.addresses
        self.logs[k].clear()
        open_row(row, self.population.row, seed, episode)
        watcher = self.watchers[k]
        if watcher is not None:
            MarketView(row).pause_at(max(1, nanoseconds(watcher[0])))
        while warm_up(row, kernels) == Answer.DRAIN:
            self.logs[k].append(drain(row))
        begin(row, kernels)
        for face in self._python:
            for record, kernel, _ in face.python_rewards:
                run_python(row, face.windows.seat, record, kernel, is_true=True)
        self.counters_at_open[k] = MarketView(row).counters
        return self.resolve(k, go_on(row, kernels))

    def turn(self, k: int) -> int:
        """Take what row `k`'s due seats were asked, and go on to its next decision. Returns DECIDE, or DONE.

        Raises `InvalidAction`, nothing having happened, where a number that was asked is out of its range.
        """
        row, kernels = self.rows[k], self.population.addresses
        if self._python:
            self._act_in_python(k)
        code: int = self._turn(row, kernels)
        return code if code == Answer.DECIDE and not self._python else self.resolve(k, code)

    def tell(self, k: int, me: int) -> None:
        """Tell a seat that waits for its turn what it sees, and what it has earned so far."""
        tell(self.rows[k], self.population.addresses, me)
        self._tell_in_python(k, [face for face in self._python if face.windows.seat == me])

    # --- what stops a row ---------------------------------------------------------------------------------------------
    def resolve(self, k: int, code: int) -> int:
        """See to whatever stopped row `k` before a decision or the end, and let it go on."""
        row, kernels = self.rows[k], self.population.addresses
        while code not in (Answer.DECIDE, Answer.DONE):
            if code == Answer.DRAIN:
                self.logs[k].append(drain(row))
            elif code == Answer.PAUSED:
                self._look(k)
            else:
                raise self._error(k, code)
            code = go_on(row, kernels)
        if self._python:
            self._tell_in_python(k, self._python)
            view = MarketView(row)
            if code == Answer.DECIDE and not any(view.is_alive(me) for me in view.due_seats()):
                forget_due(row)
                return self.resolve(k, go_on(row, kernels)) if self._anybody_lives(view) else Answer.DONE
        return code

    def _anybody_lives(self, view: MarketView) -> bool:
        return any(view.is_alive(face.windows.seat) for face in self.faces.values())

    def _error(self, k: int, code: int) -> Exception:
        view, venue = MarketView(self.rows[k]), self.market.venue
        if code == Answer.REJECTED:
            seat, at = view.fault
            bound = BoundSeat(next(face for face in self.faces.values() if face.windows.seat == seat), self.rows[k])
            return bound.invalid(bound.asked.copy(), at)
        if code == Answer.FLOODED:
            return SekaiError(
                f"{view.lost_messages} messages found no room at {view.time_s} s: a seat may send 64 in one decision, "
                f"and {view.pending_capacity} may be on their way at once in this market; let policies send less, or "
                "raise the venue's gateway_capacity"
            )
        if code == Answer.SHORT:
            return SekaiError(
                "feed_capacity must hold all messages of the longest market_data_lag_s; "
                f"{venue.feed_capacity} were too few"
            )
        if code == Answer.RESTLESS:
            name = self.market.seats[view.number_of(view.fault[0])].name
            return SekaiError(
                f"policies woke {view.wake_budget} times by {view.time_s} s before anybody else decided, "
                f"{name!r} last: a kernel must return a later time, or BY_CLOCK"
            )
        raise AssertionError(f"the engine answered {code}")

    def _look(self, k: int) -> None:
        """Let the watcher look, and set the time of its next look: multiples of its period, from the open."""
        view, watcher = MarketView(self.rows[k]), self.watchers[k]
        if watcher is None:
            view.pause_at(None)  # a copy of a market that was watched
            return
        every_s, look = watcher
        looks = round(view.paused_at_s / every_s)
        view.pause_at(max(nanoseconds((looks + 1) * every_s), nanoseconds(looks * every_s) + 1))
        look(view)

    # --- parts in plain Python ----------------------------------------------------------------------------------------
    def _act_in_python(self, k: int) -> None:
        """Let action parts in plain Python send, before the compiled ones of the same decision."""
        row = self.rows[k]
        code: int = check_actions(row)
        if code != Answer.DECIDE:
            raise self._error(k, code)
        due = set(MarketView(row).due_seats())
        for face in self._python:
            if face.windows.seat in due:
                if face.role.joint:
                    unfold(row, face.windows.seat)
                for record, kernel, _ in face.python_actions:
                    run_python(row, face.windows.seat, record, kernel)
                dispatch(row, face.windows.seat)

    def _tell_in_python(self, k: int, faces: list[SeatFace]) -> None:
        """Let observations, rewards and ends in plain Python have their say on what the seats were just told."""
        row = self.rows[k]
        view = MarketView(row)
        for face in faces:
            me = face.windows.seat
            if not view.was_told(me):
                continue
            for record, kernel, _ in face.python_observations:
                run_python(row, me, record, kernel)
            outcome = row.view(np.float64)[face.windows.outcome]
            for record, kernel, number in face.python_rewards:
                term = FIRST_TERM + number
                run_python(row, me, record, kernel, is_true=True)
                outcome[term] *= face.role.rewards[number].weight
                outcome[REWARD] += outcome[term]
            for record, kernel, number in face.python_ends:
                if view.is_alive(me) and run_python(row, me, record, kernel, is_true=True):
                    outcome[ENDED] = number + 1
                    bury(row, me)

    # --- what happened ------------------------------------------------------------------------------------------------
    def events(self, k: int) -> NDArray[np.int64]:
        """Return, and forget, the events of row `k` since the last call, oldest first, `(n, 8)`."""
        log = self.logs[k]
        log.append(drain(self.rows[k]))
        events = np.concatenate(log)
        log.clear()
        return events
