# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents on the controller's disk: plans and snapshots, as YAML or JSON by their extension."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, OptionInvalid

FORMATS = (".yml", ".yaml", ".json")


def check_path(path: str) -> None:
    """Refuse a path whose extension names no format.

    Raises:
        OptionInvalid: It does not.
    """
    if Path(path).suffix.lower() not in FORMATS:
        raise OptionInvalid(f"'{path}' names no format.", f"Let it end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")


def write_document(path: str, document: Mapping[str, Any]) -> None:
    """Write a document, readable by its owner only. Readers see the old file or the whole new one.

    Raises:
        OptionInvalid: The path names no format, or cannot be written.
    """
    check_path(path)
    if path.lower().endswith(".json"):
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    else:
        # Most runs neither write nor read a file, and do without loading YAML.
        import yaml

        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        text = yaml.dump(dict(document), Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)
    write_text(path, text, 0o600)


def write_text(path: str, text: str, mode: int) -> None:
    """Write a file, whole or not at all.

    Raises:
        OptionInvalid: It cannot be written.
    """
    target = Path(path)
    try:
        descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(draft).chmod(mode)
            Path(draft).replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                Path(draft).unlink()
            raise
    except OSError as exc:
        raise OptionInvalid(f"'{path}' cannot be written: {exc.strerror}.") from None


def read_document(path: str) -> dict[str, Any]:
    """Read a document.

    Raises:
        OptionInvalid: The path names no format, or cannot be read.
        InvalidInput: It holds no document.
    """
    data = read_data(path)
    if not isinstance(data, dict):
        raise InvalidInput(f"'{path}' holds no document.", "Give the file that a plan or an audit has saved.")
    return data


def read_data(path: str) -> Any:
    """Read a file of YAML or JSON.

    Raises:
        OptionInvalid: The path names no format, or cannot be read.
        InvalidInput: It is not written in its format.
    """
    check_path(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as exc:
        raise OptionInvalid(f"'{path}' cannot be read: {exc.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"'{path}' is not UTF-8 text.") from None
    return _parse_json(path, text) if path.lower().endswith(".json") else _parse_yaml(path, text)


def _parse_json(path: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as exc:
        raise InvalidInput(f"'{path}' is not JSON: {exc}.") from None


def _parse_yaml(path: str, text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  a safe one
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InvalidInput(f"{where} is not YAML: {getattr(exc, 'problem', None) or 'it cannot be read'}.") from None
