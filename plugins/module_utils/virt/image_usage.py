# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which base images disks depend on: every backing chain is followed to its end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..objects.errors import HypervisorError
from .image_format import backing_file
from .images import PREFIX

# A base image's name is a digest. Wherever it stands, whatever its path is written like, it means that image.
NAME = re.compile(rf"{PREFIX}[0-9a-f]{{64}}\.(?:qcow2|raw)")
# QEMU's other way to name a file: json:{"driver": "qcow2", "file": {"driver": "file", "filename": "/srv/a.qcow2"}}.
OWN_RAW = re.compile(r"/[0-9a-f-]{36}\.(?:volume|swap|ephemeral[0-9]+)(?:\.old)?\.raw$")
JSON_FILE = re.compile(r'"(?:[\w.]*\.)?filename"\s*:\s*"([^"]+)"')


def used_images(disks: Iterable[str]) -> set[str]:
    """Return the names of the base images that these disks are, or stand upon.

    Args:
        disks: Paths. Those that are no local file, or are gone, stand upon nothing here.

    Raises:
        HypervisorError: A disk cannot be read, so what it needs cannot be told.
    """
    used: set[str] = set()
    ahead, seen = list(disks), set()
    while ahead:
        disk = ahead.pop()
        if disk in seen:
            continue
        seen.add(disk)
        used.update(NAME.findall(disk))
        # What a guest writes into a raw disk of its own must not be taken for a header, and followed.
        if not disk.startswith("/") or OWN_RAW.search(disk):
            continue
        try:
            backing = backing_file(disk)
        except OSError as error:
            raise HypervisorError(
                f"It cannot be told which image {disk} needs: {error.strerror}.", "No image was removed."
            ) from error
        used.update(NAME.findall(backing))
        ahead.extend(_files(backing, Path(disk).parent))
    return used


def _files(backing: str, folder: Path) -> list[str]:
    if backing.startswith("json:"):
        return [str(folder / name) for name in JSON_FILE.findall(backing)]
    return [str(folder / backing.removeprefix("file:"))] if backing else []
