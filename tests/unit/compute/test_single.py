# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The instance that the options of a module describe."""

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.single import read_wanted
from ansible_collections.novella.compute.plugins.module_utils.compute.single_guest import GUEST
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, NotSupported


def options(**properties: str) -> dict[str, Any]:
    return {
        "name": "web",
        "fleet": "default",
        "project_id": "default",
        "flavor": {"vcpus": 1, "memory_mb": 512, "root_gb": 1, "name": "small"},
        "image": {"name": "debian", "source": "/srv/debian.qcow2", "properties": properties},
        "networks": [],
        "metadata": {},
        "ssh_keys": [],
        "user_data": None,
        "tags": [],
        "display_name": None,
        "vm_state": "active",
        "locked": False,
        **{name: spec.get("default") for name, spec in GUEST.items()},
    }


def test_what_its_guest_cannot_be_is_said_before_anything_is_done_and_in_check_mode_too() -> None:
    assert read_wanted(options(hw_disk_bus="scsi")).spec.image
    with pytest.raises(InvalidInput, match="Did you mean 'hw_disk_bus'"):
        read_wanted(options(hw_disk_buss="scsi"))
    with pytest.raises(NotSupported, match="'os_command_line' of image 'debian' cannot be honoured"):
        read_wanted(options(os_command_line="quiet"))
