# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/coverage.md has a row for each of Nova's classes and methods that Novella stands for."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "coverage.md").read_text())
NAMES = (Path(__file__).parent / "seed_names.txt").read_text().split()


def test_every_name_has_one_row_and_no_row_has_another() -> None:
    assert sorted(row[0] for row in ROWS) == sorted(NAMES)


@pytest.mark.parametrize(("name", "surface", "shown_by", "works"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_is_honest(name: str, surface: str, shown_by: str, works: str) -> None:
    assert re.fullmatch(r"no|yes, \d+\.\d+\.\d+|partly, \d+\.\d+\.\d+: .+", works)
    tests = re.findall(r"`([^`]+)`", shown_by)
    assert [test for test in tests if not (ROOT / test).is_file()] == []
    if works != "no":
        assert surface != "—"
        assert tests
