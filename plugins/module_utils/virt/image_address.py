# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images at http(s) addresses."""

from __future__ import annotations

import http.client
import io
import json
import urllib.error
import urllib.request
from typing import Any, Optional
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


def open_address(image: Image) -> tuple[io.BufferedIOBase, str, Optional[int]]:
    """Open an http(s) address for reading.

    Returns:
        The stream, a mark that differs when the content does, and the length in bytes, None if unknown.

    Raises:
        ImageUnacceptable: It cannot be fetched, or names its reader's secrets.
    """
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
    return response, mark, int(length) if length.isdigit() else None


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
