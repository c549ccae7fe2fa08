# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab is made of real hosts, comes up twice without a change, survives power cuts and leaves nothing behind."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from support.labs import take_down
from support.playbooks import run_playbook

GUEST = "lab-test-guest"
UUID = "0b9d1a7e-6f0e-5f3c-9a55-3c1f60f1a001"
SCRATCH = {"lab_network": "10.98.7", "lab_hosts": 2}
USER_DATA = "#cloud-config\n{}\n"


def describe_guest() -> str:
    domain = ET.Element("domain", type="qemu")
    for tag, text in (("name", GUEST), ("uuid", UUID), ("vcpu", "1")):
        ET.SubElement(domain, tag).text = text
    ET.SubElement(domain, "memory", unit="MiB").text = "128"
    ET.SubElement(ET.SubElement(domain, "os"), "type", arch="x86_64", machine="q35").text = "hvm"
    ET.SubElement(ET.SubElement(domain, "features"), "acpi")
    devices = ET.SubElement(domain, "devices")
    ET.SubElement(devices, "controller", type="usb", model="none")
    for target, kind, path in (("vda", "qcow2", "disk.qcow2"), ("vdb", "raw", "config.iso")):
        disk = ET.SubElement(devices, "disk", type="file", device="disk")
        ET.SubElement(disk, "driver", name="qemu", type=kind)
        ET.SubElement(disk, "source", file=f"/var/lib/libvirt/images/{GUEST}-{path}")
        ET.SubElement(disk, "target", dev=target, bus="virtio")
        if kind == "raw":
            ET.SubElement(disk, "readonly")
    nic = ET.SubElement(devices, "interface", type="network")
    ET.SubElement(nic, "source", network="default")
    ET.SubElement(nic, "model", type="virtio")
    serial = ET.SubElement(devices, "serial", type="file")
    ET.SubElement(serial, "source", path=f"/var/log/libvirt/qemu/{GUEST}.console")
    channel = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    ET.SubElement(ET.SubElement(devices, "video"), "model", type="none")
    return ET.tostring(domain, encoding="unicode")


def write_config_drive(folder: Path, image: Path) -> None:
    latest = folder / "openstack/latest"
    latest.mkdir(parents=True)
    meta_data = {"uuid": UUID, "hostname": "lab-test.novalocal", "meta": {"role": 'front "a"'}}
    (latest / "meta_data.json").write_text(json.dumps(meta_data))
    (latest / "user_data").write_text(USER_DATA)
    subprocess.run(["genisoimage", "-quiet", "-V", "config-2", "-J", "-r", "-o", str(image), str(folder)], check=True)


@pytest.fixture(scope="module")
def scratch(bring_up, tmp_path_factory):
    """A lab of two hosts that these tests may break; the shared one belongs to everybody."""
    inventory = tmp_path_factory.mktemp("scratch") / "inventory"
    try:
        yield bring_up("scratch", inventory, **SCRATCH)
    finally:
        take_down("scratch", inventory)


def run_lab_playbook(lab, *arguments):
    done = run_playbook("lab", *arguments, lab_name=lab.name, lab_inventory_dir=str(lab.inventory), **SCRATCH)
    assert done.code == 0, done.text
    return done


@pytest.fixture
def host(scratch) -> Iterator:
    """A host of that lab, on and running after the test whatever the test did to it."""
    host = scratch.host("kvm1")
    yield host
    if host.is_on:
        host.thaw()
    host.power_on()


@pytest.fixture
def guest(host, tmp_path: Path) -> Iterator[str]:
    """A running guest of the tiny image, defined by hand, gone after the test."""
    images = host.files / "var/lib/libvirt/images"
    write_config_drive(tmp_path / "drive", images / f"{GUEST}-config.iso")
    disk = f"/var/lib/libvirt/images/{GUEST}-disk.qcow2"
    backing = "/srv/images/tiny.qcow2"
    host.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", backing, disk])
    (host.files / "root/guest.xml").write_text(describe_guest())
    host.virsh("define", "/root/guest.xml")
    host.virsh("start", GUEST)
    yield GUEST
    host.power_on()
    host.virsh("destroy", GUEST, check=False)
    host.virsh("undefine", GUEST)
    (host.files / "root/guest.xml").unlink()
    for path in [*images.glob(f"{GUEST}-*"), *(host.files / "var/log/libvirt/qemu").glob(f"{GUEST}*")]:
        path.unlink()


def traces_of(lab_name: str) -> list[str]:
    """Whatever on this machine bears the name of a lab: links, mounts, live processes, files."""
    links = [path.name for path in Path("/sys/class/net").glob(f"{lab_name}-*")]
    mounts = [
        line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f"novella-lab/{lab_name}" in line
    ]
    processes = [command for command in live_commands() if f"novella-lab/{lab_name}/" in command]
    files = [str(path) for path in (Path("/var/lib/novella-lab") / lab_name,) if path.exists()]
    return links + mounts + processes + files


def live_commands() -> list[str]:
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        # A process may end between being listed and being read.
        with suppress(OSError):
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return commands


def test_a_second_run_on_a_running_lab_changes_nothing(scratch):
    done = run_lab_playbook(scratch)
    assert done.changes == dict.fromkeys(["localhost", *scratch.addresses], 0), done.text


def test_a_dry_run_on_a_running_lab_announces_nothing(scratch):
    done = run_lab_playbook(scratch, "--check")
    assert not any(done.changes.values()), done.text


def test_each_host_answers_ssh_under_its_own_name(lab):
    key = lab.home / "ssh/id_ed25519"
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    for name, address in lab.addresses.items():
        command = ["ssh", "-i", str(key), *options, f"root@{address}", "hostname"]
        assert subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip() == name


def test_each_host_has_its_own_libvirt_without_kvm(lab):
    for host in lab.hosts:
        assert "kvm" not in [domain.get("type") for domain in ET.fromstring(host.virsh("capabilities")).iter("domain")]
    identities = {ET.fromstring(host.virsh("capabilities")).findtext("host/uuid") for host in lab.hosts}
    assert len(identities) == len(lab.hosts)


def test_the_hypervisor_role_leaves_a_pool_a_network_and_a_private_state_directory(lab):
    for number, host in enumerate(lab.hosts, start=1):
        assert host.virsh("pool-info", "default").count("running") == 1
        network = ET.fromstring(host.virsh("net-dumpxml", "default"))
        assert network.find("ip").get("address") == f"192.168.{100 + number}.1"
        assert host.run(["stat", "-c", "%a %U", "/var/lib/novella"]).split() == ["700", "root"]


def test_the_image_is_what_its_checksum_says(host):
    assert host.run(["sh", "-c", "cd /srv/images && sha256sum -c tiny.qcow2.sha256"]).strip() == "tiny.qcow2: OK"


def test_a_guest_boots_by_itself_and_reports_its_config_drive(host, guest):
    console = host.wait_for_console(guest, "READY")
    lines = [line.strip() for line in console.splitlines()]
    assert f"NOVELLA-GUEST hostname=lab-test uuid={UUID}" in lines
    assert 'NOVELLA-GUEST meta role=front "a"' in lines
    assert f"NOVELLA-GUEST user_data sha256={sha256(USER_DATA.encode()).hexdigest()}" in lines
    assert "NOVELLA-GUEST READY hostname=lab-test" in lines
    address = next(line.partition("eth0=")[2] for line in lines if "address eth0=" in line)
    assert address.startswith("192.168.101.")
    # The agent starts right after the READY line.
    wait_for_agent(host, guest)

    host.virsh("shutdown", guest, "--mode", "acpi")
    host.wait_for_console(guest, "NOVELLA-GUEST shutdown")


def wait_for_agent(host, guest):
    deadline = time.monotonic() + 180
    while "return" not in host.virsh("qemu-agent-command", guest, '{"execute":"guest-ping"}', check=False):
        assert time.monotonic() < deadline, "the guest's agent does not answer"
        time.sleep(0.2)


def test_a_power_cut_kills_all_of_a_host_and_up_brings_back_what_it_kept(scratch, host, guest):
    note = host.files / "var/lib/novella/test-note"
    note.write_text("kept")
    network_before = host.virsh("net-uuid", "default")
    host.power_off()
    assert not host.is_on
    assert not [command for command in live_commands() if GUEST in command and "qemu-system" in command]
    with pytest.raises(OSError):
        socket.create_connection((host.address, 22), timeout=5)

    done = run_lab_playbook(scratch)
    assert done.changes == dict.fromkeys(scratch.addresses, 0) | {"localhost": 1}, done.text
    assert host.is_on
    assert host.run(["cat", "/var/lib/novella/test-note"]) == "kept"
    assert host.virsh("net-uuid", "default") == network_before
    assert host.virsh("domstate", guest).strip() == "shut off"
    note.unlink()


def test_a_frozen_host_still_takes_connections_but_answers_nothing_until_thawed(host):
    host.freeze()
    with socket.create_connection((host.address, 22), timeout=5) as connection:
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    host.thaw()
    assert host.run(["hostname"]).strip() == host.name


def test_a_machine_where_the_network_is_taken_is_refused_before_anything_changes(lab, tmp_path):
    network = lab.host("kvm1").address.rpartition(".")[0]
    done = run_playbook("lab", lab_name="other", lab_inventory_dir=str(tmp_path / "i"), lab_network=network)
    assert done.code != 0
    assert f"The network {network}.0/24 is in use on {lab.name}-br" in done.text
    assert traces_of("other") == []
    assert not (tmp_path / "i").exists()


def test_a_lab_taken_down_leaves_nothing_behind(bring_up, tmp_path):
    inventory = tmp_path / "inventory"
    try:
        bring_up("passing", inventory, lab_network="10.98.8", lab_hosts=1)
        assert traces_of("passing")
    finally:
        take_down("passing", inventory)
    assert traces_of("passing") == []
    assert not inventory.exists()
    assert take_down("passing", inventory).changes == {"localhost": 0}
