"""When a market does not trade continuously: its calls, and how it comes back from a halt.

In a call orders are collected; at its end they trade at one price, and continuous trading goes on. So do orders in a
halt, which a halting band (`VenueRules.halt_band`) brings about. All times are in seconds since the open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from sekai.markets.units import nanoseconds
from sekai.utils import Checked

__all__ = ["Call", "Schedule"]

_Time = Annotated[float, Ge(0), Le(1e8)]
_Length = Annotated[float, Ge(1e-6), Le(1e8)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Checked):
    """A call within a session, from `at_s` on for `length_s`."""

    at_s: _Time
    length_s: _Length


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Checked):
    """A session's calls: in its first `opening_call_s`, its last `closing_call_s` (0: none), and in between.

    A halt lasts `halt_s`; then comes a call of `reopening_call_s`, or at once the price at which trading resumes. The
    default is that of the limit-up/limit-down plan of US equities: a pause of five minutes that collects orders and
    ends in an auction. A scheduled call takes over from a halt that it meets.

    >>> Schedule(opening_call_s=30.0, intraday_calls=(Call(at_s=20.0, length_s=5.0),)).faults(600.0)
    ['schedule.intraday_calls[0] must begin at 30 s or later, where opening_call_s ends, got 20 s']
    """

    opening_call_s: _Time = 0.0
    closing_call_s: _Time = 0.0
    intraday_calls: tuple[Call, ...] = ()
    halt_s: _Length = 300.0
    reopening_call_s: _Time = 0.0

    def _more_faults(self) -> list[str]:
        lengths = {name: getattr(self, name) for name in ("opening_call_s", "closing_call_s", "reopening_call_s")}
        return [f"{name} must be 0 or >= 1e-06, got {value}" for name, value in lengths.items() if 0 < value < 1e-6]

    def calls_ns(self, session_s: float) -> list[tuple[int, int]]:
        """Return beginning and end of every call, in ns since the open, in order of time."""
        return [(begin, end) for begin, end, _ in self._named_calls(session_s)]

    def faults(self, session_s: float) -> list[str]:
        """Return what is wrong with this schedule for a session of that length: calls that overlap, or do not fit."""
        faults, last, before = [], 0, ""
        for begin, end, name in self._named_calls(session_s):
            if begin < last:
                after = f"{last / 1e9:g} s or later, where {before} ends" if before else "the open or later"
                faults.append(f"schedule.{name} must begin at {after}, got {begin / 1e9:g} s")
            if end > nanoseconds(session_s):
                faults.append(f"schedule.{name} must end within the session of {session_s:g} s, got {end / 1e9:g} s")
            last, before = end, name
        return faults

    def _named_calls(self, session_s: float) -> list[tuple[int, int, str]]:
        def calls() -> Iterator[tuple[int, int, str]]:
            if self.opening_call_s:
                yield 0, nanoseconds(self.opening_call_s), "opening_call_s"
            for k, call in enumerate(self.intraday_calls):
                begin = nanoseconds(call.at_s)
                yield begin, begin + nanoseconds(call.length_s), f"intraday_calls[{k}]"
            if self.closing_call_s:
                close = nanoseconds(session_s)
                yield close - nanoseconds(self.closing_call_s), close, "closing_call_s"

        return sorted(calls())
