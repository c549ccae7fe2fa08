# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes on a host: who has which, what becomes of them, and that no failure loses one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer, Command
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.compute.volume_wish import VolumeWish
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from support.busy_host import DEAD
from support.fake_host import FakeHost, act, create

DATA = VolumeRequest("uuid-of-data", "data", 5)
LOGS = VolumeRequest("uuid-of-logs", "logs", 2)


def create_with(name: str, *volumes: VolumeRequest, **changes: Any) -> Action:
    made = create(name, **changes)
    assert made.spec is not None
    return made.but(spec=made.spec.but(volumes=list(volumes)))


def do(host: FakeHost, *actions: Action) -> list[str]:
    """Do a slice, and return what became of each action: done, or why not."""
    results = host.reconcile(*actions)
    return [item["error"]["message"] if "error" in item else item["status"] for item in results]


def record(host: FakeHost, name: str = "web") -> Instance:
    [found] = [seen.instance for seen in host.manager().audit().instances if seen.instance.spec.name == name]
    return found


def sizes(host: FakeHost) -> dict[str, int]:
    return {volume.name: volume.size_gb for volume in host.manager().audit().volumes}


def mend(host: FakeHost) -> None:
    """End the bad luck, and the run that had it."""
    host.settings()
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = ?", (DEAD,))


def test_an_instance_is_made_with_its_volumes(host: FakeHost) -> None:
    assert do(host, create_with("web", DATA, LOGS)) == ["done"]
    assert record(host).spec.volumes == [DATA, LOGS]
    assert host.driver.volumes_of("uuid-of-web") == {"uuid-of-data": "vdc", "uuid-of-logs": "vdd"}
    assert sizes(host) == {"data": 5, "logs": 2}


def test_a_volume_is_attached_detached_and_kept(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert do(host, act("attach_volume", "web", volume=DATA)) == ["done"]
    assert (record(host).spec.volumes, record(host).device_names) == ([DATA], {"uuid-of-data": "vdc"})
    assert do(host, act("detach_volume", "web", volume=DATA)) == ["done"]
    assert (record(host).spec.volumes, record(host).device_names) == ([], {})
    assert host.driver.volumes_of("uuid-of-web") == {}
    assert sizes(host) == {"data": 5}


def test_a_volume_keeps_its_name_when_another_goes_and_that_name_is_free_again(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA, LOGS))
    do(host, act("detach_volume", "web", volume=DATA))
    assert record(host).device_names == {"uuid-of-logs": "vdd"}
    do(host, act("attach_volume", "web", volume=VolumeRequest("uuid-of-more", "more", 1)))
    assert record(host).device_names == {"uuid-of-logs": "vdd", "uuid-of-more": "vdc"}


def test_a_volume_grows_and_never_shrinks(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA))
    assert do(host, act("extend_volume", "web", volume=DATA.but(size_gb=9))) == ["done"]
    assert (record(host).spec.volumes[0].size_gb, sizes(host)) == (9, {"data": 9})
    [refused] = do(host, act("extend_volume", "web", volume=DATA.but(size_gb=3)))
    assert refused == "The volume 'data' has 9 GiB, and 3 are asked for: a volume never shrinks."
    assert (record(host).spec.volumes[0].size_gb, sizes(host)) == (9, {"data": 9})


def test_a_smaller_volume_that_is_there_grows_when_it_is_attached(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA))
    do(host, act("detach_volume", "web", volume=DATA), act("attach_volume", "web", volume=DATA.but(size_gb=7)))
    assert sizes(host) == {"data": 7}


def test_a_volume_that_another_instance_has_is_refused(host: FakeHost) -> None:
    host.reconcile(create_with("db", DATA), create("web"))
    told = "The volume 'data' is attached to db, and one guest at a time can have it."
    assert do(host, act("attach_volume", "web", volume=DATA)) == [told]
    assert do(host, create_with("late", DATA)) == [told]
    assert host.driver.volumes_of("uuid-of-web") == {}
    assert [seen.instance.spec.name for seen in host.manager().audit().instances] == ["db", "web"]
    do(host, act("soft_delete", "db"))
    assert do(host, act("attach_volume", "web", volume=DATA)) == [told]


def test_of_two_that_want_one_volume_at_once_one_gets_it(host: FakeHost) -> None:
    host.reconcile(*[create(f"web-{number}") for number in range(6)])
    host.settings(delays={"attach_volume": 0.02})
    told = do(host, *[act("attach_volume", f"web-{number}", volume=DATA) for number in range(6)])
    assert told.count("done") == 1
    holders = [seen.instance.spec.name for seen in host.manager().audit().instances if seen.instance.spec.volumes]
    assert len(holders) == 1


def test_a_volume_of_another_format_is_refused(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA))
    do(host, act("detach_volume", "web", volume=DATA))
    [refused] = do(host, act("attach_volume", "web", volume=DATA.but(format="raw")))
    assert refused == "The volume 'data' is qcow2, and raw is asked for."


def test_a_running_guest_is_given_no_sata_disk_and_a_stopped_one_is(host: FakeHost) -> None:
    host.reconcile(create("web"))
    sata = DATA.but(bus="sata")
    [refused] = do(host, act("attach_volume", "web", volume=sata))
    assert refused == "web runs, and a sata disk cannot be given to a running guest."
    assert sizes(host) == {}, "what was made for it is gone again"
    assert do(host, act("stop", "web"), act("attach_volume", "web", volume=sata)) == ["done", "done"]
    assert record(host).device_names == {"uuid-of-data": "sda"}


def test_a_guest_that_does_not_let_go_keeps_its_volume(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA))
    host.settings(clinging=["web"])
    assert do(host, act("detach_volume", "web", volume=DATA)) == ["web did not let go of its disk."]
    assert record(host).spec.volumes == [DATA]
    assert host.driver.volumes_of("uuid-of-web") == {"uuid-of-data": "vdc"}


def test_volumes_take_room_of_the_host(host: FakeHost) -> None:
    host.reconcile(create("web"))
    before = host.manager().audit().compute_node.local_gb_used
    do(host, act("attach_volume", "web", volume=DATA))
    do(host, act("detach_volume", "web", volume=DATA))
    assert host.manager().audit().compute_node.local_gb_used == before + 5
    [refused] = do(host, act("attach_volume", "web", volume=LOGS.but(size_gb=500)))
    assert "does not fit" in refused
    [refused] = do(host, create_with("big", LOGS.but(size_gb=500)))
    assert "does not fit" in refused
    assert sizes(host) == {"data": 5}


def test_a_deleted_instance_leaves_its_volumes_but_for_those_that_were_to_go(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA, LOGS.but(delete_on_termination=True)))
    assert do(host, act("delete", "web")) == ["done"]
    assert sizes(host) == {"data": 5}
    assert do(host, create_with("web", DATA)) == ["done"]
    assert record(host).device_names == {"uuid-of-data": "vdc"}


@pytest.mark.parametrize("operation", ["rebuild", "hard_reboot", "rescue", "soft_delete", "stop", "suspend"])
def test_volumes_stay_whatever_else_is_done(host: FakeHost, operation: str) -> None:
    host.reconcile(create_with("web", DATA, LOGS))
    before = record(host)
    assert do(host, act(operation, "web")) == ["done"]
    after = record(host)
    assert (after.spec.volumes, after.device_names) == (before.spec.volumes, before.device_names)
    assert host.driver.volumes_of("uuid-of-web") == before.device_names


def test_a_rebuild_to_another_spec_leaves_volumes_to_their_own_operations(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA))
    spec = record(host).spec.but(volumes=[LOGS, DATA.but(delete_on_termination=True)])
    assert do(host, act("rebuild", "web", spec=spec)) == ["done"]
    assert record(host).spec.volumes == [DATA.but(delete_on_termination=True)]


@pytest.mark.parametrize("method", ["create_volume", "attach_volume"])
def test_an_attach_that_fails_leaves_nothing(host: FakeHost, method: str) -> None:
    host.reconcile(create("web"))
    before = record(host)
    host.settings(failures={method: {"web": "no such luck", "data": "no such luck"}})
    [told] = do(host, act("attach_volume", "web", volume=DATA))
    assert told.endswith("no such luck")
    mend(host)
    assert (record(host).spec, sizes(host)) == (before.spec, {})
    assert host.driver.volumes_of("uuid-of-web") == {}


@pytest.mark.parametrize("method", ["create_volume", "define", "power_on"])
def test_a_create_that_fails_deletes_what_it_made_and_nothing_else(host: FakeHost, method: str) -> None:
    host.reconcile(create_with("old", DATA))
    do(host, act("delete", "old"))
    host.settings(failures={method: {"web": "no such luck", "logs": "no such luck"}})
    [told] = do(host, create_with("web", DATA, LOGS))
    assert told.endswith("no such luck")
    mend(host)
    assert sizes(host) == {"data": 5}
    assert host.manager().audit().instances == []


def test_a_volume_is_deleted_only_when_nobody_has_it(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA))
    gone = Action("delete_volume", DATA.uuid, "data", "kvm1", "a test wants it")
    [refused] = do(host, gone)
    assert refused == "The volume 'data' is attached to web, and one guest at a time can have it."
    assert do(host, act("detach_volume", "web", volume=DATA), gone) == ["done", "done"]
    assert sizes(host) == {}
    assert [seen.instance.spec.name for seen in host.manager().audit().instances] == ["web"]
    assert host.manager().audit().lost == []


def test_an_instance_whose_volume_is_gone_does_not_start_without_it(host: FakeHost) -> None:
    host.reconcile(create_with("web", DATA))
    host.driver.delete_volume(DATA.uuid)
    [refused] = do(host, act("hard_reboot", "web"))
    assert refused == "The volume 'data' is not on this host."


def test_a_record_that_cannot_hold_volumes_is_not_written(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.options = host.options.__class__(**{**vars(host.options), "record_version_cap": "1.2"})
    host.driver._record_version_cap = "1.2"
    [refused] = do(host, act("attach_volume", "web", volume=DATA))
    assert refused == "web has volumes, and record_version_cap is 1.2: its record cannot hold that."
    assert sizes(host) == {}


def obey(host: FakeHost, operation: str, check: bool = False, **wish: Any) -> Answer:
    command = Command(operation, Selection(["web"]), {"volume": VolumeWish("data", **wish)})
    [answer] = host.manager().obey(command, check)
    return answer


def test_a_volume_is_asked_for_by_its_name_and_once_is_enough(host: FakeHost) -> None:
    host.reconcile(create("web"))
    refused = obey(host, "attach_volume")
    assert refused.error is not None
    assert refused.error["message"] == "There is no volume 'data' on the host of web."
    assert obey(host, "attach_volume", check=True, size_gb=3).status == "planned"
    assert [obey(host, "attach_volume", size_gb=3).status for _ in range(2)] == ["done", "unchanged"]
    assert [obey(host, "extend_volume", size_gb=4).status for _ in range(2)] == ["done", "unchanged"]
    assert [obey(host, "detach_volume").status for _ in range(2)] == ["done", "unchanged"]
    assert obey(host, "attach_volume").status == "done"
    assert record(host).spec.volumes[0].size_gb == 4


def test_a_fault_says_what_to_do(host: FakeHost) -> None:
    host.reconcile(create("web"))
    answer = obey(host, "extend_volume", size_gb=4)
    assert answer.error is not None
    assert answer.error["code"] == "InvalidVolume"
    assert answer.error["message"] == "web has no volume 'data'. It has: none."
