# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LibvirtDriver against real libvirt and QEMU, run by the host's own Python as a module would run it."""

import json
import shutil
import textwrap
import uuid
from pathlib import Path

import pytest
import yaml
from support.playbooks import ROOT

# A host has files of its own, and need not see the checkout.
CODE = Path("root/novella-driver")
PLUGINS = "ansible_collections/novella/compute/plugins"
IMAGE = "/srv/images/tiny.qcow2"
POOL = "/var/lib/libvirt/images"
LOGS = "/var/log/libvirt/qemu"
FOREIGN = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>96</memory>
  <vcpu>3</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>{disk}</devices>
</domain>
"""

PROGRAM = """
import dataclasses, json, sys, time
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.driver import LibvirtDriver

instance = Instance.from_document(json.loads(sys.argv[1]))
driver = LibvirtDriver(deadline=float(sys.argv[2]))
said = {}
begin = time.monotonic()
try:
    exec(sys.argv[3])
except NovellaError as error:
    said["error"] = error.as_dict()
said["seconds"] = time.monotonic() - begin
print(json.dumps(said, default=dataclasses.asdict))
"""

BUILD = """
image = driver.ensure_image(instance)
said["created"] = driver.create_root_disk(instance, image)
meta = {"uuid": instance.uuid, "hostname": instance.spec.name, "meta": instance.spec.metadata}
driver.write_config_drive(instance, {
    "openstack/latest/meta_data.json": json.dumps(meta).encode(),
    "openstack/latest/user_data": b"#cloud-config",
})
driver.define(instance)
"""
REMOVE = """
if driver.get_domain(instance.uuid):
    driver.power_off(instance.uuid)
driver.undefine(instance.uuid)
driver.delete_disks(instance.uuid)
"""


class Driven:
    """The driver of one host, at work on one instance."""

    def __init__(self, host, **spec):
        self.host = host
        name = f"drv-{uuid.uuid4().hex[:8]}"
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        self.mac = "02:" + ":".join(self.uuid[at : at + 2] for at in range(0, 8, 2)) + ":01"
        self.spec = {
            "name": name,
            "flavor": {"name": "tiny", "vcpus": 1, "memory_mb": 128, "root_gb": 1},
            "image": {"name": "tiny", "source": IMAGE},
            "networks": [{"network": "front", "mac_address": self.mac, "libvirt_network": "default"}],
            "metadata": {"colour": "blue"},
            **spec,
        }

    def do(self, code, deadline=30.0):
        document = {"kind": "instance", "version": "1.0", "uuid": self.uuid, "spec": self.spec}
        command = ["env", f"PYTHONPATH=/{CODE}", "/usr/bin/python3", "-c", PROGRAM]
        code = textwrap.dedent(code)
        return json.loads(self.host.run([*command, json.dumps(document), str(deadline), code], timeout=180))

    def leftovers(self):
        files = self.host.run(["find", POOL, LOGS, "-name", f"*{self.uuid}*"]).split()
        return files + [
            line for line in self.host.virsh("list", "--all", "--name").split() if line == self.spec["name"]
        ]


@pytest.fixture(scope="module")
def code(lab):
    """The driver's code on the lab's second host."""
    place = lab.host("kvm2").files / CODE
    shutil.copytree(ROOT / "plugins/module_utils", place / PLUGINS / "module_utils", dirs_exist_ok=True)
    yield
    shutil.rmtree(place)


@pytest.fixture
def driven(lab, code):
    """Makes instances on the lab's second host, and removes them."""
    made = []

    def make(**spec):
        made.append(Driven(lab.host("kvm2"), **spec))
        return made[-1]

    yield make
    for one in made:
        one.do(REMOVE)


@pytest.fixture
def foreign(lab):
    """A domain that is not ours, with a disk of 3 GiB."""
    host, name = lab.host("kvm2"), f"foreign-{uuid.uuid4().hex[:8]}"
    disk = f"{POOL}/{name}.qcow2"
    host.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "2561M"])
    element = f"<disk type='file'><driver type='qcow2'/><source file='{disk}'/><target dev='vda'/></disk>"
    definition = host.files / f"root/{name}.xml"
    definition.write_text(FOREIGN.format(name=name, disk=element))
    host.virsh("define", f"/root/{name}.xml")
    yield name
    host.virsh("undefine", name)
    host.run(["rm", disk, f"/root/{name}.xml"])


def test_an_instance_boots_with_its_config_drive_and_goes_without_a_trace(driven):
    guest = driven()
    built = guest.do(BUILD + "driver.power_on(instance.uuid)")
    assert built.get("error") is None
    assert built["created"] is True

    console = guest.host.wait_for_console(guest.spec["name"], "NOVELLA-GUEST READY")
    assert f"hostname={guest.spec['name']} uuid={guest.uuid}" in console
    assert "NOVELLA-GUEST meta colour=blue" in console
    assert "NOVELLA-GUEST user_data sha256=" in console

    seen = guest.do("""
        driver.power_on(instance.uuid)
        driver.save_record(instance.but(vm_state="active", generation=7))
        said["domain"] = driver.get_domain(instance.uuid)
        said["listed"] = [domain.uuid for domain in driver.list_domains()]
        said["addresses"] = driver.list_addresses()
        said["disks"] = sorted(driver.list_root_disks())
        said["tail"] = driver.get_console_output(instance.uuid, 40).decode()
        said["kept"] = driver.create_root_disk(instance, driver.ensure_image(instance))
    """)
    assert seen.get("error") is None
    assert seen["domain"]["power_state"] == "running"
    size = seen["domain"]["size"]
    assert (size["vcpus"], size["memory_mb"], size["disk_gb"]) == (1, 128, 1)
    assert seen["domain"]["record"]["vm_state"] == "active"
    assert seen["domain"]["record"]["generation"] == 7
    assert guest.uuid in seen["listed"]
    assert guest.uuid in seen["disks"]
    assert f"address eth0={seen['addresses'][guest.mac][0]}" in console
    assert len(seen["tail"]) == 40
    assert seen["tail"].replace("\r\n", "\n") in guest.host.console(guest.spec["name"])
    assert seen["kept"] is False

    gone = guest.do("""
        said["off"] = driver.shut_down(instance.uuid, 30)
        said["again"] = driver.shut_down(instance.uuid, 0)
        said["state"] = driver.get_domain(instance.uuid).power_state
    """)
    assert (gone["off"], gone["again"], gone["state"]) == ("its agent", "", "shutdown")
    for _round in range(2):
        assert guest.do(REMOVE).get("error") is None
        assert guest.leftovers() == []


def test_several_instances_are_built_and_started_at_once_by_one_driver(driven):
    guest = driven(networks=[])
    said = guest.do("""
        import concurrent.futures, uuid
        def build(number):
            one = instance.but(
                uuid=str(uuid.uuid5(uuid.UUID(instance.uuid), str(number))),
                spec=instance.spec.but(name=f"{instance.spec.name}-{number}"),
            )
            driver.create_root_disk(one, driver.ensure_image(one))
            driver.write_config_drive(one, {"openstack/latest/meta_data.json": b"{}"})
            driver.define(one)
            driver.power_on(one.uuid)
            return one.uuid
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            uuids = list(threads.map(build, range(4)))
        said["states"] = [driver.get_domain(uuid).power_state for uuid in uuids]
        def remove(uuid):
            driver.power_off(uuid)
            driver.undefine(uuid)
            driver.delete_disks(uuid)
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            list(threads.map(remove, uuids))
        said["left"] = [uuid for uuid in uuids if driver.get_domain(uuid) or uuid in driver.list_root_disks()]
    """)
    assert said.get("error") is None
    assert said["states"] == ["running"] * 4
    assert said["left"] == []


def test_a_running_instance_is_not_undefined(driven):
    guest = driven(networks=[])
    said = guest.do(BUILD + "driver.power_on(instance.uuid); driver.undefine(instance.uuid)")
    assert said["error"]["code"] == "InstanceInvalidState"
    assert guest.spec["name"] in guest.host.virsh("list", "--name")


def test_a_foreign_domain_is_counted_and_its_name_is_not_taken(driven, foreign):
    guest = driven(name=foreign)
    said = guest.do("""
        said["domains"] = driver.list_domains()
        driver.define(instance)
    """)
    found = next(domain for domain in said["domains"] if domain["name"] == foreign)
    assert found["record"] is None
    assert found["power_state"] == "shutdown"
    size = found["size"]
    assert (size["vcpus"], size["memory_mb"], size["disk_gb"]) == (3, 96, 3)
    assert said["error"]["code"] == "InstanceExists"
    assert f"domain '{foreign}'" in said["error"]["message"]
    assert "not Novella's" in said["error"]["message"]


def test_the_name_of_another_instance_is_not_taken_and_its_fleet_is_named(driven):
    first = driven(networks=[])
    first.do(BUILD)
    second = driven(name=first.spec["name"])
    error = second.do("driver.define(instance)")["error"]
    assert error["code"] == "InstanceExists"
    assert f"instance '{first.spec['name']}' of fleet 'default'" in error["message"]


def test_a_missing_network_is_told_with_its_remedy(driven):
    guest = driven(networks=[{"network": "front", "mac_address": "02:00:00:00:00:01", "libvirt_network": "nowhere"}])
    error = guest.do(BUILD + "driver.power_on(instance.uuid)")["error"]
    assert error["code"] == "HypervisorError"
    assert "nowhere" in error["message"]
    assert "libvirt_network" in error["remedy"]


def test_a_missing_bridge_is_told_with_its_remedy(driven):
    guest = driven(networks=[{"network": "front", "mac_address": "02:00:00:00:00:01", "bridge": "br-nowhere"}])
    error = guest.do(BUILD + "driver.power_on(instance.uuid)")["error"]
    assert "br-nowhere" in error["message"]
    assert "bridge is missing" in error["remedy"]


def test_an_image_that_differs_from_its_checksum_is_refused_and_leaves_nothing(driven):
    guest = driven(image={"name": "tiny", "source": IMAGE, "checksum": "sha256:" + "0" * 64})
    before = guest.host.run(["ls", POOL])
    error = guest.do(BUILD)["error"]
    assert error["code"] == "ImageUnacceptable"
    assert "sha256:0000" in error["message"]
    assert guest.host.run(["ls", POOL]) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-b", "/etc/shadow", "-F", "raw"], "has a backing file"),
        (["-o", "data_file=/srv/secret,data_file_raw=on"], "its data lies in another file"),
    ],
)
def test_an_image_that_reaches_for_other_files_is_refused(driven, options, words):
    guest = driven(image={"name": "hostile", "source": "/srv/hostile.qcow2"})
    guest.host.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, "/srv/hostile.qcow2", "1M"])
    try:
        before = guest.host.run(["ls", POOL])
        error = guest.do(BUILD)["error"]
        assert error["code"] == "ImageUnacceptable"
        assert words in error["message"]
        assert guest.host.run(["ls", POOL]) == before
    finally:
        guest.host.run(["rm", "-f", "/srv/hostile.qcow2", "/srv/secret"])


def test_a_hung_libvirt_costs_no_more_than_the_deadline(driven):
    guest = driven()
    libvirtd = guest.host.run(["pidof", "libvirtd"]).strip()
    guest.host.run(["kill", "-STOP", libvirtd])
    try:
        said = guest.do("driver.list_domains()", deadline=1)
    finally:
        guest.host.run(["kill", "-CONT", libvirtd])
    assert said["error"]["code"] == "DeadlineExceeded"
    assert "within 1 s" in said["error"]["message"]
    assert 0.9 < said["seconds"] < 10


def test_a_libvirt_that_hangs_half_way_costs_no_more_than_the_deadline(driven):
    guest = driven()
    libvirtd = guest.host.run(["pidof", "libvirtd"]).strip()
    try:
        said = guest.do(
            f"""
            import os, signal
            driver.list_domains()
            os.kill({libvirtd}, signal.SIGSTOP)
            begin = time.monotonic()
            driver.list_domains()
            """,
            deadline=1,
        )
    finally:
        guest.host.run(["kill", "-CONT", libvirtd])
    assert said["error"]["code"] == "DeadlineExceeded"
    assert 0.9 < said["seconds"] < 10


def test_the_hosts_resources_are_the_hosts(lab, driven):
    guest = driven()
    said = guest.do("""
        said["has"] = driver.get_available_resource()
        said["space"] = driver.get_disk_space(driver.list_domains())
    """)
    has, space = said["has"], said["space"]
    assert has["hypervisor_hostname"] == "kvm2"
    assert has["uuid"] in guest.host.virsh("capabilities")
    assert has["memory_mb"] == int(guest.host.run(["awk", "/^MemTotal/ {print int($2 / 1024)}", "/proc/meminfo"]))
    assert has["vcpus"] == int(guest.host.run(["nproc"]))
    assert has["hypervisor_type"] == "QEMU"
    assert ["x86_64", "qemu", "hvm"] in has["supported_instances"]
    assert "features" in has["cpu_info"] and has["cpu_info"]["arch"] == "x86_64"
    assert 0 < space["free"] <= (has["local_gb"] + 1) << 30
    assert space["growth"] >= 0
    inventory = yaml.safe_load((lab.inventory / "hosts.yml").read_text())
    assert has["host_ip"] in (None, inventory["compute"]["hosts"]["kvm2"]["ansible_host"])
