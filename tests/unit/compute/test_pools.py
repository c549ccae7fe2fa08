# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes in pools, encrypted, limited and swapped, on a host with the fake driver."""

from __future__ import annotations

from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Command
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.volume_changes import compare_volumes
from ansible_collections.novella.compute.plugins.module_utils.compute.volume_wish import VolumeWish
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.objects.pool import StoragePool
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from support.fake_host import FakeHost, act, create

BIG = StoragePool("big", "dir", path="/srv/big")
SAN = StoragePool("san", "iscsi", host="san1", iqn="iqn.2026-01.org.example:store")
DATA = VolumeRequest("uuid-of-data", "data", 5)


def do(host: FakeHost, *actions: Action, secrets: Any = None) -> list[str]:
    """Do a slice, and return what became of each action: done, or why not."""
    results = host.manager().reconcile(list(actions), secrets or {})
    return [item["error"]["message"] if "error" in item else item["status"] for item in results]


def record(host: FakeHost) -> Instance:
    [seen] = host.manager().audit().instances
    return seen.instance


def refusals(held: VolumeRequest, wanted: VolumeRequest) -> list[str]:
    return compare_volumes([held], [wanted]).refused


def test_what_lies_in_a_pool_takes_no_room_of_its_host(host: FakeHost) -> None:
    host.reconcile(create("web"))
    before = host.manager().audit().compute_node.local_gb_used
    assert do(host, act("attach_volume", "web", volume=DATA.but(pool=BIG, size_gb=900000))) == ["done"]
    assert host.manager().audit().compute_node.local_gb_used == before
    [volume] = host.driver.list_volumes()
    assert volume.pool == BIG


def test_a_volume_stays_where_its_data_are(host: FakeHost) -> None:
    host.reconcile(create("web"))
    do(host, act("attach_volume", "web", volume=DATA), act("detach_volume", "web", volume=DATA))
    [refused] = do(host, act("attach_volume", "web", volume=DATA.but(pool=BIG)))
    assert refused == (
        "The volume 'data' is its host's own, and is asked for as in 'big': it stays where its data are."
    )
    # What a server has of that name is another one.
    [refused] = do(host, act("attach_volume", "web", volume=DATA.but(pool=SAN, name_in_pool="1", format="raw")))
    assert "is its host's own, and is asked for as in 'san'" in refused
    [refused] = do(host, act("attach_volume", "web", volume=DATA.but(encrypted=True)))
    assert refused == "The volume 'data' is not encrypted, and is asked for otherwise."
    assert [volume.pool for volume in host.driver.list_volumes()] == [None]


def test_data_go_to_another_pool_by_a_volume_that_was_made_there(host: FakeHost) -> None:
    host.reconcile(create("web"))
    data = DATA.but(uuid=volume_uuid("default", "default", "data"))
    other = DATA.but(uuid=volume_uuid("default", "default", "other"), name="other", pool=BIG)
    made = [act(operation, "web", volume=other) for operation in ("attach_volume", "detach_volume")]
    assert do(host, *made, act("attach_volume", "web", volume=data)) == ["done"] * 3
    wishes = {"volume": VolumeWish("data"), "new_volume": VolumeWish("other")}
    swapped = Command("swap_volume", Selection(("web",)), wishes)
    [answer] = host.manager().obey(swapped, False)
    assert answer.status == "done"
    [held] = record(host).spec.volumes
    assert (held.name, held.pool) == ("other", BIG)


def test_another_pool_or_encryption_is_refused_by_name_and_the_rest_goes_on() -> None:
    assert refusals(DATA, DATA.but(pool=BIG)) == [
        "volumes.data.pool none -> big: a volume stays where its data are; swap_volume moves them to another one"
    ]
    assert refusals(DATA.but(encrypted=True), DATA) == [
        "volumes.data.encrypted True -> False: what a volume was made as, it stays"
    ]
    found = compare_volumes([DATA], [DATA.but(pool=BIG, size_gb=9, limits={"total_iops_sec": 9})])
    assert [(step.operation, step.volume.pool) for step in found.steps] == [
        ("extend_volume", None),
        ("limit_volume", None),
    ]


def test_what_a_pool_has_is_neither_made_nor_deleted(host: FakeHost) -> None:
    host.reconcile(create("web"))
    remote = DATA.but(pool=SAN, name_in_pool="1", format="raw", delete_on_termination=True)
    assert do(host, act("attach_volume", "web", volume=remote)) == ["done"]
    assert host.driver.list_volumes() == []
    assert host.driver.volumes_of("uuid-of-web") == {"uuid-of-data": "vdc"}
    assert do(host, act("delete", "web")) == ["done"]


def test_an_encrypted_volume_is_made_with_its_passphrase_alone_and_nothing_tells_it(host: FakeHost) -> None:
    host.reconcile(create("web"))
    secret = DATA.but(encrypted=True)
    [refused] = do(host, act("attach_volume", "web", volume=secret))
    assert "this host does not know its passphrase" in refused
    assert host.driver.list_volumes() == []
    attach = act("attach_volume", "web", volume=secret)
    assert do(host, attach, secrets={DATA.uuid: b"correct horse"}) == ["done"]
    assert [volume.encrypted for volume in host.driver.list_volumes()] == [True]
    kept = [str(tuple(row)) for table in ("actions", "events") for row in host.db.query(f"SELECT * FROM {table}")]
    assert not any("correct horse" in text for text in [*kept, str(record(host).as_document())])


def test_limits_are_set_and_taken_away(host: FakeHost) -> None:
    host.reconcile(create("web"))
    do(host, act("attach_volume", "web", volume=DATA))
    limits = {"total_iops_sec": 500}
    assert do(host, act("limit_volume", "web", volume=DATA.but(limits=limits))) == ["done"]
    assert (host.driver.limits_of(DATA.uuid), record(host).spec.volumes[0].limits) == (limits, limits)
    assert do(host, act("limit_volume", "web", volume=DATA)) == ["done"]
    assert (host.driver.limits_of(DATA.uuid), record(host).spec.volumes[0].limits) == ({}, {})


def test_what_is_left_of_an_attachment_is_taken_away_though_the_record_does_not_tell(host: FakeHost) -> None:
    host.reconcile(create("web"))
    do(host, act("attach_volume", "web", volume=DATA))
    instance = record(host)
    host.driver.save_record(instance.but(spec=instance.spec.but(volumes=[]), device_names={}))
    assert do(host, act("remove_volume_connection", "web", volume=DATA)) == ["done"]
    assert host.driver.volumes_of("uuid-of-web") == {}
    assert [volume.name for volume in host.driver.list_volumes()] == ["data"]
