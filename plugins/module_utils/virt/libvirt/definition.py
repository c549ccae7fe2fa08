# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a domain is defined as, which may differ from what runs."""

from __future__ import annotations

from typing import Any

from .binding import libvirt


def reach_everywhere(host: Any, domain: Any) -> int:
    """Return the flags that change a domain both as it runs and as it is defined.

    A running one whose definition somebody has removed is defined again: it would be gone with its next stop.
    """
    if not domain.isActive():
        return int(libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    if not domain.isPersistent():
        host.defineXMLFlags(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE), 0)
    return int(libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG)
