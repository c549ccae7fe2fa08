# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a weigher is, and how weights are made comparable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .aggregate import lowest_number, whole_values
from .arrays import Column
from .columns import HostColumns
from .host_state import HostState
from .options import SchedulerOptions


@dataclass
class WeighedHost:
    """A host and its score: in all, and by weigher."""

    host_state: HostState
    weight: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)


class BaseHostWeigher:
    """Base of all weighers. One class per file, found by its name. More weight is better.

    Attributes:
        minval, maxval: Raw weights are clamped to these, and they are the ends of the scale. Where one is
            None, the lowest or highest of the hosts' raw weights is that end.
        multiplier_option: The scheduler option, and the aggregate metadata key that overrides it per host.
            Empty: the multiplier is always 1.
    """

    minval: ClassVar[Optional[float]] = None
    maxval: ClassVar[Optional[float]] = None
    multiplier_option: ClassVar[str] = ""

    def __init__(self, name: str, options: SchedulerOptions) -> None:
        self.name = name
        self.options = options

    def weight_multiplier(self, host_state: HostState) -> float:
        """Return what the normalised weight is multiplied by: the lowest override of the host's aggregates, or
        the option."""
        if not self.multiplier_option:
            return 1.0
        default: float = getattr(self.options, self.multiplier_option)
        if not host_state.aggregates:
            return default
        return lowest_number(whole_values(host_state.aggregates, self.multiplier_option), default)

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        """Return the raw weight of one host."""
        raise NotImplementedError  # a subclass without it is a defect, and says so

    def concerns(self, spec: RequestSpec) -> bool:
        """Return False where all hosts would weigh 0 for this request."""
        return True

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        """Return the raw weights of all hosts at once, or None where they must be asked for one by one."""
        return None
