# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers that apply at once onto real hosts that cannot hold everything."""

import json
import os
import random
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from race.contest import begin, check_words, end, write_fleet
from race.judge import Judge, Sample

CONTROLLERS = 8
PARTS = {
    "flavors": {
        "deep": {"vcpus": 1, "memory_mb": 1024, "root_gb": 1},
        "wide": {"vcpus": 10, "memory_mb": 128, "root_gb": 1},
    },
    "images": {"guest": {"source": "/srv/images/tiny.qcow2"}},
    "networks": {"front": {"libvirt_network": "default"}},
}
# A guest of ten processors need not boot to be counted.
VM_STATES = {"deep": "active", "wide": "stopped"}


def limits(lab: Any) -> dict[str, float]:
    """What the lab's inventory lets a host give out."""
    said = (lab.inventory / "group_vars/compute.yml").read_text()
    total = int(re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[1]) >> 10
    reserved = int(re.search(r"reserved_host_memory_mb: (\d+)", said)[1])
    return {"memory_mb": total - reserved, "vcpus": os.cpu_count() * 16.0}


@contextmanager
def watching(judge: Judge, lab: Any) -> Iterator[None]:
    """Have the judge look at every host again and again, until the block ends."""
    hosts = {host.name: [host.address, str(host.files / "var/lib/novella/tracker.db")] for host in lab.hosts}
    sampler = subprocess.Popen(
        ["/usr/bin/python3", str(Path(__file__).with_name("lab_sampler.py")), json.dumps(hosts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def watch() -> None:
        for line in sampler.stdout:
            judge.look(Sample(**sample) for sample in json.loads(line))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        sampler.stdin.close()
        watcher.join()
        code = sampler.wait()
        sampler.stdout.close()
    assert code == 0, "the sampler failed; what it said is above"


def there(lab: Any) -> dict[str, set[str]]:
    """By fleet: the names of its instances that are as declared."""
    found: dict[str, set[str]] = {}
    for host in lab.hosts:
        for state in ("--state-running", "--state-shutoff"):
            for domain in host.virsh("list", state, "--name").split():
                fleet, _dot, name = domain.partition(".")
                wanted = "--state-running" if "-deep-" in name else "--state-shutoff"
                if state == wanted:
                    found.setdefault(fleet, set()).add(name)
    return found


@pytest.fixture
def fleets(lab: Any, tmp_path: Path, seed: int) -> Iterator[dict[str, Any]]:
    """By fleet: its file and the names in it. Afterwards all of them are gone again."""
    rng = random.Random(seed)
    made = {}
    for number in range(CONTROLLERS):
        chosen = enumerate(rng.choices([*PARTS["flavors"]], weights=[2, 1], k=4))
        names = {f"c{number}-{flavor}-{index}": flavor for index, flavor in chosen}
        instances = {
            name: {
                "flavor": flavor,
                "image": "guest",
                "networks": [{"network": "front"}],
                "vm_state": VM_STATES[flavor],
            }
            for name, flavor in names.items()
        }
        made[f"race{number}"] = write_fleet(tmp_path, f"race{number}", PARTS, instances), list(names)
    yield made
    empty = [write_fleet(tmp_path, name, PARTS, {}) for name in made]
    gone = end(begin(lab.inventory, tmp_path, path, f"{path.stem}-end", [], prune=True) for path in empty)
    assert [ended.text for _contender, ended in gone if ended.code] == []
    assert not [fleet for fleet in there(lab) if fleet in made]


def test_controllers_on_real_hosts_never_overcommit_and_say_what_they_refuse(
    lab: Any, fleets: dict[str, Any], tmp_path: Path
) -> None:
    judge = Judge(limits(lab))
    with watching(judge, lab):
        ended = end(begin(lab.inventory, tmp_path, path, name, names) for name, (path, names) in fleets.items())
    assert judge.wrongs == []
    assert judge.samples > 50
    refused = check_words(ended, there(lab))
    assert refused, "there was room for all: this was no race"


def test_controllers_with_one_fleet_make_each_instance_once_on_real_hosts(lab: Any, tmp_path: Path) -> None:
    names = [f"web-{number}" for number in range(1, 7)]
    body = {"flavor": "deep", "image": "guest", "networks": [{"network": "front"}], "vm_state": "stopped"}
    fleet = write_fleet(tmp_path, "same", PARTS, dict.fromkeys(names, body))
    judge = Judge(limits(lab))
    try:
        with watching(judge, lab):
            ended = end(begin(lab.inventory, tmp_path, fleet, f"run{number}", names) for number in range(4))
        assert judge.wrongs == []
        assert ["Traceback" in outcome.text for _contender, outcome in ended] == [False] * 4
        found = Counter(name for host in lab.hosts for name in host.virsh("list", "--all", "--name").split())
        assert {name: count for name, count in found.items() if name.startswith("same.")} == {
            f"same.{name}": 1 for name in names
        }
        [(_contender, quiet)] = end([begin(lab.inventory, tmp_path, fleet, "quiet", names)])
        assert (quiet.code, quiet.changed) == (0, 0), quiet.text
    finally:
        empty = write_fleet(tmp_path, "same", PARTS, {})
        end([begin(lab.inventory, tmp_path, empty, "end", [], prune=True)])
