# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One thing that a flavor, an image, or both may say of a guest: how it is read, and who wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional

_TRUE = ("1", "t", "true", "on", "y", "yes")
_FALSE = ("0", "f", "false", "off", "n", "no")

Reader = Callable[[str], Any]
# What flavor and image say, in this order; what counts of both.
Rule = Callable[[Any, Any], Any]


class Unreadable(ValueError):
    """A value that is none; its text says what is allowed."""


class Contradiction(ValueError):
    """Flavor and image do not go together."""


def both_alike(flavor: Any, image: Any) -> Any:
    """Both say the same (Nova's rule for most things)."""
    if flavor != image:
        raise Contradiction
    return flavor


def image_wins(_flavor: Any, image: Any) -> Any:
    """The image knows best."""
    return image


def image_at_most(flavor: Any, image: Any) -> Any:
    """The image may ask for less than the flavor permits."""
    if image > flavor:
        raise Contradiction
    return image


@dataclass(frozen=True)
class Wish:
    """One thing that can be said of a guest.

    Args:
        name: What the shape of a guest calls it.
        does: What comes of it, for the manual.
        read: Takes the text apart; raises Unreadable.
        spec: The extra spec, where a flavor may say it.
        prop: The image property, where an image may.
        rule: What counts where both do; raises Contradiction.
        values: What may be written, for the manual.
    """

    name: str
    does: str
    read: Reader
    spec: Optional[str] = None
    prop: Optional[str] = None
    rule: Rule = both_alike
    values: str = ""


def flag(text: str) -> bool:
    """Read yes or no, as Nova writes them."""
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise Unreadable("It is yes or no.")


def number(least: int, most: int) -> Reader:
    """Return a reader of whole numbers."""

    def read(text: str) -> int:
        digits = text.strip()
        if not digits.isascii() or not digits.isdigit() or len(digits) > 18 or not least <= int(digits) <= most:
            raise Unreadable(f"It is a whole number from {least} to {most}.")
        return int(digits)

    return read


def one_of(*choices: str) -> Reader:
    """Return a reader of words."""

    def read(text: str) -> str:
        if text.strip() not in choices:
            raise Unreadable(f"It is {' or '.join(choices) if len(choices) < 3 else 'one of ' + ', '.join(choices)}.")
        return text.strip()

    return read
