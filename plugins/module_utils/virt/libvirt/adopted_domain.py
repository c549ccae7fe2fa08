# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a domain has that somebody else has defined. It is read to be told of, and never built anew."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Optional

from ...objects.adoption import AdoptedDisk, AdoptedNic, Adoption
from ...objects.errors import NotSupported
from .binding import libvirt
from .surroundings import read_disk

GIB = 1 << 30
# Where libvirt says what a disk's data are, or what an interface hangs on.
_SOURCES = ("file", "dev", "dir", "name", "network", "bridge", "path", "service", "type")
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
# Parts of a definition that Novella does not write, or writes as it needs them.
_TUNINGS = (
    *("memoryBacking", "numatune", "cputune", "iothreads", "blkiotune", "memtune", "resource", "launchSecurity"),
    *("maxMemory", "keywrap", "pm", "perf", "throttlegroups", "idmap", "bootloader"),
)
# Devices by their tag, each with the attribute that tells of what kind it is.
_DEVICES = {
    "hostdev": "type",
    "redirdev": "bus",
    "sound": "model",
    "audio": "type",
    "tpm": "model",
    "watchdog": "model",
    "filesystem": "type",
    "smartcard": "mode",
    "shmem": "name",
    "memory": "model",
    "vsock": "model",
    "panic": "model",
    "iommu": "model",
    "parallel": "type",
    "hub": "type",
    "nvram": "",
    "crypto": "model",
    "graphics": "type",
}

# Gives the path of a disk that takes room on this host, and its size in bytes.
DiskReader = Callable[[ET.Element], "tuple[str, int]"]


def check_persistent(domain: Any) -> None:
    """Refuse a domain that is not defined, only running.

    Raises:
        NotSupported: It is gone as soon as it is off.
    """
    if not domain.isPersistent():
        raise NotSupported(
            f"The domain '{domain.name()}' is transient: it is gone as soon as it is off.",
            f"Define it first: virsh dumpxml {domain.name()} > domain.xml && virsh define domain.xml.",
        )


def keeping_flags() -> int:
    """Return what has libvirt keep what a domain's firmware and TPM have stored when it is undefined."""
    # Releases without the second keep a TPM's state in any case.
    return int(libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM | getattr(libvirt, "VIR_DOMAIN_UNDEFINE_KEEP_TPM", 0))


def describe_adoption(raw: Any, uuid: str) -> Adoption:
    """Read what a domain is defined as.

    Args:
        raw: The bare virConnect; this only reads.
    """
    xml = raw.lookupByUUIDString(uuid).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    return describe_definition(ET.fromstring(xml), lambda disk: read_disk(raw, disk))  # noqa: S314 - libvirtd is trusted


def describe_definition(domain: ET.Element, read: DiskReader) -> Adoption:
    """Return what a definition has."""
    return Adoption(
        domain_name=domain.findtext("name", ""),
        disks=[_disk(disk, read) for disk in domain.findall("devices/disk")],
        nics=[_nic(nic) for nic in domain.findall("devices/interface")],
        kept=_kept(domain),
    )


def _disk(disk: ET.Element, read: DiskReader) -> AdoptedDisk:
    path, size = read(disk)
    source = disk.find("source")
    return AdoptedDisk(
        device_name=_get(disk.find("target"), "dev") or "",
        kind=disk.get("device", "disk"),
        source=path or _source(source),
        size_gb=-(-size // GIB),
        is_file=bool(path) and disk.get("type") == "file",
    )


def _nic(nic: ET.Element) -> AdoptedNic:
    mac = _get(nic.find("mac"), "address") or ""
    return AdoptedNic(mac.lower(), nic.get("type", ""), _source(nic.find("source")))


def _source(source: Optional[ET.Element]) -> Optional[str]:
    if source is None:
        return None
    if source.get("pool") and source.get("volume"):
        return f"{source.get('pool')}/{source.get('volume')}"
    protocol = f"{source.get('protocol')}:" if source.get("protocol") else ""
    found = next((source.get(name) for name in _SOURCES if source.get(name)), None)
    return None if found is None else f"{protocol}{found}"


def _kept(domain: ET.Element) -> list[str]:
    """Return in words what Novella would not have built so."""
    words = [f"cpu {mode}" for mode in [_get(domain.find("cpu"), "mode")] if mode not in (None, "host-model")]
    machine = _get(domain.find("os/type"), "machine") or ""
    words += [f"machine {machine}"] if machine and "q35" not in machine else []
    words += _firmware(domain)
    words += ["numa"] if domain.find("cpu/numa") is not None else []
    words += ["hyperv"] if domain.find("features/hyperv") is not None else []
    words += [tag for tag in _TUNINGS if domain.find(tag) is not None]
    words += _many(_devices(domain))
    words += ["qemu:commandline"] if domain.find(f"{QEMU}commandline") is not None else []
    return words


def _firmware(domain: ET.Element) -> Iterable[str]:
    os = domain.find("os")
    if os is None:
        return
    loader = os.find("loader")
    if os.get("firmware") == "efi" or (loader is not None and loader.get("type") == "pflash"):
        yield "firmware efi, secure boot" if loader is not None and loader.get("secure") == "yes" else "firmware efi"
    for tag in ("nvram", "kernel"):
        if os.find(tag) is not None:
            yield tag


def _devices(domain: ET.Element) -> Iterable[str]:
    for device in domain.findall("devices/*"):
        if device.tag == "video":
            yield f"video {_get(device.find('model'), 'type') or ''}".strip()
        elif device.tag in _DEVICES:
            attribute = _DEVICES[device.tag]
            yield f"{device.tag} {device.get(attribute) or ''}".strip() if attribute else device.tag


def _many(words: Iterable[str]) -> list[str]:
    return [word if number == 1 else f"{number} {word}" for word, number in Counter(words).items()]


def _get(element: Optional[ET.Element], attribute: str) -> Optional[str]:
    return None if element is None else element.get(attribute)
