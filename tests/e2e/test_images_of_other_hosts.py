# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that are files of one real host boot on another, and nothing is left of those that may not."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.hostile_images import REFUSALS, make
from support.lab_fleet import POOL, LabFleet, await_condition
from support.lab_guest import Guest, have_guest
from support.playbooks import run_playbook

HOME, AWAY = "kvm2", "kvm1"
# The root disk stays mounted.
MOUNT = "grep -q ' /mnt ' /proc/mounts || mount -t vfat /dev/vda /mnt"
FOLDER = "root/travelling"


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path)
    yield made
    made.end()
    # They outlive their instances.
    removal = {"snapshot": "travel", "snapshot_state": "absent", "only_fleet": made.name}
    assert run_playbook("snapshot", inventory=lab.inventory, **removal).code == 0


@pytest.fixture
def folder(lab: Any) -> Iterator[Path]:
    """A folder of a host, where somebody may put images."""
    path = lab.host(HOME).files / FOLDER
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path)


def pool(fleet: LabFleet) -> list[str]:
    return sorted(path.name for path in (fleet.lab.host(AWAY).files / POOL).glob("novella-base-*"))


def snapshot(fleet: LabFleet, folder: Path) -> dict[str, Any]:
    """Make one of the guest, and return what is told of it."""
    ended = fleet.run("snapshot", instances="web", only_fleet=fleet.name, snapshot="travel")
    assert (ended.code, ended.changed) == (0, 1), ended.text
    task = {"name": "Tell", "novella.compute.instance_snapshot_info": {"fleet": fleet.name}}
    path = folder / "tell.yml"
    path.write_text(yaml.safe_dump([{"hosts": HOME, "gather_facts": False, "tasks": [task]}]))
    [found] = run_playbook(str(path), inventory=fleet.lab.inventory).result("Tell")["snapshots"]
    return dict(found)


def test_a_snapshot_of_one_host_boots_on_another_with_the_data_of_the_guest(fleet: LabFleet, tmp_path: Path) -> None:
    guest = have_guest(fleet)
    guest.execute(f"{MOUNT}; echo from afar >/mnt/note && sync")
    found = snapshot(fleet, tmp_path)
    sources = {
        "loose": {"source": f"{HOME}:{found['file']}"},
        "pinned": {"source": f"{HOME}:{found['file']}", "checksum": found["checksum"]},
    }
    images = {"guest": {"source": "/srv/images/tiny.qcow2"}, **sources}
    copies = {"far": {"host": AWAY, "image": "loose"}, "near": {"host": HOME, "image": "loose"}}
    before = pool(fleet)
    fleet.declare({"images": images}, web={"host": HOME}, **copies)
    first = fleet.apply()
    assert first.text.count("Image 'loose' comes from kvm2") == 1
    for name, host in (("far", AWAY), ("near", HOME)):
        copy = Guest(fleet.lab.host(host), f"{fleet.name}.{name}")
        copy.await_answer()
        assert copy.execute(f"{MOUNT}; cat /mnt/note") == "from afar\n"
    came = set(pool(fleet)) - set(before)
    assert sorted(Path(name).suffix for name in came) == [".origin", ".qcow2"]
    assert fleet.is_converged()
    # Another one there needs nothing to travel; with the checksum it is an image of its own, which is verified.
    more = {"again": {"host": AWAY, "image": "loose"}, "sure": {"host": AWAY, "image": "pinned"}}
    fleet.declare({"images": images}, web={"host": HOME}, **copies, **more)
    second = fleet.apply()
    assert "Image 'loose' comes" not in second.text
    assert second.text.count("Image 'pinned' comes from kvm2") == 1
    copy = Guest(fleet.lab.host(AWAY), f"{fleet.name}.sure")
    copy.await_answer()
    assert copy.execute(f"{MOUNT}; cat /mnt/note") == "from afar\n"
    assert fleet.is_converged()


def test_a_large_image_comes_in_pieces_and_boots_though_a_run_is_killed_on_the_way(
    fleet: LabFleet, folder: Path
) -> None:
    large, tiny = folder / "large.raw", fleet.lab.images / "tiny.qcow2"
    command = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(tiny), str(large)]
    subprocess.run(command, check=True, capture_output=True)
    with large.open("ab") as file:
        for _ in range(150):
            file.write(os.urandom(1 << 20))
    away = fleet.lab.host(AWAY)

    def arriving() -> list[Path]:
        return [path for path in (away.files / POOL).glob("novella-base-*.arriving") if path.stat().st_size]

    fleet.declare(
        {"images": {"large": {"source": f"{HOME}:/{FOLDER}/large.raw"}}}, big={"host": AWAY, "image": "large"}
    )
    controller = fleet.start()
    await_condition(lambda: bool(arriving()), "the first piece is there")
    controller.stop()
    assert fleet.homes() == {}
    before = set(pool(fleet))
    fleet.apply()
    guest = Guest(away, f"{fleet.name}.big")
    guest.await_answer()
    [came] = [name for name in set(pool(fleet)) - before if name.endswith(".raw")]
    assert digest(away.files / POOL / came) == digest(large)
    # What the killed run left is nobody's after an hour. This test does not wait for that.
    for left in arriving():
        left.unlink()
    assert fleet.is_converged()


def test_a_volume_is_made_of_an_image_of_another_host(fleet: LabFleet, folder: Path) -> None:
    marked = folder / "marked.raw"
    marked.write_bytes(os.urandom(4 << 20))
    parts = {
        "images": {"guest": {"source": "/srv/images/tiny.qcow2"}, "marked": {"source": f"{HOME}:/{FOLDER}/marked.raw"}},
        "volumes": {"data": {"size_gb": 1, "image": "marked"}},
    }
    fleet.declare(parts, reader={"host": AWAY, "volumes": [{"volume": "data"}]})
    assert "Image 'marked' comes from kvm2" in fleet.apply().text
    guest = Guest(fleet.lab.host(AWAY), f"{fleet.name}.reader")
    guest.await_answer()
    sums = guest.execute("for disk in /dev/vd?; do dd if=$disk bs=1048576 count=4 2>/dev/null | sha256sum; done")
    assert digest(marked) in sums
    assert fleet.is_converged()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_may_not_be_used_is_refused_where_it_comes_to_and_leaves_nothing(fleet: LabFleet, folder: Path) -> None:
    files = make(folder, fleet.lab.images / "tiny.qcow2")
    images = {name: {"source": f"{HOME}:/{FOLDER}/{file}"} for name, file in files.items()}
    images["exchanged"] = {"source": f"{HOME}:/srv/images/tiny.qcow2", "checksum": "sha256:" + "0" * 64}
    before = pool(fleet)
    fleet.declare({"images": images}, **{name: {"host": AWAY, "image": name} for name in images})
    ended = fleet.run()
    assert ended.code == 2
    text = " ".join(ended.text.split())
    refusals = {**REFUSALS, "huge": "The image is a disk of 10240 GiB", "exchanged": "has the checksum"}
    for name, words in refusals.items():
        assert f"create {name} on {AWAY}: " in text, f"{name}: {ended.text}"
        assert words in text, f"{name}: {ended.text}"
    assert "root:" not in ended.text
    assert fleet.homes() == {}
    assert pool(fleet) == before
