# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and NICs changed under a guest that runs, which shows what it has felt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.felt.networks import BEFORE, BRIDGES, LACKING, LIBVIRT_NETWORK, ROUNDS, WORDS_OF_THE_HOST
from support.felt.trial import Change, Trial
from support.lab_fleet import LabFleet

DEFINITION = f"<network><name>{LIBVIRT_NETWORK}</name><bridge name='impact-net' stp='off' delay='0'/></network>"


@pytest.fixture(scope="module")
def trial(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """One fleet for all tests here, which follow each other: a guest takes long to boot."""
    host, file = lab.host("kvm2"), "var/tmp/impact-network.xml"
    for bridge in BRIDGES:
        # A run that was broken off may have left it.
        host.run(["ip", "link", "add", bridge, "type", "bridge"], check=False)
        host.run(["ip", "link", "set", bridge, "up"])
    (host.files / file).write_text(DEFINITION)
    host.virsh("net-create", f"/{file}", check=False)
    made = Trial(LabFleet(lab, tmp_path_factory.mktemp("fleet")), BEFORE)
    made.begin()
    yield made
    made.fleet.end()
    host.virsh("net-destroy", LIBVIRT_NETWORK)
    (host.files / file).unlink()
    for bridge in BRIDGES:
        host.run(["ip", "link", "delete", bridge])


@pytest.mark.parametrize("name", ROUNDS)
def test_each_field_has_the_impact_that_the_table_says(trial: Trial, name: str) -> None:
    trial.feel(*ROUNDS[name])


@pytest.mark.parametrize("change", LACKING, ids=lambda change: change.key)
def test_what_a_host_of_the_lab_lacks_is_tried_at_once_and_fails_there(trial: Trial, change: Change) -> None:
    trial.fails(change, WORDS_OF_THE_HOST[change.key])
