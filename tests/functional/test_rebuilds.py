# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet whose images change: nothing is lost without consent."""

from __future__ import annotations

from typing import Any

IMAGES = {name: {"source": f"/srv/images/{name}.qcow2"} for name in ("tiny", "new")}


def roots(site: Any) -> set[str]:
    """What the root disks were made from."""
    return {
        row["content"]
        for host in site.names
        for row in site.driver(host)._db.query("SELECT content FROM fake_disks WHERE kind LIKE 'root%'")
    }


def test_an_image_that_changes_rebuilds_with_consent_alone(make_site: Any) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2}, "db": {"vm_state": "stopped"}}, images=IMAGES)
    assert site.run("apply").code == 0
    body = {"image": "new", "user_data": "#!/bin/sh"}
    site.write_fleet({"web": {"count": 2, **body}, "db": {"vm_state": "stopped", **body}}, images=IMAGES)
    refused = site.run("apply")
    assert (refused.code, refused.changed) == (2, 0), refused.text
    said = " ".join(refused.text.split())
    assert "by which the data on its root disk are lost; the instance stays as it is." in said
    assert "Say consent=rebuild to have it done." in said
    assert roots(site) == {IMAGES["tiny"]["source"]}
    checked = site.run("apply", "--check", "--diff", consent="rebuild")
    assert checked.code == 0, checked.text
    assert "3 to rebuild" in checked.text
    assert roots(site) == {IMAGES["tiny"]["source"]}
    done = site.run("apply", consent="rebuild")
    assert (done.code, done.changed) == (0, 2), done.text
    assert roots(site) == {IMAGES["new"]["source"]}
    powers = {name: power for domains in site.domains().values() for name, power in domains.items()}
    assert powers == {"test.web-1": "running", "test.web-2": "running", "test.db": "shutdown"}
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text


def test_consent_to_what_there_is_not_is_refused(make_site: Any) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    run = site.run("apply", consent="everything")
    assert run.code == 2
    assert "consent must be one or more of: restart, rebuild" in " ".join(run.text.split())
    assert site.domains() == {"kvm1": {}}
