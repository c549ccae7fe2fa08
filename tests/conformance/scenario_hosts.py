# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random hosts, aggregates and options."""

from __future__ import annotations

import random
import uuid
from typing import Any

NOVA_FILTERS = (
    "AggregateImagePropertiesIsolation",
    "AggregateInstanceExtraSpecsFilter",
    "AggregateIoOpsFilter",
    "AggregateMultiTenancyIsolation",
    "AggregateNumInstancesFilter",
    "AggregateTypeAffinityFilter",
    "AllHostsFilter",
    "ComputeCapabilitiesFilter",
    "ComputeFilter",
    "DifferentHostFilter",
    "ImagePropertiesFilter",
    "IoOpsFilter",
    "IsolatedHostsFilter",
    "JsonFilter",
    "MetricsFilter",
    "NUMATopologyFilter",
    "NumInstancesFilter",
    "PciPassthroughFilter",
    "SameHostFilter",
    "ServerGroupAffinityFilter",
    "ServerGroupAntiAffinityFilter",
    "SimpleCIDRAffinityFilter",
)
NOVA_WEIGHERS = (
    "BuildFailureWeigher",
    "CPUWeigher",
    "CrossCellWeigher",
    "DiskWeigher",
    "HypervisorVersionWeigher",
    "ImagePropertiesWeigher",
    "IoOpsWeigher",
    "MetricsWeigher",
    "NumInstancesWeigher",
    "PCIWeigher",
    "RAMWeigher",
    "ServerGroupSoftAffinityWeigher",
    "ServerGroupSoftAntiAffinityWeigher",
)
# Options that are multipliers, and whether Nova lets them be negative.
MULTIPLIERS = {
    "ram_weight_multiplier": True,
    "cpu_weight_multiplier": True,
    "disk_weight_multiplier": True,
    "io_ops_weight_multiplier": True,
    "num_instances_weight_multiplier": True,
    "hypervisor_version_weight_multiplier": True,
    "metrics_weight_multiplier": True,
    "pci_weight_multiplier": False,
    "soft_affinity_weight_multiplier": False,
    "soft_anti_affinity_weight_multiplier": False,
    "build_failure_weight_multiplier": True,
    "cross_cell_move_weight_multiplier": True,
    "image_props_weight_multiplier": True,
}
PROJECTS = ("alpha", "beta", "gamma")
FLAVORS = ("tiny", "small", "medium")
METRICS = ("cpu.frequency", "cpu.user.time", "cpu.idle.time")
IMAGES = ("debian", "fedora", "windows", "appliance")
# Legacy names and other spellings included, and properties that Nova does not know.
IMAGE_PROPERTIES = {
    "hw_architecture": ("x86_64", "amd64", "aarch64", "i686"),
    "architecture": ("x86_64", "i386"),
    "img_hv_type": ("kvm", "qemu", "QEMU", "xen"),
    "hypervisor_type": ("kvm", "qemu"),
    "hw_vm_mode": ("hvm", "hv", "xen", "exe"),
    "vm_mode": ("hvm", "pv"),
    "img_hv_requested_version": (">=6.0", ">=6.0,<8", "==7.0.0", "<5.2", "!=9.1.0"),
    "hypervisor_version_requires": (">=8.0",),
    "os_distro": ("debian", "ubuntu", "fedora"),
    "os_type": ("linux", "windows"),
    "hw_disk_bus": ("virtio", "scsi"),
    "hw_vif_model": ("virtio", "e1000"),
    "hw_cpu_sockets": ("1", "2"),
    "hw_qemu_guest_agent": ("yes", "no"),
    "site_tier": ("gold", "silver"),
}
TRIPLES = (["x86_64", "kvm", "hvm"], ["x86_64", "qemu", "hvm"], ["i686", "kvm", "hvm"], ["aarch64", "qemu", "hvm"])


def random_uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def some(draw: random.Random, of: Any, at_most: int, at_least: int = 0) -> list[Any]:
    """Return a few of these, in random order."""
    return draw.sample(list(of), draw.randint(min(at_least, len(of)), min(at_most, len(of))))


def make_image(draw: random.Random) -> dict[str, Any]:
    """Return an image. One with the same name may have other properties elsewhere: a snapshot, say."""
    keys = some(draw, IMAGE_PROPERTIES, draw.choice((0, 0, 1, 2, 4)))
    properties = {key: draw.choice(IMAGE_PROPERTIES[key]) for key in keys}
    if draw.random() < 0.02:
        properties["hw_maxphysaddr_bits"] = draw.choice(("40", "46"))
    return {"name": draw.choice(IMAGES), "properties": properties}


def make_host(draw: random.Random, number: int) -> dict[str, Any]:
    """Return a host with its instances. It may be overcommitted, of an odd make, or know little of itself."""
    name = f"{draw.choice(('kvm', 'kvm', 'Rack-'))}{number}"
    local_gb = draw.choice((0, 40, 100, 500))
    stats: dict[str, Any] = {
        "num_instances": draw.randint(0, 12),
        "io_workload": draw.randint(0, 9),
        "failed_builds": draw.choice((0, 0, 0, 1, 5)),
        "rack": draw.choice(("r1", "r2", "r10")),
        "level": draw.choice(("3", "4", "4.0", "10")),
    }
    image = lambda: make_image(draw) if draw.random() < 0.9 else None  # noqa: E731
    return {
        "host": name,
        "node": name if draw.random() < 0.9 else f"{name}.example.org",
        "disabled": draw.random() < 0.12,
        "vcpus": draw.choice((2, 4, 8, 64)),
        "vcpus_used": draw.randint(0, 20),
        "memory_mb": draw.choice((2048, 8192, 65536)),
        "memory_mb_used": draw.choice((0, 512, 3000, 9000)),
        "local_gb": local_gb,
        "local_gb_used": draw.randint(0, local_gb + 10),
        "disk_available_least": draw.choice((None, None, -5, 0, 30, 600)),
        "cpu_allocation_ratio": draw.choice((1.0, 4.0, 16.0, 1.5)),
        "ram_allocation_ratio": draw.choice((1.0, 1.5)),
        "disk_allocation_ratio": draw.choice((1.0, 2.0)),
        "host_ip": f"10.{draw.randint(0, 1)}.{draw.randint(0, 2)}.{number}",
        "hypervisor_type": draw.choice(("QEMU", "QEMU", "kvm")),
        "hypervisor_version": draw.choice((9001000, 7000000, 5002001, 0)),
        "cpu_info": make_cpu_info(draw),
        "supported_instances": some(draw, TRIPLES, 4, at_least=draw.choice((0, 1, 1))),
        "stats": {key: stats[key] for key in some(draw, stats, len(stats), at_least=3)},
        "metrics": [
            {
                "name": metric,
                "value": draw.randint(-50, 3000),
                "timestamp": "2026-01-01T00:00:00",
                "source": "libvirt",
            }
            for metric in some(draw, METRICS, 3, at_least=draw.choice((0, 3)))
        ],
        "instances": [
            {"uuid": random_uuid(draw), "project_id": draw.choice(PROJECTS), "image": image()}
            for _number in range(draw.choice((0, 1, 2, 5)))
        ],
    }


def make_cpu_info(draw: random.Random) -> dict[str, Any]:
    """Return what a host says of its CPU."""
    info: dict[str, Any] = {
        "arch": draw.choice(("x86_64", "aarch64")),
        "vendor": draw.choice(("Intel", "AMD")),
        "model": draw.choice(("Skylake-Server", "EPYC")),
        "topology": {"cells": 1, "sockets": draw.choice((1, 2)), "cores": draw.choice((2, 8)), "threads": 2},
        "features": some(draw, ("aes", "vaes", "vmx", "sse4.2", "avx512f"), 5),
    }
    if draw.random() < 0.5:
        info["maxphysaddr"] = {"mode": "emulate", "bits": draw.choice((39, 42, 46))}
    return info


def make_aggregates(draw: random.Random, hosts: list[str]) -> list[dict[str, Any]]:
    """Return overlapping aggregates, some of whose values cannot be read."""
    choices: dict[str, tuple[str, ...]] = {
        "availability_zone": ("az1", "az2"),
        "ssd": ("true", "false", "true, false", "True", ""),
        "gpu": ("1", "2", "1,2", "10", "4.0"),
        "rack": ("r1", "r1,r2", "r2"),
        "instance_type": ("small", "tiny, small", "large", ""),
        "filter_tenant_id": ("alpha", "alpha,beta", " gamma "),
        "filter_tenant_id2": ("beta",),
        "max_io_ops_per_host": ("3", "10", "9", "1,2", "x", "4.5", " 5 ", "0", "-1"),
        "max_instances_per_host": ("2", "10", "9", "6, 7", "", "50"),
        "os_distro": ("debian", "debian, ubuntu", "fedora"),
        "os_type": ("linux",),
        "hw_disk_bus": ("virtio", "scsi,virtio"),
        "hw_cpu_sockets": ("1", "2"),
        "hw_qemu_guest_agent": ("True", "yes", "False"),
        "hw_architecture": ("x86_64", "amd64"),
        "architecture": ("aarch64",),
        "site_tier": ("gold",),
    }
    multipliers = dict.fromkeys(MULTIPLIERS, ("2.0", "-1", "0", "abc", "1e3", "0.3, 0.4") * 5 + ("inf",))
    often = ("ssd", "gpu", "rack", "os_distro", "hw_disk_bus", "hw_cpu_sockets")
    aggregates = []
    for number in range(draw.choice((0, 1, 2, 4))):
        metadata = {key: draw.choice(choices[key]) for key in (*some(draw, choices, 3), *some(draw, often, 2))}
        metadata.update({key: draw.choice(multipliers[key]) for key in some(draw, multipliers, draw.choice((0, 2)))})
        aggregates.append({"name": f"agg{number}", "hosts": some(draw, hosts, len(hosts)), "metadata": metadata})
    return aggregates


def make_options(draw: random.Random, hosts: list[str]) -> dict[str, Any]:
    """Return options of filters and weighers; which of these run is left open."""
    options: dict[str, Any] = {
        "max_io_ops_per_host": draw.randint(1, 10),
        "max_instances_per_host": draw.randint(1, 15),
        "isolated_images": some(draw, IMAGES, draw.choice((0, 2))),
        "isolated_hosts": some(draw, hosts, draw.choice((0, 3))),
        "restrict_isolated_hosts_to_isolated_images": draw.random() < 0.5,
        "image_properties_default_architecture": draw.choice((None, None, "x86_64", "aarch64")),
        "metrics_weight_setting": [
            f"{metric}={draw.choice(('1.0', '-0.5', '0', '3'))}" for metric in some(draw, METRICS, draw.choice((0, 3)))
        ],
        "metrics_required": draw.random() < 0.5,
        "metrics_weight_of_unavailable": draw.choice((-10000.0, 5.0)),
        "image_props_weight_setting": [
            f"{key}={draw.choice(('1', '-2', '0.5'))}"
            for key in some(draw, ("os_distro", "hw_architecture", "hw_disk_bus"), draw.choice((0, 3)))
        ],
    }
    if draw.random() < 0.3:
        namespace, separator = draw.choice((("os", "_"), ("hw", "_"), ("hw", ".")))
        options["aggregate_image_properties_isolation_namespace"] = namespace
        options["aggregate_image_properties_isolation_separator"] = separator
    if draw.random() < 0.5:
        options["image_props_weight_multiplier"] = draw.choice((1.0, -1.0, 0.7))
    for name in some(draw, MULTIPLIERS, 6):
        values = (0.0, 0.5, 1.0, 3.0, 1000.0, *((-1.0, -2.5) if MULTIPLIERS[name] else ()))
        options[name] = draw.choice(values)
    return options
