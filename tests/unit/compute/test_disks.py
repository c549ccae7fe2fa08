# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What instances boot from and their own disks on a host: made, kept, refused and removed, and counted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer, Command
from ansible_collections.novella.compute.plugins.module_utils.compute.comparison import compare
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.snapshot_order import SnapshotOrder
from ansible_collections.novella.compute.plugins.module_utils.compute.volume_wish import VolumeWish
from ansible_collections.novella.compute.plugins.module_utils.objects.ephemeral_disk import EphemeralDisk
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from support.busy_host import DEAD
from support.fake_host import IMAGE, FakeHost, act, create

ROOMY = Flavor("roomy", 1, 512, 1, ephemeral_gb=3, swap_mb=1025)
OTHER = Image("other", "/srv/images/other.qcow2")
ROOT = VolumeRequest("uuid-of-root", "root", 5, image=IMAGE, boot_index=0)
DATA = VolumeRequest("uuid-of-data", "data", 2)


def made(name: str = "web", **changes: Any) -> Action:
    action = create(name)
    assert action.spec is not None
    return action.but(spec=action.spec.but(**changes))


def from_volume(name: str = "web", root: VolumeRequest = ROOT, **changes: Any) -> Action:
    return made(name, **{"image": root.image, "volumes": [root], **changes})


def do(host: FakeHost, *actions: Action) -> list[str]:
    """Do a slice, and return what became of each action: done, or why not."""
    results = host.reconcile(*actions)
    return [item["error"]["message"] if "error" in item else item["status"] for item in results]


def record(host: FakeHost, name: str = "web") -> Instance:
    [found] = [seen.instance for seen in host.manager().audit().instances if seen.instance.spec.name == name]
    return found


def own_disks(host: FakeHost, name: str = "web") -> dict[str, str]:
    rows = host.driver._rows("SELECT kind, content FROM fake_disks WHERE uuid = ? ORDER BY kind", f"uuid-of-{name}")
    return {row["kind"]: row["content"] for row in rows if not row["kind"].startswith("config")}


def used_gb(host: FakeHost) -> int:
    return host.manager().audit().compute_node.local_gb_used


def mend(host: FakeHost) -> None:
    """End the bad luck, and the run that had it."""
    host.settings()
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = ?", (DEAD,))


def obey(host: FakeHost, operation: str, check: bool = False, **arguments: Any) -> Answer:
    [answer] = host.manager().obey(Command(operation, Selection(["web"]), arguments), check)
    return answer


def told(answer: Answer) -> str:
    return str(answer.error["message"]) if answer.error else answer.status


def test_local_disks_are_made_counted_and_go_with_their_instance(host: FakeHost) -> None:
    assert do(host, made(flavor=ROOMY)) == ["done"]
    sizes = {"ephemeral0": f"ext4 of {3 << 30} bytes", "swap": f"swap of {1025 << 20} bytes"}
    assert own_disks(host) == {"root": IMAGE.source, **sizes}
    assert used_gb(host) == 1 + 3 + 2, "swap is rounded up, as in Nova"
    assert do(host, act("delete", "web")) == ["done"]
    assert (own_disks(host), used_gb(host)) == ({}, 0)


def test_volumes_get_the_names_behind_the_local_disks_and_the_config_drive(host: FakeHost) -> None:
    do(host, made(flavor=ROOMY, volumes=[DATA]))
    assert record(host).device_names == {"uuid-of-data": "vde"}


def test_the_ephemeral_disk_can_be_divided(host: FakeHost) -> None:
    divided = [EphemeralDisk(1, "none"), EphemeralDisk(2)]
    do(host, made(flavor=ROOMY.but(swap_mb=0), ephemeral=divided))
    assert own_disks(host) == {
        "root": IMAGE.source,
        "ephemeral0": f"none of {1 << 30} bytes",
        "ephemeral1": f"ext4 of {2 << 30} bytes",
    }


def test_a_rebuild_makes_them_anew_or_preserves_them(host: FakeHost) -> None:
    do(host, made(flavor=ROOMY))
    before = own_disks(host)
    with host.db.transaction() as connection:
        connection.execute("UPDATE fake_disks SET content = 'written' WHERE kind = 'ephemeral0'")
    assert told(obey(host, "rebuild", preserve_ephemeral=True)) == "done"
    assert own_disks(host)["ephemeral0"] == "written"
    assert told(obey(host, "rebuild")) == "done"
    assert own_disks(host) == before


@pytest.mark.parametrize("method", ["create_local_disks", "define", "power_on"])
def test_a_rebuild_that_fails_brings_the_old_ones_back(host: FakeHost, method: str) -> None:
    do(host, made(flavor=ROOMY))
    with host.db.transaction() as connection:
        connection.execute("UPDATE fake_disks SET content = 'written' WHERE kind IN ('ephemeral0', 'swap')")
    before = own_disks(host)
    host.settings(failures={method: {"web": "no such luck"}})
    assert told(obey(host, "rebuild")).endswith("no such luck")
    mend(host)
    host.manager()
    assert own_disks(host) == before


@pytest.mark.parametrize("method", ["create_local_disks", "write_config_drive", "define", "power_on"])
@pytest.mark.parametrize("action", [made(flavor=ROOMY), from_volume(flavor=ROOMY), from_volume()])
def test_a_create_that_fails_leaves_none(host: FakeHost, method: str, action: Action) -> None:
    host.settings(failures={method: {"web": "no such luck"}})
    outcome = do(host, action)
    mend(host)
    host.manager()
    if outcome != ["done"]:
        rows = host.driver._rows("SELECT kind FROM fake_disks")
        assert ([row["kind"] for row in rows], host.driver.list_volumes()) == ([], [])


@pytest.mark.parametrize("operation", ["rescue", "soft_delete", "shelve", "suspend", "hard_reboot"])
def test_local_disks_stay_whatever_else_is_done(host: FakeHost, operation: str) -> None:
    do(host, made(flavor=ROOMY))
    before = own_disks(host)
    assert do(host, act(operation, "web")) == ["done"]
    assert {name: own_disks(host)[name] for name in before} == before


def test_other_ephemeral_disks_are_refused_and_the_instance_stays(host: FakeHost) -> None:
    do(host, made(flavor=ROOMY))
    spec = record(host).spec
    found = compare(spec, spec.but(ephemeral=[EphemeralDisk(1)]))
    assert list(found.refused) == ["ephemeral"]
    assert (found.updates, found.rebuilt, found.kept) == ([], [], spec)


def test_an_instance_boots_from_a_volume_and_has_no_root_disk(host: FakeHost) -> None:
    assert do(host, from_volume(volumes=[DATA, ROOT])) == ["done"]
    assert record(host).device_names == {"uuid-of-root": "vda", "uuid-of-data": "vdc"}
    assert own_disks(host) == {}
    assert used_gb(host) == 5 + 2, "its flavor's root disk is not counted, and the volumes are"
    volume = next(item for item in host.driver.list_volumes() if item.uuid == ROOT.uuid)
    assert volume.image == IMAGE


def test_the_volume_outlives_the_instance_unless_it_was_to_go(host: FakeHost) -> None:
    do(host, from_volume())
    do(host, act("delete", "web"))
    assert [item.name for item in host.driver.list_volumes()] == ["root"]
    assert do(host, from_volume("heir", ROOT.but(delete_on_termination=True))) == ["done"]
    do(host, act("delete", "heir"))
    assert host.driver.list_volumes() == []


@pytest.mark.parametrize("operation", ["stop", "shelve", "suspend", "hard_reboot", "soft_delete", "rebuild"])
def test_what_needs_no_root_disk_works_and_keeps_the_volume(host: FakeHost, operation: str) -> None:
    do(host, from_volume())
    assert do(host, act(operation, "web")) == ["done"]
    assert record(host).device_names == {"uuid-of-root": "vda"}
    assert host.driver.volumes_of("uuid-of-web") == {"uuid-of-root": "vda"}


@pytest.mark.parametrize(
    ("operation", "arguments", "words"),
    [
        ("rescue", {}, "a volume-backed instance cannot rescue"),
        ("rebuild", {"image": OTHER}, "a volume-backed instance is not rebuilt from another image"),
        ("detach_volume", {"volume": VolumeWish("root")}, "it cannot be detached"),
        ("snapshot", {"order": SnapshotOrder("before")}, "a volume-backed instance cannot snapshot"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_would_overwrite_or_lose_its_root_is_refused(
    host: FakeHost, operation: str, arguments: dict[str, Any], words: str, check: bool
) -> None:
    from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid

    root = ROOT.but(uuid=volume_uuid("default", "default", "root"))
    do(host, from_volume(root=root))
    before = record(host)
    said = told(obey(host, operation, check, **arguments))
    assert said.startswith("web boots from the volume 'root'")
    assert words in said
    assert record(host) == before


def test_a_volume_made_of_something_else_is_refused(host: FakeHost) -> None:
    do(host, from_volume(), act("delete", "web"))
    do(host, act("delete", "web"))
    [refused] = do(host, from_volume(root=ROOT.but(image=OTHER)))
    assert refused == (
        "The volume 'root' was made of image tiny, and image other is asked for: what is on it is never overwritten."
    )
    assert do(host, from_volume(root=ROOT.but(image=None))) == ["done"], "who does not say takes it as it is"


def test_a_volume_is_made_of_a_snapshot_of_its_host_or_not_at_all(host: FakeHost) -> None:
    do(host, made("old"))
    order = SnapshotOrder("before")
    host.manager().take_snapshots(order, Selection(["old"]), False)
    taken = VolumeRequest("uuid-of-copy", "copy", 3, snapshot="uuid-of-old/before")
    assert do(host, made(volumes=[taken])) == ["done"]
    [volume] = host.driver.list_volumes()
    assert volume.snapshot == "uuid-of-old/before"
    [refused] = do(
        host, made("late", volumes=[taken.but(uuid="uuid-of-more", name="more", snapshot="uuid-of-old/gone")])
    )
    assert "the snapshot 'gone' of the instance uuid-of-old, and kvm1 has none such" in refused
    assert [item.name for item in host.driver.list_volumes()] == ["copy"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([], "volumes.root cannot be taken away: the instance boots from it"),
        ([ROOT.but(size_gb=4)], "a volume never shrinks"),
        ([ROOT.but(image=OTHER)], "made of image tiny, and image other is declared: what is on it is kept"),
        ([ROOT.but(boot_index=None)], "boot_index 0 -> none"),
        ([ROOT.but(bus="scsi")], "bus virtio -> scsi: the instance boots from it"),
        ([ROOT, DATA.but(boot_index=1)], "boot_index none -> 1"),
        ([ROOT.but(format="raw")], "what a volume was made as, it stays"),
    ],
)
def test_no_change_of_a_fleet_takes_data_away_from_what_boots_from_a_volume(
    host: FakeHost, wanted: list[VolumeRequest], words: str
) -> None:
    do(host, from_volume())
    spec = record(host).spec
    image = next((item.image for item in wanted if item.boot_index == 0), OTHER)
    found = compare(spec, spec.but(volumes=wanted, image=image))
    assert any(words in refusal for refusal in found.volumes.refused), found.volumes.refused
    assert [step for step in found.volumes.steps if step.operation != "attach_volume"] == []
    assert (found.rebuilt, found.kept.volumes, found.kept.image) == ([], [ROOT], IMAGE)


def test_a_volume_made_of_the_same_image_from_elsewhere_is_no_change() -> None:
    summed = IMAGE.but(checksum="sha256:" + "0" * 64)
    held, wanted = ROOT.but(image=summed), ROOT.but(image=summed.but(source="https://images.example.org/tiny"))
    spec = made().spec
    assert spec is not None
    found = compare(spec.but(volumes=[held], image=held.image), spec.but(volumes=[wanted], image=wanted.image))
    assert (found.volumes.refused, found.volumes.steps, found.updates, found.rebuilt) == ([], [], [], [])


def test_a_record_that_cannot_hold_it_is_not_written(host: FakeHost) -> None:
    host.options = host.options.__class__(**{**vars(host.options), "record_version_cap": "1.3"})
    host.driver._record_version_cap = "1.3"
    [refused] = do(host, from_volume())
    assert refused.startswith("web has volumes made of images and a boot order, and record_version_cap is 1.3")
    assert host.driver.list_volumes() == []
