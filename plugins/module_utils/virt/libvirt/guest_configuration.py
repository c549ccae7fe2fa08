# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest is told of itself, and what it tells: a part of LibvirtDriver."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...objects.device import Device
from ...objects.instance import Instance
from .console_log import mark_end, read_since
from .devices import read_devices
from .guest_agent import GuestAgent
from .guest_links import list_links, set_links
from .power import GuestPower
from .storage import checked_uuid

# What the agent is asked of its guest. None of it takes an argument, or changes anything.
QUESTIONS = (
    *("guest-get-osinfo", "guest-get-host-name", "guest-get-timezone", "guest-network-get-interfaces"),
    *("guest-get-users", "guest-get-fsinfo"),
)


class GuestConfiguration:
    """Config drives, links and agents' words."""

    _disks: Any
    _agent: GuestAgent
    _power: GuestPower
    _domain: Any

    def read_config_drive(self, uuid: str) -> dict[str, bytes]:
        # Only who changes a config drive needs it loaded.
        from ..config_drive_image import read_image

        image = self._disks.read_config_drive(checked_uuid(uuid))
        return read_image(image) if image else {}

    def write_config_drive(self, instance: Instance, files: Mapping[str, bytes]) -> None:
        # Only who builds an instance, or changes its config drive, needs it loaded.
        from ..config_drive_image import build_image

        uuid = checked_uuid(instance.uuid)
        image = build_image(files)
        self._disks.write_config_drive(uuid, image, is_waiting=self._power.has_memory(uuid))

    def write_rescue_config_drive(self, uuid: str, files: Mapping[str, bytes]) -> None:
        from ..config_drive_image import build_image

        self._disks.write_config_drive(checked_uuid(uuid), build_image(files), for_rescue=True)

    def list_links(self, uuid: str) -> list[str]:
        return list_links(self._domain(uuid))

    def set_links(self, uuid: str, macs: Collection[str], is_up: bool) -> None:
        set_links(self._domain(uuid), macs, is_up)

    def list_devices(self, uuid: str) -> list[Device]:
        return read_devices(self._domain(uuid))

    def get_guest_facts(self, uuid: str) -> dict[str, Any]:
        return self._agent.ask_all(uuid, QUESTIONS)

    def is_agent_ready(self, uuid: str) -> bool:
        return self._agent.answers(checked_uuid(uuid))

    def mark_console(self, uuid: str) -> str:
        return mark_end(checked_uuid(uuid))

    def read_console_since(self, uuid: str, mark: str, max_bytes: int) -> bytes:
        return read_since(checked_uuid(uuid), mark, max_bytes)
