# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/impact.md tells of every field of a fleet what a change of it does, as judgement has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.impacts import (
    LIVE,
    NEXT_BOOT,
    REFUSED,
    RESTART,
    TABLE,
    find_row,
)
from support.impact_page import make_page, schema_keys

PAGE = Path(__file__).parents[3] / "docs" / "impact.md"


def test_every_key_of_the_fleet_has_a_row() -> None:
    known = {row.key for row in TABLE}
    missing = [key for key in schema_keys() if key not in known]
    assert not missing, f"add a row for each to TABLE in plugins/module_utils/compute/impacts.py: {missing}"


def test_no_key_stands_there_twice() -> None:
    keys = [row.key for row in TABLE]
    assert sorted(keys) == sorted(set(keys))


def test_the_page_is_what_the_table_says() -> None:
    if os.environ.get("NOVELLA_REGENERATE"):
        PAGE.write_text(make_page())
    assert PAGE.read_text() == make_page(), "run this test with NOVELLA_REGENERATE=1"


@pytest.mark.parametrize(
    ("field", "impact"),
    [
        ("flavor.vcpus", RESTART),
        ("flavor.root_gb", LIVE),
        ("flavor.extra_specs.rack", LIVE),
        ("flavor.extra_specs.hw:cpu_policy", RESTART),
        ("flavor.extra_specs.hw:numa_cpus.0", RESTART),
        ("flavor.extra_specs.hw:watchdog_action", NEXT_BOOT),
        ("flavor.extra_specs.resources1:CUSTOM_LICENCE", LIVE),
        ("image.properties.hw_machine_type", REFUSED),
        ("image.properties.os_distro", LIVE),
        ("networks[0].network", LIVE),
        ("metadata.role", NEXT_BOOT),
    ],
)
def test_the_row_that_says_most_of_a_field_holds(field: str, impact: str) -> None:
    assert find_row(field).impact == impact
