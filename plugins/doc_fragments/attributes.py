# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What each module says of itself; those that differ override the support."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict the changes without making them.
  diff_mode:
    description: Says in diff mode what it changed, or would change.
  idempotent:
    description: A second run right after the first changes nothing.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/novella.compute.host) in C(module_defaults) to set the options of all at once.
    support: full
    membership:
      - novella.compute.host
"""
