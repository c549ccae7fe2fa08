# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the fleet from a draft that has passed every check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.ephemeral_disk import EphemeralDisk
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.pool import StoragePool

from ..scheduler.options import SchedulerOptions
from .draft import Draft
from .fleet import Aggregate, Attachment, DeclaredInstance, DeclaredVolume, Fleet, ServerGroup
from .handouts import HANDOUT_KEYS, Handout
from .network_building import build_network, build_nic
from .security_groups import read_group, read_rule

_FLOATS = {option.name for option in fields(SchedulerOptions) if isinstance(option.default, float)}


def build_fleet(
    draft: Draft,
    user_data: Mapping[str, bytes],
    handouts: Mapping[str, Handout],
    passphrases: Mapping[str, bytes],
) -> Fleet:
    """Return the fleet.

    Args:
        user_data: What instances are given, by the name of their entry.
        handouts: Likewise, what else their guests are told.
        passphrases: Those of encrypted volumes, by the name of their entry.
    """
    content = draft.content
    return Fleet(
        name=content.get("name", "default"),
        project_id=content.get("project_id", "default"),
        flavors={name: Flavor(name, **_whole(body)) for name, body in draft.section("flavors").items()},
        images={name: Image(name, **_whole(body)) for name, body in draft.section("images").items()},
        networks={name: build_network(name, body) for name, body in draft.section("networks").items()},
        volumes={name: _volume(name, body, passphrases.get(name)) for name, body in draft.section("volumes").items()},
        storage_pools={
            name: StoragePool(name, **_whole(body)) for name, body in draft.section("storage_pools").items()
        },
        security_groups={name: read_group(name, body) for name, body in draft.section("security_groups").items()},
        provider_rules=tuple(map(read_rule, content.get("provider_rules", ()))),
        server_groups={
            name: _server_group(name, _whole(body)) for name, body in draft.section("server_groups").items()
        },
        aggregates={
            name: Aggregate(name, **{**body, "hosts": tuple(body["hosts"])})
            for name, body in draft.section("aggregates").items()
        },
        instances={
            name: _instance(name, body, user_data.get(name), handouts[name])
            for name, body in draft.section("instances").items()
        },
        scheduler={
            key: value if key in _FLOATS else _integer(value) for key, value in content.get("scheduler", {}).items()
        },
        version=content["version"],
        allow=tuple(content.get("allow", ())),
    )


def _server_group(name: str, body: dict[str, Any]) -> ServerGroup:
    spread = _whole(body.pop("spread", {}))
    if spread:
        body = {**body, "spread_over": spread.pop("over"), **spread}
    return ServerGroup(name, **body)


def _instance(name: str, body: Mapping[str, Any], user_data: bytes | None, handout: Handout) -> DeclaredInstance:
    other = ("user_data", "user_data_file", *HANDOUT_KEYS)
    keys = {key: value for key, value in _whole(body).items() if key not in other}
    keys["networks"] = tuple(build_nic(nic) for nic in body.get("networks", ()))
    keys["volumes"] = tuple(Attachment(**_with_limits(item)) for item in body.get("volumes", ()))
    keys["ephemeral"] = tuple(EphemeralDisk(**_whole(item)) for item in body.get("ephemeral", ()))
    if "security_groups" in body:
        keys["security_groups"] = tuple(body["security_groups"])
    keys["where"] = tuple(body.get("where", ()))
    keys["ssh_keys"] = tuple(body.get("ssh_keys", ()))
    keys["allow"] = tuple(body.get("allow", ()))
    keys["tags"] = tuple(body.get("tags", ()))
    keys.update(guest=handout.settings, contents=handout.contents, wait_for=handout.wait_for)
    return DeclaredInstance(name, user_data=user_data, **keys)


def _volume(name: str, body: Mapping[str, Any], passphrase: bytes | None) -> DeclaredVolume:
    keys = {key: value for key, value in _with_limits(body).items() if key not in ("passphrase", "passphrase_file")}
    return DeclaredVolume(name, passphrase=passphrase, **keys)


def _with_limits(body: Mapping[str, Any]) -> dict[str, Any]:
    keys = _whole(body)
    return {**keys, "limits": _whole(keys["limits"])} if "limits" in keys else keys


def _whole(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _integer(value) for key, value in body.items()}


def _integer(value: Any) -> Any:
    # To JSON Schema 2.0 is an integer. To what is built from it, it is not.
    return int(value) if isinstance(value, float) else value
