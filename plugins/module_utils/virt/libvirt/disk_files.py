# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How files of disks are made: under another name first, so that a half one is never taken for a whole one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ...objects.errors import ComputeResourcesUnavailable, DeadlineExceeded, HypervisorError
from ..images import UNFINISHED


def run_qemu_img(deadline: float, *arguments: str) -> None:
    """Run qemu-img; see `ask_qemu_img`."""
    ask_qemu_img(deadline, *arguments)


def ask_qemu_img(deadline: float, *arguments: str) -> bytes:
    """Run qemu-img, and return what it says.

    Args:
        deadline: Seconds that it may take.

    Raises:
        HypervisorError: It is missing, or failed.
        DeadlineExceeded: It took longer.
        ComputeResourcesUnavailable: The disk is full.
    """
    command = ("qemu-img", *arguments)
    return run_tool(
        deadline, "Install the distribution's package (the role novella.compute.hypervisor does).", *command
    )


def run_tool(deadline: float, remedy: str, *command: str) -> bytes:
    """Run a program that makes, changes or knows of a disk, and return what it says.

    Args:
        deadline: Seconds that it may take.
        remedy: What to do where it is missing.

    Raises:
        HypervisorError: It is missing, or failed.
        DeadlineExceeded: It took longer.
        ComputeResourcesUnavailable: The disk is full.
    """
    path = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    try:
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            [shutil.which(command[0], path=path) or command[0], *command[1:]],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=deadline,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise HypervisorError(f"{command[0]} is missing on this host.", remedy) from None
    except subprocess.TimeoutExpired:
        raise DeadlineExceeded(
            f"{command[0]} {command[1]} did not end within {deadline:g} s.", "Look at the host's storage."
        ) from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        kind = ComputeResourcesUnavailable if "No space left" in said else HypervisorError
        raise kind(f"{command[0]} {command[1]} failed: {said}") from None
    return done.stdout


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Yield the name to write under; whatever has that name at the end is removed.

    Raises:
        ComputeResourcesUnavailable: The disk is full: another host may have room.
    """
    part = part_of(path)
    part.unlink(missing_ok=True)
    try:
        yield part
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ComputeResourcesUnavailable(
            f"{path.parent} has no room left for {path.name}: {error.strerror}.", "Free some space in the pool."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Return the name that a file has while it is made."""
    return path.with_name(path.name + UNFINISHED)


def sync(path: Path) -> None:
    """Have a file on the disk, whatever happens next."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
