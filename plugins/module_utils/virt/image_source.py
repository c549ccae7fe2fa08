# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where images come from: a file of the host, or an http(s) address."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Optional, Union
from urllib.parse import urlsplit

from ..objects.errors import ImageUnacceptable
from ..objects.ingredients import Image

# Seconds without a single byte.
SILENCE = 30.0
# Only what is needed: no file:, ftp: or data:.
HANDLERS: tuple[type[urllib.request.BaseHandler], ...] = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
)


@dataclass(frozen=True)
class OpenSource:
    """A source that can be read. `mark` differs when its content does; `length` is in bytes, None if unknown."""

    stream: Union[io.BufferedReader, http.client.HTTPResponse]
    mark: str
    length: Optional[int]


@contextlib.contextmanager
def open_source(image: Image) -> Iterator[OpenSource]:
    """Open the image's source for reading.

    Raises:
        ImageUnacceptable: It is not there, or not of a kind that is read.
    """
    if image.source.startswith("/"):
        opened = _open_file(image)
    elif urlsplit(image.source).scheme in ("http", "https"):
        opened = _open_address(image)
    else:
        raise ImageUnacceptable(
            f"Image '{image.name}' has the source '{image.source}'.",
            "Give an absolute path on the host, or an http:// or https:// address.",
        )
    with opened.stream:
        yield opened


def _open_file(image: Image) -> OpenSource:
    try:
        # A FIFO without a writer would block an ordinary open for ever.
        handle = os.open(image.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ImageUnacceptable(
            f"Image '{image.name}' is not at {image.source} on this host.",
            "Copy it to every host, or offer it at an http(s) address.",
        ) from None
    except OSError as error:
        raise ImageUnacceptable(f"Image '{image.name}' cannot be read: {error.strerror}: {image.source}.") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise ImageUnacceptable(f"Image '{image.name}' is not a file: {image.source}.")
    mark = json.dumps([os.path.realpath(image.source), about.st_size, about.st_mtime_ns])
    return OpenSource(os.fdopen(handle, "rb"), mark, about.st_size)


def _open_address(image: Image) -> OpenSource:
    parts = urlsplit(image.source)
    if "@" in parts.netloc:
        raise ImageUnacceptable(
            f"The address of image '{image.name}' holds credentials, which every reader of the instance would see.",
            "Offer the image without them, or as a file on the hosts.",
        )
    opener = urllib.request.OpenerDirector()
    for handler in (*(kind() for kind in HANDLERS), _Redirects(image)):
        opener.add_handler(handler)
    request = urllib.request.Request(image.source, headers={"Accept-Encoding": "identity"})  # noqa: S310
    try:
        response = opener.open(request, timeout=SILENCE)
    except urllib.error.HTTPError as error:
        with error:
            raise ImageUnacceptable(
                f"Image '{image.name}': {image.source} answered {error.code} ({error.reason:.200})."
            ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ImageUnacceptable(
            f"Image '{image.name}' cannot be fetched from {image.source}: {reason}.",
            "Check the address, and that this host reaches it.",
        ) from None
    headers = response.headers
    mark = json.dumps([image.source, *(headers.get(name) for name in ("ETag", "Last-Modified", "Content-Length"))])
    length = headers.get("Content-Length", "")
    return OpenSource(response, mark, int(length) if length.isdigit() else None)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https only, and from https to http only where a checksum guards the content."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        target = urlsplit(newurl).scheme
        weaker = target == "http" and req.type == "https" and not self._image.checksum
        if target not in ("http", "https") or weaker:
            raise ImageUnacceptable(
                f"Image '{self._image.name}': {self._image.source} leads to a {target}: address.",
                "Give it a checksum." if weaker else "Give the real address.",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
