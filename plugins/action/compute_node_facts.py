# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.novella.compute.plugins.plugin_utils.host_action import HostAction

FINGERPRINT = "compute_node_fingerprint"


class ActionModule(HostAction):
    """Ask the host whether it is as it was, where it was read before, and read it where it is not.

    They are two modules, as the smaller one reaches the host and starts there in a fraction of the time.
    """

    def ask(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        known = arguments.pop("known", None)
        if known:
            asked = self.call(FINGERPRINT, {**arguments, "known": known}, variables)
            if asked.get("failed") or asked.get("in_sync"):
                return asked
        return super().ask(arguments, variables)
