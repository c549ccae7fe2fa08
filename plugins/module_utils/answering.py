# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules share that do one operation to the instances which are meant: their options, and how they answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .compute.commands import DONE, PLANNED, Answer
from .compute.instance_details import Selection
from .host_arguments import fail
from .objects.errors import NovellaError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# To YAML these are no text.
_WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")


def selection_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options that say which instances are meant, and how to answer."""
    return {
        "names": {"type": "list", "elements": "str", "default": []},
        "uuids": {"type": "list", "elements": "str", "default": []},
        "fleet": {"type": "str"},
        "project_id": {"type": "str"},
        "on_failure": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        "progress_path": {"type": "path"},
    }


def read_selection(params: Mapping[str, Any]) -> Selection:
    """Return which instances are meant."""
    return Selection(params["names"], params["uuids"], params["fleet"], params["project_id"])


def leave(module: AnsibleModule, answers: Sequence[Answer]) -> None:
    """End the module with what became of each instance."""
    outcome = describe(answers)
    errors = [answer.error for answer in answers if answer.error is not None]
    if errors and module.params["on_failure"] == "fail":
        summary = NovellaError(" ".join(f"{error['message']} {error['remedy']}".strip() for error in errors))
        summary.code = errors[0]["code"]
        fail(module, summary, **outcome)
    module.exit_json(**outcome)


def describe(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the module's result."""
    told = [answer for answer in answers if answer.status in (DONE, PLANNED)]
    return {
        "changed": bool(told),
        "results": [answer.as_dict() for answer in answers],
        "diff": [
            {
                "before_header": f"{answer.name} on {answer.host}",
                "after_header": f"{answer.name} on {answer.host}",
                "before": _as_yaml(answer.record_before or {"vm_state": answer.before}),
                "after": _as_yaml(answer.record_after or {"vm_state": answer.after}),
            }
            for answer in told
        ],
    }


def _as_yaml(content: Mapping[str, Any], indent: str = "") -> str:
    """Write text by key, one line each, as YAML. Hosts need not have a library for that."""
    lines = []
    for key, value in content.items():
        name = _scalar(key)
        if isinstance(value, Mapping) and value:
            lines.append(f"{indent}{name}:\n{_as_yaml(dict(sorted(value.items())), indent + '  ')}")
        elif isinstance(value, list) and value:
            lines.append(f"{indent}{name}:\n" + "".join(f"{indent}- {_scalar(item)}\n" for item in value))
        else:
            lines.append(f"{indent}{name}: {_scalar(value)}\n")
    return "".join(lines)


def _scalar(value: Any) -> str:
    is_plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return str(value) if is_plain else json.dumps(value, ensure_ascii=False)
