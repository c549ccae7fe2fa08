# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The NUMA topology that an instance asks for, from its flavor and image (Nova's numa_get_constraints)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ...objects.cpu_spec import format_cpu_spec
from ...objects.errors import InvalidInput
from ...objects.ingredients import Flavor, Image
from ...objects.numa import InstanceNUMACell, InstanceNUMATopology
from .wishes import Wishes

_PREFIXES = ("hw:", "hw_", "resources", "trait")


def requested_topology(flavor: Flavor, image: Optional[Image]) -> Optional[InstanceNUMATopology]:
    """Return the cells that the instance asks for, or None where any place in a host's memory and CPUs will do.

    Cells are asked for by ``hw:numa_nodes``, and one cell follows from dedicated or mixed CPUs or from a page size.
    Of its vCPUs and memory each cell has an equal share, unless ``hw:numa_cpus.N`` and ``hw:numa_mem.N`` say otherwise.

    Nova: hw:numa_cpus.N without anything that asks for cells is left out in silence. Here it is an error.

    Raises:
        InvalidInput: Flavor and image contradict each other or themselves.
    """
    if not _says_something(flavor.extra_specs) and not (image and _says_something(image.properties)):
        return None
    wishes = Wishes(flavor, image)
    cpu_policy = _cpu_policy(wishes)
    thread_policy = _thread_policy(wishes)
    emulator_policy = wishes.emulator_threads_policy()
    dedicated = _dedicated_vcpus(wishes, cpu_policy, thread_policy, emulator_policy)
    nodes, page_size = wishes.numa_nodes(), wishes.page_size()
    cpu_list, memory_list = wishes.numa_cpus(), wishes.numa_mem()
    if not nodes and page_size is None and cpu_policy not in ("dedicated", "mixed"):
        if cpu_list or memory_list:
            raise InvalidInput(
                f"Flavor '{flavor.name}' gives cells their vCPUs or memory, but asks for no cells.",
                "Set hw:numa_nodes.",
            )
        return None
    cells = _cells(flavor, nodes or 1, cpu_list, memory_list)
    return InstanceNUMATopology(
        tuple(
            InstanceNUMACell(
                number,
                memory,
                cpuset=format_cpu_spec(vcpus - dedicated),
                pcpuset=format_cpu_spec(vcpus & dedicated),
                pagesize=page_size,
                cpu_policy=cpu_policy,
                cpu_thread_policy=thread_policy,
            )
            for number, (vcpus, memory) in enumerate(cells)
        ),
        emulator_policy,
    )


def dedicated_cpus(flavor: Flavor, image: Optional[Image]) -> int:
    """Return how many host CPUs the instance takes for itself alone: its amount of Placement's class PCPU.

    Raises:
        InvalidInput: As `requested_topology`.
    """
    topology = requested_topology(flavor, image)
    if topology is None:
        return 0
    pinned = sum(len(cell.dedicated_vcpus) for cell in topology.cells)
    return pinned + (pinned > 0 and topology.emulator_threads_policy == "isolate")


def _says_something(keys: Mapping[str, str]) -> bool:
    return any(key.startswith(_PREFIXES) for key in keys)


def _cpu_policy(wishes: Wishes) -> Optional[str]:
    policy = wishes.cpu_policy()
    shared, dedicated = wishes.resources("VCPU"), wishes.resources("PCPU")
    if policy and (shared or dedicated):
        raise InvalidInput(
            f"Flavor '{wishes.flavor.name}' has resources:VCPU or resources:PCPU beside a CPU policy.",
            "Use one of them.",
        )
    if shared and dedicated:
        raise InvalidInput(f"Flavor '{wishes.flavor.name}' has resources:VCPU and resources:PCPU.", "Use one of them.")
    if dedicated:
        isolated = wishes.emulator_threads_policy() == "isolate"
        wanted = wishes.flavor.vcpus + isolated
        if dedicated != wanted:
            raise InvalidInput(
                f"Flavor '{wishes.flavor.name}' has resources:PCPU={dedicated}.", f"It must be {wanted}."
            )
        return "dedicated"
    return "shared" if shared else policy


def _thread_policy(wishes: Wishes) -> Optional[str]:
    policy, trait = wishes.cpu_thread_policy(), wishes.hyperthreading()
    if policy and trait:
        raise InvalidInput(
            f"Flavor '{wishes.flavor.name}' or its image has a CPU thread policy and the trait HW_CPU_HYPERTHREADING.",
            "Use one of them.",
        )
    return {"forbidden": "isolate", "required": "require"}.get(trait or "", policy)


def _dedicated_vcpus(
    wishes: Wishes, cpu_policy: Optional[str], thread_policy: Optional[str], emulator_policy: Optional[str]
) -> frozenset[int]:
    name, mask = wishes.flavor.name, wishes.dedicated_mask()
    if cpu_policy not in ("dedicated", "mixed"):
        if thread_policy:
            raise InvalidInput(
                f"Flavor '{name}' or its image has a CPU thread policy without dedicated CPUs.",
                "Set hw:cpu_policy to dedicated or mixed, or leave the thread policy out.",
            )
        if emulator_policy == "isolate":
            raise InvalidInput(
                f"Flavor '{name}' isolates emulator threads without dedicated CPUs.", "Set hw:cpu_policy to dedicated."
            )
    if cpu_policy != "mixed":
        if mask:
            raise InvalidInput(f"Flavor '{name}' has hw:cpu_dedicated_mask.", "It goes with hw:cpu_policy=mixed only.")
        return frozenset(range(wishes.flavor.vcpus)) if cpu_policy == "dedicated" else frozenset()
    if not mask:
        raise InvalidInput(f"Flavor '{name}' has mixed CPUs.", "Say with hw:cpu_dedicated_mask which are dedicated.")
    return mask


def _cells(
    flavor: Flavor, nodes: int, cpu_list: Optional[list[frozenset[int]]], memory_list: Optional[list[int]]
) -> list[tuple[frozenset[int], int]]:
    """Return vCPUs and MiB of each cell."""
    if cpu_list is None and memory_list is None:
        if flavor.vcpus % nodes or flavor.memory_mb % nodes:
            raise InvalidInput(
                f"Flavor '{flavor.name}' cannot be split evenly into {nodes} NUMA cells.",
                "Choose a number that divides vcpus and memory_mb, or give hw:numa_cpus.N and hw:numa_mem.N.",
            )
        count = flavor.vcpus // nodes
        return [
            (frozenset(range(node * count, (node + 1) * count)), flavor.memory_mb // nodes) for node in range(nodes)
        ]
    if cpu_list is None or memory_list is None or len(cpu_list) != nodes or len(memory_list) != nodes:
        raise InvalidInput(
            f"Flavor '{flavor.name}' or its image does not describe each of its {nodes} NUMA cells.",
            "Give hw:numa_cpus.N and hw:numa_mem.N for every cell, or for none.",
        )
    named = sorted(cpu for cpus in cpu_list for cpu in cpus)
    if named != list(range(flavor.vcpus)):
        raise InvalidInput(
            f"hw:numa_cpus of flavor '{flavor.name}' or its image names the vCPUs {', '.join(map(str, named))}.",
            f"Name each of 0 to {flavor.vcpus - 1} once.",
        )
    if sum(memory_list) != flavor.memory_mb:
        raise InvalidInput(
            f"hw:numa_mem of flavor '{flavor.name}' or its image adds up to {sum(memory_list)} MB.",
            f"It must add up to its memory, {flavor.memory_mb} MB.",
        )
    return list(zip(cpu_list, memory_list))
