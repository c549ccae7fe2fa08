# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet whose instances boot from volumes and have ephemeral disks, from being declared to being changed."""

from __future__ import annotations

from typing import Any

import yaml

FLAVORS = {
    "small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1},
    "roomy": {"vcpus": 1, "memory_mb": 512, "root_gb": 1, "ephemeral_gb": 2, "swap_mb": 64},
}


def declare(site: Any, root: dict[str, Any]) -> None:
    path = site.write_fleet({"web": {"flavor": "roomy"}, "db": {}}, flavors=FLAVORS, volumes={"root": root})
    content = yaml.safe_load(path.read_text())
    del content["instances"]["db"]["image"]
    content["instances"]["db"]["volumes"] = [{"volume": "root", "boot_index": 0}]
    path.write_text(yaml.safe_dump(content))


def test_disks_are_made_once_and_another_image_for_a_volume_is_refused(make_site: Any) -> None:
    site = make_site(1)
    declare(site, {"size_gb": 3, "image": "tiny"})
    assert site.run("apply").code == 0
    kinds = [row["kind"] for row in site.driver("kvm1")._db.query("SELECT kind FROM fake_disks ORDER BY kind")]
    assert kinds == ["config", "config", "ephemeral0", "root", "swap"]
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text
    declare(site, {"size_gb": 3, "snapshot": "web/before"})
    refused = site.run("apply")
    assert (refused.code, refused.changed) == (2, 0)
    assert "made of image tiny, and snapshot" in " ".join(refused.text.split())
