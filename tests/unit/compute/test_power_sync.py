# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's table of what power synchronisation does, row by row, and what the other policies make of it."""

import itertools

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.power_sync import POLICIES, decide
from ansible_collections.novella.compute.plugins.module_utils.compute.states import VM_STATES
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import POWER_STATES

NONE, WARNING = "none", "warning"
STATES = list(itertools.product(VM_STATES, POWER_STATES))


def decision(vm_state: str, power_state: str, policy: str = "enforce", task_state: str | None = None) -> str:
    """The decision in a word or two."""
    decided = decide(vm_state, task_state, power_state, policy)
    if decided.operation is None:
        return WARNING if decided.is_warning else NONE
    return " ".join(filter(None, [decided.operation, decided.vm_state]))


def rows(**powers: str) -> dict[str, str]:
    return {**dict.fromkeys(POWER_STATES, NONE), **powers}


NOVAS_TABLE = {
    "building": rows(),
    "error": rows(),
    "active": rows(shutdown="stop", crashed="stop", suspended="stop", nostate=WARNING),
    # Nova would stop one with saved memory over and over: there is nothing left to be stopped.
    "stopped": rows(running="stop", paused="stop"),
    "paused": rows(shutdown="update stopped", crashed="update stopped"),
    "suspended": rows(),
    # Nova says nothing of it.
    "rescued": rows(shutdown=WARNING, crashed=WARNING),
    "shelved": rows(),
    "soft-delete": rows(running=WARNING, paused=WARNING, crashed=WARNING),
    "deleted": rows(running=WARNING, paused=WARNING, suspended=WARNING, crashed=WARNING),
}


def test_the_table_has_a_row_for_every_state() -> None:
    assert sorted(NOVAS_TABLE) == sorted(VM_STATES)


@pytest.mark.parametrize(("vm_state", "power_state"), STATES)
def test_enforce_is_novas_table(vm_state: str, power_state: str) -> None:
    assert decision(vm_state, power_state) == NOVAS_TABLE[vm_state][power_state]


@pytest.mark.parametrize(("vm_state", "power_state"), STATES)
def test_observe_never_touches_a_guest(vm_state: str, power_state: str) -> None:
    corrections = {
        ("active", "shutdown"): "update stopped",
        ("active", "crashed"): "update stopped",
        ("stopped", "running"): "update active",
        ("paused", "shutdown"): "update stopped",
        ("paused", "crashed"): "update stopped",
    }
    decided = decision(vm_state, power_state, "observe")
    assert decided == corrections.get((vm_state, power_state), decided)
    assert decided in (NONE, WARNING) or (vm_state, power_state) in corrections


@pytest.mark.parametrize(("vm_state", "power_state"), STATES)
def test_restart_starts_what_stopped_by_itself_and_is_novas_table_otherwise(vm_state: str, power_state: str) -> None:
    expected = NOVAS_TABLE[vm_state][power_state]
    if vm_state == "active" and power_state in ("shutdown", "crashed"):
        expected = "start"
    if (vm_state, power_state) == ("active", "suspended"):
        expected = WARNING
    assert decision(vm_state, power_state, "restart") == expected


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("vm_state", "power_state"), STATES)
def test_an_instance_with_a_task_is_left_alone(vm_state: str, power_state: str, policy: str) -> None:
    assert decision(vm_state, power_state, policy, "powering-off") == NONE


@pytest.mark.parametrize("policy", POLICIES)
def test_every_decision_says_why(policy: str) -> None:
    for vm_state, power_state in STATES:
        decided = decide(vm_state, None, power_state, policy)
        if decided.operation is not None or decided.is_warning:
            assert f"(vm_state {vm_state}, power_state {power_state})" in decided.reason
