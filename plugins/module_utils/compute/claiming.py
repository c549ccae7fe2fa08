# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claim phase on one host: names reserved for a run, and room for what it will build here.

Nothing is built yet. The controller compares what all hosts say, and builds what nobody objects to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..objects.base import Record
from ..objects.plan import Action
from ..objects.whereabouts import Whereabout
from .hardware_claims import claimants
from .host import Host
from .owner import is_alive, is_lease_of
from .reservations import Reservations, instance_key
from .whereabouts import Whereabouts


@dataclass(frozen=True)
class Wish(Record):
    """What is to be reserved for one instance that will be made.

    `host` is where it will be made. `groups` are the keys of groups that nobody else may add to at the same time, and
    of addresses that nobody else may give away.
    """

    uuid: str
    name: str
    host: str
    groups: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [instance_key(self.uuid), *self.groups]


@dataclass(frozen=True)
class ClaimAnswer(Record):
    """What a host says: objections to instances by uuid, and why it has no room for some of its own."""

    objections: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)


def claim(
    host: Host, run: str, wishes: Sequence[Wish], actions: Sequence[Action], epoch: int, seconds: float
) -> ClaimAnswer:
    """Reserve names, and claim room for the creates of this host whose names it grants.

    Args:
        run: The id of the controller's run. What it holds already it may ask for again.
        wishes: Of which instances this host keeps the names.
        actions: The creates for this host.
        epoch: The count of reservations in the audit that the plan was made from.
        seconds: How long names and room are kept without another word.
    """
    here = {action.uuid for action in actions}
    with host.db.transaction() as connection:
        reservations = Reservations(host.db)
        taken = _taken(host, run)
        objections = {}
        for wish in wishes:
            why = _objection(host, reservations, taken, wish, run, epoch)
            if why is not None:
                objections[wish.uuid] = why
        granted = [wish for wish in wishes if wish.uuid not in objections]
        reservations.grant(connection, dict.fromkeys(key for wish in granted for key in wish.keys), run, seconds)
        Whereabouts(host.db).expect([Whereabout(wish.uuid, wish.name, wish.host) for wish in granted], run)
        wanted = claimants(action for action in actions if action.uuid not in objections)
        outcome = host.tracker.instance_claims(wanted, run, seconds) if wanted else {}
    refusals = {uuid: error.as_dict() for uuid, error in outcome.items() if error is not None and uuid in here}
    return ClaimAnswer(objections, refusals)


def release(host: Host, run: str) -> None:
    """Give back all names and claims of a run."""
    with host.db.transaction():
        Reservations(host.db).release(run)
        _drop_claims(host, run)


def withdraw(host: Host, run: str, wishes: Sequence[Wish], waiting: Collection[str]) -> None:
    """Give back what a run has claimed for instances that it does not build now.

    Args:
        wishes: Of which it gives back the names too.
        waiting: Uuids of those whose names it keeps, to try again.
    """
    unused = {wish.uuid for wish in wishes}
    with host.db.transaction():
        Reservations(host.db).withdraw(run, [key for wish in wishes for key in wish.keys])
        Whereabouts(host.db).forget(run, unused)
        _drop_claims(host, run, unused.union(waiting))


def forget_moved(host: Host, elsewhere: Iterable[str], run: str) -> None:
    """Clear away what this host still has of instances that live on another one.

    What has its root disk here yet is kept, and so is what another run is at work on.
    """
    rolled = {row["uuid"] for row in host.db.query("SELECT uuid FROM instances")}.intersection(elsewhere)
    if not rolled:
        return
    with host.db.transaction() as connection:
        # Asked for while nobody can claim: what somebody builds from now on is not to be cleared.
        for uuid in rolled.difference(host.driver.list_root_disks(), _taken(host, run)):
            if host.driver.get_domain(uuid) is None:
                host.driver.delete_disks(uuid)
                connection.execute("DELETE FROM instances WHERE uuid = ?", (uuid,))


def _drop_claims(host: Host, run: str, uuids: Optional[Collection[str]] = None) -> None:
    """Give back the room that a run has claimed, for all instances or for some."""
    for row in host.db.query("SELECT uuid, owner FROM claims"):
        if is_lease_of(row["owner"], run) and (uuids is None or row["uuid"] in uuids):
            host.tracker.drop_claim(row["uuid"])


def _taken(host: Host, run: str) -> dict[str, str]:
    """Return, by uuid, what this host is making for others."""
    name = host.options.host
    claims = host.db.query("SELECT uuid, owner FROM claims")
    busy = [row["uuid"] for row in claims if is_alive(row["owner"]) and not is_lease_of(row["owner"], run)]
    busy += [entry.uuid for entry in host.journal.entries() if is_alive(entry.owner)]
    return dict.fromkeys(busy, f"another run makes it on {name}")


def _objection(
    host: Host, reservations: Reservations, taken: Mapping[str, str], wish: Wish, run: str, epoch: int
) -> Optional[str]:
    if wish.uuid in taken:
        return taken[wish.uuid]
    if host.driver.get_domain(wish.uuid) is not None:
        return f"it is on {host.options.host} by now"
    for key in wish.keys:
        why = reservations.objection(key, run, epoch)
        if why is not None:
            kind = "address" if key.startswith("address/") else "group"
            what = f"{kind} {key.rpartition('/')[2]}: " if key in wish.groups else ""
            return f"{what}{why}"
    return None
