# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PCI devices: those of a host, in pools of equal ones, and those that an instance asks for or has."""

from dataclasses import dataclass, field
from typing import Any, Optional

from .base import Record

# What vendor, product and the rest are called in a pool; every other key of a pool is a tag.
STANDARD, PHYSICAL_FUNCTION, VIRTUAL_FUNCTION = "type-PCI", "type-PF", "type-VF"


@dataclass(frozen=True)
class PciDevice(Record):
    """One PCI function of a host. `address` is ``0000:03:00.0``; `parent_addr` is the physical function's of a virtual.

    `tags` come from the entry of ``pci_device_spec`` that lets instances have it. `alias` is what it was asked for as.
    """

    address: str
    vendor_id: str
    product_id: str
    dev_type: str = STANDARD
    numa_node: Optional[int] = None
    parent_addr: Optional[str] = None
    tags: dict[str, str] = field(default_factory=dict)
    alias: Optional[str] = None


@dataclass(frozen=True)
class PciDevicePool(Record):
    """How many devices of one kind are free (Nova's PciDevicePool).

    As in Nova, devices of one kind that hang on different addresses or physical functions are pools of their own.
    """

    vendor_id: str
    product_id: str
    count: int
    numa_node: Optional[int] = None
    dev_type: str = STANDARD
    tags: dict[str, str] = field(default_factory=dict)

    def as_pool(self) -> dict[str, Any]:
        """Return the pool as the scheduler works with it: tags beside the other keys."""
        own = {key: value for key, value in self.as_dict().items() if key != "tags"}
        return {**own, **self.tags}


@dataclass(frozen=True)
class PciRequest(Record):
    """A number of equal devices that an instance asks for (Nova's InstancePCIRequest).

    A device will do if it has all that one of `spec` names. `numa_policy` is required, preferred, socket or legacy.
    """

    count: int
    spec: list[dict[str, str]]
    alias_name: Optional[str] = None
    numa_policy: str = "legacy"
