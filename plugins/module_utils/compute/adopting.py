# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains that an operator hands over: each becomes an instance, or is told why it cannot."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..objects.base import Record
from ..objects.errors import InstanceInvalidState, InstanceLocked
from ..objects.instance import Instance, InstanceSpec
from ..virt.hypervisor import Domain
from .adopted import check_adoptable
from .commands import DONE, FAILED, PLANNED, UNCHANGED, Answer
from .host import Host
from .operation import OPERATIONS, perform
from .reconciliation import Progress, describe_failure
from .records import check_writable, read_record
from .run_states import SEEN_AS

ADOPT = "adopt"
FOREIGN = "foreign"


@dataclass(frozen=True)
class AdoptionOrder(Record):
    """A domain, by its uuid, and what it shall be as an instance."""

    uuid: str
    spec: InstanceSpec


def adopt_domains(
    host: Host, orders: Sequence[AdoptionOrder], check: bool, progress: Optional[Progress] = None
) -> list[Answer]:
    """Make instances of domains, and tell of each by name. One's failure never stops another's.

    A domain that is that very instance already is left alone. In each answer `record_before` and `record_after` tell
    what is known of it.

    Args:
        check: Only tell what would come of it.
        progress: Told after each ended domain: what it was, how many ended, how many there are.
    """
    domains = {domain.uuid: domain for domain in host.driver.list_domains()} if orders else {}
    busy = {entry.uuid for entry in host.journal.entries()}
    answers: list[Answer] = []
    for order in orders:
        answers.append(_adopt(host, order, domains.get(order.uuid), busy, check))
        if progress is not None:
            progress(f"{ADOPT} {order.spec.name}: {answers[-1].status}", len(answers), len(orders))
    return answers


def _adopt(host: Host, order: AdoptionOrder, domain: Optional[Domain], busy: Iterable[str], check: bool) -> Answer:
    spec, whose = order.spec, (order.uuid, order.spec.name, order.spec.fleet, order.spec.project_id)
    answer = Answer(*whose, host.options.host, ADOPT, UNCHANGED, FOREIGN, FOREIGN)
    record = None if domain is None else read_record(domain)
    if record is not None and record.adopted is not None and record.spec == spec:
        told = _tell(record)
        return answer.but(before=record.vm_state, after=record.vm_state, record_before=told, record_after=told)
    began = time.monotonic()
    try:
        foretold = _foretell(host, order, domain, busy)
        adopted = foretold if check else _perform(host, order)
    except Exception as error:  # one domain's failure never stops another's
        failure = describe_failure(ADOPT, spec.name, error)
        return answer.but(status=FAILED, error=failure, seconds=round(time.monotonic() - began, 3))
    return answer.but(
        status=PLANNED if check else DONE,
        after=adopted.vm_state,
        seconds=0.0 if check else round(time.monotonic() - began, 3),
        record_before={"domain": "" if domain is None else domain.name, "instance": None},
        record_after=_tell(adopted),
    )


def _foretell(host: Host, order: AdoptionOrder, domain: Optional[Domain], busy: Iterable[str]) -> Instance:
    """Return the instance that it becomes, or raise what adopting it would raise."""
    name = order.spec.name
    if order.uuid in busy:
        raise InstanceLocked(f"{name} is in the hands of another run.", "Run again when it has ended.")
    check_adoptable(domain, order.uuid, host.options.host)
    vm_state = None if domain is None else SEEN_AS.get(domain.power_state)
    if domain is None or vm_state is None:
        power = "gone" if domain is None else domain.power_state
        raise InstanceInvalidState(f"The domain of {name} is {power}.", "Start it or switch it off first.")
    made = Instance(order.uuid, order.spec, vm_state=vm_state, adopted=host.driver.read_adoption(order.uuid))
    check_writable(made, host.options.record_version_cap)
    return made


def _perform(host: Host, order: AdoptionOrder) -> Instance:
    return perform(host, OPERATIONS[ADOPT], order.uuid, order.spec.name, {"spec": order.spec}).instance


def _tell(instance: Instance) -> dict[str, Any]:
    """Return what people are shown of an adopted instance."""
    adopted, flavor = instance.adopted, instance.spec.flavor
    told: dict[str, Any] = {
        "instance": instance.spec.name,
        "fleet": instance.spec.fleet,
        "project_id": instance.spec.project_id,
        "vm_state": instance.vm_state,
        "flavor": flavor.name,
        "vcpus": flavor.vcpus,
        "memory_mb": flavor.memory_mb,
        "root_gb": flavor.root_gb,
    }
    if adopted is None:
        return told
    kinds: Mapping[str, list[str]] = {
        "disks": [f"{disk.device_name} ({disk.kind}, {disk.size_gb} GiB): {disk.source}" for disk in adopted.disks],
        "nics": [f"{nic.mac_address} ({nic.kind}): {nic.source}" for nic in adopted.nics],
        "kept": list(adopted.kept),
    }
    return {"domain": adopted.domain_name, **told, **kinds}
