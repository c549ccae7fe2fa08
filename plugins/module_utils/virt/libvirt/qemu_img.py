# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copying disks with qemu-img. It dies with the run that started it, however that dies."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ...objects.errors import (
    ComputeResourcesUnavailable,
    DeadlineExceeded,
    HypervisorError,
    ImageUnacceptable,
    NovellaError,
)
from ..hypervisor import Copying

# A whole disk is read and written.
COPY_DEADLINE = 7200.0
MEASURE_DEADLINE = 60.0
POLL_SECONDS = 0.5
# What qemu-img may have of memory while it reads what strangers have written, in bytes.
CONVERSION_MEMORY = 4 << 30
# Left alone, it would hold the disk, and the guest could not be started.
DYING = ("setpriv", "--pdeathsig", "KILL", "--")


def measure(disk: Path, made_as: str = "qcow2", make: str = "qcow2") -> int:
    """Return how many bytes a whole copy takes of what is on a disk, in use or not.

    Args:
        made_as, make: The formats of the disk and of the copy.

    Raises:
        HypervisorError: It cannot be told.
    """
    command = ("qemu-img", "measure", "-U", "--output", "json", "-f", made_as, "-O", make, str(disk))
    said = _run(command, MEASURE_DEADLINE)
    try:
        return int(json.loads(said)["required"])
    except (ValueError, KeyError, TypeError):
        raise HypervisorError(f"qemu-img cannot tell how much is on {disk}.", "Look at the disk.") from None


def convert(disk: Path, target: Path, progress: Copying, made_as: str = "qcow2", make: str = "qcow2") -> None:
    """Copy a disk that nobody writes to, with what is beneath it.

    Args:
        progress: Told now and then how many bytes of how many are written.
        made_as, make: The formats of the disk and of the copy.

    Raises:
        ComputeResourcesUnavailable: There is no room for it.
        DeadlineExceeded: It takes too long.
        HypervisorError: qemu-img failed.
    """
    total = measure(disk, made_as, make)
    command = (*DYING, "qemu-img", "convert", "-q", "-f", made_as, "-O", make, str(disk), str(target))
    end = time.monotonic() + COPY_DEADLINE
    with _started(command) as process:
        while True:
            try:
                _said, complaint = process.communicate(timeout=POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > end:
                    raise DeadlineExceeded(f"{disk} was not copied within {COPY_DEADLINE:g} s.") from None
                with contextlib.suppress(OSError):
                    progress(min(total, target.stat().st_blocks * 512), total)
    if process.returncode:
        raise _failed(command, complaint)


def convert_foreign(disk_format: str, source: Path, target: Path, seconds: float) -> None:
    """Write an image of another format anew as qcow2. It comes from strangers, so the kernel sets limits.

    Args:
        disk_format: What its header was found to be; qemu-img guesses nothing.
        seconds: How long it may take.

    Raises:
        ComputeResourcesUnavailable: There is no room for it.
        DeadlineExceeded: It takes too long.
        ImageUnacceptable: qemu-img cannot read it.
    """
    limits = ("prlimit", f"--as={CONVERSION_MEMORY}", f"--cpu={int(seconds) + 1}", "--core=0", "--")
    command = (*limits, *DYING, "qemu-img", "convert", "-q", "-f", disk_format, "-O", "qcow2", str(source), str(target))
    try:
        _run(command, seconds)
    except HypervisorError as error:
        if not error.message.startswith(command[0] + " "):
            raise
        raise ImageUnacceptable(
            f"An image of format {disk_format} could not be converted.", error.message.rpartition(": ")[2]
        ) from None


def check_equal(disk: Path, copy: Path, made_as: str, make: str) -> None:
    """See that a guest would read the same from a disk and from its copy, which may be longer.

    Raises:
        HypervisorError: It would not, or that cannot be told.
        DeadlineExceeded: It takes too long.
    """
    _run((*DYING, "qemu-img", "compare", "-q", "-f", made_as, "-F", make, str(disk), str(copy)), COPY_DEADLINE)


@contextlib.contextmanager
def _started(command: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    """Have a command run, and end it when it is not waited for any more."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_environment()
        )
    except FileNotFoundError:
        raise _missing(command[0]) from None
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _run(command: tuple[str, ...], seconds: float) -> bytes:
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, env=_environment()
        )
    except FileNotFoundError:
        raise _missing(command[0]) from None
    except subprocess.TimeoutExpired:
        raise DeadlineExceeded(
            f"{command[0]} {command[1]} did not end within {seconds:g} s.", "Look at the host's storage."
        ) from None
    except subprocess.CalledProcessError as error:
        raise _failed(command, error.stderr) from None
    return done.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _missing(program: str) -> HypervisorError:
    return HypervisorError(f"{program} is missing on this host.", "Install the distribution's package.")


def _failed(command: tuple[str, ...], complaint: bytes) -> NovellaError:
    said = complaint.decode(errors="replace").strip()
    if "No space left" in said:
        return ComputeResourcesUnavailable(f"The disk has no room for a copy: {said}", "Free some space there.")
    return HypervisorError(f"{' '.join(command)} failed: {said}")
