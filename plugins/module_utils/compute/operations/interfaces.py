# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving instances NICs and addresses, and taking them away.

Nova's attach_interface, detach_interface, add_fixed_ip_to_instance and remove_fixed_ip_from_instance; and how a NIC
is changed that is there, which Nova leaves to its network service.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ...objects.ingredients import NetworkRequest
from ...objects.instance import Instance
from ..address_claims import check_addresses
from ..config_drive import with_networks
from ..host import Host
from ..interface_wish import addresses_to_add, addresses_to_remove, held_nic, wanted_nic
from ..journal import Entry
from ..nic_changes import ADD, ATTACH, DETACH, REMOVE, REPLUG, find_nic, merge_addresses, with_nic, without_nic
from ..operation import Run, operation
from ..records import check_writable, read_record
from ..states import ACTIVE, PAUSED, STOPPED, UPDATING

AT_HAND = (ACTIVE, PAUSED, STOPPED)


def finish_or_undo_attach(host: Host, entry: Entry) -> None:
    """Have it attached if the guest has got it, else take away what was made for it."""
    record = _record(host, entry.uuid)
    if "interface" not in entry.notes or record is None:
        return
    nic = _noted(entry)
    if entry.steps.get("attach"):
        _settle(host, record, with_nic(record, nic))
        return
    if "attach" in entry.steps:
        host.driver.detach_interface(entry.uuid, nic.mac_address)
    if "reserve" in entry.steps:
        host.driver.release_addresses(nic)


@operation(ATTACH, vm_states=AT_HAND, task_state=UPDATING, ends_in=None, recover=finish_or_undo_attach)
def attach_interface(run: Run) -> Optional[Instance]:
    """Give the guest a NIC, at once if it runs. Its address is reserved first, so that the guest is given it.

    Arguments:
        interface: A NetworkRequest, or an InterfaceWish.

    Raises:
        FixedIpAlreadyInUse: Another guest of the host has its address.
        InterfaceAttachFailed: The guest cannot be given it.
    """
    before = run.instance
    nic = wanted_nic(before, run.arguments["interface"], run.driver.list_networks())
    after = with_nic(before, nic)
    check_writable(after, run.host.options.record_version_cap)
    run.step("claim", check_addresses, before.uuid, [nic], run.driver.list_domains())
    run.note(interface=nic.as_dict())
    run.step("reserve", run.driver.reserve_addresses, nic, before.spec.name)
    run.step("attach", run.driver.attach_interface, before.uuid, nic)
    run.step("config drive", _tell, run.host, after)
    return after


def finish_or_undo_detach(host: Host, entry: Entry) -> None:
    """Have it detached if the guest has let go of it, else give it back wherever it is gone."""
    record = _record(host, entry.uuid)
    if "interface" not in entry.notes or record is None:
        return
    nic = _noted(entry)
    if not entry.steps.get("detach"):
        host.driver.attach_interface(entry.uuid, nic)
        return
    host.driver.release_addresses(nic)
    _settle(host, record, without_nic(record, nic.mac_address))


@operation(DETACH, vm_states=AT_HAND, task_state=UPDATING, ends_in=None, recover=finish_or_undo_detach)
def detach_interface(run: Run) -> Optional[Instance]:
    """Take a NIC from the guest; a running one must let go of it. Then its addresses are free.

    Arguments:
        interface: A NetworkRequest, or an InterfaceWish.

    Raises:
        FixedIpNotFoundForInstance: It has none such.
        DeviceDetachFailed: It does not let go.
    """
    nic = held_nic(run.instance, run.arguments["interface"])
    after = without_nic(run.instance, nic.mac_address)
    run.note(interface=nic.as_dict())
    run.step("detach", run.driver.detach_interface, run.instance.uuid, nic.mac_address)
    run.step("release", run.driver.release_addresses, nic)
    run.step("config drive", _tell, run.host, after)
    return after


def finish_or_undo_replug(host: Host, entry: Entry) -> None:
    """Have the NIC as it shall be if it got so far, else as it was: whoever cannot change a NIC keeps it."""
    record = _record(host, entry.uuid)
    if "interface" not in entry.notes or record is None:
        return
    nic = _noted(entry)
    if entry.steps.get("attach"):
        _settle(host, record, with_nic(record, nic))
        return
    held = find_nic(record, nic.mac_address)
    if held is None or "detach" not in entry.steps:
        return
    if "attach" in entry.steps:
        host.driver.detach_interface(entry.uuid, nic.mac_address)
    if "release" in entry.steps:
        host.driver.release_addresses(nic)
        host.driver.reserve_addresses(held, record.spec.name)
    host.driver.attach_interface(entry.uuid, held)


@operation(REPLUG, vm_states=AT_HAND, task_state=UPDATING, ends_in=None, recover=finish_or_undo_replug)
def replug_interface(run: Run) -> Optional[Instance]:
    """Pull a NIC, and plug it in as it shall be. Where the host cannot plug it in so, it is as it was.

    Arguments:
        interface: A NetworkRequest.

    Raises:
        FixedIpNotFoundForInstance: It has no such NIC.
        FixedIpAlreadyInUse: Another guest of the host has an address of it.
        DeviceDetachFailed: A running guest does not let go of it.
        InterfaceAttachFailed: The guest cannot be given it.
    """
    before, nic = run.instance, run.arguments["interface"]
    held, after = held_nic(before, nic), with_nic(before, nic)
    check_writable(after, run.host.options.record_version_cap)
    run.step("claim", check_addresses, before.uuid, [nic], run.driver.list_domains())
    run.note(interface=nic.as_dict())
    run.step("detach", run.driver.detach_interface, before.uuid, nic.mac_address)
    run.step("release", run.driver.release_addresses, held)
    run.step("reserve", run.driver.reserve_addresses, nic, before.spec.name)
    run.step("attach", run.driver.attach_interface, before.uuid, nic)
    run.step("config drive", _tell, run.host, after)
    return after


def restore_addresses(host: Host, entry: Entry) -> None:
    """Have the NIC have the addresses that its record names."""
    record = _record(host, entry.uuid)
    if "interface" not in entry.notes or record is None:
        return
    nic = find_nic(record, _noted(entry).mac_address)
    if nic is not None:
        host.driver.reserve_addresses(nic, record.spec.name)
        _tell(host, record)
    if record.spec.firewall is not None:
        host.driver.set_firewall(record)


@operation(ADD, vm_states=AT_HAND, task_state=UPDATING, ends_in=None, recover=restore_addresses)
def add_fixed_ip_to_instance(run: Run) -> Optional[Instance]:
    """Give a NIC further addresses. Its guest learns of them when it asks for its address again, or boots.

    Arguments:
        interface: A NetworkRequest with the new addresses, or an InterfaceWish.

    Raises:
        FixedIpAlreadyInUse: Another guest of the host has one.
    """
    asked, instance = run.arguments["interface"], run.instance
    held = held_nic(instance, asked if isinstance(asked, NetworkRequest) else asked.but(address=None))
    added = addresses_to_add(instance, asked, run.driver.list_networks())
    run.step("claim", check_addresses, instance.uuid, [held.but(addresses=added)], run.driver.list_domains())
    return _readdress(run, held.but(addresses=merge_addresses(held.addresses, added)))


@operation(REMOVE, vm_states=AT_HAND, task_state=UPDATING, ends_in=None, recover=restore_addresses)
def remove_fixed_ip_from_instance(run: Run) -> Optional[Instance]:
    """Take addresses from a NIC. They are free at once, whatever its guest still uses.

    Arguments:
        interface: A NetworkRequest with the addresses, or an InterfaceWish.

    Raises:
        FixedIpNotFoundForInstance: It has none such.
    """
    asked = run.arguments["interface"]
    held = held_nic(run.instance, asked)
    gone = addresses_to_remove(held, asked)
    return _readdress(run, held.but(addresses=[item for item in held.addresses if item not in gone]))


def _readdress(run: Run, nic: NetworkRequest) -> Instance:
    after = with_nic(run.instance, nic)
    check_writable(after, run.host.options.record_version_cap)
    run.note(interface=nic.as_dict())
    run.step("reserve", run.driver.reserve_addresses, nic, after.spec.name)
    run.step("config drive", _tell, run.host, after)
    if after.spec.firewall is not None:
        # What its packets go by keeps a guest from using other addresses than its own.
        run.step("firewall", run.driver.set_firewall, after)
    if after.vm_state in (ACTIVE, PAUSED):
        run.remark("Its guest learns of it when it asks for its address again, or boots (reset_network has it ask).")
    return after


def reserve_all(host: Host, name: str, nics: Sequence[NetworkRequest]) -> None:
    """Have the DHCP servers of the host keep the addresses of NICs."""
    for nic in nics:
        host.driver.reserve_addresses(nic, name)


def release_all(host: Host, nics: Sequence[NetworkRequest]) -> None:
    """Have them forget them."""
    for nic in nics:
        host.driver.release_addresses(nic)


def _tell(host: Host, instance: Instance) -> None:
    """Have the config drive tell of the NICs, from the next boot on, where there is one."""
    had = host.driver.read_config_drive(instance.uuid)
    if had:
        host.driver.write_config_drive(instance, with_networks(had, instance))


def _settle(host: Host, before: Instance, after: Instance) -> None:
    _tell(host, after)
    if after != before:
        host.driver.save_record(after.but(task_state=None, generation=after.generation + 1))


def _noted(entry: Entry) -> NetworkRequest:
    return NetworkRequest.from_dict(entry.notes["interface"], "interface")


def _record(host: Host, uuid: str) -> Optional[Instance]:
    domain = host.driver.get_domain(uuid)
    return None if domain is None else read_record(domain)
