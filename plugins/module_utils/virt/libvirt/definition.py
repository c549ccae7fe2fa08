# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a domain is defined as, which may differ from what runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...objects.errors import HypervisorError
from .binding import libvirt


def change_everywhere(host: Any, domain: Any, change: Callable[[int], Any]) -> None:
    """Change a domain both as it runs and as it is defined.

    A running one whose definition somebody has removed is defined again: it would be gone with its next stop.

    Args:
        change: Does it, and is given libvirt's flags. It changes nothing where it fails.
    """
    everywhere = int(libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    try:
        # Nearly every domain is as this wants it. To ask each beforehand would be most of the work.
        change(everywhere)
        return
    except HypervisorError as error:
        if error.details.get("libvirt_code") != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
    if not domain.isActive():
        change(int(libvirt.VIR_DOMAIN_AFFECT_CONFIG))
        return
    if not domain.isPersistent():
        host.defineXMLFlags(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE), 0)
    change(everywhere)
