# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the driver that is about firewalls: one libvirt network filter for each instance that has one."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from ...objects.errors import HypervisorError, InstanceInvalidState, NotSupported
from ...objects.ingredients import NetworkRequest
from ...objects.instance import Instance, InstanceSpec
from ..driver import ComputeDriver
from .binding import libvirt
from .connection import Connection
from .firewall_xml import build_filter, filter_name, filter_reference, is_same_reference, mark_of
from .storage import checked_uuid

SWITCHES = tuple(Path("/proc/sys/net/bridge") / f"bridge-nf-call-{name}" for name in ("iptables", "ip6tables"))


class FirewallDriving(ComputeDriver):
    """What a libvirt driver does with firewalls."""

    _connection: Connection

    def set_firewall(self, instance: Instance) -> None:
        uuid = checked_uuid(instance.uuid)
        domain = self._connection.host().lookupByUUIDString(uuid)
        leases = self.list_addresses() if domain.isActive() else {}
        stale = {
            flag: _stale_interfaces(tree, instance, leases if flag == libvirt.VIR_DOMAIN_AFFECT_LIVE else {})
            for flag, tree in _views(domain)
        }
        if any(stale.values()) and not domain.isActive() and domain.hasManagedSaveImage(0):
            raise InstanceInvalidState(
                f"{domain.name()} has its memory saved, and would come back with the filters that it had then.",
                "Resume it first.",
            )
        self._define_filter(instance)
        for flag, interfaces in stale.items():
            for interface in interfaces:
                domain.updateDeviceFlags(ET.tostring(interface, encoding="unicode"), flag)
        if instance.spec.firewall is None:
            self._drop_filter(uuid)

    def firewall_reference(self, instance_uuid: str, request: NetworkRequest) -> Optional[ET.Element]:
        if _find_filter(self._connection.host(), instance_uuid) is None:
            return None
        return filter_reference(instance_uuid, (fixed.address for fixed in request.addresses))

    def _define_filter(self, instance: Instance) -> None:
        """Have the instance's filter be there, and its rules on the host where it runs, even if somebody took them."""
        firewall = instance.spec.firewall
        if firewall is None:
            return
        _check_ports(instance.spec)
        host = self._connection.host()
        existing = _find_filter(host, instance.uuid)
        before = "" if existing is None else mark_of(ET.fromstring(existing.XMLDesc(0)))  # noqa: S314 - libvirt's
        # Of two marks one is another than before, so libvirt never takes the filter for unchanged.
        mark = next(word for word in ("even", "odd") if word != before)
        host.nwfilterDefineXML(ET.tostring(build_filter(instance.uuid, firewall, mark), encoding="unicode"))

    def _drop_filter(self, uuid: str) -> None:
        """Remove an instance's filter. Its domain must not refer to it any more."""
        found = _find_filter(self._connection.host(), uuid)
        if found is not None:
            found.undefine()


def _find_filter(host: Any, uuid: str) -> Optional[Any]:
    try:
        return host.nwfilterLookupByName(filter_name(checked_uuid(uuid)))
    except HypervisorError as error:
        if error.details.get("libvirt_code") == libvirt.VIR_ERR_NO_NWFILTER:
            return None
        raise


def _check_ports(spec: InstanceSpec) -> None:
    """Refuse where packets would pass by every filter.

    Raises:
        HypervisorError: The host's kernel does not show bridged packets to iptables.
        NotSupported: An interface is on a bridge of another kind.
    """
    for request in spec.networks:
        if request.virtualport is not None:
            raise NotSupported(
                f"'{spec.name}' has security groups, and its network '{request.network}' is on a bridge of "
                f"{request.virtualport}, where libvirt's filters see nothing.",
                "Use a bridge of Linux, or give the instance port_security: false.",
            )
    for switch in SWITCHES if spec.networks else ():
        shown = switch.read_text().strip() if switch.exists() else "0"
        if shown != "1":
            raise HypervisorError(
                f"Security groups would not hold on this host: {switch.name} is {shown}, so packets pass by filters.",
                f"Run 'modprobe br_netfilter && sysctl net.bridge.{switch.name}=1', and have both done at boot.",
            )


def _views(domain: Any) -> Any:
    """Yield the domain as it is defined, and as it runs, each with the flag that changes it."""
    kinds = ((libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_XML_INACTIVE), (libvirt.VIR_DOMAIN_AFFECT_LIVE, 0))
    for affect, look in itertools.islice(kinds, 2 if domain.isActive() else 1):
        yield int(affect), ET.fromstring(domain.XMLDesc(look))  # noqa: S314 - libvirtd is trusted


def _stale_interfaces(tree: ET.Element, instance: Instance, leases: Mapping[str, Sequence[str]]) -> list[ET.Element]:
    """Return the instance's interfaces that do not refer to its filter as they should, changed so that they do.

    Args:
        leases: What DHCP has given to interfaces, by their MAC addresses. A guest that runs with such an address does
            not ask for it again soon, so a filter that begins now would not learn of it.
    """
    changed = []
    requests = {request.mac_address.lower(): request for request in instance.spec.networks}
    for interface in tree.findall("devices/interface"):
        mac = interface.find("mac")
        address = "" if mac is None else mac.get("address", "").lower()
        if address not in requests:
            continue
        present = interface.find("filterref")
        accepted: list[Optional[ET.Element]] = [None]
        if instance.spec.firewall is not None:
            fixed = [item.address for item in requests[address].addresses]
            # The first is what is made; what the interface has had from its start is as good.
            accepted = [filter_reference(instance.uuid, known) for known in (fixed or leases.get(address, ()), fixed)]
        if any(is_same_reference(present, reference) for reference in accepted):
            continue
        if present is not None:
            interface.remove(present)
        if accepted[0] is not None:
            interface.append(accepted[0])
        changed.append(interface)
    return changed
