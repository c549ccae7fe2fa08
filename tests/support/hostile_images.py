# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that somebody made to read a host's files, to fill its disks, or that are merely damaged."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

# By name: what the refusal says.
REFUSALS = {
    "backing": "it has a backing file",
    "datafile": "its data lies in another file",
    "huge": "The image needs 10240 GiB, and the flavor's root disk has 1",
    "cut": "it is shorter than",
    "link": "is a symbolic link out of its folder",
    "climb": "which climbs up",
    "described": "it is a VMDK description",
    "hollow": "it is a VMDK without data of its own",
    "parent": "it has a parent, another file",
    "extents": "its data lies in other files",
}
DESCRIPTION = """# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"
RW 131072 FLAT "/etc/shadow" 0
"""


def make(folder: Path, whole: Path) -> dict[str, str]:
    """Make them, and return the file's name by theirs.

    Args:
        whole: A qcow2 image that is none of them.
    """
    backing = ["-u", "-b", "/etc/shadow", "-F", "raw"]
    _run("create", "-q", "-f", "qcow2", *backing, str(folder / "backing"), "64M")
    _run("create", "-q", "-f", "qcow2", "-o", f"data_file={folder}/data", str(folder / "datafile"), "64M")
    _run("create", "-q", "-f", "qcow2", str(folder / "huge"), "10T")
    content = whole.read_bytes()
    (folder / "cut").write_bytes(content[: len(content) * 2 // 3])
    (folder / "link").symlink_to("/etc/shadow")
    (folder / "described").write_text(DESCRIPTION)
    _run("convert", "-q", "-f", "qcow2", "-O", "vmdk", str(whole), str(folder / "vmdk"))
    vmdk = (folder / "vmdk").read_bytes()
    # Without a size of its own, QEMU goes by the description that it names.
    (folder / "hollow").write_bytes(vmdk[:12] + struct.pack("<Q", 0) + vmdk[20:])
    (folder / "parent").write_bytes(_described(vmdk, b'\nparentFileNameHint="/etc/shadow"\n'))
    (folder / "extents").write_bytes(_described(vmdk, b'\nRW 8 FLAT "/etc/shadow" 0\n'))
    (folder / "vmdk").unlink()
    names = {name: name for name in REFUSALS}
    return {**names, "climb": f"../{folder.name}/backing"}


def _described(vmdk: bytes, line: bytes) -> bytes:
    """Return a VMDK with one line more in its description, in the room behind it."""
    end = vmdk.index(b"\0", 512)
    return vmdk[:end] + line + vmdk[end + len(line) :]


def _run(*arguments: str) -> None:
    subprocess.run(["qemu-img", *arguments], check=True, capture_output=True)
