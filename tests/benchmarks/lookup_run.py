# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scheduler lookup takes inside a real playbook run, and where that time goes."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from novella_scheduler import make_report
from playbook_run import CHECKOUT, run_playbook
from scheduler_load import make_load

REQUESTS = 100
ROUNDS = 3


def lookup_timeline(hosts: int, scratch: Path) -> str:
    """Measure playbooks that differ by one thing each, and return the differences as text.

    Args:
        hosts: In the inventory; each has its document in the fact cache, as after an audit.
        scratch: For inventory, cache and playbooks.
    """
    load = make_load(hosts, REQUESTS, grouped=False)
    inventory = scratch / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"compute": {"hosts": {host["host"]: None for host in load["hosts"]}}}))
    _fill_cache(scratch, inventory, load["hosts"])
    kind = {key: load["kinds"][0][key] for key in ("name", "vcpus", "memory_mb", "root_gb")}
    requests = [{"name": f"instance-{number}", "flavor": kind} for number in range(REQUESTS)]
    bare = _seconds(scratch, inventory, "'nothing'", [])
    one = _seconds(scratch, inventory, _lookup(), requests[:1])
    many = _seconds(scratch, inventory, _lookup(), requests)
    rows = [
        (bare, "ansible-playbook with this inventory and one debug task"),
        (one - bare, f"the lookup with one request: loading the scheduler, reading {hosts:,} hosts, placing one"),
        (many - one, f"{REQUESTS - 1} requests more"),
        (many, "in all"),
    ]
    lines = [f"  {seconds:6.2f} s  {what}" for seconds, what in rows]
    return "\n".join([f"The lookup in a playbook, {hosts:,} hosts in the inventory, {REQUESTS} requests", *lines])


def _lookup() -> str:
    return "query('novella.compute.scheduler', requests) | map(attribute='host') | unique | length"


def _fill_cache(scratch: Path, inventory: Path, hosts: list[dict[str, Any]]) -> None:
    """Have Ansible remember a document for each host, as after an audit; untimed."""
    documents = scratch / "documents"
    documents.mkdir()
    for host in hosts:
        (documents / host["host"]).write_text(json.dumps(make_report(host).as_document()))
    fact = {"novella_host": "{{ lookup('ansible.builtin.file', documents ~ '/' ~ inventory_hostname) | from_json }}"}
    task = {"name": "Remember", "ansible.builtin.set_fact": {**fact, "cacheable": True}}
    play = {"hosts": "compute", "gather_facts": False, "vars": {"documents": str(documents)}, "tasks": [task]}
    _play(scratch, inventory, play)


def _seconds(scratch: Path, inventory: Path, expression: str, requests: list[dict[str, object]]) -> float:
    task = {"name": "Ask", "ansible.builtin.debug": {"msg": "{{ " + expression + " }}"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"requests": requests}, "tasks": [task]}
    return median(_play(scratch, inventory, play) for _round in range(ROUNDS))


def _play(scratch: Path, inventory: Path, play: dict[str, Any]) -> float:
    path = scratch / "play.yml"
    path.write_text(yaml.safe_dump([play]))
    settings = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(scratch / "facts")}
    return run_playbook(CHECKOUT / ".venv", "ansible-playbook", str(path), "-i", str(inventory), **settings).seconds
