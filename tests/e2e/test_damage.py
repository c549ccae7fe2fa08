# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real hosts with a full disk, a lost or damaged database, or a clock that was set back."""

import random
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lab_fleet import LabFleet, running
from support.other_clock import write_interpreter

STATE = "var/lib/novella"
SMALL_POOL = "novella-small"


@pytest.fixture
def victim(lab: Any) -> Any:
    """The host that something happens to."""
    return lab.host("kvm2")


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    """A fleet of its own; afterwards its instances are gone."""
    fleet = LabFleet(lab, tmp_path)
    yield fleet
    fleet.end()


def shell(host: Any, *commands: str) -> None:
    """Run commands on a host, up to the first that fails."""
    host.run(["bash", "-c", " && ".join(commands)])


@pytest.fixture
def small_pool(lab: Any, victim: Any, fleet: LabFleet) -> Iterator[Path]:
    """A pool on all hosts that has a file system of its own on one, and what fills that up."""
    folder = f"/srv/{SMALL_POOL}"
    define = f"virsh pool-define-as {SMALL_POOL} dir --target {folder} && virsh pool-start {SMALL_POOL}"
    for host in lab.hosts:
        shell(host, f"mkdir {folder}")
    image = f"{folder}.img"
    shell(victim, f"truncate -s 3G {image}", f"mkfs.ext4 -q -m 0 {image}", f"mount -o loop {image} {folder}")
    for host in lab.hosts:
        shell(host, define)
    fleet.options = {"novella_pool": SMALL_POOL}
    yield Path(folder)
    # The instances go first: this fixture ends before the fleet's own end.
    fleet.end()
    for host in lab.hosts:
        shell(host, f"virsh pool-destroy {SMALL_POOL}", f"virsh pool-undefine {SMALL_POOL}")
    shell(victim, f"umount {folder}", f"rm {image}")
    for host in lab.hosts:
        shell(host, f"rm -r {folder}")
    fleet.options = {}


def test_a_full_disk_is_told_as_such_and_the_instance_built_elsewhere(
    fleet: LabFleet, victim: Any, small_pool: Path
) -> None:
    # Without a size of its own a disk is not counted, so no filter keeps it from the full host.
    parts = {"flavors": {"tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 0}}}
    fleet.declare(parts, web={"count": 3})
    fleet.apply()
    homes = fleet.homes()
    [survivor] = [name for name, host in homes.items() if host == victim.name]
    victim.wait_for_console(f"{fleet.name}.{survivor}", "NOVELLA-GUEST READY")
    # What a file system keeps of its own accord is left after the first, and taken by the second.
    free = int(victim.run(["df", "--output=avail", "--block-size=1M", str(small_pool)]).split()[-1])
    shell(victim, f"fallocate -l {free - 32}M {small_pool}/filler")
    victim.run(["dd", "if=/dev/zero", f"of={small_pool}/filler", "oflag=append", "conv=notrunc", "bs=4k"], check=False)
    before = victim.run(["ls", str(small_pool)])

    fleet.declare(parts, web={"count": 9, "vm_state": "any"})
    ended = fleet.apply()
    assert re.search(rf"on {victim.name}: .*[Nn]o (space|room).* left", ended.text), ended.text
    assert f"could not be created on {victim.name}" in ended.text
    assert len(fleet.homes()) == 9
    assert fleet.on(victim) == [survivor]
    assert running(victim) == [survivor]
    assert victim.run(["ls", str(small_pool)]) == before

    shell(victim, f"rm {small_pool}/filler")
    assert fleet.is_converged()


def database_files(host: Any) -> list[Path]:
    return sorted((host.files / STATE).glob("tracker.db*"))


def test_a_deleted_database_costs_no_more_than_history(fleet: LabFleet) -> None:
    fleet.declare(web={"count": 6, "vm_state": "stopped"})
    fleet.apply()
    homes = fleet.homes()
    for host in fleet.lab.hosts:
        for path in database_files(host):
            path.unlink()
    ended = fleet.apply()
    assert ended.changed == 0, ended.text
    assert fleet.homes() == homes
    fleet.declare(web={"count": 7, "vm_state": "stopped"})
    fleet.apply()
    assert fleet.homes().items() > homes.items()
    assert fleet.is_converged()


def scribble(path: Path) -> None:
    """Overwrite all but the first page, as a failing disk might."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(random.Random(1).randbytes(size - 4096))


def cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)


@pytest.mark.parametrize("damage", [scribble, cut_in_half])
def test_a_damaged_database_is_named_with_what_to_do_and_doing_it_mends_all(
    fleet: LabFleet, victim: Any, damage: Any
) -> None:
    fleet.declare(web={"count": 3, "vm_state": "stopped"})
    fleet.apply()
    homes = fleet.homes()
    damage(victim.files / STATE / "tracker.db")
    ended = fleet.run()
    assert ended.code == 2
    assert ended.changed == 0
    assert f"{victim.name}: /{STATE}/tracker.db is damaged: " in ended.text
    remedy = f"mv /{STATE}/tracker.db* /var/tmp/"
    assert remedy in " ".join(ended.text.split()), ended.text
    shell(victim, remedy)
    ended = fleet.apply()
    assert ended.changed == 0, ended.text
    assert fleet.homes() == homes
    shell(victim, "rm /var/tmp/tracker.db*")


@pytest.mark.parametrize("hours", [-1, 1], ids=["back", "forth"])
def test_a_clock_that_is_an_hour_off_changes_nothing(fleet: LabFleet, victim: Any, hours: int) -> None:
    folder = victim.files / "root/elsewhen"
    python = write_interpreter(folder, "/usr/bin/python3", hours, seen_as=Path("/root/elsewhen"))
    script = "import datetime; print(datetime.datetime.now().timestamp())"
    told = victim.run([str(python), "-c", script])
    assert abs(float(told) - time.time() - hours * 3600) < 60
    elsewhen = fleet.inventory_with(victim.name, ansible_python_interpreter=str(python))
    try:
        fleet.declare(web={"count": 6, "vm_state": "stopped"})
        fleet.apply()
        homes = fleet.homes()
        assert fleet.apply(elsewhen).changed == 0
        fleet.declare(web={"count": 9, "vm_state": "stopped"})
        fleet.apply(elsewhen)
        assert fleet.homes().items() > homes.items()
        assert len(fleet.homes()) == 9
        assert fleet.is_converged()
        fleet.declare(web={"count": 3, "vm_state": "stopped"})
        fleet.apply(elsewhen, prune=True)
        assert len(fleet.homes()) == 3
        assert fleet.is_converged()
        assert fleet.apply(elsewhen).changed == 0
    finally:
        shutil.rmtree(folder)
