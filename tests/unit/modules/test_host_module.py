# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code that hosts keep, as processes of their own find it, keep it, and leave it."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.host_code import COLLECTION, HostCode
from support.playbooks import ROOT

# As AnsiballZ does it, which has packages of the same names as the code that is kept.
START = """
import json, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.argv[1].encode(), "legacy"
from ansible_collections.novella.compute.plugins.modules import host_module
host_module.main()
"""
OLD = 40 * 24 * 60 * 60


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "code.zip"
    HostCode().write_archive(path)
    return path


def run(state: Path, *, check: bool = False, module: str = "whereabouts", **options: Any) -> dict[str, Any]:
    """Run whereabouts, or another module, of a fake host by the code that its host keeps."""
    arguments = {"host": "kvm1", "driver": "fake", "state_path": str(state), **options.pop("arguments", {})}
    asked = {"module": module, "arguments": arguments, "code": str(state / "code/0123"), **options}
    told = json.dumps({"ANSIBLE_MODULE_ARGS": {**asked, "_ansible_check_mode": check}})
    done = subprocess.run(
        [sys.executable, "-c", START, told],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "collection")},
    )
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_host_without_the_code_says_so_and_does_nothing(tmp_path: Path) -> None:
    assert run(tmp_path / "state")["is_missing"] is True
    assert not (tmp_path / "state").exists()


def test_code_that_was_sent_is_kept_and_used_from_then_on(tmp_path: Path, archive: Path) -> None:
    state = tmp_path / "state"
    assert not run(state, archive=str(archive)).get("failed")
    archive.unlink()

    answer = run(state)

    assert not answer.get("failed")
    assert "is_missing" not in answer
    assert [entry.name for entry in (state / "code").iterdir()] == ["0123"]


def test_what_runs_is_the_code_that_is_kept(tmp_path: Path, archive: Path) -> None:
    state = tmp_path / "state"
    run(state, archive=str(archive))
    kept = state / "code/0123" / COLLECTION / "plugins/modules/whereabouts.py"
    kept.write_text('def main():\n    print(\'{"msg": "another release"}\')\n')

    assert run(state) == {"msg": "another release"}


def test_a_host_in_check_mode_uses_what_was_sent_and_keeps_nothing(tmp_path: Path, archive: Path) -> None:
    state = tmp_path / "state"
    assert not run(state, archive=str(archive), check=True).get("failed")
    assert not state.exists()


def test_a_host_that_can_keep_nothing_uses_what_was_sent(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/code").write_text("in the way")
    assert not run(tmp_path / "state", archive=str(archive)).get("failed")


def test_a_half_archive_is_not_kept(tmp_path: Path, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-5000])
    run(tmp_path / "state", archive=str(archive))
    assert list((tmp_path / "state/code").iterdir()) == []


def test_code_of_releases_that_nobody_uses_any_more_goes_when_other_code_comes(tmp_path: Path, archive: Path) -> None:
    around = tmp_path / "state/code"
    for name in ("unused", "used", ".new-died"):
        (around / name).mkdir(parents=True)
    os.utime(around / "unused", (time.time() - OLD,) * 2)
    os.utime(around / ".new-died", (time.time() - OLD,) * 2)

    run(tmp_path / "state", archive=str(archive))

    assert sorted(entry.name for entry in around.iterdir()) == ["0123", "used"]


def test_code_that_is_used_is_not_taken_for_unused(tmp_path: Path, archive: Path) -> None:
    run(tmp_path / "state", archive=str(archive))
    code = tmp_path / "state/code/0123"
    os.utime(code, (time.time() - OLD,) * 2)

    run(tmp_path / "state")

    assert time.time() - code.stat().st_mtime < 60


def test_a_mistake_in_an_option_is_told_as_by_the_module_itself(tmp_path: Path, archive: Path) -> None:
    answer = run(tmp_path / "state", archive=str(archive), arguments={"hots": "kvm1"})
    assert answer["failed"] is True
    assert "Unsupported parameters for (novella.compute.whereabouts) module: hots." in answer["msg"]


def test_secrets_among_the_options_are_told_by_nobody(tmp_path: Path, archive: Path) -> None:
    secret = {"action": "set_admin_password", "admin_password": "correct horse", "names": ["web"]}
    answer = run(tmp_path / "state", archive=str(archive), module="instance_action", arguments=secret)
    assert "correct horse" not in json.dumps(answer)
    assert answer["invocation"]["module_args"]["admin_password"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def test_no_other_module_than_this_collections_can_be_named(tmp_path: Path, archive: Path) -> None:
    answer = run(tmp_path / "state", archive=str(archive), module="..whereabouts")
    assert answer["failed"] is True


def test_the_digest_tells_one_code_from_another_and_not_one_place_from_another(tmp_path: Path) -> None:
    def install(name: str, text: str) -> HostCode:
        folder = tmp_path / name / COLLECTION
        (folder / "plugins/modules").mkdir(parents=True)
        (folder / "plugins/module_utils").mkdir(parents=True)
        (folder / "plugins/modules/one.py").write_text(text)
        return HostCode(folder)

    here, there, other = install("here", "1"), install("there", "1"), install("other", "2")

    assert here.digest() == there.digest() != other.digest()


def test_the_same_code_is_the_same_archive_bit_by_bit(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        HostCode().write_archive(tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert all(name.startswith("ansible_collections/") and name.endswith(".py") for name in archive.namelist())
