"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sekai
from sekai.error import SekaiError, UnwritableFile
from sekai.markets.data.files import save
from sekai.rendering import save_frames
from sekai.testing import CountingEnv
from sekai.utils.files import check_writable, whole_file, write_whole
from sekai.wrappers import save_statistics
from tests.markets.data.days import a_day


def test_a_new_file_has_the_mode_that_any_other_has(tmp_path: Path) -> None:
    write_whole(tmp_path / "new.txt", "ä\n")
    (tmp_path / "plain.txt").write_text("")
    assert (tmp_path / "new.txt").read_bytes() == "ä\n".encode()
    assert (tmp_path / "new.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


def test_a_file_that_is_there_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "file.txt", tmp_path / "link.txt"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, "new")
    assert link.is_symlink() and file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_what_is_no_plain_file_is_written_to(tmp_path: Path) -> None:
    write_whole("/dev/null", "gone")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("mine"), MemoryError()])
def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "file.npz"
    target.write_text("old")
    with pytest.raises(type(error)), whole_file(target) as beside:
        assert beside.suffix == ".npz" and beside != target
        beside.write_text("half of the ne")
        assert target.read_text() == "old"
        raise error
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("step", ["fsync", "write"])
def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "run.json"
    target.write_text("old")
    monkeypatch.setattr(*((os, "fsync", full) if step == "fsync" else (Path, "write_text", full)))
    with pytest.raises(UnwritableFile) as caught:
        write_whole(target, "new")
    assert str(caught.value) == f"cannot write '{target}': No space left on device"
    assert isinstance(caught.value, SekaiError) and isinstance(caught.value, OSError)
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_a_write_that_the_system_cuts_short_leaves_the_old_file(tmp_path: Path) -> None:
    """A real fault: the system lets this process write files of 4 kB and no more."""
    code = f"""
import resource
from sekai.utils.files import write_whole
write_whole("run.json", "old")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, {resource.RLIM_INFINITY}))
write_whole("run.json", "new" * 4096)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "cannot write 'run.json': File too large" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert (tmp_path / "run.json").read_text() == "old"


def test_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken").write_text("")
    for path, words in (
        ("folder", "folder"),
        ("taken/file", "is no folder|Not a directory"),
        ("taken/new/file", "is no folder|Not a directory"),
    ):
        with pytest.raises(UnwritableFile, match=words):
            check_writable(tmp_path / path)
        with pytest.raises(UnwritableFile, match="cannot write"):
            write_whole(tmp_path / path, "")
    check_writable(tmp_path / "new" / "folder" / "file")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "taken"]


def test_the_project_s_own_writers_write_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tapes in every format, statistics and films: a disk that fills up leaves what was there."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    day = a_day(1, rows=20, levels=2)
    frames = [np.zeros((16, 16, 3), np.uint8)]
    env = sekai.NormalizeObservation(CountingEnv())
    writers = {
        "day.npz": lambda path: save(day, path),
        "day.parquet": lambda path: save(day, path),
        "day.zip": lambda path: save(day, path),
        "day_message_2.csv": lambda path: save(day, path),
        "film.gif": lambda path: save_frames(frames, path),
        "statistics.npz": lambda path: save_statistics(env, path),
    }
    monkeypatch.setattr(os, "fsync", full)
    for name, write in writers.items():
        (tmp_path / name).write_text("old")
        with pytest.raises(UnwritableFile, match="No space left on device"):
            write(tmp_path / name)
        assert (tmp_path / name).read_text() == "old", name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(writers)
