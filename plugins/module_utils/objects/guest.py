# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest is told at boot besides what its instance is, and what tells that it is ready."""

from dataclasses import dataclass, field
from typing import Optional

from .base import Record

OPENSTACK, NOCLOUD = "openstack", "nocloud"
CONFIG_DRIVE_FORMATS = (OPENSTACK, NOCLOUD)


@dataclass(frozen=True)
class GuestFile(Record):
    """A file that the guest is to write (Nova's personality). Its content is a secret: here is its digest only.

    The `mode` is octal, such as ``0644``; None leaves it to the guest.
    """

    path: str
    sha256: str
    mode: Optional[str] = None


@dataclass(frozen=True)
class GuestSettings(Record):
    """The settings of an instance's config drive.

    Args:
        config_drive_format: ``openstack`` or ``nocloud``.
        hostname: None for the instance's name.
        dns_domain: What follows it in the guest's full name.
        vendor_data_sha256: The digest of the vendor data, which are JSON.
    """

    config_drive_format: str = OPENSTACK
    hostname: Optional[str] = None
    dns_domain: Optional[str] = None
    files: list[GuestFile] = field(default_factory=list)
    vendor_data_sha256: Optional[str] = None

    @property
    def digests(self) -> list[str]:
        """The digests of all contents that the config drive needs besides the user data."""
        vendor_data = [] if self.vendor_data_sha256 is None else [self.vendor_data_sha256]
        return [*(file.sha256 for file in self.files), *vendor_data]


@dataclass(frozen=True)
class Readiness(Record):
    """What tells that a guest is ready: its agent answers, or its console shows a text. The timeout is in seconds."""

    agent: bool = False
    console: Optional[str] = None
    timeout: int = 300
