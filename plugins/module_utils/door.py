# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module that acts on a host shares: its options, its way in, and how errors leave it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Optional

from ansible.module_utils.basic import AnsibleModule

from .compute.consoles import check_listen, read_port_range
from .compute.host_options import HostOptions
from .compute.manager import ComputeManager
from .compute.reconciliation import Progress
from .compute.tracker_db import TrackerDB
from .host_arguments import fail, host_argument_spec
from .objects.errors import NovellaError
from .objects.instance import Instance
from .virt.driver import ComputeDriver


@contextlib.contextmanager
def compute_manager(
    module: AnsibleModule, progress: Optional[Progress] = None, *, recovers: bool = True, read_only: bool = False
) -> Iterator[ComputeManager]:
    """Open this host's ComputeManager for the module's options, recovered from whatever died here before.

    In check mode nothing is recovered, and nothing can be written. A NovellaError ends the module with ``msg``,
    ``code``, ``remedy`` and ``details``; any other exception is a defect and shows as such.

    Args:
        recovers: False for what must work while the hypervisor does not answer.
        read_only: Be as in check mode always.
    """
    options = HostOptions(**{name: module.params[name] for name in host_argument_spec()})
    db = TrackerDB(options.state_path)
    try:
        read_only = read_only or module.check_mode
        db.open(read_only=read_only)
        # A cap that cannot be kept is told before anything is done, not when the first record is written.
        Instance.written_version(options.record_version_cap)
        for option in ("vnc_server_listen", "spice_server_listen", "serial_server_listen"):
            check_listen(option, getattr(options, option))
        read_port_range(options.serial_port_range)
        manager = ComputeManager(options, _driver(options, db), db, progress)
        if recovers and not read_only:
            manager.init_host()
            for entry, fault in manager.stuck:
                what = (
                    f"{entry.operation} {entry.name}, which a dead run left half-done, could not be brought to an end"
                )
                module.warn(f"{options.host}: {what}: {fault} The next run tries again.")
        manager.pre_start_hook()
        yield manager
        manager.post_start_hook()
    except NovellaError as error:
        fail(module, error)
    except sqlite3.Error as error:
        fail(module, db.explain(error))
    finally:
        db.close()


def _driver(options: HostOptions, db: TrackerDB) -> ComputeDriver:
    # Hosts compile what a module imports, each time: of the drivers only the one in use.
    if options.driver == "fake":
        from .virt.fake import FakeDriver

        return FakeDriver(options.host, options.state_path, db, options.record_version_cap)
    from .virt.libvirt.driver import LibvirtDriver

    return LibvirtDriver(
        uri=options.uri,
        pool=options.pool,
        deadline=options.deadline,
        shared_cpus=options.cpu_shared_set,
        record_version_cap=options.record_version_cap,
        screens={"vnc": options.vnc_server_listen, "spice": options.spice_server_listen},
        serial_listen=options.serial_server_listen,
        serial_ports=read_port_range(options.serial_port_range),
        volumes_dir=options.volumes_dir,
        detach_attempts=options.device_detach_attempts,
        detach_timeout=options.device_detach_timeout,
        keys_dir=f"{options.state_path}/passphrases",
        host=options.host,
    )
