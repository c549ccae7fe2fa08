# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains that others have defined on real hosts, adopted: nothing of them changes but Novella's own metadata."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.definitions import without_record
from support.lab_fleet import PARTS, POOL, LabFleet
from support.lab_guest import Guest
from support.playbooks import ROOT

CORPUS = sorted((ROOT / "tests/adoption/corpus").glob("*.xml"))
NAMES = {path: ET.parse(path).findtext("name", "") for path in CORPUS}
NAME, UUID, DISK = "old-timer", "6a2f1d0c-1000-4c11-9b7e-1f2d3c4b5a99", f"/{POOL}/old-timer.qcow2"
# As virt-install would have made it years ago: nothing in it is as Novella builds guests.
RUNNING = f"""
<domain type='qemu'>
  <name>{NAME}</name>
  <uuid>{UUID}</uuid>
  <title>Since 2014</title>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe'/>
      <source file='{DISK}'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:99:00:01'/><source network='default'/><model type='virtio'/>
    </interface>
    <serial type='pty'><log file='/var/log/libvirt/qemu/old-timer.console.log' append='on'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <sound model='ac97'/>
    <watchdog model='i6300esb' action='none'/>
  </devices>
</domain>
"""


@pytest.fixture
def host(lab: Any) -> Any:
    return lab.host("kvm1")


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    """A fleet in a folder, to which what is adopted is added."""
    parts = tmp_path / "parts"
    parts.mkdir()
    made = LabFleet(lab, tmp_path, {"fleet": str(parts)})
    (parts / "fleet.yml").write_text(yaml.safe_dump({**PARTS, "name": made.name}))
    yield made
    for controller in made.controllers:
        controller.stop()


@pytest.fixture
def defined(fleet: LabFleet, host: Any) -> Iterator[dict[str, str]]:
    """The corpus, defined on a host: what libvirt says of each, by name."""
    folder = host.files / "srv/corpus"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    has_kvm = "<domain type='kvm'/>" in host.virsh("capabilities")
    for path in CORPUS:
        # Where the machine has no KVM, libvirt defines no guest that would need it.
        text = path.read_text()
        (folder / path.name).write_text(text if has_kvm else emulated(text))
    script = "for file in /srv/corpus/*.xml; do virsh define $file || echo REFUSED $file; done 2>&1"
    try:
        said = host.run(["sh", "-c", script], timeout=300)
        assert "REFUSED" not in said, said
        yield {name: definition(host, name) for name in NAMES.values()}
    finally:
        forget(fleet)
        for name in NAMES.values():
            host.virsh("undefine", "--keep-nvram", name, check=False)
        shutil.rmtree(folder)


@pytest.fixture
def guest(fleet: LabFleet, host: Any) -> Iterator[Guest]:
    """A guest that runs, and that Novella knows nothing of."""
    backing = ["-b", "/srv/images/tiny.qcow2", "-F", "qcow2"]
    host.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, DISK, "1G"])
    (host.files / "srv/old-timer.xml").write_text(RUNNING)
    try:
        host.virsh("define", "/srv/old-timer.xml")
        host.virsh("start", NAME)
        running = Guest(host, NAME)
        running.await_answer()
        yield running
    finally:
        forget(fleet)
        host.virsh("destroy", NAME, check=False)
        host.virsh("undefine", NAME, check=False)
        (host.files / DISK[1:]).unlink(missing_ok=True)


def forget(fleet: LabFleet) -> None:
    """Have the hosts know nothing any more of what was adopted: who only undefines it is told that it has vanished."""
    fleet.run("act", operation="delete", instances=["*"], only_fleet=fleet.name)


def emulated(xml: str) -> str:
    xml = xml.replace("<domain type='kvm'", "<domain type='qemu'")
    return xml.replace("<kvm><hidden state='on'/></kvm>", "").replace("<ioapic driver='kvm'/>", "")


def definition(host: Any, name: str) -> str:
    return without_record(host.virsh("dumpxml", "--inactive", "--security-info", name))


def adopt(fleet: LabFleet, domain: str, **extra: Any) -> Any:
    file = fleet.folder / "parts/adopted.yml"
    return fleet.run("adopt", domain=domain, host="kvm1", fragment_to=str(file), **extra)


def test_forty_definitions_are_adopted_in_one_run_and_need_no_change(
    fleet: LabFleet, host: Any, defined: dict[str, str]
) -> None:
    assert len(defined) == 40
    adopted = adopt(fleet, ",".join(defined))
    assert adopted.code == 0, adopted.text
    declared = yaml.safe_load((fleet.folder / "parts/adopted.yml").read_text())
    assert set(declared["instances"]) == set(defined)
    plan = fleet.run("plan")
    assert "No changes. 40 instances are as declared." in " ".join(plan.text.split()), plan.text
    applied = fleet.run()
    assert (applied.code, applied.changed) == (0, 0), applied.text
    assert {name: definition(host, name) for name in defined} == defined
    again = adopt(fleet, ",".join(defined))
    assert (again.code, again.changed) == (0, 0), again.text


def test_a_running_guest_goes_on_while_it_is_adopted_and_keeps_its_own_definition(
    fleet: LabFleet, host: Any, guest: Guest
) -> None:
    before, life, uptime = definition(host, NAME), guest.life(), guest.uptime()
    adopted = adopt(fleet, NAME)
    assert adopted.code == 0, adopted.text
    assert guest.life() == life
    assert guest.uptime() > uptime
    assert guest.record()["spec"]["name"] == guest.record("--config")["spec"]["name"] == NAME
    assert definition(host, NAME) == before
    assert fleet.is_converged()

    rebooted = fleet.run("hard_reboot", instances=NAME, only_fleet=fleet.name)
    assert rebooted.code == 0, rebooted.text
    guest.await_answer()
    assert guest.life() != life
    assert definition(host, NAME) == before
    assert fleet.is_converged()

    volume = {"name": "more", "size_gb": 1}
    attached = fleet.run("act", operation="attach_volume", volume=volume, instances=NAME, only_fleet=fleet.name)
    assert attached.code == 0, attached.text
    assert "vdc" in host.virsh("domblklist", NAME)
    detached = fleet.run(
        "act", operation="detach_volume", volume={"name": "more"}, instances=NAME, only_fleet=fleet.name
    )
    assert detached.code == 0, detached.text

    deleted = fleet.run("act", operation="delete", instances=NAME, only_fleet=fleet.name)
    assert deleted.code == 0, deleted.text
    assert f"its disks stay: {DISK}" in " ".join(deleted.text.split())
    assert NAME not in host.virsh("list", "--all", "--name").split()
    assert (host.files / DISK[1:]).exists()
    (fleet.folder / "parts/adopted.yml").unlink()
    gone = fleet.run(prune=True, consent="delete_volume")
    assert gone.code == 0, gone.text
