# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each operation is killed at: derived from its declaration, so that a new one joins by existing.

From OPERATIONS follows how to bring an instance into each vm_state that an operation may start from: by the shortest
way of other operations. What a declaration cannot say stands in the tables at the top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

# Importing the manager imports every operation.
from ansible_collections.novella.compute.plugins.module_utils.compute import (
    manager,  # noqa: F401
    states,
)
from ansible_collections.novella.compute.plugins.module_utils.compute.operation import OPERATIONS, Operation
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import network_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.network_building import network_on_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.firewalls import with_firewalls
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation

NAME = "web-1"
ABSENT = "absent"
# The domain is gone and its root disk is there.
LOST = "lost"
# States that no operation ends in on its own. They are written into the record, as an unlucky run would leave it.
WRITTEN = (states.BUILDING, states.ERROR)
# What an operation is given besides its instance.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "update": {"metadata": {"role": "back"}},
    "restore": {"vm_state": "active"},
    # A size that its own flavor does not have.
    "reconfigure": {"flavor": "medium"},
}
# Options of a host that an operation is of no use without.
OPTIONS: dict[str, dict[str, Any]] = {
    "soft_delete": {"reclaim_instance_interval": 3600},
    "restore": {"reclaim_instance_interval": 3600},
}
# What volume in GiB the instance has before an operation, and shall have after it; 0 for none.
VOLUMES = {
    "attach_volume": (0, 1),
    "detach_volume": (1, 0),
    "extend_volume": (1, 2),
    "limit_volume": (1, 1),
    "swap_volume": (1, 1),
    "remove_volume_connection": (1, 0),
    "delete_volume": (1, 0),
}
# How the volume is declared after them, where it is another one than "data" of the same size.
BECOMES = {"limit_volume": ("data", {"total_iops_sec": 500}), "swap_volume": ("moved", {})}
# What addresses its NIC on Novella's own network has before an operation, and shall have after it; None for no NIC.
ADDRESSES: dict[str, tuple[Optional[list[str]], Optional[list[str]]]] = {
    "attach_interface": (None, ["10.9.0.9"]),
    "detach_interface": (["10.9.0.9"], None),
    "replug_interface": (["10.9.0.9"], ["10.9.0.10"]),
    "add_fixed_ip_to_instance": (["10.9.0.9"], ["10.9.0.9", "10.9.0.10"]),
    "remove_fixed_ip_from_instance": (["10.9.0.9", "10.9.0.10"], ["10.9.0.9"]),
    "define_network": (None, ["10.9.0.9"]),
}
# What a fleet may declare; anything else is a state that it leaves alone.
DECLARED = (states.ACTIVE, states.STOPPED, states.PAUSED, states.SUSPENDED, states.SHELVED)
GONE = (states.DELETED, "soft-delete")

BACK = {"network": "back"}
PARTS = {
    "version": "1.0",
    "name": "crash",
    "flavors": {
        "small": {"vcpus": 1, "memory_mb": 128, "root_gb": 1},
        "medium": {"vcpus": 2, "memory_mb": 192, "root_gb": 2},
        "roomy": {"vcpus": 1, "memory_mb": 128, "root_gb": 1, "ephemeral_gb": 1, "swap_mb": 16},
    },
    # A guest that has an agent is asked to stand still while a copy of its disk begins.
    "images": {"tiny": {"source": "/srv/images/tiny.qcow2", "properties": {"hw_qemu_guest_agent": "yes"}}},
    "networks": {
        "front": {"libvirt_network": "default"},
        "back": {"mode": "nat", "subnets": [{"cidr": "10.9.0.0/24"}]},
    },
    "volumes": {"data": {"size_gb": 1}, "moved": {"size_gb": 1}},
}


@dataclass(frozen=True)
class Scenario:
    """One operation from one state.

    Args:
        operation: Its name.
        start: The vm_state before, ABSENT or LOST.
        way: The operations that bring a new host there.
        written: The vm_state to write into the record after them.
        action: What is killed.
        fleet: What declares the state that the operation leads to; undeclared instances are pruned.
        options: Of the host.
        besides: What there is beside the instance.
        problem: Why it cannot be tried; a defect of these tests, said by one of them.
    """

    operation: str
    start: str
    way: tuple[Action, ...] = ()
    written: Optional[str] = None
    action: Optional[Action] = None
    fleet: Optional[Fleet] = None
    options: Mapping[str, Any] = field(default_factory=dict)
    besides: str = ""
    problem: str = ""

    def __str__(self) -> str:
        aim = f"-as-{self.action.vm_state}" if self.action is not None and self.action.vm_state else ""
        return f"{self.operation}-from-{self.start}{aim}{self.besides}"


def derive_scenarios() -> list[Scenario]:
    """Return every scenario of every operation that there is."""
    scenarios = [scenario for declared in OPERATIONS.values() for scenario in _scenarios_of(declared)]
    firewalls, addresses = _scenarios_with_firewalls(), _scenarios_with_addresses()
    return [*scenarios, *_scenarios_with_volumes(), *addresses, *firewalls, *_scenarios_with_disks()]


def declare(
    vm_state: Optional[str],
    metadata: Mapping[str, str],
    count: int = 1,
    volume_gb: int = 0,
    addresses: Optional[Sequence[str]] = None,
    flavor: str = "small",
    becomes: tuple[str, Mapping[str, int]] = ("data", {}),
    **others: Any,
) -> Fleet:
    """Return the fleet with its instance in that state; None for the fleet without it.

    Args:
        volume_gb: How large the volume is that the instance has and takes along when it goes; 0 for none.
        addresses: Of its NIC on Novella's own network; None for no such NIC.
        becomes: The name of that volume, and its limits.
        others: What else there is in the fleet.
    """
    name, limits = becomes
    volumes = [{"volume": name, "delete_on_termination": True}] if volume_gb else []
    declared = {"data": {"size_gb": volume_gb or 1}, "moved": {"size_gb": 1}}
    parts = {**PARTS, **others, "volumes": {**declared, name: {**declared[name], "limits": dict(limits)}}}
    body = {
        "volumes": volumes,
        "flavor": flavor,
        "allow": ["restart"],
        "image": "tiny",
        "networks": [{"network": "front"}, *([] if addresses is None else [{**BACK, "addresses": list(addresses)}])],
        "metadata": dict(metadata),
    }
    if metadata:
        body["display_name"] = "What virsh shows besides"
    entry = {"web": {**body, "vm_state": vm_state, "count": count}} if vm_state else {}
    return load_fleet({**parts, "instances": entry})


def act(
    operation: str,
    vm_state: Optional[str] = None,
    metadata: Optional[Mapping[str, str]] = None,
    volume_gb: int = 0,
    addresses: Optional[Sequence[str]] = None,
) -> Action:
    """Return an operation's action on the one instance, its volume, its NIC, or the network of that."""
    wanted = expand(declare("active", metadata or {}, volume_gb=volume_gb, addresses=addresses))[0]
    makes, tells = OPERATIONS[operation].vm_states is None, metadata is not None
    spec = wanted.spec if makes or tells else None
    action = Action(operation, wanted.uuid, NAME, "kvm1", "a test wants it", spec=spec, vm_state=vm_state)
    if operation in ("define_network", "delete_network"):
        fleet = declare(None, {})
        network = network_on_hosts(fleet, fleet.networks["back"])
        return action.but(uuid=network_uuid("crash", "default", "back"), name="back", network=network, spec=None)
    if operation in ADDRESSES:
        before, after = ADDRESSES[operation]
        most = after if operation == "replug_interface" else max(before or [], after or [], key=len)
        nic = expand(declare("active", {}, addresses=most))[0].spec.networks[1]
        if before and after and operation != "replug_interface":
            nic = nic.but(addresses=[item for item in nic.addresses if item.address not in {*before} & {*after}])
        return action.but(interface=nic)
    if operation == "reconfigure":
        larger = expand(declare("active", {}, flavor=ARGUMENTS[operation]["flavor"]))[0]
        return action.but(spec=larger.spec, restart=True)
    if operation not in VOLUMES:
        return action
    volume = expand(declare("active", {}, volume_gb=max(VOLUMES[operation])))[0].spec.volumes[0]
    if operation == "delete_volume":
        return action.but(uuid=volume.uuid, name=volume.name)
    _name, limits = BECOMES.get(operation, ("", {}))
    return action.but(volume=volume.but(limits=dict(limits)))


def _scenarios_of(declared: Operation) -> list[Scenario]:
    if declared.adopts:
        # It begins with a domain that is not Novella's: test_crash_modules kills its module.
        return []
    if declared.vm_states is None:
        return [
            _scenario(declared, start, way, vm_state)
            for start, way in ((ABSENT, ()), (LOST, (act("create", "active"),)))
            for vm_state in DECLARED
        ]
    scenarios = []
    for start in declared.vm_states:
        written = start if start in WRITTEN else None
        way = _find_way(states.ACTIVE if written else start)
        if way is None:
            problem = (
                f"No operation leads to {start}, from which {declared.name} may start. Let one end in it "
                "(ends_in), or add the state to WRITTEN in tests/crash/scenarios.py."
            )
            scenarios.append(Scenario(declared.name, start, problem=problem))
            continue
        scenarios.append(_scenario(declared, start, way, None, written))
    if declared.absent_too:
        scenarios.append(_scenario(declared, LOST, (act("create", "active"),), None))
    return scenarios


def _scenario(
    declared: Operation,
    start: str,
    way: tuple[Action, ...],
    vm_state: Optional[str],
    written: Optional[str] = None,
) -> Scenario:
    before_gb, after_gb = VOLUMES.get(declared.name, (0, 0))
    if before_gb:
        way = tuple(
            item if item.operation != "create" else act("create", item.vm_state, None, before_gb) for item in way
        )
    addresses, addresses_after = ADDRESSES.get(declared.name, (None, None))
    if declared.name in ADDRESSES and declared.name != "define_network":
        made = [act("create", item.vm_state, None, 0, addresses) for item in way if item.operation == "create"]
        way = (act("define_network"), *made, *(item for item in way if item.operation != "create"))
    if declared.name == "delete_network":
        way = (act("define_network"), *way)
    if declared.name == "delete_volume":
        way = (*way, act("detach_volume"))
    given = ARGUMENTS.get(declared.name, {})
    metadata, vm_state = given.get("metadata"), vm_state or given.get("vm_state")
    options: dict[str, Any] = {}
    for operation in [declared.name, *[action.operation for action in way]]:
        options.update(OPTIONS.get(operation, {}))
    aim = vm_state or declared.ends_in or start
    state = aim if aim in DECLARED else "any"
    fleet = declare(
        state,
        metadata or {},
        volume_gb=after_gb,
        addresses=addresses_after,
        flavor=given.get("flavor", "small"),
        becomes=BECOMES.get(declared.name, ("data", {})),
    )
    if aim in GONE:
        fleet = declare(None, {})
    if declared.name == "delete_network":
        fleet = replace(fleet, networks={name: item for name, item in fleet.networks.items() if name != "back"})
    action = act(declared.name, vm_state, metadata)
    return Scenario(declared.name, start, way, written, action, fleet, options)


def _scenarios_with_volumes() -> list[Scenario]:
    """Return what is tried once more with a volume, which comes and goes with its instance."""
    made = act("create", "active", None, 1)
    here, gone = declare("active", {}, volume_gb=1), declare(None, {})
    return [
        Scenario("create", ABSENT, (), None, made, here, besides="-with-a-volume"),
        Scenario("delete", states.ACTIVE, (made,), None, act("delete"), gone, besides="-with-a-volume"),
        Scenario("rebuild", states.ACTIVE, (made,), None, act("rebuild"), here, besides="-with-a-volume"),
    ]


def _scenarios_with_addresses() -> list[Scenario]:
    """Return what is tried once more with an address on a network of Novella's own."""
    network, addresses = act("define_network"), ["10.9.0.9"]
    made = act("create", "active", None, 0, addresses)
    here, gone = declare("active", {}, addresses=addresses), declare(None, {})
    told = "-with-an-address"
    return [
        Scenario("create", ABSENT, (network,), None, made, here, besides=told),
        Scenario("delete", states.ACTIVE, (network, made), None, act("delete"), gone, besides=told),
    ]


def _scenarios_with_disks() -> list[Scenario]:
    """Return what is tried with local disks, and with a volume made of an image that the instance boots from."""
    root = {"size_gb": 1, "image": "tiny", "boot_index": 0, "delete_on_termination": True}
    scenarios = []
    for besides, body in (
        ("-with-local-disks", {"flavor": "roomy", "image": "tiny"}),
        ("-from-a-volume", {"flavor": "roomy", "volumes": [root]}),
    ):
        entry = {"networks": [{"network": "front"}], "count": 1, **body}
        here, gone = load_fleet({**PARTS, "instances": {"web": entry}}), declare(None, {})
        made = act("create", "active").but(spec=expand(here)[0].spec)
        scenarios += [
            Scenario("create", ABSENT, (), None, made, here, besides=besides),
            Scenario("delete", states.ACTIVE, (made,), None, act("delete"), gone, besides=besides),
            Scenario("rebuild", states.ACTIVE, (made,), None, act("rebuild"), here, besides=besides),
        ]
    return scenarios


def _scenarios_with_firewalls() -> list[Scenario]:
    """Return what is tried once more with a firewall, which comes and goes with its instance, or is set on it."""
    # Rules that no address is in: whoever has none yet gets one when it boots, which is a change.
    groups = {"default": {"rules": [{"protocol": "tcp", "ports": 80}]}}
    here, gone = declare("active", {}, security_groups=groups), declare(None, {})
    [wanted] = with_firewalls(here, expand(here), Observation({}, {}))
    made = act("create", "active").but(spec=wanted.spec)
    refresh = act("refresh_instance_security_rules").but(firewall=wanted.spec.firewall)
    way = (act("create", "active"),)
    return [
        Scenario("create", ABSENT, (), None, made, here, besides="-with-a-firewall"),
        Scenario("delete", states.ACTIVE, (made,), None, act("delete"), gone, besides="-with-a-firewall"),
        Scenario(refresh.operation, states.ACTIVE, way, None, refresh, here, besides="-with-a-firewall"),
    ]


def _find_way(aim: str) -> Optional[tuple[Action, ...]]:
    """Return the shortest sequence of operations after which an instance is in that state."""
    ways: dict[str, tuple[Action, ...]] = {vm_state: (act("create", vm_state),) for vm_state in DECLARED}
    reached = list(ways)
    for here in reached:
        for declared in OPERATIONS.values():
            there = declared.ends_in
            if there is not None and there not in ways and here in (declared.vm_states or ()):
                ways[there] = (*ways[here], act(declared.name))
                reached.append(there)
    return ways.get(aim)
