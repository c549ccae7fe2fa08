# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks storage pools, and that each volume asks of its pool what that can give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.pool import OF_FILES

from .draft import Draft
from .faults import Faults
from .wording import Path, missing_name, quoted

# The keys of each type of pool: those it needs, and those it may have.
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dir": (("path",), ()),
    "shared_dir": (("path",), ()),
    "nfs": (("host", "export", "path"), ()),
    "nbd": (("host",), ("port",)),
    "iscsi": (("host", "iqn"), ("port",)),
    "lvm": (("vg",), ()),
    "rbd": (("host", "rbd_pool"), ("port",)),
}
Fault = tuple[Path, str]


def check_pools(draft: Draft, faults: Faults) -> None:
    """Add a fault for each pool that lacks what its type needs, and each volume that its pool cannot have."""
    found: list[Fault] = []
    places: dict[str, str] = {}
    for name, body in draft.section("storage_pools").items():
        found.extend(_check_pool(name, body))
        path = body.get("path")
        first = places.setdefault(path.rstrip("/"), name) if isinstance(path, str) else name
        if first != name:
            found.append((("storage_pools", name, "path"), f"is where storage_pools.{first} is."))
    taken: dict[tuple[str, str], str] = {}
    for name, body in draft.section("volumes").items():
        found.extend(_check_volume(draft, ("volumes", name), body))
        found.extend(_check_encryption(("volumes", name), body))
        pool, word = body.get("pool"), body.get("name_in_pool")
        if isinstance(pool, str) and isinstance(word, str):
            first = taken.setdefault((pool, word), name)
            if first != name:
                text = f"{quoted(word)} of pool {quoted(pool)} is volumes.{first} already."
                found.append((("volumes", name, "name_in_pool"), text))
    for name, body in draft.section("instances").items():
        items = body.get("volumes")
        for index, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict):
                found.extend(_check_attachment(draft, ("instances", name, "volumes", index), item))
    for path, sentence in found:
        faults.add(draft.place(path), path, sentence)


def _check_pool(name: str, body: Mapping[str, Any]) -> Iterator[Fault]:
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in KEYS:
        return
    needed, allowed = KEYS[kind]
    for key in needed:
        if key not in body:
            yield ("storage_pools", name, key), f"a pool of type {kind} needs it."
    for key in body:
        if key not in ("type", *needed, *allowed):
            known = ", ".join((*needed, *allowed))
            yield ("storage_pools", name, key), f"is nothing that a pool of type {kind} has. It has: {known}."


def _check_attachment(draft: Draft, path: Path, item: Mapping[str, Any]) -> Iterator[Fault]:
    if "volume" not in item:
        yield from _check_volume(draft, path, item)
        return
    body = draft.section("volumes").get(str(item["volume"]), {})
    kind = _type(draft, body.get("pool"))
    if item.get("delete_on_termination") is True and kind is not None and kind not in OF_FILES:
        told = f"Novella deletes nothing from a pool of type {kind}, and {quoted(str(item['volume']))} is in one."
        yield (*path, "delete_on_termination"), told


def _check_volume(draft: Draft, path: Path, body: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _check_limits(path, body.get("limits"))
    pool = body.get("pool")
    if pool is None:
        if "name_in_pool" in body:
            yield (*path, "name_in_pool"), "is of no use without pool."
        return
    if isinstance(pool, str) and pool not in draft.content.get("storage_pools", ()):
        told = missing_name("storage pool", pool, draft.content.get("storage_pools", ()))
        yield (*path, "pool"), told
    kind = _type(draft, pool)
    if kind is None:
        return
    if kind in OF_FILES:
        if "name_in_pool" in body:
            yield (*path, "name_in_pool"), f"a volume is made in a pool of type {kind}, and named by Novella."
    elif path[0] == "instances":
        yield (*path, "pool"), f"no volume is made in a pool of type {kind}. Declare one under volumes."
    else:
        if "name_in_pool" not in body:
            yield (*path, "name_in_pool"), f"a pool of type {kind} has its volumes, and this says which one it is."
        if kind == "iscsi" and not str(body.get("name_in_pool", "0")).isdigit():
            yield (*path, "name_in_pool"), "is the number of a LUN, such as '1'."
        for key in ("format", "encrypted"):
            if key in body:
                yield (*path, key), f"is nothing that can be chosen in a pool of type {kind}."


def _check_limits(path: Path, limits: Any) -> Iterator[Fault]:
    for unit in ("bytes", "iops"):
        told = [key for key in limits if key.endswith(f"_{unit}_sec")] if isinstance(limits, dict) else []
        if f"total_{unit}_sec" in told and len(told) > 1:
            others = " and ".join(key for key in told if not key.startswith("total_"))
            yield (*path, "limits", f"total_{unit}_sec"), f"stands beside {others}; QEMU takes one or the other."


def _check_encryption(path: Path, body: Mapping[str, Any]) -> Iterator[Fault]:
    secrets = [key for key in ("passphrase", "passphrase_file") if key in body]
    if len(secrets) > 1:
        yield (*path, "passphrase_file"), "stands beside passphrase; one of them is enough."
    if body.get("encrypted") is True:
        if not secrets:
            yield (*path, "encrypted"), "needs passphrase or passphrase_file."
        if body.get("format", "qcow2") != "qcow2":
            yield (*path, "format"), "an encrypted volume is qcow2."
    elif secrets:
        yield (*path, secrets[0]), "is of no use without encrypted: true."


def _type(draft: Draft, pool: Any) -> str | None:
    body = draft.section("storage_pools").get(pool, {}) if isinstance(pool, str) else {}
    kind = body.get("type")
    return kind if isinstance(kind, str) and kind in KEYS else None
