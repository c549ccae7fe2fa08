# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest's screen shows now."""

from __future__ import annotations

from dataclasses import dataclass

from ..objects.errors import ConsoleNotAvailable
from .consoles import POWERED, find_one
from .host import Host
from .instance_details import Selection
from .picture import MOST_BYTES, Picture, read_picture


@dataclass(frozen=True)
class Screenshot:
    """The screen of one instance."""

    uuid: str
    name: str
    host: str
    picture: Picture


def take_screenshot(host: Host, selection: Selection) -> Screenshot:
    """Return what the screen of an instance shows.

    Args:
        selection: Must mean one instance.

    Raises:
        OptionInvalid: More than one instance is meant.
        InstanceNotFound: None is.
        InstanceNotReady: It is being built or deleted.
        ConsoleNotAvailable: It is off, or has no screen.
        HypervisorError: What the hypervisor calls a picture is none.
    """
    seen = find_one(host, selection)
    spec, place = seen.instance.spec, host.options.host
    if seen.power_state not in POWERED:
        raise ConsoleNotAvailable(
            f"{spec.name} on {place} is {seen.power_state}: its screen shows nothing.", "Start it."
        )
    # One byte more tells whether there is any more.
    content = host.driver.get_screenshot(seen.instance.uuid, MOST_BYTES + 1)
    if content is None:
        raise ConsoleNotAvailable(
            f"{spec.name} has no screen on {place}.",
            "Set novella_vnc_server_listen for its host, and reboot it hard; its serial console is told by "
            "instance_info.",
        )
    return Screenshot(seen.instance.uuid, spec.name, place, read_picture(content))
