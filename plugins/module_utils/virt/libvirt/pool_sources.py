# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes of pools that make none: what an NBD or iSCSI server, a Ceph cluster or a volume group has.

QEMU connects to the first three itself. They are never made nor deleted here; how large one is, it is asked.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from ...objects.errors import HypervisorError, InvalidVolume
from ...objects.pool import ISCSI, LVM, NBD, RBD, StoragePool
from ...objects.volume import Volume, VolumeRequest
from .disk_files import ask_qemu_img
from .storage import GIB

PORTS = {NBD: 10809, ISCSI: 3260, RBD: 6789}


def pool_source(disk: ET.Element, pool: StoragePool, name: str) -> None:
    """Give a disk of a domain its source: a volume of such a pool."""
    if pool.type == LVM:
        disk.set("type", "block")
        ET.SubElement(disk, "source", dev=_device(pool, name))
        return
    disk.set("type", "network")
    names = {NBD: name, ISCSI: f"{pool.iqn}/{name}", RBD: f"{pool.rbd_pool}/{name}"}
    source = ET.SubElement(disk, "source", protocol=pool.type, name=names[pool.type])
    ET.SubElement(source, "host", name=pool.host or "", port=str(_port(pool)))


def read_pool_volume(request: VolumeRequest, pool: StoragePool, deadline: float) -> Volume:
    """Return a volume of such a pool as it is now.

    Args:
        deadline: Seconds that the pool has to answer.

    Raises:
        InvalidVolume: The pool has none such, or does not answer.
    """
    try:
        said = ask_qemu_img(deadline, "info", "--output", "json", "--image-opts", _options(request, pool))
        size = int(json.loads(said)["virtual-size"])
    except (HypervisorError, ValueError, KeyError, TypeError) as error:
        what = f"'{request.name_in_pool}' of the storage pool '{pool.name}' ({pool.type})"
        told = f": {error.message}" if isinstance(error, HypervisorError) else "."
        raise InvalidVolume(
            f"The volume '{request.name}' is to be {what}, which this host cannot read{told}",
            "Look at the server, and whether QEMU has its driver (Debian: package qemu-block-extra for iscsi and rbd).",
        ) from error
    return Volume(request.uuid, request.name, size // GIB, request.format, fleet="", project_id="", pool=pool)


def _options(request: VolumeRequest, pool: StoragePool) -> str:
    name = request.name_in_pool or ""
    options = {
        NBD: f"driver=nbd,server.type=inet,server.host={pool.host},server.port={_port(pool)},export={name}",
        ISCSI: f"driver=iscsi,transport=tcp,portal={pool.host}:{_port(pool)},target={pool.iqn},lun={name}",
        RBD: f"driver=rbd,pool={pool.rbd_pool},image={name},server.0.host={pool.host},server.0.port={_port(pool)}",
        LVM: f"driver=host_device,filename={_device(pool, name)}",
    }
    return f"driver=raw,{_beneath(options[pool.type])}"


def _beneath(options: str) -> str:
    return ",".join(f"file.{option}" for option in options.split(","))


def _device(pool: StoragePool, name: str) -> str:
    return f"/dev/{pool.vg}/{name}"


def _port(pool: StoragePool) -> int:
    return pool.port or PORTS.get(pool.type, 0)
