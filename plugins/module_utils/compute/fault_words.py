# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the history says of an exception. It is read by more people than a run's output: no secret may be in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..objects.errors import NovellaError
from ..objects.instance_action import InstanceFault

# Nova's columns hold no more.
MOST_LETTERS = 255
SECRETS = ("user_data", "admin_password", "rescue_password")
HIDDEN = "(hidden)"
# Shorter ones are words that stand anywhere.
_LEAST_LETTERS = 4


def describe_fault(error: Exception, arguments: Mapping[str, Any]) -> InstanceFault:
    """Return the fault that an exception is.

    As in Nova, nothing but the class is told of an exception that is not of our own making: nobody knows what its text
    holds.

    Args:
        arguments: Those of the operation. What of them is secret is hidden, should an error quote it.
    """
    if not isinstance(error, NovellaError):
        name = type(error).__name__
        return InstanceFault(name, f"an unexpected {name}; the run's own output tells more")
    secrets = sorted(_secrets(arguments), key=len, reverse=True)
    message = _shorten(_hide(error.message, secrets))
    return InstanceFault(error.code, message, _shorten(_hide(error.remedy, secrets)) or None)


def _secrets(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Return the secret arguments line by line, as an error may quote a part."""
    values = [arguments.get(name) for name in SECRETS] + list((arguments.get("passphrases") or {}).values())
    for value in values:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
        yield from (line.strip() for line in text.splitlines() if len(line.strip()) >= _LEAST_LETTERS)


def _hide(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def _shorten(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"
