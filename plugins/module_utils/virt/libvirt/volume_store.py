# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes as files of a directory: a disk, and a document beside it that says whose it is."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Optional

from ...objects.errors import HypervisorError, ImageUnacceptable, InvalidInput, InvalidVolume, NotSupported
from ...objects.volume import FORMATS, Volume
from ..hypervisor import CachedImage
from ..image_format import virtual_size
from .disk_files import part_of, run_qemu_img, sync, unfinished
from .local_disk_store import UUID
from .qemu_img import check_equal, convert
from .storage import GIB
from .volume_keys import VolumeKeys

# For LUKS, QEMU measures first how fast the processor is. Debian 12's (7.2, others of 2024) gives up where the kernel
# has not counted that time yet: once in some tens of times, more often on a fast host. Asked again, it has.
MISMEASURED = "Unable to get accurate CPU usage"
MEASURES = 10

VOLUME = re.compile(rf"({UUID})\.volume\.({'|'.join(FORMATS)})")


def check_room(volume: Volume, size: int) -> None:
    """Refuse to make a volume of something that is a larger disk, in bytes.

    Raises:
        ImageUnacceptable: It is.
    """
    if size > volume.size_gb * GIB:
        raise ImageUnacceptable(
            f"What the volume '{volume.name}' is to be made of needs {-(-size // GIB)} GiB; it has {volume.size_gb}.",
            "Ask for a larger volume.",
        )


class VolumeStore:
    """The volumes of one directory.

    Args:
        directory: It.
        deadline: Seconds that qemu-img may take.
        keys: The passphrases of encrypted volumes; None where none is.
    """

    def __init__(self, directory: str, deadline: float, keys: Optional[VolumeKeys] = None) -> None:
        self.directory = Path(directory)
        self._deadline = deadline
        self._keys = keys

    def find_all(self) -> list[Volume]:
        """Return every volume. One whose document is lost or damaged is listed by its uuid: its data are there."""
        return [self._read(match[1], match[2]) for match in self._names()]

    def path(self, uuid: str) -> Optional[Path]:
        """Return the file of a volume, or None."""
        paths = (self._disk(uuid, disk_format) for disk_format in FORMATS)
        return next((path for path in paths if path.exists()), None)

    def has(self, uuid: str) -> bool:
        """Return whether a volume is here, whole or half."""
        return self.path(uuid) is not None or self._document(uuid).exists()

    def read(self, uuid: str) -> Optional[Volume]:
        """Return a volume, or None."""
        path = self.path(uuid)
        return None if path is None else self._read(uuid, path.suffix[1:])

    def create(self, volume: Volume, content: Optional[CachedImage] = None) -> None:
        """Make a volume, and the directory where it is missing.

        Args:
            content: What it is filled with. It counts as made when all of that is on it, compared and on the disk.

        Raises:
            ImageUnacceptable: The image is larger than the volume.
            InvalidVolume: It is to be encrypted, and the host does not know its passphrase.
        """
        self.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        path = self._disk(volume.uuid, volume.format)
        if self.path(volume.uuid) is None:
            with unfinished(path) as part:
                self._fill(part, volume, content)
                part.chmod(0o600)
                sync(part)
                part.rename(path)
        if not self._document(volume.uuid).exists():
            self._write(volume)

    def _fill(self, part: Path, volume: Volume, content: Optional[CachedImage]) -> None:
        size = str(volume.size_gb * GIB)
        if content is None:
            how: tuple[str, ...] = ("-f", volume.format)
            if volume.encrypted:
                how += (*self._key(volume.uuid), "-o", "encrypt.format=luks,encrypt.key-secret=key")
            self._make(*how, str(part), size)
            return
        if volume.encrypted:
            raise NotSupported(
                f"The volume '{volume.name}' is to be encrypted and to be made of something.",
                "Make it empty, and copy to it in a guest.",
            )
        check_room(volume, content.virtual_size)
        source, formats = Path(content.path), (content.disk_format, volume.format)
        convert(source, part, _nobody, *formats)
        run_qemu_img(self._deadline, "resize", "-q", "-f", volume.format, str(part), size)
        check_equal(source, part, *formats)

    def _make(self, *how: str) -> None:
        for left in reversed(range(MEASURES)):
            try:
                run_qemu_img(self._deadline, "create", "-q", *how)
            except HypervisorError as error:
                if MISMEASURED not in error.message:
                    raise
                if not left:
                    raise HypervisorError(error.message, "QEMU must know it to encrypt. Run again.") from None
            else:
                return

    def grow(self, uuid: str, size_gb: int) -> None:
        """Have a volume that no guest has open be so large."""
        path = self.path(uuid)
        if path is not None and self.size(path) < size_gb * GIB:
            what: tuple[str, ...] = ("-f", path.suffix[1:], str(path))
            if self._read(uuid, path.suffix[1:]).encrypted:
                options = f"driver=qcow2,encrypt.key-secret=key,file.filename={path}"
                what = (*self._key(uuid), "--image-opts", options)
            run_qemu_img(self._deadline, "resize", "-q", *what, str(size_gb * GIB))

    def delete(self, uuid: str) -> None:
        """Remove a volume, finished, half, or gone already. Its document goes last: it says whose the rest is."""
        for path in (*(self._disk(uuid, disk_format) for disk_format in FORMATS), self._document(uuid)):
            path.unlink(missing_ok=True)
            part_of(path).unlink(missing_ok=True)

    def size(self, path: Path) -> int:
        """Return the size in bytes that a guest sees."""
        # What a guest wrote into a raw one must not be taken for a header.
        return path.stat().st_size if path.suffix == ".raw" else virtual_size(str(path))

    def files(self) -> list[str]:
        """Return the files of all volumes."""
        return [str(self.directory / match[0]) for match in self._names()]

    def require(self, uuid: str, name: str) -> Path:
        """Return the file of a volume.

        Raises:
            InvalidVolume: It is not there.
        """
        path = self.path(uuid)
        if path is None:
            raise InvalidVolume(
                f"The volume '{name}' ({uuid}) is not in {self.directory}.",
                "Bring its file back; Novella makes no empty one in the place of data.",
            )
        return path

    def _names(self) -> list[re.Match[str]]:
        if not self.directory.is_dir():
            return []
        matches = (VOLUME.fullmatch(path.name) for path in sorted(self.directory.iterdir()))
        return [match for match in matches if match]

    def _key(self, uuid: str) -> tuple[str, ...]:
        """Return what tells qemu-img where the passphrase is. The secret itself stands on no command line."""
        if self._keys is None:
            raise InvalidVolume(f"The volume {uuid} is encrypted, and this host knows no passphrases.")
        return ("--object", f"secret,id=key,file={self._keys.require(uuid)}")

    def _read(self, uuid: str, disk_format: str) -> Volume:
        size_gb = self.size(self._disk(uuid, disk_format)) // GIB
        try:
            told = Volume.from_document(json.loads(self._document(uuid).read_text(encoding="utf-8")))
        except (OSError, ValueError, InvalidInput):
            return Volume(uuid, uuid, size_gb, disk_format, fleet="", project_id="")
        return told.but(uuid=uuid, size_gb=size_gb, format=disk_format)

    def _write(self, volume: Volume) -> None:
        path = self._document(volume.uuid)
        with unfinished(path) as part:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(volume.as_document(), file)
            sync(part)
            part.rename(path)

    def _disk(self, uuid: str, disk_format: str) -> Path:
        return self.directory / f"{uuid}.volume.{disk_format}"

    def _document(self, uuid: str) -> Path:
        return self.directory / f"{uuid}.volume.json"


def _nobody(_done: int, _total: int) -> None:
    """Be told of a copy that nobody waits for by name."""
