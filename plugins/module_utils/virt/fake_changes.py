# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests of the fake driver that are changed in place, or outside Novella.

What somebody has changed about a row is drift: the sizes that it shows, and the volumes that it has.
"""

from __future__ import annotations

import abc
from collections.abc import Collection
from typing import Any

from ..objects.drift import Drift
from ..objects.instance import Instance
from .driver import ComputeDriver
from .hypervisor import Domain


class FakeChanges(ComputeDriver):
    """What the fake driver does to change guests."""

    def list_drift(self, instances: Collection[Instance]) -> dict[str, list[Drift]]:
        rows = {row["uuid"]: row for row in self._rows("SELECT * FROM fake_domains")}
        found = {item.uuid: self._drift_of(item, rows[item.uuid]) for item in instances if item.uuid in rows}
        return {uuid: drift for uuid, drift in found.items() if drift}

    def resize_root_disk(self, uuid: str, size_gb: int) -> None:
        self._obey("resize_root_disk", self._require(uuid).name)
        self._write("UPDATE fake_domains SET disk_gb = max(disk_gb, ?) WHERE uuid = ?", size_gb, uuid)

    def plug_devices(self, instance: Instance) -> None:
        self._obey("plug_devices", self._require(instance.uuid).name)
        self._define_volumes(instance)

    def change_behind(self, uuid: str, vcpus: int, memory_mb: int) -> None:
        """Give a guest another size, as somebody with virsh does."""
        self._write("UPDATE fake_domains SET vcpus = ?, memory_mb = ? WHERE uuid = ?", vcpus, memory_mb, uuid)

    def _drift_of(self, instance: Instance, row: Any) -> list[Drift]:
        flavor, is_on = instance.spec.flavor, row["power_state"] in ("running", "paused")
        held = self.volumes_of(instance.uuid)
        sizes = (("vcpus", flavor.vcpus, row["vcpus"]), ("memory_mb", flavor.memory_mb, row["memory_mb"]))
        drift = [Drift(name, str(before), str(after), is_on) for name, before, after in sizes if before != after]
        drift += [Drift(f"disk {uuid}", "virtio", None, is_on) for uuid in instance.device_names if uuid not in held]
        drift += [Drift(f"disk {uuid}", None, "virtio", is_on) for uuid in held if uuid not in instance.device_names]
        return drift

    @abc.abstractmethod
    def volumes_of(self, instance_uuid: str) -> dict[str, str]: ...

    @abc.abstractmethod
    def _define_volumes(self, instance: Instance) -> None: ...

    @abc.abstractmethod
    def _rows(self, sql: str, *values: object) -> list[Any]: ...

    @abc.abstractmethod
    def _write(self, sql: str, *values: object) -> None: ...

    @abc.abstractmethod
    def _obey(self, method: str, name: str) -> None: ...

    @abc.abstractmethod
    def _require(self, uuid: str) -> Domain: ...
