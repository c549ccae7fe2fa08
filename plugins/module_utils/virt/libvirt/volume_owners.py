# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instance of which host has a volume that several hosts see: a file beside it says so (Nova's attachments).

It is made whole or not at all, and by one host only: of two that try at once, one fails. While a guest runs, QEMU's own
locks on the volume's file keep any other QEMU out besides.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import Optional

from ...objects.errors import InvalidVolume

POLL_INTERVAL = 0.2


class VolumeOwners:
    """The owners of the volumes of one shared directory.

    Args:
        directory: It.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def check(self, uuid: str, name: str, instance_uuid: str) -> None:
        """Refuse a volume that another instance has.

        Raises:
            InvalidVolume: It has.
        """
        owner = self._read(uuid)
        if owner is not None and not self._is_free(owner, instance_uuid):
            raise InvalidVolume(
                f"The volume '{name}' is attached to the instance {owner['instance']} on {owner['host']}, and one "
                "guest at a time can have it.",
                f"Detach it there first. If {owner['host']} is gone for good, remove {self._path(uuid)}.",
            )

    def is_held_elsewhere(self, uuid: str) -> bool:
        """Return whether an instance of another host has a volume."""
        owner = self._read(uuid)
        return owner is not None and owner["host"] != socket.gethostname()

    def take(self, uuid: str, name: str, instance_uuid: str, seconds: float) -> None:
        """Have an instance of this host own a volume.

        Args:
            seconds: How long another may take to let go of it.

        Raises:
            InvalidVolume: Another has it.
        """
        path, end = self._path(uuid), time.monotonic() + seconds
        while not self._put(path, instance_uuid):
            owner = self._read(uuid)
            if owner is None:
                continue
            if self._is_free(owner, instance_uuid):
                if owner["instance"] == instance_uuid and owner["host"] == socket.gethostname():
                    return
                path.unlink(missing_ok=True)
            elif time.monotonic() > end:
                self.check(uuid, name, instance_uuid)
            else:
                time.sleep(POLL_INTERVAL)

    def release(self, uuid: str, instance_uuid: str) -> None:
        """Have nobody own a volume that an instance of this host has owned; another's stays so."""
        owner = self._read(uuid)
        if owner == {"instance": instance_uuid, "host": socket.gethostname()}:
            self._path(uuid).unlink(missing_ok=True)

    def forget(self, uuid: str) -> None:
        """Remove what says who owns a volume that is deleted."""
        self._path(uuid).unlink(missing_ok=True)

    def _is_free(self, owner: dict[str, str], instance_uuid: str) -> bool:
        """Return whether an instance of this host may have a volume of that owner.

        It may have its own, whatever host it was on: one instance runs in one place. Of the host's other instances,
        their records say what they have, which has been looked at by then.
        """
        return instance_uuid == owner["instance"] or owner["host"] == socket.gethostname()

    def _put(self, path: Path, instance_uuid: str) -> bool:
        content = json.dumps({"instance": instance_uuid, "host": socket.gethostname()})
        with tempfile.NamedTemporaryFile("w", dir=self._directory, prefix=".owner-", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            try:
                # It appears with all that is in it, or fails where one is there, on NFS too.
                os.link(file.name, path)
            except FileExistsError:
                return False
        return True

    def _read(self, uuid: str) -> Optional[dict[str, str]]:
        try:
            owner = json.loads(self._path(uuid).read_text(encoding="utf-8"))
            return {"instance": str(owner["instance"]), "host": str(owner["host"])}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return {"instance": "(unreadable)", "host": "(unknown)"}

    def _path(self, uuid: str) -> Path:
        return self._directory / f"{uuid}.volume.owner"
