# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a move asks of its destination, and what the halves of one are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..objects.errors import ComputeResourcesUnavailable, NotSupported
from ..objects.instance import Instance, InstanceSpec
from ..objects.migration import MoveHalf
from ..objects.pci import PciRequest
from .claims import usage_of
from .hardware.topology import requested_topology


@dataclass(frozen=True)
class MoveRequest:
    """A move that wants resources of its destination.

    Args:
        instance: As its record says now.
        source_host: Where it is.
        spec: As it shall be on the destination; None: as it is.
        limits: From the scheduler; none of a kind means the host's own.
        pci_requests: The devices that its flavor asks for.
        uuid: The migration's; None makes one. A claim may be repeated under the same.
        run: The controller's run that wants it.
        seconds: How long the claim holds without a process, until the move begins; None where this process moves it.
    """

    instance: Instance
    source_host: str
    spec: Optional[InstanceSpec] = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    pci_requests: Sequence[PciRequest] = ()
    uuid: Optional[str] = None
    run: str = ""
    seconds: Optional[float] = None

    @property
    def wanted(self) -> Instance:
        """The instance as it shall be."""
        return self.instance if self.spec is None else self.instance.but(spec=self.spec)


def half_of(instance: Instance) -> MoveHalf:
    flavor = instance.spec.flavor
    return MoveHalf(flavor, usage_of(instance.spec), instance.numa_topology, list(instance.pci_devices))


def same_size(here: Instance, wanted: Instance) -> MoveHalf:
    """Return what an instance keeps that is rebuilt in its place.

    Raises:
        NotSupported: Its new image would give it other cells.
    """
    before = requested_topology(here.spec.flavor, here.spec.image)
    if requested_topology(wanted.spec.flavor, wanted.spec.image) != before or usage_of(wanted.spec) != usage_of(
        here.spec
    ):
        raise NotSupported(
            f"{wanted.spec.name} cannot be rebuilt so: it would have other resources than now.",
            "Use an image that asks for the same cells, or delete and create it.",
        )
    return half_of(here)


def check_page_size(instance: Instance, new: MoveHalf) -> None:
    """Test that a running guest keeps its page size, which it cannot change (Nova's _test_live_migration_page_size)."""
    if instance.numa_topology is None or new.numa_topology is None:
        return
    before, after = instance.numa_topology.cells[0].pagesize, new.numa_topology.cells[0].pagesize
    if before != after:
        raise ComputeResourcesUnavailable(
            f"{instance.spec.name} cannot be migrated live: its memory has pages of {before} KiB, and here they would "
            f"have {after} KiB."
        )
