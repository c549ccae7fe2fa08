# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way on which a fleet's change could cost data: none is gone without consent."""

from __future__ import annotations

from typing import Any

FLAVOR = {"vcpus": 1, "memory_mb": 512, "root_gb": 4}
IMAGES = {name: {"source": f"/srv/images/{name}.qcow2"} for name in ("tiny", "new")}
WITH_DATA = {"volumes": [{"volume": "data"}]}
# What is declared instead, of the parts and of the instances, and what is said to that, where it is refused.
PATHS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a smaller root disk": (
        {"flavors": {"small": {**FLAVOR, "root_gb": 2}}},
        {"web": WITH_DATA},
        "flavor.root_gb 4 -> 2 needs a new instance",
    ),
    "a smaller volume": (
        {"volumes": {"data": {"size_gb": 1}}},
        {"web": WITH_DATA},
        "volumes.data.size_gb 3 -> 1: a volume never shrinks",
    ),
    "another format of a volume": (
        {"volumes": {"data": {"size_gb": 3, "format": "raw"}}},
        {"web": WITH_DATA},
        "volumes.data.format qcow2 -> raw: what a volume was made as, it stays",
    ),
    "another image": ({}, {"web": {**WITH_DATA, "image": "new"}}, "Say consent=rebuild to have it done"),
    "other user data": ({}, {"web": {**WITH_DATA, "user_data": "#!/bin/sh"}}, "Say consent=rebuild to have it done"),
    "a volume that is not declared any more": ({"volumes": {}}, {"web": {}}, ""),
    "an instance that is not declared any more": ({}, {}, ""),
}


def data(site: Any) -> tuple[list[Any], list[Any]]:
    """All root disks and volumes that there are."""
    driver = site.driver("kvm1")
    disks = [tuple(row) for row in driver._db.query("SELECT * FROM fake_disks WHERE kind LIKE 'root%' ORDER BY uuid")]
    return disks, [(volume.name, volume.size_gb, volume.format) for volume in driver.list_volumes()]


def test_no_way_to_lose_data_is_gone_without_consent(make_site: Any) -> None:
    site = make_site(1)
    parts = {"flavors": {"small": FLAVOR}, "images": IMAGES, "volumes": {"data": {"size_gb": 3}}}
    site.write_fleet({"web": WITH_DATA}, **parts)
    assert site.run("apply").code == 0
    before = data(site)
    assert [len(kind) for kind in before] == [1, 1]
    for path, (changed, instances, refusal) in PATHS.items():
        site.write_fleet(instances, **{**parts, **changed})
        # Consent to the one is none to the other.
        ended = site.run("apply", consent="restart,drift")
        assert data(site) == before, path
        assert (ended.code == 2) == bool(refusal), (path, ended.text)
        assert refusal in " ".join(ended.text.split()), path
