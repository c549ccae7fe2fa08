# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher


class CrossCellWeigher(BaseHostWeigher):
    """Weighs every host 0 (Nova's CrossCellWeigher).

    Nova: it keeps an instance that is moved in its cell, and weighs 0 in all other cases. A fleet has no cells, so
    there are only other cases. The name is known so that the list of a nova.conf can be taken as it is.
    """

    multiplier_option = "cross_cell_move_weight_multiplier"

    def concerns(self, spec: RequestSpec) -> bool:
        return False

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        return 0.0
