# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written into a domain reaches it as it runs and as it is defined."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import definition

LIVE, CONFIG, INACTIVE, SECURE, INVALID = 1, 2, 2, 1, 55
BINDING = SimpleNamespace(
    VIR_DOMAIN_AFFECT_LIVE=LIVE,
    VIR_DOMAIN_AFFECT_CONFIG=CONFIG,
    VIR_DOMAIN_XML_INACTIVE=INACTIVE,
    VIR_DOMAIN_XML_SECURE=SECURE,
    VIR_ERR_OPERATION_INVALID=INVALID,
)


@pytest.mark.parametrize(
    ("is_active", "is_persistent", "asked", "defined"),
    [
        (True, True, [LIVE | CONFIG], []),
        (False, True, [LIVE | CONFIG, CONFIG], []),
        (True, False, [LIVE | CONFIG, LIVE | CONFIG], [f"<domain flags='{INACTIVE | SECURE}'/>"]),
    ],
    ids=["running", "off", "running-without-a-definition"],
)
def test_a_change_reaches_a_domain_as_it_runs_and_as_it_is_defined(
    monkeypatch: pytest.MonkeyPatch, is_active: bool, is_persistent: bool, asked: list[int], defined: list[str]
) -> None:
    monkeypatch.setattr(definition, "libvirt", BINDING)
    written: list[str] = []
    flags: list[int] = []

    def change(given: int) -> None:
        flags.append(given)
        if given & LIVE and not is_active:
            raise HypervisorError("Could not: domain is not running.", libvirt_code=INVALID)
        if given & CONFIG and not (is_persistent or written):
            raise HypervisorError("Could not: it is transient.", libvirt_code=INVALID)

    host: Any = SimpleNamespace(defineXMLFlags=lambda xml, _flags: written.append(xml))
    domain: Any = SimpleNamespace(
        isActive=lambda: is_active,
        isPersistent=lambda: is_persistent,
        XMLDesc=lambda asked: f"<domain flags='{asked}'/>",
    )
    definition.change_everywhere(host, domain, change)
    assert (flags, written) == (asked, defined)


def test_a_change_that_fails_for_another_reason_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definition, "libvirt", BINDING)
    flags: list[int] = []

    def change(given: int) -> None:
        flags.append(given)
        raise HypervisorError("Could not: no space left on device.", libvirt_code=38)

    with pytest.raises(HypervisorError, match="no space left"):
        definition.change_everywhere(object(), object(), change)
    assert flags == [LIVE | CONFIG]
