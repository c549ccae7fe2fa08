# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random requests: flavors with extra specs of all operators, images, hints, groups, and hosts by name."""

from __future__ import annotations

import json
import random
from typing import Any

from conformance.scenario_hosts import FLAVORS, IMAGES, PROJECTS, make_image, random_uuid, some

# What may be asked of a host or an aggregate, and values that are near to what it may have.
EXTRA_SPECS = {
    "capabilities:cpu_info:vendor": ("Intel", "AMD"),
    "capabilities:cpu_info:arch": ("x86_64", "aarch64"),
    "capabilities:cpu_info:features": ("aes", "vmx", "avx512f"),
    "capabilities:cpu_info:topology:cores": ("2", "8", "4"),
    "capabilities:cpu_info:missing": ("1",),
    "capabilities:cpu_info:vendor:deeper": ("Intel",),
    "capabilities:hypervisor_type": ("QEMU", "kvm"),
    "capabilities:hypervisor_version": ("7000000", "9001000"),
    "capabilities:free_ram_mb": ("1536", "7680", "-808"),
    "capabilities:vcpus_total": ("4", "8"),
    "capabilities:cpu_allocation_ratio": ("4", "4.0", "1.5"),
    "capabilities:rack": ("r1", "r2", "r10", "10"),
    "capabilities:level": ("3", "4", "4.0"),
    "capabilities:nothing": ("1",),
    "vcpus_total": ("4", "8"),
    "rack": ("r1", "r2"),
    "level": ("4", "10"),
    "ssd": ("true", "True", ""),
    "gpu": ("1", "2", "4"),
    "aggregate_instance_extra_specs:ssd": ("true", "false"),
    "aggregate_instance_extra_specs:gpu": ("1", "2", "4"),
    "aggregate_instance_extra_specs:rack": ("r1", "r2"),
    "quota:cpu_shares": ("100",),
    "hw:maxphysaddr_bits": ("39", "42"),
}
AGGREGATE_KEYS = tuple(key for key in EXTRA_SPECS if key.split(":")[-1] in ("ssd", "gpu", "rack"))
# Queries that fail the request: broken, of no operator, and comparing what has no order.
UNINTELLIGIBLE = (
    '["=", 1',
    '["like", "$host", "kvm"]',
    '["<", "$host", 3]',
    '["=", "$host.name", "kvm1"]',
    '["and", 1, ["x"]]',
)
NUMERIC = ("=", "==", "!=", ">=", "<=")
TEXTUAL = ("s==", "s!=", "s<", "s<=", "s>", "s>=", "<in>")


class RequestMaker:
    """Makes the requests of one scenario.

    Args:
        draw: Where chance comes from.
        hosts: The hosts of the scenario.
    """

    def __init__(self, draw: random.Random, hosts: list[dict[str, Any]]) -> None:
        self.draw = draw
        self.hosts = [host["host"] for host in hosts]
        self.homes = {found["uuid"]: host["host"] for host in hosts for found in host["instances"]}
        self.uuids = [*self.homes, random_uuid(draw)]
        self.addresses = [host["host_ip"] for host in hosts]
        self.groups = [self._group(number) for number in range(draw.choice((0, 1, 2)))]

    def make(self) -> dict[str, Any]:
        """Return one request."""
        draw = self.draw
        request: dict[str, Any] = {
            # Rarely an instance that has a host already: it is to be moved or resized.
            "uuid": draw.choice(self.uuids) if draw.random() < 0.06 else random_uuid(draw),
            "project_id": draw.choice(PROJECTS),
            "flavor": self._flavor(),
            "image": make_image(draw) if draw.random() < 0.9 else {"name": draw.choice(IMAGES), "properties": {}},
            "hints": self._hints(),
        }
        if self.groups and draw.random() < 0.5:
            request["group"] = draw.choice(self.groups)
        self._name_hosts(request)
        return request

    def _flavor(self) -> dict[str, Any]:
        draw = self.draw
        return {
            "name": draw.choice(FLAVORS),
            "vcpus": draw.choice((1, 2, 4)),
            "memory_mb": draw.choice((512, 1024, 4096)),
            "root_gb": draw.choice((0, 5, 20)),
            "ephemeral_gb": draw.choice((0, 0, 10)),
            "swap_mb": draw.choice((0, 512)),
            "extra_specs": {key: self._requirement(key) for key in self._asked_for()},
        }

    def _asked_for(self) -> list[str]:
        """Return keys of extra specs. Those of aggregates rule out most hosts, so there is often only one of them."""
        draw = self.draw
        return draw.choice(
            (
                [],
                some(draw, [key for key in EXTRA_SPECS if key.startswith("capabilities:")], 2),
                some(draw, AGGREGATE_KEYS, 1),
                some(draw, AGGREGATE_KEYS, 2),
                some(draw, EXTRA_SPECS, 3),
            )
        )

    def _requirement(self, key: str) -> str:
        draw = self.draw
        values = EXTRA_SPECS[key]
        value = draw.choice(values)
        if key == "hw:maxphysaddr_bits":
            return value
        if draw.random() < 0.1:
            return draw.choice(
                (f"={value}", f"{value} {value}", "s==", "<in>", "<all-in>", ">=", "!=", f"<or> {value}")
            )
        # Text is rarely compared as a number: Nova fails the whole request then.
        if value.lstrip("-").replace(".", "", 1).isdigit() or draw.random() < 0.02:
            return draw.choice((value, *(f"{draw.choice(NUMERIC)} {value}" for _time in range(4)), f"<or> {value}"))
        return draw.choice(
            (
                value,
                f"{draw.choice(TEXTUAL)} {value}",
                f"{draw.choice(TEXTUAL)} {value} {draw.choice(values)}",
                f"<or> {value} <or> {draw.choice(values)}",
                f"<or> {draw.choice(values)} {value}",
                f"<all-in> {value} {draw.choice(values)}",
            )
        )

    def _hints(self) -> dict[str, Any]:
        draw = self.draw
        hints: dict[str, Any] = {}
        for name in ("different_host", "same_host"):
            if draw.random() < 0.15:
                hints[name] = draw.choice((draw.choice(self.uuids), some(draw, self.uuids, 4, at_least=1)))
        if draw.random() < 0.15:
            hints["build_near_host_ip"] = draw.choice(self.addresses)
            if draw.random() < 0.6:
                hints["cidr"] = draw.choice(("/8", "/16", "/24", "/32"))
        if draw.random() < 0.2:
            hints["query"] = json.dumps(self._query(draw.randint(0, 3)))
            if draw.random() < 0.05:
                hints["query"] = draw.choice(UNINTELLIGIBLE)
        return hints

    def _query(self, depth: int) -> list[Any]:
        draw = self.draw
        if depth:
            name = draw.choice(("and", "or") * 5 + ("not",) if depth == 1 else ("and", "or"))
            count = 1 if name == "not" else draw.randint(1, 3)
            return [name, *(self._query(depth - 1) for _number in range(count))]
        if draw.random() < 0.1:
            return draw.choice(([], ["=", "$missing", 1], ["in", "$host"], ["=", 1]))
        variable, values = draw.choice(
            (
                ("$free_ram_mb", (0, 1536, 7680)),
                ("$vcpus_used", (2, 5, 10)),
                ("$num_io_ops", (0, 3, 8)),
                ("$hypervisor_version", (7000000, 8000000)),
            )
        )
        if draw.random() < 0.3:
            return [draw.choice(("=", "in")), draw.choice(("$host", "$stats.rack")), *some(draw, self.hosts, 3), "r1"]
        return [draw.choice(("=", "<", ">", "<=", ">=")), variable, *some(draw, values, 2, at_least=1)]

    def _group(self, number: int) -> dict[str, Any]:
        draw = self.draw
        policy = draw.choice(("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"))
        members = some(draw, self.homes, 4)
        return {
            "name": f"group{number}",
            "policy": policy,
            "max_server_per_host": draw.choice((1, 2, 3)) if policy == "anti-affinity" else 1,
            "members": members,
            "hosts": sorted({self.homes[member] for member in members}),
        }

    def _name_hosts(self, request: dict[str, Any]) -> None:
        draw = self.draw
        spelled = [draw.choice((host, host.upper(), host.lower())) for host in self.hosts]
        if draw.random() < 0.1:
            request["ignore_hosts"] = some(draw, [*spelled, "elsewhere"], 3)
        if draw.random() < 0.06:
            request["force_hosts"] = some(draw, [*spelled, "elsewhere"], 2)
        if draw.random() < 0.04:
            request["force_nodes"] = some(draw, spelled, 2)
        if draw.random() < 0.05:
            host = draw.choice(spelled)
            request["requested_destination"] = draw.choice(({"host": host}, {"host": host, "node": host}))
