# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every shape of a guest against libvirt's own schema. Its driver for tests needs no daemon and no QEMU."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image, NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.domain_xml import (
    GuestDisks,
    GuestPlatform,
    build_domain,
)
from support.shapes import NEEDED, NEEDED_OF_IMAGES, PROPERTIES, SPECS, TOGETHER

pytestmark = pytest.mark.skipif(
    shutil.which("virsh") is None or not Path("/usr/share/libvirt/schemas/domain.rng").exists(),
    reason="libvirt's client and schemas are not installed",
)
UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
SHAPES = {
    **{key: ({**NEEDED.get(key, {}), key: value}, {}) for key, (value, _path) in SPECS.items()},
    **{key: ({}, {**NEEDED_OF_IMAGES.get(key, {}), key: value}) for key, (value, _path) in PROPERTIES.items()},
    "os:secure_boot": ({"os:secure_boot": "required"}, {"hw_firmware_type": "uefi"}),
    "hw_video_ram": ({"hw_video:ram_max_mb": "64"}, {"hw_video_model": "qxl", "hw_video_ram": "64"}),
    "hw_firmware_stateless": ({}, {"hw_firmware_type": "uefi", "hw_firmware_stateless": "yes"}),
    "hw_scsi_model": ({}, {"hw_scsi_model": "lsilogic", "hw_disk_bus": "scsi", "hw_machine_type": "pc"}),
    "hw_qemu_guest_agent": ({"hw_rng:allowed": "no", "hw:serial_port_count": "0"}, {"hw_qemu_guest_agent": "no"}),
}


def validate(tree: ET.Element, folder: Path) -> str:
    """Return what libvirt says against a domain, or nothing."""
    # The driver for tests knows guests of one kind, and has no machines; all else is as for QEMU.
    tree.set("type", "test")
    kind = tree.find("os/type")
    kind.attrib.clear()
    kind.set("arch", "i686")
    # It has no firmware to choose from either.
    path = folder / "domain.xml"
    path.write_text(ET.tostring(tree, encoding="unicode"))
    command = ["virsh", "--quiet", "--connect", "test:///default", "define", "--validate", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def domain(specs: dict[str, str], properties: dict[str, str], kind: str = "kvm") -> ET.Element:
    flavor = Flavor("f", 4, 512, 5, extra_specs=specs)
    image = Image("i", "/i", properties=properties)
    spec = InstanceSpec("web", flavor, image, networks=[NetworkRequest("front", "02:00:00:00:00:01", bridge="br0")])
    disks = GuestDisks("/pool/root", "/pool/config")
    return build_domain(Instance(UUID, spec), GuestPlatform("x86_64", kind), disks, screens={"vnc": "127.0.0.1"})


@pytest.mark.parametrize("key", sorted(SHAPES))
def test_libvirts_schema_knows_every_shape(key: str, tmp_path: Path) -> None:
    assert validate(domain(*SHAPES[key]), tmp_path) == ""


@pytest.mark.parametrize("name", TOGETHER)
def test_libvirts_schema_knows_many_at_once(name: str, tmp_path: Path) -> None:
    specs, properties = TOGETHER[name]
    wanted = {key: value for spec in specs for key, value in NEEDED.get(spec, {}).items()}
    wanted.update({spec: SPECS[spec][0] for spec in specs})
    assert validate(domain(wanted, {key: PROPERTIES[key][0] for key in properties}), tmp_path) == ""


def test_the_schema_would_say_so(tmp_path: Path) -> None:
    tree = domain({"hw:watchdog_action": "reset"}, {})
    tree.find("devices/watchdog").set("action", "explode")
    assert "XML document failed to validate against schema" in validate(tree, tmp_path)
