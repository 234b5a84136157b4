"""Rollouts: entry by entry, and to Parquet and back without losing a bit."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekai.core.result import same
from sekai.error import SekaiError
from sekai.modular import EnvRollout
from sekai.spaces import Space
from sekai.testing.strategies import spaces, values
from sekai.testing.walks import ModularWalk


def played() -> EnvRollout[Any, int]:
    env, rollout = ModularWalk(max_episode_len=2), EnvRollout[Any, int]()
    begun = env.reset(seed=5)
    rollout.append_reset(begun.observation, {"day": 1})
    for action in (2, 0):
        result = env.step(action)
        rollout.append_step(action, result.observation, result.reward, result.terminated, result.truncated, result.info)
    return rollout


def fields(rollout: EnvRollout[Any, Any]) -> list[Any]:
    return [vars(rollout)[name] for name in ("observations", "rewards", "actions", "infos", "terminated", "truncated")]


def test_it_keeps_what_happened() -> None:
    rollout = played()
    assert len(rollout) == 3
    assert rollout.actions == [None, 2, 0] and rollout.infos == [{"day": 1}, {}, {}]
    assert rollout.rewards[0] == 0.0 and rollout.truncated == [False, False, True] and not any(rollout.terminated)
    rollout.append_reset(np.zeros(2, np.float32), {}, reward=1.0, terminated=True, truncated=True)
    assert rollout.rewards[3] == 1.0 and rollout.terminated[3] and rollout.truncated[3]


def test_to_parquet_and_back(tmp_path: Path) -> None:
    rollout = played()
    rollout.to_parquet(tmp_path / "walk.parquet")
    assert EnvRollout.from_parquet(tmp_path / "walk.parquet") == rollout == pickle.loads(pickle.dumps(rollout))
    assert rollout != EnvRollout()
    assert [file.name for file in tmp_path.iterdir()] == ["walk.parquet"]


def test_other_tools_read_typed_columns(tmp_path: Path) -> None:
    played().to_parquet(tmp_path / "walk.parquet")
    table = pq.read_table(tmp_path / "walk.parquet")
    assert table.schema.field("observations").type == pa.list_(pa.float32())
    assert table.schema.field("rewards").type == pa.float64()
    assert table.column("actions").to_pylist() == [None, 2, 0]
    assert json.loads(table.column("infos")[0].as_py()) == {"day": 1}


VALUES = [
    {"book": np.arange(6, dtype=np.int16).reshape(2, 3), "money": np.float32(1.5), "name": "maker"},
    (np.array([True, False]), {"x": np.array([np.nan, np.inf, -np.inf])}),
    np.zeros((0, 3), np.uint8),
    np.array(2.5),
    np.array([2**64 - 1], np.uint64),
    2**70,
    (),
    {},
    [1, (2.0, None), {"a": {}}],
    float("nan"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_of_all_forms_come_back(value: Any, tmp_path: Path) -> None:
    rollout: EnvRollout[Any, Any] = EnvRollout()
    rollout.append_reset(value, {"value": value})
    rollout.append_step(value, value, 1.0, True, False, {})
    rollout.append_reset(np.zeros(2) if isinstance(value, dict) else value, {})
    rollout.to_parquet(tmp_path / "file")
    assert same(fields(EnvRollout.from_parquet(tmp_path / "file")), fields(rollout))


def test_nothing_comes_back_as_nothing(tmp_path: Path) -> None:
    EnvRollout[Any, Any]().to_parquet(tmp_path / "file")
    assert len(EnvRollout.from_parquet(tmp_path / "file")) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(data=st.data())
def test_values_of_every_space_come_back(data: st.DataObject, tmp_path: Path) -> None:
    space: Space[Any] = data.draw(spaces())
    seen = data.draw(st.lists(values(space), min_size=1, max_size=3))
    rollout: EnvRollout[Any, Any] = EnvRollout()
    for value in seen:
        rollout.append_step(value, value, 0.0, False, False, {})
    rollout.to_parquet(tmp_path / "file")
    back = EnvRollout.from_parquet(tmp_path / "file")
    assert same(fields(back), fields(rollout))
    assert all(map(space.contains, back.observations))


def test_what_is_no_data_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    rollout = played()
    rollout.infos[1] = {"net": {"act": lambda x: x}}
    with pytest.raises(SekaiError, match=r"infos\[1\]\['net'\]\['act'\]"):
        rollout.to_parquet(tmp_path / "file")
    rollout.infos[1] = {"act": np.mean}
    with pytest.raises(SekaiError, match=r"infos\[1\] must be data, got code"):
        rollout.to_parquet(tmp_path / "file")
    rollout.infos[1] = {}
    rollout.rewards.pop()
    with pytest.raises(SekaiError, match="rewards must have an entry for each observation, 3, got 2"):
        rollout.to_parquet(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_file_never_runs_code(tmp_path: Path) -> None:
    played().to_parquet(tmp_path / "good")
    table = pq.read_table(tmp_path / "good")
    infos = pa.array(['{"$callable": "os:system"}'] * 3)
    pq.write_table(table.set_column(table.column_names.index("infos"), "infos", infos), tmp_path / "bad")
    with pytest.raises(SekaiError, match="must hold data, got the name of code: 'os:system'"):
        EnvRollout.from_parquet(tmp_path / "bad")


def test_another_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(SekaiError, match="must be a Parquet file"):
        EnvRollout.from_parquet(tmp_path / "text")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other")
    with pytest.raises(SekaiError, match=r"must be from EnvRollout.to_parquet, got the columns \['a'\]"):
        EnvRollout.from_parquet(tmp_path / "other")


def test_pyarrow_is_imported_when_it_is_needed() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None; from sekai.modular import EnvRollout; EnvRollout().to_parquet('x')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode and "pip install -e '.[parquet]'" in run.stderr.splitlines()[-1]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    played().to_parquet(tmp_path / "good")
    table = pq.read_table(tmp_path / "good")
    where = table.column_names.index("infos")
    for k, text in enumerate(("{", '{"$array": {"dtype": "<f4"}}', None)):
        pq.write_table(table.set_column(where, "infos", pa.array([text] * 3, pa.string())), tmp_path / f"bad_{k}")
        with pytest.raises(SekaiError, match=rf"bad_{k} must be as it was written, column 'infos' is not"):
            EnvRollout.from_parquet(tmp_path / f"bad_{k}")
    (tmp_path / "half").write_bytes((tmp_path / "good").read_bytes()[:200])
    with pytest.raises(SekaiError, match="half must be a Parquet file"):
        EnvRollout.from_parquet(tmp_path / "half")
    with pytest.raises(FileNotFoundError):
        EnvRollout.from_parquet(tmp_path / "nowhere")
