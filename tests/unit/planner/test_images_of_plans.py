# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images a plan has brought from host to host."""

from __future__ import annotations

from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.plugin_utils.planner.images import list_transfers

APP = Image("app", "kvm1:/srv/app.qcow2")
DATA = Image("data", "kvm3:/srv/data.qcow2", f"sha256:{'0' * 64}")
HERE = Image("tiny", "/srv/tiny.qcow2")
VOLUME = VolumeRequest("data", "uuid-of-data", size_gb=1, image=DATA)


def act(operation: str, host: str, image: Image, **fields: Any) -> Action:
    spec = InstanceSpec("web", Flavor("small", 1, 512), image, **fields.pop("parts", {}))
    return Action(operation, "uuid-of-web", "web", host, "why", spec=spec, **fields)


def transfers(*actions: Action) -> dict[str, dict[str, list[str]]]:
    found = list_transfers(Plan("fleet", "2026-01-01T00:00:00Z", actions=list(actions)))
    return {
        what: {host: [image["source"] for image in images] for host, images in by_host.items()}
        for what, by_host in found.items()
    }


def test_each_image_is_offered_once_and_wanted_by_each_host_that_makes_a_disk_of_it() -> None:
    creates = [act("create", host, APP) for host in ("kvm1", "kvm2", "kvm2", "kvm3")]
    assert transfers(*creates) == {
        "offer": {"kvm1": [APP.source]},
        "want": {"kvm2": [APP.source], "kvm3": [APP.source]},
    }


def test_a_rebuild_needs_its_image_and_other_operations_need_none() -> None:
    assert transfers(act("rebuild", "kvm2", APP))["want"] == {"kvm2": [APP.source]}
    assert transfers(act("start", "kvm2", APP), act("delete", "kvm2", APP)) == {}


def test_volumes_that_are_made_of_an_image_need_it() -> None:
    made = act("create", "kvm2", HERE, parts={"volumes": [VOLUME]})
    plugged = act("attach_volume", "kvm1", HERE, volume=VOLUME)
    assert transfers(made, plugged) == {
        "offer": {"kvm3": [DATA.source]},
        "want": {"kvm2": [DATA.source], "kvm1": [DATA.source]},
    }


def test_images_that_each_host_has_are_not_brought() -> None:
    assert transfers(act("create", "kvm2", HERE)) == {}
