"""A tape comes back from every kind of file as it went in, and what is no tape is refused in words."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from sekai.markets.data.files import SUFFIXES, load, save
from sekai.markets.data.lobster import PRICE_UNIT, read_lobster, write_lobster
from sekai.markets.data.tape import L3, BadTape, Tape, TapeKind
from tests.markets.data.days import GOOG, a_day, needs_goog_day


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("with_book", [True, False])
def test_a_tape_comes_back(tmp_path: Path, suffix: str, with_book: bool) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    tape = a_day(3, rows=200)
    tape = tape if with_book else Tape(tape.messages, None, tape.tick_size)
    path = tmp_path / f"day_message_{tape.levels}{suffix}"
    save(tape, path)
    back = load(path)
    assert back.in_ticks(0.01) == tape
    assert (back == tape) is (suffix in (".npz", ".parquet"))  # LOBSTER's unit is a hundredth of the tick
    assert back.messages.dtype == L3
    again = tmp_path / f"again_message_{tape.levels}{suffix}"
    save(back, again)
    assert load(again) == back
    if suffix == ".csv":
        assert again.read_bytes() == path.read_bytes()


def test_what_lobster_writes(tmp_path: Path) -> None:
    """Rows of a file as its maker would write them: half a second, a whole one, empty levels, prints, a halt."""
    rows = (
        "34200.5,1,11,100,1000000,1\n34201,5,0,7,1000050,-1\n34201.000000001,7,0,0,-1,-1\n34201.1,6,-1,9,1000100,-1\n"
    )
    book = "9999999999,0,1000000,100\n" * 4
    path = tmp_path / "ABC_message_1.csv"
    path.write_text(rows)
    (tmp_path / "ABC_orderbook_1.csv").write_text(book)
    tape = read_lobster(path)
    assert tape.messages["time_ns"].tolist() == [
        34_200_500_000_000,
        34_201 * 10**9,
        34_201 * 10**9 + 1,
        34_201_100_000_000,
    ]
    assert tape.messages["kind"].tolist() == [TapeKind.ADD, TapeKind.EXECUTE_HIDDEN, TapeKind.HALT, TapeKind.CROSS]
    assert tape.messages["side"].tolist() == [0, 1, 1, 1]
    assert tape.book is not None and tape.book[0].tolist() == [[[1_000_000, 100]], [[0, 0]]]
    assert tape.in_ticks(0.01).messages["price_ticks"].tolist() == [10_000, 10_000, -1, 10_001]
    write_lobster(tape, tmp_path / "copy_message_1.csv")
    assert (tmp_path / "copy_message_1.csv").read_text() == rows
    assert (tmp_path / "copy_orderbook_1.csv").read_text() == book


def test_the_same_tape_is_the_same_zip(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        save(a_day(5, rows=50), folder / "day.zip")
    assert (tmp_path / "one/day.zip").read_bytes() == (tmp_path / "two/day.zip").read_bytes()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("34200,9,1,1,1,1\n", "row 1: type must be from 1 to 7"),
        ("34200,1,1,1,1,1\n34200,1,1,1,1,2\n", "row 2: direction must be 1 or -1"),
        ("34201,1,1,1,1,1\n34200,1,1,1,1,1\n", "row 2: time must not go back"),
        ("34200,1,1,one,1,1\n", "'one' to int64 in row 1, column 4"),
        ("34200,1,1,1,1,1\n# a word\n", "in row 2, column 1|at row 2"),
        ("34200,1,1,1,99999999999,1\n", "row 1: price must be <= 2147483647"),
        ("", "must hold rows of numbers, got an empty file"),
        ("34200,1,1,5,1\n", "must hold rows of numbers"),
        ("nan,1,1,1,1,1\n", "row 1: time must be >= 0"),
        ("-3,1,1,1,1,1\n", "row 1: time must be >= 0"),
        ("34200,1,1,-10,1,1\n", "row 1: size must be >= 0"),
        ("34200,1,1,2000000000,1,1\n", "row 1: size must be >= 0 and <= 1073741823"),
        ("34200,1,1,1,1,1\n34200,1,2,0,1,1\n", "row 2: size of an order that is added must be >= 1"),
        ("34200,4,1,1,0,1\n", "row 1: price must be >= 1"),
        ("34200,257,1,1,1,1\n", "row 1: type must be from 1 to 7"),
        ("34200,1,-1,1,1,1\n", "row 1: order id must be >= 0"),
    ],
)
def test_a_bad_file_is_refused_with_its_row(tmp_path: Path, rows: str, words: str) -> None:
    path = tmp_path / "bad_message_1.csv"
    path.write_text(rows)
    with pytest.raises(BadTape, match=words):
        load(path)


def test_other_faults_are_named(tmp_path: Path) -> None:
    tape = a_day(1, rows=5)
    with pytest.raises(BadTape, match="no tape at"):
        load(tmp_path / "nothing.zip")
    with pytest.raises(BadTape, match="must end in .npz"):
        save(tape, tmp_path / "day.txt")
    with pytest.raises(BadTape, match="_message_<levels>.csv"):
        save(tape, tmp_path / "day.csv")
    (tmp_path / "no.zip").write_bytes(b"no zip")
    with pytest.raises(BadTape, match="is no zip"):
        load(tmp_path / "no.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("day_message_1.csv", "")
        archive.writestr("day_orderbook_1.csv", "")
    with pytest.raises(BadTape, match="day_message_1.csv must hold rows of numbers, got an empty file"):
        load(tmp_path / "empty.zip")
    with pytest.raises(BadTape, match="dtype L3"):
        Tape(np.zeros(3, np.int64))
    with pytest.raises(BadTape, match=r"book must be int64 \(5, 2, levels, 2\)"):
        Tape(tape.messages, np.zeros((5, 4), np.int64))
    with pytest.raises(BadTape, match=r"message \d+: price must be a multiple of 0.03"):
        tape.in_ticks(0.03)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("9999999999,0,1,5\n", r"must have a row a message, 2, of four numbers a level, got \(1, 4\)"),
        ("9999999999,0,1\n9999999999,0,1\n", r"got \(2, 3\)"),
        ("9999999999,0,1,5\n9999999999,0,1,-5\n", "day_orderbook_1.csv, row 2, bid level 1: sizes must be >= 0"),
    ],
)
def test_a_bad_book_is_refused(tmp_path: Path, rows: str, words: str) -> None:
    (tmp_path / "day_message_1.csv").write_text("34200,1,1,5,1,1\n34200,3,1,5,1,1\n")
    (tmp_path / "day_orderbook_1.csv").write_text(rows)
    with pytest.raises(BadTape, match=words):
        load(tmp_path / "day_message_1.csv")


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_our_own_files_are_checked_as_well(tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    tape = a_day(1, rows=5)
    tape.messages["size"][2] = -10
    path = tmp_path / f"day{suffix}"
    save(tape, path)
    with pytest.raises(BadTape, match=rf"day{suffix}, row 3: size must be >= 0 .*'size': -10"):
        load(path)
    path.write_bytes(b"not at all")
    with pytest.raises(BadTape, match="is no"):
        load(path)


@needs_goog_day
def test_the_real_day_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """The files of LOBSTER, read and written, are the same files."""
    tape = read_lobster(GOOG)
    assert (len(tape), tape.levels, tape.tick_size) == (147_916, 10, PRICE_UNIT)
    write_lobster(tape, tmp_path / "day_message_10.csv")
    with zipfile.ZipFile(GOOG) as archive:
        for kind in ("message", "orderbook"):
            name = next(name for name in archive.namelist() if name.endswith(f"_{kind}_10.csv"))
            assert (tmp_path / f"day_{kind}_10.csv").read_bytes() == archive.read(name)
