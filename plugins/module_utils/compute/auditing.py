# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a host: what it has, what is used, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional

from ..objects.host_report import ForeignDomain, HostReport, InstanceInProgress, LostInstance
from ..objects.instance import Instance, ObservedInstance
from ..virt.hypervisor import Domain
from .fingerprint import take_fingerprint
from .host import Host
from .operation import OPERATIONS
from .owner import is_alive, leasing_run
from .records import read_record
from .reservations import Reservations
from .states import ACTIVE, PAUSED, SHELVED, STOPPED, SUSPENDED
from .whereabouts import Whereabouts


def audit(host: Host) -> HostReport:
    """Read the host: resources, claims, every instance, and the domains that are not ours."""
    driver, db, tracker = host.driver, host.db, host.tracker
    # First of all: what changes while the host is read shall show the next time.
    fingerprint = take_fingerprint(host.options, db, driver.read_fingerprint)
    generation = db.get_fact("generation", 0)
    # What is reserved from here on may change what is read below.
    epoch = Reservations(db).epoch
    in_progress = _in_progress(host)
    roll = db.query("SELECT * FROM instances ORDER BY name")
    tally = tracker.update_available_resource()
    present = {domain.uuid for domain in tally.domains}
    busy = {entry.uuid for entry in in_progress}
    lost = [row for row in roll if row["uuid"] not in present | busy]
    disks = driver.list_root_disks() if lost else set()
    records = _records(host, tally.domains)
    at_rest = [record for _domain, record in records if record is not None and _is_at_rest(record)]
    drift = (
        driver.list_drift([record for record in at_rest if record.uuid not in busy and record.adopted is None])
        if at_rest
        else {}
    )
    leases = driver.list_addresses() if any(domain.power_state == "running" for domain in tally.domains) else {}
    return HostReport(
        compute_node=tally.node,
        service=tracker.service,
        generation=generation,
        instances=[
            _observe(domain, record, leases).but(drift=drift.get(record.uuid, []))
            for domain, record in records
            if record is not None
        ],
        foreign=[_foreign(domain) for domain, record in records if record is None],
        lost=[LostInstance(**dict(row), has_disk=row["uuid"] in disks) for row in lost],
        in_progress=in_progress,
        epoch=epoch,
        runs=_runs(host),
        remembers=Whereabouts(db).mark,
        fingerprint=fingerprint,
        reclaim_instance_interval=host.options.reclaim_instance_interval,
        volumes=tally.volumes,
        networks=driver.list_networks(),
    )


def look(host: Host) -> tuple[list[ObservedInstance], set[str]]:
    """Read which instances a host has, and how they are: what costs far less than to audit it.

    Returns:
        The instances by name, without addresses and drift; and the uuids of what other runs work on.
    """
    busy = {entry.uuid for entry in _in_progress(host)}
    records = _records(host, host.driver.list_domains())
    return [_observe(domain, record, {}) for domain, record in records if record is not None], busy


def _records(host: Host, domains: Iterable[Domain]) -> list[tuple[Domain, Optional[Instance]]]:
    """Return the domains by name, each with its record; None for those that are not ours."""
    unfinished = _unfinished(host)
    return [(domain, _unfinished_record(domain, unfinished)) for domain in sorted(domains, key=lambda each: each.name)]


def _is_at_rest(record: Instance) -> bool:
    """Return whether nothing but an outsider can have made its domain otherwise than the record says."""
    return record.task_state is None and record.vm_state in (ACTIVE, PAUSED, SHELVED, STOPPED, SUSPENDED)


def _in_progress(host: Host) -> list[InstanceInProgress]:
    """Return what other runs work on. A claim without a journal entry is a create that waits for its turn."""
    claims = host.db.query("SELECT uuid, name, owner FROM claims")
    busy = [
        InstanceInProgress(row["uuid"], row["name"], "create", leasing_run(row["owner"]))
        for row in claims
        if is_alive(row["owner"])
    ]
    busy += [
        InstanceInProgress(entry.uuid, entry.name, entry.operation)
        for entry in host.journal.entries()
        if is_alive(entry.owner)
    ]
    last = {item.uuid: item for item in busy}
    return [last[uuid] for uuid in sorted(last)]


def _runs(host: Host) -> list[str]:
    """Return the controllers' runs that hold names or room here."""
    owners = host.db.query("SELECT owner FROM claims UNION SELECT owner FROM reservations")
    return sorted({run for row in owners if (run := leasing_run(row["owner"]))})


def _unfinished(host: Host) -> dict[str, Optional[str]]:
    """Return the task_state of what dead runs left, by uuid: check mode finds it, as it recovers nothing.

    None where the recovery will do no more than to take the task_state away.
    """
    entries = [entry for entry in host.journal.entries() if not is_alive(entry.owner)]
    declared = {entry.uuid: OPERATIONS[entry.operation] for entry in entries}
    return {uuid: operation.task_state if operation.leaves_unfinished else None for uuid, operation in declared.items()}


def _unfinished_record(domain: Domain, unfinished: Mapping[str, Optional[str]]) -> Optional[Instance]:
    record = read_record(domain)
    if record is None or domain.uuid not in unfinished:
        return record
    return record.but(task_state=unfinished[domain.uuid])


def _observe(domain: Domain, instance: Instance, leases: Mapping[str, tuple[str, ...]]) -> ObservedInstance:
    macs = [nic.mac_address for nic in instance.spec.networks]
    if instance.adopted is not None:
        macs += [nic.mac_address for nic in instance.adopted.nics]
    addresses = [address for mac in macs for address in leases.get(mac, ())]
    return ObservedInstance(instance, domain.power_state, addresses)


def _foreign(domain: Domain) -> ForeignDomain:
    size = domain.size
    return ForeignDomain(domain.uuid, domain.name, domain.power_state, size.vcpus, size.memory_mb, size.disk_gb)
