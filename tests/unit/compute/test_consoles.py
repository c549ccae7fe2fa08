# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Screens of guests, and the tokens for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute import consoles
from ansible_collections.novella.compute.plugins.module_utils.compute.consoles import (
    ConsoleAccess,
    check_listen,
    read_port_range,
)
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ConsoleNotAvailable,
    InstanceNotFound,
    InstanceNotReady,
    NovellaError,
    OptionInvalid,
)
from support.fake_host import FakeHost, act, create


def ask(host: FakeHost, name: str = "web", kind: str = "vnc", seconds: int = 600, check: bool = False) -> ConsoleAccess:
    return host.manager().grant_console(Selection([name]), kind, seconds, check)


def tokens(host: FakeHost) -> int:
    return host.db.query("SELECT COUNT(*) FROM console_tokens")[0][0]


def test_a_token_is_good_once_and_for_its_own_port(host: FakeHost) -> None:
    host.reconcile(create("db"), create("web"))
    access = ask(host)
    assert (access.host, access.address, access.type) == ("kvm1", "127.0.0.1", "vnc")
    assert access.token is not None and access.expires_at is not None
    assert host.manager().validate_console(access.token, access.port)
    assert not host.manager().validate_console(access.token, access.port)
    other = ask(host, "db")
    assert other.port != access.port
    assert other.token is not None
    assert not host.manager().validate_console(other.token, access.port)


def test_a_token_is_not_good_for_long(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.reconcile(create("web"))
    access = ask(host, seconds=60)
    assert access.token is not None
    present = consoles.time.time()
    monkeypatch.setattr(consoles.time, "time", lambda: present + 61)
    assert not host.manager().validate_console(access.token, access.port)
    assert tokens(host) == 0


def test_no_token_is_kept_in_clear(host: FakeHost) -> None:
    host.reconcile(create("web"))
    token = ask(host).token
    assert token is not None and len(token) >= 32
    host.db.query("PRAGMA wal_checkpoint(TRUNCATE)")
    held = [path.read_bytes() for path in Path(host.path).iterdir() if path.is_file()]
    assert not any(token.encode() in content for content in held)
    assert token not in repr(ask(host))


def test_tokens_go_with_their_instance(host: FakeHost) -> None:
    host.reconcile(create("web"))
    access = ask(host)
    host.reconcile(act("delete", "web"))
    assert tokens(host) == 0
    assert access.token is not None
    assert not host.manager().validate_console(access.token, access.port)


def test_check_mode_makes_no_token(host: FakeHost) -> None:
    host.reconcile(create("web"))
    assert ask(host, check=True).token is None
    assert tokens(host) == 0


@pytest.mark.parametrize(
    ("name", "kind", "error", "complaint"),
    [
        ("nobody", "vnc", InstanceNotFound, "No such instance is on kvm1"),
        ("w*", "vnc", OptionInvalid, "That fits 2 instances of kvm1: web, win"),
        ("win", "vnc", ConsoleNotAvailable, "win has no vnc console on kvm1"),
        ("web", "spice", ConsoleNotAvailable, "web has no spice console on kvm1"),
    ],
)
def test_who_asks_for_what_there_is_not_is_told(
    host: FakeHost, name: str, kind: str, error: type[NovellaError], complaint: str
) -> None:
    host.reconcile(create("web"), create("win", vm_state="stopped"))
    with pytest.raises(error, match=complaint):
        ask(host, name, kind)
    assert tokens(host) == 0


def test_an_instance_that_is_being_built_has_no_screen_yet(host: FakeHost) -> None:
    host.reconcile(create("web"))
    [seen] = host.manager().audit().instances
    host.driver.save_record(seen.instance.but(vm_state="building"))
    with pytest.raises(InstanceNotReady, match="web is building"):
        ask(host)


def test_only_an_address_is_listened_on() -> None:
    for address in (None, "127.0.0.1", "::1", "10.0.0.7"):
        check_listen("vnc_server_listen", address)
    with pytest.raises(OptionInvalid, match="vnc_server_listen is 'everywhere', which is no IP address"):
        check_listen("vnc_server_listen", "everywhere")


def test_a_serial_console_has_tokens_too(host: FakeHost) -> None:
    host.reconcile(create("web"))
    with pytest.raises(ConsoleNotAvailable, match="web has no serial console on kvm1") as raised:
        ask(host, kind="serial")
    assert "novella_serial_server_listen" in raised.value.remedy
    host.settings(screens={"serial": "127.0.0.1"})
    access = ask(host, kind="serial")
    assert (access.type, access.address, access.port, access.tls_port) == ("serial", "127.0.0.1", 10000, None)
    assert access.token is not None
    assert host.manager().validate_console(access.token, access.port)


def test_ports_of_serial_consoles_are_written_as_nova_writes_them() -> None:
    assert read_port_range("10000:20000") == range(10000, 20001)
    assert read_port_range("5000:5000") == range(5000, 5001)
    for wrong in (
        "",
        "10000",
        "10000-20000",
        "20000:10000",
        "80:90",
        "10000:65536",
        "\u0661\u0660\u0660\u0660\u0660:20000",
    ):
        with pytest.raises(OptionInvalid, match="is no range of ports from 1024 to 65535"):
            read_port_range(wrong)


def test_tokens_that_nobody_uses_are_forgotten_in_time(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def clean(check: bool = False) -> list[dict[str, Any]]:
        [outcome] = host.manager().periodic_tasks(
            names=["cleanup_expired_console_auth_tokens"], force=True, check=check
        )
        return outcome.report.did

    host.reconcile(create("web"))
    ask(host, seconds=60)
    ask(host, seconds=60)
    kept = ask(host, seconds=600)
    assert clean() == []
    present = consoles.time.time()
    monkeypatch.setattr(consoles.time, "time", lambda: present + 61)
    expired = [{"uuid": kept.uuid, "type": "vnc", "tokens": 2}]
    assert (clean(check=True), tokens(host)) == (expired, 3)
    assert (clean(), tokens(host)) == (expired, 1)
    assert clean() == []
    assert kept.token is not None
    assert host.manager().validate_console(kept.token, kept.port)
