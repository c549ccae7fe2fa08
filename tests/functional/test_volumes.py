# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet with volumes, from being declared to being let go of."""

from __future__ import annotations

from typing import Any

DATA = {"data": {"size_gb": 5}}


def volumes(site: Any) -> dict[str, dict[str, int]]:
    """By host: the volumes that lie on it, with their sizes."""
    return {host: {item.name: item.size_gb for item in site.driver(host).list_volumes()} for host in site.names}


def test_a_volume_moves_between_the_instances_of_a_host_in_one_run(make_site: Any) -> None:
    site = make_site(1)
    site.write_fleet({"one": {"volumes": [{"volume": "data"}, {"size_gb": 1}]}, "two": {}}, volumes=DATA)
    assert site.run("apply").code == 0
    assert volumes(site) == {"kvm1": {"data": 5, "one/1": 1}}
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text

    grown = {"data": {"size_gb": 7}}
    site.write_fleet({"one": {"volumes": [{"size_gb": 1}]}, "two": {"volumes": [{"volume": "data"}]}}, volumes=grown)
    checked = site.run("apply", "--check", "--diff")
    assert checked.code == 0, checked.text
    assert "volumes.data: 5 GiB" in checked.text
    assert volumes(site) == {"kvm1": {"data": 5, "one/1": 1}}
    done = site.run("apply")
    assert done.code == 0, done.text
    assert volumes(site) == {"kvm1": {"data": 7, "one/0": 1, "one/1": 1}}
    held = {row["volume"] for row in site.driver("kvm1")._db.query("SELECT volume FROM fake_attachments")}
    assert len(held) == 2
    assert "one/1 is a volume that is not in the fleet" in " ".join(site.run("plan").text.split())
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text


def test_a_volume_binds_new_instances_to_its_host_and_goes_by_consent_only(make_site: Any) -> None:
    site = make_site(2)
    site.write_fleet({"db": {"host": "kvm2", "volumes": [{"volume": "data"}]}}, volumes=DATA)
    assert site.run("apply").code == 0
    site.write_fleet({}, volumes=DATA)
    assert site.run("apply", prune=True, consent="delete_volume").code == 0
    assert volumes(site) == {"kvm1": {}, "kvm2": {"data": 5}}
    site.write_fleet({"late": {"volumes": [{"volume": "data"}]}}, volumes=DATA)
    assert site.run("apply").code == 0
    assert list(site.domains()["kvm2"]) == ["test.late"]
    site.write_fleet({"late": {"host": "kvm2"}})
    assert site.run("apply", prune=True).code == 0
    assert volumes(site) == {"kvm1": {}, "kvm2": {"data": 5}}
    done = site.run("apply", prune=True, consent="delete_volume")
    assert (done.code, volumes(site)) == (0, {"kvm1": {}, "kvm2": {}}), done.text
