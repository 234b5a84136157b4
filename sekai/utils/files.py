"""Files are written whole or not at all, and read with care.

What is written goes to a file beside the target, onto the disk, and then takes the target's place in one step. So a
reader finds the old file or the new one, whatever happens meanwhile: an error, Ctrl-C, a full disk.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path

from sekai.error import SekaiError, UnreadableFile, UnwritableFile

__all__ = ["check_writable", "reading", "whole_file", "write_whole"]


@contextmanager
def whole_file(path: str | PathLike[str]) -> Iterator[Path]:
    """Yield a new path beside `path`, of the same suffix, to write to; at the end it takes `path`'s place.

    After an error inside, `path` is as it was. What is no plain file, such as `/dev/stdout`, is yielded as it is.
    Raises `UnwritableFile` where the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target
        return
    beside = target.with_name(f".{secrets.token_hex(4)}-{target.name}")
    try:
        with _named(path):
            os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield beside
            _take_place(beside, target)
    finally:
        with suppress(OSError):
            beside.unlink()  # is there only after an error


def write_whole(path: str | PathLike[str], text: str) -> None:
    """Write `text` to a file in UTF-8, whole or not at all. Raises `UnwritableFile` where it cannot be written."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def check_writable(path: str | PathLike[str]) -> None:
    """Raise `UnwritableFile` where it is plain now that `path` could not be written. Leaves nothing behind.

    Folders that are not there yet are taken as made.
    """
    target = Path(os.path.realpath(path))
    with _named(path):
        if target.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        folder = next(parent for parent in target.parents if parent.exists())
        if not folder.is_dir():
            raise NotADirectoryError(None, f"{folder} is no folder")
        probe = folder / f".{secrets.token_hex(4)}"
        try:
            probe.write_bytes(b"\n")
        finally:
            probe.unlink(missing_ok=True)


def _take_place(beside: Path, target: Path) -> None:
    if target.exists():
        beside.chmod(target.stat().st_mode)
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    beside.replace(target)
    with suppress(OSError):  # not every system can open a folder; the file itself is safe
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def reading(path: object, kind: str, raises: type[SekaiError] = UnreadableFile) -> Iterator[None]:
    """Raise `raises`, naming the file, for whatever a library raises at a damaged one; errors of ours stay as they are.

    What a library raises then is told nowhere and differs from byte to byte, so inside there should be nothing else.
    """
    try:
        yield
    except SekaiError:
        raise
    except Exception as error:
        raise raises(f"{path} is no {kind}, or damaged: {str(error) or type(error).__name__}") from error


@contextmanager
def _named(path: str | PathLike[str]) -> Iterator[None]:
    """Turn an error of the system, whose words name no file or another one, into one that names `path`."""
    try:
        yield
    except UnwritableFile:
        raise
    except OSError as error:
        raise UnwritableFile(f"cannot write {os.fspath(path)!r}: {error.strerror or error}") from error
