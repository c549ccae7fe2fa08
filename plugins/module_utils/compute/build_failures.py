# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many builds of a host failed since the last that did not: what BuildFailureWeigher weighs."""

from __future__ import annotations

from .host_options import HostOptions
from .tracker_db import TrackerDB

FACT = "failed_builds"


def read_failed_builds(options: HostOptions, db: TrackerDB) -> int:
    """Return the count; 0 where the host does not count.

    As in Nova, `consecutive_build_service_disable_threshold` disables nothing any more: a few instances that can be
    built nowhere would disable every host. Any value but 0 only says that failures are counted.
    """
    return int(db.get_fact(FACT, 0)) if options.consecutive_build_service_disable_threshold else 0


def count_build(options: HostOptions, db: TrackerDB, is_failed: bool) -> None:
    """Count a build that failed, for whatever reason, or begin anew after one that did not."""
    failed = read_failed_builds(options, db)
    if options.consecutive_build_service_disable_threshold and (is_failed or failed):
        db.set_fact(FACT, failed + 1 if is_failed else 0)


def reset_failed_builds(db: TrackerDB) -> None:
    """Forget them: the host was put right."""
    db.set_fact(FACT, 0)
