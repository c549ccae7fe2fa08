# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defining networks of Novella's own on a host, and taking them away."""

from __future__ import annotations

import contextlib
from typing import Optional

from ...objects.errors import HypervisorError, NetworkInUse, NotSupported
from ...objects.instance import Instance
from ...objects.network import Network
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..states import DELETED, DELETING, UPDATING

REFUSALS = (HypervisorError, NetworkInUse, NotSupported)


def finish_define(host: Host, entry: Entry) -> None:
    """Go on to the end: one that is defined and not up is of no use. What cannot be is planned anew."""
    if "define" in entry.steps:
        with contextlib.suppress(*REFUSALS):
            host.driver.define_network(_noted(entry))


@operation(
    "define_network",
    vm_states=(),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_define,
    absent_too=True,
)
def define_network(run: Run) -> Optional[Instance]:
    """Have a network up on the host. It is the network itself that this is done to, and its uuid that counts.

    Arguments:
        network: A Network.

    Raises:
        NetworkInUse: It would cut guests off.
    """
    network: Network = run.arguments["network"]
    run.note(network=network.as_document())
    run.step("define", run.driver.define_network, network)
    return run.instance


def finish_delete_network(host: Host, entry: Entry) -> None:
    """Go on to the end, if it can be."""
    if "delete" in entry.steps:
        with contextlib.suppress(*REFUSALS):
            host.driver.delete_network(_noted(entry).libvirt_name)


@operation(
    "delete_network",
    vm_states=(),
    task_state=DELETING,
    ends_in=DELETED,
    recover=finish_delete_network,
    absent_too=True,
)
def delete_network(run: Run) -> Optional[Instance]:
    """Take a network away that no guest is on.

    Arguments:
        network: A Network.

    Raises:
        NetworkInUse: Guests are on it.
    """
    network: Network = run.arguments["network"]
    run.note(network=network.as_document())
    run.step("delete", run.driver.delete_network, network.libvirt_name)
    return run.instance


def _noted(entry: Entry) -> Network:
    return Network.from_document(entry.notes["network"], "network")
