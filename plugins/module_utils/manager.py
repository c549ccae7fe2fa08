# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manager: the base of what acts on a host (Nova's Manager). Smart managers, dumb data.

A module run stands for a service's life: `init_host` (make good what a dead run left), `pre_start_hook` (know the
resources), the work, `post_start_hook`.
"""

from __future__ import annotations


class Manager:
    """Hooks that a module run goes through, in the order in which Nova's service calls them."""

    def init_host(self) -> None:
        """Prepare the host: recover what was interrupted. Nobody relies on this host's state before it."""

    def pre_start_hook(self) -> None:
        """Publish the host's state to the work that follows."""

    def post_start_hook(self) -> None:
        """Do what is due once the work is done."""
