# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small ways about a tree of XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET


def have(parent: ET.Element, tag: str) -> ET.Element:
    """Return the child of that name, made where there is none."""
    found = parent.find(tag)
    return ET.SubElement(parent, tag) if found is None else found


def drop(parent: ET.Element, path: str) -> None:
    """Remove every child that a path finds."""
    for child in parent.findall(path):
        parent.remove(child)


def on_off(value: bool) -> str:
    """Return libvirt's word for it."""
    return "on" if value else "off"


def yes_no(value: bool) -> str:
    """Return libvirt's other word for it."""
    return "yes" if value else "no"
