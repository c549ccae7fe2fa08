# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's fingerprint: as long as a host has the same one, an audit of it would say the same.

It is taken of what an audit reads, unread: rows of tracker.db, definitions of domains, the operator's options. So it
costs a fraction of an audit, and its module carries a fraction of the code to the host: nothing here may import what
acts or what understands an instance.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Callable, Optional

from .host_options import HostOptions
from .owner import is_alive
from .tracker_db import TrackerDB

# HostReport.VERSION: what an older release has read may lack what this one would say.
DOCUMENT_VERSION = "1.4"
# How the work is done, and for whom, does not show in an audit.
OPTIONS_OF_WORK = (
    *("deadline", "max_concurrent_builds", "request_id", "shutdown_timeout", "wait_soft_reboot_seconds"),
    *("device_detach_attempts", "device_detach_timeout"),
)
# What the host remembers besides, and an audit does not tell. A table that is not named here counts.
UNTOLD_TABLES = (
    "action_subjects",
    "actions",
    "console_tokens",
    "events",
    "faults",
    "periodic_tasks",
    "places",
    "steps",
    "whereabouts",
)
# Where a row holds an instance for its owner. A dead owner's is dropped or finished by the next audit.
TABLES_OF_OWNERS = ("claims", "journal")


def take_fingerprint(options: HostOptions, db: TrackerDB, read_hypervisor: Callable[[bool], str]) -> Optional[str]:
    """Return the fingerprint, or None where something waits to be recovered: such a host must be audited.

    Take it before the audit reads, so that what changes meanwhile shows the next time.

    Args:
        options: The operator's settings of the host.
        db: The open tracker database; it is only read.
        read_hypervisor: The driver's `read_fingerprint`.
    """
    for table in TABLES_OF_OWNERS:
        if not all(is_alive(row["owner"]) for row in db.query(f"SELECT owner FROM {table}")):  # noqa: S608 - ours
            return None
    said = {key: value for key, value in asdict(options).items() if key not in OPTIONS_OF_WORK}
    content = [
        DOCUMENT_VERSION,
        said,
        _read_tables(db),
        _living_migrations(db),
        read_hypervisor(bool(options.pci_device_spec)),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _living_migrations(db: TrackerDB) -> list[str]:
    """Return the moves whose run goes on: what an ended run has claimed for a move may be given back."""
    rows = db.query("SELECT uuid, document FROM migrations WHERE is_open")
    return sorted(row["uuid"] for row in rows if is_alive(json.loads(row["document"]).get("owner") or ""))


def _read_tables(db: TrackerDB) -> dict[str, list[str]]:
    """Return the rows of the tables that count. An empty table is as one that an older file does not have yet."""
    names = [row["name"] for row in db.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
    # The fake driver keeps its guests in this file too, and answers for them itself.
    told = [name for name in names if name not in UNTOLD_TABLES and not name.startswith(("fake_", "sqlite_"))]
    rows = {name: db.query(f"SELECT * FROM {name}") for name in told}  # noqa: S608 - names of the schema
    return {name: sorted(json.dumps(list(row)) for row in found) for name, found in rows.items() if found}
