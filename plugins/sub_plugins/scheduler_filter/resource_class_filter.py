# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.inventories import STANDARD_CLASSES
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_fit import lacks
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, Mask, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class _Inventories(NamedTuple):
    """What all hosts declare of one resource class. A host that declares nothing of it offers nothing."""

    is_declared: Mask
    capacity: Column
    least: Column
    most: Column
    step: Column


class ResourceClassFilter(BaseHostFilter):
    """Only hosts whose inventories have what the request asks for (what Nova leaves to Placement).

    used + asked <= (total - reserved) * allocation_ratio, and asked lies between min_unit and max_unit and is a
    multiple of step_size. Of VCPU, MEMORY_MB and DISK_GB the bounds are tested here, where the host declares any; how
    much is left of them is CoreFilter's, RamFilter's and DiskFilter's to say.

    Nova: a granular group may come from a provider inside the host. Here the host is the only provider, so
    group_policy=isolate with several groups fits nowhere.
    """

    run_on_forced = True

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        request = requested_resources(spec.flavor, spec.image)
        found = list(lacks(request, host_state.inventories, host_state.resources_used))
        if not found:
            return None
        if len(found) == 1:
            return Reason(found[0].text, found[0].detail, found[0].share)
        return Reason(" and ".join(str(lack) for lack in found), margin=max(lack.share for lack in found))

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        request = requested_resources(spec.flavor, spec.image)
        if request.is_scattered:
            return ~columns.all()
        left = columns.all()
        for name, amounts in request.parts.items():
            is_standard = name in STANDARD_CLASSES
            found = _inventories(columns, name)
            if found is None:
                if not is_standard:
                    return ~columns.all()
                continue
            asked = sum(amounts)
            fits = (min(amounts) >= found.least) & (asked <= found.most)
            for amount in amounts:
                fits &= amount % found.step == 0
            if is_standard:
                left &= fits | ~found.is_declared
            else:
                left &= fits & found.is_declared & (asked <= found.capacity - columns.used(name))
        return left


def _inventories(columns: HostColumns, name: str) -> Optional[_Inventories]:
    """Return the inventories of a class, or None where no host declares it."""
    found: Optional[_Inventories] = columns.derived(("inventories", name), lambda states: _collect(states, name))
    return found


def _collect(states: Sequence[HostState], name: str) -> Optional[_Inventories]:
    declared = [state.inventories.get(name) for state in states]
    if not any(declared):
        return None
    rows = [
        (0.0, 0.0, 0.0, 0.0, 1.0)
        if inventory is None
        else (1.0, inventory.capacity, inventory.min_unit, inventory.largest_unit, inventory.step_size)
        for inventory in declared
    ]
    is_declared, *figures = np.array(rows, dtype=np.float64).T
    return _Inventories(is_declared > 0, *figures)
