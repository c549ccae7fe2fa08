# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains of others become instances of a fleet, by the playbook adopt, and stay as they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.records import read_record
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import Domain

MAIL, DNS, BIG = (f"0000000{number}-0000-4000-8000-000000000000" for number in (1, 2, 3))


TINY = Usage(1, 64, 1)


@pytest.fixture
def site(make_site: Any) -> Any:
    site = make_site(2)
    site.write_fleet({"web": {}})
    assert site.run("apply").code == 0
    put(site, "kvm1", MAIL, "mail", "running", Usage(2, 1024, 20))
    put(site, "kvm1", DNS, "dns", "shutdown", Usage(1, 512, 1))
    put(site, "kvm2", BIG, "big.example.org", "paused", Usage(4, 2048, 0))
    return site


def put(site: Any, host: str, uuid: str, name: str, power: str = "shutdown", size: Usage = TINY) -> None:
    site.driver(host).put_foreign(Domain(uuid, name, power, size))


def adopt(site: Any, domain: str, *options: str, **extra: Any) -> Any:
    return site.run("adopt", *options, domain=domain, fragment_to=str(site.folder / "adopted.yml"), **extra)


def declare(site: Any) -> None:
    """Copy what was adopted into the fleet's file, as a user would."""
    path = site.folder / "fleet.yml"
    fleet, fragment = yaml.safe_load(path.read_text()), fragment_of(site)
    for section in ("flavors", "instances"):
        fleet[section].update(fragment.get(section, {}))
    path.write_text(yaml.safe_dump(fleet, sort_keys=False))


def fragment_of(site: Any) -> dict[str, Any]:
    return yaml.safe_load((site.folder / "adopted.yml").read_text())


def said(outcome: Any) -> str:
    return " ".join(outcome.text.split())


def record_of(site: Any, host: str, uuid: str) -> Any:
    domain = site.driver(host).get_domain(uuid)
    return None if domain is None else read_record(domain)


def test_adopted_domains_need_no_change_when_they_are_declared(site: Any) -> None:
    before = site.domains()
    adopted = adopt(site, "*")
    assert adopted.code == 0, adopted.text
    assert site.domains() == before
    assert fragment_of(site) == {
        "version": "1.0",
        "flavors": {
            "adopted-2x1024-20": {"vcpus": 2, "memory_mb": 1024, "root_gb": 20},
            "adopted-4x2048-0": {"vcpus": 4, "memory_mb": 2048, "root_gb": 0},
        },
        "instances": {
            "big.example.org": {"adopted": BIG, "flavor": "adopted-4x2048-0", "vm_state": "paused"},
            "dns": {"adopted": DNS, "flavor": "small", "vm_state": "stopped"},
            "mail": {"adopted": MAIL, "flavor": "adopted-2x1024-20", "vm_state": "active"},
        },
    }
    declare(site)
    plan = site.run("plan")
    assert "No changes. 4 instances are as declared." in said(plan)
    applied = site.run("apply")
    assert (applied.code, applied.changed) == (0, 0), applied.text
    assert site.domains() == before
    again = adopt(site, "*")
    assert (again.code, again.changed) == (0, 0), again.text


def test_check_mode_shows_what_is_adopted_and_declared_and_does_neither(site: Any) -> None:
    checked = adopt(site, "mail", "--check", "--diff")
    assert checked.code == 0, checked.text
    for line in ("+instance: mail", "+vm_state: active", "+flavor: adopted-2x1024-20", f"+    adopted: {MAIL}"):
        assert line in checked.text
    assert record_of(site, "kvm1", MAIL) is None
    assert not (site.folder / "adopted.yml").exists()


def test_adopted_instances_are_instances_but_are_never_built_anew(site: Any) -> None:
    assert adopt(site, "mail").code == 0
    declare(site)
    assert "mail" in site.run("instance_info").text
    for operation in ("stop", "start", "pause", "unpause", "hard_reboot", "lock", "unlock"):
        done = site.run(operation, instances="mail")
        assert done.code == 0, done.text
    for operation, why in (("rescue", "has not made its root disk"), ("rebuild", "has not made its root disk")):
        refused = site.run("act", operation=operation, instances="mail", image={"source": "/srv/images/tiny.qcow2"})
        assert refused.code == 2
        assert f"mail was adopted and keeps its own definition, so it cannot {operation}: Novella {why}" in said(
            refused
        )
    snapshot = site.run("snapshot", instances="mail", snapshot="one")
    assert "mail was adopted and keeps its own definition, so it cannot snapshot" in said(snapshot)
    assert site.run("apply").code == 0
    assert record_of(site, "kvm1", MAIL).adopted.domain_name == "mail"


def test_a_volume_gets_a_name_that_no_disk_of_an_adopted_instance_has(site: Any) -> None:
    assert adopt(site, "mail").code == 0
    declare(site)
    path = site.folder / "fleet.yml"
    fleet = yaml.safe_load(path.read_text())
    fleet["instances"]["mail"]["volumes"] = [{"size_gb": 1}]
    path.write_text(yaml.safe_dump(fleet))
    applied = site.run("apply")
    assert applied.code == 0, applied.text
    assert list(site.driver("kvm1").volumes_of(MAIL).values()) == ["vdc"]
    record = record_of(site, "kvm1", MAIL)
    assert [type(volume) for volume in record.spec.volumes] == [VolumeRequest]
    assert site.run("apply").changed == 0


def test_deleting_an_adopted_instance_tells_which_disks_stay(site: Any) -> None:
    assert adopt(site, "mail").code == 0
    kept = site.run("plan", prune=True)
    assert "its definition is lost, its disks stay" in said(kept)
    deleted = site.run("act", operation="delete", instances="mail")
    assert deleted.code == 0, deleted.text
    assert "It was adopted, so its disks stay: /srv/mail.qcow2." in said(deleted)
    assert "mail" not in site.domains()["kvm1"]


def test_an_adopted_instance_whose_domain_is_gone_is_not_made_anew(site: Any) -> None:
    assert adopt(site, "mail").code == 0
    declare(site)
    site.driver("kvm1").undefine(MAIL)
    applied = site.run("apply")
    assert applied.code == 2
    assert "is gone from kvm1. It was adopted, so Novella cannot make it" in said(applied)
    assert "mail" not in site.domains()["kvm1"]


def test_an_entry_that_does_not_say_that_it_was_adopted_makes_no_second_instance(site: Any) -> None:
    assert adopt(site, "mail").code == 0
    site.write_fleet({"web": {}, "mail": {}})
    applied = site.run("apply")
    assert applied.code == 2
    assert f"Write adopted: {MAIL} there, in the place of image" in said(applied)
    assert "test.mail" not in {**site.domains()["kvm1"], **site.domains()["kvm2"]}


def test_a_declared_domain_that_was_not_adopted_is_left_alone(site: Any) -> None:
    site.write_fleet({"web": {}}, flavors={"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}})
    path = site.folder / "fleet.yml"
    fleet = yaml.safe_load(path.read_text())
    fleet["instances"]["dns"] = {"adopted": DNS, "flavor": "small", "vm_state": "stopped"}
    path.write_text(yaml.safe_dump(fleet))
    applied = site.run("apply")
    assert applied.code == 2
    assert "is on kvm1, and was not adopted yet (playbook novella.compute.adopt)" in said(applied)
    adopted = adopt(site, "dns")
    assert adopted.code == 0, adopted.text
    assert not (site.folder / "adopted.yml").exists()
    assert site.run("apply").changed == 0


def test_what_cannot_be_adopted_is_told_and_the_rest_is_adopted(site: Any) -> None:
    copy = "0000000a-0000-4000-8000-000000000000"
    put(site, "kvm1", copy, "twice")
    put(site, "kvm2", copy, "twice")
    put(site, "kvm2", "0000000b-0000-4000-8000-000000000000", "web")
    put(site, "kvm2", "0000000c-0000-4000-8000-000000000000", "My Server (old)")
    put(site, "kvm2", "0000000d-0000-4000-8000-000000000000", "passing")
    site.settings("kvm2", transient=["passing"])
    adopted = adopt(site, "*,nobody,test.web")
    assert adopted.code == 2
    text = said(adopted)
    for told in (
        "twice on kvm1 is not adopted: kvm2 has a domain of the same uuid.",
        "twice on kvm2 is not adopted: kvm1 has a domain of the same uuid.",
        "web on kvm2 is not adopted: the fleet has an instance 'web' already",
        "'My Server (old)' is no name of an instance. Give it one: instance=My-Server-old",
        "The domain 'passing' is transient",
        "nobody is not adopted: no host that answered has such a domain.",
        "test.web on kvm",
        "it is Novella's already: instance 'web' of fleet 'test', project 'default'",
    ):
        assert told in text
    assert sorted(fragment_of(site)["instances"]) == ["big.example.org", "dns", "mail"]


def test_a_domain_can_be_given_another_name(site: Any) -> None:
    put(site, "kvm2", "0000000c-0000-4000-8000-000000000000", "My Server (old)")
    adopted = adopt(site, "My Server*", instance="my-server", host="kvm2")
    assert adopted.code == 0, adopted.text
    declare(site)
    applied = site.run("apply")
    assert (applied.code, applied.changed) == (0, 0), applied.text
    assert "My Server (old)" in site.domains()["kvm2"]
    many = adopt(site, "*", instance="one")
    assert "domains cannot all be called 'one'" in said(many)


def test_a_file_that_holds_more_than_adopted_instances_is_not_overwritten(site: Any) -> None:
    (site.folder / "adopted.yml").write_text("version: '1.0'\nimages: {}\n")
    refused = adopt(site, "mail")
    assert "holds images, and would be overwritten" in said(refused)
    assert record_of(site, "kvm1", MAIL) is None


def test_an_adopted_instance_takes_its_room_from_its_host(make_site: Any) -> None:
    site = make_site(1)
    site.settings("kvm1", resources={"vcpus": 4, "memory_mb": 2048, "local_gb": 30})
    site.write_fleet({})
    put(site, "kvm1", MAIL, "mail", "running", Usage(2, 1024, 20))
    assert adopt(site, "mail").code == 0
    site.write_fleet({"web": {"flavor": "wide"}}, flavors={"wide": {"vcpus": 1, "memory_mb": 64, "root_gb": 11}})
    declare(site)
    applied = site.run("apply")
    assert applied.code == 2
    assert "web" in said(applied) and "test.web" not in site.domains()["kvm1"]
