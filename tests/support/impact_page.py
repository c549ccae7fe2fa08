# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/impact.md, made from the table that judgement goes by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.impacts import (
    DATA_LOST,
    LIVE,
    NEXT_BOOT,
    NONE,
    REFUSED,
    RESTART,
    TABLE,
    Row,
)

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "plugins" / "plugin_utils" / "fleet" / "fleet.schema.json"
# Of these sections every entry has a name of its own.
NAMED = ("flavors", "images", "networks", "volumes", "server_groups", "aggregates", "instances")
# What is in these is for Nova to name.
FREE = ("flavors.extra_specs.", "images.properties.")
COLUMNS = {
    NONE: "none",
    LIVE: "live",
    NEXT_BOOT: "at next boot",
    RESTART: "restart",
    DATA_LOST: "rebuild, data lost",
    REFUSED: "refused",
}

HEAD = """# What a change does to a running guest

Each field of a [fleet](fleet.md), and what a changed value of it means for an instance that runs. A
[plan](plan.md#impact) says so beforehand, of each action. This page is made from the table that plans are made by.

| impact | what the guest notices | needs consent |
| --- | --- | --- |
| none | nothing: it is where it is, and as it is | no |
| live | nothing is restarted; of its own disks it sees what changes | no |
| at next boot | nothing now; it is so when it is started the next time, from being off | no |
| restart | it is shut down, and started | `restart` |
| rebuild, data lost | it gets a new root disk, and new ephemeral disks; its volumes stay | `rebuild` |
| rebuild, data kept | an instance that has nothing but volumes boots anew from its own | `rebuild` |
| refused | nothing: delete the instance, and let it be created anew | cannot be had |

Consent is given for a run (`-e consent=restart,rebuild`), or in the fleet, for one instance or for all:

```yaml
allow: [restart]
instances:
  web: {flavor: small, image: debian, allow: [restart, rebuild]}
```

Without it the plan tells what waits, and how to allow it; all else is done. A guest that is off has nothing to be
restarted, and needs no consent to that. What becomes of a guest on its host must fit there: what it has counts as free
for what it is to have.

| field | impact | |
| --- | --- | --- |
"""


def make_page() -> str:
    """Return the page."""
    keys = schema_keys()
    rows = [row for row in TABLE if row.key in keys or row.key.startswith(FREE)]
    return HEAD + "".join(map(_line, rows))


def schema_keys() -> list[str]:
    """Return every key that a fleet can have, as the table names them; the scheduler's options are one."""
    schema = json.loads(SCHEMA.read_text())
    keys = []
    for name, body in schema["properties"].items():
        if name not in NAMED:
            keys.append(name)
            continue
        keys.extend(_walk(name, body["additionalProperties"], schema))
    return keys


def _walk(prefix: str, body: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield the keys of an object, and of those in its lists."""
    resolved = _resolve(body, schema)
    for key, value in resolved.get("properties", {}).items():
        name = f"{prefix}.{key}"
        yield name
        inner = _resolve(value, schema)
        items = _resolve(inner.get("items", {}), schema) if inner.get("type") == "array" else {}
        # Predicates hold predicates, and a spread's keys are its own.
        if depth == 0 and prefix == "instances" and key != "where" and "properties" in items:
            yield from _walk(name, items, schema, depth + 1)


def _resolve(body: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = body.get("$ref")
    return body if reference is None else schema["$defs"][reference.rpartition("/")[2]]


def _line(row: Row) -> str:
    star = "*" if row.key.endswith((":", "_", ".resources")) else ""
    return f"| `{row.key}{star}` | {COLUMNS[row.impact]} | {row.note} |\n"
