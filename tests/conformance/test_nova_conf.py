# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/from-nova-conf.md misses no option that this Nova's scheduler has."""

import json
import re
import subprocess
from pathlib import Path

from conformance.nova_env import ensure_nova

PAGE = (Path(__file__).parents[2] / "docs" / "from-nova-conf.md").read_text()
LIST_OPTIONS = """
import json
from nova.conf import availability_zone, pci, scheduler

names = [
    (getattr(group, "name", group), option.name)
    for module in (availability_zone, pci, scheduler)
    for group, options in module.list_opts().items()
    for option in options
]
print(json.dumps(names))
"""


def test_every_scheduler_option_of_nova_is_on_the_page() -> None:
    done = subprocess.run([str(ensure_nova()), "-c", LIST_OPTIONS], capture_output=True, text=True, check=True)
    options = {f"[{group}] {name}" for group, name in json.loads(done.stdout)}
    assert len(options) > 30
    assert options - set(re.findall(r"^\| `(\[\w+\] \w+)` \|", PAGE, re.MULTILINE)) == set()
