# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where images are on the controller while they travel from one host to another."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import ComputeResourcesUnavailable
from ansible_collections.novella.compute.plugins.module_utils.objects.image_transfer import ImagePiece

from .run_identity import is_over

FOLDER = "novella-images"
_RUN = "run"
_MIB = 1 << 20
# What is left to others on the controller's disk, besides the next piece.
_ROOM_LEFT = 256 * _MIB


class ImageStore:
    """Pieces of images, in a folder for their owner alone.

    It is in the folder for temporary files of this ansible-playbook, which Ansible removes however the run ends. What
    is left of one that was killed, the next one removes.

    Args:
        temporary: Ansible's folder for this run.
        run: The id of this run.
    """

    def __init__(self, temporary: str, run: str) -> None:
        self._folder = Path(temporary, FOLDER)
        self._run = run

    def open(self, source: str, mark: str) -> Path:
        """Return the folder for the pieces of an image, empty."""
        self._sweep()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        (self._folder / _RUN).write_text(self._run)
        pieces = self._folder / hashlib.sha256(f"{source}\0{mark}".encode()).hexdigest()
        shutil.rmtree(pieces, ignore_errors=True)
        pieces.mkdir(mode=0o700)
        return pieces

    def check_room(self, most: int) -> None:
        """Refuse to fill the disk.

        Args:
            most: How many bytes may come.

        Raises:
            ComputeResourcesUnavailable: They might not fit.
        """
        free = shutil.disk_usage(self._folder).free
        if free < most + _ROOM_LEFT:
            raise ComputeResourcesUnavailable(
                f"The controller has {free // _MIB} MiB left at {self._folder.parent}, too few for an image.",
                "Name a roomier folder with ANSIBLE_LOCAL_TEMP, or offer the image at an http(s) address.",
            )

    def forget(self) -> None:
        """Remove all that there is."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _sweep(self) -> None:
        for left in self._folder.parent.parent.glob(f"ansible-local-*/{FOLDER}"):
            with contextlib.suppress(OSError):
                if is_over((left / _RUN).read_text()):
                    shutil.rmtree(left, ignore_errors=True)


def name_piece(piece: Mapping[str, Any]) -> str:
    """Return the name of a piece's file: where it begins and ends, in the order of the image."""
    return f"{int(piece['begin']):020}-{int(piece['end']):020}"


def list_pieces(folder: Path) -> Iterator[ImagePiece]:
    """Return the pieces in order."""
    for path in sorted(folder.iterdir()):
        begin, _dash, end = path.name.partition("-")
        yield ImagePiece(str(path), int(begin), int(end))
