# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest said on its console, made fit to be shown: it may be meant to take over the terminal of who reads it."""

from __future__ import annotations

import re
from typing import Optional

from ..objects.errors import OptionInvalid

# Nova's MAX_CONSOLE_BYTES, and the most that is ever handed out.
USUAL_BYTES = 100 * 1024
MOST_BYTES = 1024 * 1024
# Control characters but newline and tab; and those without a shape of their own, which reorder or hide others.
HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
LINE_ENDS = re.compile("\r+\n")


def check_extent(lines: Optional[int], most_bytes: Optional[int]) -> None:
    """Refuse an amount of console output that is not handed out.

    Raises:
        OptionInvalid: It is negative, or too much.
    """
    if lines is not None and lines < 0:
        raise OptionInvalid(f"console_lines must not be negative, but is {lines}.")
    if most_bytes is not None and not 0 <= most_bytes <= MOST_BYTES:
        raise OptionInvalid(f"console_bytes must be from 0 to {MOST_BYTES}, but is {most_bytes}.")


def show_console(output: bytes, lines: Optional[int], is_cut: bool) -> str:
    r"""Return what can be shown of it.

    A terminal's line ends become newlines. Any other control or invisible character is written as ``\x1b`` or
    ``\u202e``, and a byte that is not UTF-8 as ``\xff``.

    Args:
        lines: Only so many at the end; None for all.
        is_cut: Whether there was more before it, so that it may begin amid a character.
    """
    if is_cut:
        head = output[:3].lstrip(bytes(range(0x80, 0xC0)))
        output = head + output[3:]
    text = LINE_ENDS.sub("\n", output.decode("utf-8", "backslashreplace"))
    if lines is not None:
        text = _last_lines(text, lines)
    return HOSTILE.sub(_visible, text)


def show_text(text: str) -> str:
    """Return a guest's word as one line that is fit for terminals, likewise. It may hold lone surrogates, from JSON."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return HOSTILE.sub(_visible, whole).replace("\n", "\\n").replace("\t", "\\t")


def _last_lines(text: str, lines: int) -> str:
    if lines == 0:
        return ""
    # What ends with a newline has no further line behind it.
    start = len(text) - 1 if text.endswith("\n") else len(text)
    for _line in range(lines):
        start = text.rfind("\n", 0, start)
        if start < 0:
            return text
    return text[start + 1 :]


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
