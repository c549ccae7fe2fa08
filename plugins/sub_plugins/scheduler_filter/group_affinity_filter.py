# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .server_group_affinity_filter import ServerGroupAffinityFilter


class GroupAffinityFilter(ServerGroupAffinityFilter):
    """Members of a group of policy `legacy` go where the group is (Nova's filter of that name, before policies).

    The first member may go anywhere.
    """

    policy = "legacy"
