# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""FakeDriver: no hypervisor, same interface. For speed and scale of tests, never the proof that something works.

Its guests lie in tables of their own in the host's tracker.db, so they outlive the module run. What it has, how slow
it is and what fails are read from ``fake.json`` in the state directory::

    {"resources": {"vcpus": 8, "memory_mb": 8192, "local_gb": 100,
                   "numa_cells": [{"id": 0, "cpuset": "0-7", "memory": 8192}]},
     "pci_devices": [{"address": "0000:03:00.0", "vendor_id": "8086", "product_id": "1520"}],
     "free_disk_mb": 20480,
     "consoles": {"web-1": "login: "},
     "delays": {"power_on": 0.05},
     "failures": {"power_on": {"web-1": "no such luck"}}}
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid as uuids
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Optional

from ..objects.adoption import AdoptedDisk, Adoption
from ..objects.compute_node import Usage
from ..objects.diagnostics import CpuDetails, Diagnostics, MemoryDetails, NicDetails
from ..objects.errors import (
    HypervisorError,
    InstanceExists,
    InstanceInvalidState,
    InstanceNotFound,
    NotSupported,
    OptionInvalid,
)
from ..objects.instance import Instance
from ..objects.numa import NUMACell
from ..objects.pci import PciDevice
from .fake_changes import FakeChanges
from .fake_copies import Database, FakeCopies
from .fake_firewalls import FIREWALLS_SCHEMA, FakeFirewalls
from .fake_guest import FakeGuests
from .fake_images import IMAGES_SCHEMA, FakeImages
from .fake_networks import NETWORKS_SCHEMA, FakeNetworks
from .fake_screens import FakeScreens
from .fake_volumes import VOLUMES_SCHEMA, FakeVolumes
from .hypervisor import CachedImage, DiskSpace, Domain, HostResources, UnusedImage
from .local_disks import local_disks

SETTINGS_FILE = "fake.json"

_MIB, _GIB = 1024**2, 1024**3
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS fake_domains (
    uuid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, power_state TEXT NOT NULL, vcpus INTEGER NOT NULL,
    memory_mb INTEGER NOT NULL, disk_gb INTEGER NOT NULL, record TEXT);
CREATE TABLE IF NOT EXISTS fake_disks (
    uuid TEXT NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (uuid, kind));
CREATE TABLE IF NOT EXISTS fake_titles (uuid TEXT PRIMARY KEY, title TEXT NOT NULL);
{IMAGES_SCHEMA}
{VOLUMES_SCHEMA}
{NETWORKS_SCHEMA}
{FIREWALLS_SCHEMA}
"""


class FakeDriver(
    FakeGuests, FakeScreens, FakeCopies, FakeImages, FakeVolumes, FakeNetworks, FakeFirewalls, FakeChanges
):
    """See the module.

    Args:
        host: The host's name.
        state_path: Where ``fake.json`` is looked for.
        db: The host's tracker database, open.
    """

    def __init__(self, host: str, state_path: str, db: Database, record_version_cap: Optional[str] = None) -> None:
        self._host = host
        self._settings_path = Path(state_path) / SETTINGS_FILE
        self._db = db
        self._record_version_cap = record_version_cap

    # -- reading ---------------------------------------------------------------------------------------------

    def get_available_resource(self) -> HostResources:
        self._obey("get_available_resource", self._host)
        has = {"vcpus": 8, "memory_mb": 8192, "local_gb": 100, **self._settings().get("resources", {})}
        cells = has.pop("numa_cells", [])
        return HostResources(
            uuid=str(uuids.uuid5(uuids.NAMESPACE_DNS, self._host)),
            hypervisor_hostname=self._host,
            hypervisor_type="fake",
            hypervisor_version=1000000,
            host_ip=None,
            cpu_info={"arch": "x86_64"},
            supported_instances=(("x86_64", "fake", "hvm"),),
            numa_cells=tuple(NUMACell.from_dict(cell, "numa_cells") for cell in cells),
            **has,
        )

    def list_pci_devices(self) -> list[PciDevice]:
        return [PciDevice.from_dict(item, "pci_devices") for item in self._settings().get("pci_devices", [])]

    def list_domains(self) -> list[Domain]:
        self._obey("list_domains", self._host)
        return [self._domain(row) for row in self._rows("SELECT * FROM fake_domains ORDER BY name")]

    def get_domain(self, uuid: str) -> Optional[Domain]:
        rows = self._rows("SELECT * FROM fake_domains WHERE uuid = ?", uuid)
        return self._domain(rows[0]) if rows else None

    def get_disk_space(self, domains: Iterable[Domain]) -> Optional[DiskSpace]:
        free_mb = self._settings().get("free_disk_mb")
        if free_mb is None:
            return None
        # Its guests never write: all of their disks is still to come.
        disks = [*(domain.size.disk_gb for domain in domains), *(volume.size_gb for volume in self.list_volumes())]
        return DiskSpace(free_mb * _MIB, sum(disks) * _GIB)

    def list_addresses(self) -> dict[str, tuple[str, ...]]:
        addresses: dict[str, tuple[str, ...]] = {}
        for domain in self.list_domains():
            if domain.record is None or domain.power_state != "running":
                continue
            for nic in domain.record["spec"].get("networks", []):
                octets = [int(part, 16) for part in nic["mac_address"].split(":")[3:]]
                if nic.get("addresses"):
                    addresses[nic["mac_address"]] = tuple(item["address"] for item in nic["addresses"])
                    continue
                addresses[nic["mac_address"]] = (".".join(str(octet) for octet in [10, *octets]),)
        return addresses

    def read_adoption(self, uuid: str) -> Adoption:
        domain = self._require(uuid)
        self._obey("read_adoption", domain.name)
        if domain.name in self._settings().get("transient", []):
            raise NotSupported(f"The domain '{domain.name}' is transient.", "Define it.")
        disk = AdoptedDisk("vda", "disk", f"/srv/{domain.name}.qcow2", domain.size.disk_gb, True)
        return Adoption(domain.name, [disk], [], ["a definition of its own"])

    def get_diagnostics(self, uuids: Collection[str]) -> dict[str, Diagnostics]:
        self._obey("get_diagnostics", self._host)
        asked = [domain for domain in self.list_domains() if domain.uuid in uuids]
        return {domain.uuid: _diagnose(domain) for domain in asked if domain.power_state in ("running", "paused")}

    def read_fingerprint(self, with_pci: bool) -> str:
        self._obey("read_fingerprint", self._host)
        domains = [list(row) for row in self._rows("SELECT * FROM fake_domains ORDER BY uuid")]
        disks = [list(row) for row in self._rows("SELECT * FROM fake_disks ORDER BY uuid, kind")]
        volumes = [volume.as_dict() for volume in self.list_volumes()]
        networks = [network.as_dict() for network in self.list_networks()]
        return hashlib.sha256(json.dumps([domains, disks, volumes, networks, self._settings()]).encode()).hexdigest()

    def list_root_disks(self) -> set[str]:
        rows = self._rows("SELECT uuid FROM fake_disks WHERE kind IN ('root', 'swap') OR kind LIKE 'ephemeral_'")
        return {row["uuid"] for row in rows}

    def list_unused_images(self, minimum_age: float) -> list[UnusedImage]:
        used = {row["content"] for row in self._rows("SELECT content FROM fake_disks WHERE kind NOT LIKE 'config%'")}
        latest = time.time_ns() - int(minimum_age * 1e9)
        old = self._rows("SELECT * FROM fake_images WHERE used_at <= ? ORDER BY path", latest)
        return [UnusedImage(row["path"], _GIB, row["used_at"]) for row in old if row["path"] not in used]

    # -- building --------------------------------------------------------------------------------------------

    def create_root_disk(self, instance: Instance, image: CachedImage) -> bool:
        self._obey("create_root_disk", instance.spec.name)
        if self._rows("SELECT 1 FROM fake_disks WHERE uuid = ? AND kind = 'root'", instance.uuid):
            return False
        self._write("INSERT INTO fake_disks VALUES (?, 'root', ?)", instance.uuid, image.path)
        return True

    def create_local_disks(self, instance: Instance) -> None:
        self._obey("create_local_disks", instance.spec.name)
        for disk in local_disks(instance.spec):
            said = f"{disk.content} of {disk.size} bytes"
            self._write("INSERT OR IGNORE INTO fake_disks VALUES (?, ?, ?)", instance.uuid, disk.name, said)

    def set_disks_aside(self, uuid: str, preserve_ephemeral: bool) -> None:
        self._obey("set_disks_aside", self._require(uuid).name)
        kinds = self._kinds(uuid)
        with self._db.transaction():
            for kind in ("root", "config") if preserve_ephemeral else kinds:
                self._write(
                    "UPDATE OR IGNORE fake_disks SET kind = ? WHERE uuid = ? AND kind = ?", f"{kind}.old", uuid, kind
                )
            # The config drive stays in its place, too.
            self._write(
                "INSERT OR IGNORE INTO fake_disks SELECT uuid, 'config', content FROM fake_disks "
                "WHERE uuid = ? AND kind = 'config.old'",
                uuid,
            )

    def take_disks_back(self, uuid: str) -> None:
        self._obey("take_disks_back", self._require(uuid).name)
        for kind in self._kinds(uuid):
            self._write(
                "UPDATE OR REPLACE fake_disks SET kind = ? WHERE uuid = ? AND kind = ?", kind, uuid, f"{kind}.old"
            )

    def _kinds(self, uuid: str) -> list[str]:
        """Return which disks of an instance's own there are, set aside or not, but for those of a rescue."""
        rows = self._rows("SELECT kind FROM fake_disks WHERE uuid = ? AND kind NOT LIKE '%rescue'", uuid)
        return sorted({row["kind"].partition(".")[0] for row in rows})

    def drop_disks_aside(self, uuid: str) -> None:
        self._obey("drop_disks_aside", self._require(uuid).name)
        self._write("DELETE FROM fake_disks WHERE uuid = ? AND kind LIKE '%.old'", uuid)

    def create_rescue_disk(self, uuid: str, image: CachedImage) -> None:
        self._obey("create_rescue_disk", self._require(uuid).name)
        self._write("INSERT OR REPLACE INTO fake_disks VALUES (?, 'rescue', ?)", uuid, image.path)

    def delete_rescue_disk(self, uuid: str) -> None:
        self._obey("delete_rescue_disk", self._require(uuid).name)
        self._write("DELETE FROM fake_disks WHERE uuid = ? AND kind IN ('rescue', 'config.rescue')", uuid)

    def write_config_drive(self, instance: Instance, files: Mapping[str, bytes]) -> None:
        self._obey("write_config_drive", instance.spec.name)
        content = json.dumps({path: data.decode("utf-8", "replace") for path, data in files.items()})
        self._write("INSERT OR REPLACE INTO fake_disks VALUES (?, 'config', ?)", instance.uuid, content)

    def define(self, instance: Instance) -> None:
        self._obey("define", instance.spec.name)
        if instance.adopted is not None:
            self.save_record(instance)
            self._set_power(instance.uuid, "shutdown")
            return
        name, flavor = instance.spec.domain_name, instance.spec.flavor
        if self._rows("SELECT 1 FROM fake_domains WHERE name = ? AND uuid != ?", name, instance.uuid):
            raise InstanceExists(f"The name {name} is taken on {self._host}.")
        self._write(
            "INSERT OR REPLACE INTO fake_domains VALUES (?, ?, ?, ?, ?, ?, ?)",
            instance.uuid,
            name,
            self._power_when_defined(instance.uuid),
            flavor.vcpus,
            flavor.memory_mb,
            flavor.root_gb,
            json.dumps(instance.as_document(version_cap=self._record_version_cap)),
        )
        self._write_title(instance.uuid, instance.spec.display_name)
        self._define_volumes(instance)
        self._define_interfaces(instance)
        self._define_firewall(instance)

    def save_record(self, instance: Instance) -> None:
        self._require(instance.uuid)
        record = json.dumps(instance.as_document(version_cap=self._record_version_cap))
        self._write("UPDATE fake_domains SET record = ? WHERE uuid = ?", record, instance.uuid)

    def set_title(self, uuid: str, title: Optional[str]) -> None:
        self._obey("set_title", self._require(uuid).name)
        self._write_title(uuid, title)

    # -- power -----------------------------------------------------------------------------------------------

    def power_on(self, uuid: str) -> None:
        self._obey("power_on", self._require(uuid).name)
        self._set_power(uuid, "running")

    def shut_down(self, uuid: str, timeout: float) -> Optional[str]:
        domain = self._require(uuid)
        self._obey("shut_down", domain.name)
        if domain.power_state == "paused" or domain.name in self._settings().get("deaf", []):
            return None
        # Saved memory stays: there is nobody to be asked.
        if domain.power_state != "running":
            return ""
        self._set_power(uuid, "shutdown")
        return "its agent"

    def power_off(self, uuid: str) -> None:
        domain = self.get_domain(uuid)
        if domain is not None:
            self._obey("power_off", domain.name)
            if domain.power_state not in ("shutdown", "suspended"):
                self._set_power(uuid, "shutdown")

    def pause(self, uuid: str) -> None:
        self._obey("pause", self._require(uuid).name)
        self._set_power(uuid, "paused")

    def unpause(self, uuid: str) -> None:
        self._obey("unpause", self._require(uuid).name)
        self._set_power(uuid, "running")

    def suspend(self, uuid: str) -> None:
        self._obey("suspend", self._require(uuid).name)
        self._set_power(uuid, "suspended")

    def resume(self, uuid: str) -> None:
        domain = self._require(uuid)
        self._obey("resume", domain.name)
        if domain.power_state not in ("suspended", "running"):
            raise InstanceInvalidState(f"{domain.name} has no saved memory.", "Start it: it boots then.")
        self._set_power(uuid, "running")

    def inject_nmi(self, uuid: str) -> None:
        self._obey("inject_nmi", self._require(uuid).name)

    # -- removing --------------------------------------------------------------------------------------------

    def undefine(self, uuid: str, keep_state: bool = False) -> None:
        domain = self.get_domain(uuid)
        if domain is not None:
            self._obey("undefine", domain.name)
            with self._db.transaction():
                self._write("DELETE FROM fake_domains WHERE uuid = ?", uuid)
                self._write_title(uuid, None)
                self._forget_volumes(uuid)
                self._forget_interfaces(uuid)
        self._forget_firewall(uuid)

    def delete_disks(self, uuid: str) -> None:
        self._obey("delete_disks", uuid)
        self._write("DELETE FROM fake_disks WHERE uuid = ?", uuid)

    def remove_image(self, image: UnusedImage) -> bool:
        self._obey("remove_image", image.path)
        self._write("DELETE FROM fake_images WHERE path = ? AND used_at = ?", image.path, image.used_at)
        return not self._rows("SELECT 1 FROM fake_images WHERE path = ?", image.path)

    def set_password(self, uuid: str, user: str, password: str) -> None:
        self._obey("set_password", self._require(uuid).name)

    def write_guest_file(self, uuid: str, path: str, content: bytes) -> None:
        self._obey("write_guest_file", self._require(uuid).name)

    def get_console_output(self, uuid: str, max_bytes: int) -> bytes:
        name = self._require(uuid).name
        said: str = self._settings().get("consoles", {}).get(name, f"fake console of {name}\n")
        return said.encode()[-max_bytes:] if max_bytes else b""

    # -- what tests do behind Novella's back -----------------------------------------------------------------

    def put_foreign(self, domain: Domain) -> None:
        """Define a domain that is not ours."""
        size = domain.size
        self._write(
            "INSERT INTO fake_domains VALUES (?, ?, ?, ?, ?, ?, NULL)",
            domain.uuid,
            domain.name,
            domain.power_state,
            size.vcpus,
            size.memory_mb,
            size.disk_gb,
        )

    def title_of(self, uuid: str) -> Optional[str]:
        """Return what it shows beside a domain's name."""
        rows = self._rows("SELECT title FROM fake_titles WHERE uuid = ?", uuid)
        return rows[0]["title"] if rows else None

    # -- inside ----------------------------------------------------------------------------------------------

    def _require(self, uuid: str) -> Domain:
        domain = self.get_domain(uuid)
        if domain is None:
            raise InstanceNotFound(f"There is no domain {uuid} on {self._host}.")
        return domain

    def _power_when_defined(self, uuid: str) -> str:
        """A running guest goes on; saved memory is dropped."""
        domain = self.get_domain(uuid)
        return domain.power_state if domain is not None and domain.power_state in ("running", "paused") else "shutdown"

    def _write_title(self, uuid: str, title: Optional[str]) -> None:
        if title is not None:
            self._write("INSERT OR REPLACE INTO fake_titles VALUES (?, ?)", uuid, title)
        elif self.title_of(uuid) is not None:
            self._write("DELETE FROM fake_titles WHERE uuid = ?", uuid)

    def _set_power(self, uuid: str, power_state: str) -> None:
        self._write("UPDATE fake_domains SET power_state = ? WHERE uuid = ?", power_state, uuid)

    def _domain(self, row: Any) -> Domain:
        size = Usage(row["vcpus"], row["memory_mb"], row["disk_gb"])
        try:
            record = None if row["record"] is None else json.loads(row["record"])
        except ValueError:  # damaged, like the metadata of a domain that somebody has edited
            record = None
        return Domain(row["uuid"], row["name"], row["power_state"], size, record)

    def _rows(self, sql: str, *values: object) -> list[Any]:
        # In check mode nothing may be made, not even tables: where there are none, there are no guests.
        if not self._db.query("SELECT 1 FROM sqlite_master WHERE name = 'fake_interfaces'"):
            return []
        return self._db.query(sql, *values)

    def _write(self, sql: str, *values: object) -> None:
        with self._db.transaction() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(sql, values)

    def _settings(self) -> dict[str, Any]:
        if not self._settings_path.exists():
            return {}
        try:
            settings = json.loads(self._settings_path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OptionInvalid(f"{self._settings_path} is not JSON: {error}.") from error
        return dict(settings)

    def _obey(self, method: str, name: str) -> None:
        settings = self._settings()
        if delay := settings.get("delays", {}).get(method):
            time.sleep(delay)
        failures = settings.get("failures", {}).get(method, {})
        if name in failures:
            raise HypervisorError(f"{method} of {name}: {failures[name]}")


def _diagnose(domain: Domain) -> Diagnostics:
    """Return as much as there is to tell of a guest that does nothing."""
    networks = [] if domain.record is None else domain.record["spec"].get("networks", [])
    return Diagnostics(
        state=domain.power_state,
        driver="fake",
        hypervisor="fake",
        cpu_details=[CpuDetails(number, time=0) for number in range(domain.size.vcpus)],
        nic_details=[NicDetails(nic["mac_address"], rx_octets=0, tx_octets=0) for nic in networks],
        memory_details=MemoryDetails(domain.size.memory_mb, domain.size.memory_mb),
    )
