# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what changes in place fits on its host, as far as the audit can tell. The host has the last word."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.novella.compute.plugins.module_utils.compute.claims import charge, check_claim, usage_of
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.compute.verdict import Verdict
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import Sighting
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    InvalidInput,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Finding

from .forecast import give_back


class RoomInPlace:
    """Count what instances of one plan take that grow where they are.

    Args:
        reports: What the hosts have.
    """

    def __init__(self, reports: Mapping[str, HostReport]) -> None:
        self._nodes = {host: report.compute_node for host, report in reports.items()}

    def check(self, verdict: Verdict, sighting: Sighting) -> Verdict:
        """Return the verdict, with a finding in the place of what does not fit."""
        kept: list[Action] = []
        is_refused = False
        for action in verdict.actions:
            finding = self._test(action, sighting) if action.operation == "reconfigure" else None
            if finding is not None:
                verdict.findings.append(finding)
                is_refused = True
            elif not (is_refused and action.operation == "rebuild"):
                # A rebuild would be of the size that does not fit.
                kept.append(action)
        verdict.actions = kept
        return verdict

    def _test(self, action: Action, sighting: Sighting) -> Finding | None:
        before = sighting.instance.spec
        if action.spec is None or action.spec.flavor == before.flavor:
            return None
        try:
            free = give_back(self._nodes[action.host], usage_of(before))
            check_claim(action.name, requested_resources(action.spec.flavor, action.spec.image), free, {})
            self._nodes[action.host] = charge(free, usage_of(action.spec))
        except (ComputeResourcesUnavailable, InvalidInput) as refusal:
            reason = f"{action.reason}: {refusal.message.rstrip('.')}; the instance stays as it is"
            return Finding("unsupported", action.uuid, action.name, reason, action.host, fatal=True)
        return None
