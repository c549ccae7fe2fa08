# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Debian with cloud-init, built of its packages, acts upon what Novella tells it. Slow: `make test-distro`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lab_fleet import LabFleet
from support.lab_guest import Guest, guest_of

BUILD = Path(__file__).with_name("build-debian-image")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFh0ZXN0LWtleS1vZi1ub3ZlbGxhLWRpc3RybyEhISEh me"
USER_DATA = "#!/bin/sh\necho ran >>/var/lib/user-data-ran\n"
# An emulated guest that has a core of its own boots in a minute; on a busy machine it may take many.
BOOT_SECONDS = 1800
READY = {"wait_for": {"console": "cloud-init has finished", "timeout": BOOT_SECONDS}}


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    subprocess.run([str(BUILD), str(lab.images)], check=True, timeout=1800)
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


def declare(fleet: LabFleet, subnet: str, form: str, **body: Any) -> None:
    parts = {
        "flavors": {"tiny": {"vcpus": 1, "memory_mb": 512, "root_gb": 3}},
        "images": {"guest": {"source": "/srv/images/debian.qcow2"}},
        "networks": {
            "front": {"libvirt_network": "default", "subnets": [{"cidr": f"{subnet}.0/24", "gateway": f"{subnet}.1"}]}
        },
        "guest": {"config_drive": {"format": form}, "dns_domain": "example.org"},
    }
    web = {
        "host": "kvm2",
        "networks": [{"network": "front", "address": f"{subnet}.99"}],
        "ssh_keys": [KEY],
        "user_data": USER_DATA,
        "files": [{"path": "/etc/from-novella", "content": "first\n"}],
    }
    fleet.declare(parts, web={**web, **READY, **body})


def subnet_of(fleet: LabFleet) -> str:
    """The first three numbers of the addresses of the host's network."""
    network = fleet.lab.host("kvm2").virsh("net-dumpxml", "default")
    found = re.search(r"<ip address='(\d+\.\d+\.\d+)\.1'", network)
    assert found is not None, network
    return found[1]


def apply(fleet: LabFleet) -> None:
    ended = fleet.start().wait(BOOT_SECONDS + 300)
    assert ended.code == 0, ended.text


@pytest.mark.parametrize("form", ["nocloud", "openstack"])
def test_debian_has_its_name_address_key_and_file_and_ran_its_user_data(fleet: LabFleet, form: str) -> None:
    subnet = subnet_of(fleet)
    declare(fleet, subnet, form)
    apply(fleet)
    guest = guest_of(fleet, "web")
    guest.await_answer()
    assert guest.execute("hostname; hostname -f").split() == ["web", "web.example.org"]
    assert f"{subnet}.99/24" in guest.execute("ip -4 -o address show dev eth0")
    assert f"default via {subnet}.1" in guest.execute("ip route")
    assert KEY in guest.execute("cat ~debian/.ssh/authorized_keys")
    assert guest.read("/etc/from-novella") == "first\n"
    assert guest.read("/var/lib/user-data-ran") == "ran\n"
    assert fleet.is_converged()
    if form == "nocloud":
        follow_a_change(fleet, guest, subnet)
    fleet.declare()
    fleet.apply(prune=True)


def follow_a_change(fleet: LabFleet, guest: Guest, subnet: str) -> None:
    """In NoCloud's form, cloud-init follows a new name and file at the next boot, and runs user data once only."""
    changed = {"hostname": "www", "files": [{"path": "/etc/from-novella", "content": "second\n"}]}
    declare(fleet, subnet, "nocloud", **changed)
    fleet.apply()
    assert guest.read("/etc/from-novella") == "first\n"
    declare(fleet, subnet, "nocloud", **changed, vm_state="stopped")
    fleet.apply()
    declare(fleet, subnet, "nocloud", **changed)
    apply(fleet)
    guest.await_answer()
    assert guest.execute("hostname").strip() == "www"
    assert guest.read("/etc/from-novella") == "second\n"
    assert guest.read("/var/lib/user-data-ran") == "ran\n"
