# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher

# More free devices than these are no more worth keeping, as in Nova.
MOST = 99


class PCIWeigher(BaseHostWeigher):
    """Fewer free PCI devices are better (Nova's PCIWeigher).

    It keeps hosts with devices free for the instances that ask for some, and fills one such host before the next.
    """

    multiplier_option = "pci_weight_multiplier"

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        return MOST + 1 - min(host_state.free_pci_devices, MOST)

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        weights: Column = MOST + 1 - np.minimum(columns["free_pci_devices"], MOST)
        return weights
