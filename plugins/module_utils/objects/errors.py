# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception family.

NovellaError
├── InvalidInput                 what a user wrote cannot be accepted
│   ├── FleetInvalid             one or more faults in a fleet, each with its place
│   ├── OptionInvalid            an option of a module, lookup or playbook
│   └── VersionNotSupported      a document of a newer major version
├── NoValidHost                  no host passes every filter
├── ComputeResourcesUnavailable  a claim does not fit the host any more
├── InstanceNotFound
├── InstanceInvalidState         the operation may not start from this vm_state
├── InstanceLocked               another operation holds the instance
├── InstanceIsLocked             somebody has locked it, so that it stays as it is
├── InstanceExists               the name or uuid is taken on the host
├── MigrationNotFound            this host knows of no such move
├── PlanOutdated                 hosts changed since a saved plan was made
├── InvalidVolume                a volume is not there, is in use, or cannot be so
├── DeviceDetachFailed           the guest does not let go of a disk
├── ImageUnacceptable            missing, wrong checksum, unreadable or hostile image
├── NotSupported                 declared, but this release or driver cannot do it
├── HypervisorUnavailable        libvirt does not answer
├── DeadlineExceeded             a call took longer than it may
└── HypervisorError              libvirt refused; carries its code and text
"""

from __future__ import annotations


class NovellaError(Exception):
    """Base of all errors that a user may see.

    Args:
        message: What was asked and what stood against it, one sentence.
        remedy: What to do about it, one sentence; empty when the message says it.
        details: Plain data (JSON types) for programs.
    """

    code = "NovellaError"

    def __init__(self, message: str, remedy: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def as_dict(self) -> dict[str, object]:
        """Return code, message, remedy and details as plain data for results and records."""
        return {
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "details": dict(self.details),
        }


class InvalidInput(NovellaError):
    code = "InvalidInput"


class FleetInvalid(InvalidInput):
    """A fleet with faults.

    Args:
        faults: One line per fault, each with file, line and key.
        total: How many there are, where not all are named.
    """

    code = "FleetInvalid"

    def __init__(self, faults: list[str], total: int = 0) -> None:
        count = "1 fault" if len(faults) == 1 else f"{max(total, len(faults))} faults"
        if total > len(faults):
            count += f", of which these are the first {len(faults)}"
        super().__init__(f"The fleet has {count}:\n" + "\n".join(f"  {fault}" for fault in faults), faults=faults)
        self.faults = faults


class OptionInvalid(InvalidInput):
    code = "OptionInvalid"


class VersionNotSupported(InvalidInput):
    code = "VersionNotSupported"


class NoValidHost(NovellaError):
    code = "NoValidHost"


class ComputeResourcesUnavailable(NovellaError):
    code = "ComputeResourcesUnavailable"


class InstanceNotFound(NovellaError):
    code = "InstanceNotFound"


class InstanceInvalidState(NovellaError):
    code = "InstanceInvalidState"


class InstanceLocked(NovellaError):
    code = "InstanceLocked"


class InstanceIsLocked(NovellaError):
    code = "InstanceIsLocked"


class InstanceExists(NovellaError):
    code = "InstanceExists"


class MigrationNotFound(NovellaError):
    code = "MigrationNotFound"


class PlanOutdated(NovellaError):
    code = "PlanOutdated"


class InvalidVolume(NovellaError):
    code = "InvalidVolume"


class InterfaceAttachFailed(NovellaError):
    code = "InterfaceAttachFailed"


class FixedIpAlreadyInUse(NovellaError):
    code = "FixedIpAlreadyInUse"


class FixedIpNotFoundForInstance(NovellaError):
    code = "FixedIpNotFoundForInstance"


class NetworkInUse(NovellaError):
    code = "NetworkInUse"


class DeviceDetachFailed(NovellaError):
    code = "DeviceDetachFailed"


class ImageUnacceptable(NovellaError):
    code = "ImageUnacceptable"


class NotSupported(NovellaError):
    code = "NotSupported"


class InstanceNotReady(NovellaError):
    code = "InstanceNotReady"


class ConsoleNotAvailable(NovellaError):
    code = "ConsoleNotAvailable"


class GuestAgentUnavailable(NovellaError):
    code = "GuestAgentUnavailable"


class HypervisorUnavailable(NovellaError):
    code = "HypervisorUnavailable"


class DeadlineExceeded(NovellaError):
    code = "DeadlineExceeded"


class HypervisorError(NovellaError):
    code = "HypervisorError"


def nearest(word: str, known: list[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known word, or an empty string."""
    # Only messages need it, and every module run would load it.
    import difflib

    close = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
