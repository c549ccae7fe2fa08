# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

KEY = "trust:trusted_host"
LABEL = "attestation"
LEVELS = ("trusted", "untrusted", "unknown")


class TrustedFilter(BaseHostFilter):
    """Only hosts of the attestation level that the extra spec `trust:trusted_host` names (Nova's TrustedFilter).

    A host's level is its label `attestation`: trusted, untrusted or unknown. A host without it, or with any other
    value, is unknown. Nova: the filter asks an attestation server; here the operator's own play attests the hosts
    and sets the label, as late before the plan as it likes.
    """

    def concerns(self, spec: RequestSpec) -> bool:
        return KEY in spec.flavor.extra_specs

    def host_key(self, host_state: HostState) -> Hashable:
        return _level(host_state)

    def request_key(self, spec: RequestSpec) -> Hashable:
        return spec.flavor.extra_specs.get(KEY)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = spec.flavor.extra_specs.get(KEY)
        if wanted is None:
            return None
        if wanted not in LEVELS:
            raise InvalidInput(
                f"Flavor {spec.flavor.name} has the extra spec {KEY} = {wanted!r:.60}.{nearest(wanted, list(LEVELS))}",
                f"Known are {', '.join(LEVELS)}.",
            )
        level = _level(host_state)
        return None if level == wanted else Reason(f"is attested as {level}, not {wanted}")


def _level(host_state: HostState) -> str:
    level = host_state.labels.get(LABEL)
    return level if level in LEVELS else "unknown"
