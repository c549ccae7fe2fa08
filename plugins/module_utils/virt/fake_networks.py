# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks of the fake driver: what is defined, who has which address reserved, and who has which NIC."""

from __future__ import annotations

import abc
import json
from typing import Any

from ..objects.errors import DeviceDetachFailed, FixedIpAlreadyInUse, NetworkInUse
from ..objects.ingredients import NetworkRequest
from ..objects.instance import Instance
from ..objects.network import Network
from .driver import ComputeDriver
from .hypervisor import Domain

NETWORKS_SCHEMA = """
CREATE TABLE IF NOT EXISTS fake_networks (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fake_reservations (
    network TEXT NOT NULL, mac TEXT NOT NULL, address TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (network, mac));
CREATE TABLE IF NOT EXISTS fake_interfaces (
    instance TEXT NOT NULL, mac TEXT NOT NULL, network TEXT, PRIMARY KEY (instance, mac));
"""


class FakeNetworks(ComputeDriver):
    """What the fake driver does with networks."""

    def list_networks(self) -> list[Network]:
        rows = self._rows("SELECT document FROM fake_networks ORDER BY name")
        return [Network.from_document(json.loads(row["document"])) for row in rows]

    def define_network(self, network: Network) -> None:
        self._obey("define_network", network.name)
        if network in self.list_networks():
            return
        self._refuse_used(network.libvirt_name)
        document = json.dumps(network.as_document())
        self._write("INSERT OR REPLACE INTO fake_networks VALUES (?, ?)", network.libvirt_name, document)

    def delete_network(self, name: str) -> None:
        self._obey("delete_network", name)
        self._refuse_used(name)
        self._write("DELETE FROM fake_networks WHERE name = ?", name)

    def reserve_addresses(self, request: NetworkRequest, name: str) -> None:
        self._obey("reserve_addresses", name)
        if not any(network.libvirt_name == request.libvirt_network for network in self.list_networks()):
            return
        wanted = next((item for item in request.addresses if item.dhcp and item.version == 4), None)
        if wanted is None:
            self.release_addresses(request)
            return
        values = request.libvirt_network, request.mac_address, wanted.address
        held = self._rows("SELECT mac FROM fake_reservations WHERE network = ? AND address = ?", values[0], values[2])
        for row in held:
            if row["mac"] != request.mac_address:
                if self._rows("SELECT 1 FROM fake_interfaces WHERE mac = ?", row["mac"]):
                    raise FixedIpAlreadyInUse(f"{wanted.address} is reserved for {row['mac']} on this host.")
                self._write("DELETE FROM fake_reservations WHERE mac = ?", row["mac"])
        self._write("INSERT OR REPLACE INTO fake_reservations VALUES (?, ?, ?, ?)", *values, name)

    def release_addresses(self, request: NetworkRequest) -> None:
        self._obey("release_addresses", request.mac_address)
        self._write("DELETE FROM fake_reservations WHERE mac = ?", request.mac_address)

    def attach_interface(self, instance_uuid: str, request: NetworkRequest) -> None:
        self._obey("attach_interface", self._require(instance_uuid).name)
        self._obey("attach_interface", request.bridge or request.libvirt_network or "")
        self._plug(instance_uuid, request)

    def detach_interface(self, instance_uuid: str, mac_address: str) -> None:
        domain = self.get_domain(instance_uuid)
        if domain is None:
            return
        self._obey("detach_interface", domain.name)
        if domain.power_state == "running" and domain.name in self._settings().get("clinging", []):
            raise DeviceDetachFailed(f"{domain.name} did not let go of its NIC.", "Try again later, or stop it first.")
        self._write("DELETE FROM fake_interfaces WHERE instance = ? AND mac = ?", instance_uuid, mac_address)

    def interfaces_of(self, instance_uuid: str) -> list[str]:
        """Return what a test sees of a guest: the MAC addresses of its NICs."""
        rows = self._rows("SELECT mac FROM fake_interfaces WHERE instance = ? ORDER BY mac", instance_uuid)
        return [row["mac"] for row in rows]

    def reservations(self) -> dict[str, tuple[str, str]]:
        """Return what a test sees of the DHCP servers: address and name, by MAC address."""
        rows = self._rows("SELECT * FROM fake_reservations ORDER BY mac")
        return {row["mac"]: (row["address"], row["name"]) for row in rows}

    def _define_interfaces(self, instance: Instance) -> None:
        """Have a guest have the NICs that its record names, and no others."""
        self._forget_interfaces(instance.uuid)
        for request in instance.spec.networks:
            self._plug(instance.uuid, request)

    def _forget_interfaces(self, instance_uuid: str) -> None:
        if self.interfaces_of(instance_uuid):
            self._write("DELETE FROM fake_interfaces WHERE instance = ?", instance_uuid)

    def _plug(self, instance_uuid: str, request: NetworkRequest) -> None:
        values = instance_uuid, request.mac_address, request.libvirt_network
        self._write("INSERT OR REPLACE INTO fake_interfaces VALUES (?, ?, ?)", *values)

    def _refuse_used(self, name: str) -> None:
        if self._rows("SELECT 1 FROM fake_interfaces WHERE network = ?", name):
            raise NetworkInUse(f"The network '{name}' has guests on this host.", "Detach their NICs first.")

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
