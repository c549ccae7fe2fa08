# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest's config drive hands to it, and what its links and its agent come to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Answer, Command
from ansible_collections.novella.compute.plugins.module_utils.compute.guest_reading import Reading
from ansible_collections.novella.compute.plugins.module_utils.compute.injected_file import InjectedFile
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import NetworkRequest
from support.fake_host import FakeHost, act, create

SECRET = "correct horse battery"
META_DATA, NETWORK_DATA = "openstack/latest/meta_data.json", "openstack/latest/network_data.json"
UUID = "uuid-of-web"


def obey(host: FakeHost, operation: str, **arguments: Any) -> Answer:
    [answer] = host.manager().obey(Command(operation, Selection(["web"]), arguments), False)
    return answer


def inject(host: FakeHost, path: str, content: bytes) -> Answer:
    return obey(host, "inject_file", file=InjectedFile(path, content))


def offered(host: FakeHost) -> dict[str, bytes]:
    """By path in the guest: what its config drive offers."""
    drive = host.driver.read_config_drive(UUID)
    listed = json.loads(drive[META_DATA]).get("files", [])
    assert len([path for path in drive if path.startswith("openstack/content/")]) == len(listed)
    return {item["path"]: drive["openstack" + item["content_path"]] for item in listed}


def remembered(host: FakeHost, secret: str) -> list[str]:
    """The tables that hold it."""
    tables = [row["name"] for row in host.db.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in tables if any(secret in str(list(row)) for row in host.db.query(f"SELECT * FROM {name}"))]


def test_a_stopped_guest_is_offered_a_file_in_its_config_drive_and_all_else_on_it_stays(host: FakeHost) -> None:
    host.manager().reconcile([create("web", vm_state="stopped")], {UUID: b"#!/bin/sh"})
    before = host.driver.read_config_drive(UUID)
    answer = inject(host, "/etc/motd", b"hello")
    assert (answer.status, answer.remarks) == (
        "done",
        ["It is in the config drive, which offers it at the next boot."],
    )
    assert offered(host) == {"/etc/motd": b"hello"}
    after = host.driver.read_config_drive(UUID)
    kept = [path for path in before if path != META_DATA]
    assert "openstack/latest/user_data" in kept
    assert {path: after[path] for path in kept} == {path: before[path] for path in kept}
    assert {**json.loads(after[META_DATA]), "files": None} == {**json.loads(before[META_DATA]), "files": None}


def test_a_file_of_the_same_path_takes_the_place_of_the_one_before_and_five_are_the_most(host: FakeHost) -> None:
    host.reconcile(create("web", vm_state="stopped"))
    for number in range(5):
        assert inject(host, f"/etc/{number}", b"old").status == "done"
    assert inject(host, "/etc/1", b"new").status == "done"
    expected = {f"/etc/{number}": b"old" for number in range(5)} | {"/etc/1": b"new"}
    assert offered(host) == expected
    refused = inject(host, "/etc/5", b"")
    assert refused.error is not None
    assert refused.error["message"].startswith("The config drive has 5 files to be written already: /etc/0, /etc/2")
    assert offered(host) == expected


def test_a_running_guest_is_given_the_file_by_its_agent(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert inject(host, "/etc/motd", b"hello").remarks == ["It was written in the running guest, by its agent."]
    assert offered(host) == {}


def test_only_the_config_drive_remembers_what_a_file_holds(host: FakeHost) -> None:
    host.reconcile(create("web", vm_state="stopped"))
    inject(host, "/root/key", SECRET.encode())
    assert remembered(host, SECRET) == ["fake_disks"]


def test_the_config_drive_tells_of_the_networks_that_the_record_has(host: FakeHost) -> None:
    made = create("web")
    nics = [NetworkRequest("front", "52:54:00:00:00:01", bridge="br0")]
    host.reconcile(made.but(spec=made.spec.but(networks=nics)))
    [seen] = host.manager().audit().instances
    drive = host.driver.read_config_drive(UUID)
    host.driver.write_config_drive(seen.instance, {**drive, NETWORK_DATA: b"{}"})
    assert obey(host, "inject_network_info").remarks == [
        "It is in the config drive that the guest has from its next start on."
    ]
    assert host.driver.read_config_drive(UUID) == drive


def test_links_are_pulled_and_plugged_in_and_a_run_that_fails_between_plugs_them_in(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create("web")
    nics = [NetworkRequest("front", "52:54:00:00:00:01", bridge="br0")]
    host.reconcile(made.but(spec=made.spec.but(networks=nics)))
    done: list[tuple[list[str], bool]] = []

    def set_links(uuid: str, macs: list[str], is_up: bool) -> None:
        done.append((macs, is_up))
        if len(done) == 4:
            raise RuntimeError("no such luck")

    monkeypatch.setattr(host.driver, "set_links", set_links)
    links = [nic.mac_address for nic in nics]
    assert obey(host, "reset_network").remarks == []
    assert done == [(links, False), (links, True)]
    assert obey(host, "reset_network").status == "failed"
    assert done[2:] == [(links, False), (links, True), (links, True)]


def test_one_without_an_interface_is_told_of_as_that(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert obey(host, "reset_network").remarks == ["It has no network interface that is plugged in."]


def test_a_rescue_password_is_on_the_rescued_guest_s_own_config_drive_and_goes_with_it(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert obey(host, "rescue", rescue_password=SECRET).status == "done"
    [drive] = host.db.query("SELECT content FROM fake_disks WHERE kind = 'config.rescue'")
    assert json.loads(json.loads(drive["content"])[META_DATA])["admin_pass"] == SECRET
    assert SECRET.encode() not in host.driver.read_config_drive(UUID)[META_DATA]
    assert remembered(host, SECRET) == ["fake_disks"]
    obey(host, "unrescue")
    assert remembered(host, SECRET) == []


@pytest.mark.parametrize("method", ["read_config_drive", "write_rescue_config_drive", "power_on"])
def test_a_rescue_that_fails_leaves_no_password(host: FakeHost, method: str) -> None:
    host.reconcile(create("web"))
    host.settings(failures={method: {"web": f"could not hand over {SECRET}"}})
    assert obey(host, "rescue", rescue_password=SECRET).status == "failed"
    host.settings()
    host.manager()
    assert remembered(host, SECRET) == []


def read(host: FakeHost) -> dict[str, dict[str, Any]]:
    told = host.manager().describe_instances(Selection(), 0, reading=Reading(guest=True))
    return {item["name"]: item for item in told["instances"]}


def test_a_guest_s_agent_tells_who_it_is_and_a_silent_one_is_no_failure(host: FakeHost) -> None:
    host.reconcile(create("web"), create("dumb"), create("off", vm_state="stopped"), create("still"))
    host.reconcile(act("pause", "still"))
    interfaces = [
        {"name": "eth0", "hardware-address": "52:54:00:00:00:01", "ip-addresses": [{"ip-address": "192.0.2.7"}]}
    ]
    host.settings(
        agents={
            "web": {
                "guest-get-osinfo": {"id": "debian", "pretty-name": "Debian GNU/Linux 12", "kernel-release": "6.1"},
                "guest-get-host-name": {"host-name": "web-1"},
                "guest-network-get-interfaces": interfaces,
                "guest-get-users": [{"user": "ann", "login-time": 17.5}],
                "guest-get-fsinfo": [{"mountpoint": "/", "type": "ext4", "total-bytes": 7, "used-bytes": 3}],
            }
        }
    )
    told = read(host)
    guest = told["web"]["guest"]
    assert told["web"]["guest_reason"] is None
    assert (guest["hostname"], guest["timezone"]) == ("web-1", None)
    assert (guest["os"]["name"], guest["os"]["kernel"]) == ("Debian GNU/Linux 12", "6.1")
    assert guest["interfaces"] == [{"name": "eth0", "mac_address": "52:54:00:00:00:01", "addresses": ["192.0.2.7"]}]
    assert guest["users"] == [{"user": "ann", "domain": None, "login_time": 17}]
    assert guest["filesystems"] == [{"mountpoint": "/", "type": "ext4", "total_bytes": 7, "used_bytes": 3}]
    assert [told[name]["guest"] for name in ("dumb", "off", "still")] == [None] * 3
    assert [told[name]["guest_reason"] for name in ("dumb", "off", "still")] == [
        "The guest's agent does not answer.",
        "Nobody answers, as it is off.",
        "Nobody answers, as it is paused.",
    ]


def test_what_a_hostile_agent_tells_is_bounded_and_harmless(host: FakeHost) -> None:
    host.reconcile(create("web"))
    host.settings(
        agents={
            "web": {
                "guest-get-osinfo": ["no", "object"],
                "guest-get-host-name": {"host-name": "\x1b[2J\u202e\n\ud800" + "x" * (1 << 20)},
                "guest-network-get-interfaces": [{"name": 7, "ip-addresses": {"a": 1}}] * 10_000,
                "guest-get-users": "root",
                "guest-get-fsinfo": [None, {"mountpoint": "/", "total-bytes": 1e300, "used-bytes": -1}],
            }
        }
    )
    guest = read(host)["web"]["guest"]
    assert guest["hostname"].startswith("\\x1b[2J\\u202e\\n\\ud800xxx")
    assert len(guest["hostname"]) < 300
    assert guest["hostname"].isprintable()
    assert guest["os"]["name"] is None
    assert guest["interfaces"] == [{"name": None, "mac_address": None, "addresses": []}] * 64
    assert guest["users"] == []
    assert guest["filesystems"] == [{"mountpoint": "/", "type": None, "total_bytes": None, "used_bytes": None}]
