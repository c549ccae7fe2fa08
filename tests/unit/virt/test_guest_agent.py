# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Agents that answer as they should, and agents of guests that mean harm."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.injected_file import read_injected_file
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    GuestAgentUnavailable,
    HypervisorError,
    OptionInvalid,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import connection, guest_agent
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.connection import Bounded, Connection
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.faults import translate
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.guest_agent import GuestAgent


class Guest:
    """Answers an agent's commands, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def answer(self, question: str) -> Any:
        self.asked.append(json.loads(question))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes an agent of a guest; libvirt is left out."""

    def make(guest: Guest) -> GuestAgent:
        made = GuestAgent(Connection("test:///default", 5))
        monkeypatch.setattr(made, "_domain", lambda uuid: uuid)
        monkeypatch.setattr(guest_agent, "libvirt_qemu", object())
        monkeypatch.setattr(
            guest_agent, "ask_agent", lambda _domain, _binding, question, *_times: guest.answer(question)
        )
        return made

    return make


def test_a_file_is_opened_written_and_closed(agent: Any) -> None:
    guest = Guest('{"return": 7}', '{"return": {"count": 5, "eof": false}}', '{"return": {}}')
    agent(guest).write_file("some-uuid", "/etc/motd", b"hello")
    assert [item["execute"] for item in guest.asked] == ["guest-file-open", "guest-file-write", "guest-file-close"]
    assert guest.asked[0]["arguments"]["path"] == "/etc/motd"
    assert base64.b64decode(guest.asked[1]["arguments"]["buf-b64"]) == b"hello"
    assert {item["arguments"].get("handle") for item in guest.asked[1:]} == {7}


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "no JSON",
        "[7]",
        '{"error": {}}',
        '{"return": "seven"}',
        '{"return": true}',
        '{"return": null}',
        "[" * 100_000,
        '{"return": 7, "x": "' + "x" * (10 << 20) + '"}',
        None,
    ],
    ids=["nothing", "no-json", "a-list", "no-return", "text", "a-truth", "null", "deep", "ten-megabytes", "none"],
)
def test_an_agent_that_answers_nonsense_is_told_of_as_that(agent: Any, answer: Any) -> None:
    with pytest.raises(GuestAgentUnavailable, match="The guest's agent answered guest-file-open with nonsense"):
        agent(Guest(answer)).write_file("some-uuid", "/etc/motd", b"hello")


def test_an_agent_that_is_silent_is_told_of_as_that_and_the_file_is_closed(agent: Any) -> None:
    silent = HypervisorError("Could not ask: the agent is not connected.", libvirt_code=86)
    guest = Guest('{"return": 7}', silent, '{"return": {}}')
    with pytest.raises(GuestAgentUnavailable, match="not connected") as raised:
        agent(guest).write_file("some-uuid", "/etc/motd", b"hello")
    assert "qemu-guest-agent" in raised.value.remedy
    assert guest.asked[-1]["execute"] == "guest-file-close"


class Filesystems:
    """A guest whose agent freezes and thaws its file systems, or fails to, one answer after the other."""

    def __init__(self, *answers: Exception | None, is_active: bool = True) -> None:
        self.answers = list(answers)
        self.is_active = is_active
        self.did: list[str] = []

    def fsFreeze(self, mountpoints: None, flags: int) -> None:
        self._answer("freeze")

    def fsThaw(self, mountpoints: None, flags: int) -> None:
        self._answer("thaw")

    def agentSetResponseTimeout(self, seconds: int, flags: int) -> None:
        assert 0 < seconds <= 30

    def isActive(self) -> bool:
        return self.is_active

    def name(self) -> str:
        return "web"

    def _answer(self, what: str) -> None:
        self.did.append(what)
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer


@pytest.fixture
def freezer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the agent of such a guest."""

    def make(guest: Filesystems) -> GuestAgent:
        made = GuestAgent(Connection("test:///default", 5))
        monkeypatch.setattr(made, "_domain", lambda uuid: guest)
        monkeypatch.setattr(guest_agent, "within", lambda target, *_times: target)
        monkeypatch.setattr(guest_agent, "THAW_PAUSE", 0.0)
        return made

    return make


SILENCE = HypervisorError("Could not ask: no answer.", libvirt_code=86)
ABSENCE = translate("ask the guest's agent", 86, 10, "QEMU guest agent is not connected, no answer")
NO_ANSWERS = [SILENCE, ABSENCE]


@pytest.mark.parametrize("error", NO_ANSWERS)
def test_a_guest_that_may_have_frozen_though_its_agent_said_nothing_is_thawed(freezer: Any, error: Exception) -> None:
    guest = Filesystems(error, None)
    with pytest.raises(GuestAgentUnavailable, match="no answer"):
        freezer(guest).freeze("some-uuid")
    assert guest.did == ["freeze", "thaw"]


@pytest.mark.parametrize("error", NO_ANSWERS)
def test_an_agent_that_does_not_thaw_is_asked_again(freezer: Any, error: Exception) -> None:
    guest = Filesystems(error, error, None)
    freezer(guest).thaw("some-uuid")
    assert guest.did == ["thaw"] * 3


def test_a_guest_that_stays_frozen_is_told_of(freezer: Any) -> None:
    with pytest.raises(GuestAgentUnavailable, match="The file systems of web may stand still") as raised:
        freezer(Filesystems(SILENCE, SILENCE, SILENCE)).thaw("some-uuid")
    assert "virsh destroy" in raised.value.remedy


def test_a_guest_that_is_off_has_nothing_frozen(freezer: Any) -> None:
    guest = Filesystems(SILENCE, is_active=False)
    freezer(guest).thaw("some-uuid")
    assert guest.did == ["thaw"]


@pytest.mark.parametrize(
    "answer",
    [
        '{"return": ' + "9" * 60_000 + "}",
        '{"return": {}}' + " " * (1 << 16),
        '{"return": {"a": ' * 30_000,
        '{"return": NaN}',
    ],
    ids=["a-number-of-60000-digits", "padded", "nested", "not-a-number"],
)
def test_an_answer_that_is_long_to_read_is_not_read_for_long(agent: Any, answer: str) -> None:
    began = time.monotonic()
    with contextlib.suppress(GuestAgentUnavailable):
        agent(Guest(answer, *['{"return": {}}'] * 2)).write_file("some-uuid", "/etc/motd", b"hello")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "complaint", ["no space left", "already exists with uuid", "kvm kernel module", "x" * (10 << 20)]
)
def test_what_an_agent_complains_of_is_no_evidence_and_not_long(complaint: str) -> None:
    text = f"internal error: unable to execute QEMU agent command 'guest-file-open': {complaint}"
    fault = translate("ask the guest's agent", 1, 10, text)
    assert type(fault) is HypervisorError
    assert fault.remedy == ""
    assert len(str(fault)) < 1200


def test_a_complaint_that_quotes_the_password_is_not_passed_on(agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "unable to execute QEMU agent command 'guest-set-user-password': I was told 'correct horse'"

    class Domain:
        def agentSetResponseTimeout(self, *_arguments: int) -> None:
            """It is as long as it likes."""

        def setUserPassword(self, *_arguments: object) -> None:
            raise translate("have the guest's agent set the password", 1, 10, text)

    asked = agent(Guest())
    monkeypatch.setattr(asked, "_domain", lambda _uuid: Domain())
    monkeypatch.setattr(guest_agent, "within", lambda domain, *_times: domain)
    with pytest.raises(HypervisorError, match="The guest's agent refused") as raised:
        asked.set_password("some-uuid", "root", "correct horse")
    assert "horse" not in json.dumps(raised.value.as_dict())
    assert raised.value.__suppress_context__


def test_what_an_agent_complains_of_cannot_reach_a_terminal() -> None:
    said = translate("ask", 1, 0, "agent said: \x1b[2J\x1b]0;owned\x07\n").message
    assert said.isprintable()
    assert "owned" in said


@pytest.mark.parametrize(
    ("path", "content", "complaint"),
    [
        ("motd", "", "no absolute path"),
        ("/etc/", "", "no absolute path"),
        ("/etc/../shadow", "", "no absolute path"),
        ("/etc/mo\x00td", "", "no control characters"),
        ("/" + "x" * 255, "", "at most 255 letters"),
        ("/etc/motd", "x" * 10241, "content has 10241 bytes; at most 10240"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(path: str, content: str, complaint: str) -> None:
    with pytest.raises(OptionInvalid, match=complaint):
        read_injected_file(path, content)


def test_a_file_of_windows_has_an_absolute_path_too() -> None:
    assert read_injected_file("C:\\motd.txt", "hello").content == b"hello"


def test_what_an_agent_does_not_know_is_left_out(agent: Any) -> None:
    unknown = HypervisorError("The command guest-get-users has not been found", libvirt_code=1)
    guest = Guest('{"return": {"host-name": "web"}}', unknown, '{"return": []}')
    answers = agent(guest).ask_all("some-uuid", ["guest-get-host-name", "guest-get-users", "guest-get-fsinfo"])
    assert answers == {"guest-get-host-name": {"host-name": "web"}, "guest-get-fsinfo": []}


def test_an_agent_that_falls_silent_is_not_asked_any_further(agent: Any) -> None:
    guest = Guest('{"return": {}}', HypervisorError("The agent is not connected.", libvirt_code=86), '{"return": []}')
    with pytest.raises(GuestAgentUnavailable, match="not connected"):
        agent(guest).ask_all("some-uuid", ["guest-get-host-name", "guest-get-users", "guest-get-fsinfo"])
    assert len(guest.asked) == 2


@pytest.mark.parametrize(
    "text",
    [
        "internal error: cannot parse json [[[[ no space left: parse error: unallowed token",
        "No complete agent response found in 10485760 bytes: Numerical result out of range",
    ],
)
def test_what_libvirt_cannot_read_is_nonsense_and_not_quoted(agent: Any, text: str) -> None:
    with pytest.raises(GuestAgentUnavailable) as raised:
        agent(Guest(translate("ask the guest's agent", 1, 10, text))).write_file("some-uuid", "/etc/motd", b"hello")
    assert raised.value.message == "The guest's agent answered with nonsense."


@pytest.mark.parametrize(
    "error", [SystemError("a result with an exception set"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")]
)
def test_an_answer_that_is_not_text_is_nonsense_however_the_binding_says_so(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_arguments: Any) -> str:
        raise error

    monkeypatch.setattr(connection, "libvirt", SimpleNamespace(libvirtError=OSError))
    monkeypatch.setattr(guest_agent, "libvirt_qemu", SimpleNamespace(qemuAgentCommand=refuse))
    link = Connection("test:///default", 5)
    asked = GuestAgent(link)
    monkeypatch.setattr(asked, "_domain", lambda _uuid: Bounded(object(), link, 5))
    with pytest.raises(GuestAgentUnavailable) as raised:
        asked.write_file("some-uuid", "/etc/motd", b"hello")
    assert raised.value.message == "The guest's agent answered with nonsense."
