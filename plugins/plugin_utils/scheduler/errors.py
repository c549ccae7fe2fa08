# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one error that only scheduling has."""

from __future__ import annotations

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError


class PluginFailed(NovellaError):
    """A filter or weigher did not answer. It stops the request that asked it, not the others.

    Args:
        plugin: The name it was enabled by.
        problem: What it did, such as ``raised KeyError('rack') on host kvm1``.
    """

    code = "PluginFailed"

    def __init__(self, plugin: str, problem: str) -> None:
        super().__init__(f"{plugin} {problem}.", "Repair it, or take it out of the enabled ones.", plugin=plugin)
