"""What is written down about a run so that it can be repeated: `run.json`.

The same scenario, seed, seats and version give the same file, byte for byte, on any day and in any process. So nothing
is in it that differs between repeats: no time, no path, no name of a machine. Those are in `timing.json`, beside it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sekai.scenarios.statistics import market_statistics, seat_statistics

if TYPE_CHECKING:
    from sekai.scenarios.record import EpisodeRecord
    from sekai.scenarios.schema import Scenario

__all__ = ["repeat_command", "run_document", "strict_json", "timing_document", "versions"]

_FORMAT = 1
# Sums may differ in their last bits between processors; ten digits of a result are more than it means. What went in
# stands in full.
_DIGITS = 10


def strict_json(document: Mapping[str, Any]) -> str:
    """Return ``document`` as indented JSON with a last newline; floats in full, NaN and infinities as null.

    >>> strict_json({"a": 0.1 + 0.2, "b": float("nan")})
    '{\\n  "a": 0.30000000000000004,\\n  "b": null\\n}\\n'
    """
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:
    return _plain(value, digits=_DIGITS)


def _plain(value: Any, digits: int = 17) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), digits) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one, digits) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, digits) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    return value


def versions(*names: str) -> dict[str, str]:
    """Return the version of every distribution named."""
    return {name: version(name) for name in names}


def repeat_command(name: str, episodes: int, seed: int, policies: Mapping[str, str], *, trust: bool = False) -> str:
    """Return the command line that runs the same again."""
    chosen = [word for seat, policy in policies.items() for word in ("--policy", f"{seat}={policy}")]
    chosen += ["--trust"] if trust else []
    return shlex.join(["sekai", "run", name, "--episodes", str(episodes), "--seed", str(seed), *chosen])


def run_document(
    scenario: Scenario, records: Sequence[EpisodeRecord], *, seed: int, others: Mapping[str, str]
) -> dict[str, Any]:
    """Return everything needed to repeat a run, and what came out: of the market, of each seat, of each episode.

    ``others`` names who played a seat instead of the scenario's own policy. Where a class is not ours, ``code`` has a
    hash of its module's file.
    """
    from sekai.agents.named import POLICIES
    from sekai.scenarios.schema import adapter, code_of
    from sekai.scenarios.seating import seat_policies

    policies = seat_policies(scenario, others)
    code = code_of([scenario, *policies.values()])
    return {
        "format": _FORMAT,
        **versions("sekai"),
        "scenario": {
            "name": scenario.name,
            "content_hash": scenario.content_hash,
            "content": adapter().dump_python(scenario, mode="json", exclude={"name"}),
        },
        "seed": seed,
        "episodes": len(records),
        "samples": len(records[0].time_s),
        **({"code": code} if code else {}),
        "policies": {seat: POLICIES.plain(policy) for seat, policy in policies.items()},
        "market": _rounded(market_statistics(records)),
        "seats": _rounded({line.seat: line for line in seat_statistics(records)}),
        "each_episode": _rounded([_episode(record) for record in records]),
    }


def _episode(record: EpisodeRecord) -> dict[str, Any]:
    return {
        "seed": int(record.seed),
        "episode": int(record.episode),
        "messages": int(record.total_messages),
        "trades": int(record.total_trades),
        "rejects": int(record.rejects),
        "end_mark": float(record.mark[-1]),
        **({"recorded": record.recorded} if record.recorded else {}),
        "seats": {
            seat: {
                "pnl": float(record.wealth[-1, index]),
                "end_inventory_lots": int(record.position_lots[-1, index]),
                "fills": int(record.fills[index]),
                "volume_lots": int(record.volume_lots[index]),
                "spread_earned": float(record.spread_earned[index]),
                "messages": int(record.messages[index]),
            }
            for index, seat in enumerate(record.seats)
        },
    }


def timing_document(
    records: Sequence[EpisodeRecord], *, wall_s: float, cpu_s: float, compiled_before: bool
) -> dict[str, Any]:
    """Return how long the episodes took here, compilation included unless it was ``compiled_before``."""
    messages = sum(int(record.total_messages) for record in records)
    return {
        "format": _FORMAT,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "compiled_before": compiled_before,
        "messages": messages,
        "messages_per_cpu_s": messages / cpu_s if cpu_s > 0.0 else None,
        "python": platform.python_version(),
        **versions("numpy", "numba"),
        "machine": platform.machine(),
        "system": platform.system(),
    }
