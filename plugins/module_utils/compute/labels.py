# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people and programs hang on an instance: metadata, tags, and the name that people call it by.

The limits are Nova's (the schemas of its server metadata and server tags, MAX_TAG_LENGTH and [DEFAULT] max_tags).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.errors import OptionInvalid
from ..objects.ingredients import Flavor
from ..objects.instance import Instance, InstanceSpec

PRESENT, REPLACED, ABSENT = STATES = ("present", "replaced", "absent")

MOST_LETTERS = 255
MOST_TAG_LETTERS = 60
MOST_TAGS = 50
_KEY = re.compile(r"[A-Za-z0-9_:. -]+")
# Control characters, and what is no text at all.
_BAD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# No XML can hold these, and so no domain's title.
_NOT_IN_XML = ("\ufffe", "\uffff")


def change_labels(instance: Instance, arguments: Mapping[str, Any]) -> Instance:
    """Return the record with other metadata, tags or display name.

    Arguments:
        state: present adds and overwrites, replaced leaves nothing else, absent takes away.
        metadata: Text by key; None leaves all as it is. With absent only the keys count.
        tags: Likewise.
        display_name: None leaves it as it is; an empty one takes it away, and so does absent.

    Raises:
        OptionInvalid: A limit is passed.
    """
    state = arguments.get("state") or PRESENT
    metadata, tags, name = (arguments.get(part) for part in ("metadata", "tags", "display_name"))
    spec = instance.spec
    if metadata is not None:
        spec = spec.but(metadata=_change_metadata(spec.metadata, metadata, state))
    if tags is not None:
        spec = spec.but(tags=_change_tags(spec.tags, tags, state))
    if name is not None:
        spec = spec.but(display_name=None if state == ABSENT else name or None)
    check_labels(spec)
    return instance.but(spec=spec)


def tell_labels(instance: Instance) -> dict[str, Any]:
    """Return what hangs on an instance."""
    spec = instance.spec
    return {"metadata": dict(spec.metadata), "tags": list(spec.tags), "display_name": spec.display_name}


def check_labels(spec: InstanceSpec) -> None:
    """Refuse what Nova would refuse.

    Raises:
        OptionInvalid: It names the first that is wrong.
    """
    for key, value in spec.metadata.items():
        if len(key) > MOST_LETTERS or not _KEY.fullmatch(key):
            raise OptionInvalid(
                f"metadata: {_short(key)} is no key.",
                f"Use 1 to {MOST_LETTERS} letters, digits, spaces, '-', '_', ':' and '.'.",
            )
        _check_text(f"metadata.{_short(key, '')}", value, MOST_LETTERS)
    if len(spec.tags) > MOST_TAGS:
        raise OptionInvalid(f"{spec.name} would have {len(spec.tags)} tags.", f"It may have {MOST_TAGS}.")
    for tag in spec.tags:
        _check_text(f"tags: {_short(tag)}", tag, MOST_TAG_LETTERS, least=1)
        if "/" in tag or "," in tag:
            raise OptionInvalid(f"tags: {_short(tag)} is no tag.", "A tag has no '/' and no ','.")
    if spec.display_name is not None:
        _check_text("display_name", spec.display_name, MOST_LETTERS, least=1)
        if spec.display_name.strip() != spec.display_name or any(sign in spec.display_name for sign in _NOT_IN_XML):
            raise OptionInvalid(
                "display_name has a space around it, or a sign that no XML can hold.", "Leave that out."
            )


def order_tags(tags: Iterable[str]) -> list[str]:
    """Return tags as records have them: each once, by name."""
    return sorted(set(tags))


def read_labels(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `change_labels` from a task's options of the same names.

    Raises:
        OptionInvalid: They pass a limit whatever the instance, or a value of metadata is neither text nor a whole
            number: YAML reads more into an unquoted word than was meant.
    """
    state, metadata = options["state"], options["metadata"]
    if metadata is not None and state == ABSENT:
        metadata = dict.fromkeys(map(str, metadata), "")
    for key, value in (metadata or {}).items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise OptionInvalid(f"metadata.{_short(str(key), '')} is {value!r:.60}, which is not text.", "Quote it.")
    if metadata is not None:
        metadata = {str(key): str(value) for key, value in metadata.items()}
    tags = None if options["tags"] is None else order_tags(options["tags"])
    name = options["display_name"]
    check_labels(
        InstanceSpec(
            "An instance", Flavor("", 0, 0), metadata=metadata or {}, tags=tags or [], display_name=name or None
        )
    )
    return {"state": state, "metadata": metadata, "tags": tags, "display_name": name}


def _change_metadata(old: Mapping[str, str], given: Mapping[str, str], state: str) -> dict[str, str]:
    if state == ABSENT:
        return {key: value for key, value in old.items() if key not in given}
    return dict(given) if state == REPLACED else {**old, **given}


def _change_tags(old: Iterable[str], given: Iterable[str], state: str) -> list[str]:
    if state == ABSENT:
        return order_tags(set(old).difference(given))
    return order_tags(given) if state == REPLACED else order_tags({*old, *given})


def _check_text(what: str, text: str, most: int, least: int = 0) -> None:
    if not least <= len(text) <= most:
        raise OptionInvalid(f"{what} has {len(text)} characters.", f"It may have {least} to {most}.")
    if _BAD.search(text):
        raise OptionInvalid(f"{what} is not one line of text.", "Leave out control characters.")


def _short(text: str, quote: str = "'") -> str:
    return f"{quote}{text if len(text) <= 40 else text[:40] + '…'}{quote}"
