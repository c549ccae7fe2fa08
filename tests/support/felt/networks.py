# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of networks and of the NICs of an instance: rounds that follow each other."""

from __future__ import annotations

from typing import Any

from support.felt.evidence import Look, has_device, live_xml
from support.felt.trial import Change
from support.lab_guest import Guest

# What the test makes on the host: two bridges, and a network of libvirt.
BRIDGES = ("impact0", "impact1")
LIBVIRT_NETWORK = "impact"
HERE, THERE = ({"bridge": bridge} for bridge in BRIDGES)
OWN = {"mode": "nat", "dns_domain": "own.test", "subnets": [{"cidr": "10.78.0.0/24"}]}
FIRST, SECOND = "02:00:00:00:0e:01", "02:00:00:00:0e:02"
# By network: the NIC on it. No two NICs are on one network, so that each is known by that.
NICS: dict[str, dict[str, Any]] = {
    "front": {},
    "bridged": {},
    "libvirts": {},
    "narrow": {},
    "own": {"address": "10.78.0.10"},
    "named": {},
    "told": {"addresses": ["10.79.0.10"]},
    "old": {},
    "mac": {"mac_address": FIRST},
    "slim": {},
    "emulated": {},
    "limited": {},
    "switched": {},
}
BEFORE: dict[str, Any] = {
    "version": "1.0",
    "flavors": {"tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1}},
    "images": {"guest": {"source": "/srv/images/tiny.qcow2"}},
    "networks": {
        **dict.fromkeys((*NICS, "new", "more"), HERE),
        "front": {"libvirt_network": "default"},
        "libvirts": {"libvirt_network": "default"},
        "new": THERE,
        "own": OWN,
        "named": {**OWN, "subnets": [{"cidr": "10.77.0.0/24"}], "dns_domain": "named.test"},
        "told": {**HERE, "subnets": [{"cidr": "10.79.0.0/24"}]},
    },
    "instances": {
        "web": {
            "flavor": "tiny",
            "image": "guest",
            "host": "kvm2",
            "networks": [{"network": name, **keys} for name, keys in NICS.items()],
        },
    },
}


def network(name: str, **keys: Any) -> dict[str, Any]:
    return {"networks": {name: keys}}


def nic(name: str, **keys: Any) -> dict[str, Any]:
    """Return a change of the NIC on a network."""
    place = [*NICS, "more"].index(name)
    return {"instances": {"web": {"networks": {place: keys}}}}


def recorded(guest: Guest, name: str) -> dict[str, Any]:
    """What the record says of the NIC on a network; nothing where there is none."""
    nics = [found for found in guest.record()["spec"]["networks"] if found["network"] == name]
    return nics[0] if nics else {}


def name_in_guest(guest: Guest, mac_address: str) -> str:
    """What the guest calls the NIC of that MAC address, or nothing."""
    return guest.execute(f"grep -l '^{mac_address}$' /sys/class/net/*/address | cut -d/ -f5; true").strip()


def is_seen(name: str) -> Look:
    """Whether the guest has the NIC on a network."""

    def look(guest: Guest) -> bool:
        mac_address = recorded(guest, name).get("mac_address")
        return mac_address is not None and name_in_guest(guest, mac_address) != ""

    return look


def plugged_into(name: str) -> Look:
    """Where the NIC on a network ends on the host, as the domain runs."""

    def look(guest: Guest) -> Any:
        mac_address = recorded(guest, name).get("mac_address")
        for interface in live_xml(guest).findall("devices/interface"):
            [mac, source] = [interface.find("mac"), interface.find("source")]
            if mac is not None and source is not None and mac.get("address") == mac_address:
                return source.get("network") or source.get("bridge")
        return None

    return look


def mtu_of(name: str) -> Look:
    """The MTU in bytes of the NIC on a network, as the guest has it."""

    def look(guest: Guest) -> Any:
        found = name_in_guest(guest, recorded(guest, name)["mac_address"])
        return int(guest.read(f"/sys/class/net/{found}/mtu")) if found else None

    return look


def address_by_dhcp(name: str) -> Look:
    """The address that the guest is given when it asks for one on a network."""

    def look(guest: Guest) -> str:
        found = name_in_guest(guest, recorded(guest, name)["mac_address"])
        guest.execute(f"ip address flush dev {found}; ip link set {found} up")
        guest.execute(f"udhcpc -i {found} -s /etc/udhcpc.script -q -n -t 10 -T 1")
        return guest.execute(f"ip -4 -o address show dev {found}").split()[3].split("/")[0]

    return look


def addresses_of(name: str) -> Look:
    return lambda guest: [found["address"] for found in recorded(guest, name)["addresses"]]


ROUNDS: dict[str, tuple[Change, ...]] = {
    "what a running guest is plugged into": (
        Change(
            "networks.bridge",
            network("bridged", **THERE),
            f"networks.bridged.bridge {BRIDGES[0]} -> {BRIDGES[1]}",
            plugged_into("bridged"),
            BRIDGES[1],
        ),
        Change(
            "networks.libvirt_network",
            network("libvirts", libvirt_network=LIBVIRT_NETWORK),
            f"networks.libvirts.libvirt_network default -> {LIBVIRT_NETWORK}",
            plugged_into("libvirts"),
            LIBVIRT_NETWORK,
        ),
        Change(
            "networks.mtu",
            network("narrow", mtu=1400),
            "networks.narrow.mtu none -> 1400",
            mtu_of("narrow"),
            1400,
        ),
        Change(
            "networks.subnets",
            network("told", subnets=[{"cidr": "10.79.0.0/24", "dns": ["9.9.9.9"]}]),
            "9.9.9.9",
            lambda guest: recorded(guest, "told")["addresses"][0].get("dns"),
            ["9.9.9.9"],
        ),
        Change(
            "instances.networks",
            nic("more", network="more"),
            "networks.more none -> ",
            is_seen("more"),
            True,
        ),
        Change(
            "instances.networks.network",
            nic("old", network="new"),
            "networks.new",
            lambda guest: (is_seen("old")(guest), is_seen("new")(guest), plugged_into("new")(guest)),
            (False, True, BRIDGES[1]),
        ),
        Change(
            "instances.networks.address",
            nic("own", address="10.78.0.20"),
            "networks.own.addresses 10.78.0.10 -> 10.78.0.20",
            address_by_dhcp("own"),
            "10.78.0.20",
        ),
        Change(
            "instances.networks.mac_address",
            nic("mac", mac_address=SECOND),
            f"networks.mac none -> {SECOND}",
            lambda guest: [name_in_guest(guest, mac_address) != "" for mac_address in (FIRST, SECOND)],
            [False, True],
        ),
        Change(
            "instances.networks.mtu",
            nic("slim", mtu=1300),
            "networks.slim.mtu none -> 1300",
            mtu_of("slim"),
            1300,
        ),
        Change(
            "instances.networks.model",
            nic("emulated", model="e1000e"),
            "networks.emulated.model virtio -> e1000e",
            has_device("0x8086:0x10d3"),
            True,
        ),
    ),
    "more addresses": (
        Change(
            "instances.networks.addresses",
            nic("told", addresses=["10.79.0.10", "10.79.0.11"]),
            "networks.told.addresses 10.79.0.10 -> 10.79.0.10, 10.79.0.11",
            addresses_of("told"),
            ["10.79.0.10", "10.79.0.11"],
        ),
    ),
    "what would cut guests off": (
        Change(
            "networks.mode",
            network("own", mode="routed"),
            "a change of mode: libvirt changes that only by taking the network down, which would cut off web",
        ),
        Change(
            "networks.dns_domain",
            network("named", dns_domain="other.test"),
            "a change of dns_domain: libvirt changes that only by taking the network down, which would cut off web",
        ),
    ),
    "what libvirt makes none of": (Change("networks.vxlan", network("old", vxlan=42), "vxlan"),),
}
# What the lab's hosts lack something for: packets that are scheduled, and Open vSwitch.
LACKING: tuple[Change, ...] = (
    Change(
        "instances.networks.bandwidth",
        nic("limited", bandwidth={"inbound_kibps": 1024}),
        "networks.limited.bandwidth none -> inbound_kibps 1024",
    ),
    Change(
        "networks.virtualport",
        network("switched", virtualport="openvswitch"),
        "networks.switched.virtualport none -> openvswitch",
    ),
    # Only such a bridge takes tags.
    Change(
        "networks.vlan",
        network("switched", virtualport="openvswitch", vlan=42),
        "networks.switched.virtualport none -> openvswitch",
    ),
)
# What the host says then.
WORDS_OF_THE_HOST = {
    "instances.networks.bandwidth": "tc qdisc",
    "networks.virtualport": f"to OVS bridge {BRIDGES[0]}",
    "networks.vlan": f"to OVS bridge {BRIDGES[0]}",
}
