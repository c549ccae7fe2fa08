# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks in the directory of a libvirt pool: one file per disk, named after its instance.

The files are made and removed directly, not through libvirt's volume calls: those lock the pool, and cannot
write under a temporary name. libvirt's own list of the pool learns of them when it is next refreshed.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Collection, Iterable
from pathlib import Path

from ...objects.errors import HypervisorError, ImageUnacceptable, InvalidInput
from ..hypervisor import CachedImage
from ..image_format import read_qcow2, virtual_size
from ..images import PREFIX
from .disk_files import part_of, run_qemu_img, sync, unfinished
from .local_disk_store import UUID, LocalDiskStore

GIB = 1 << 30
MOST_CONFIG_BYTES = 16 << 20
ROOT_DISK = re.compile(rf"({UUID})\.root\.qcow2")


class DiskStore:
    """The disks of one directory.

    Args:
        directory: The pool's directory.
        deadline: Seconds that qemu-img may take.
    """

    def __init__(self, directory: str, deadline: float) -> None:
        self.directory = Path(directory)
        self._deadline = deadline
        self._overlays: dict[tuple[str, str, int], bytes] = {}
        self._making = threading.Lock()
        self.local = LocalDiskStore(self.directory, deadline)

    def root_disk(self, uuid: str) -> Path:
        return self.directory / f"{uuid}.root.qcow2"

    def root_disk_size(self, uuid: str) -> int:
        """Return the size in bytes that the guest sees; 0 where there is no disk.

        One that is set aside counts until there is another: its room is still the guest's.
        """
        return virtual_size(str(self.root_disk(uuid))) or virtual_size(str(_aside(self.root_disk(uuid))))

    def rescue_disk(self, uuid: str) -> Path:
        return self.directory / f"{uuid}.rescue.qcow2"

    def copy(self, uuid: str) -> Path:
        """Return where QEMU writes a copy of the root disk: it may write here, and hardly anywhere else."""
        return self.directory / f"{uuid}.snapshot.qcow2"

    def config_drive(self, uuid: str) -> Path:
        return self.directory / f"{uuid}.config.iso"

    def rescue_config_drive(self, uuid: str) -> Path:
        return self.directory / f"{uuid}.rescue.iso"

    def current_config_drive(self, uuid: str, is_rescued: bool) -> Path:
        """Return the one that the guest has; not every rescued one has one of its own for that."""
        rescue = self.rescue_config_drive(uuid)
        return rescue if is_rescued and rescue.exists() else self.config_drive(uuid)

    def create_root_disk(self, uuid: str, image: CachedImage, root_gb: int) -> bool:
        """Make the root disk as an overlay of the image. Return False where it was there, and is kept.

        Args:
            root_gb: Its size in GiB; 0 for the image's own.

        Raises:
            ImageUnacceptable: The image is larger than the disk.
            HypervisorError: The disk that is there is damaged, or qemu-img failed.
        """
        self.check_fits(image.virtual_size, root_gb)
        size = root_gb * GIB or image.virtual_size
        path = self.root_disk(uuid)
        if path.exists():
            _check_whole(path)
            return False
        self._create_overlay(path, image, size)
        return True

    def check_fits(self, size: int, root_gb: int) -> None:
        """Refuse an image of so many bytes for a root disk of so many GiB; for one of the image's size, by the pool's.

        Raises:
            ImageUnacceptable: It is larger.
        """
        needed = -(-size // GIB)
        if root_gb and size > root_gb * GIB:
            raise ImageUnacceptable(
                f"The image needs {needed} GiB, and the flavor's root disk has {root_gb}.",
                f"Use a flavor with root_gb of {needed} or more.",
            )
        if not root_gb and needed > max(1, self.total_gb()):
            raise ImageUnacceptable(
                f"The image is a disk of {needed} GiB, and {self.directory} has {self.total_gb()}.",
                "Use a smaller image, or a larger pool.",
            )

    def grow_root_disk(self, uuid: str, size_gb: int) -> None:
        """Have the root disk of a guest that is off be so large, in GiB."""
        path = self.root_disk(uuid)
        run_qemu_img(self._deadline, "resize", "-q", "-f", "qcow2", str(path), str(size_gb * GIB))

    def create_rescue_disk(self, uuid: str, image: CachedImage) -> None:
        """Make the rescue disk as an overlay of the image, of its size."""
        self._create_overlay(self.rescue_disk(uuid), image, image.virtual_size)

    def delete_rescue_disk(self, uuid: str) -> None:
        for path in (self.rescue_disk(uuid), self.rescue_config_drive(uuid)):
            path.unlink(missing_ok=True)
            part_of(path).unlink(missing_ok=True)

    def set_aside(self, uuid: str, preserve_ephemeral: bool) -> None:
        """Keep the disks under other names. What is aside already is the older, and stays.

        Args:
            preserve_ephemeral: All but root disk and config drive stay in their places.
        """
        self.install_config_drive(uuid)
        if not preserve_ephemeral:
            self.local.set_aside(uuid)
        root, config = self.root_disk(uuid), self.config_drive(uuid)
        if root.exists() and not _aside(root).exists():
            root.rename(_aside(root))
        if config.exists() and not _aside(config).exists():
            # It stays in its place, too: whoever writes a new one replaces the name and not the content.
            os.link(config, _aside(config))

    def take_back(self, uuid: str) -> None:
        """Put the disks that are aside in the place of those that were made since."""
        self.local.take_back(uuid)
        for path in (self.root_disk(uuid), self.config_drive(uuid)):
            if _aside(path).exists():
                _aside(path).replace(path)
                # A name that leads to the same file already is left alone by that.
                _aside(path).unlink(missing_ok=True)

    def drop_aside(self, uuid: str) -> None:
        self.local.drop_aside(uuid)
        for path in (self.root_disk(uuid), self.config_drive(uuid)):
            _aside(path).unlink(missing_ok=True)

    def write_config_drive(self, uuid: str, content: bytes, for_rescue: bool = False, is_waiting: bool = False) -> None:
        """Write the config drive, readable to root alone; libvirt hands it to the guest's QEMU.

        Args:
            is_waiting: Write it beside the one that is there, which memory that is saved may hold parts of.
        """
        path = self.rescue_config_drive(uuid) if for_rescue else self.config_drive(uuid)
        if is_waiting:
            path = _waiting(path)
        elif not for_rescue:
            # Whatever waited is older than this one.
            self.install_config_drive(uuid)
        with unfinished(path) as part:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            sync(part)
            part.rename(path)

    def read_config_drive(self, uuid: str) -> bytes:
        """Return the one that was written last, whole; nothing where there is none.

        Raises:
            HypervisorError: It is far larger than any that was written here.
        """
        path = self.config_drive(uuid)
        waiting = _waiting(path)
        for candidate in (waiting, path):
            try:
                if candidate.stat().st_size <= MOST_CONFIG_BYTES:
                    return candidate.read_bytes()
            except FileNotFoundError:
                continue
            raise HypervisorError(f"{candidate} is no config drive.", "Rebuild the instance: that writes a new one.")
        return b""

    def install_config_drive(self, uuid: str) -> None:
        """Put the config drive in its place that was written while the guest's memory was saved."""
        waiting = _waiting(self.config_drive(uuid))
        if waiting.exists():
            waiting.replace(self.config_drive(uuid))

    def delete(self, uuid: str) -> None:
        """Remove every file of the instance: finished, half, or gone already."""
        self.drop_aside(uuid)
        self.local.delete(uuid)
        self.delete_rescue_disk(uuid)
        self.copy(uuid).unlink(missing_ok=True)
        for path in (self.root_disk(uuid), self.config_drive(uuid), _waiting(self.config_drive(uuid))):
            path.unlink(missing_ok=True)
            part_of(path).unlink(missing_ok=True)

    def list_root_disks(self) -> set[str]:
        """Return the uuids of the instances that have a root disk, or other disks of their own, here."""
        matches = (ROOT_DISK.fullmatch(path.name) for path in self.directory.iterdir())
        return {match.group(1) for match in matches if match} | self.local.owners()

    def list_files(self) -> list[str]:
        """Return the path of everything here that may be a disk, half-made ones included, but for base images."""
        return [str(path) for path in self.directory.iterdir() if not path.name.startswith(PREFIX)]

    def total_gb(self) -> int:
        """Return the size of the file system in whole GiB."""
        about = os.statvfs(self.directory)
        return about.f_frsize * about.f_blocks // GIB

    def free_bytes(self) -> int:
        """Return what can be written here now."""
        about = os.statvfs(self.directory)
        return about.f_frsize * about.f_bavail

    def growth(self, uuids: Collection[str], files: Iterable[str]) -> int:
        """Return how many bytes the disks of domains may still take of this file system: virtual less allocated sizes.

        Base images never grow, nor do files that no domain writes to.

        Args:
            uuids: Instances, whose disks lie here under their names.
            files: Disks of other domains, wherever they lie; those on another file system take nothing from this one.
        """
        device = self.directory.stat().st_dev
        paths = {os.path.realpath(path) for path in files}
        with os.scandir(self.directory) as entries:
            paths.update(os.path.realpath(entry) for entry in entries if entry.name.partition(".")[0] in uuids)
        return sum(_growth(path, device) for path in paths)

    def _create_overlay(self, path: Path, image: CachedImage, size: int) -> None:
        with unfinished(path) as part:
            part.write_bytes(self._overlay(part, image, size))
            sync(part)
            part.rename(path)

    def _overlay(self, scratch: Path, image: CachedImage, size: int) -> bytes:
        """Return an empty overlay. It holds nothing of its own, so those of one image and size are copies of one."""
        key = (image.path, image.disk_format, size)
        with self._making:
            if key not in self._overlays:
                # The paths begin with "/" and the formats are given: nothing here is qemu-img's to guess.
                backing = ["-b", image.path, "-F", image.disk_format]
                run_qemu_img(self._deadline, "create", "-q", "-f", "qcow2", *backing, str(scratch), str(size))
                self._overlays[key] = scratch.read_bytes()
            return self._overlays[key]


def checked_uuid(uuid: str) -> str:
    """Return the uuid, which becomes part of file names, if it is one."""
    if not re.fullmatch(UUID, uuid):
        raise InvalidInput(f"'{uuid}' is not a uuid.")
    return uuid


def _growth(path: str, device: int) -> int:
    try:
        about = Path(path).stat()
    except OSError:
        # A disk that vanishes meanwhile does not grow, and one that cannot be reached is on no disk of this host.
        return 0
    if about.st_dev != device or not stat.S_ISREG(about.st_mode):
        return 0
    # What a guest wrote into a raw disk must not be taken for a header.
    size = about.st_size if path.endswith(".raw") else virtual_size(path)
    return max(0, size - about.st_blocks * 512)


def _check_whole(path: Path) -> None:
    try:
        read_qcow2(str(path))
    except ImageUnacceptable as error:
        raise HypervisorError(
            f"There is a root disk already, and it is damaged: {error.message}",
            f"Move {path} away if nothing of it is needed, and run again.",
        ) from None


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.stem}.old{path.suffix}")


def _waiting(path: Path) -> Path:
    return path.with_name(f"{path.stem}.new{path.suffix}")
