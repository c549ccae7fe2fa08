# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver interface: the only door from `compute` to a hypervisor.

A driver acts and never decides. Each method is one side effect (or one reading) that may be repeated
after a crash: creating what is already there, whole, is success; removing what is gone is success.
All calls come back within their deadline or raise DeadlineExceeded.
"""

from __future__ import annotations

from .interface.building import BuildingDriver
from .interface.copying import CopyingDriver
from .interface.guests import GuestDriver
from .interface.images import ImageDriver
from .interface.networks import NetworkDriver
from .interface.power import PowerDriver
from .interface.reading import ReadingDriver
from .interface.volumes import VolumeDriver


class ComputeDriver(
    ReadingDriver, ImageDriver, BuildingDriver, CopyingDriver, VolumeDriver, NetworkDriver, PowerDriver, GuestDriver
):
    """What ComputeManager and ResourceTracker may ask of a hypervisor."""
