# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection to libvirt: opened when first needed, every call bounded, every error in our words."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Optional, TypeVar

from ...objects.errors import DeadlineExceeded, HypervisorError, HypervisorUnavailable, NovellaError
from .binding import libvirt
from .deadline import TookTooLong, Workers
from .faults import NOT_TEXT, UNAVAILABLE_REMEDY, translate

T = TypeVar("T")

# How long the end of a process waits for libvirt to take its leave.
LEAVING_SECONDS = 2.0
# How long a libvirt that has fallen silent is waited for before each further call, so that many calls end soon.
PROBE_SECONDS = 2.0
# What a user calls the methods that act.
WORDS = {
    "attachDeviceFlags": "plug a device in",
    "abortJob": "end the copying of the disk",
    "backupBegin": "begin to copy the disk",
    "blockCopy": "begin to copy the volume",
    "blockJobAbort": "end the copying of the volume",
    "create": "start the domain",
    "defineXMLFlags": "define the domain",
    "destroy": "cut the power of the domain",
    "detachDeviceFlags": "unplug a device",
    "fsFreeze": "have the guest's agent freeze its file systems",
    "fsThaw": "have the guest's agent thaw its file systems",
    "jobStats": "see how far the copy of the disk is",
    "lookupByUUIDString": "find the domain",
    "networkDefineXMLFlags": "define the network",
    "networkLookupByName": "find the network",
    "secretDefineXML": "have libvirt know a volume's passphrase",
    "setBlockIoTune": "limit the volume",
    "nwfilterDefineXML": "define the network filter",
    "setUserPassword": "have the guest's agent set the password",
    "setMetadata": "write what the domain says of its instance",
    "shutdownFlags": "ask the guest to shut down",
    "undefineFlags": "undefine the domain",
    "update": "change the network",
}


class Bounded:
    """Stands for one libvirt object: its methods are the object's, each waited for only so long.

    What they return is bounded in turn, lists of libvirt objects included.
    """

    __slots__ = ("_answers", "_connection", "_deadline", "_target")

    def __init__(
        self, target: Any, connection: Connection, deadline: float, answers: Optional[Callable[[], bool]] = None
    ) -> None:
        self._target = target
        self._connection = connection
        self._deadline = deadline
        self._answers = answers

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._target, name)

        def call(*arguments: Any) -> Any:
            plain = [item._target if isinstance(item, Bounded) else item for item in arguments]
            result = self._connection.call(_in_words(name), lambda: method(*plain), self._deadline, self._answers)
            return _bound(result, self._connection)

        return call


class Connection:
    """One connection for all threads of a driver.

    Args:
        uri: libvirt's, such as ``qemu:///system``.
        deadline: Seconds that a call may take unless it says otherwise.
    """

    def __init__(self, uri: str, deadline: float) -> None:
        self.uri = uri
        self.deadline = deadline
        self._workers = Workers()
        self._opening = threading.Lock()
        self._raw: Any = None
        self._is_silent = False

    def host(self, deadline: Optional[float] = None) -> Any:
        """Return the bounded virConnect.

        Raises:
            HypervisorUnavailable: The binding is missing, or libvirt does not answer.
            DeadlineExceeded: libvirt accepts the connection and then stays silent.
        """
        return Bounded(self._open(), self, deadline or self.deadline)

    def read(self, what: str, function: Callable[[Any], T]) -> T:
        """Run a function that makes many calls and changes nothing, under one deadline.

        Args:
            what: What it does, for messages ("list the domains").
            function: Takes the bare virConnect. It must not act: an abandoned one runs on.
        """
        raw = self._open()
        return self.call(what, lambda: function(raw), self.deadline)

    def answers(self) -> bool:
        """Return whether libvirt answers at all, for those who wait long for one call of another connection."""
        try:
            self.host().getLibVersion()
        except NovellaError:
            return False
        return True

    def call(
        self, what: str, function: Callable[[], T], deadline: float, answers: Optional[Callable[[], bool]] = None
    ) -> T:
        """Run one call of libvirt's in time, and translate its error.

        Args:
            what: What it does, for messages.
            deadline: Seconds that it may take.
            answers: Tells during a call that may take long whether libvirt answers at all.
        """
        try:
            if self._is_silent:
                deadline = self._probe(deadline)
            return self._workers.call(function, deadline, answers, self.deadline)
        except TookTooLong as late:
            self._is_silent = answers is None or not answers()
            raise DeadlineExceeded(
                f"Could not {what}: libvirt ({self.uri}) gave no answer within {late.seconds:g} s.",
                "The call may still take effect. " + UNAVAILABLE_REMEDY,
                deadline=late.seconds,
            ) from None
        except libvirt.libvirtError as error:
            fault = translate(what, error.get_error_code(), error.get_error_domain(), error.get_error_message())
            if isinstance(fault, HypervisorUnavailable):
                # A restarted libvirtd wants a new connection.
                self._raw = None
            raise fault from error
        except (SystemError, UnicodeDecodeError) as error:
            # So the binding says it of an answer, or of an error that quotes one, which is not UTF-8: a guest's agent
            # may say anything.
            raise HypervisorError(
                f"Could not {what}: {NOT_TEXT}.", "See libvirtd's log on this host for it."
            ) from error

    def _probe(self, deadline: float) -> float:
        """Ask a libvirt that has fallen silent for a sign of life, and return how long to wait for the next call."""
        raw = self._raw
        if raw is None:
            return min(deadline, PROBE_SECONDS)
        self._workers.call(raw.getLibVersion, PROBE_SECONDS)
        self._is_silent = False
        return deadline

    def _open(self) -> Any:
        raw = self._raw
        if raw is not None:
            return raw
        if libvirt is None:
            raise HypervisorUnavailable(
                "python3-libvirt is missing on this host.",
                "Install the distribution's package (the role novella.compute.hypervisor does).",
            )
        # The one in front has a deadline; those behind it wait for that one, and a little longer.
        if not self._opening.acquire(timeout=self.deadline + 1):
            raise DeadlineExceeded(f"Could not connect to libvirt ({self.uri}).", UNAVAILABLE_REMEDY)
        try:
            if self._raw is None:
                # libvirt prints every error on stderr unless it is told not to.
                libvirt.registerErrorHandler(_say_nothing, None)
                self._raw = self.call("connect to libvirt", lambda: libvirt.open(self.uri), self.deadline)
                self._is_silent = False
                atexit.register(self._leave, self._raw)
            return self._raw
        finally:
            self._opening.release()

    def _leave(self, raw: Any) -> None:
        """Close a connection. Its destructor would do the same, and wait for a libvirt that hangs for ever."""
        with contextlib.suppress(TookTooLong, libvirt.libvirtError):
            self._workers.call(raw.close, LEAVING_SECONDS)


def within(target: Any, seconds: float, answers: Callable[[], bool]) -> Any:
    """Return the same libvirt object with another deadline, for a call that may take long.

    Args:
        answers: Tells meanwhile whether libvirt answers at all; it asks by a connection of its own.
    """
    return Bounded(target._target, target._connection, seconds, answers)


def ask_agent(
    target: Any, binding: Any, question: str, seconds: int, deadline: float, answers: Callable[[], bool]
) -> Any:
    """Return what the agent of a bounded domain's guest answers.

    Args:
        binding: libvirt_qemu, which takes bare domains only.
        question: A command as JSON.
        seconds: How long the agent may take.
        deadline: How many seconds libvirt may take.
        answers: Tells meanwhile whether libvirt answers at all; it asks by a connection of its own.
    """
    domain, connection = target._target, target._connection
    what = "ask the guest's agent"
    return connection.call(what, lambda: binding.qemuAgentCommand(domain, question, seconds, 0), deadline, answers)


def _bound(value: Any, connection: Connection) -> Any:
    if isinstance(value, list):
        return [_bound(item, connection) for item in value]
    if type(value).__module__ == "libvirt":
        return Bounded(value, connection, connection.deadline)
    return value


def _in_words(method: str) -> str:
    return WORDS.get(method, f"call {method} of libvirt")


def _say_nothing(_context: Any, _error: Any) -> None:
    """Errors are raised; printing them as well would spoil a module's output."""
