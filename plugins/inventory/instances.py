# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: instances
author: The Novella team (@novella-compute)
version_added: 0.1.0
short_description: Running guests as hosts
description:
  - Makes hosts of the instances that run on the compute nodes, so that plays reach into the guests.
  - It reads the compute nodes themselves, by their own inventory, or a snapshot of them that was saved before. Reading
    changes nothing on them.
  - Each host has the variable C(novella) with C(uuid), C(name), C(fleet), C(project_id), C(host) (its compute node),
    C(flavor), C(image), C(server_group), C(availability_zone), C(vm_state), C(power_state), C(metadata) and
    C(addresses).
  - Its groups are C(project_NAME), C(fleet_NAME), C(flavor_NAME), C(host_NAME) for its compute node, and
    C(metadata_KEY_VALUE) for each of its metadata. What group names must not contain becomes C(_) in them.
  - Each file that ends in C(.yml) or C(.yaml) and says so with O(plugin) is read by it.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [novella.compute.instances]
  inventory:
    description:
      - The inventory of the compute nodes, as paths seen from the folder of this file, or as lists of hosts that end in
        a comma. Either this or O(hosts_from) is needed.
      - They are read by a process of its own, C(ansible-playbook) with the playbook C(novella.compute.audit) and the
        configuration of the present one. It cannot ask for a password, so one that Vault or C(become) needs must come
        from a file or from a variable.
    type: list
    elements: str
    default: []
  compute_group:
    description:
      - The group of the compute nodes in O(inventory). Left out, it is C(compute).
    type: str
  timeout:
    description:
      - For how many seconds the compute nodes may be read.
    type: int
    default: 300
  hosts_from:
    description:
      - A snapshot, as C(ansible-playbook novella.compute.audit -e save_to=FILE) saves it; a path seen from the folder
        of this file. The compute nodes are not asked then, and nothing is cached.
    type: str
  vm_states:
    description:
      - Only instances with one of these vm_states. One whose guest does something else, such as an active one that was
        switched off behind Novella's back, is left out.
    type: list
    elements: str
    default: [active]
  fleets:
    description:
      - Only instances of these fleets. Left empty, those of all.
    type: list
    elements: str
    default: []
  project_ids:
    description:
      - Only instances of these projects. Left empty, those of all.
    type: list
    elements: str
    default: []
  hostnames:
    description:
      - What a host is called - V(name), V(fleet.name), V(fleet.project.name) or V(uuid). It is the first of these that
        no other instance and no compute node has; the UUID where none is left.
    type: list
    elements: str
    default: [name, fleet.name, uuid]
  address_family:
    description:
      - Of which kind the address in C(ansible_host) is.
    type: str
    choices: [any, ipv4, ipv6]
    default: any
  subnets:
    description:
      - In which of the instance's networks C(ansible_host) is, the best first, such as V(192.0.2.0/24). Left empty, it
        is the first address of the instance. A host without a fitting address has no C(ansible_host).
    type: list
    elements: str
    default: []
  group:
    description:
      - The group of all hosts of this inventory.
    type: str
    default: novella_instances
  group_prefix:
    description:
      - What the names of the groups that are made by default begin with, apart from O(group).
    type: str
    default: ""
  default_groups:
    description:
      - Whether to make the groups by project, fleet, flavor, compute node and metadata.
    type: bool
    default: true
notes:
  - A compute node that does not answer is warned of, and its instances are missing. So is an instance that is on two
    compute nodes.
  - Which of a guest's addresses can be reached depends on its network. Guests in a network of their compute node only
    are reached through it; see the examples.
seealso:
  - module: novella.compute.instance_info
  - module: novella.compute.snapshot
"""

EXAMPLES = r"""
# instances.yml: ansible-inventory -i instances.yml --graph
plugin: novella.compute.instances
inventory: [hosts.yml]
---
# Only one fleet, under names that stay when another one comes, and remembered for ten minutes.
plugin: novella.compute.instances
inventory: [hosts.yml]
fleets: [shop]
hostnames: [fleet.name]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .cache
cache_timeout: 600
---
# From a saved audit, reached through the compute nodes, with groups of one's own.
plugin: novella.compute.instances
hosts_from: snapshot.json
subnets: [192.168.122.0/24, 10.0.0.0/8]
default_groups: false
compose:
  ansible_user: "'debian'"
  ansible_ssh_common_args: "'-o ProxyJump=root@' ~ novella.host"
groups:
  frontends: novella.metadata.role | default('') == 'front'
keyed_groups:
  - key: novella.flavor
    prefix: size
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.group import to_safe_group_name
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    NovellaError,
    OptionInvalid,
    nearest,
)
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import to_plain
from ansible_collections.novella.compute.plugins.plugin_utils.guest_hosts import GuestHost, find_guests, read_choice
from ansible_collections.novella.compute.plugins.plugin_utils.live_audit import audit_live, is_auditing
from ansible_collections.novella.compute.plugins.plugin_utils.planner.hosts_document import read_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation

# What can neither be a template nor call anything.
HARMLESS = re.compile(r"[A-Za-z0-9_ .:/@+,-]*")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Makes hosts of guests."""

    NAME = "novella.compute.instances"

    def verify_file(self, path: str) -> bool:
        """Return whether the file may be one for this plugin. Which it is, its content says."""
        return path.endswith((".yml", ".yaml")) and bool(super().verify_file(path))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Add the guests to the inventory.

        Raises:
            AnsibleParserError: The file has a fault, or nothing could be read.
        """
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        # The compute nodes' inventory may be a folder with this file in it. To find them no guests are needed.
        if is_auditing():
            return
        with _speaking_ansible(path):
            self._check(config)
            choice = read_choice(self.get_options())
            observation = self._observe(path, cache)
            guests, warnings = find_guests(observation, choice)
        for host, reason in observation.unreachable.items():
            warnings.append(f"The compute node {host} did not answer, so its instances are missing: {reason}")
        for warning in warnings:
            self.display.warning(f"{path}: {warning}")
        self._add(guests)

    def _check(self, config: Mapping[str, Any]) -> None:
        """Refuse what would otherwise be ignored in silence."""
        known = list(self.option_definitions)
        for key in config:
            if key not in known:
                raise OptionInvalid(f"It has the unknown key '{key}'.{nearest(key, known)}")
        if bool(self.get_option("inventory")) == bool(self.get_option("hosts_from")):
            raise OptionInvalid(
                "It needs either 'inventory' or 'hosts_from'.",
                "Give the inventory of the compute nodes, or a snapshot of them.",
            )

    def _observe(self, path: str, may_be_cached: bool) -> Observation:
        folder = Path(path).absolute().parent
        hosts_from = self.get_option("hosts_from")
        if hosts_from:
            return read_hosts(str(folder / hosts_from))
        sources = [_locate(source, folder) for source in self.get_option("inventory")]
        return read_hosts(self._read_live(path, sources, may_be_cached))

    def _read_live(self, path: str, sources: Sequence[str], may_be_cached: bool) -> Any:
        group = self.get_option("compute_group")
        is_caching, key = self.get_option("cache"), self.get_cache_key(path)
        # Whose inventory or group has been changed since is not what the file asks for.
        asked = {"inventory": list(sources), "compute_group": group}
        if is_caching and may_be_cached:
            with contextlib.suppress(KeyError):
                cached = to_plain(self._cache[key])
                if cached["asked"] == asked:
                    return cached["snapshot"]
        snapshot = audit_live(sources, group, self.get_option("timeout"), AnsibleCollectionConfig.collection_paths)
        # What is missing shall not be missed for longer than its host is silent.
        if is_caching and not snapshot.get("unreachable"):
            self._cache[key] = {"asked": asked, "snapshot": snapshot}
        return snapshot

    def _add(self, guests: Sequence[GuestHost]) -> None:
        strict = self.get_option("strict")
        everybody = self.inventory.add_group(_safe(self.get_option("group")))
        for guest in guests:
            self.inventory.add_host(guest.name, group=everybody)
            self.inventory.set_variable(guest.name, "novella", _trust(guest.variables))
            if guest.address is not None:
                self.inventory.set_variable(guest.name, "ansible_host", _trust(guest.address))
            if self.get_option("default_groups"):
                for name in guest.groups:
                    group = self.inventory.add_group(_safe(self.get_option("group_prefix") + name))
                    self.inventory.add_child(group, guest.name)
            variables = self.inventory.get_host(guest.name).get_vars()
            self._set_composite_vars(self.get_option("compose"), variables, guest.name, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), {}, guest.name, strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), {}, guest.name, strict)


def _safe(name: str) -> str:
    return str(to_safe_group_name(name, force=True, silent=True))


def _trust(value: Any) -> Any:
    """Mark harmless texts as such: ansible-inventory writes any other as a mapping, which few programs understand.

    Metadata are whatever somebody has written into them, and Ansible must never run a text of theirs.
    """
    if isinstance(value, str):
        return trust_as_template(value) if HARMLESS.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: _trust(item) for key, item in value.items()}
    return [_trust(item) for item in value] if isinstance(value, list) else value


def _locate(source: str, folder: Path) -> str:
    """Return a path as it is seen from anywhere. A list of hosts is none."""
    return source if "," in source else os.path.normpath(folder / source)


@contextlib.contextmanager
def _speaking_ansible(path: str) -> Iterator[None]:
    """Turn Novella's errors into the one that Ansible expects of a source that cannot be read."""
    try:
        yield
    except NovellaError as error:
        raise AnsibleParserError(f"{path}: {error}") from None
