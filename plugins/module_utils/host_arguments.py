# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every module on a host has, and how errors leave it.

Apart from `door`, which draws in all that acts.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .compute.host_options import HostOptions
from .compute.power_sync import POLICIES
from .objects.errors import NovellaError

_DEFAULTS = HostOptions(host="")
PERIODIC_OPTIONS = (
    "reclaim_instance_interval",
    "remove_unused_original_minimum_age_seconds",
    "update_resources_interval",
    "sync_power_state_interval",
    "image_cache_manager_interval",
    "claim_cleanup_interval",
)


def host_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of the documentation fragment ``novella.compute.host``."""
    spec: dict[str, dict[str, Any]] = {
        "host": {"type": "str", "required": True},
        "driver": {"type": "str", "default": _DEFAULTS.driver, "choices": ["libvirt", "fake"]},
        "uri": {"type": "str", "default": _DEFAULTS.uri},
        "pool": {"type": "str", "default": _DEFAULTS.pool},
        "state_path": {"type": "path", "default": _DEFAULTS.state_path},
        "snapshots_dir": {"type": "path"},
        "volumes_dir": {"type": "path"},
    }
    for name in ("reserved_host_cpus", "reserved_host_memory_mb", "reserved_host_disk_mb", "max_concurrent_builds"):
        spec[name] = {"type": "int", "default": getattr(_DEFAULTS, name)}
    for name in ("instance_overhead_memory_mb", "minimum_free_disk_mb", "device_detach_attempts"):
        spec[name] = {"type": "int", "default": getattr(_DEFAULTS, name)}
    for name in ("cpu_allocation_ratio", "ram_allocation_ratio", "disk_allocation_ratio"):
        # Left out, a ratio is not fixed; the initial one holds.
        spec[name] = {"type": "float"}
        spec[f"initial_{name}"] = {"type": "float", "default": getattr(_DEFAULTS, f"initial_{name}")}
    for name in ("resources", "labels"):
        spec[name] = {"type": "dict", "default": {}}
    spec["traits"] = {"type": "list", "elements": "str", "default": []}
    for name in ("cpu_shared_set", "cpu_dedicated_set"):
        spec[name] = {"type": "str"}
    spec["pci_device_spec"] = {"type": "list", "elements": "dict", "default": []}
    for name in ("kept_actions", "kept_actions_per_instance", "consecutive_build_service_disable_threshold"):
        spec[name] = {"type": "int", "default": getattr(_DEFAULTS, name)}
    for name in (
        "request_id",
        "record_version_cap",
        "vnc_server_listen",
        "spice_server_listen",
        "serial_server_listen",
    ):
        spec[name] = {"type": "str"}
    spec["serial_port_range"] = {"type": "str", "default": _DEFAULTS.serial_port_range}
    for name in ("deadline", "shutdown_timeout", "wait_soft_reboot_seconds", "device_detach_timeout"):
        spec[name] = {"type": "float", "default": getattr(_DEFAULTS, name)}
    spec["power_policy"] = {"type": "str", "default": _DEFAULTS.power_policy, "choices": list(POLICIES)}
    spec["remove_unused_base_images"] = {"type": "bool", "default": _DEFAULTS.remove_unused_base_images}
    for name in PERIODIC_OPTIONS:
        spec[name] = {"type": "int", "default": getattr(_DEFAULTS, name)}
    return spec


def fail(module: AnsibleModule, error: NovellaError, **results: Any) -> None:
    """End the module with an error that a user can act on."""
    message = f"{module.params['host']}: {error}"
    module.fail_json(msg=message, code=error.code, remedy=error.remedy, details=error.details, **results)
