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


def pools(**changed: Any) -> dict[str, Any]:
    return {"storage_pools": {"big": {"type": "dir", "path": "/srv/big"}, **changed}}


FAST = pools(fast={"type": "dir", "path": "/srv/fast"})
OTHER = pools(big={"type": "dir", "path": "/srv/other"})
SERVER = pools(fast={"type": "nbd", "host": "store1"})
STAYS = "a volume stays where its data are; swap_volume moves them to another one"
FREE = "its volume 'free' is in the storage pool 'big' (type dir, path /srv/big) on kvm1, and is declared"
# Of `held`, which web has, its own `web/0`, and `free`, which nobody has: how they are declared, and what that is told.
MOVES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "another pool": (
        FAST,
        {name: {"pool": "fast"} for name in ("held", "own", "free")},
        [
            f"volumes.held.pool big -> fast: {STAYS}",
            f"volumes.web/0.pool big -> fast: {STAYS}",
            f"{FREE} in the storage pool 'fast' (type dir, path /srv/fast): {STAYS}",
        ],
    ),
    "the host's own directory": (
        pools(),
        {"held": {"pool": None}, "free": {"pool": None}},
        [f"volumes.held.pool big -> none: {STAYS}", f"{FREE} in the directory of its host: {STAYS}"],
    ),
    "what a server has": (
        SERVER,
        {name: {"pool": "fast", "name_in_pool": name} for name in ("held", "free")},
        [f"-> fast/held: {STAYS}", f"{FREE} in the storage pool 'fast' (type nbd, host store1): {STAYS}"],
    ),
    "another type of the pool": (
        pools(big={"type": "shared_dir", "path": "/srv/big"}),
        {},
        [f"another definition of volumes.{name}.pool: {STAYS}" for name in ("held", "web/0")],
    ),
    "another directory of the pool": (OTHER, {}, [f"another definition of volumes.held.pool: {STAYS}"]),
    "a pool that is not declared any more": ({}, {}, ["there is no storage pool 'big'"]),
    # From here on, web has none.
    "another directory of the pool of a volume that nobody has": (
        OTHER,
        {"held": None, "own": None, "free": {}},
        [f"{FREE} in the storage pool 'big' (type dir, path /srv/other): {STAYS}"],
    ),
    "a pool that is not declared any more, nor what was in it": ({}, {"held": None, "own": None, "free": None}, []),
}


def in_pools(site: Any, parts: dict[str, Any], changed: dict[str, Any]) -> None:
    """Declare the three volumes, in the pool big but for what is changed. None is not declared at all."""
    declared = {}
    for name in ("held", "own", "free"):
        other = changed.get(name, {})
        if other is not None:
            body = {"size_gb": 3, "pool": "big", **other}
            declared[name] = {key: value for key, value in body.items() if value is not None}
    # Whoever asks for the free one would get an empty one.
    has = [declared.pop("own")] if "own" in declared else []
    has += [{"volume": name} for name in ("held", "free") if name in declared and (name == "held" or name in changed)]
    site.write_fleet({"web": {"volumes": has}}, volumes=declared, images=IMAGES, **parts)


def test_no_volume_is_left_behind_for_another_pool(make_site: Any) -> None:
    site = make_site(1)
    in_pools(site, pools(), {"free": {}})
    assert site.run("apply").code == 0
    in_pools(site, pools(), {})
    assert site.run("apply").code == 0
    driver = site.driver("kvm1")
    places = sorted((volume.name, volume.pool.path) for volume in driver.list_volumes())
    assert places == [("free", "/srv/big"), ("held", "/srv/big"), ("web/0", "/srv/big")]
    for path, (parts, changed, refusals) in MOVES.items():
        in_pools(site, parts, changed)
        ended = site.run("apply", consent="restart,rebuild,drift")
        assert sorted((volume.name, volume.pool.path) for volume in driver.list_volumes()) == places, path
        assert (ended.code == 2) == bool(refusals), (path, ended.text)
        told = " ".join(ended.text.split())
        assert [refusal for refusal in refusals if refusal not in told] == [], (path, told)
