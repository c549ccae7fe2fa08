# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change of each field of a fleet does to a guest that exists. Judgement goes by this table, and no other.

A new key of the fleet's schema needs one row here, and a change in tests/support/felt that guests which run are tried
with; docs/impact.md is made from the rows.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Optional

# From the gentlest to the hardest.
NONE = "none"
LIVE = "live"
NEXT_BOOT = "at next boot"
RESTART = "restart"
# A rebuild of an instance that boots from a volume, and has no other disk of its own.
DATA_KEPT = "data kept"
DATA_LOST = "data lost"
REFUSED = "refused"
IMPACTS = (NONE, LIVE, NEXT_BOOT, RESTART, DATA_KEPT, DATA_LOST, REFUSED)

# What makes a change. All changes of one part of a spec are made by the last of these that one of them needs.
UPDATE, RECONFIGURE, REBUILD, REFUSE = "update", "reconfigure", "rebuild", "refuse"
WAYS = (UPDATE, RECONFIGURE, REBUILD, REFUSE)
# These are no part of a spec: their own rules make the change.
OWN = ""
# The parts of a spec that sections of a fleet become.
PARTS = {"flavors": "flavor.", "images": "image.", "networks": "networks.", "volumes": "volumes.", "instances": ""}


@dataclass(frozen=True)
class Row:
    """One field.

    Args:
        key: Of the fleet: ``flavors.vcpus``. One that ends in ``:`` or ``_`` stands for all that begin so.
        impact: On a running guest.
        way: What makes the change.
        note: For people.
        spec: The field of the spec, where that is not named as the key.
    """

    key: str
    impact: str
    way: str = OWN
    note: str = ""
    spec: Optional[str] = None

    @property
    def field(self) -> str:
        """The field of the spec, or nothing."""
        if self.spec is not None or self.way == OWN:
            return self.spec or ""
        section, _dot, rest = self.key.partition(".")
        return PARTS[section] + rest


TABLE = (
    Row("version", NONE),
    Row("name", NONE, note="another name is another fleet, with other instances"),
    Row("project_id", NONE, note="likewise"),
    Row("allow", NONE, note="what may be done without asking"),
    Row("guest", NEXT_BOOT, note="as the same settings of an instance"),
    Row("scheduler", NONE, note="counts when an instance is placed"),
    Row("flavors.vcpus", RESTART, RECONFIGURE),
    Row("flavors.memory_mb", RESTART, RECONFIGURE),
    Row("flavors.root_gb", LIVE, RECONFIGURE, "it grows, and is never made smaller"),
    Row("flavors.ephemeral_gb", REFUSED, REFUSE),
    Row("flavors.swap_mb", REFUSED, REFUSE),
    Row("flavors.extra_specs", LIVE, UPDATE, "what only filters read"),
    Row("flavors.extra_specs.resources", LIVE, RECONFIGURE, "claimed anew"),
    Row("flavors.extra_specs.hw:", RESTART, RECONFIGURE, "but for these:"),
    Row("flavors.extra_specs.hw:boot_menu", NEXT_BOOT, RECONFIGURE),
    Row("flavors.extra_specs.hw:watchdog_action", NEXT_BOOT, RECONFIGURE),
    Row("flavors.extra_specs.hw_rng:", NEXT_BOOT, RECONFIGURE),
    Row("flavors.extra_specs.hw_video:", NEXT_BOOT, RECONFIGURE),
    Row("flavors.extra_specs.quota:", NEXT_BOOT, RECONFIGURE),
    Row("flavors.extra_specs.os:", RESTART, RECONFIGURE),
    Row("flavors.extra_specs.pci_passthrough:", RESTART, RECONFIGURE),
    Row("flavors.extra_specs.accel:", REFUSED, REFUSE, "nobody manages accelerators"),
    Row("images.source", DATA_LOST, REBUILD, "with the same checksum it is the same image: live"),
    Row("images.checksum", DATA_LOST, REBUILD),
    Row("images.min_ram_mb", LIVE, UPDATE),
    Row("images.min_disk_gb", LIVE, UPDATE),
    Row("images.properties", LIVE, UPDATE, "what only filters and operations read"),
    Row("images.properties.hw_", RESTART, RECONFIGURE, "but for these:"),
    Row("images.properties.hw_architecture", REFUSED, REFUSE),
    Row("images.properties.hw_boot_menu", NEXT_BOOT, RECONFIGURE),
    Row("images.properties.hw_firmware_type", REFUSED, REFUSE),
    Row("images.properties.hw_machine_type", REFUSED, REFUSE),
    Row("images.properties.hw_qemu_guest_agent", NEXT_BOOT, RECONFIGURE),
    Row("images.properties.hw_rng_model", NEXT_BOOT, RECONFIGURE),
    Row("images.properties.hw_video_", NEXT_BOOT, RECONFIGURE),
    Row("images.properties.hw_watchdog_action", NEXT_BOOT, RECONFIGURE),
    Row("images.properties.os_secure_boot", REFUSED, REFUSE),
    Row("networks.bridge", LIVE, note="its NICs are pulled, and plugged in anew"),
    Row("networks.libvirt_network", LIVE, note="likewise"),
    Row("networks.virtualport", LIVE, note="likewise"),
    Row("networks.vlan", LIVE, note="likewise"),
    Row("networks.vxlan", REFUSED, note="libvirt makes none"),
    Row("networks.mtu", LIVE, note="as networks.bridge; of a network of Novella's own as networks.mode"),
    Row("networks.mode", REFUSED, note="while guests are on it, who would be cut off"),
    Row("networks.dns_domain", REFUSED, note="likewise"),
    Row("networks.subnets", LIVE, note="the record alone shows it; another cidr as networks.mode"),
    Row("volumes.size_gb", LIVE, note="it grows, and is never made smaller"),
    Row("volumes.pool", REFUSED, note="a volume stays where its data are; swap_volume moves them to another one"),
    Row("volumes.name_in_pool", REFUSED, note="likewise"),
    Row("volumes.limits", LIVE),
    Row("volumes.encrypted", REFUSED, note="what a volume was made as, it stays"),
    Row("volumes.passphrase", NONE, note="counts when the volume is made or attached"),
    Row("volumes.passphrase_file", NONE, note="likewise"),
    Row("volumes.image", REFUSED, note="what a volume was made from, it stays"),
    Row("volumes.snapshot", REFUSED, note="likewise"),
    Row("volumes.format", REFUSED, note="what a volume was made as, it stays"),
    Row("storage_pools", REFUSED, note="of a pool whose volumes an instance has; they stay where their data are"),
    Row("security_groups", LIVE, note="the rules of all that are in the group"),
    Row("provider_rules", LIVE, note="the rules of all instances"),
    Row("server_groups.policy", NONE, note="counts when an instance is placed"),
    Row("server_groups.max_server_per_host", NONE, note="likewise"),
    Row("server_groups.spread", NONE, note="likewise"),
    Row("aggregates.hosts", NONE, note="likewise"),
    Row("aggregates.availability_zone", NONE, note="likewise"),
    Row("aggregates.metadata", NONE, note="likewise"),
    Row("instances.adopted", NONE, note="another uuid is another instance"),
    Row("instances.allow", NONE, note="what may be done to it without asking"),
    Row("instances.count", NONE, note="more are created; fewer are deleted with prune=true, data lost"),
    Row("instances.flavor", RESTART, note="as the fields of the flavor that differ"),
    Row("instances.image", DATA_LOST, note="as the fields of the image that differ"),
    Row("instances.networks", LIVE, UPDATE, "NICs are attached and detached"),
    Row("instances.networks.network", LIVE, UPDATE, "another network is another NIC"),
    Row("instances.networks.address", LIVE, note="taken and given without touching the NIC"),
    Row("instances.networks.addresses", LIVE, note="likewise"),
    Row("instances.networks.mac_address", LIVE, note="another address is another NIC"),
    Row("instances.networks.mtu", LIVE, note="the NIC is pulled, and plugged in anew"),
    Row("instances.networks.model", LIVE, note="likewise"),
    Row("instances.networks.bandwidth", LIVE, note="likewise"),
    Row("instances.volumes", LIVE, note="attached and detached; a detached one keeps its data"),
    Row("instances.volumes.volume", LIVE),
    Row("instances.volumes.size_gb", LIVE, note="it grows, and is never made smaller"),
    Row("instances.volumes.format", REFUSED, note="what a volume was made as, it stays"),
    Row("instances.volumes.bus", LIVE, note="detached, and attached anew"),
    Row("instances.volumes.delete_on_termination", LIVE),
    Row("instances.volumes.pool", REFUSED, note="a volume stays where its data are"),
    Row("instances.volumes.limits", LIVE),
    Row("instances.volumes.image", REFUSED, note="what a volume was made from, it stays"),
    Row("instances.volumes.snapshot", REFUSED, note="likewise"),
    Row("instances.volumes.boot_index", REFUSED, note="what an instance boots from, it keeps"),
    Row("instances.ephemeral", REFUSED, REFUSE),
    Row("instances.ephemeral.size_gb", REFUSED, REFUSE),
    Row("instances.ephemeral.format", REFUSED, REFUSE),
    Row("instances.security_groups", LIVE),
    Row("instances.port_security", LIVE),
    Row("instances.server_group", LIVE, UPDATE, "it stays where it is"),
    Row("instances.availability_zone", NEXT_BOOT, UPDATE, "it stays where it is; its config drive tells it"),
    Row("instances.vm_state", LIVE, note="does what it says: a stopped guest is off"),
    Row("instances.metadata", NEXT_BOOT, UPDATE, "the record shows it at once, the config drive then"),
    Row("instances.config_drive", NEXT_BOOT, UPDATE),
    Row("instances.hostname", NEXT_BOOT, UPDATE),
    Row("instances.dns_domain", NEXT_BOOT, UPDATE),
    Row("instances.files", NEXT_BOOT, UPDATE),
    Row("instances.files.path", NEXT_BOOT, note="a file that is declared no more stays in the guest"),
    Row("instances.files.content", NEXT_BOOT),
    Row("instances.files.content_file", NEXT_BOOT),
    Row("instances.files.mode", NEXT_BOOT),
    Row("instances.vendor_data", NEXT_BOOT, UPDATE),
    Row("instances.wait_for", NONE, note="counts when the instance is booted"),
    Row("instances.tags", LIVE, UPDATE),
    Row("instances.display_name", LIVE, UPDATE),
    Row("instances.locked", LIVE),
    Row("instances.ssh_keys", DATA_LOST, REBUILD, "a guest reads them at its first boot only"),
    Row("instances.user_data", DATA_LOST, REBUILD, "likewise", "user_data_sha256"),
    Row("instances.user_data_file", DATA_LOST, REBUILD, "likewise", "user_data_sha256"),
    Row("instances.where", NONE, note="counts when the instance is placed"),
    Row("instances.scheduler_hints", NONE, note="likewise"),
    Row("instances.host", NONE, note="likewise"),
)

_BY_KEY = {row.key: row for row in TABLE}
_BY_FIELD = {row.field: row for row in TABLE if row.field}
# Of a field that no fleet declares, such as a NIC's address, its part's row holds; else the record alone shows it.
_ELSE = Row("", LIVE, UPDATE, spec="")
_INDEX = re.compile(r"\[[0-9]+\]")


def impact_of_key(key: str) -> str:
    """Return what a change of a key of the fleet does to a running guest."""
    return _BY_KEY[key].impact


@functools.lru_cache(maxsize=1024)
def find_row(field: str) -> Row:
    """Return the row of a field of a spec (``flavor.vcpus``, ``networks[0].bridge``): the one that says most of it."""
    field = _INDEX.sub("", field)
    fitting = [name for name in _BY_FIELD if _covers(name, field)]
    return _BY_FIELD[max(fitting, key=len)] if fitting else _ELSE


def _covers(name: str, field: str) -> bool:
    rest = field[len(name) :]
    # resources, resources1 and the like are names of groups of extra specs.
    is_group = name.endswith((":", "_", ".resources"))
    return field.startswith(name) and (not rest or rest.startswith(".") or is_group)
