# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a plan needs images on that other hosts have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan, images_for

from ..fleet.fleet import Fleet


def list_transfers(plan: Plan) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the images that hosts are to `offer`, and that hosts `want`, each by host. Empty where there are none."""
    offer: dict[str, dict[str, dict[str, Any]]] = {}
    want: dict[str, dict[str, dict[str, Any]]] = {}
    for action in plan.actions:
        for image in images_for(action):
            if image.host is not None and image.host != action.host:
                document = image.as_dict(sparse=True)
                offer.setdefault(image.host, {})[image.source] = document
                want.setdefault(action.host, {})[image.source] = document
    if not want:
        return {}
    return {
        "offer": {host: list(images.values()) for host, images in offer.items()},
        "want": {host: list(images.values()) for host, images in want.items()},
    }


def check_image_hosts(fleet: Fleet, hosts: Iterable[str]) -> None:
    """Refuse images of hosts that the inventory does not have.

    Raises:
        FleetInvalid: There are some.
    """
    known = list(hosts)
    faults = [
        f"images.{image.name}.source: there is no host '{image.host}' in the inventory.{nearest(image.host, known)}"
        for image in fleet.images.values()
        if image.host is not None and image.host not in known
    ]
    if faults:
        raise FleetInvalid(faults)
