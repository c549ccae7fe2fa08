# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's shape in its domain: what flavor and image want differs from what every guest has."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection

from ...shape.guest_shape import Shape
from . import devices, disks, firmware, limits, processor


def apply_shape(
    domain: ET.Element, shape: Shape, vcpus: int, volumes: Collection[str], can_secure_boot: bool = False
) -> None:
    """Have a domain be as its shape says; without one it stays as it is.

    Args:
        domain: Complete in all else.
        shape: What is wanted.
        vcpus: How many it has.
        volumes: The serial numbers of the disks that are volumes, and so have limits and buses of their own.
        can_secure_boot: The host's firmware can, so what is optional is given.
    """
    if not shape:
        return
    processor.apply(domain, shape, vcpus)
    firmware.apply(domain, shape, can_secure_boot)
    disks.apply(domain, shape, volumes)
    devices.apply(domain, shape)
    limits.apply(domain, shape, volumes)
    for interface in domain.iterfind("devices/interface"):
        apply_to_interface(interface, shape, vcpus)


def apply_to_interface(interface: ET.Element, shape: Shape, vcpus: int) -> None:
    """Have one network interface be as the guest's shape says, whenever it is plugged in."""
    devices.shape_interface(interface, shape, vcpus)
    limits.limit_interface(interface, shape)
