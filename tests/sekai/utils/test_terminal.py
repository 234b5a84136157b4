"""In a terminal text is shown as it is, and nothing in it is obeyed."""

import io

import pytest
from rich.console import Console

from sekai.utils import line_of_text, printable_text
from sekai.utils.terminal import console, plain, plain_table, progress


def shown(thing: object) -> str:
    out = io.StringIO()
    lines = console()
    Console(file=out, width=80, markup=lines._markup, emoji=lines._emoji).print(thing)
    return out.getvalue()


@pytest.mark.parametrize("text", ["[/]", "[red]x[/red]", ":smile:", "{v2}", "{task.total}", "%s", "ä 世界"])
def test_text_is_shown_letter_by_letter(text, capsys):
    assert shown(text).strip() == text == shown(plain(text)).strip()
    table = plain_table(text, show_header=True)
    table.add_column(text)
    table.add_row(text)
    assert shown(table).count(text) == 3
    with progress(text) as show:
        show(1, 2)


def test_control_characters_are_not_obeyed():
    assert plain("a\x1b[2Jb\x07\nc").plain == "a?[2Jb?\nc"


def test_what_text_may_be():
    assert line_of_text("Fast {v2} [/] 世界") and not line_of_text("two\nlines") and not line_of_text("\x1b[2J")
    assert printable_text("two\nlines\t.") and not printable_text("\x07") and not printable_text("\u2028")
