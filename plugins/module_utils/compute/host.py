# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What everything that acts on one host works with."""

from __future__ import annotations

from dataclasses import dataclass

from ..virt.driver import ComputeDriver
from .history import History
from .host_options import HostOptions
from .journal import Journal
from .resource_tracker import ResourceTracker
from .tracker_db import TrackerDB


@dataclass(frozen=True)
class Host:
    """One host: what the operator says of it, its hypervisor, and what it remembers."""

    options: HostOptions
    driver: ComputeDriver
    db: TrackerDB
    journal: Journal
    tracker: ResourceTracker
    history: History
