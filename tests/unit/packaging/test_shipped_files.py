# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users get: the wheel and the Galaxy tarball."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PREFIX = "ansible_collections/novella/compute/"
# Galaxy turns galaxy.yml into these two.
ONLY_IN_WHEEL = {"galaxy.yml"}
ONLY_IN_TARBALL = {"MANIFEST.json", "FILES.json"}
SHIPPED = {
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSES",
    "README.md",
    "REUSE.toml",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert all(name.startswith(PREFIX) for name in names)
        return {name.removeprefix(PREFIX): archive.read(name) for name in names}


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("tarball")
    run("-m", "ansible", "galaxy", "collection", "build", str(ROOT), "--output-path", str(folder))
    (path,) = folder.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        files = [(member, archive.extractfile(member)) for member in archive if not member.isdir()]
        links = [member.name for member, content in files if content is None or not member.isfile()]
        assert links == []
        return {member.name: content.read() for member, content in files if content is not None}


def run(*arguments: str) -> None:
    result = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_wheel_and_the_tarball_hold_the_same(wheel: dict[str, bytes], tarball: dict[str, bytes]) -> None:
    assert set(wheel) - ONLY_IN_WHEEL == set(tarball) - ONLY_IN_TARBALL
    assert [name for name in sorted(set(wheel) & set(tarball)) if wheel[name] != tarball[name]] == []


def test_nothing_but_what_users_need_is_shipped(tarball: dict[str, bytes]) -> None:
    assert {name.split("/")[0] for name in tarball} == SHIPPED | ONLY_IN_TARBALL
    assert [name for name in tarball if name.endswith((".pyc", "~", ".orig", ".rej"))] == []


def test_every_folder_of_plugins_is_one_that_ansible_knows(tarball: dict[str, bytes]) -> None:
    known = {"action", "doc_fragments", "inventory", "lookup", "module_utils", "modules", "plugin_utils", "sub_plugins"}
    assert {name.split("/")[1] for name in tarball if name.startswith("plugins/")} == known


def test_the_versions_are_one() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert galaxy["version"] == project["version"]
    assert galaxy["description"] in project["description"].replace(", as an Ansible collection", "")
