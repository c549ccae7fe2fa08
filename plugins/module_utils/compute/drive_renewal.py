# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the config drive anew that a changed record makes out of date, for the guest's next boot."""

from __future__ import annotations

from collections.abc import Mapping

from ..objects.instance import Instance
from ..virt.driver import ComputeDriver
from .config_drive import digest, renewed
from .host import Host
from .journal import Entry
from .operation import Run
from .records import read_record
from .states import ACTIVE, PAUSED, SUSPENDED
from .told_changes import differ

STEP = "config drive"


def renew_drive(run: Run, after: Instance) -> None:
    """Have the config drive tell what the record is about to say. One that has no config drive gets none.

    Raises:
        OptionInvalid: A content is not at hand.
        HypervisorError: The config drive is damaged.
    """
    before = run.instance
    if not differ(before.spec, after.spec):
        return
    had = run.driver.read_config_drive(after.uuid)
    if not had:
        return
    files = renewed(had, before, after, run.arguments.get("contents") or {})
    # Noted beforehand: who finds this drive written and the record old, knows which record goes with it.
    run.note(told=after.but(task_state=None, generation=after.generation + 1).as_document(), drive=_sum(files))
    run.step(STEP, run.driver.write_config_drive, after, files)
    if after.vm_state in (ACTIVE, PAUSED, SUSPENDED):
        run.remark("It is in the config drive that the guest has from its next start on.")


def finish_record(host: Host, entry: Entry) -> None:
    """Write the record that goes with the config drive that a dead run has written, if it had come to that."""
    if STEP not in entry.steps or "told" not in entry.notes:
        return
    domain = host.driver.get_domain(entry.uuid)
    record = None if domain is None else read_record(domain)
    told = Instance.from_document(entry.notes["told"], "instance")
    if record is None or record.generation >= told.generation or not _is_written(host.driver, entry):
        return
    host.driver.save_record(told)


def _is_written(driver: ComputeDriver, entry: Entry) -> bool:
    return bool(_sum(driver.read_config_drive(entry.uuid)) == entry.notes["drive"])


def _sum(files: Mapping[str, bytes]) -> str:
    return digest("\n".join(f"{path} {digest(files[path])}" for path in sorted(files)).encode())
