# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a guest's screen can be reached, and tokens that stand for the permission to look at it.

Nova's get_vnc_console, get_spice_console, get_serial_console and validate_console_port. A token is good once, and not
for long; its digest alone is kept.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Optional

from ..objects.base import Record
from ..objects.errors import ConsoleNotAvailable, InstanceNotFound, InstanceNotReady, OptionInvalid
from ..objects.instance import ObservedInstance
from .auditing import audit
from .host import Host
from .instance_details import Selection
from .states import BUILDING, DELETING, SPAWNING

VNC, SPICE, SERIAL = KINDS = ("vnc", "spice", "serial")
# How the power states are called in which a guest has a screen.
POWERED = ("running", "paused")
# Nova's [consoleauth]token_ttl.
TOKEN_SECONDS = 600


@dataclass(frozen=True)
class ConsoleAccess(Record):
    """A screen, and the token for it. `expires_at` is in ISO-8601 UTC; `tls_port` is set where there is one."""

    uuid: str
    name: str
    host: str
    type: str
    address: str
    port: int
    tls_port: Optional[int] = None
    token: Optional[str] = field(default=None, repr=False)
    expires_at: Optional[str] = None


def grant_access(host: Host, selection: Selection, kind: str, seconds: int, check: bool) -> ConsoleAccess:
    """Return where the screen of an instance can be reached, with a new token for it.

    Args:
        selection: Must mean one instance.
        kind: One of `KINDS`.
        seconds: For how long the token is good.
        check: Make none.

    Raises:
        OptionInvalid: More than one instance is meant, or the time is not positive.
        InstanceNotFound: None is.
        InstanceNotReady: It is being built or deleted.
        ConsoleNotAvailable: It is off, or has no such screen.
    """
    if seconds < 1:
        raise OptionInvalid(f"token_ttl must be at least 1 second, not {seconds}.")
    seen = find_one(host, selection)
    record, options = seen.instance, host.options
    found = host.driver.get_console(record.uuid, kind) if seen.power_state in POWERED else None
    if found is None:
        raise ConsoleNotAvailable(
            f"{record.spec.name} has no {kind} console on {options.host}.",
            f"It must run, and have been started with novella_{kind}_server_listen set for its host: set it, and "
            "reboot it hard.",
        )
    access = ConsoleAccess(record.uuid, record.spec.name, options.host, kind, found.address, found.port, found.tls_port)
    return access if check else _with_token(host, access, seconds)


def validate_console(host: Host, token: str, port: int) -> bool:
    """Return whether a token is good for a port of this host, and spend it (Nova's validate_console_port).

    The port must still be that of the guest which the token was made for: ports are given out anew.
    """
    with host.db.transaction() as connection:
        forget_expired(host)
        rows = host.db.query("SELECT uuid, kind FROM console_tokens WHERE digest = ?", _digest(token))
        connection.execute("DELETE FROM console_tokens WHERE digest = ?", (_digest(token),))
    if not rows:
        return False
    found = host.driver.get_console(rows[0]["uuid"], rows[0]["kind"])
    return found is not None and port in (found.port, found.tls_port)


def forget_expired(host: Host, check: bool = False) -> list[dict[str, Any]]:
    """Forget tokens whose time is over, and return by instance and kind of screen how many there were.

    Args:
        check: Only tell.
    """
    now = time.time()
    counted = "SELECT uuid, kind, COUNT(*) AS tokens FROM console_tokens WHERE expires <= ? GROUP BY uuid, kind"
    rows = host.db.query(counted, now)
    if rows and not check:
        with host.db.transaction() as connection:
            connection.execute("DELETE FROM console_tokens WHERE expires <= ?", (now,))
    return [{"uuid": row["uuid"], "type": row["kind"], "tokens": row["tokens"]} for row in rows]


def read_port_range(text: str) -> range:
    """Return the ports of a range as Nova writes it, ``10000:20000``, both ends included.

    Raises:
        OptionInvalid: It is none.
    """
    ends = re.fullmatch(r"([0-9]{1,5}):([0-9]{1,5})", text)
    if ends is None or not 1024 <= int(ends[1]) <= int(ends[2]) <= 65535:
        raise OptionInvalid(
            f"serial_port_range is '{text}', which is no range of ports from 1024 to 65535.", "Such as 10000:20000."
        )
    return range(int(ends[1]), int(ends[2]) + 1)


def check_listen(option: str, address: Optional[str]) -> None:
    """Refuse to listen on what is no address.

    Raises:
        OptionInvalid: It is none.
    """
    try:
        ipaddress.ip_address("127.0.0.1" if address is None else address)
    except ValueError:
        raise OptionInvalid(f"{option} is '{address}', which is no IP address.", "Such as 127.0.0.1.") from None


def find_one(host: Host, selection: Selection) -> ObservedInstance:
    """Return the one instance that is meant, made and not about to go.

    Raises:
        OptionInvalid, InstanceNotFound, InstanceNotReady: There is no such one.
    """
    meant = [
        seen
        for seen in audit(host).instances
        if selection.holds(
            seen.instance.uuid, seen.instance.spec.name, seen.instance.spec.fleet, seen.instance.spec.project_id
        )
    ]
    if not meant:
        raise InstanceNotFound(f"No such instance is on {host.options.host}.")
    if len(meant) > 1:
        names = ", ".join(sorted(seen.instance.spec.domain_name for seen in meant))
        raise OptionInvalid(f"That fits {len(meant)} instances of {host.options.host}: {names}.", "Give the uuid.")
    record = meant[0].instance
    if record.vm_state == BUILDING or record.task_state in (SPAWNING, DELETING):
        raise InstanceNotReady(f"{record.spec.name} is {record.task_state or record.vm_state}.", "Ask again later.")
    return meant[0]


def _with_token(host: Host, access: ConsoleAccess, seconds: int) -> ConsoleAccess:
    token, expires = secrets.token_urlsafe(32), time.time() + seconds
    with host.db.transaction() as connection:
        forget_expired(host)
        connection.execute(
            "INSERT INTO console_tokens VALUES (?, ?, ?, ?)", (_digest(token), access.uuid, access.type, expires)
        )
    expires_at = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc).isoformat(timespec="seconds")
    return access.but(token=token, expires_at=expires_at.replace("+00:00", "Z"))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
