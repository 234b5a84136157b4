"""What is shown in a terminal. Text is data: no markup, no emoji codes, and no character that a terminal would obey."""

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

__all__ = ["console", "plain", "plain_table", "progress"]


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints strings as they are."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def plain(text: str) -> Text:
    """Return text to be shown as it is; control characters become question marks."""
    return Text("".join("?" if unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n" else sign for sign in text))


def plain_table(title: str, *, show_header: bool, style: str = "") -> Table:
    """Return a table without rows in our style."""
    return Table(
        box=box.SIMPLE_HEAD, title=plain(title), title_justify="left", title_style=style, show_header=show_header
    )


@contextmanager
def progress(title: str, *, remaining: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error, gone at the end; call what is yielded with how much is done, and of how much.

    With `remaining` it says how long it will take, else how long it took so far.
    """
    time = TimeRemainingColumn() if remaining else TimeElapsedColumn()
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), time
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(plain(title).plain, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
