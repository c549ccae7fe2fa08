# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fake driver's guests have of config drives, links and agents."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from ..objects.device import Device
from ..objects.errors import GuestAgentUnavailable
from .hypervisor import Domain

SILENT = "The guest's agent does not answer."


class FakeGuests:
    """A part of FakeDriver. Its settings are ``agents``, what the agents tell by name of the domain."""

    _require: Any
    _obey: Any
    _rows: Any
    _write: Any
    _settings: Any
    get_console_output: Any

    def read_config_drive(self, uuid: str) -> dict[str, bytes]:
        self._obey("read_config_drive", self._require(uuid).name)
        rows = self._rows("SELECT content FROM fake_disks WHERE uuid = ? AND kind = 'config'", uuid)
        if not rows:
            return {}
        return {path: text.encode() for path, text in json.loads(rows[0]["content"]).items()}

    def write_rescue_config_drive(self, uuid: str, files: Mapping[str, bytes]) -> None:
        self._obey("write_rescue_config_drive", self._require(uuid).name)
        content = json.dumps({path: data.decode("utf-8", "replace") for path, data in files.items()})
        self._write("INSERT OR REPLACE INTO fake_disks VALUES (?, 'config.rescue', ?)", uuid, content)

    def list_links(self, uuid: str) -> list[str]:
        domain: Domain = self._require(uuid)
        record = domain.record or {}
        return [nic["mac_address"] for nic in record.get("spec", {}).get("networks", [])]

    def set_links(self, uuid: str, macs: Collection[str], is_up: bool) -> None:
        self._obey("set_links", self._require(uuid).name)

    def list_devices(self, uuid: str) -> list[Device]:
        domain: Domain = self._require(uuid)
        spec = (domain.record or {}).get("spec", {})
        rows = self._rows("SELECT kind, content FROM fake_disks WHERE uuid = ? AND kind IN ('root', 'config')", uuid)
        names = {"root": ("vda", "disk"), "config": ("vdb", "disk")}
        disks = [Device("disk", *names[row["kind"]], read_only=row["kind"] == "config") for row in rows]
        volumes = (domain.record or {}).get("device_names", {})
        disks += [Device("disk", name, "disk", serial=volume, read_only=False) for volume, name in volumes.items()]
        return [*disks, *(Device("nic", mac=nic["mac_address"]) for nic in spec.get("networks", []))]

    def get_guest_facts(self, uuid: str) -> dict[str, Any]:
        domain: Domain = self._require(uuid)
        told = self._settings().get("agents", {}).get(domain.name)
        if told is None:
            raise GuestAgentUnavailable(SILENT)
        return dict(told)

    def is_agent_ready(self, uuid: str) -> bool:
        return self._require(uuid).name in self._settings().get("agents", {})

    def mark_console(self, uuid: str) -> str:
        return ""

    def read_console_since(self, uuid: str, mark: str, max_bytes: int) -> bytes:
        output: bytes = self.get_console_output(uuid, max_bytes)
        return output
