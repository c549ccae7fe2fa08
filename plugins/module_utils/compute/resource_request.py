# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance asks of a host, in Placement's terms (Nova's ResourceRequest).

The scheduler filters and consumes by it and the host claims by it, so that both count the same.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

from ..objects.errors import InvalidInput, nearest
from ..objects.ingredients import Flavor, Image
from .hardware.topology import requested_topology
from .inventories import DISK_GB, MEMORY_MB, PCPU, STANDARD_CLASSES, VCPU, is_custom_class, is_trait

_KEY = re.compile(r"(resources|trait)([A-Za-z0-9_-]{1,64})?:(.*)")
_POLICY = "group_policy"
_POLICIES = ["none", "isolate"]
_TRAIT_VALUES = ["required", "forbidden"]

Specs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ResourceRequest:
    """Amounts by resource class, and traits.

    Args:
        vcpus: Of class VCPU. Dedicated CPUs are not in it: they are fitted one by one.
        memory_mb: Of class MEMORY_MB.
        disk_gb: Of class DISK_GB: root, ephemeral and swap disk, whole GiB rounded up.
        disk_mb: The same, not rounded.
        consumed_disk_mb: The same without swap, which Nova's scheduler does not count either until the next audit.
        custom: By custom class, the amount in all.
        parts: By class, the amounts that must each come from one provider. What is 0 is left out.
        required, forbidden: Traits.
        is_scattered: Several groups must come from different providers (``group_policy=isolate``).
    """

    vcpus: int
    memory_mb: int
    disk_gb: int
    disk_mb: int
    consumed_disk_mb: int
    custom: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    is_scattered: bool = False

    def memory_with(self, overhead_mb: int) -> int:
        """Return the memory that it takes of a host: with QEMU's own, where it takes any."""
        return self.memory_mb + overhead_mb if self.memory_mb else 0


class ResourceRequestInvalid(InvalidInput):
    """An extra spec or image property that asks for something impossible.

    Args:
        key: Its name.
        sentence: What is wrong with it, to be read behind the name and a colon.
    """

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(f"{key}: {sentence}", key=key)
        self.key = key
        self.sentence = sentence


def requested_resources(flavor: Flavor, image: Optional[Image] = None) -> ResourceRequest:
    """Return what a flavor and an image ask for.

    By default that is the flavor's size. ``resources:CLASS=N`` replaces an amount, 0 takes it out.
    ``resources<S>:CLASS=N`` asks for it on one provider, and the only provider here is the host itself; several such
    groups are added up.
    ``trait:T=required|forbidden`` stands in flavors and images.

    Raises:
        ResourceRequestInvalid: A key or value makes no sense, or two contradict each other.
        InvalidInput: What is said of dedicated CPUs contradicts itself.
    """
    specs: Specs = ()
    if flavor.extra_specs:
        specs = tuple(
            (key, value)
            for key, value in flavor.extra_specs.items()
            if key == _POLICY or key.startswith(("resources", "trait"))
        )
    properties: Specs = ()
    if image is not None and image.properties:
        properties = tuple((key, value) for key, value in image.properties.items() if key.startswith("trait"))
    # root, ephemeral, swap
    disks = (flavor.root_gb, flavor.ephemeral_gb, flavor.swap_mb)
    shared = flavor.vcpus - _dedicated(flavor, image)
    return _derive(shared, flavor.memory_mb, disks, specs, properties)


@functools.lru_cache(maxsize=1024)
def _derive(
    vcpus: int, memory_mb: int, disks: tuple[int, int, int], specs: Specs, properties: Specs
) -> ResourceRequest:
    amounts: dict[str, dict[str, int]] = {}
    traits: dict[str, tuple[str, str]] = {}
    for origin, pairs in (("flavor", specs), ("image", properties)):
        for key, value in pairs:
            match = _KEY.fullmatch(key)
            if match is None or (origin == "image" and match[1] != "trait"):
                continue
            kind, suffix, name = match[1], match[2] or "", match[3]
            if kind == "resources":
                amounts.setdefault(suffix, {})[_class(key, name)] = _amount(key, value)
            else:
                _add_trait(traits, key, name, value)
    root_gb, ephemeral_gb, swap_mb = disks
    # As in Nova, an amount that any group names is not the flavor's.
    named = sorted({name for group in amounts.values() for name in group})
    total = {name: sum(group.get(name, 0) for group in amounts.values()) for name in named}
    fixed_mb = 1024 * (root_gb + ephemeral_gb)
    disk_gb = total.get(DISK_GB)
    own = {
        VCPU: vcpus,
        MEMORY_MB: memory_mb,
        DISK_GB: root_gb + ephemeral_gb + -(-swap_mb // 1024),
    }
    parts: dict[str, tuple[int, ...]] = {
        name: (amount,) for name, amount in own.items() if amount and name not in total
    }
    for name in named:
        asked = tuple(group[name] for _suffix, group in sorted(amounts.items()) if group.get(name))
        if asked and name != PCPU:
            parts[name] = asked
    return ResourceRequest(
        vcpus=sum(parts.get(VCPU, ())),
        memory_mb=sum(parts.get(MEMORY_MB, ())),
        disk_gb=sum(parts.get(DISK_GB, ())),
        disk_mb=fixed_mb + swap_mb if disk_gb is None else 1024 * disk_gb,
        consumed_disk_mb=fixed_mb if disk_gb is None else 1024 * disk_gb,
        custom={name: amount for name, amount in total.items() if amount and is_custom_class(name)},
        parts=parts,
        required=frozenset(name for name, (value, _key) in traits.items() if value == "required"),
        forbidden=frozenset(name for name, (value, _key) in traits.items() if value == "forbidden"),
        is_scattered=_is_scattered(dict(specs), amounts),
    )


def _class(key: str, name: str) -> str:
    if name in (*STANDARD_CLASSES, PCPU) or is_custom_class(name):
        return name
    raise ResourceRequestInvalid(
        key,
        f"there is no resource class '{name}'.{nearest(name, list(STANDARD_CLASSES))} "
        f"Known are {', '.join(STANDARD_CLASSES)}, {PCPU}, and your own, which begin with CUSTOM_.",
    )


def _amount(key: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise ResourceRequestInvalid(key, f"must be a whole number of 0 or more, not '{value}'.")
    return int(value)


def _add_trait(traits: dict[str, tuple[str, str]], key: str, name: str, value: str) -> None:
    if not is_trait(name):
        raise ResourceRequestInvalid(key, f"'{name}' is no trait: use capitals, digits and '_'.")
    if value not in _TRAIT_VALUES:
        raise ResourceRequestInvalid(
            key, f"must be required or forbidden, not '{value}'.{nearest(value, _TRAIT_VALUES)}"
        )
    before, first = traits.setdefault(name, (value, key))
    if before != value:
        raise ResourceRequestInvalid(key, f"trait {name} is {value} here, but {before} by {first}.")


def _is_scattered(specs: Mapping[str, str], amounts: Mapping[str, Mapping[str, int]]) -> bool:
    policy = specs.get(_POLICY)
    if policy is not None and policy not in _POLICIES:
        raise ResourceRequestInvalid(_POLICY, f"must be none or isolate, not '{policy}'.{nearest(policy, _POLICIES)}")
    suffixed = [suffix for suffix, group in amounts.items() if suffix and any(group.values())]
    if len(suffixed) < 2:
        return False
    if policy is None:
        names = " and ".join(f"resources{suffix}" for suffix in sorted(suffixed))
        raise ResourceRequestInvalid(_POLICY, f"{names} are several groups: say group_policy=none or isolate.")
    return policy == "isolate"


def _dedicated(flavor: Flavor, image: Optional[Image]) -> int:
    """Return how many of the vCPUs get a host CPU each; those are of class PCPU, not VCPU."""
    policies = flavor.extra_specs.get("hw:cpu_policy"), image.properties.get("hw_cpu_policy") if image else None
    if not any(policies) and not any(key.endswith(f":{PCPU}") for key in flavor.extra_specs):
        return 0
    topology = requested_topology(flavor, image)
    return 0 if topology is None else sum(len(cell.dedicated_vcpus) for cell in topology.cells)
