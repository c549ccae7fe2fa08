# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's agent. What it answers is the guest's word: bounded in time and size, and nothing of it is believed."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from ...objects.errors import GuestAgentUnavailable, HypervisorError, InstanceNotFound
from .binding import libvirt_qemu
from .connection import Connection, ask_agent, within
from .faults import AGENT_BABBLES, AGENT_COMPLAINS, AGENT_FAILED, NOT_TEXT

# How long an agent may take to answer one command.
AGENT_SECONDS = 10
# libvirt ends a command that the agent does not; only a libvirt that hangs takes longer.
DEADLINE = 3.0 * AGENT_SECONDS
# The longest answer to anything that is asked here is far shorter.
MOST_LETTERS = 1 << 16
# libvirt's VIR_ERR_AGENT_UNRESPONSIVE, VIR_ERR_AGENT_UNSYNCED and VIR_ERR_AGENT_COMMAND_TIMEOUT.
SILENT = (86, 97, 110)
# A guest that is left frozen is as good as lost, so its agent is asked again.
THAW_ATTEMPTS, THAW_PAUSE = 3, 1.0
THAW_REMEDY = "Switch it off ('virsh destroy') if it does not go on: what it has written out is safe."
REMEDY = "See to it that qemu-guest-agent is installed and runs in the guest."


class GuestAgent:
    """The agents of the guests of one libvirt.

    Args:
        connection: For quick calls. An agent is asked by a connection of its own: it may let others wait.
    """

    def __init__(self, connection: Connection) -> None:
        self._quick = connection
        self._connection = Connection(connection.uri, connection.deadline)

    def set_password(self, uuid: str, user: str, password: str) -> None:
        """Give a user of the guest a password.

        Raises:
            GuestAgentUnavailable: There is no agent, or it does not answer.
        """
        domain = self._domain(uuid)
        with _told(is_confidential=True):
            domain.agentSetResponseTimeout(AGENT_SECONDS, 0)
            within(domain, DEADLINE, self._quick.answers).setUserPassword(user, password, 0)

    def write_file(self, uuid: str, path: str, content: bytes) -> None:
        """Write a file in the guest, in the place of what is there.

        Raises:
            GuestAgentUnavailable: There is no agent, or it does not answer, or answers nonsense.
        """
        domain = self._domain(uuid)
        handle = self._ask(domain, "guest-file-open", path=path, mode="wb")
        if not isinstance(handle, int) or isinstance(handle, bool):
            raise _nonsense("guest-file-open")
        try:
            self._ask(domain, "guest-file-write", handle=handle, **{"buf-b64": base64.b64encode(content).decode()})
        finally:
            self._ask(domain, "guest-file-close", handle=handle)

    def ask_all(self, uuid: str, commands: Iterable[str]) -> dict[str, Any]:
        """Return the answers to commands without arguments. Those that the agent does not know are left out.

        Raises:
            GuestAgentUnavailable: It does not answer, or with nonsense: then it is not asked any further.
        """
        domain = self._domain(uuid)
        answers: dict[str, Any] = {}
        for command in commands:
            with contextlib.suppress(HypervisorError):
                answers[command] = self._ask(domain, command)
        if not answers:
            raise GuestAgentUnavailable("The guest's agent knows none of what it was asked.", REMEDY)
        return answers

    def answers(self, uuid: str) -> bool:
        """Return whether it answers."""
        try:
            self._ask(self._domain(uuid), "guest-ping")
        except AGENT_FAILED:
            return False
        return True

    def freeze(self, uuid: str) -> None:
        """Have the guest's file systems written out, and stand still.

        Raises:
            GuestAgentUnavailable: They cannot.
        """
        domain = self._domain(uuid)
        try:
            domain.agentSetResponseTimeout(AGENT_SECONDS, 0)
            within(domain, DEADLINE, self._quick.answers).fsFreeze(None, 0)
        except AGENT_FAILED as error:
            # An agent that answers too late may have done it.
            with contextlib.suppress(*AGENT_FAILED):
                within(domain, DEADLINE, self._quick.answers).fsThaw(None, 0)
            raise GuestAgentUnavailable(error.message, REMEDY, **error.details) from error

    def thaw(self, uuid: str) -> None:
        """Have the guest's file systems go on.

        Raises:
            GuestAgentUnavailable: They cannot, as far as its agent tells.
        """
        try:
            domain = self._domain(uuid)
        except InstanceNotFound:
            return
        for attempt in range(THAW_ATTEMPTS):
            try:
                domain.agentSetResponseTimeout(AGENT_SECONDS, 0)
                within(domain, DEADLINE, self._quick.answers).fsThaw(None, 0)
                return
            except AGENT_FAILED as error:
                if not domain.isActive():
                    return
                if attempt == THAW_ATTEMPTS - 1:
                    raise GuestAgentUnavailable(
                        f"The file systems of {domain.name()} may stand still: {error.message}", THAW_REMEDY
                    ) from error
                time.sleep(THAW_PAUSE)

    def _ask(self, domain: Any, command: str, **arguments: Any) -> Any:
        if libvirt_qemu is None:
            raise GuestAgentUnavailable("python3-libvirt on this host has no libvirt_qemu.", "Install a whole one.")
        question = json.dumps({"execute": command, "arguments": arguments})
        with _told():
            said = ask_agent(domain, libvirt_qemu, question, AGENT_SECONDS, DEADLINE, self._quick.answers)
        return _read(command, said)

    def _domain(self, uuid: str) -> Any:
        return self._connection.host().lookupByUUIDString(uuid)


@contextlib.contextmanager
def _told(is_confidential: bool = False) -> Iterator[None]:
    """Tell of an agent that does not answer as of what it is, and not as of an error of libvirt's.

    Args:
        is_confidential: It was told a secret. Its complaint may quote that in any form, so none of it is passed on.
    """
    try:
        yield
    except HypervisorError as error:
        if error.details.get("libvirt_code") in SILENT:
            raise GuestAgentUnavailable(error.message, REMEDY, **error.details) from error
        if AGENT_BABBLES.search(error.message) or NOT_TEXT in error.message:
            raise GuestAgentUnavailable("The guest's agent answered with nonsense.", REMEDY, **error.details) from None
        if is_confidential and AGENT_COMPLAINS.search(error.message):
            raise HypervisorError(
                "The guest's agent refused; what it says is not shown, as it may quote what is secret.",
                "Look at the agent's log in the guest.",
                **error.details,
            ) from None
        raise


def _read(command: str, said: Any) -> Any:
    """Return what an answer returns."""
    if not isinstance(said, str) or len(said) > MOST_LETTERS:
        raise _nonsense(command)
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        raise _nonsense(command) from None
    if not isinstance(answer, dict) or "return" not in answer:
        raise _nonsense(command)
    return answer["return"]


def _nonsense(command: str) -> GuestAgentUnavailable:
    return GuestAgentUnavailable(f"The guest's agent answered {command} with nonsense.", REMEDY)
