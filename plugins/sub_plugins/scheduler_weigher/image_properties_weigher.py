# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.arrays import Column, np
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.image_properties import read_properties
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.ratios import read_ratios
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher


class ImagePropertiesWeigher(BaseHostWeigher):
    """More instances whose images share properties with the request's weigh more (Nova's ImagePropertiesWeigher).

    Each shared property counts once per instance, times its ratio in `image_props_weight_setting`; where that is set,
    properties that it does not name count nothing. A positive `image_props_weight_multiplier` packs like with like,
    a negative one spreads; 0, the default, turns the weigher off, whatever an aggregate says, as in Nova. Properties
    are read as Nova reads them (`image_properties`): ``amd64`` is ``x86_64``, and those that Nova does not know count
    nothing.
    """

    multiplier_option = "image_props_weight_multiplier"

    def concerns(self, spec: RequestSpec) -> bool:
        return bool(self.options.image_props_weight_multiplier and spec.image and spec.image.properties)

    def weigh_object(self, host_state: HostState, spec: RequestSpec) -> float:
        if not self.concerns(spec):
            return 0.0
        counts = Counter(_properties(host_state))
        return sum((counts[wanted] * ratio for wanted, ratio in self._wanted(spec)), start=0.0)

    def raw(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        census: ImageCensus = columns.derived(ImageCensus, ImageCensus)
        census.update(columns)
        weights: Column = np.zeros(len(columns))
        for wanted, ratio in self._wanted(spec):
            for row, here in census.hosts_with(wanted).items():
                weights[row] += here * ratio
        return weights

    def _wanted(self, spec: RequestSpec) -> Iterator[tuple[tuple[str, str], float]]:
        for key, value in read_properties(spec.image).items():
            yield (key, str(value)), self._ratios.get(key, 0.0) if self._ratios else 1.0

    @functools.cached_property
    def _ratios(self) -> dict[str, float]:
        return read_ratios(self.options.image_props_weight_setting, "image_props_weight_setting")


class ImageCensus:
    """How many instances have an image property, by host. It is counted once, and after a placement one row anew."""

    def __init__(self, states: Sequence[HostState]) -> None:
        self._rows: dict[tuple[str, str], dict[int, int]] = {}
        self._seen = 0
        for row, state in enumerate(states):
            self._count(row, state)

    def hosts_with(self, wanted: tuple[str, str]) -> dict[int, int]:
        """Return the rows of the hosts that have instances with this property, each with how many."""
        return self._rows.get(wanted, {})

    def update(self, columns: HostColumns) -> None:
        """Take over what was placed since the last time."""
        for row in dict.fromkeys(columns.placed[self._seen :]):
            for counts in self._rows.values():
                counts.pop(row, None)
            self._count(row, columns.states[row])
        self._seen = len(columns.placed)

    def _count(self, row: int, state: HostState) -> None:
        for wanted, here in Counter(_properties(state)).items():
            self._rows.setdefault(wanted, {})[row] = here


def _properties(state: HostState) -> Iterator[tuple[str, str]]:
    for instance in state.instances.values():
        # An instance whose image has a property of the wrong type shares nothing; it must not fail others' requests.
        with contextlib.suppress(InvalidInput):
            for key, value in read_properties(instance.spec.image).items():
                yield key, str(value)
