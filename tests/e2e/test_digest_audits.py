# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audits of real hosts that were read before: only what has changed is read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.lab_fleet import LabFleet
from support.playbooks import run_playbook


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path)
    yield made
    made.end()


def read_anew(fleet: LabFleet) -> list[str]:
    """Audit with a fact cache, and return the hosts that were read in full."""
    outcome = run_playbook("audit", inventory=fleet.lab.inventory, facts=fleet.folder / "facts")
    assert outcome.code == 0, outcome.text
    found = [
        result["ansible_facts"]["novella_host"]
        for result in outcome.results["Read the host"]
        if "ansible_facts" in result
    ]
    return sorted(document["compute_node"]["host"] for document in found)


def test_a_host_is_read_again_as_soon_as_a_person_has_changed_a_domain_of_it(fleet: LabFleet) -> None:
    fleet.declare(web={"host": "kvm1"}, db={"host": "kvm2", "vm_state": "stopped"})
    fleet.apply()
    web, db = f"{fleet.name}.web", f"{fleet.name}.db"
    kvm1, kvm2 = fleet.lab.host("kvm1"), fleet.lab.host("kvm2")
    # By then it has its address, which counts too.
    kvm1.wait_for_console(web, "READY")
    assert read_anew(fleet) == ["kvm1", "kvm2", "kvm3"]
    assert read_anew(fleet) == []
    kvm1.virsh("desc", web, "--config", "changed for its next start alone")
    assert read_anew(fleet) == ["kvm1"]
    kvm2.virsh("domrename", db, f"{db}-renamed")
    assert read_anew(fleet) == ["kvm2"]
    kvm2.virsh("domrename", f"{db}-renamed", db)
    kvm1.virsh("suspend", web)
    assert read_anew(fleet) == ["kvm1", "kvm2"]
    # A domain that libvirt keeps no definition of is seen too.
    definition = kvm1.virsh("dumpxml", "--inactive", web)
    kvm1.virsh("destroy", web)
    kvm1.virsh("undefine", web)
    assert read_anew(fleet) == ["kvm1"]
    (kvm1.files / "root/transient.xml").write_text(definition)
    kvm1.virsh("create", "/root/transient.xml")
    assert read_anew(fleet) == ["kvm1"]
    assert read_anew(fleet) == []
    kvm1.virsh("destroy", web)
    fleet.apply()
