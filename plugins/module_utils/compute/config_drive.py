# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guest is told at boot: the files of its config drive (Nova's InstanceMetadata), in one of two forms.

Most of it the record tells. The rest is secret, and lies nowhere but on the drive: who writes a new one, reads that
from the old one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Optional

from ..objects.errors import HypervisorError, NotSupported, OptionInvalid
from ..objects.guest import NOCLOUD
from ..objects.instance import Instance
from . import nocloud_drive, openstack_drive
from .handed_over import HandedOver
from .injected_file import MOST_FILES, InjectedFile


def config_drive_files(
    instance: Instance, user_data: Optional[bytes], contents: Optional[Mapping[str, bytes]] = None
) -> dict[str, bytes]:
    """Return path to content. `instance-id` is the uuid, so that it stays the same for the instance's life.

    Args:
        user_data: Handed to the guest as it is.
        contents: Those of its files and its vendor data, by digest.

    Raises:
        OptionInvalid: One of the contents is missing.
    """
    return _write(instance, _hand_over(instance, user_data, contents or {}))


def renewed(
    files: Mapping[str, bytes], before: Instance, after: Instance, contents: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return the files of a config drive that tells what a changed record says.

    User data stay as they are, and so do files that were put on the drive and are not declared.

    Args:
        files: Those that the config drive has.
        contents: Those that are new, by digest.

    Raises:
        OptionInvalid: One of the contents is missing.
        HypervisorError: The config drive is damaged.
    """
    had = read_drive(files)
    known = {digest(content): content for content in [*(file.content for file in had.files), had.vendor_data or b""]}
    handed = _hand_over(after, had.user_data, {**known, **contents})
    declared = {file.path for spec in (before.spec, after.spec) for file in spec.guest.files}
    added = [file for file in had.files if file.path not in declared]
    return _write(after, handed.but(files=_within_limit([*handed.files, *added]), random_seed=had.random_seed))


def with_file(files: Mapping[str, bytes], instance: Instance, file: InjectedFile) -> dict[str, bytes]:
    """Return the files of a config drive that hands one more to the guest, in the place of one with its path.

    Raises:
        OptionInvalid: It hands as many to the guest already as Nova's limit allows.
        HypervisorError: The config drive is damaged.
    """
    had = read_drive(files)
    others = [item for item in had.files if item.path != file.path]
    return _write(instance, had.but(files=_within_limit([*others, file])))


def with_password(files: Mapping[str, bytes], instance: Instance, password: str) -> dict[str, bytes]:
    """Return the files of a config drive that hands the guest a password, too (Nova's `admin_pass`).

    Raises:
        NotSupported: Its form has no place for one.
    """
    if instance.spec.guest.config_drive_format == NOCLOUD:
        raise NotSupported(
            f"The config drive of {instance.spec.name} is in NoCloud's form, which has no place for a password.",
            "Rescue it without rescue_password: its ssh keys are on the config drive.",
        )
    return openstack_drive.with_password(_write(instance, read_drive(files)), password)


def with_networks(files: Mapping[str, bytes], instance: Instance) -> dict[str, bytes]:
    """Return the files of a config drive that tells the guest of the networks that it is to have now."""
    return _write(instance, read_drive(files))


def read_drive(files: Mapping[str, bytes]) -> HandedOver:
    """Return what a config drive hands to its guest that its record does not tell.

    Raises:
        HypervisorError: It is damaged.
    """
    try:
        return nocloud_drive.read(files) if nocloud_drive.META_DATA in files else openstack_drive.read(files)
    except (KeyError, TypeError, ValueError):
        raise HypervisorError(
            "The config drive has no meta data that can be read.", "Rebuild the instance: that writes a new one."
        ) from None


def digest(content: bytes) -> str:
    """Return by what a record knows a content."""
    return hashlib.sha256(content).hexdigest()


def _write(instance: Instance, handed: HandedOver) -> dict[str, bytes]:
    if instance.spec.guest.config_drive_format == NOCLOUD:
        return nocloud_drive.write(instance, handed)
    return openstack_drive.write(instance, handed)


def _hand_over(instance: Instance, user_data: Optional[bytes], contents: Mapping[str, bytes]) -> HandedOver:
    settings, name = instance.spec.guest, instance.spec.name
    missing = [found for found in settings.digests if found not in contents]
    if missing:
        told = {file.sha256: f"the file {file.path}" for file in settings.files}
        raise OptionInvalid(
            f"The content of {told.get(missing[0], 'the vendor data')} of {name} is not at hand.",
            "Apply the fleet that declares it.",
        )
    return HandedOver(
        user_data=user_data,
        vendor_data=None if settings.vendor_data_sha256 is None else contents[settings.vendor_data_sha256],
        files=[InjectedFile(file.path, contents[file.sha256], file.mode) for file in settings.files],
    )


def _within_limit(files: Sequence[InjectedFile]) -> list[InjectedFile]:
    if len(files) > MOST_FILES:
        paths = ", ".join(file.path for file in files[:MOST_FILES])
        raise OptionInvalid(
            f"The config drive has {MOST_FILES} files to be written already: {paths}.",
            "Start the instance and write it then, or rebuild it: that writes a new config drive.",
        )
    return list(files)
