# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads scheduler hints."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec


def scheduler_hint(spec: RequestSpec, name: str, default: Any = None) -> Any:
    """Return a hint; a list of one is that one (Nova's RequestSpec.get_scheduler_hint)."""
    value = spec.scheduler_hints.get(name, default)
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def text_hint(spec: RequestSpec, name: str, default: Optional[str] = None) -> Optional[str]:
    """Return a hint that is one string; an empty one is as good as none.

    Raises:
        InvalidInput: It is something else.
    """
    value = scheduler_hint(spec, name) or default
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"The scheduler hint {name} must be a string, not {value!r:.60}.")
    return value


def list_hint(spec: RequestSpec, name: str) -> tuple[str, ...]:
    """Return a hint that is a string or a list of strings; none is empty.

    Raises:
        InvalidInput: It is something else.
    """
    value = spec.scheduler_hints.get(name) or []
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise InvalidInput(f"The scheduler hint {name} must be a string or a list of strings, not {value!r:.60}.")
    return tuple(values)
