# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewalls of the fake driver: rows that hold what a guest's packets would go by."""

from __future__ import annotations

import abc
import json
from typing import Any, Optional

from ..objects.firewall import Firewall
from ..objects.instance import Instance
from .driver import ComputeDriver
from .hypervisor import Domain

FIREWALLS_SCHEMA = "CREATE TABLE IF NOT EXISTS fake_firewalls (uuid TEXT PRIMARY KEY, document TEXT NOT NULL);"


class FakeFirewalls(ComputeDriver):
    """What the fake driver does with firewalls."""

    def set_firewall(self, instance: Instance) -> None:
        self._obey("set_firewall", self._require(instance.uuid).name)
        self._define_firewall(instance)

    def firewall_of(self, instance_uuid: str) -> Optional[Firewall]:
        """Return what a test sees of a guest's firewall, or None where it has none."""
        rows = self._rows("SELECT document FROM fake_firewalls WHERE uuid = ?", instance_uuid)
        return Firewall.from_dict(json.loads(rows[0]["document"]), "firewall") if rows else None

    def _define_firewall(self, instance: Instance) -> None:
        if instance.spec.firewall is None:
            self._forget_firewall(instance.uuid)
        else:
            document = json.dumps(instance.spec.firewall.as_dict())
            self._write("INSERT OR REPLACE INTO fake_firewalls VALUES (?, ?)", instance.uuid, document)

    def _forget_firewall(self, instance_uuid: str) -> None:
        if self.firewall_of(instance_uuid) is not None:
            self._write("DELETE FROM fake_firewalls WHERE uuid = ?", instance_uuid)

    @abc.abstractmethod
    def _rows(self, sql: str, *values: object) -> list[Any]: ...

    @abc.abstractmethod
    def _write(self, sql: str, *values: object) -> None: ...

    @abc.abstractmethod
    def _obey(self, method: str, name: str) -> None: ...

    @abc.abstractmethod
    def _require(self, uuid: str) -> Domain: ...
