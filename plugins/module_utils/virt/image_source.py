# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where images come from: a file of the host, an http(s) address, or a file of another host."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional
from urllib.parse import urlsplit

from ..objects.errors import ImageUnacceptable
from ..objects.ingredients import Image


@dataclass(frozen=True)
class OpenSource:
    """A source that can be read. `mark` differs when its content does; `length` is in bytes, None if unknown."""

    stream: io.BufferedIOBase
    mark: str
    length: Optional[int]


@contextlib.contextmanager
def open_source(image: Image, host: str = "") -> Iterator[OpenSource]:
    """Open the image's source for reading.

    Args:
        host: This host's name.

    Raises:
        ImageUnacceptable: It is not there, on another host, or not of a kind that is read.
    """
    if image.host is not None and image.host != host:
        raise not_brought(image)
    if image.path.startswith("/"):
        opened = _open_file(image)
    elif urlsplit(image.source).scheme in ("http", "https"):
        # Loaded where it is needed: TLS and all that take a while, and most images are there already.
        from .image_address import open_address

        opened = OpenSource(*open_address(image))
    else:
        raise ImageUnacceptable(
            f"Image '{image.name}' has the source '{image.source}'.",
            "Give an absolute path on the host, HOST:/path of another one, or an http:// or https:// address.",
        )
    with opened.stream:
        yield opened


def not_brought(image: Image) -> ImageUnacceptable:
    """Return the error of an image that is on another host."""
    return ImageUnacceptable(
        f"Image '{image.name}' is at {image.path} on {image.host}, and has not been brought to this host.",
        "The playbook novella.compute.apply brings it, or offer it at an http(s) address.",
    )


def _open_file(image: Image) -> OpenSource:
    path = _real_path(image)
    try:
        # A FIFO without a writer would block an ordinary open for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise ImageUnacceptable(
            f"Image '{image.name}' is not at {image.path} on {image.host or 'this host'}.",
            "Put it there, or name the host that has it."
            if image.host
            else "Copy it to every host, name the one that has it (HOST:/path), or offer it at an http(s) address.",
        ) from None
    except OSError as error:
        raise ImageUnacceptable(f"Image '{image.name}' cannot be read: {error.strerror}: {image.source}.") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise ImageUnacceptable(f"Image '{image.name}' is not a file: {image.source}.")
    mark = json.dumps([path, about.st_size, about.st_mtime_ns])
    return OpenSource(os.fdopen(handle, "rb"), mark, about.st_size)


def _real_path(image: Image) -> str:
    """Return where an image's file is. It is where its path says, or beside that: a name for the newest of several.

    Raises:
        ImageUnacceptable: The path leads elsewhere. Who may put images into a folder shall not have others read.
    """
    if ".." in image.path.split("/"):
        raise ImageUnacceptable(
            f"Image '{image.name}' has the source '{image.source}', which climbs up.", "Write the path without '..'."
        )
    path = os.path.realpath(image.path)
    if Path(path).parent != Path(os.path.realpath(Path(image.path).parent)):
        raise ImageUnacceptable(
            f"Image '{image.name}' is a symbolic link out of its folder: {image.source} leads to {path}.",
            "Name the file itself.",
        )
    return path
