# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What guests are told and when it arrives, through whole playbooks."""

from __future__ import annotations

import json
from typing import Any

SECRET = "correct horse"
FILE = {"path": "/etc/key", "content": SECRET}
GUESTS = {"guest": {"config_drive": {"format": "nocloud"}, "dns_domain": "example.org"}}


def drive(site: Any, name: str = "test.web") -> dict[str, str]:
    driver = site.driver("kvm1")
    [uuid] = [domain.uuid for domain in driver.list_domains() if domain.name == name]
    return {path: content.decode() for path, content in driver.read_config_drive(uuid).items()}


def test_a_change_of_what_guests_are_told_is_planned_done_and_over(make_site: Any) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"files": [FILE], "user_data": "#!/bin/sh\n"}}, **GUESTS)
    first = site.run("apply", "--diff", "-vvv")
    assert first.code == 0, first.text
    assert drive(site)["content/0000"] == SECRET
    assert SECRET not in first.text
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text

    site.write_fleet({"web": {"files": [{**FILE, "content": "new"}], "hostname": "www", "user_data": "#!/bin/sh\n"}})
    checked = site.run("apply", "--check", "--diff")
    said = " ".join(checked.text.split())
    assert "at next boot" in said
    assert "config_drive.format nocloud -> openstack" in said
    assert drive(site)["content/0000"] == SECRET
    done = site.run("apply")
    assert (done.code, done.changed) == (0, 1), done.text
    told = json.loads(drive(site)["openstack/latest/meta_data.json"])
    assert (told["hostname"], drive(site)["openstack/latest/user_data"]) == ("www", "#!/bin/sh\n")
    assert drive(site)["openstack/content/0000"] == "new"
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text


def test_an_apply_fails_when_its_guests_are_not_ready_and_leaves_them(make_site: Any) -> None:
    site = make_site(1)
    site.write_fleet({"web": {"wait_for": {"agent": True, "timeout": 1}}, "db": {"wait_for": {"console": "fake"}}})
    failed = site.run("apply")
    assert failed.code == 2
    said = " ".join(failed.text.split())
    assert "web was not ready 1 s after create: its agent did not answer." in said
    assert "db was not ready" not in said
    assert site.domains() == {"kvm1": {"test.db": "running", "test.web": "running"}}
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text


def test_a_file_that_is_too_large_or_has_no_place_is_refused_by_name(make_site: Any) -> None:
    site = make_site(1)
    files = [{"path": "/etc/big", "content": "x" * 10_241}, {"path": "etc", "content": ""}, {**FILE, "mode": "0600"}]
    site.write_fleet({"web": {"files": files}})
    refused = site.run("plan")
    said = " ".join(refused.text.split())
    assert refused.code != 0
    assert "instances.web.files[0]: content has 10241 bytes; at most 10240 can be written into a guest." in said
    assert "instances.web.files[1]: path is 'etc', which is no absolute path of a file." in said
    assert "instances.web.files[2].mode: only the config drive format nocloud has a place for it" in said
    assert SECRET not in said
