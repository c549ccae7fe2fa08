# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims of moves: what an instance takes of two hosts, or twice of one, until its move is confirmed or reverted.

A claim takes nothing from the instance. What it has is held by its domain, and where that is gone by the migration's
old half; what it is to have is held by the new half until its domain has it.
"""

from __future__ import annotations

import sqlite3
import uuid as uuids
from typing import Any, Optional

from ..objects.compute_node import Service
from ..objects.errors import InstanceExists, InstanceInvalidState, InstanceNotFound, InvalidInput
from ..objects.instance import Instance
from ..objects.migration import Migration, MoveHalf
from .claims import check_service
from .clock import now
from .hardware_claims import Claimant
from .migrations import (
    AWAY,
    CONFIRMED,
    CONFIRMING,
    ENDED,
    ERROR,
    FINISHED,
    LIVE,
    REBUILD,
    REVERTED,
    REVERTING,
    Migrations,
    advanced,
    first_status,
)
from .move_request import MoveRequest, check_page_size, half_of, same_size
from .owner import current_owner, is_alive, lease
from .records import read_record
from .tracker_db import TrackerDB
from .usage import HostAccount, Tally

_HALVES = {"old_": "old", "new_": "new"}


class MoveClaims:
    """Claim for moves, and give back either half.

    Args:
        host: This host's name.
        account: The host's.
        db: The open tracker database.
    """

    def __init__(self, host: str, account: HostAccount, db: TrackerDB) -> None:
        self._host = host
        self._account = account
        self._db = db
        self._migrations = Migrations(db)

    def claim(self, service: Service, migration_type: str, request: MoveRequest) -> Migration:
        """Claim the destination's half, on the destination, and write the migration down.

        Raises:
            ComputeResourcesUnavailable: It does not fit; every reason is named.
            InstanceInvalidState: It is being moved already.
            InstanceExists, InstanceNotFound: It is here, and comes from elsewhere; or the other way round.
            InvalidInput, NotSupported: What it asks for contradicts itself, or cannot be moved so.
        """
        wanted = request.wanted
        name = wanted.spec.name
        with self._db.transaction() as connection:
            check_service(name, self._host, service)
            self._supersede(connection, request)
            tally = self._account.count()
            here = self._here(tally, wanted.uuid)
            if request.source_host != self._host:
                if here is not None:
                    raise InstanceExists(f"{name} ({wanted.uuid}) is on {self._host} already.")
                old, new = None, self._choose(tally, request)
            elif here is None:
                raise InstanceNotFound(f"{name} ({wanted.uuid}) is not on {self._host}.")
            elif migration_type == REBUILD:
                old, new = None, same_size(here, wanted)
            elif wanted.spec.flavor == here.spec.flavor:
                raise InvalidInput(f"{name} has the flavor '{wanted.spec.flavor.name}' on {self._host} already.")
            else:
                old, new = half_of(here), self._choose(tally, request)
            if migration_type == LIVE:
                check_page_size(request.instance, new)
            time = now()
            return self._migrations.save(
                connection,
                Migration(
                    uuid=request.uuid or str(uuids.uuid4()),
                    instance_uuid=wanted.uuid,
                    name=name,
                    migration_type=migration_type,
                    status=first_status(migration_type),
                    source_host=request.source_host,
                    dest_host=self._host,
                    owner=_owner(request.run, request.seconds),
                    old=old,
                    new=new,
                    created_at=time,
                    updated_at=time,
                ),
            )

    def hold_source(self, migration: Migration, run: str = "", seconds: Optional[float] = None) -> Migration:
        """Write down, on the source, a move that its destination has claimed, with what the instance has here.

        Args:
            migration: As the destination has written it.
            run, seconds: As of MoveRequest; the destination's owner means nothing here.

        Raises:
            InstanceNotFound: It is not here.
            InstanceInvalidState: It is being moved already.
        """
        with self._db.transaction() as connection:
            found = self._migrations.find_open(migration.instance_uuid)
            if found is not None and found.uuid == migration.uuid:
                return found
            self._retire(connection, found)
            here = self._here(self._account.count(), migration.instance_uuid)
            if here is None:
                raise InstanceNotFound(f"{migration.name} ({migration.instance_uuid}) is not on {self._host}.")
            held = migration.but(owner=_owner(run, seconds), old=half_of(here), new=None)
            return self._migrations.save(connection, held)

    def advance(self, uuid: str, status: str) -> Migration:
        """Give a migration its next status.

        Raises:
            MigrationNotFound: There is none of this uuid.
            InstanceInvalidState: Its type does not go from its status to this one.
        """
        with self._db.transaction() as connection:
            return self._migrations.save(connection, advanced(self._migrations.get(uuid), status))

    def drop(self, uuid: str, prefix: str) -> Migration:
        """Give one half back, whatever becomes of the other.

        Nova: the public method drops the new half whichever is named. Here it is the named one.

        Args:
            prefix: ``old_`` or ``new_``.

        Raises:
            InvalidInput: The prefix is another.
            MigrationNotFound: There is none of this uuid.
        """
        if prefix not in _HALVES:
            raise InvalidInput(f"prefix must be old_ or new_, not '{prefix}'.")
        changes: dict[str, Any] = {_HALVES[prefix]: None, "updated_at": now()}
        with self._db.transaction() as connection:
            return self._migrations.save(connection, self._migrations.get(uuid).but(**changes))

    def confirm(self, uuid: str) -> Migration:
        """End a move as confirmed: the old half is given back. One that is confirmed already stays so.

        Raises:
            MigrationNotFound: There is none of this uuid.
            InstanceInvalidState: It is not finished.
        """
        return self._end(uuid, CONFIRMING, CONFIRMED)

    def revert(self, uuid: str) -> Migration:
        """End a move as reverted: the new half is given back. The rest is as of `confirm`.

        The answer still has the old half: the cells and devices that the record is to name again.
        """
        return self._end(uuid, REVERTING, REVERTED)

    def abort(self, uuid: str) -> Migration:
        """Give back the claim of a move that did not begin; one that has ended stays as it is.

        Raises:
            MigrationNotFound: There is none of this uuid.
            InstanceInvalidState: It has begun: the guest may have left its source.
        """
        with self._db.transaction() as connection:
            migration = self._migrations.get(uuid)
            if migration.status in (*ENDED, ERROR):
                return migration
            if migration.status in AWAY:
                raise InstanceInvalidState(
                    f"The {migration.migration_type} of {migration.name} is {migration.status} and cannot be aborted.",
                    "Confirm or revert it.",
                )
            return self._migrations.save(connection, _without_claims(migration))

    def drop_stale(self) -> int:
        """Give back the claims of moves that nobody began and nobody will: their run is dead. Return how many."""
        with self._db.transaction() as connection:
            stale = [migration for migration in self._migrations.list_open() if _is_stale(migration)]
            for migration in stale:
                self._migrations.save(connection, _without_claims(migration))
        return len(stale)

    def is_moving(self, instance_uuid: str) -> bool:
        """Return whether an instance is on its way to or from this host."""
        migration = self._migrations.find_open(instance_uuid)
        return migration is not None and migration.status != ERROR

    def _choose(self, tally: Tally, request: MoveRequest) -> MoveHalf:
        wanted = request.wanted
        held = self._account.choose(tally, Claimant(wanted, request.limits, request.pci_requests))
        hardware = held.hardware
        return MoveHalf(wanted.spec.flavor, held.usage, hardware.numa_topology, list(hardware.pci_devices))

    def _here(self, tally: Tally, uuid: str) -> Optional[Instance]:
        found = next((domain for domain in tally.domains if domain.uuid == uuid), None)
        if found is None:
            return None
        record = read_record(found)
        if record is None:
            raise InstanceExists(f"{self._host} has the domain {found.name} ({uuid}), which is not Novella's.")
        return record

    def _supersede(self, connection: sqlite3.Connection, request: MoveRequest) -> None:
        """Give back an earlier claim of the same move, or one that has come to nothing."""
        found = self._migrations.find_open(request.instance.uuid)
        if found is None:
            return
        if found.uuid == request.uuid and found.status == first_status(found.migration_type):
            self._migrations.save(connection, _without_claims(found))
        else:
            self._retire(connection, found)

    def _retire(self, connection: sqlite3.Connection, found: Optional[Migration]) -> None:
        if found is None:
            return
        if found.status != ERROR and not _is_stale(found):
            raise InstanceInvalidState(
                f"{found.name} is being moved already ({found.migration_type} to {found.dest_host}, {found.status}).",
                "Confirm, revert or abort that first.",
            )
        self._migrations.save(connection, _without_claims(found))

    def _end(self, uuid: str, through: str, status: str) -> Migration:
        given_back: dict[str, Any] = {"old": None} if status == CONFIRMED else {"new": None}
        with self._db.transaction() as connection:
            migration = self._migrations.get(uuid)
            if migration.status == FINISHED:
                migration = advanced(migration, through)
            return self._migrations.save(connection, advanced(migration, status).but(**given_back))


def _owner(run: str, seconds: Optional[float]) -> str:
    return current_owner() if seconds is None else lease(run, seconds)


def _is_stale(migration: Migration) -> bool:
    return migration.status == first_status(migration.migration_type) and not is_alive(migration.owner)


def _without_claims(migration: Migration) -> Migration:
    return migration.but(status=ERROR, old=None, new=None, updated_at=now())
