# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's id tells its own machine whether the run is over, and no other."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils import run_identity
from ansible_collections.novella.compute.plugins.plugin_utils.run_identity import is_over, new_run

ASK = f"from {run_identity.__name__} import new_run; print(new_run())"


def test_a_run_is_over_when_its_playbook_is() -> None:
    # The asking process is the child, as Ansible's workers are; its parent is the shell, which then ends.
    shell = subprocess.run(["sh", "-c", '"$0" -c "$1"; true', sys.executable, ASK], stdout=subprocess.PIPE, check=True)
    assert is_over(shell.stdout.decode().strip())
    assert not is_over(new_run())


@pytest.mark.parametrize("place", [1, 2])
def test_of_another_machines_or_containers_run_nothing_is_said(place: int) -> None:
    parts = new_run().split("/")
    parts[place], parts[4] = "another", "0"
    assert not is_over("/".join(parts))


@pytest.mark.parametrize("run", ["", "abc", "a/b/c/d/e"])
def test_what_is_no_such_id_is_not_over(run: str) -> None:
    assert not is_over(run)
