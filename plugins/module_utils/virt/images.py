# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's image cache: each image is fetched once, verified, and never seen half."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Optional

from ..objects.errors import DeadlineExceeded, ImageUnacceptable
from ..objects.image_transfer import ImageOffer, ImagePiece
from ..objects.ingredients import Image
from .arrived_images import ArrivedImages, write_sparse
from .foreign_image import inspect_foreign
from .hypervisor import CachedImage, UnusedImage
from .image_format import ImageFormat, inspect
from .image_source import OpenSource, not_brought, open_source
from .qcow2_tables import check_tables

PREFIX = "novella-base-"
SUFFIXES = (".qcow2", ".raw")
UNFINISHED = ".part"
CHUNK = 1 << 20
GIB = 1 << 30

# Writes an image of another format anew as qcow2: its format, its path, where to, and the seconds that it may take.
Convert = Callable[[str, Path, Path, float], None]
# Raises where a disk of so many bytes is not wanted.
Fits = Callable[[int], None]


class ImageCache:
    """Base images in one directory, named after their checksum, or after their source where there is none.

    A fetch writes a ``.part`` file and holds its lock (flock, so threads and processes alike wait); when it is
    whole and verified the file gets its real name. Whoever finds a ``.part`` that nobody locks may remove it.
    A whole image's time of change is that of its last use; who removes it, or notes a use, holds its lock.

    Args:
        directory: The directory.
        deadline: Seconds that a fetch, or the wait for another's, may take.
        max_bytes: The largest image that is fetched.
        convert: How VMDK and VDI become qcow2; None: they are refused.
        host: This host's name.
    """

    def __init__(
        self,
        directory: str,
        deadline: float = 3600.0,
        max_bytes: int = 1024 * GIB,
        convert: Optional[Convert] = None,
        host: str = "",
    ) -> None:
        self._directory = Path(directory)
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._convert = convert
        self._host = host
        self._arrived = ArrivedImages(self._directory, PREFIX)

    def ensure(self, image: Image, fits: Fits = lambda _size: None) -> CachedImage:
        """Return the cached image, fetched first if it is not there. One that is refused is not kept.

        Args:
            fits: Told how large a disk the guest would see, before the image is kept.

        Raises:
            ImageUnacceptable: It is not there, differs from its checksum, or is no acceptable disk image.
            DeadlineExceeded: It took too long.
            ComputeResourcesUnavailable: The disk is full.
        """
        if image.checksum is not None:
            key = _checksum_digits(image)
            return self._find(key, image, fits) or self._fetch(key, image, fits, None)
        if self._is_elsewhere(image):
            brought = self._arrived.read_key(image)
            found = None if brought is None else self._find(brought, image, fits)
            if found is None:
                raise not_brought(image)
            return found
        with open_source(image, self._host) as source:
            key = _key_of(source.mark)
            return self._find(key, image, fits) or self._fetch(key, image, fits, source)

    def lacks(self, image: Image, offer: Optional[ImageOffer]) -> bool:
        """Return whether an image of another host is to be brought here; see ComputeDriver.lacks_image."""
        if not self._is_elsewhere(image):
            return False
        brought = self._arrived.read_key(image)
        key = _checksum_digits(image) if image.checksum is not None else brought
        if key is None or (image.checksum is None and offer is not None and key != _brought_key(image, offer)):
            return True
        return not any((self._directory / f"{PREFIX}{key}{suffix}").exists() for suffix in SUFFIXES)

    def receive(self, image: Image, offer: ImageOffer, piece: ImagePiece, run: str, fits: Fits) -> None:
        """Take over one piece of an image of another host; see ComputeDriver.receive_image.

        Args:
            fits: Told how large a disk the guest would see, before the image is kept.
        """
        if offer.length > self._max_bytes:
            raise self._too_large(image)
        with self._arrived.receive(image, offer, piece, run) as whole:
            if whole is None:
                return
            key = _checksum_digits(image) if image.checksum is not None else _brought_key(image, offer)
            source = OpenSource(whole, offer.mark, offer.length)
            if self._find(key, image, fits) is None:
                self._fetch(key, image, fits, source)
            self._arrived.write_key(image, key)

    def _is_elsewhere(self, image: Image) -> bool:
        return image.host is not None and image.host != self._host

    def list_unused(self, is_used: Callable[[Path], bool], minimum_age: float) -> list[UnusedImage]:
        """Return the images that were not used for `minimum_age` seconds, and that `is_used` does not speak for."""
        latest = time.time_ns() - int(minimum_age * 1e9)
        unused = []
        for path in sorted(self._directory.glob(f"{PREFIX}*")):
            with contextlib.suppress(FileNotFoundError):
                about = path.lstat()
                whole = path.suffix in SUFFIXES and stat.S_ISREG(about.st_mode)
                if whole and about.st_mtime_ns <= latest and not is_used(path):
                    unused.append(UnusedImage(str(path), about.st_blocks * 512, about.st_mtime_ns))
        return unused

    def remove(self, image: UnusedImage) -> bool:
        """Remove an image, unless it was used since it was listed."""
        path = Path(image.path)
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not _is_at(file, path) or os.fstat(file.fileno()).st_mtime_ns != image.used_at:
                    return False
                path.unlink()
        except (BlockingIOError, FileNotFoundError):
            return False
        self._arrived.forget(path.stem[len(PREFIX) :])
        _sync_directory(self._directory)
        return True

    def _find(self, key: str, image: Image, fits: Fits) -> Optional[CachedImage]:
        for suffix in SUFFIXES:
            path = self._directory / f"{PREFIX}{key}{suffix}"
            if _touch(path):
                size = inspect(str(path), image.name).virtual_size
                fits(size)
                return CachedImage(str(path), suffix[1:], size)
        return None

    def _fetch(self, key: str, image: Image, fits: Fits, source: Optional[OpenSource]) -> CachedImage:
        end = time.monotonic() + self._deadline
        part = self._directory / f"{PREFIX}{key}{UNFINISHED}"
        with _locked(part, end, image.name) as file:
            found = self._find(key, image, fits)  # another fetched it while we waited
            if found is None:
                self._sweep()
                with contextlib.nullcontext(source) if source else open_source(image, self._host) as opened:
                    self._copy(opened, file, image, end)
                found = self._keep(part, key, image, fits, end)
        return found

    def _keep(self, part: Path, key: str, image: Image, fits: Fits, end: float) -> CachedImage:
        """Give what was fetched its real name, if it is an acceptable image, or what it is converted to."""
        foreign = inspect_foreign(str(part), image.name) if self._convert is not None else None
        if foreign is None or self._convert is None:
            return self._name(part, key, inspect(str(part), image.name), image, fits)
        fits(foreign.virtual_size)
        converted = self._directory / f"{PREFIX}{key}.qcow2{UNFINISHED}"
        with _locked(converted, end, image.name) as file:
            self._convert(foreign.disk_format, part, converted, max(1.0, end - time.monotonic()))
            _finish(file, file.seek(0, os.SEEK_END))
            form = inspect(str(converted), image.name)
            if form.disk_format != "qcow2" or form.virtual_size < foreign.virtual_size:
                raise ImageUnacceptable(f"Image '{image.name}' could not be converted whole.", "Convert it yourself.")
            return self._name(converted, key, form, image, fits)

    def _name(self, part: Path, key: str, form: ImageFormat, image: Image, fits: Fits) -> CachedImage:
        if form.disk_format == "qcow2":
            check_tables(str(part), image.name)
        fits(form.virtual_size)
        path = self._directory / f"{PREFIX}{key}.{form.disk_format}"
        part.rename(path)
        _sync_directory(self._directory)
        return CachedImage(str(path), form.disk_format, form.virtual_size)

    def _copy(self, source: OpenSource, file: IO[bytes], image: Image, end: float) -> None:
        digest, length = hashlib.sha256(), 0
        if source.length is not None and source.length > self._max_bytes:
            raise self._too_large(image)
        for chunk in _chunks(source, image.name):
            length += len(chunk)
            if length > self._max_bytes:
                raise self._too_large(image)
            if time.monotonic() > end:
                raise DeadlineExceeded(
                    f"Image '{image.name}' did not arrive within {self._deadline:g} s ({length} bytes came).",
                    "Offer it from a nearer place, or raise the deadline.",
                )
            digest.update(chunk)
            write_sparse(file, chunk, image.name)
        if source.length is not None and length != source.length:
            raise ImageUnacceptable(
                f"Image '{image.name}' came only in part: {length} of {source.length} bytes.", "Run again."
            )
        _finish(file, length)
        if image.checksum is not None and digest.hexdigest() != _checksum_digits(image):
            raise ImageUnacceptable(
                f"Image '{image.name}' has the checksum sha256:{digest.hexdigest()}, not {image.checksum}.",
                f"Correct the checksum, or the file at {image.source}.",
                source=image.source,
            )

    def _too_large(self, image: Image) -> ImageUnacceptable:
        return ImageUnacceptable(
            f"Image '{image.name}' is larger than {self._max_bytes // GIB} GiB.", "Offer a smaller one."
        )

    def _sweep(self) -> None:
        """Remove what crashed fetches left behind: parts that nobody holds."""
        self._arrived.sweep()
        for part in self._directory.glob(f"{PREFIX}*{UNFINISHED}"):
            with contextlib.suppress(OSError), part.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(file, part):
                    part.unlink()


@contextlib.contextmanager
def _locked(part: Path, end: float, name: str) -> Iterator[IO[bytes]]:
    """Hold the part file, empty and locked. Remove it at the end, unless it has got its real name by then."""
    while True:
        file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been renamed or removed between opening and locking: then it is not ours to write.
            if _is_at(file, part):
                break
            file.close()
        except BlockingIOError:
            file.close()
            if time.monotonic() > end:
                raise DeadlineExceeded(
                    f"Another process has been fetching image '{name}' for too long.",
                    f"End the process that holds {part}, and run again.",
                ) from None
            time.sleep(0.1)
    with file:
        try:
            file.truncate(0)
            yield file
        finally:
            if _is_at(file, part):
                part.unlink()


def _touch(path: Path) -> bool:
    """Note that an image is used. Return False where there is none.

    Whoever removes it holds its lock: either that one sees the new time, or we see that the image is gone.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if not _is_at(file, path):
                return False
            os.utime(file.fileno())
            return True
    except FileNotFoundError:
        return False


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _chunks(source: OpenSource, name: str) -> Iterator[bytes]:
    # Loading it takes longer than much of what a host is asked for, and few runs fetch an image.
    import http.client

    while True:
        try:
            chunk = source.stream.read1(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise ImageUnacceptable(f"Image '{name}' could not be read to its end: {error}.", "Run again.") from None
        if not chunk:
            return
        yield chunk


def _finish(file: IO[bytes], length: int) -> None:
    file.truncate(length)
    # Readable to QEMU whoever it runs as, writable to none: many disks depend on it.
    os.fchmod(file.fileno(), 0o444)
    file.flush()
    os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _key_of(mark: str) -> str:
    return hashlib.sha256(mark.encode()).hexdigest()


def _brought_key(image: Image, offer: ImageOffer) -> str:
    # With the source: what another host says must not be taken for an image that is not its own.
    return _key_of(f"{image.source}\0{offer.mark}")


def _checksum_digits(image: Image) -> str:
    match = re.fullmatch(r"sha256:([0-9a-fA-F]{64})", image.checksum or "")
    if match is None:
        raise ImageUnacceptable(
            f"Image '{image.name}' has the checksum '{image.checksum}'.", "Write it as 'sha256:' and 64 digits."
        )
    return match.group(1).lower()
