# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record that a domain carries."""

from __future__ import annotations

from typing import Optional

from ..objects.errors import InvalidInput, VersionNotSupported
from ..objects.guest import GuestSettings
from ..objects.instance import Instance, InstanceSpec
from ..virt.hypervisor import Domain


def read_record(domain: Domain) -> Optional[Instance]:
    """Return the instance that a domain is, or None where it is foreign or its record cannot be read.

    What cannot be read is not ours to touch: it counts, like any foreign domain.
    """
    if domain.record is None:
        return None
    try:
        instance = Instance.from_document(domain.record)
    except InvalidInput:
        return None
    return instance if instance.uuid == domain.uuid else None


def what_1_4_holds(spec: InstanceSpec) -> dict[str, object]:
    """Return what records before 1.4 cannot hold, by what messages call it."""
    return {
        "ephemeral disks of its own": spec.ephemeral,
        "volumes made of images": [item for item in spec.volumes if item.image or item.snapshot],
        "settings of its config drive": spec.guest != GuestSettings(),
        "a boot order": [item for item in spec.volumes if item.boot_index is not None],
    }


def check_writable(instance: Instance, version_cap: Optional[str]) -> None:
    """Refuse to write a record in a version that cannot hold what its owner relies on.

    Args:
        version_cap: The host's option `record_version_cap`.

    Raises:
        VersionNotSupported: Its adoption, security groups, volumes, lock, tags or display name would be lost.
    """
    version, spec = Instance.written_version(version_cap), instance.spec
    wishes = [item for item in spec.volumes if item.pool is not None or item.encrypted or item.limits]
    for since, parts in (
        ((1, 4), {"a definition of its own": instance.adopted}),
        ((1, 4), what_1_4_holds(spec)),
        ((1, 4), {"volumes in pools, encrypted or limited": wishes}),
        ((1, 4), {"security groups": spec.firewall is not None}),
        ((1, 3), {"volumes": spec.volumes}),
        ((1, 2), {"a lock": instance.locked, "tags": spec.tags, "a display name": spec.display_name}),
    ):
        lost = " and ".join(name for name, value in parts.items() if value)
        if lost and version < since:
            raise VersionNotSupported(
                f"{spec.name} has {lost}, and record_version_cap is {version_cap}: its record cannot hold that.",
                f"Set the cap to {since[0]}.{since[1]}, or take that away first.",
            )
