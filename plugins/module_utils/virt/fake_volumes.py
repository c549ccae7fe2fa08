# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes of the fake driver: rows that know which guest has them, as it runs and as it is defined.

``"clinging": ["web-1"]`` in ``fake.json`` names guests that never let go of a disk while they run. A pool that makes no
volumes has every one that it is asked for, as large as it is asked for.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping
from typing import Any, Optional

from ..objects.errors import DeviceDetachFailed, InvalidVolume
from ..objects.ingredients import Image
from ..objects.instance import Instance
from ..objects.volume import Volume, VolumeRequest
from .driver import ComputeDriver
from .hypervisor import Copying, Domain

VOLUMES_SCHEMA = """
CREATE TABLE IF NOT EXISTS fake_volumes (uuid TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fake_attachments (
    instance TEXT NOT NULL, volume TEXT NOT NULL, device_name TEXT NOT NULL, PRIMARY KEY (instance, volume));
CREATE TABLE IF NOT EXISTS fake_limits (volume TEXT PRIMARY KEY, limits TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fake_passphrases (volume TEXT PRIMARY KEY);
"""


class FakeVolumes(ComputeDriver):
    """What the fake driver does with volumes."""

    def list_volumes(self) -> list[Volume]:
        rows = self._rows("SELECT document FROM fake_volumes ORDER BY uuid")
        return [Volume.from_document(json.loads(row["document"])) for row in rows]

    def find_volume(self, request: VolumeRequest) -> Optional[Volume]:
        if not request.is_made:
            return Volume(request.uuid, request.name, request.size_gb, request.format, pool=request.pool)
        found = (item for item in self.list_volumes() if item.uuid == request.uuid and item.pool == request.pool)
        return next(found, None)

    def check_volume_free(self, request: VolumeRequest, instance_uuid: str) -> None:
        return

    def keep_passphrase(self, uuid: str, passphrase: bytes) -> None:
        self._obey("keep_passphrase", uuid)
        if not self._rows("SELECT volume FROM fake_passphrases WHERE volume = ?", uuid):
            self._write("INSERT OR REPLACE INTO fake_passphrases VALUES (?)", uuid)

    def create_volume(self, volume: Volume, content: Optional[Image]) -> None:
        self._obey("create_volume", volume.name)
        known = [row["volume"] for row in self._rows("SELECT volume FROM fake_passphrases")]
        if volume.encrypted and volume.uuid not in known:
            raise InvalidVolume(f"The volume {volume.uuid} is encrypted, and this host does not know its passphrase.")
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
        self._write("DELETE FROM fake_passphrases WHERE volume = ?", uuid)

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
        self.limit_volume(instance_uuid, request.uuid, request.limits)

    def limit_volume(self, instance_uuid: str, volume_uuid: str, limits: Mapping[str, int]) -> None:
        told, now = json.dumps(limits, sort_keys=True), self.limits_of(volume_uuid)
        if told != json.dumps(now, sort_keys=True):
            self._obey("limit_volume", volume_uuid)
            self._write("INSERT OR REPLACE INTO fake_limits VALUES (?, ?)", volume_uuid, told)

    def limits_of(self, volume_uuid: str) -> dict[str, int]:
        """Return what a test sees of a volume: its limits."""
        rows = self._rows("SELECT limits FROM fake_limits WHERE volume = ?", volume_uuid)
        return json.loads(rows[0]["limits"]) if rows else {}

    def copy_volume(
        self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str, progress: Copying
    ) -> None:
        self._require(instance_uuid)
        self._obey("copy_volume", request.name)
        self._require_volume(request)
        progress(1, 1)

    def pivot_volume(self, instance_uuid: str, old_uuid: str, request: VolumeRequest, device_name: str) -> None:
        self._obey("pivot_volume", request.name)
        if request.uuid not in self.volumes_of(instance_uuid):
            self._attach(instance_uuid, request.uuid, device_name)
        if old_uuid in self.volumes_of(instance_uuid):
            sql = "DELETE FROM fake_attachments WHERE instance = ? AND volume = ?"
            self._write(sql, instance_uuid, old_uuid)

    def drop_volume_copy(self, instance_uuid: str, old_uuid: str, new_uuid: str) -> Optional[bool]:
        domain = self.get_domain(instance_uuid)
        if domain is None or domain.power_state not in ("running", "paused"):
            return None
        return new_uuid in self.volumes_of(instance_uuid)

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
        if request.is_made and not any(volume.uuid == request.uuid for volume in self.list_volumes()):
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
