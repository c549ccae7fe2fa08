# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is changed inside a guest: through its agent while it runs, else by what its config drive tells it at boot.

Nova's set_admin_password, inject_file, inject_network_info and reset_network.
"""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..config_drive import with_file, with_networks
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..states import ACTIVE, PAUSED, SHELVED, STOPPED, UPDATING, UPDATING_PASSWORD

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


@operation("inject_file", vm_states=(ACTIVE, STOPPED), task_state=UPDATING, ends_in=None, repeats=True)
def inject_file(run: Run) -> Optional[Instance]:
    """Write a file in the guest, or have its config drive offer it at the next boot. Arguments: file, an InjectedFile.

    The file system of a guest that is off is not touched: the host shall mount nothing that a guest has written.
    """
    file, instance = run.arguments["file"], run.instance
    if instance.vm_state == ACTIVE:
        run.step("write file", run.driver.write_guest_file, instance.uuid, file.path, file.content)
        run.remark("It was written in the running guest, by its agent.")
        return None
    files = with_file(run.driver.read_config_drive(instance.uuid), instance, file)
    run.step("config drive", run.driver.write_config_drive, instance, files)
    run.remark("It is in the config drive, which offers it at the next boot.")
    return None


@operation(
    "inject_network_info",
    vm_states=(ACTIVE, STOPPED, PAUSED, SHELVED),
    task_state=UPDATING,
    ends_in=None,
    repeats=True,
)
def inject_network_info(run: Run) -> Optional[Instance]:
    """Have the config drive tell of the instance's networks as its record does.

    Not of one that is suspended: the memory that is saved may hold parts of the drive that it had.
    """
    instance = run.instance
    files = with_networks(run.driver.read_config_drive(instance.uuid), instance)
    run.step("config drive", run.driver.write_config_drive, instance, files)
    if instance.vm_state in (ACTIVE, PAUSED):
        # QEMU holds the file that it opened; this one has taken over its name only.
        run.remark("It is in the config drive that the guest has from its next start on.")
    return None


def plug_in(host: Host, entry: Entry) -> None:
    """Plug in what was pulled."""
    domain = host.driver.get_domain(entry.uuid)
    if domain is not None and domain.power_state == "running":
        host.driver.set_links(entry.uuid, entry.notes.get("links", []), True)


@operation("reset_network", vm_states=(ACTIVE,), task_state=UPDATING, ends_in=None, repeats=True, recover=plug_in)
def reset_network(run: Run) -> Optional[Instance]:
    """Pull the guest's interfaces and plug them in again, at which its software asks for addresses anew.

    An interface that somebody has pulled stays so.
    """
    uuid = run.instance.uuid
    links = run.driver.list_links(uuid)
    run.note(links=links)
    run.step("links down", run.driver.set_links, uuid, links, False)
    run.step("links up", run.driver.set_links, uuid, links, True)
    if not links:
        run.remark("It has no network interface that is plugged in.")
    return None


def _administrator(instance: Instance) -> str:
    properties = {} if instance.spec.image is None else instance.spec.image.properties
    return properties.get("os_admin_user") or (ADMINISTRATOR if properties.get("os_type") == WINDOWS else ROOT)
