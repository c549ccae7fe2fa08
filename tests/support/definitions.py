# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Definitions of domains, compared but for what Novella writes of its own."""

import xml.etree.ElementTree as ET

NAMESPACE = "https://novella.dev/xmlns/compute/1"


def without_record(xml: str) -> str:
    """Return a definition without Novella's record; of the spaces between elements nothing is told."""
    tree = ET.fromstring(xml)
    metadata = tree.find("metadata")
    if metadata is not None:
        for element in metadata.findall(f"{{{NAMESPACE}}}instance"):
            metadata.remove(element)
        if len(metadata) == 0:
            tree.remove(metadata)
    return ET.canonicalize(ET.tostring(tree, encoding="unicode"), strip_text=True)
