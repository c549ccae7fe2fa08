# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names by which a guest is to know itself."""

from __future__ import annotations

from ..objects.instance import InstanceSpec


def full_name(spec: InstanceSpec) -> str:
    """Return its host name, with the DNS domain where there is one."""
    host, domain = spec.guest.hostname or spec.name, spec.guest.dns_domain
    return host if domain is None else f"{host}.{domain}"
