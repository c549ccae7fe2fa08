# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instances the scheduler believes to be on which host, and whether that belief can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance


@dataclass
class _Info:
    instances: dict[str, Instance] = field(default_factory=dict)
    in_sync: bool = False


class InstanceInfo:
    """Nova's bookkeeping of instances per host.

    Where Nova reads a host's instances anew from its database, the host is marked as out of sync instead:
    reading is the caller's, by an audit. A host is in sync when the set of uuids known here equals the set
    that it reported; contents are not compared.
    """

    def __init__(self) -> None:
        self._hosts: dict[str, _Info] = {}

    def of(self, host: str) -> dict[str, Instance]:
        """Return the instances of a host, as the very dict that later calls change."""
        return self._hosts.setdefault(host, _Info()).instances

    def out_of_sync(self) -> list[str]:
        """Return the hosts whose instances must be read again."""
        return sorted(host for host, info in self._hosts.items() if not info.in_sync)

    def replace(self, host: str, instances: Iterable[Instance]) -> None:
        """Take over the full list of an audit."""
        known = self.of(host)
        known.clear()
        known.update((instance.uuid, instance) for instance in instances)
        self._hosts[host].in_sync = True

    def forget(self, host: str) -> None:
        self._hosts.pop(host, None)

    def update(self, host: str, instances: list[Instance]) -> None:
        """Add or replace instances. Of an unknown host, only a list of several is trusted to be the full one."""
        trusted = self._hosts[host].in_sync if host in self._hosts else len(instances) > 1
        self.of(host).update((instance.uuid, instance) for instance in instances)
        self._hosts[host].in_sync = trusted

    def delete(self, host: str, uuid: str) -> None:
        """Forget an instance; one that is not known is no error. An unknown host is out of sync after it."""
        self.of(host).pop(uuid, None)

    def sync(self, host: str, uuids: Iterable[str]) -> None:
        """Compare with the uuids that a host reported. An unknown host is out of sync after it."""
        known = host in self._hosts
        self._hosts.setdefault(host, _Info()).in_sync = known and set(uuids) == self.of(host).keys()
