# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What shows that nothing is written: a driver whose acts fail the test, and folders compared byte by byte."""

from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.virt.driver import ComputeDriver

# Every method of ComputeDriver stands in one of the two.
READING = {
    "get_available_resource",
    "check_volume_free",
    "find_volume",
    "get_console",
    "get_console_output",
    "get_copy_size",
    "get_diagnostics",
    "get_disk_space",
    "get_domain",
    "get_guest_facts",
    "get_screenshot",
    "is_agent_ready",
    "lacks_image",
    "list_addresses",
    "list_devices",
    "list_domains",
    "list_drift",
    "list_links",
    "list_networks",
    "list_pci_devices",
    "list_root_disks",
    "list_unused_images",
    "list_volumes",
    "read_adoption",
    "mark_console",
    "offer_image",
    "read_config_drive",
    "read_console_since",
    "read_fingerprint",
}
WRITING = {
    "attach_interface",
    "attach_volume",
    "begin_copy",
    "create_local_disks",
    "copy_volume",
    "create_rescue_disk",
    "create_root_disk",
    "create_volume",
    "define",
    "define_network",
    "delete_disks",
    "delete_network",
    "delete_rescue_disk",
    "delete_volume",
    "detach_interface",
    "detach_volume",
    "drop_copy",
    "drop_disks_aside",
    "drop_volume_copy",
    "ensure_image",
    "finish_copy",
    "freeze_guest",
    "inject_nmi",
    "keep_passphrase",
    "limit_volume",
    "pause",
    "plug_devices",
    "pivot_volume",
    "power_off",
    "power_on",
    "release_addresses",
    "remove_image",
    "read_image",
    "receive_image",
    "reserve_addresses",
    "resize_root_disk",
    "resize_volume",
    "resume",
    "save_record",
    "set_disks_aside",
    "set_firewall",
    "set_links",
    "set_password",
    "set_title",
    "shut_down",
    "suspend",
    "take_disks_back",
    "thaw_guest",
    "undefine",
    "unpause",
    "write_config_drive",
    "write_guest_file",
    "write_rescue_config_drive",
}


class WrittenInCheckMode(BaseException):
    """Nothing in production code may catch this: a write in check mode fails the test, whatever is around it."""


class ReadOnlyDriver:
    """Stands for a driver: readings are passed on, anything else is the end of the test."""

    def __init__(self, driver: ComputeDriver) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        if name in READING:
            return getattr(self._driver, name)

        def refuse(*arguments: Any, **options: Any) -> None:
            raise WrittenInCheckMode(f"{name}{arguments}")

        return refuse


def driver_methods() -> set[str]:
    """Return the names of all that a driver can be asked for."""
    return set(ComputeDriver.__abstractmethods__)


def read_bytes(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of every file and folder below, by path.

    Readers of an SQLite file with a write-ahead log share an index of that log in memory; it holds nothing.
    """
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith("-shm")
    }
