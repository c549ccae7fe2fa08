# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests that mean harm: whatever they say or leave unsaid, runs end in time, say what was, and obey nobody else."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.controllers import Ended
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, have_guest

AGENT = Path(__file__).parents[1] / "support/hostile-agent.sh"
HARM = b"\x1b[2J\x1b]0;owned\x07 \xff END-OF-HARM\n"
PASSWORD = "correct horse battery"
# What a run may take besides waiting for the guest, on a machine that emulates others.
OVERHEAD = 60
# How long an agent is waited for: libvirt's synchronisation, and the answer.
PATIENCE = 15


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def guest(fleet: LabFleet) -> Guest:
    """A guest whose agent and whose power button are its owner's, and who has said something bad on its console."""
    made = have_guest(fleet)
    for path, content in (
        ("/usr/sbin/hostile", AGENT.read_bytes()),
        ("/sbin/shutdown", b'#!/bin/sh\necho "HOSTILE heard the button" >/dev/console\n'),
        ("/dev/ttyS0", HARM),
    ):
        handle = made.ask("guest-file-open", path=path, mode="w")
        made.ask("guest-file-write", handle=handle, **{"buf-b64": base64.b64encode(content).decode()})
        made.ask("guest-file-close", handle=handle)
    replace = "sleep 1; chmod +x /usr/sbin/hostile; mv /usr/sbin/hostile /usr/sbin/qemu-ga; kill -9 $(pidof qemu-ga)"
    made.ask("guest-exec", path="/bin/sh", arg=["-c", replace])
    await_hostile(made)
    return made


def await_hostile(guest: Guest) -> None:
    """Wait until the hostile agent answers. The real one would tell its version."""
    await_condition(lambda: "".join(guest.said("guest-info").split()) == '{"return":{}}', "the agent is hostile")


def act(fleet: LabFleet, seconds: float, **extra_vars: Any) -> Ended:
    """Run an operation that may take so many seconds, and return what was printed."""
    began = time.monotonic()
    ended = fleet.run("act", instances="web", only_fleet=fleet.name, **extra_vars)
    assert time.monotonic() - began < seconds + OVERHEAD, ended.text
    assert "\x1b" not in ended.text
    assert len(ended.text) < 20_000
    return ended


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("escapes", r"\[2J \]0;owned no space left"),
        ("number", "The guest's agent answered guest-file-open with nonsense."),
        ("nested", "The guest's agent answered with nonsense."),
        ("megabyte", "The guest's agent answered guest-file-open with nonsense."),
        ("silence", "See to it that qemu-guest-agent is installed and runs in the guest."),
        ("garbage", "See to it that qemu-guest-agent is installed and runs in the guest."),
        # libvirt itself may be held up by what it must read, on a slow host.
        ("flood", r"(See to it that qemu-guest-agent is installed and runs|gave no answer within \d+ s)"),
    ],
)
def test_an_agent_that_means_harm_is_told_of_in_time_and_obeyed_in_nothing(
    fleet: LabFleet, guest: Guest, harm: str, told: str
) -> None:
    life = guest.life()
    ended = act(fleet, PATIENCE, operation="inject_file", path=f"/{harm}", content="hello")
    assert ended.code == 2, ended.text
    assert re.search(told, " ".join(ended.text.split())), ended.text
    assert guest.home.run(["ls", "/tmp/owned"], check=False) == ""
    assert (guest.state, guest.life()) == ("running", life)
    await_hostile(guest)


def test_an_agent_that_repeats_its_secret_is_not_quoted(fleet: LabFleet, guest: Guest) -> None:
    ended = act(fleet, PATIENCE, operation="set_admin_password", admin_password=PASSWORD)
    assert ended.code == 2
    assert "The guest's agent refused" in " ".join(ended.text.split())
    kept = [path for path in (guest.home.files / "var/lib/novella").rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if PASSWORD.encode() in path.read_bytes()] == []
    assert PASSWORD not in ended.text


def test_what_it_said_on_its_console_is_printed_harmlessly(fleet: LabFleet, guest: Guest) -> None:
    ended = fleet.run("instance_info", names="web", only_fleet=fleet.name, console_bytes=1 << 20)
    assert ended.code == 0, ended.text
    assert r"\x1b[2J\x1b]0;owned\x07 \xff END-OF-HARM" in ended.text
    assert "\x1b" not in ended.text


def test_a_guest_that_is_deaf_is_stopped_in_time_and_that_is_said(fleet: LabFleet, guest: Guest) -> None:
    began = time.monotonic()
    ended = fleet.run("stop", instances="web", only_fleet=fleet.name, novella_shutdown_timeout=10)
    assert time.monotonic() - began < 10 + OVERHEAD
    assert ended.code == 0, ended.text
    assert "It did not shut down within 10 s, so its power was cut." in " ".join(ended.text.split())
    assert guest.state == "shut off"
    # It was asked in both ways.
    assert "HOSTILE heard shutdown" in guest.console
    assert "HOSTILE heard the button" in guest.console
