# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all hosts told of their instances, as one table."""

from typing import Any

from ansible_collections.novella.compute.plugins.plugin_utils.planner.instance_table import draw_table, gather

CREATE = {
    "action": "create",
    "request_id": "req-1",
    "start_time": "2026-11-21T10:15:30.100000Z",
    "finish_time": "2026-11-21T10:15:31.600000Z",
    "message": None,
    "events": [
        {"event": "compute_create", "start_time": None, "finish_time": None, "result": "Success"},
        {
            "event": "compute_create.root_disk",
            "start_time": "2026-11-21T10:15:30.100000Z",
            "finish_time": "2026-11-21T10:15:30.300000Z",
            "result": "Success",
        },
    ],
}
FAULT = {"code": "HypervisorError", "message": "no such luck.", "details": "Try again."}


def some(name: str, host: str = "kvm1", **keys: Any) -> dict[str, Any]:
    """What a host tells of an instance that it has."""
    return {
        **told(name, host, status="ACTIVE"),
        "vm_state": "active",
        "task_state": None,
        "power_state": "running",
        "vcpus": 1,
        "memory_mb": 512,
        "addresses": ["192.0.2.7"],
        **keys,
    }


def told(name: str, host: str = "kvm1", **keys: Any) -> dict[str, Any]:
    """What a host tells of one that it has not."""
    return {"uuid": f"uuid-of-{name}", "name": name, "host": host, "actions": [CREATE], "fault": None, **keys}


def answer(instances: Any = (), lost: Any = (), absent: Any = ()) -> dict[str, Any]:
    return {"instances": list(instances), "lost": list(lost), "absent": list(absent)}


def test_instances_of_all_hosts_are_in_one_table_in_the_order_of_their_names() -> None:
    hosts = {"kvm1": answer([some("web-10"), some("web-9")]), "kvm2": answer([some("db", "kvm2")])}
    text = draw_table(gather(hosts))
    assert [line.split()[:3] for line in text.splitlines()[2:]] == [
        ["db", "kvm2", "ACTIVE"],
        ["web-9", "kvm1", "ACTIVE"],
        ["web-10", "kvm1", "ACTIVE"],
    ]
    assert "1 × 512 MB  192.0.2.7  create 2026-11-21 10:15:31" in text


def test_what_failed_is_told_below_with_what_to_do() -> None:
    failed = {**CREATE, "action": "stop", "message": "no such luck."}
    text = draw_table(gather({"kvm1": answer([some("web-1", fault=FAULT, actions=[failed])])}))
    assert "stop failed 2026-11-21 10:15:31" in text
    assert "Failed:\n  web-1 on kvm1: no such luck. Try again. (HypervisorError)" in text


def test_what_could_not_be_made_here_and_is_elsewhere_counts_as_made() -> None:
    failed = told("web-1", status="ERROR", fault=FAULT)
    assert gather({"kvm1": answer(absent=[failed]), "kvm2": answer([some("web-1", "kvm2")])}).instances == [
        some("web-1", "kvm2")
    ]
    assert gather({"kvm1": answer(absent=[failed])}).instances == [failed]


def test_a_lost_instance_and_one_that_is_worked_on_say_so() -> None:
    goes_on = {**CREATE, "finish_time": None}
    busy = some("web-1", task_state="powering-off", actions=[goes_on])
    text = draw_table(gather({"kvm1": answer([busy], [told("web-2")])}))
    assert "ACTIVE (powering-off)" in text
    assert "create since 2026-11-21 10:15:30" in text
    assert "web-2     kvm1  LOST" in text


def test_a_power_state_that_does_not_follow_from_the_status_is_told() -> None:
    stopped = some("web-1", status="SHUTOFF", vm_state="stopped", power_state="shutdown")
    text = draw_table(gather({"kvm1": answer([stopped, some("web-2", power_state="crashed")])}))
    assert "SHUTOFF  " in text
    assert "ACTIVE (crashed)" in text


def test_hosts_that_did_not_answer_are_named_with_the_reason() -> None:
    text = draw_table(gather({"kvm1": None, "kvm2": {"unreachable": True, "msg": "no route"}}))
    assert text.startswith("No instances.")
    assert "kvm1: was not asked in this run (--limit?)" in text
    assert "kvm2: no route" in text


def test_the_history_follows_where_it_is_asked_for() -> None:
    dead = {**CREATE, "finish_time": None, "message": "its process ended before it did"}
    text = draw_table(gather({"kvm1": answer([some("web-1", actions=[dead, CREATE])])}), with_history=True)
    assert "2026-11-21 10:15:30 create: done in 1.5 s, req-1\n      root_disk: Success in 0.2 s" in text
    assert "create: its process ended before it did" in text


def test_what_guests_use_and_what_they_said_is_below_the_table_where_it_was_asked_for() -> None:
    figures = {
        "state": "running",
        "uptime": 90,
        "cpu_details": [{"time": 1500000000}, {"time": None}],
        "memory_details": {"used": 256, "maximum": 512},
        "disk_details": [{"read_bytes": 3 << 20, "write_bytes": None}, {"read_bytes": 100, "write_bytes": None}],
        "nic_details": [{"rx_octets": 1536, "tx_octets": 7}],
    }
    web = some("web", diagnostics=figures, diagnostics_reason=None, console_output="booting\n\\x1b[2Jlogin: ")
    off = some("off", diagnostics=None, diagnostics_reason="There are none, as it is off.", console_output="")
    text = draw_table(gather({"kvm1": answer([web, off])}))
    assert text.partition("\n\n")[2].splitlines() == [
        "What they use:",
        "  off on kvm1: There are none, as it is off.",
        "  web on kvm1: running for 90 s, CPU time 1.5 s, memory 256 of 512 MiB, read 3.0 MiB, received 1.5",
        "    KiB, sent 7 B",
        "",
        "On their consoles:",
        "  off on kvm1",
        "    (nothing)",
        "  web on kvm1",
        "    booting",
        "    \\x1b[2Jlogin: ",
    ]
    assert "What they use" not in draw_table(gather({"kvm1": answer([some("web")])}))
