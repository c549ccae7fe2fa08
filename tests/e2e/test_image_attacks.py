# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile images on a real host, through whole playbooks: refused by what they are, and nothing is left of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hostile_images import REFUSALS, make
from support.lab_fleet import POOL, LabFleet
from support.lab_guest import guest_of

HOME = "kvm2"
FOLDER = "root/hostile"


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path)
    yield made
    made.end()


@pytest.fixture
def folder(lab: Any) -> Iterator[Path]:
    """A folder of a host, where somebody may put images."""
    path = lab.host(HOME).files / FOLDER
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path)


def test_every_attack_is_refused_and_leaves_nothing(fleet: LabFleet, folder: Path) -> None:
    files = make(folder, fleet.lab.images / "tiny.qcow2")
    images = {name: {"source": f"/{FOLDER}/{file}"} for name, file in files.items()}
    images["exchanged"] = {"source": "/srv/images/tiny.qcow2", "checksum": "sha256:" + "0" * 64}
    host = fleet.lab.host(HOME)
    before = sorted(path.name for path in (host.files / POOL).iterdir())
    fleet.declare({"images": images}, **{name: {"host": HOME, "image": name} for name in images})
    ended = fleet.run()
    assert ended.code == 2
    text = " ".join(ended.text.split())
    for name, words in {**REFUSALS, "exchanged": "has the checksum"}.items():
        assert words in text, f"{name}: {ended.text}"
    assert "root:" not in ended.text
    assert fleet.homes() == {}
    assert sorted(path.name for path in (host.files / POOL).iterdir()) == before


def test_an_image_of_another_hypervisor_boots(fleet: LabFleet, folder: Path) -> None:
    whole = fleet.lab.images / "tiny.qcow2"
    for kind, options in (("vmdk", ["-o", "subformat=streamOptimized"]), ("vdi", [])):
        command = ["qemu-img", "convert", "-f", "qcow2", "-O", kind, *options, str(whole), str(folder / kind)]
        subprocess.run(command, check=True, capture_output=True)
    images = {kind: {"source": f"/{FOLDER}/{kind}"} for kind in ("vmdk", "vdi")}
    fleet.declare({"images": images}, **{f"of-{kind}": {"host": HOME, "image": kind} for kind in images})
    fleet.apply()
    for kind in images:
        guest = guest_of(fleet, f"of-{kind}")
        guest.await_answer()
        assert "hostname=of-" + kind in guest.console
    assert fleet.is_converged()
