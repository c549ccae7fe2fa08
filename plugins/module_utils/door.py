# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module that acts on a host shares: its options, its way in, and how errors leave it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from .compute.host_options import HostOptions
from .compute.manager import ComputeManager
from .compute.reconciliation import Progress
from .compute.tracker_db import TrackerDB
from .objects.errors import NovellaError
from .virt.driver import ComputeDriver
from .virt.fake import FakeDriver
from .virt.libvirt.driver import LibvirtDriver

_DEFAULTS = HostOptions(host="")


def host_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of the documentation fragment ``novella.compute.host``."""
    spec: dict[str, dict[str, Any]] = {
        "host": {"type": "str", "required": True},
        "driver": {"type": "str", "default": _DEFAULTS.driver, "choices": ["libvirt", "fake"]},
        "uri": {"type": "str", "default": _DEFAULTS.uri},
        "pool": {"type": "str", "default": _DEFAULTS.pool},
        "state_path": {"type": "path", "default": _DEFAULTS.state_path},
    }
    for name in ("reserved_host_cpus", "reserved_host_memory_mb", "reserved_host_disk_mb", "max_concurrent_builds"):
        spec[name] = {"type": "int", "default": getattr(_DEFAULTS, name)}
    for name in ("cpu_allocation_ratio", "ram_allocation_ratio", "disk_allocation_ratio"):
        spec[name] = {"type": "float", "default": getattr(_DEFAULTS, name)}
    for name in ("resources", "labels"):
        spec[name] = {"type": "dict", "default": {}}
    spec["traits"] = {"type": "list", "elements": "str", "default": []}
    for name in ("cpu_shared_set", "cpu_dedicated_set"):
        spec[name] = {"type": "str"}
    spec["pci_device_spec"] = {"type": "list", "elements": "dict", "default": []}
    for name in ("deadline", "shutdown_timeout"):
        spec[name] = {"type": "float", "default": getattr(_DEFAULTS, name)}
    return spec


@contextlib.contextmanager
def compute_manager(module: AnsibleModule, progress: Optional[Progress] = None) -> Iterator[ComputeManager]:
    """Open this host's ComputeManager for the module's options, recovered from whatever died here before.

    In check mode nothing is recovered, and nothing can be written. A NovellaError ends the module with ``msg``,
    ``code``, ``remedy`` and ``details``; any other exception is a defect and shows as such.
    """
    options = HostOptions(**{name: module.params[name] for name in host_argument_spec()})
    db = TrackerDB(options.state_path)
    try:
        db.open(read_only=module.check_mode)
        manager = ComputeManager(options, _driver(options, db), db, progress)
        if not module.check_mode:
            manager.init_host()
        manager.pre_start_hook()
        yield manager
        manager.post_start_hook()
    except NovellaError as error:
        fail(module, error)
    except sqlite3.Error as error:
        fail(module, db.explain(error))
    finally:
        db.close()


def fail(module: AnsibleModule, error: NovellaError, **results: Any) -> None:
    """End the module with an error that a user can act on."""
    message = f"{module.params['host']}: {error}"
    module.fail_json(msg=message, code=error.code, remedy=error.remedy, details=error.details, **results)


def _driver(options: HostOptions, db: TrackerDB) -> ComputeDriver:
    if options.driver == "fake":
        return FakeDriver(options.host, options.state_path, db)
    return LibvirtDriver(
        uri=options.uri, pool=options.pool, deadline=options.deadline, shared_cpus=options.cpu_shared_set
    )
