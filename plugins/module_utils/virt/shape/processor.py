# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be said of a guest's processor and memory, beside what it has got of its host's for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ...objects.errors import InvalidInput
from .wish import Wish, flag, image_at_most, image_wins, number, one_of

MOST = 65536
LEVELS = ("sockets", "cores", "threads")

WISHES = (
    *(
        Wish(
            f"cpu_{level}",
            f"As many {level} as this, where the number of vCPUs permits it.",
            number(1, MOST),
            f"hw:cpu_{level}",
            f"hw_cpu_{level}",
            image_wins,
            "1 and more",
        )
        for level in LEVELS
    ),
    *(
        Wish(
            f"cpu_max_{level}",
            f"No more {level} than this.",
            number(1, MOST),
            f"hw:cpu_max_{level}",
            f"hw_cpu_max_{level}",
            image_at_most,
            "1 and more",
        )
        for level in LEVELS
    ),
    Wish("pmu", "The guest sees the processor's performance counters, or not.", flag, "hw:pmu", "hw_pmu"),
    Wish(
        "hide_hypervisor_id",
        "The guest is not told that it runs on KVM.",
        flag,
        "hw:hide_hypervisor_id",
        "img_hide_hypervisor_id",
    ),
    Wish(
        "maxphysaddr_mode",
        "Where the width of physical addresses comes from.",
        one_of("passthrough", "emulate"),
        "hw:maxphysaddr_mode",
        "hw_maxphysaddr_mode",
        values="passthrough, emulate",
    ),
    Wish(
        "maxphysaddr_bits",
        "That width; it needs `maxphysaddr_mode`, and a host that has it.",
        number(32, 64),
        "hw:maxphysaddr_bits",
        "hw_maxphysaddr_bits",
        values="32 to 64",
    ),
    Wish(
        "locked_memory",
        "The host never swaps the guest's memory; it needs `hw:mem_page_size`.",
        flag,
        "hw:locked_memory",
        "hw_locked_memory",
    ),
)


def choose_topology(vcpus: int, shape: Mapping[str, Any]) -> Optional[tuple[int, int, int]]:
    """Return sockets, cores and threads, or None where nothing is said of them (Nova's get_best_cpu_topology).

    Of all that give the number of vCPUs, those that meet most wishes; of these, the most sockets, then the most cores.

    Raises:
        InvalidInput: No topology is within the limits.
    """
    wanted = [shape.get(f"cpu_{level}") for level in LEVELS]
    limits = [shape.get(f"cpu_max_{level}", MOST) for level in LEVELS]
    if not any(wanted) and all(f"cpu_max_{level}" not in shape for level in LEVELS):
        return None
    # As in Nova, a wish beyond a limit is none.
    wanted = [wish if wish is not None and wish <= limit else None for wish, limit in zip(wanted, limits)]
    found = [triple for triple in _triples(vcpus) if all(part <= limit for part, limit in zip(triple, limits))]
    if not found:
        raise InvalidInput(
            f"{vcpus} vCPUs are not sockets x cores x threads within {limits[0]} x {limits[1]} x {limits[2]}.",
            "Change the flavor's vcpus, or its hw:cpu_max_ limits and the image's.",
        )
    return max(found, key=lambda triple: (sum(part == wish for part, wish in zip(triple, wanted)), triple))


def check_processor(shape: Mapping[str, Any], has_page_size: bool) -> None:
    """Refuse what makes no sense together.

    Args:
        has_page_size: Whether the flavor chooses its memory pages.

    Raises:
        InvalidInput: Such as a width without where it comes from.
    """
    if "maxphysaddr_bits" in shape and shape.get("maxphysaddr_mode") != "emulate":
        raise InvalidInput("hw:maxphysaddr_bits needs hw:maxphysaddr_mode 'emulate'.", "Give both.")
    if shape.get("maxphysaddr_mode") == "emulate" and "maxphysaddr_bits" not in shape:
        raise InvalidInput("hw:maxphysaddr_mode 'emulate' needs hw:maxphysaddr_bits.", "Give both.")
    if shape.get("locked_memory") and not has_page_size:
        raise InvalidInput("hw:locked_memory needs hw:mem_page_size, as in Nova.", "Give the flavor that, too.")


def _triples(vcpus: int) -> Iterator[tuple[int, int, int]]:
    for sockets in range(1, vcpus + 1):
        if vcpus % sockets:
            continue
        for cores in range(1, vcpus // sockets + 1):
            if vcpus // sockets % cores == 0:
                yield sockets, cores, vcpus // sockets // cores
