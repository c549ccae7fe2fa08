# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A libvirt that falls silent costs its deadline once, and not once per call."""

import threading
import time
from types import SimpleNamespace

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import DeadlineExceeded
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import connection

DEADLINE = 0.4


class FakeLibvirt:
    """Answers while `speaks` is set."""

    libvirtError = OSError

    def __init__(self) -> None:
        self.speaks = threading.Event()
        self.speaks.set()
        self.closed = 0

    def registerErrorHandler(self, *_arguments: object) -> None:
        """Nothing is printed here."""

    def open(self, _uri: str) -> SimpleNamespace:
        self.speaks.wait()
        return SimpleNamespace(getLibVersion=self._answer, getHostname=self._answer, close=self._close)

    def _answer(self) -> str:
        self.speaks.wait()
        return "kvm1"

    def _close(self) -> None:
        self.speaks.wait()
        self.closed += 1


@pytest.fixture
def libvirt(monkeypatch):
    fake = FakeLibvirt()
    monkeypatch.setattr(connection, "libvirt", fake)
    monkeypatch.setattr(connection, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(connection, "LEAVING_SECONDS", 0.05)
    monkeypatch.setattr(connection.atexit, "register", lambda *_arguments: None)
    yield fake
    fake.speaks.set()


def seconds_of_silence(connected) -> float:
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="gave no answer"):
        connected.host().getHostname()
    return time.monotonic() - begin


def test_after_the_first_deadline_further_calls_fail_soon(libvirt):
    connected = connection.Connection("qemu:///system", DEADLINE)
    assert connected.host().getHostname() == "kvm1"
    libvirt.speaks.clear()
    assert seconds_of_silence(connected) >= DEADLINE
    assert max(seconds_of_silence(connected) for _call in range(3)) < DEADLINE


def test_a_libvirt_that_could_not_even_be_connected_to_is_not_waited_for_again_and_again(libvirt):
    connected = connection.Connection("qemu:///system", DEADLINE)
    libvirt.speaks.clear()
    assert seconds_of_silence(connected) >= DEADLINE
    assert seconds_of_silence(connected) < DEADLINE


def test_a_libvirt_that_answers_again_is_used_again(libvirt):
    connected = connection.Connection("qemu:///system", DEADLINE)
    connected.host().getHostname()
    libvirt.speaks.clear()
    seconds_of_silence(connected)
    libvirt.speaks.set()
    assert connected.host().getHostname() == "kvm1"


def test_leaving_does_not_wait_for_a_libvirt_that_hangs(libvirt):
    connected = connection.Connection("qemu:///system", DEADLINE)
    connected.host().getHostname()
    libvirt.speaks.clear()
    begin = time.monotonic()
    connected._leave(connected._open())
    assert time.monotonic() - begin < DEADLINE
    assert libvirt.closed == 0
