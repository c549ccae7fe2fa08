# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's get_host_uptime: told by every audit, and no part of what is compared from one audit to the next."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.novella.compute.plugins.module_utils import host_uptime
from support.busy_host import furnish

PLUGINS = "ansible_collections.novella.compute.plugins"


def run_module(name: str, state: Path, capsys: Any, **options: Any) -> dict[str, Any]:
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    capsys.readouterr()
    arguments = {"host": "kvm1", "driver": "fake", "state_path": str(state), **options}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


def test_an_audit_tells_how_long_the_host_has_been_up_and_how_busy_it_is(tmp_path: Path, capsys: Any) -> None:
    told = run_module("compute_node_facts", tmp_path, capsys)["host_uptime"]
    up = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < told["seconds"] <= up
    assert len(told["load_averages"]) == 3
    assert all(isinstance(load, float) for load in told["load_averages"])


def test_a_host_that_has_been_up_longer_is_as_it_was(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(tmp_path)
    run_module("compute_node_facts", tmp_path, capsys)
    before = run_module("compute_node_facts", tmp_path, capsys)
    monkeypatch.setattr(host_uptime, "uptime", lambda: 9e9)
    after = run_module("compute_node_facts", tmp_path, capsys)
    documents = [told["ansible_facts"]["novella_host"] for told in (before, after)]
    for document in documents:
        document["compute_node"].pop("updated_at")
    assert documents[0] == documents[1]
    assert after["host_uptime"]["seconds"] == 9_000_000_000
    assert (before["changed"], after["changed"]) == (False, False)
    asked = run_module("compute_node_fingerprint", tmp_path, capsys, known=documents[0]["fingerprint"])
    assert asked["in_sync"]
    assert asked["host_uptime"]["seconds"] == 9_000_000_000
