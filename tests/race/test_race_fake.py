# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers that apply at once onto hosts that cannot hold everything; the fake driver stands for the hypervisor."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest
from race.contest import begin, check_words, end, write_fleet
from race.fake_watcher import watching
from race.judge import Judge

CONTROLLERS = 8
PARTS = {
    "flavors": {
        "wide": {"vcpus": 6, "memory_mb": 256, "root_gb": 1},
        "deep": {"vcpus": 1, "memory_mb": 1536, "root_gb": 1},
        "long": {"vcpus": 1, "memory_mb": 256, "root_gb": 30},
    },
    "images": {"tiny": {"source": "/srv/images/tiny.qcow2"}},
}
# A fake host's own size, less what make_site's hosts reserve.
LIMITS = {"vcpus": 8 * 4.0, "memory_mb": 8192 - 512, "disk_gb": 100}
# The work takes long enough for others to come between.
DELAYS = {"list_domains": 0.01, "create_root_disk": 0.05, "define": 0.05, "power_on": 0.1}


@pytest.fixture
def site(make_site: Any) -> Any:
    site = make_site(3)
    for host in site.names:
        site.settings(host, delays=DELAYS)
    return site


def databases(site: Any) -> dict[str, Any]:
    return {host: site.state_path(host) / "tracker.db" for host in site.names}


def running(site: Any) -> dict[str, set[str]]:
    """By fleet: the names of its instances that run."""
    found: dict[str, set[str]] = {}
    for domains in site.domains().values():
        for domain, power_state in domains.items():
            fleet, _dot, name = domain.partition(".")
            if power_state == "running":
                found.setdefault(fleet, set()).add(name)
    return found


def left_over(site: Any) -> dict[str, int]:
    """Rows that only work in progress may have."""
    rows: Counter[str] = Counter()
    for path in databases(site).values():
        with closing(sqlite3.connect(path)) as connection:
            for table in ("claims", "journal", "steps"):
                rows[table] += connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
    return dict(+rows)


def test_controllers_with_too_little_room_never_overcommit_and_say_what_they_refuse(site: Any, seed: int) -> None:
    rng = random.Random(seed)
    judge = Judge(LIMITS)
    sizes: dict[str, str] = {}
    fleets = {}
    for number in range(CONTROLLERS):
        mine = {
            f"c{number}-{flavor}-{index}": flavor for index, flavor in enumerate(rng.choices([*PARTS["flavors"]], k=6))
        }
        sizes |= mine
        instances = {name: {"flavor": flavor, "image": "tiny"} for name, flavor in mine.items()}
        fleets[f"race{number}"] = write_fleet(site.folder, f"race{number}", PARTS, instances), list(mine)
    with watching(judge, databases(site)):
        contenders = [begin(site.inventory, site.folder, path, name, mine) for name, (path, mine) in fleets.items()]
        ended = end(contenders)
    assert judge.wrongs == []
    assert judge.samples > 100
    refused = check_words(ended, running(site))
    assert refused, "there was room for all: this was no race"
    assert left_over(site) == {}
    assert [name for name in refused if has_room(site, PARTS["flavors"][sizes[name]])] == []


def has_room(site: Any, flavor: dict[str, int]) -> bool:
    """Whether a host could have taken one more of a flavor."""
    for host in site.names:
        sizes = [domain.size for domain in site.driver(host).list_domains()]
        if (
            sum(size.vcpus for size in sizes) + flavor["vcpus"] <= LIMITS["vcpus"]
            and sum(size.memory_mb for size in sizes) + flavor["memory_mb"] <= LIMITS["memory_mb"]
            and sum(size.disk_gb for size in sizes) + flavor["root_gb"] <= LIMITS["disk_gb"]
        ):
            return True
    return False


def test_controllers_with_one_fleet_make_each_instance_once(site: Any, other_seed: int) -> None:
    rng = random.Random(other_seed)
    judge = Judge(LIMITS)
    names = [f"web-{number}" for number in range(1, 10)]
    flavors = {name: rng.choice([*PARTS["flavors"]]) for name in names}
    instances = {name: {"flavor": flavor, "image": "tiny"} for name, flavor in flavors.items()}
    fleet = write_fleet(site.folder, "same", PARTS, instances)
    with watching(judge, databases(site)):
        ended = end(begin(site.inventory, site.folder, fleet, f"run{number}", names) for number in range(4))
    assert judge.wrongs == []
    for _contender, outcome in ended:
        assert "Traceback" not in outcome.text, outcome.text
    found = Counter(name for domains in site.domains().values() for name in domains)
    told = "\n\n".join(outcome.text for _contender, outcome in ended)
    assert found == Counter(f"same.{name}" for name in names), told
    assert left_over(site) == {}
    [(_contender, quiet)] = end([begin(site.inventory, site.folder, fleet, "quiet", names)])
    assert (quiet.code, quiet.changed) == (0, 0), quiet.text
