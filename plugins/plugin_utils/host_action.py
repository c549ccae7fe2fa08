# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of every module that acts on a compute node.

It fills in the host's options from the inventory (``novella_uri``, ``novella_pool``, …), so that tasks
need not repeat them, has the host use the code that it keeps, and shows the progress of long work.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions

from .host_code import HostCode
from .keepalive import keep_alive

# The options of the documentation fragment novella.compute.host.
HOST_OPTIONS = (
    "driver",
    "uri",
    "pool",
    "state_path",
    "snapshots_dir",
    "volumes_dir",
    "reserved_host_cpus",
    "reserved_host_memory_mb",
    "reserved_host_disk_mb",
    "cpu_allocation_ratio",
    "ram_allocation_ratio",
    "disk_allocation_ratio",
    "initial_cpu_allocation_ratio",
    "initial_ram_allocation_ratio",
    "initial_disk_allocation_ratio",
    "instance_overhead_memory_mb",
    "minimum_free_disk_mb",
    "resources",
    "traits",
    "labels",
    "cpu_shared_set",
    "cpu_dedicated_set",
    "pci_device_spec",
    "max_concurrent_builds",
    "deadline",
    "shutdown_timeout",
    "wait_soft_reboot_seconds",
    "device_detach_attempts",
    "device_detach_timeout",
    "vnc_server_listen",
    "spice_server_listen",
    "serial_server_listen",
    "serial_port_range",
    "kept_actions",
    "kept_actions_per_instance",
    "consecutive_build_service_disable_threshold",
    "request_id",
    "power_policy",
    "record_version_cap",
    "reclaim_instance_interval",
    "remove_unused_base_images",
    "remove_unused_original_minimum_age_seconds",
    "update_resources_interval",
    "sync_power_state_interval",
    "image_cache_manager_interval",
    "claim_cleanup_interval",
)

# The module that runs the others, and where hosts keep what those are made of.
RUNNER = "novella.compute.host_module"
KEPT_IN = "code"

_PROGRESS_SECONDS = 5.0


class HostAction(ActionBase):
    """Run the module of the same name with the inventory's options of the host."""

    TRANSFERS_FILES = False
    # Whether the module knows the option progress_path.
    shows_progress = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        keep_alive(self._connection)
        result: dict[str, Any] = super().run(tmp, variables)
        arguments = {
            "host": variables["inventory_hostname"],
            # All hosts' history shows the same for one play.
            "request_id": f"req-{self._task.play._uuid}",
            **self._inventory_options(variables),
            **self._task.args,
        }
        if not self.shows_progress:
            result.update(self.ask(arguments, variables))
            return result
        arguments["progress_path"] = f"/run/novella/progress-{self._task._uuid}"
        with self._showing(str(arguments["host"]), arguments["progress_path"]):
            result.update(self.ask(arguments, variables))
        return result

    def ask(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module on the host and return its answer."""
        return self.call(type(self).__module__.rpartition(".")[2], arguments, variables)

    def call(self, module: str, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run a module of this collection on the host by the code that it keeps, and return its answer.

        A host that has not got this code is sent it, once.
        """
        code = HostCode()
        asked = {"module": module, "arguments": arguments}
        if self._connection.transport == "local":
            return self._run({**asked, "code": str(code.in_place)}, variables)
        digest = code.digest()
        state_path = arguments.get("state_path") or HostOptions.state_path
        asked["code"] = self._connection._shell.join_path(state_path, KEPT_IN, digest)
        answer = self._run(asked, variables)
        if not answer.get("is_missing"):
            return answer
        return self._run({**asked, "archive": self._send(code, digest)}, variables)

    def _run(self, asked: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(module_name=RUNNER, module_args=asked, task_vars=variables)
        return answer

    def _send(self, code: HostCode, digest: str) -> str:
        """Put the code into the task's folder on the host, which Ansible removes, and return its path there."""
        folder = self._connection._shell.tmpdir or self._make_tmp_path()
        path: str = self._connection._shell.join_path(folder, f"{digest}.zip")
        with tempfile.TemporaryDirectory(prefix="novella-") as here:
            archive = Path(here, "code.zip")
            code.write_archive(archive)
            self._transfer_file(str(archive), path)
        self._fixup_perms2([folder, path])
        return path

    def _inventory_options(self, variables: dict[str, Any]) -> dict[str, Any]:
        names = {name: f"novella_{name}" for name in HOST_OPTIONS}
        return {
            name: self._templar.template(variables[variable])
            for name, variable in names.items()
            if variable in variables
        }

    @contextlib.contextmanager
    def _showing(self, host: str, path: str) -> Iterator[None]:
        """Print the progress file's line every few seconds while the work goes on."""
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(host, path, ended), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join(_PROGRESS_SECONDS)

    def _watch(self, host: str, path: str, ended: threading.Event) -> None:
        shown = b""
        while not ended.wait(_PROGRESS_SECONDS):
            # A connection of its own: the task's is busy with the module.
            connection = connection_loader.get(
                self._connection.transport, self._play_context, task_uuid=self._task._uuid
            )
            connection.set_options(direct=self._connection._options)
            code, line, _stderr = connection.exec_command(f"cat {path}", in_data=None, sudoable=False)
            if code == 0 and line != shown and not ended.is_set():
                shown = line
                Display().display(f"  [{host}] {line.decode('utf-8', 'replace').strip()}")
