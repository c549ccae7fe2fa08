# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NUMA cells and PCI devices in a plan: what deletes free, and which devices creates are to be given."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.device_spec import pool_devices
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.fitting import Misfit, fit
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.pci_alias import requested_devices
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.topology import requested_topology
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.usage import with_usage
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import NUMATopologyLimits
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action


def with_devices(action: Action, aliases: Sequence[Mapping[str, Any]]) -> Action:
    """Return the action with what its flavor's PCI aliases mean, for the host, which knows no aliases.

    A create that the scheduler did not place may name an alias that is not declared any more; its host says so.
    """
    if action.operation in ("create", "reconfigure") and action.spec is not None:
        with contextlib.suppress(InvalidInput):
            requests = requested_devices(action.spec.flavor, action.spec.image, aliases)
            return action.but(pci_requests=requests) if requests else action
    return action


def free_hardware(node: ComputeNode, instance: Instance) -> ComputeNode:
    """Return the node without what an instance has of its hardware."""
    if instance.numa_topology is None and not instance.pci_devices:
        return node
    pools = list(node.pci_device_pools)
    for freed, _devices in pool_devices(instance.pci_devices):
        same = next((place for place, pool in enumerate(pools) if pool.but(count=freed.count) == freed), None)
        if same is None:
            pools.append(freed)
        else:
            pools[same] = freed.but(count=pools[same].count + freed.count)
    return node.but(
        numa_topology=with_usage(node.numa_topology, instance.numa_topology, sign=-1), pci_device_pools=pools
    )


def charge_cells(node: ComputeNode, spec: InstanceSpec) -> ComputeNode:
    """Return the node with an instance on its cells that is to be built there, as far as that can be foreseen."""
    asked = requested_topology(spec.flavor, spec.image)
    if asked is None:
        return node
    limits = NUMATopologyLimits(node.cpu_allocation_ratio, node.ram_allocation_ratio)
    fitted = fit(node.numa_topology, asked, limits)
    return node if isinstance(fitted, Misfit) else node.but(numa_topology=with_usage(node.numa_topology, fitted))
