# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of CPUs as people write them: ``0-3,8,^2``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from .errors import InvalidInput

_RULE = re.compile(r"(\^?)\s*([0-9]{1,6})\s*(?:-\s*([0-9]{1,6}))?")


@functools.lru_cache(maxsize=4096)
def parse_cpu_spec(text: str) -> frozenset[int]:
    """Return the CPUs that a list of numbers and ranges names; ``^`` takes out (Nova's parse_cpu_spec).

    Raises:
        InvalidInput: It is no such list.
    """
    named: set[int] = set()
    taken_out: set[int] = set()
    for rule in filter(None, (part.strip() for part in text.split(","))):
        match = _RULE.fullmatch(rule)
        first = int(match[2]) if match else 0
        last = int(match[3]) if match and match[3] else first
        if match is None or last < first:
            raise InvalidInput(f"'{text}' is no set of CPUs: '{rule}'.", "Write it as '0-3,8' or '0-7,^4'.")
        (taken_out if match[1] else named).update(range(first, last + 1))
    return frozenset(named - taken_out)


def format_cpu_spec(cpus: Iterable[int]) -> str:
    """Return a set of CPUs in its shortest form, ``0-3,8``; empty for none."""
    ranges: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if ranges and cpu == ranges[-1][-1] + 1:
            ranges[-1][1:] = [cpu]
        else:
            ranges.append([cpu])
    return ",".join("-".join(map(str, ends)) for ends in ranges)
