# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running guest's agent does inside it (Nova's set_admin_password and inject_file)."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..operation import Run, operation
from ..states import ACTIVE, UPDATING, UPDATING_PASSWORD

WINDOWS, ADMINISTRATOR, ROOT = "windows", "Administrator", "root"


@operation(
    "set_admin_password",
    vm_states=(ACTIVE,),
    task_state=UPDATING_PASSWORD,
    ends_in=None,
    action="changePassword",
    repeats=True,
)
def set_admin_password(run: Run) -> Optional[Instance]:
    """Give a user of the guest a password. It is remembered nowhere.

    Arguments:
        admin_password: The password.
        admin_user: The user; without it the image's `os_admin_user`, or what its `os_type` calls the administrator.
    """
    user = run.arguments.get("admin_user") or _administrator(run.instance)
    run.step("set password", run.driver.set_password, run.instance.uuid, user, run.arguments["admin_password"])
    return None


@operation("inject_file", vm_states=(ACTIVE,), task_state=UPDATING, ends_in=None, repeats=True)
def inject_file(run: Run) -> Optional[Instance]:
    """Write a file in the guest. Arguments: file, an InjectedFile."""
    file = run.arguments["file"]
    run.step("write file", run.driver.write_guest_file, run.instance.uuid, file.path, file.content)
    return None


def _administrator(instance: Instance) -> str:
    properties = {} if instance.spec.image is None else instance.spec.image.properties
    return properties.get("os_admin_user") or (ADMINISTRATOR if properties.get("os_type") == WINDOWS else ROOT)
