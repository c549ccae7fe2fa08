# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``pip install .`` into an empty virtual environment, and the playbooks by their full names from elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FLEET = {
    "version": "1.0",
    "name": "installed",
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}},
    "images": {"tiny": {"source": "/srv/images/tiny.qcow2"}},
    "instances": {"web": {"count": 3, "flavor": "small", "image": "tiny"}},
}


def run(*command: str, cwd: Path, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    result = subprocess.run(
        command, cwd=cwd, env={**environment, **variables}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory with an inventory of three hosts and a fleet; Novella is installed in its ``venv``."""
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(ROOT), cwd=tmp_path)
    hosts = {
        f"kvm{number}": {
            "ansible_connection": "local",
            "ansible_python_interpreter": python,
            "novella_driver": "fake",
            "novella_state_path": str(tmp_path / "state" / f"kvm{number}"),
        }
        for number in (1, 2, 3)
    }
    (tmp_path / "state").mkdir()
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"compute": {"hosts": hosts}}))
    (tmp_path / "fleet.yml").write_text(yaml.safe_dump(FLEET))
    return tmp_path


def test_an_installed_novella_plans_and_applies_from_any_directory(elsewhere: Path) -> None:
    def play(name: str, *more: str) -> str:
        command = str(elsewhere / "venv" / "bin" / "ansible-playbook")
        options = ("-i", "hosts.yml", "-e", "fleet=fleet.yml", *more)
        # Another home, because this one may have settings and collections of its own.
        return run(command, f"novella.compute.{name}", *options, cwd=elsewhere, HOME=str(elsewhere))

    assert "3 to create" in play("plan")
    play("audit", "-e", "save_to=snapshot.json")
    assert "3 to create" in play("simulate", "-e", "hosts_from=snapshot.json")
    assert "No valid host for small-" in play("capacity", "-e", "hosts_from=snapshot.json")
    applied = play("apply")
    assert all(f"web-{number}" in applied for number in (1, 2, 3))
    again = play("apply")
    assert "changed=0" in again
    assert not any(f"changed={number}" in again for number in (1, 2, 3))
