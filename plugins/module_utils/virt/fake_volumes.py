# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes of the fake driver: rows that know which guest has them, as it runs and as it is defined.

``"clinging": ["web-1"]`` in ``fake.json`` names guests that never let go of a disk while they run.
"""

from __future__ import annotations

import abc
import json
from typing import Any, Optional

from ..objects.errors import DeviceDetachFailed, InvalidVolume
from ..objects.ingredients import Image
from ..objects.instance import Instance
from ..objects.volume import Volume, VolumeRequest
from .driver import ComputeDriver
from .hypervisor import Domain

VOLUMES_SCHEMA = """
CREATE TABLE IF NOT EXISTS fake_volumes (uuid TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fake_attachments (
    instance TEXT NOT NULL, volume TEXT NOT NULL, device_name TEXT NOT NULL, PRIMARY KEY (instance, volume));
"""


class FakeVolumes(ComputeDriver):
    """What the fake driver does with volumes."""

    def list_volumes(self) -> list[Volume]:
        rows = self._rows("SELECT document FROM fake_volumes ORDER BY uuid")
        return [Volume.from_document(json.loads(row["document"])) for row in rows]

    def create_volume(self, volume: Volume, content: Optional[Image]) -> None:
        self._obey("create_volume", volume.name)
        self._write("INSERT OR IGNORE INTO fake_volumes VALUES (?, ?)", volume.uuid, json.dumps(volume.as_document()))

    def resize_volume(self, uuid: str, size_gb: int, instance_uuid: Optional[str]) -> None:
        volume = next((item for item in self.list_volumes() if item.uuid == uuid), None)
        if volume is not None and volume.size_gb < size_gb:
            self._obey("resize_volume", volume.name)
            grown = json.dumps(volume.but(size_gb=size_gb).as_document())
            self._write("UPDATE fake_volumes SET document = ? WHERE uuid = ?", grown, uuid)

    def delete_volume(self, uuid: str) -> None:
        self._obey("delete_volume", uuid)
        self._write("DELETE FROM fake_volumes WHERE uuid = ?", uuid)

    def attach_volume(self, instance_uuid: str, request: VolumeRequest, device_name: str) -> None:
        domain = self._require(instance_uuid)
        self._obey("attach_volume", domain.name)
        self._require_volume(request)
        if domain.power_state in ("running", "paused") and request.bus == "sata":
            raise InvalidVolume(
                f"{domain.name} runs, and a sata disk cannot be given to a running guest.",
                "Stop it first, or use bus virtio or scsi.",
            )
        self._attach(instance_uuid, request.uuid, device_name)

    def detach_volume(self, instance_uuid: str, volume_uuid: str) -> None:
        domain = self.get_domain(instance_uuid)
        if domain is None:
            return
        self._obey("detach_volume", domain.name)
        if domain.power_state == "running" and domain.name in self._settings().get("clinging", []):
            raise DeviceDetachFailed(
                f"{domain.name} did not let go of its disk.", "Unmount it in the guest, or stop it first."
            )
        self._write("DELETE FROM fake_attachments WHERE instance = ? AND volume = ?", instance_uuid, volume_uuid)

    def volumes_of(self, instance_uuid: str) -> dict[str, str]:
        """Return what a test sees of a guest: the names of its volumes' devices, by uuid."""
        rows = self._rows("SELECT * FROM fake_attachments WHERE instance = ? ORDER BY device_name", instance_uuid)
        return {row["volume"]: row["device_name"] for row in rows}

    def _define_volumes(self, instance: Instance) -> None:
        """Have a guest have the volumes that its record names, and no others."""
        for request in instance.spec.volumes:
            self._require_volume(request)
        self._forget_volumes(instance.uuid)
        for uuid, device_name in instance.device_names.items():
            self._attach(instance.uuid, uuid, device_name)

    def _forget_volumes(self, instance_uuid: str) -> None:
        if self.volumes_of(instance_uuid):
            self._write("DELETE FROM fake_attachments WHERE instance = ?", instance_uuid)

    def _attach(self, instance_uuid: str, volume_uuid: str, device_name: str) -> None:
        self._write("INSERT OR REPLACE INTO fake_attachments VALUES (?, ?, ?)", instance_uuid, volume_uuid, device_name)

    def _require_volume(self, request: VolumeRequest) -> None:
        if not any(volume.uuid == request.uuid for volume in self.list_volumes()):
            raise InvalidVolume(f"The volume '{request.name}' is not on this host.", "Bring it back.")

    @abc.abstractmethod
    def _rows(self, sql: str, *values: object) -> list[Any]: ...

    @abc.abstractmethod
    def _write(self, sql: str, *values: object) -> None: ...

    @abc.abstractmethod
    def _settings(self) -> dict[str, Any]: ...

    @abc.abstractmethod
    def _obey(self, method: str, name: str) -> None: ...

    @abc.abstractmethod
    def _require(self, uuid: str) -> Domain: ...
