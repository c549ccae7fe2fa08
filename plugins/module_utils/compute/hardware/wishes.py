# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a flavor and an image, together, say of one thing, and their conflicts.

A flavor says ``hw:cpu_policy`` and an image ``hw_cpu_policy``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Optional

from ...objects.cpu_spec import parse_cpu_spec
from ...objects.errors import InvalidInput
from ...objects.ingredients import Flavor, Image

# Page sizes that are wishes; all others are KiB (Nova's MEMPAGES_*).
SMALL, LARGE, ANY = -1, -2, -3
CPU_POLICIES = ("shared", "dedicated", "mixed")
THREAD_POLICIES = ("prefer", "isolate", "require")
EMULATOR_POLICIES = ("share", "isolate")
PCI_POLICIES = ("legacy", "preferred", "required", "socket")

_SIZES = {"small": SMALL, "large": LARGE, "any": ANY}
_UNITS_KB = {"k": 1, "m": 1 << 10, "g": 1 << 20, "t": 1 << 30}


class Wishes:
    """The hardware wishes of a flavor and an image.

    Args:
        flavor: Its extra specs are read.
        image: Its properties are read, where there is one.
    """

    def __init__(self, flavor: Flavor, image: Optional[Image]) -> None:
        self.flavor = flavor
        self._image_name = "" if image is None else image.name
        self._specs = flavor.extra_specs
        self._properties = {} if image is None else image.properties

    def cpu_policy(self) -> Optional[str]:
        """Return shared, dedicated, mixed or None (Nova's get_cpu_policy_constraint).

        A dedicated flavor beats any image; an image never asks for more than a flavor that says something.
        """
        flavor, image = self._both("cpu_policy", CPU_POLICIES)
        more = {"shared": ("dedicated", "mixed"), "mixed": ("dedicated",)}
        if flavor is not None and image in more.get(flavor, ()):
            raise self._conflict("cpu_policy", flavor, image)
        return flavor or image

    def cpu_thread_policy(self) -> Optional[str]:
        """Return prefer, isolate, require or None (Nova's get_cpu_thread_policy_constraint).

        An image may say anything beside a flavor that prefers, but as in Nova the flavor's word is what counts.
        """
        flavor, image = self._both("cpu_thread_policy", THREAD_POLICIES)
        if flavor in (None, "prefer"):
            return flavor or image
        if image not in (None, flavor):
            raise self._conflict("cpu_thread_policy", flavor, image)
        return flavor

    def emulator_threads_policy(self) -> Optional[str]:
        """Return share, isolate or None."""
        policy = self._specs.get("hw:emulator_threads_policy")
        return self._one_of("hw:emulator_threads_policy", policy, EMULATOR_POLICIES) if policy else None

    def pci_numa_policy(self) -> Optional[str]:
        """Return how near PCI devices must be, or None for what their alias says."""
        flavor, image = self._both("pci_numa_affinity_policy", PCI_POLICIES)
        if flavor and image and flavor != image:
            raise self._conflict("pci_numa_affinity_policy", flavor, image)
        return flavor or image

    def dedicated_mask(self) -> Optional[frozenset[int]]:
        """Return the vCPUs that a mixed guest has pinned (Nova's get_dedicated_cpu_constraint)."""
        mask = self._specs.get("hw:cpu_dedicated_mask", "").strip()
        if not mask:
            return None
        vcpus = frozenset(range(self.flavor.vcpus))
        named = parse_cpu_spec(f"0-{self.flavor.vcpus - 1},{mask}" if mask.startswith("^") else mask)
        if not named or named >= vcpus or not named <= vcpus:
            raise InvalidInput(
                f"hw:cpu_dedicated_mask of flavor '{self.flavor.name}' is '{mask}'.",
                f"Name some, and not all, of its vCPUs 0 to {self.flavor.vcpus - 1}.",
            )
        return named

    def page_size(self) -> Optional[int]:
        """Return the page size in KiB, a wish such as `LARGE`, or None.

        An image may only choose where the flavor says ``large`` or ``any``.
        """
        flavor, image = self._specs.get("hw:mem_page_size"), self._properties.get("hw_mem_page_size")
        if not flavor:
            if image:
                raise self._forbidden("hw_mem_page_size", "the flavor does not allow for it with hw:mem_page_size")
            return None
        size = _read_page_size("hw:mem_page_size", flavor)
        if not image:
            return size
        if size not in (ANY, LARGE):
            raise self._conflict("mem_page_size", flavor, image)
        return _read_page_size("hw_mem_page_size", image)

    def numa_nodes(self) -> Optional[int]:
        """Return how many cells the guest shall have, or None."""
        text = self._only_one("numa_nodes")
        if text is None:
            return None
        if not re.fullmatch(r"\s*[0-9]{1,4}\s*", text) or int(text) < 1:
            raise InvalidInput(f"hw:numa_nodes is '{text}'.", "Give a whole number, at least 1.")
        return int(text)

    def numa_cpus(self) -> Optional[list[frozenset[int]]]:
        """Return the vCPUs of each cell, where they are given."""
        listed = self._per_cell("numa_cpus")
        return None if listed is None else [parse_cpu_spec(text) for text in listed]

    def numa_mem(self) -> Optional[list[int]]:
        """Return the MiB of each cell, where they are given."""
        listed = self._per_cell("numa_mem")
        if listed is None:
            return None
        wrong = next((text for text in listed if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text)), None)
        if wrong is not None:
            raise InvalidInput(f"hw:numa_mem of flavor '{self.flavor.name}' is '{wrong}'.", "Give MiB, a whole number.")
        return [int(text) for text in listed]

    def resources(self, resource_class: str) -> int:
        """Return how much of a resource class the flavor asks for by name, in all its groups."""
        total = 0
        for key, text in self._specs.items():
            # As in Nova, what is no number is for the reader of resources to complain of.
            if re.fullmatch(rf"resources([1-9][0-9]*)?:{resource_class}", key) and re.fullmatch(r"[0-9]{1,9}", text):
                total += int(text)
        return total

    def hyperthreading(self) -> Optional[str]:
        """Return required or forbidden, where the trait HW_CPU_HYPERTHREADING is named."""
        for key, value in self._specs.items():
            if re.fullmatch(r"trait([1-9][0-9]*)?:HW_CPU_HYPERTHREADING", key):
                return value
        return "required" if self._properties.get("trait:HW_CPU_HYPERTHREADING") == "required" else None

    def _both(self, name: str, choices: Collection[str]) -> tuple[Optional[str], Optional[str]]:
        keys = (f"hw:{name}", self._specs), (f"hw_{name}", self._properties)
        flavor, image = (self._one_of(key, found[key], choices) if found.get(key) else None for key, found in keys)
        return flavor, image

    def _one_of(self, key: str, value: str, choices: Collection[str]) -> str:
        if value not in choices:
            raise InvalidInput(f"{key} is '{value}'.", f"It is one of {', '.join(choices)}.")
        return value

    def _only_one(self, name: str) -> Optional[str]:
        flavor, image = self._specs.get(f"hw:{name}"), self._properties.get(f"hw_{name}")
        if flavor and image:
            raise self._forbidden(f"hw_{name}", f"the flavor says hw:{name} already")
        return flavor or image

    def _per_cell(self, name: str) -> Optional[list[str]]:
        flavor, image = _numbered(self._specs, f"hw:{name}"), _numbered(self._properties, f"hw_{name}")
        if flavor and image:
            raise self._forbidden(f"hw_{name}.0", f"the flavor says hw:{name}.0 already")
        return flavor or image or None

    def _conflict(self, name: str, flavor: Optional[str], image: Optional[str]) -> InvalidInput:
        return InvalidInput(
            f"hw:{name} of flavor '{self.flavor.name}' is '{flavor}', and hw_{name} of image '{self._image_name}' "
            f"is '{image}'.",
            "Choose another flavor or another image.",
        )

    def _forbidden(self, key: str, why: str) -> InvalidInput:
        return InvalidInput(f"Image '{self._image_name}' has {key}, and {why}.", "Take it out of one of them.")


def _numbered(found: dict[str, str], key: str) -> list[str]:
    """Return the values of ``key.0``, ``key.1`` and so on."""
    listed = {name.rpartition(".")[2]: value for name, value in found.items() if name.startswith(f"{key}.")}
    wanted = [str(number) for number in range(len(listed))]
    if set(wanted) != set(listed):
        raise InvalidInput(
            f"{key} is given for the cells {', '.join(sorted(listed))}.", "Number them from 0, without a gap."
        )
    return [listed[number] for number in wanted]


def _read_page_size(key: str, text: str) -> int:
    if text in _SIZES:
        return _SIZES[text]
    match = re.fullmatch(r"([0-9]{1,9})(?:([kmgt])i?b)?", text.strip(), re.IGNORECASE)
    size = int(match[1]) * (_UNITS_KB[match[2].lower()] if match[2] else 1) if match else 0
    if size < 1:
        raise InvalidInput(
            f"{key} is '{text}'.", "It is small, large, any, a number of KiB, or a size such as '2MB' or '1GiB'."
        )
    return size
