# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation says is what the code does, where sanity does not look."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.plugin_utils.host_action import HOST_OPTIONS

ROOT = Path(__file__).parents[3]
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
LOOKUPS = sorted((ROOT / "plugins" / "lookup").glob("*.py"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


def read_constant(path: Path, name: str) -> Any:
    """Read a YAML text that a plugin holds, without importing it."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and [target.id for target in node.targets] == [name]:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no {name}")


@pytest.fixture(scope="module")
def examples() -> list[dict[str, Any]]:
    """The examples of all plugins, as plays."""
    plays: list[dict[str, Any]] = []
    for path in [*MODULES, *LOOKUPS]:
        content = read_constant(path, "EXAMPLES")
        assert isinstance(content, list), f"the examples of {path.stem} are neither tasks nor plays"
        tasks = [item for item in content if "hosts" not in item]
        plays += [item for item in content if "hosts" in item]
        plays.append({"name": f"Examples of {path.stem}", "hosts": "localhost", "tasks": tasks})
    return plays


def test_every_example_is_accepted_by_ansible(examples: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "examples.yml").write_text(yaml.safe_dump(examples, sort_keys=False))
    command = ["-m", "ansible", "playbook", "-i", "localhost,", "--syntax-check", str(tmp_path / "examples.yml")]
    result = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_roles_argument_specs_and_defaults_agree(role: Path) -> None:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    options = {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    computed = {name for name, value in defaults.items() if isinstance(value, str) and "{{" in value}
    assert set(defaults) == set(options)
    assert documented == {name: value for name, value in defaults.items() if name not in computed}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_has_what_galaxy_asks_for(role: Path) -> None:
    assert [name for name in ("README.md", "meta/main.yml") if not (role / name).is_file()] == []


def test_every_option_of_a_host_can_be_set_in_the_inventory_and_is_on_the_hosts_page() -> None:
    fragment = ast.parse((ROOT / "plugins/doc_fragments/host.py").read_text())
    text = next(node.value.value for node in ast.walk(fragment) if isinstance(node, ast.Assign))
    options = set(yaml.safe_load(text)["options"]) - {"host"}
    page = (ROOT / "docs/hosts.md").read_text()
    assert set(HOST_OPTIONS) == options
    assert {option for option in options if f"| `novella_{option}` |" not in page} == set()


def test_the_action_group_holds_every_module_that_takes_the_hosts_options() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    fragments = {
        path.stem: read_constant(path, "DOCUMENTATION").get("extends_documentation_fragment", []) for path in MODULES
    }
    members = [name for name, used in fragments.items() if "novella.compute.host" in used]
    assert sorted(groups["host"]) == sorted(members)
