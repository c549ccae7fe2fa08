# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a host's fingerprint that draws in neither the manager nor a driver: see `compute.fingerprint`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from typing import Any, Optional

from .compute.fingerprint import take_fingerprint
from .compute.host_options import HostOptions
from .compute.tracker_db import TrackerDB
from .host_arguments import host_argument_spec


def read_host_fingerprint(parameters: Mapping[str, Any]) -> Optional[str]:
    """Return this host's fingerprint, or None where something waits to be recovered. Nothing is written.

    Args:
        parameters: A module's, with the options of `host_argument_spec`.

    Raises:
        NovellaError: The database or the hypervisor cannot be read.
    """
    options = HostOptions(**{name: parameters[name] for name in host_argument_spec()})
    db = TrackerDB(options.state_path)
    with contextlib.closing(db):
        try:
            db.open(read_only=True)
            return take_fingerprint(options, db, lambda with_pci: _read_hypervisor(options, db, with_pci))
        except sqlite3.Error as error:
            raise db.explain(error) from error


def _read_hypervisor(options: HostOptions, db: TrackerDB, with_pci: bool) -> str:
    if options.driver == "fake":
        from .virt.fake import FakeDriver

        return FakeDriver(options.host, options.state_path, db).read_fingerprint(with_pci)
    from .virt.libvirt.connection import Connection
    from .virt.libvirt.fingerprint import read_fingerprint

    connection = Connection(options.uri, options.deadline)
    return read_fingerprint(connection, options.pool, with_pci, options.volumes_dir)
