# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that only the record shows (Nova's change_instance_metadata and the like)."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..operation import Run, operation
from ..states import ACTIVE, PAUSED, STOPPED, SUSPENDED, UPDATING


@operation("update", vm_states=(ACTIVE, STOPPED, PAUSED, SUSPENDED), task_state=UPDATING, ends_in=None)
def update(run: Run) -> Optional[Instance]:
    """Write the new intent, and the vm_state where it is given. Arguments: spec, vm_state."""
    spec = run.arguments.get("spec") or run.instance.spec
    vm_state = run.arguments.get("vm_state") or run.instance.vm_state
    return run.instance.but(spec=spec, vm_state=vm_state)
