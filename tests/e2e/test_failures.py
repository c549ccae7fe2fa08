# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real hosts that die, hang or restart their libvirtd while controllers work on them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.controllers import Ended
from support.lab_fleet import LabFleet, await_first_build, domains, root_disks, running

# One after the other, so that a host can be caught between two of them.
SLOWLY = {"novella_max_concurrent_builds": 1}
# They need not boot to be worked on.
PER_HOST = 12
MANY = {"count": 3 * PER_HOST, "vm_state": "stopped"}


def signal_libvirtd(host: Any, name: str) -> None:
    host.run(["bash", "-c", f"kill -{name} $(cat /run/libvirtd.pid)"])


def start_libvirtd(host: Any) -> None:
    host.run(["libvirtd", "-d", "-l", "-p", "/run/libvirtd.pid"])


def is_left_alone(name: str, host: Any, ended: Ended) -> bool:
    """Whether a run says that an instance is on a silent host, for all that is known."""
    return re.search(rf"{name} (was last|may be) on {host.name}, which did not answer", ended.text) is not None


def mend(host: Any) -> None:
    """Bring a host back to life, whatever was done to it."""
    if host.is_on:
        host.thaw()
    host.power_on()
    if not host.virsh("version", check=False):
        start_libvirtd(host)


@pytest.fixture
def victim(lab: Any) -> Any:
    """The host that something happens to."""
    return lab.host("kvm2")


@pytest.fixture
def fleet(lab: Any, victim: Any, tmp_path: Path) -> Iterator[LabFleet]:
    """A fleet of its own; afterwards its instances are gone and the host is as before."""
    fleet = LabFleet(lab, tmp_path)
    before = {host.name: root_disks(host) for host in lab.hosts}
    yield fleet
    mend(victim)
    fleet.end()
    assert {host.name: root_disks(host) for host in lab.hosts} == before


def test_a_host_that_loses_power_during_an_apply_costs_only_what_is_on_it(fleet: LabFleet, victim: Any) -> None:
    fleet.declare(web={"count": 6})
    before = root_disks(victim)
    controller = fleet.start(**SLOWLY)
    await_first_build(victim, before)
    victim.power_off()
    ended = controller.wait()
    survivors = fleet.homes()
    assert ended.code == 2, ended.text
    assert len(survivors) == 4, ended.text
    lost = sorted({f"web-{number}" for number in range(1, 7)} - survivors.keys())
    for name in lost:
        assert f"create {name} on {victim.name}: It is not known whether it was done" in ended.text

    again = fleet.run()
    assert again.code == 2
    assert again.changed == 0
    assert fleet.homes() == survivors
    for name in lost:
        assert is_left_alone(name, victim, again)

    victim.power_on()
    fleet.apply()
    assert sorted(fleet.homes()) == sorted([*survivors, *lost])
    assert {name: fleet.homes()[name] for name in survivors} == survivors
    assert all(running(host) == fleet.on(host) for host in fleet.lab.hosts)
    assert fleet.is_converged()


def test_a_host_that_hangs_is_named_after_a_bounded_wait_and_the_rest_goes_on(fleet: LabFleet, victim: Any) -> None:
    fleet.declare(web={"count": 3, "vm_state": "stopped"})
    fleet.apply()
    homes = fleet.homes()
    fleet.declare(web={"count": 3})
    victim.freeze()
    ended = fleet.run()
    # It has ended while the host still hangs.
    victim.thaw()
    assert ended.code == 2
    stuck = fleet.on(victim)
    for name in stuck:
        assert is_left_alone(name, victim, ended)
    assert fleet.homes() == homes
    for host in fleet.lab.hosts:
        expected = [] if host.name == victim.name else fleet.on(host)
        assert running(host) == expected
    fleet.apply()
    assert fleet.is_converged()


def test_a_host_that_hangs_during_an_apply_does_not_hold_up_the_others(fleet: LabFleet, victim: Any) -> None:
    fleet.declare(web=MANY)
    before = root_disks(victim)
    controller = fleet.start(**SLOWLY)
    await_first_build(victim, before)
    victim.freeze()
    ended = controller.wait(timeout=180)
    assert ended.code == 2, ended.text
    assert f"on {victim.name}: It is not known whether it was done" in ended.text
    assert {len(domains(host)) for host in fleet.lab.hosts if host.name != victim.name} == {PER_HOST}
    victim.thaw()
    fleet.apply()
    assert len(fleet.homes()) == MANY["count"]
    assert fleet.is_converged()


def test_a_host_whose_ssh_lives_while_all_else_hangs_is_given_up_at_the_task_s_deadline(
    fleet: LabFleet, victim: Any
) -> None:
    """sshd answers ssh's questions, so only the task's own deadline ends the wait."""
    fleet.declare(web={"count": 3, "vm_state": "stopped"})
    slow = victim.files / "root/hanging-python"
    slow.write_text("#!/bin/sh\nkill -STOP $$\n")
    slow.chmod(0o755)
    inventory = fleet.inventory_with(victim.name, ansible_python_interpreter="/root/hanging-python")
    try:
        ended = fleet.run("apply", inventory, novella_audit_timeout=5)
    finally:
        victim.run(["bash", "-c", "pkill -KILL -x -f '/bin/sh /root/hanging-python.*'"], check=False)
        slow.unlink()
    assert ended.code == 2
    assert "Timed out after 5 second(s)" in ended.text
    fleet.apply()
    assert fleet.is_converged()


def test_a_libvirt_that_hangs_is_named_within_its_deadline(fleet: LabFleet, victim: Any) -> None:
    fleet.options = {"novella_deadline": 5}
    fleet.declare(web={"count": 3, "vm_state": "stopped"})
    signal_libvirtd(victim, "STOP")
    ended = fleet.run()
    signal_libvirtd(victim, "CONT")
    assert ended.code == 2
    assert (
        f"{victim.name}: Could not connect to libvirt: libvirt (qemu:///system) gave no answer within 5 s" in ended.text
    )
    assert fleet.on(victim) == []
    fleet.apply()
    assert fleet.is_converged()


def test_a_libvirt_that_hangs_during_an_apply_costs_only_its_own_host(fleet: LabFleet, victim: Any) -> None:
    fleet.options = {"novella_deadline": 5}
    fleet.declare(web=MANY)
    before = root_disks(victim)
    controller = fleet.start(**SLOWLY)
    await_first_build(victim, before)
    signal_libvirtd(victim, "STOP")
    ended = controller.wait(timeout=180)
    assert victim.run(["pgrep", "-f", "AnsiballZ"], check=False) == "", "the module outlived its deadline"
    signal_libvirtd(victim, "CONT")
    assert ended.code == 2, ended.text
    assert "gave no answer within" in ended.text
    assert {len(domains(host)) for host in fleet.lab.hosts if host.name != victim.name} == {PER_HOST}
    fleet.apply()
    assert len(fleet.homes()) == MANY["count"]
    assert fleet.is_converged()


def test_a_libvirtd_that_is_restarted_during_an_apply_ends_in_what_was_declared(fleet: LabFleet, victim: Any) -> None:
    fleet.declare(web=MANY)
    before = root_disks(victim)
    controller = fleet.start(**SLOWLY)
    await_first_build(victim, before)
    signal_libvirtd(victim, "KILL")
    start_libvirtd(victim)
    ended = controller.wait()
    assert "Traceback" not in ended.text
    assert ended.code == 0 or f"on {victim.name}: " in ended.complaints, ended.text
    fleet.apply()
    assert len(fleet.homes()) == MANY["count"]
    assert fleet.is_converged()
