# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ComputeManager: the one door to a host's instances."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional

from ..manager import Manager
from ..objects.errors import NovellaError, OptionInvalid, nearest
from ..objects.host_report import ForeignDomain, HostReport, InstanceInProgress, LostInstance
from ..objects.instance import Instance, ObservedInstance
from ..objects.plan import Action
from ..virt.driver import ComputeDriver, Domain
from .hardware_claims import Claimant
from .host_options import HostOptions
from .journal import Entry, Journal
from .operation import OPERATIONS, Host, perform, recover_operations
from .operations import build as _build  # noqa: F401  an operation exists by being imported
from .operations import power as _power  # noqa: F401
from .operations import record as _record  # noqa: F401
from .operations import removal as _removal  # noqa: F401
from .owner import is_alive
from .resource_tracker import ResourceTracker, read_record
from .tracker_db import TrackerDB

Progress = Callable[[str, int, int], None]
Job = tuple[Action, Mapping[str, Any]]


class ComputeManager(Manager):
    """Manage the instances of one host, from creation to destruction.

    Args:
        options: The operator's settings of the host.
        driver: The hypervisor.
        db: The tracker database, open.
        progress: Told after each ended action: what it was, how many ended, how many there are.
    """

    def __init__(
        self, options: HostOptions, driver: ComputeDriver, db: TrackerDB, progress: Optional[Progress] = None
    ) -> None:
        tracker = ResourceTracker(options, driver, db)
        self._host = Host(options, driver, db, Journal(db), tracker)
        self._progress = progress

    def init_host(self) -> None:
        """Finish or undo what dead runs left behind; `recovered` then names it."""
        self.recovered = recover_operations(self._host)

    recovered: Sequence[Entry] = ()

    def audit(self) -> HostReport:
        """Read the host: resources, claims, every instance, and the domains that are not ours."""
        driver, db, tracker = self._host.driver, self._host.db, self._host.tracker
        generation = db.get_fact("generation", 0)
        in_progress = self._in_progress()
        roll = db.query("SELECT * FROM instances ORDER BY name")
        node, domains = tracker.update_available_resource()
        present = {domain.uuid for domain in domains}
        busy = {entry.uuid for entry in in_progress}
        lost = [row for row in roll if row["uuid"] not in present | busy]
        disks = driver.list_root_disks() if lost else set()
        unfinished = self._unfinished()
        records = [
            (domain, _unfinished_record(domain, unfinished)) for domain in sorted(domains, key=lambda each: each.name)
        ]
        leases = driver.list_addresses() if any(domain.power_state == "running" for domain in domains) else {}
        return HostReport(
            compute_node=node,
            service=tracker.service,
            generation=generation,
            instances=[_observe(domain, record, leases) for domain, record in records if record is not None],
            foreign=[_foreign(domain) for domain, record in records if record is None],
            lost=[LostInstance(**dict(row), has_disk=row["uuid"] in disks) for row in lost],
            in_progress=in_progress,
        )

    def _in_progress(self) -> list[InstanceInProgress]:
        """Return what other runs work on. A claim without a journal entry is a create that waits for its turn."""
        claims = self._host.db.query("SELECT uuid, name, owner FROM claims")
        busy = {row["uuid"]: (row["name"], "create") for row in claims if is_alive(row["owner"])}
        busy.update(
            (entry.uuid, (entry.name, entry.operation))
            for entry in self._host.journal.entries()
            if is_alive(entry.owner)
        )
        return [InstanceInProgress(uuid, name, operation) for uuid, (name, operation) in sorted(busy.items())]

    def _unfinished(self) -> dict[str, str]:
        """Return the task_state of what dead runs left, by uuid: check mode finds it, as it recovers nothing."""
        entries = self._host.journal.entries()
        return {entry.uuid: OPERATIONS[entry.operation].task_state for entry in entries if not is_alive(entry.owner)}

    def check_actions(self, actions: Iterable[Action]) -> None:
        """Refuse a slice that this release cannot do.

        Raises:
            OptionInvalid: An operation is unknown, or one that builds lacks its spec.
        """
        for action in actions:
            if action.operation not in OPERATIONS:
                known = sorted(OPERATIONS)
                hint = nearest(action.operation, known)
                raise OptionInvalid(f"'{action.operation}' is no operation.{hint}", f"There are: {', '.join(known)}.")
            if action.operation == "create" and action.spec is None:
                raise OptionInvalid(f"The action create of {action.name} lacks its spec.")

    def predict(self, actions: Sequence[Action]) -> list[dict[str, Any]]:
        """Return what `reconcile` would say, as far as can be told without doing anything."""
        self.check_actions(actions)
        return [{**_result(action, 0.0, None), "status": "planned"} for action in actions]

    def reconcile(self, actions: Sequence[Action], user_data: Mapping[str, bytes]) -> list[dict[str, Any]]:
        """Do this host's slice of a plan, several instances at once. One failure never stops another action.

        Deletes come first, as they make room; then all claims in one transaction; then the rest.

        Args:
            actions: The slice, in the plan's order.
            user_data: By uuid, for instances to be created.

        Returns:
            One result per action, in order: uuid, name, operation, status (done or failed), seconds, error.
        """
        self.check_actions(actions)
        creates = [action for action in actions if action.operation == "create"]
        deletes = [action for action in actions if action.operation == "delete"]
        others = [action for action in actions if action.operation not in ("create", "delete")]
        disks = self._host.driver.list_root_disks() if creates else set()
        results: dict[int, dict[str, Any]] = {}
        total = len(actions)
        with ThreadPoolExecutor(self._host.options.max_concurrent_builds) as pool:

            def work(batch: Sequence[Job]) -> None:
                # An instance's actions follow each other; different instances' do not wait.
                jobs: dict[str, list[Job]] = {}
                for job in batch:
                    jobs.setdefault(job[0].uuid, []).append(job)
                for job, result in itertools.chain.from_iterable(pool.map(self._attempt, jobs.values())):
                    results[id(job[0])] = result
                    if self._progress is not None:
                        what = f"{job[0].operation} {job[0].name}: {result['status']}"
                        self._progress(what, len(results), total)

            work([(action, {}) for action in deletes])
            ready: list[Job] = [(action, {"spec": action.spec, "vm_state": action.vm_state}) for action in others]
            for action, refusal in self._claim(creates):
                if refusal is not None:
                    results[id(action)] = _result(action, 0.0, refusal)
                    continue
                arguments = {
                    "spec": action.spec,
                    "vm_state": action.vm_state or "active",
                    "user_data": user_data.get(action.uuid),
                    "root_disk_exists": action.uuid in disks,
                }
                ready.append((action, arguments))
            work(ready)
        return [results[id(action)] for action in actions]

    def _claim(self, creates: Sequence[Action]) -> list[tuple[Action, Optional[NovellaError]]]:
        wanted = [
            Claimant(Instance(action.uuid, action.spec), action.limits, action.pci_requests)
            for action in creates
            if action.spec is not None
        ]
        outcome = self._host.tracker.instance_claims(wanted) if wanted else {}
        return [(action, outcome[action.uuid]) for action in creates]

    def _attempt(self, jobs: Sequence[Job]) -> list[tuple[Job, dict[str, Any]]]:
        """Do one instance's actions, in order."""
        ended = []
        for action, arguments in jobs:
            began = time.monotonic()
            fault: Optional[Exception] = None
            try:
                perform(self._host, OPERATIONS[action.operation], action.uuid, action.name, arguments)
            except Exception as error:  # one instance's failure never stops another's
                fault = error
            ended.append(((action, arguments), _result(action, time.monotonic() - began, fault)))
        return ended


def _unfinished_record(domain: Domain, unfinished: Mapping[str, str]) -> Optional[Instance]:
    record = read_record(domain)
    if record is None or domain.uuid not in unfinished:
        return record
    return record.but(task_state=unfinished[domain.uuid])


def _observe(domain: Domain, instance: Instance, leases: Mapping[str, tuple[str, ...]]) -> ObservedInstance:
    addresses = [address for nic in instance.spec.networks for address in leases.get(nic.mac_address, ())]
    return ObservedInstance(instance, domain.power_state, addresses)


def _foreign(domain: Domain) -> ForeignDomain:
    size = domain.size
    return ForeignDomain(domain.uuid, domain.name, domain.power_state, size.vcpus, size.memory_mb, size.disk_gb)


def _result(action: Action, seconds: float, fault: Optional[Exception]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "uuid": action.uuid,
        "name": action.name,
        "operation": action.operation,
        "status": "done" if fault is None else "failed",
        "seconds": round(seconds, 3),
    }
    if isinstance(fault, NovellaError):
        result["error"] = fault.as_dict()
    elif fault is not None:
        message = f"{action.operation} {action.name} failed: {type(fault).__name__}: {fault}."
        result["error"] = NovellaError(message).as_dict()
    return result
