# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture of what a guest's screen shows, from libvirt's stream of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Optional

from .binding import libvirt

_PIECE = 256 * 1024


def take_screenshot(raw: Any, uuid: str, max_bytes: int) -> Optional[bytes]:
    """Return at most so many bytes of a picture of a running domain's first screen; None without one."""
    try:
        domain = raw.lookupByUUIDString(uuid)
        tree = ET.fromstring(domain.XMLDesc())  # noqa: S314 - libvirtd is trusted
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    # Asked for a picture of no screen, QEMU's answer is an error that differs from release to release.
    if not domain.isActive() or all(model.get("type") == "none" for model in tree.findall("devices/video/model")):
        return None
    stream = raw.newStream(0)
    domain.screenshot(stream, 0, 0)
    return _read(stream, max_bytes)


def _read(stream: Any, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    left = max_bytes
    while left > 0:
        piece = stream.recv(min(_PIECE, left))
        if not piece:
            stream.finish()
            return b"".join(pieces)
        pieces.append(piece)
        left -= len(piece)
    stream.abort()
    return b"".join(pieces)
