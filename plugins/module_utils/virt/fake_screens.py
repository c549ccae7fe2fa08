# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The screens of guests of the fake driver. ``fake.json`` may say where they are, and what they show::

{"screens": {"vnc": "127.0.0.1", "serial": "127.0.0.1"},
 "pictures": {"web-1": "P6 1 1 255 abc"}}
"""

from __future__ import annotations

import abc
from typing import Any, Optional

from .driver import ComputeDriver
from .hypervisor import ConsoleAddress

_FIRST_PORT = {"vnc": 5900, "spice": 5900, "serial": 10000}
_USUAL_PICTURE = "P6\n2 2\n255\n" + "abc" * 4


class FakeScreens(ComputeDriver):
    """That part of the fake driver."""

    def get_console(self, uuid: str, kind: str) -> Optional[ConsoleAddress]:
        powered = [domain.uuid for domain in self.list_domains() if domain.power_state in ("running", "paused")]
        listen = self._screens().get(kind)
        return ConsoleAddress(listen, _FIRST_PORT[kind] + powered.index(uuid)) if listen and uuid in powered else None

    def get_screenshot(self, uuid: str, max_bytes: int) -> Optional[bytes]:
        domain = self.get_domain(uuid)
        if domain is None or not self._screens().get("vnc"):
            return None
        shown: str = self._settings().get("pictures", {}).get(domain.name, _USUAL_PICTURE)
        return shown.encode("latin-1")[:max_bytes]

    def _screens(self) -> dict[str, str]:
        screens: dict[str, str] = self._settings().get("screens", {"vnc": "127.0.0.1"})
        return screens

    @abc.abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return what ``fake.json`` says."""
