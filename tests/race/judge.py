# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold at every instant of a race, counted from samples and by nothing of Novella's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

RESOURCES = ("vcpus", "memory_mb", "disk_gb")
Size = Mapping[str, int]


@dataclass(frozen=True)
class Sample:
    """One host at one instant: what its domains and its claims take, by uuid."""

    host: str
    domains: Mapping[str, Size]
    claims: Mapping[str, Size]

    @property
    def used(self) -> dict[str, int]:
        """A claim whose domain exists counts once."""
        held = {**self.claims, **self.domains}
        return {resource: sum(size.get(resource, 0) for size in held.values()) for resource in RESOURCES}


@dataclass
class Judge:
    """Looks at every sample, and remembers what it must not have seen.

    Args:
        limits: By resource, how much of each host may be given out: total × ratio - reserved.
    """

    limits: Mapping[str, float]
    samples: int = 0
    wrongs: list[str] = field(default_factory=list)
    homes: dict[str, set[str]] = field(default_factory=dict)

    def look(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            self.samples += 1
            for resource, limit in self.limits.items():
                if sample.used[resource] > limit:
                    self._note(f"{sample.host} held {sample.used[resource]} {resource}, its limit is {limit:g}")
            for uuid in sample.domains:
                self.homes.setdefault(uuid, set()).add(sample.host)
                if len(self.homes[uuid]) > 1:
                    self._note(f"{uuid} was on {' and '.join(sorted(self.homes[uuid]))}")

    def _note(self, wrong: str) -> None:
        if wrong not in self.wrongs:
            self.wrongs.append(wrong)
