# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of operations: what they show is what happens, and what they say of states is what holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import COMMANDS
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.operation import OPERATIONS
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.network import FixedIP
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from support.fake_host import create
from support.playbooks import ROOT

PAGES = sorted(path for path in (ROOT / "docs" / "operations").glob("*.md") if path.name != "README.md")
EXAMPLE = re.compile(r"```console\n\$ ansible-playbook novella\.compute\.(\w+) -i inventory (.*)\n((?:.*\n)+?)```\n")
# They are done by a module of their own.
BY_OTHER_MODULES = ("snapshot", "backup")
# Seconds differ from run to run.
SECONDS = re.compile(r"in \d+\.\d s")
ROW = re.compile(r"^\| (\w+) \| ([\w, -]+) \| ([\w, -]+) \|$", re.MULTILINE)


# What is in the files that pages speak of.
FILES = {
    "@secret.yml": {"admin_password": "correct horse"},
    "@motd.yml": {"path": "/etc/motd", "content": "hello"},
    "@data.yml": {"volume": {"name": "data", "size_gb": 10}},
    "@larger.yml": {"volume": {"name": "data", "size_gb": 20}},
    "@limits.yml": {"volume": {"name": "data", "limits": {"total_iops_sec": 500}}},
    "@swap.yml": {"volume": {"name": "data"}, "new_volume": {"name": "faster", "format": "raw"}},
    "@faster.yml": {"volume": {"name": "faster"}},
    "@nic.yml": {"interface": {"bridge": "br1"}},
    "@ip.yml": {"interface": {"address": "192.0.2.8"}},
}


def operations_of(page: Path) -> list[str]:
    """What the page is about, by its title."""
    return page.read_text().partition("\n")[0].removeprefix("# ").split(" and ")


@pytest.fixture
def site(make_site: Any) -> Iterator[Any]:
    """A host that has the instance web-1, active."""
    site = make_site(1)
    path = str(site.state_path("kvm1"))
    with closing(TrackerDB(path)) as db:
        options = HostOptions(host="kvm1", driver="fake", state_path=path)
        action = create("web-1")
        nic = NetworkRequest("front", "52:54:00:00:00:01", bridge="br0", addresses=[FixedIP("192.0.2.7", 24)])
        action = action.but(spec=action.spec.but(networks=[nic]))
        [made] = ComputeManager(options, FakeDriver("kvm1", path, db), db).reconcile([action], {})
    assert made["status"] == "done"
    yield site


def test_every_operation_has_a_page_and_an_example() -> None:
    assert sorted(name for page in PAGES for name in operations_of(page)) == sorted([*COMMANDS, *BY_OTHER_MODULES])
    index = (ROOT / "docs" / "operations" / "README.md").read_text()
    assert [page.name for page in PAGES if f"]({page.name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_what_happens(site: Any, page: Path) -> None:
    examples = EXAMPLE.findall(page.read_text())
    assert len(examples) == len(operations_of(page))
    if "stopped ->" in examples[0][2]:
        assert site.run("stop", instances="web-1").code == 0
    for playbook, options, shown in examples:
        extra_vars = {}
        for option in shlex.split(options):
            extra_vars |= (
                FILES[option] if option.startswith("@") else dict([option.split("=", 1)] if "=" in option else [])
            )
        run = site.run(playbook, **extra_vars)
        assert run.code == 0, run.text
        # Columns are as wide as the seconds are long.
        told = [SECONDS.sub("in N s", " ".join(line.split())) for line in run.text.splitlines()]
        for line in shown.splitlines():
            assert "─" in line or SECONDS.sub("in N s", " ".join(line.split())) in told, run.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_tells_the_states_that_hold(page: Path) -> None:
    told = {name: (states.split(", "), ends) for name, states, ends in ROW.findall(page.read_text())}
    assert told.pop("operation") == (["may start from"], "ends in")
    assert list(told) == operations_of(page)
    for name, (states, ends) in told.items():
        declared = OPERATIONS[name]
        assert states == list(declared.vm_states or ())
        if declared.ends_in is not None:
            assert ends == declared.ends_in
        else:
            assert (ends == "as it was") == (declared.ends_as is None)
