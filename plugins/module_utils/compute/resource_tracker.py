# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ResourceTracker: what the host has, what is used, and the claims of what will be.

The domains and the claims are the truth; live figures such as free memory are not. The domains are listed
inside the database's write lock, so that a claim and the list it was tested against cannot drift apart.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Callable, Optional

from ..objects.compute_node import ComputeNode, Service
from ..objects.errors import (
    ComputeResourcesUnavailable,
    FixedIpAlreadyInUse,
    InstanceLocked,
    InvalidInput,
    NotSupported,
    NovellaError,
)
from ..objects.instance import Instance, InstanceSpec
from ..objects.migration import Migration
from ..virt.driver import ComputeDriver
from .address_claims import check_addresses
from .claims import check_service
from .clock import now
from .group_claims import check_group, count_members
from .hardware.host_hardware import Hardware
from .hardware_claims import Claimant, read_claimed, write_claimed
from .host_options import HostOptions
from .migrations import EVACUATION, LIVE, MIGRATION, REBUILD, RESIZE
from .move_claims import MoveClaims
from .move_request import MoveRequest
from .owner import current_owner, is_alive, is_lease_of, lease
from .records import read_record
from .tracker_db import TrackerDB
from .usage import HostAccount, Tally

# What a claim is refused with.
REFUSALS = (ComputeResourcesUnavailable, FixedIpAlreadyInUse, InstanceLocked, InvalidInput, NotSupported)


class ResourceTracker:
    """Track one host's resources.

    Args:
        options: The operator's settings of the host.
        driver: The hypervisor.
        db: The open tracker database.
    """

    def __init__(self, options: HostOptions, driver: ComputeDriver, db: TrackerDB) -> None:
        self._options = options
        self._db = db
        self._account = HostAccount(options, driver, db)
        self._moves = MoveClaims(options.host, self._account, db)

    @property
    def service(self) -> Service:
        """Return the host's service record."""
        return Service.from_dict(self._db.get_fact("service", {}))

    @property
    def disabled(self) -> bool:
        """Return whether the host refuses claims."""
        return self.service.refusal is not None

    def update_available_resource(self) -> Tally:
        """Return the ComputeNode, with the domains, ours and foreign, and the volumes that it was counted from.

        Totals are the hypervisor's; used is what the domains, the claims and the moves in progress take. Nova's steps:
        its 1, 2, 4, 5, 6, 7, 8 and 10 are `HostAccount.count`; what has been given out is counted from the domains, so
        PCI devices of vanished instances are free by themselves. Step 3, finding or making the database's record of the
        host, 9, mending allocations that Placement has and no host knows of, and 11, writing what has changed to both,
        have no meaning here: there is no record but this answer. Foreign domains are counted, which Nova once did for
        orphans. Claims of dead runs are not mended by reading; `drop_stale_claims` gives them back.
        """
        return self._account.with_disk_space(self._account.count())

    def update_usage(self, instance: Instance) -> Optional[ComputeNode]:
        """Return the ComputeNode with this record in the place of the one that the instance's domain has.

        Returns:
            None where the host is disabled or does not have the instance: as in Nova nothing is updated then.
        """
        if self.disabled:
            return None
        tally = self._account.count(changed=instance)
        is_here = any(domain.uuid == instance.uuid for domain in tally.domains)
        return self._account.with_disk_space(tally).node if is_here else None

    @contextlib.contextmanager
    def instance_claim(self, item: Claimant) -> Iterator[Hardware]:
        """Claim for one instance while the block runs; an exception in it gives the claim back.

        Yields:
            The CPUs and devices that it has got.

        Raises:
            ComputeResourcesUnavailable, InstanceLocked, InvalidInput, NotSupported: As `instance_claims` answers.
        """
        uuid = item.instance.uuid
        refusal = self.instance_claims([item])[uuid]
        if refusal is not None:
            raise refusal
        try:
            yield self.claimed_hardware(uuid)
        except BaseException:
            self.abort_instance_claim(uuid)
            raise

    def abort_instance_claim(self, uuid: str) -> None:
        """Give back the claim of an instance that will not be built."""
        self.drop_claim(uuid)

    def instance_claims(
        self, wanted: Iterable[Claimant], run: str = "", seconds: Optional[float] = None
    ) -> dict[str, Optional[NovellaError]]:
        """Claim resources for several instances in one transaction, first come, first served.

        Args:
            wanted: The instances. Which CPUs and devices each of them gets is decided here, see `claimed_hardware`.
            run: The controller's run that wants them. What it has claimed before gives way to the new claims.
            seconds: How long the claims hold without a process; None where this process goes on to build.

        Returns:
            By uuid: None where the claim holds, else why it does not.
        """
        outcome: dict[str, Optional[NovellaError]] = {}
        wanted = list(wanted)
        with self._db.transaction() as connection:
            service = self.service
            held_by_others = self._release_own(connection, {item.instance.uuid for item in wanted}, run)
            owner = current_owner() if seconds is None else lease(run, seconds)
            tally = self._account.count()
            present = {domain.uuid for domain in tally.domains}
            members = count_members(self._db, filter(None, map(read_record, tally.domains)))
            for item in wanted:
                instance = item.instance
                outcome[instance.uuid] = None
                if instance.uuid in present:
                    continue  # it is counted already; making it again is not this method's to refuse
                try:
                    if instance.uuid in held_by_others:
                        raise InstanceLocked(
                            f"{instance.spec.name} is being built by another run.", "Run again when it has ended."
                        )
                    check_group(instance.spec.name, item.group, members, self._options.host)
                    addressed = [nic for nic in instance.spec.networks if nic.addresses]
                    check_addresses(instance.uuid, addressed, tally.domains)
                    tally = self._claim(connection, service, tally, item, owner)
                    if item.group is not None:
                        members[item.group.key] += 1
                except REFUSALS as refusal:
                    outcome[instance.uuid] = refusal
        return outcome

    def reconfigure_claim(self, before: Instance, item: Claimant, hold: Callable[[Hardware], None]) -> Hardware:
        """Test that an instance of this host fits on it with another spec, in the place of what it has.

        Args:
            before: Its record.
            item: The instance as it is to be.
            hold: Writes the record that holds it, before anybody else can claim; given the CPUs and devices.

        Returns:
            The CPUs and devices that it gets: those that it has, where it asks for no others.

        Raises:
            ComputeResourcesUnavailable, InvalidInput, InstanceLocked, NotSupported: It cannot be so; nothing was held.
        """
        old, new = before.spec, item.instance.spec
        with self._db.transaction():
            if self._moves.is_moving(before.uuid):
                raise InstanceLocked(f"{old.name} is being moved.", "Run again when the move has ended.")
            hardware = Hardware(before.numa_topology, list(before.pci_devices))
            if (old.flavor, old.image) != (new.flavor, new.image):
                tally = self._account.count(without=before.uuid)
                chosen = self._account.choose(tally, item, max(0, new.flavor.root_gb - old.flavor.root_gb)).hardware
                hardware = hardware if _shape(old) == _shape(new) else chosen
            hold(hardware)
        return hardware

    def resize_claim(self, request: MoveRequest) -> Migration:
        """Claim, on the destination, for an instance that gets another flavor or another host (Nova's MoveClaim).

        What it has stays held until the move is confirmed, and what it is to have until it is reverted. See
        `MoveClaims.claim` for what it raises; so do the other claims of moves.
        """
        is_resize = request.wanted.spec.flavor != request.instance.spec.flavor
        return self._moves.claim(self.service, RESIZE if is_resize else MIGRATION, request)

    def rebuild_claim(self, request: MoveRequest) -> Migration:
        """Claim for an instance that is made anew: here, from a host that is lost, or in its place.

        In its place it has its resources already (Nova's NopClaim); they stay held while its domain is away.
        """
        is_evacuation = request.source_host != self._options.host
        return self._moves.claim(self.service, EVACUATION if is_evacuation else REBUILD, request)

    def live_migration_claim(self, request: MoveRequest) -> Migration:
        """Claim for an instance that comes running. Its memory must come to lie in pages of the same size.

        Nova does so for instances with NUMA cells only, and leaves the others to Placement.
        """
        return self._moves.claim(self.service, LIVE, request)

    def hold_move_source(self, migration: Migration, run: str = "", seconds: Optional[float] = None) -> Migration:
        """Write a move down on its source: see `MoveClaims.hold_source`. Nova's hosts read it from the database."""
        return self._moves.hold_source(migration, run, seconds)

    def advance_migration(self, uuid: str, status: str) -> Migration:
        """Give a migration its next status: see `MoveClaims.advance`."""
        return self._moves.advance(uuid, status)

    def drop_move_claim(self, uuid: str, prefix: str = "new_") -> Migration:
        """Give back the half of a move that `prefix` names: see `MoveClaims.drop`."""
        return self._moves.drop(uuid, prefix)

    def confirm_resize(self, uuid: str) -> Migration:
        """Give back the old half (Nova's drop_move_claim_at_source): see `MoveClaims.confirm`."""
        return self._moves.confirm(uuid)

    def revert_resize(self, uuid: str) -> Migration:
        """Give back the new half (Nova's drop_move_claim_at_dest): see `MoveClaims.revert`."""
        return self._moves.revert(uuid)

    def abort_resize_claim(self, uuid: str) -> Migration:
        """Give back the claim of a move that did not begin: see `MoveClaims.abort`."""
        return self._moves.abort(uuid)

    def claimed_hardware(self, uuid: str) -> Hardware:
        """Return the CPUs and devices that an instance's claim holds."""
        return read_claimed(self._db).get(uuid, Hardware())

    def drop_stale_claims(self) -> int:
        """Give back the claims whose run died before it began to build or to move, and return how many there were."""
        with self._db.transaction() as connection:
            stale = [row["uuid"] for row in self._db.query("SELECT * FROM claims") if not is_alive(row["owner"])]
            connection.executemany("DELETE FROM claims WHERE uuid = ?", [(uuid,) for uuid in stale])
        return len(stale) + self._moves.drop_stale()

    def drop_claim(self, uuid: str) -> None:
        """Give a claim back, or do nothing where there is none: its domain counts from now on, or nothing does."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM claims WHERE uuid = ?", (uuid,))

    def _release_own(self, connection: sqlite3.Connection, uuids: set[str], run: str) -> set[str]:
        """Drop earlier claims of this run and of dead ones; return the uuids that other runs hold."""
        rows = [row for row in self._db.query("SELECT uuid, owner FROM claims") if row["uuid"] in uuids]
        others = {
            row["uuid"]
            for row in rows
            if is_alive(row["owner"]) and row["owner"] != current_owner() and not is_lease_of(row["owner"], run)
        }
        own = [(row["uuid"],) for row in rows if row["uuid"] not in others]
        connection.executemany("DELETE FROM claims WHERE uuid = ?", own)
        return others

    def _claim(
        self, connection: sqlite3.Connection, service: Service, tally: Tally, item: Claimant, owner: str
    ) -> Tally:
        """Claim for one instance, and return the account with the claim counted."""
        instance, name = item.instance, item.instance.spec.name
        check_service(name, self._options.host, service)
        if self._moves.is_moving(instance.uuid):
            raise InstanceLocked(f"{name} is being moved.", "Run again when the move has ended.")
        held = self._account.choose(tally, item)
        asked = held.usage
        connection.execute(
            "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)",
            (instance.uuid, name, asked.vcpus, asked.memory_mb, asked.disk_gb, owner, now()),
        )
        connection.executemany(
            "INSERT INTO claimed_resources VALUES (?, ?, ?)",
            [(instance.uuid, resource_class, amount) for resource_class, amount in asked.custom.items()],
        )
        write_claimed(connection, instance.uuid, held.hardware)
        if item.group is not None:
            connection.execute("INSERT INTO claimed_groups VALUES (?, ?)", (instance.uuid, item.group.key))
        return tally.with_holding(held)


def _shape(spec: InstanceSpec) -> tuple[object, ...]:
    """Return what the CPUs and devices of an instance depend on."""
    properties = {} if spec.image is None else spec.image.properties
    return spec.flavor.vcpus, spec.flavor.memory_mb, spec.flavor.extra_specs, properties
