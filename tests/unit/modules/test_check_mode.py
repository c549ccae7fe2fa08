# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module in check mode: it writes nothing, and says what it would do.

The modules are found by listing their folder. A new one needs a scenario in SCENARIOS below, unless its action plugin
does all on the controller; then a playbook that uses it is run by test_check_mode_of_playbooks.py.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.novella.compute.plugins.module_utils import door
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import COMMANDS
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from support.busy_host import (
    FAILED,
    INTERRUPTED,
    LOST,
    REMOVED,
    RUNNING,
    STOPPED,
    act,
    create,
    furnish,
    uuid_of,
)
from support.playbooks import ROOT
from support.read_only import READING, WRITING, ReadOnlyDriver, WrittenInCheckMode, driver_methods, read_bytes

PLUGINS = "ansible_collections.novella.compute.plugins"
SIZE = {"flavor": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}, "image": {"source": "/srv/images/tiny.qcow2"}}
ADOPTED = {"name": "old-timer", "flavor": {"name": "adopted", "vcpus": 1, "memory_mb": 256, "root_gb": 1}}

ELSEWHERE = {"name": "app", "source": "kvm2:/srv/images/app.qcow2"}

# By module: the options of each run.
OWN: dict[str, dict[str, Any]] = {
    "set_admin_password": {"admin_password": "correct horse"},
    "inject_file": {"path": "/etc/motd", "content": "hello"},
    # One instance at a time can have a volume.
    "attach_volume": {"names": [RUNNING], "volume": {"name": "data", "size_gb": 1}},
    "detach_volume": {"volume": {"name": "data"}},
    "extend_volume": {"volume": {"name": "data", "size_gb": 2}},
    "attach_interface": {"interface": {"bridge": "br1"}},
    "detach_interface": {"interface": {"bridge": "br0"}},
    "add_fixed_ip_to_instance": {"interface": {"address": "192.0.2.7"}},
    "remove_fixed_ip_from_instance": {"interface": {"address": "192.0.2.5"}},
    "limit_volume": {"volume": {"name": "data", "limits": {"total_iops_sec": 500}}},
    "swap_volume": {"volume": {"name": "data"}, "new_volume": {"name": "moved"}},
    "remove_volume_connection": {"volume": {"name": "moved"}},
}
SCENARIOS: dict[str, list[dict[str, Any]]] = {
    "claim": [
        {"run": "r1", "wishes": [{"uuid": uuid_of("new"), "name": "new", "host": "kvm1"}]},
        {"run": "r1", "actions": [create("new").as_dict()]},
        {"run": "r1", "release": True},
    ],
    "compute_node": [
        {"enabled": False, "disabled_reason": "a new fan"},
        {"maintenance": True},
        {"enabled": True},
        {"reset_failed_builds": True},
    ],
    "compute_node_facts": [{}, {"reserved_host_memory_mb": 1024}],
    "compute_node_fingerprint": [{}, {"known": "0123456789abcdef"}],
    "image_transfer": [
        {"phase": "offer", "images": [ELSEWHERE]},
        {"phase": "lack", "images": [ELSEWHERE]},
        {"phase": "forget"},
    ],
    "instance_action": [
        {"action": action, "names": ["*"], "on_failure": "report", **OWN.get(action, {})} for action in COMMANDS
    ],
    "instance_adopt": [
        {"orders": [{"uuid": "uuid-of-stranger", "spec": ADOPTED}]},
        {"orders": [{"uuid": uuid_of(RUNNING), "spec": ADOPTED}], "on_failure": "report"},
    ],
    "instance_console": [{"name": RUNNING}, {"token": "no token", "port": 5900}],
    "instance_metadata": [
        {"names": ["*"], "metadata": {"role": "front"}, "tags": ["public"], "display_name": "Till"},
        {"names": [RUNNING], "metadata": {}, "tags": [], "state": "replaced"},
        {"uuids": [uuid_of(STOPPED)], "display_name": "Till"},
    ],
    "instance": [
        {"name": "new", **SIZE},
        {"name": "new", "locked": True, "tags": ["public"], "display_name": "Till", **SIZE},
        {"name": RUNNING, "locked": True, "vm_state": "stopped", **SIZE},
        {"name": "new", "vm_state": "stopped", "user_data": "a secret", **SIZE},
        {"name": RUNNING, **SIZE},
        {"name": RUNNING, "vm_state": "stopped", **SIZE},
        {"name": RUNNING, "metadata": {"role": "front"}, **SIZE},
        {"name": STOPPED, **SIZE},
        {"name": FAILED, **SIZE},
        {"name": LOST, **SIZE},
        {"name": REMOVED, **SIZE},
        {"name": RUNNING, "state": "absent"},
        {"name": RUNNING, "state": "absent", "reclaim_instance_interval": 3600},
        {"name": LOST, "state": "absent"},
        {"name": "never-was", "state": "absent"},
    ],
    "instance_info": [
        {},
        {"names": ["run*"], "include_foreign": True},
        {"diagnostics": True, "console_lines": 5, "devices": True},
    ],
    "instance_screenshot": [{"name": RUNNING, "dest": "screen.png"}],
    "instance_snapshot": [
        {"names": ["*"], "snapshot": "before-upgrade", "on_failure": "report"},
        {"names": [RUNNING], "snapshot": "one", "backup_type": "daily", "rotation": 1, "quiesce": True},
        {"names": [RUNNING], "snapshot": "kept", "state": "absent"},
        {"names": [RUNNING], "snapshot": "never-was", "state": "absent"},
    ],
    "instance_snapshot_info": [{}, {"names": [RUNNING]}],
    "periodic": [{"force": True}, {"force": True, "power_policy": "restart"}, {"tasks": ["reclaim_queued_deletes"]}],
    "reconcile": [
        {
            "actions": [
                action.as_dict()
                for action in (
                    create("new"),
                    act("stop", RUNNING),
                    act("start", STOPPED),
                    act("delete", FAILED),
                    act("restore", REMOVED),
                )
            ],
            "user_data": {uuid_of("new"): "Zm9v"},
        },
    ],
    "whereabouts": [
        {"of": ["kvm2"]},
        {"places": {"kvm2": {"generation": 3, "instances": [[uuid_of("web"), "web", 1]]}}, "mark": "m", "run": "r1"},
    ],
}
CASES = [
    pytest.param(name, options, id=f"{name}-{number}")
    for name, scenarios in SCENARIOS.items()
    for number, options in enumerate(scenarios)
]
# What a run says in check mode, and says again when it has done it.
FORETOLD = ("changed", "actions", "changes", "diff", "recovered")
# Dead runs' claims are given back by whatever run comes next, so this task finds none when it is its turn.
DONE_BEFORE = "drop_stale_claims"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    furnish(tmp_path / "state")
    return tmp_path / "state"


def run_module(name: str, options: dict[str, Any], state: Path, capsys: Any, check: bool) -> dict[str, Any]:
    """Run a module in this process, and return what it said."""
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    arguments = {"host": "kvm1", "driver": "fake", "state_path": str(state), **options, "_ansible_check_mode": check}
    capsys.readouterr()
    with patch_module_args({**arguments, "_ansible_diff": True}), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


def tell(result: dict[str, Any]) -> dict[str, Any]:
    """Return what of a result must be the same in check mode and when it is done."""
    told = {key: result.get(key) for key in FORETOLD}
    told["results"] = [
        {key: item[key] for key in ("uuid", "operation", "name", "did", "before", "after") if key in item}
        for item in result.get("results", [])
        if item.get("name") != DONE_BEFORE
    ]
    return told


def host_modules() -> set[str]:
    """Return the modules that run on hosts: those whose action does not do all on the controller.

    The one that runs the others has no action; test_host_module.py has its runs.
    """
    names = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")} - {"host_module"}
    actions = {name: importlib.import_module(f"{PLUGINS}.action.{name}") for name in names}
    return {name for name, action in actions.items() if not issubclass(action.ActionModule, ControllerAction)}


def test_every_module_has_a_scenario_here() -> None:
    missing, gone = host_modules() - set(SCENARIOS), set(SCENARIOS) - host_modules()
    assert not missing, f"Add runs of {', '.join(sorted(missing))} to SCENARIOS: options that would change something."
    assert not gone, f"There is no module {', '.join(sorted(gone))} any more."


def test_every_method_of_a_driver_is_known_to_read_or_to_write() -> None:
    strange = driver_methods() - READING - WRITING
    assert not strange, f"Say in tests/support/read_only.py whether {', '.join(sorted(strange))} reads or writes."
    assert driver_methods() == READING | WRITING
    assert not READING & WRITING


def test_a_driver_that_may_only_read_ends_the_test_when_it_is_to_act() -> None:
    with pytest.raises(WrittenInCheckMode, match="power_on"):
        ReadOnlyDriver(None).power_on("some-uuid")


@pytest.mark.parametrize(("name", "options"), CASES)
def test_check_mode_writes_nothing_and_foretells_the_run(
    name: str, options: dict[str, Any], state: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bytes(state)
    real_driver = door._driver
    with monkeypatch.context() as patched:
        patched.setattr(door, "_driver", lambda *arguments: ReadOnlyDriver(real_driver(*arguments)))
        checked = run_module(name, options, state, capsys, check=True)
        again = run_module(name, options, state, capsys, check=True)
    assert read_bytes(state) == before
    assert tell(again) == tell(checked)
    done = run_module(name, options, state, capsys, check=False)
    assert "failed" not in checked, checked["msg"]
    assert "failed" not in done, done["msg"]
    assert tell(checked) == tell(done)


def test_check_mode_on_a_host_that_was_never_used_makes_nothing(tmp_path: Path, capsys: Any) -> None:
    for name, scenarios in SCENARIOS.items():
        run_module(name, scenarios[0], tmp_path / "state", capsys, check=True)
    assert not (tmp_path / "state").exists()


def test_check_mode_beside_a_process_that_writes_leaves_no_trace_either(state: Path, capsys: Any) -> None:
    from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB

    other = TrackerDB(str(state))
    other.set_fact("generation", 77)
    before = read_bytes(state)
    result = run_module("compute_node_facts", {}, state, capsys, check=True)
    assert result["ansible_facts"]["novella_host"]["generation"] == 77
    assert read_bytes(state) == before
    other.close()


def test_the_interrupted_and_the_half_made_are_on_the_host_that_is_looked_at(state: Path, capsys: Any) -> None:
    done = run_module("compute_node_facts", {}, state, capsys, check=False)
    assert {entry["operation"] for entry in done["recovered"]} == {"create", "stop"}
    assert uuid_of(INTERRUPTED) in {entry["uuid"] for entry in done["recovered"]}
