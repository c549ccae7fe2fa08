# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Having guests' packets go by their security groups (Nova's refresh_instance_security_rules).

Nova's refresh_security_group_rules, refresh_security_group_members and refresh_provider_fw_rules come down to this one,
done to each instance whose rules have become others.
"""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..records import check_writable, read_record
from ..states import ACTIVE, ERROR, PAUSED, RESCUED, SHELVED, SOFT_DELETE, STOPPED, SUSPENDED, UPDATING


def restore_firewall(host: Host, entry: Entry) -> None:
    """Have the packets go by what the record says."""
    domain = host.driver.get_domain(entry.uuid)
    instance = None if domain is None else read_record(domain)
    if instance is not None:
        host.driver.set_firewall(instance)


@operation(
    "refresh_instance_security_rules",
    vm_states=(ACTIVE, ERROR, PAUSED, RESCUED, SHELVED, SOFT_DELETE, STOPPED, SUSPENDED),
    task_state=UPDATING,
    ends_in=None,
    recover=restore_firewall,
    repeats=True,
)
def refresh_instance_security_rules(run: Run) -> Optional[Instance]:
    """Have the guest's packets go by its security groups, at once if it runs.

    Arguments:
        firewall: By which from now on, or None for by none; left out, by the record's: what somebody has taken from the
            host by hand is put back.
    """
    before = run.instance
    after = before
    if "firewall" in run.arguments:
        after = before.but(spec=before.spec.but(firewall=run.arguments["firewall"]))
    check_writable(after, run.host.options.record_version_cap)
    run.step("firewall", run.driver.set_firewall, after)
    return after
