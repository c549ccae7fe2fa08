# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest says on its console never takes over the terminal of who reads it."""

import unicodedata

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.console_text import (
    MOST_BYTES,
    check_extent,
    show_console,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from hypothesis import given
from hypothesis import strategies as st

INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def shown(output: bytes, lines: int | None = None, is_cut: bool = False) -> str:
    return show_console(output, lines, is_cut)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"login: \x1b[2J\x1b]0;owned\x07", r"login: \x1b[2J\x1b]0;owned\x07"),
        (b"one\r\ntwo\r\r\n\tthree\n", "one\ntwo\n\tthree\n"),
        (b"50%\r100%", r"50%\x0d100%"),
        (b"a\x00b\x08c\x7f", r"a\x00b\x08c\x7f"),
        ("\x9b31m red".encode(), r"\x9b31m red"),
        ("\u202egnp.exe\ufeff".encode(), r"\u202egnp.exe\ufeff"),
        ("\U000e0041".encode(), r"\U000e0041"),
        (b"\xff\xfe caf\xc3\xa9 \xc3", "\\xff\\xfe café \\xc3"),
        (b"", ""),
    ],
)
def test_what_could_do_harm_is_written_out(said: bytes, text: str) -> None:
    assert shown(said) == text


@given(st.binary(max_size=300), st.booleans())
def test_whatever_a_guest_says_has_only_visible_characters_newlines_and_tabs(said: bytes, is_cut: bool) -> None:
    strange = {char for char in shown(said, None, is_cut) if unicodedata.category(char) in INVISIBLE}
    # The marks that stand before Arabic numbers, and the like, are of no direction and hide nothing.
    assert {char for char in strange if ord(char) < 0x600 or 0x2000 <= ord(char) < 0x3000} <= {"\n", "\t"}


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), max_size=100))
def test_plain_text_stays_as_it_is(said: str) -> None:
    assert shown(said.encode()) == said


@pytest.mark.parametrize(
    ("lines", "text"),
    [(0, ""), (1, "three\n"), (2, "two\nthree\n"), (3, "one\ntwo\nthree\n"), (9, "one\ntwo\nthree\n")],
)
def test_the_last_lines_are_shown(lines: int, text: str) -> None:
    assert shown(b"one\r\ntwo\r\nthree\r\n", lines) == text


def test_a_line_that_has_not_ended_is_a_line() -> None:
    assert shown(b"one\ntwo\nlogin: ", 2) == "two\nlogin: "


def test_what_is_cut_amid_a_character_begins_with_the_next_one() -> None:
    assert shown("é ok".encode()[1:], is_cut=True) == " ok"
    assert shown("é ok".encode()[1:]) == "\\xa9 ok"


@pytest.mark.parametrize(("lines", "most"), [(-1, None), (None, -1), (None, MOST_BYTES + 1), (5, 1 << 40)])
def test_more_than_is_handed_out_is_refused(lines: int | None, most: int | None) -> None:
    with pytest.raises(OptionInvalid, match="console_"):
        check_extent(lines, most)
