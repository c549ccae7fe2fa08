# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.novella.compute.plugins.plugin_utils.host_action import HostAction


class ActionModule(HostAction):
    """See the module of the same name."""

    shows_progress = True
