# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a fleet that declares adopted instances: a file of a fleet's folder, or something to copy from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid

from .storage import check_path, read_data, write_text

SECTIONS = ("flavors", "instances")
HEADER = """\
# Adopted by novella.compute.adopt. Have this file in the fleet's folder, or copy what is in it into the fleet.
"""


def read_fragment(path: str) -> dict[str, Any]:
    """Return what a file holds that was written before; nothing where there is none.

    Raises:
        OptionInvalid: The path names no format, or what is there has more than adopted instances.
    """
    check_path(path)
    if path.lower().endswith(".json"):
        raise OptionInvalid(f"'{path}' is no YAML file.", "Let it end in .yml or .yaml.")
    if not Path(path).exists():
        return {}
    content = read_data(path)
    others = sorted(set(content) - {"version", *SECTIONS}) if isinstance(content, dict) else ["something else"]
    if others:
        raise OptionInvalid(
            f"'{path}' holds {others[0]}, and would be overwritten.", "Name a file that holds adopted instances only."
        )
    return dict(content)


def join_fragment(
    before: Mapping[str, Any], version: str, flavors: Mapping[str, Any], instances: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a fragment with more in it. What it has already stays as it is."""
    parts = {"flavors": flavors, "instances": instances}
    joined = {section: {**parts[section], **(before.get(section) or {})} for section in SECTIONS}
    return {"version": before.get("version", version), **{key: value for key, value in joined.items() if value}}


def write_fragment(path: str, text: str) -> None:
    """Write the file, for everybody to read who may read its folder: there is no secret in it."""
    write_text(path, text, 0o644)


def draw_fragment(content: Mapping[str, Any]) -> str:
    """Return it as YAML; nothing where it declares nothing."""
    if not _entries(content):
        return ""
    import yaml

    return HEADER + yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=110)


def _entries(content: Mapping[str, Any]) -> Iterable[str]:
    return content.get("instances") or ()
