# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts whose clock is not the controller's."""

import subprocess
import sys
import time
from typing import Any

import pytest
import yaml
from support.other_clock import write_interpreter


@pytest.mark.parametrize("hours", [-1, 1], ids=["back", "forth"])
def test_a_clock_that_is_an_hour_off_changes_nothing(make_site: Any, hours: int) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 4}})
    assert site.run("apply").code == 0
    homes = site.domains()

    python = write_interpreter(site.folder / "elsewhen", sys.executable, hours)
    script = "import datetime; print(datetime.datetime.now().timestamp())"
    told = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout
    assert abs(float(told) - time.time() - hours * 3600) < 60
    inventory = yaml.safe_load(site.inventory.read_text())
    inventory["compute"]["hosts"]["kvm2"]["ansible_python_interpreter"] = str(python)
    site.inventory.write_text(yaml.safe_dump(inventory))

    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text
    assert site.domains() == homes
    site.write_fleet({"web": {"count": 6}})
    grown = site.run("apply")
    assert grown.code == 0, grown.text
    assert sum(map(len, site.domains().values())) == 6
    site.write_fleet({"web": {"count": 1}})
    shrunk = site.run("apply", prune=True)
    assert shrunk.code == 0, shrunk.text
    assert sum(map(len, site.domains().values())) == 1
    assert site.run("apply").changed == 0
