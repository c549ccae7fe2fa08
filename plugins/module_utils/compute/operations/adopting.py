# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking over a domain that somebody else has defined. Its guest does not notice."""

from __future__ import annotations

from typing import Optional

from ...objects.errors import InstanceInvalidState
from ...objects.instance import Instance
from ..clock import now
from ..operation import Run, operation
from ..run_states import SEEN_AS
from ..states import ACTIVE


@operation("adopt", vm_states=None, task_state=None, ends_in=None, adopts=True)
def adopt(run: Run) -> Optional[Instance]:
    """Write the record into the domain's metadata, and nothing else. Arguments: spec.

    Raises:
        InstanceInvalidState: It is neither running nor paused, suspended or off.
    """
    driver, uuid = run.driver, run.instance.uuid
    domain = driver.get_domain(uuid)
    vm_state = None if domain is None else SEEN_AS.get(domain.power_state)
    if domain is None or vm_state is None:
        power = "gone" if domain is None else domain.power_state
        raise InstanceInvalidState(
            f"The domain of {run.instance.spec.name} is {power}.", "Start it or switch it off first."
        )
    instance = run.instance.but(
        host=run.host.options.host,
        vm_state=vm_state,
        created_at=now(),
        launched_at=now() if vm_state == ACTIVE else None,
        generation=1,
    )
    run.step("record", driver.save_record, instance)
    return instance
