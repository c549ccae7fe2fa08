# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The periodic tasks and deleting with a way back, on real hosts."""

import os
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.playbooks import Outcome, run_playbook

SYNC, RECLAIM, IMAGES = "sync_power_states", "reclaim_queued_deletes", "run_image_cache_manager_pass"
POOL = "var/lib/libvirt/images"
DAYS = 10 * 86400


@dataclass
class Fleet:
    """A fleet of one host, kvm2, whose image is nobody else's."""

    lab: Any
    folder: Path

    @property
    def home(self) -> Any:
        return self.lab.host("kvm2")

    @property
    def image(self) -> Path:
        return self.lab.images / "periodic.qcow2"

    @property
    def pool(self) -> Path:
        return self.home.files / POOL

    def apply(self, *names: str, **variables: Any) -> Outcome:
        common = {"flavor": "tiny", "image": "guest", "networks": [{"network": "front"}], "host": "kvm2"}
        content = {
            "version": "1.0",
            "name": "periodic",
            "flavors": {"tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1}},
            "images": {"guest": {"source": f"/srv/images/{self.image.name}"}},
            "networks": {"front": {"libvirt_network": "default"}},
            "instances": {name: dict(common) for name in names},
        }
        path = self.folder / "fleet.yml"
        path.write_text(yaml.safe_dump(content))
        outcome = run_playbook("apply", inventory=self.lab.inventory, fleet=str(path), prune=True, **variables)
        assert outcome.code == 0, outcome.text
        return outcome

    def periodic(self, task: str, *options: str, **variables: Any) -> dict[str, Any]:
        """Run one task on the host and return its result."""
        outcome = run_playbook(
            "periodic",
            "--limit kvm2",
            *options,
            inventory=self.lab.inventory,
            periodic_tasks=task,
            force=True,
            **variables,
        )
        assert outcome.code == 0, outcome.text
        return outcome.result("Periodic")["results"][0]

    def state(self, name: str) -> str:
        return self.home.virsh("domstate", f"periodic.{name}").strip()

    def record(self, name: str) -> str:
        return self.home.virsh("metadata", f"periodic.{name}", "--uri", "https://novella.dev/xmlns/compute/1")

    def base_images(self) -> set[Path]:
        return set(self.pool.glob("novella-base-*"))


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(lab, tmp_path)
    shutil.copyfile(lab.images / "tiny.qcow2", fleet.image)
    before = fleet.base_images()
    yield fleet
    fleet.apply(novella_reclaim_instance_interval=0)
    for path in fleet.base_images() - before:
        path.unlink()
    fleet.image.unlink()


def test_guests_stopped_and_started_by_hand_are_brought_in_line(fleet: Fleet) -> None:
    fleet.apply("web")
    fleet.home.virsh("destroy", "periodic.web")
    would = fleet.periodic(SYNC, "--check")
    assert [(deed["operation"], deed["name"]) for deed in would["did"]] == [("stop", "web")]
    assert '"vm_state":"active"' in fleet.record("web")
    assert fleet.periodic(SYNC)["did"] == would["did"]
    assert '"vm_state":"stopped"' in fleet.record("web")
    fleet.home.virsh("start", "periodic.web")
    assert [deed["operation"] for deed in fleet.periodic(SYNC, novella_shutdown_timeout=5)["did"]] == ["stop"]
    assert fleet.state("web") == "shut off"
    assert fleet.periodic(SYNC)["did"] == []


def test_with_the_policy_restart_a_guest_that_went_down_is_up_again(fleet: Fleet) -> None:
    fleet.apply("web")
    fleet.home.wait_for_console("periodic.web", "NOVELLA-GUEST READY")
    fleet.home.virsh("destroy", "periodic.web")
    assert [deed["operation"] for deed in fleet.periodic(SYNC, novella_power_policy="restart")["did"]] == ["start"]
    assert fleet.state("web") == "running"


def test_what_is_deleted_comes_back_with_its_disk_or_goes_in_the_end(fleet: Fleet) -> None:
    keep = {"novella_reclaim_instance_interval": 3600}
    fleet.apply("web", **keep)
    fleet.home.wait_for_console("periodic.web", "NOVELLA-GUEST READY")
    fleet.apply(**keep)
    assert fleet.state("web") == "shut off"
    assert '"vm_state":"soft-delete"' in fleet.record("web")
    assert fleet.periodic(RECLAIM, **keep)["did"] == []
    fleet.apply("web", **keep)
    # The guest counts its boots on its disk.
    fleet.home.wait_for_console("periodic.web", "NOVELLA-GUEST boots=2")
    assert fleet.apply("web", **keep).changed == 0
    fleet.apply(**keep)
    time.sleep(1.1)  # only time itself makes it a second old
    assert [deed["name"] for deed in fleet.periodic(RECLAIM, novella_reclaim_instance_interval=1)["did"]] == ["web"]
    assert "periodic.web" not in fleet.home.virsh("list", "--all", "--name")
    assert list(fleet.pool.glob("*.root.qcow2*")) == []


def test_a_base_image_goes_when_no_disk_stands_upon_it_and_never_before(fleet: Fleet) -> None:
    before = fleet.base_images()
    fleet.apply("web")
    (base,) = fleet.base_images() - before
    _make_old(base)
    # An instance needs it, running or not.
    assert not _is_removed(fleet, base)
    fleet.home.virsh("destroy", "periodic.web")
    assert not _is_removed(fleet, base)
    # Its disk needs it, without a domain.
    fleet.home.virsh("undefine", "periodic.web")
    assert not _is_removed(fleet, base)
    # Somebody else's domain needs it, through a disk that lies outside the pool.
    name = _define_foreign(fleet, f"/{POOL}/{base.name}")
    try:
        fleet.apply()
        _make_old(base)
        assert list(fleet.pool.glob("*.root.qcow2")) == []
        assert not _is_removed(fleet, base)
        assert base.exists()
    finally:
        fleet.home.virsh("undefine", name)
        (fleet.home.files / f"root/{name}.qcow2").unlink()
    assert _is_removed(fleet, base, "--check")
    assert base.exists()
    assert _is_removed(fleet, base)
    assert not base.exists()
    # And it is fetched again when it is needed again.
    fleet.apply("web")
    assert base.exists()


def _make_old(path: Path) -> None:
    last = time.time() - DAYS
    os.utime(path, (last, last))


def _is_removed(fleet: Fleet, base: Path, *options: str) -> bool:
    """Run the pass and tell whether it says that this image went. Others of the lab may be old enough too."""
    return base.name in {Path(deed["path"]).name for deed in fleet.periodic(IMAGES, *options)["did"]}


def _define_foreign(fleet: Fleet, base: str) -> str:
    """Define a domain that is not ours, on an overlay of a base image."""
    name = "periodic-stranger"
    disk = f"/root/{name}.qcow2"
    fleet.home.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", disk])
    domain = ET.Element("domain", type="qemu")
    ET.SubElement(domain, "name").text = name
    ET.SubElement(domain, "memory", unit="MiB").text = "64"
    ET.SubElement(ET.SubElement(domain, "os"), "type", arch="x86_64").text = "hvm"
    element = ET.SubElement(ET.SubElement(domain, "devices"), "disk", type="file")
    ET.SubElement(element, "driver", type="qcow2")
    ET.SubElement(element, "source", file=disk)
    ET.SubElement(element, "target", dev="vda")
    definition = fleet.home.files / f"root/{name}.xml"
    definition.write_text(ET.tostring(domain, encoding="unicode"))
    fleet.home.virsh("define", f"/root/{name}.xml")
    definition.unlink()
    return name
