# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's _run_image_cache_manager_pass: base images that no disk needs any more."""

from __future__ import annotations

from ...objects.errors import OptionInvalid
from ...periodic_task import TaskReport, periodic_task
from ..host import Host

# A build that has found its image in the cache makes its disk from it within that time.
LEAST_AGE = 60


@periodic_task(spacing="image_cache_manager_interval", enabled="remove_unused_base_images")
def run_image_cache_manager_pass(host: Host, check: bool) -> TaskReport:
    """Remove cached images that were not used for `remove_unused_original_minimum_age_seconds`, and back no disk."""
    age = host.options.remove_unused_original_minimum_age_seconds
    if age < LEAST_AGE:
        raise OptionInvalid(f"remove_unused_original_minimum_age_seconds is {age}.", f"It must be {LEAST_AGE} or more.")
    report = TaskReport()
    for image in host.driver.list_unused_images(age):
        if check or host.driver.remove_image(image):
            report.did.append({"path": image.path, "size_bytes": image.size_bytes})
    return report
