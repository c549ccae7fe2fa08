# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes, pools and ephemeral disks changed under a guest that runs, which shows what it has felt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.felt.trial import Trial
from support.felt.volumes import BOX, CRATE, DRAWER, KEYS, NBD_PORT, ROUNDS, SHELF, before
from support.lab_fleet import LabFleet


@pytest.fixture(scope="module")
def server(lab: Any) -> Iterator[str]:
    """The address of an NBD server on kvm1 that offers 1 GiB."""
    host = lab.host("kvm1")
    served, pid = "/var/tmp/impact.raw", "/var/tmp/impact.pid"
    host.run(["qemu-img", "create", "-q", "-f", "raw", served, "1G"])
    listens = ["-b", host.address, "-p", str(NBD_PORT), "-x", "data", "-e", "4", "--pid-file", pid]
    host.run(["qemu-nbd", "--fork", "--persistent", "-f", "raw", *listens, served])
    yield host.address
    host.run(["sh", "-c", f"kill $(cat {pid}); rm -f {served}"])


@pytest.fixture(scope="module")
def trial(lab: Any, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """One fleet for all tests here, which follow each other: a guest takes long to boot."""
    host, directories = lab.host("kvm2"), [SHELF, DRAWER, BOX, CRATE]
    host.run(["mkdir", "-p", *directories])
    made = Trial(LabFleet(lab, tmp_path_factory.mktemp("fleet")), before(server))
    for name, passphrase in KEYS.items():
        (made.fleet.folder / name).write_text(passphrase)
    made.begin()
    yield made
    made.fleet.end()
    host.run(["rmdir", *directories])


@pytest.mark.parametrize("name", ROUNDS)
def test_each_field_has_the_impact_that_the_table_says(trial: Trial, name: str) -> None:
    trial.feel(*ROUNDS[name])
