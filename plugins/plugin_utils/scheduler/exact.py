# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filters that want a host for one instance, to the last megabyte, have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .arrays import Column, Mask, np
from .columns import HostColumns
from .filters import BaseHostFilter, Reason
from .host_state import HostState


class ExactFilter(BaseHostFilter):
    """Only hosts of which exactly as much is left as the request asks for."""

    run_on_forced = True

    @abstractmethod
    def wanted(self, spec: RequestSpec) -> int:
        """Return how much is asked for."""

    @abstractmethod
    def left(self, host_state: HostState) -> int:
        """Return how much is left of one host."""

    @abstractmethod
    def left_of_all(self, columns: HostColumns) -> Column:
        """Return how much is left of each host."""

    @abstractmethod
    def amount(self, number: int) -> str:
        """Return a number with its unit, for the reason."""

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted, left = self.wanted(spec), self.left(host_state)
        if left == wanted:
            return None
        text = f"has {self.amount(left)} left, not exactly {wanted}"
        return Reason(text, margin=abs(left - wanted) / max(wanted, 1))

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        mask: Mask = self.left_of_all(columns) == self.wanted(spec)
        return mask

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        wanted = self.wanted(spec)
        share: Column = np.abs(self.left_of_all(columns) - wanted) / max(wanted, 1)
        return share
