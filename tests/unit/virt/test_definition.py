# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written into a domain reaches it as it runs and as it is defined."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import definition

LIVE, CONFIG, INACTIVE, SECURE = 1, 2, 2, 1


@pytest.mark.parametrize(
    ("is_active", "is_persistent", "flags", "defined"),
    [
        (True, True, LIVE | CONFIG, []),
        (False, True, CONFIG, []),
        (True, False, LIVE | CONFIG, [f"<domain flags='{INACTIVE | SECURE}'/>"]),
    ],
    ids=["running", "off", "running-without-a-definition"],
)
def test_a_running_domain_without_a_definition_gets_one(
    monkeypatch: pytest.MonkeyPatch, is_active: bool, is_persistent: bool, flags: int, defined: list[str]
) -> None:
    names = {"VIR_DOMAIN_AFFECT_LIVE": LIVE, "VIR_DOMAIN_AFFECT_CONFIG": CONFIG}
    names.update(VIR_DOMAIN_XML_INACTIVE=INACTIVE, VIR_DOMAIN_XML_SECURE=SECURE)
    monkeypatch.setattr(definition, "libvirt", SimpleNamespace(**names))
    written: list[str] = []
    host: Any = SimpleNamespace(defineXMLFlags=lambda xml, _flags: written.append(xml))
    domain: Any = SimpleNamespace(
        isActive=lambda: is_active,
        isPersistent=lambda: is_persistent,
        XMLDesc=lambda asked: f"<domain flags='{asked}'/>",
    )
    assert definition.reach_everywhere(host, domain) == flags
    assert written == defined
