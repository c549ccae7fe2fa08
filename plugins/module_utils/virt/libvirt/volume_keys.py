# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passphrases of encrypted volumes: each in a file that root alone reads, and in libvirt's store of secrets.

QEMU is given them by libvirt, qemu-img by the file's name: neither's command line holds one. libvirt's copy is private
(libvirt shows it to nobody) and lasts as long as the volume is attached here.
"""

from __future__ import annotations

import contextlib
import os
import xml.etree.ElementTree as ET
from pathlib import Path

from ...objects.errors import HypervisorError, InvalidVolume
from .connection import Connection
from .disk_files import sync, unfinished


class VolumeKeys:
    """The passphrases that one host knows.

    Args:
        connection: libvirt's.
        directory: Where the files are.
    """

    def __init__(self, connection: Connection, directory: str) -> None:
        self._connection = connection
        self._directory = Path(directory)

    def keep(self, uuid: str, passphrase: bytes) -> None:
        """Keep the passphrase of a volume."""
        path = self._path(uuid)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == passphrase:
            return
        with unfinished(path) as part:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(passphrase)
            sync(part)
            part.rename(path)

    def is_empty(self) -> bool:
        """Return whether this host knows none."""
        return not self._directory.is_dir() or not any(self._directory.iterdir())

    def has(self, uuid: str) -> bool:
        """Return whether this host was told that of a volume."""
        return self._path(uuid).exists()

    def require(self, uuid: str) -> Path:
        """Return the file that holds the passphrase of a volume.

        Raises:
            InvalidVolume: This host was not told.
        """
        path = self._path(uuid)
        if not self.has(uuid):
            raise InvalidVolume(
                f"The volume {uuid} is encrypted, and this host does not know its passphrase.",
                "Attach it by the fleet that declares it, with passphrase or passphrase_file.",
            )
        return path

    def lend(self, uuid: str) -> None:
        """Have libvirt know the passphrase.

        Raises:
            InvalidVolume: This host was not told.
        """
        passphrase = self.require(uuid).read_bytes()
        element = ET.Element("secret", ephemeral="no", private="yes")
        ET.SubElement(element, "uuid").text = uuid
        ET.SubElement(element, "description").text = "a volume of Novella"
        secret = self._connection.host().secretDefineXML(ET.tostring(element, encoding="unicode"))
        secret.setValue(passphrase)

    def take_back(self, uuid: str) -> None:
        """Have libvirt forget the passphrase."""
        with contextlib.suppress(HypervisorError):
            self._connection.host().secretLookupByUUIDString(uuid).undefine()

    def forget(self, uuid: str) -> None:
        """Forget the passphrase."""
        if self.has(uuid):
            self.take_back(uuid)
            self._path(uuid).unlink(missing_ok=True)

    def _path(self, uuid: str) -> Path:
        return self._directory / uuid
