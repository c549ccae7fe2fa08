# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks networks: that their addresses are addresses, lie in their ranges, and that no two declarations want one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from .draft import Draft
from .faults import Faults
from .names import Counts
from .wording import Path, quoted

Range = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# A network of these is all Novella's own, so that it may run DHCP there.
SERVING = ("nat", "routed", "isolated")
Found = tuple[Path, str]


def check_networks(draft: Draft, counts: Counts, faults: Faults) -> None:
    """Add a fault for every network and every NIC that contradicts itself or another.

    Args:
        counts: The entries under ``instances``.
    """
    ranges: dict[str, list[Range]] = {}
    for name, body in draft.section("networks").items():
        ranges[name] = []
        for steps, sentence in [*_check_kind(body), *_check_subnets(body, ranges[name])]:
            path: Path = ("networks", name, *steps)
            faults.add(draft.place(path), path, sentence)
    _check_nics(draft, counts, ranges, faults)


def _check_kind(body: Mapping[str, Any]) -> Iterator[Found]:
    mode = body.get("mode")
    if mode == "bridge" and "bridge" not in body:
        yield ("bridge",), "required, but missing: mode bridge is about a bridge of the hosts."
    if mode in SERVING and "bridge" in body:
        yield ("bridge",), "goes with mode bridge only; libvirt makes the bridges of the others."
    if "virtualport" in body and "bridge" not in body:
        yield ("virtualport",), "is said of a bridge."
    if "vlan" in body and "virtualport" not in body:
        yield ("vlan",), "needs virtualport: openvswitch; bridges of Linux take no tags from libvirt."
    if mode == "bridge" and "mtu" in body:
        yield ("mtu",), "is the bridge's own with mode bridge: set it on the hosts."
    if "dns_domain" in body and mode not in SERVING:
        yield ("dns_domain",), "needs mode nat, routed or isolated: else Novella runs no name server there."
    if mode in ("nat", "routed") and not body.get("subnets"):
        yield ("subnets",), f"required, but missing: the host needs an address on a network of mode {mode}."


def _check_subnets(body: Mapping[str, Any], ranges: list[Range]) -> Iterator[Found]:
    for index, subnet in enumerate(_list(body.get("subnets"))):
        if not isinstance(subnet, dict) or not isinstance(subnet.get("cidr"), str):
            continue
        here = ("subnets", index)
        cidr = _range(subnet["cidr"])
        if isinstance(cidr, str):
            yield (*here, "cidr"), cidr
            continue
        other = next((known for known in ranges if known.version == cidr.version and known.overlaps(cidr)), None)
        if other is not None:
            yield (*here, "cidr"), f"{cidr} overlaps {other}, another subnet of the network."
        if body.get("mode") in SERVING and any(known.version == cidr.version for known in ranges):
            yield (*here, "cidr"), f"a network of this mode has one subnet of IPv{cidr.version}."
        ranges.append(cidr)
        for steps, sentence in _check_subnet(subnet, cidr, body.get("mode") in SERVING):
            yield (*here, *steps), sentence


def _check_subnet(subnet: Mapping[str, Any], cidr: Range, serves: bool) -> Iterator[Found]:
    if subnet.get("dhcp") is True and not serves:
        yield ("dhcp",), "needs mode nat, routed or isolated: Novella runs DHCP on networks of its own only."
    elif subnet.get("dhcp") is True and cidr.version == 6:
        yield ("dhcp",), "is for IPv4 only; of IPv6 addresses the config drive tells."
    if cidr.num_addresses < 4:
        yield ("cidr",), f"{cidr} has no room for a gateway and an instance."
    yield from _check_inside(subnet, "gateway", (), cidr)
    for index, item in enumerate(_list(subnet.get("dns"))):
        if isinstance(item, str) and _address(item) is None:
            yield ("dns", index), f"{quoted(item)} is no IP address."
    for index, route in enumerate(_list(subnet.get("routes"))):
        if isinstance(route, dict):
            there = _range(route["destination"]) if isinstance(route.get("destination"), str) else cidr
            if isinstance(there, str):
                yield ("routes", index, "destination"), there
            yield from _check_inside(route, "nexthop", ("routes", index), cidr)
    yield from _check_pool(_list(subnet.get("pool")), cidr)


def _check_pool(pool: list[Any], cidr: Range) -> Iterator[Found]:
    before: list[tuple[Address, Address]] = []
    for index, item in enumerate(pool):
        if not isinstance(item, dict):
            continue
        found = [one for key in ("start", "end") for one in _check_inside(item, key, ("pool", index), cidr)]
        yield from found
        if found or not isinstance(item.get("start"), str) or not isinstance(item.get("end"), str):
            continue
        start, end = ipaddress.ip_address(item["start"]), ipaddress.ip_address(item["end"])
        if start > end:  # type: ignore[operator]
            yield ("pool", index, "end"), f"{end} comes before {start}, where the range starts."
            continue
        other = next(((first, last) for first, last in before if first <= end and start <= last), None)  # type: ignore[operator]
        if other is not None:
            yield ("pool", index), f"overlaps the range from {other[0]} to {other[1]}."
        before.append((start, end))


def _check_inside(body: Mapping[str, Any], key: str, here: Path, cidr: Range) -> Iterator[Found]:
    value = body.get(key)
    if not isinstance(value, str):
        return
    address = _address(value)
    if address is None:
        yield (*here, key), f"{quoted(value)} is no IP address."
    elif address not in cidr:
        yield (*here, key), f"{address} is not in {cidr}."
    elif cidr.version == 4 and address in (cidr.network_address, cidr.broadcast_address):
        yield (*here, key), f"{address} is the first or the last address of {cidr}, which no machine can have."


def _check_nics(draft: Draft, counts: Counts, ranges: Mapping[str, list[Range]], faults: Faults) -> None:
    gateways = {
        (name, _gateway(body, subnet))
        for name, body in draft.section("networks").items()
        for subnet in _list(body.get("subnets"))
        if isinstance(subnet, dict)
    }
    owners: dict[tuple[str, object], Path] = {}
    for name, body in draft.section("instances").items():
        for index, nic in enumerate(_list(body.get("networks"))):
            if not isinstance(nic, dict):
                continue
            here: Path = ("instances", name, "networks", index)
            network = str(nic.get("network"))
            for steps, text in _unique_values(nic):
                path = (*here, *steps)
                sentence, key = _check_value(text, steps, network, ranges.get(network), gateways)
                first = owners.setdefault(key, path)
                if sentence is None and (counts[name] or 1) > 1:
                    sentence = f"{quoted(text)} would be had by {counts[name]} instances. Leave it out: each gets one."
                elif sentence is None and first != path:
                    sentence = f"{quoted(text)} is {first[0]}.{first[1]}'s already ({draft.place(first)})."
                if sentence is not None:
                    faults.add(draft.place(path), path, sentence)


def _gateway(body: Mapping[str, Any], subnet: Mapping[str, Any]) -> Address | None:
    """Return the gateway of a subnet, or the address that hosts have there, if it has either."""
    if isinstance(subnet.get("gateway"), str):
        return _address(subnet["gateway"])
    cidr = _range(subnet["cidr"]) if isinstance(subnet.get("cidr"), str) else ""
    return cidr[1] if not isinstance(cidr, str) and body.get("mode") in SERVING else None


def _unique_values(nic: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield what no two NICs may have alike."""
    for key in ("mac_address", "address"):
        if isinstance(nic.get(key), str):
            yield (key,), nic[key]
    for index, item in enumerate(_list(nic.get("addresses"))):
        if isinstance(item, str):
            yield ("addresses", index), item


def _check_value(
    text: str, steps: Path, network: str, ranges: list[Range] | None, gateways: set[tuple[str, Address | None]]
) -> tuple[str | None, tuple[str, object]]:
    """Return what is wrong with it, and by what it is known."""
    if steps[0] == "mac_address":
        return None, ("", text)
    address = _address(text)
    key = (network, address or text)
    if address is None:
        return f"{quoted(text)} is no IP address.", key
    if ranges is None:
        return None, key
    cidr = next((known for known in ranges if address in known), None)
    if not ranges:
        return f"network {network} has no subnets, so Novella gives no addresses there.", key
    if cidr is None:
        return f"{address} is in no subnet of {network}. Its subnets: {', '.join(map(str, ranges))}.", key
    if cidr.version == 4 and address in (cidr.network_address, cidr.broadcast_address):
        return f"{address} is the first or the last address of {cidr}, which no machine can have.", key
    if (network, address) in gateways:
        return f"{address} is the gateway of {network}.", key
    return None, key


def _range(text: str) -> Range | str:
    """Return the range, or what is wrong with it."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f"{quoted(text)} is no range of addresses; write one as 10.0.0.0/24."
    return f"{quoted(text)} has bits behind its prefix. Did you mean '{meant}'?"


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
