# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claim phase on one host: who comes second is told so."""

from __future__ import annotations

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute import owner
from ansible_collections.novella.compute.plugins.module_utils.compute.claiming import ClaimAnswer, Wish
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import GroupRule
from ansible_collections.novella.compute.plugins.module_utils.objects.whereabouts import Place
from support.fake_host import FakeHost, act, create

NOTHING = ClaimAnswer()
WEB = GroupRule("group/f/p/web", "anti-affinity")


def wish(name: str, host: str = "kvm1", *groups: str) -> Wish:
    return Wish(f"uuid-of-{name}", name, host, list(groups))


def claim(host: FakeHost, run: str, *names: str, epoch: int | None = None, seconds: float = 600, **changes):
    manager = host.manager()
    seen = manager.audit().epoch if epoch is None else epoch
    actions = [create(name, **changes) for name in names]
    return manager.claim(run, [wish(name) for name in names], actions, seen, seconds)


def test_a_name_that_nobody_holds_is_granted_with_the_room_for_it(host: FakeHost) -> None:
    assert claim(host, "one", "web-1") == NOTHING
    assert host.manager().audit().compute_node.memory_mb_used == 512


def test_the_second_run_is_told_who_holds_the_name_and_takes_no_room(host: FakeHost) -> None:
    claim(host, "one", "web-1")
    answer = claim(host, "two", "web-1", "web-2")
    assert answer.objections == {"uuid-of-web-1": "another run makes it on kvm1"}
    assert host.manager().audit().compute_node.memory_mb_used == 2 * 512


def test_a_run_may_ask_again_for_what_it_holds(host: FakeHost) -> None:
    assert claim(host, "one", "web-1") == claim(host, "one", "web-1") == NOTHING
    assert host.manager().audit().compute_node.memory_mb_used == 512


def test_a_name_that_was_built_and_given_back_since_the_plan_is_objected_to(host: FakeHost) -> None:
    before = host.manager().audit().epoch
    manager = host.manager()
    manager.claim("one", [wish("web-1", "kvm2")], [], before, 600)
    manager.release("one")
    answer = manager.claim("two", [wish("web-1")], [create("web-1")], before, 600)
    assert answer.objections == {"uuid-of-web-1": "another run has changed it since this one has planned"}
    assert claim(host, "two", "web-1") == NOTHING


def test_a_name_that_was_given_back_unused_is_as_free_as_before(host: FakeHost) -> None:
    before = host.manager().audit().epoch
    manager, shared = host.manager(), [wish("web-1", "kvm2", "group/web")]
    manager.claim("one", shared, [], before, 600)
    manager.withdraw("one", shared)
    assert manager.claim("two", shared, [], before, 600) == NOTHING


def test_a_name_that_a_run_may_have_used_before_it_asked_again_is_not_free_though_given_back(host: FakeHost) -> None:
    before = host.manager().audit().epoch
    manager = host.manager()
    manager.claim("one", [wish("web-1", "kvm2", "group/web")], [], before, 600)
    again = [wish("web-2", "kvm2", "group/web")]
    manager.claim("one", again, [], before, 600)
    manager.withdraw("one", again)
    answer = manager.claim("two", [wish("web-3", "kvm2", "group/web")], [], before, 600)
    assert answer.objections == {"uuid-of-web-3": "group web: another run has changed it since this one has planned"}


def test_an_instance_that_came_to_be_since_the_plan_is_objected_to(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    assert claim(host, "two", "web-1").objections == {"uuid-of-web-1": "it is on kvm1 by now"}


def test_room_that_is_gone_is_refused_with_its_reason_and_the_name_is_kept(host: FakeHost) -> None:
    answer = claim(host, "one", "big", memory_mb=100_000)
    assert answer.objections == {}
    assert "wants 100000 MB of memory, the host has" in answer.refusals["uuid-of-big"]["message"]


def test_a_claim_ends_with_its_lease_and_another_run_goes_on(host: FakeHost, monkeypatch) -> None:
    claim(host, "one", "web-1", seconds=60)
    later = owner._uptime() + 61
    monkeypatch.setattr(owner, "_uptime", lambda: later)
    assert claim(host, "two", "web-1") == NOTHING
    assert host.manager().audit().compute_node.memory_mb_used == 512


def test_a_claim_of_an_earlier_boot_holds_nothing(host: FakeHost, monkeypatch) -> None:
    claim(host, "one", "web-1")
    monkeypatch.setattr(owner, "_boot_id", lambda: "another-boot")
    assert claim(host, "two", "web-1") == NOTHING


def test_what_was_claimed_beforehand_is_used_by_the_build_of_the_same_run(host: FakeHost) -> None:
    host.settings(resources={"memory_mb": 512})
    claim(host, "one", "web-1")
    manager = host.manager()
    [late] = manager.reconcile([create("web-2")], {}, "two")
    assert late["error"]["code"] == "ComputeResourcesUnavailable"
    [built] = manager.reconcile([create("web-1")], {}, "one")
    assert built["status"] == "done"
    assert host.db.query("SELECT * FROM claims") == []


def test_names_of_a_group_that_binds_hosts_are_one_runs_at_a_time(host: FakeHost) -> None:
    manager = host.manager()
    group = "group/f/p/db"
    assert manager.claim("one", [wish("db-1", "kvm2", group)], [], 0, 600) == NOTHING
    answer = manager.claim("two", [wish("db-2", "kvm3", group)], [], manager.audit().epoch, 600)
    assert answer.objections == {"uuid-of-db-2": "group db: another run holds it"}


def test_a_second_member_of_an_anti_affinity_group_is_refused_by_the_host_itself(host: FakeHost) -> None:
    claim(host, "one", "web-1", group=WEB)
    answer = claim(host, "two", "web-2", group=WEB)
    assert "anti-affinity of group web allows 1 on it" in answer.refusals["uuid-of-web-2"]["message"]
    assert claim(host, "two", "web-3", group=WEB.but(max_server_per_host=2)) == NOTHING


def test_what_a_run_gives_back_is_free(host: FakeHost) -> None:
    claim(host, "one", "web-1", "web-2")
    host.manager().withdraw("one", [wish("web-1")])
    assert claim(host, "two", "web-1") == NOTHING
    assert "uuid-of-web-2" in claim(host, "two", "web-2").objections


def test_a_run_that_waits_for_another_keeps_the_name_and_no_room(host: FakeHost) -> None:
    claim(host, "one", "web-1", "web-2")
    host.manager().withdraw("one", [], ["uuid-of-web-1"])
    assert host.manager().audit().compute_node.memory_mb_used == 512
    assert claim(host, "two", "web-1").objections == {"uuid-of-web-1": "another run holds it"}


def test_an_audit_tells_other_runs_of_what_is_claimed(host: FakeHost) -> None:
    claim(host, "one", "web-1")
    [busy] = host.manager().audit().in_progress
    assert (busy.uuid, busy.operation) == ("uuid-of-web-1", "create")


@pytest.mark.parametrize("action", ["start", "delete"])
def test_claims_of_other_actions_than_creates_are_ignored_not_lost(host: FakeHost, action: str) -> None:
    host.reconcile(create("web-1"))
    assert host.manager().claim("one", [], [act(action, "web-1")], 0, 600) == NOTHING


def test_a_host_tells_what_it_was_told_of_another(host: FakeHost) -> None:
    known = host.manager()
    known.learn({"kvm2": Place(7, [["u1", "web-1", 3]])}, "mark-1", "", [])
    [told] = known.recall(["kvm2"])
    assert (told.generation, [item.name for item in told.instances], told.announced) == (7, ["web-1"], [])
    assert host.manager().audit().remembers == "mark-1"
    known.learn({"kvm2": Place(6, [])}, "mark-0", "", [])
    assert known.recall(["kvm2"])[0].generation == 7


def test_what_is_about_to_be_made_elsewhere_is_known_before_it_is_made(host: FakeHost) -> None:
    manager = host.manager()
    manager.claim("one", [wish("web-1", "kvm2"), wish("web-2", "kvm2"), wish("web-3", "kvm3")], [], 0, 600)
    [two, three] = manager.recall(["kvm2", "kvm3"])
    assert (two.generation, [item.name for item in two.announced]) == (None, ["web-1", "web-2"])
    assert [item.name for item in three.announced] == ["web-3"]
    # kvm3 has come to nothing, kvm2 fell silent with one of them: only that one may be there.
    manager.learn({}, "mark", "one", ["uuid-of-web-2"])
    [two, three] = manager.recall(["kvm2", "kvm3"])
    assert ([item.name for item in [*two.announced, *two.instances]], three.announced) == (["web-2"], [])


def test_what_another_run_has_changed_since_the_plan_is_not_touched(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    planned = host.manager().audit().instances[0].instance.generation
    host.reconcile(act("stop", "web-1", generation=planned))
    [late] = host.reconcile(act("delete", "web-1", generation=planned))
    assert late["error"]["code"] == "InstanceInvalidState"
    assert "was changed by another run after this was planned" in late["error"]["message"]
    assert [seen.power_state for seen in host.manager().audit().instances] == ["shutdown"]


def test_the_actions_of_one_slice_do_not_stand_in_each_others_way(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    planned = host.manager().audit().instances[0].instance.generation
    results = host.reconcile(act("stop", "web-1", generation=planned), act("start", "web-1", generation=planned))
    assert [result["status"] for result in results] == ["done", "done"]


def test_what_a_dead_run_announced_is_dropped_when_all_is_told_again(host: FakeHost, monkeypatch) -> None:
    manager = host.manager()
    manager.learn({"kvm2": Place(7, [])}, "mark-1", "", [])
    manager.claim("one", [wish("web-1", "kvm2")], [], 0, 60)
    assert manager.audit().remembers == "mark-1"
    later = owner._uptime() + 61
    monkeypatch.setattr(owner, "_uptime", lambda: later)
    assert manager.audit().remembers == ""
    assert [item.name for item in manager.recall(["kvm2"])[0].announced] == ["web-1"]
    manager.learn({"kvm2": Place(7, [])}, "mark-1", "", [])
    assert (manager.recall(["kvm2"])[0].announced, manager.audit().remembers) == ([], "mark-1")


def test_an_instance_that_was_lost_here_and_lives_elsewhere_is_missed_no_longer(host: FakeHost) -> None:
    host.reconcile(create("web-1"), create("web-2"))
    for uuid in ("uuid-of-web-1", "uuid-of-web-2"):
        host.driver.undefine(uuid)
    host.driver.delete_disks("uuid-of-web-1")
    assert [lost.name for lost in host.manager().audit().lost] == ["web-1", "web-2"]
    elsewhere = [["uuid-of-web-1", "web-1", 1], ["uuid-of-web-2", "web-2", 1]]
    host.manager().learn({"kvm2": Place(7, elsewhere)}, "mark", "", [])
    # Of web-2 a disk is here; that is for a person to see.
    assert [lost.name for lost in host.manager().audit().lost] == ["web-2"]


def test_what_is_left_beside_a_root_disk_that_is_gone_goes_with_the_memory_of_an_instance_that_lives_elsewhere(
    host: FakeHost,
) -> None:
    lose_all_but_the_config_drive(host)
    host.manager().learn({"kvm2": Place(7, [["uuid-of-web-1", "web-1", 1]])}, "mark", "", [])
    assert host.manager().audit().lost == []
    assert host.db.query("SELECT * FROM fake_disks") == []


def test_what_another_run_is_building_here_is_let_be_though_it_is_said_to_live_elsewhere(host: FakeHost) -> None:
    lose_all_but_the_config_drive(host)
    claim(host, "another", "web-1")
    host.manager().learn({"kvm2": Place(7, [["uuid-of-web-1", "web-1", 1]])}, "mark", "", [])
    assert len(host.db.query("SELECT * FROM fake_disks")) == 1
    host.manager().release("another")
    assert [lost.name for lost in host.manager().audit().lost] == ["web-1"]


def lose_all_but_the_config_drive(host: FakeHost) -> None:
    """Be somebody who removes the definition of web-1 and its root disk."""
    host.reconcile(create("web-1"))
    host.driver.undefine("uuid-of-web-1")
    with host.db.transaction() as connection:
        connection.execute("DELETE FROM fake_disks WHERE kind = 'root'")
    assert [row["kind"] for row in host.db.query("SELECT kind FROM fake_disks")] == ["config"]


def test_a_claim_that_has_ended_is_not_built_upon(host: FakeHost) -> None:
    claim(host, "one", "web-1")
    host.manager().release("one")
    [late] = host.manager().reconcile([create("web-1")], {}, "one", ["uuid-of-web-1"])
    assert (late["error"]["code"], host.manager().audit().instances) == ("InstanceLocked", [])


def test_an_audit_names_the_runs_that_hold_something(host: FakeHost) -> None:
    manager = host.manager()
    manager.claim("one", [wish("web-1", "kvm2")], [], 0, 600)
    assert manager.audit().runs == ["one"]
    manager.release("one")
    assert manager.audit().runs == []
