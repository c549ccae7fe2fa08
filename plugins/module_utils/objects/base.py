# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the dumb data is held, read and written.

A `Record` is a frozen dataclass of plain JSON types and other records. A `Document` is a record
that outlives a process: it carries ``kind`` and ``version`` (``major.minor``). Readers take any
minor of their major, keep the keys they do not know, and upgrade older majors; writers can be
capped, so that controllers of two releases share a fleet.
"""

# No `from __future__ import annotations` in this folder: the types of fields are read at run time,
# and hosts may run Python 3.9.

import dataclasses
import functools
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Optional, TypeVar

from .errors import InvalidInput, VersionNotSupported

R = TypeVar("R", bound="Record")
D = TypeVar("D", bound="Document")
# Takes a value of JSON types and the place that messages name.
Decode = Callable[[Any, str], Any]

_SCALARS = (str, int, bool, float)


def since(version: str) -> dict[str, tuple[int, int]]:
    """Return the metadata of a field that a document gained in `version`: a writer capped below leaves it out."""
    return {"since": parse_version(version)}


def parse_version(text: str) -> tuple[int, int]:
    """Split ``major.minor`` into integers.

    Raises:
        InvalidInput: The text is no such version.
    """
    match = re.fullmatch(r"([0-9]{1,9})\.([0-9]{1,9})", str(text))
    if match is None:
        raise InvalidInput(f"'{text}' is not a version.", "Write it as 'major.minor', such as '1.0'.")
    return int(match[1]), int(match[2])


@dataclasses.dataclass(frozen=True)
class Record:
    """Plain data with checked types. Equal content means equal records."""

    def as_dict(self, sparse: bool = False, cap: Optional[tuple[int, int]] = None) -> dict[str, Any]:
        """Return JSON types, in the order of the fields.

        Args:
            sparse: Leave out fields that hold their default.
            cap: Leave out fields that are younger than this version.
        """
        result: dict[str, Any] = {}
        for name, slot in _layout(typing.cast(Any, type(self))).items():
            value = getattr(self, name)
            if name == "unknown_keys":
                result.update(value)
                continue
            if cap is not None and slot.since > cap:
                continue
            if sparse and value == slot.default:
                continue
            result[name] = _encode(value, sparse, cap)
        return result

    @classmethod
    def from_dict(cls: type[R], data: Mapping[str, Any], where: str = "") -> R:
        """Build the record from JSON types.

        Args:
            data: What `as_dict` returned, in any minor version.
            where: How a message names the place, such as ``instances[3]``.

        Raises:
            InvalidInput: A required key is missing, a type is wrong, or a key is unknown and the
                record is not one that keeps unknown keys.
        """
        if not isinstance(data, Mapping):
            raise InvalidInput(f"{where or cls.__name__} must be a mapping, not {type(data).__name__}.")
        layout = _layout(typing.cast(Any, cls))
        values: dict[str, Any] = {}
        unknown: dict[str, Any] = {}
        for key, value in data.items():
            if key in layout and key != "unknown_keys":
                values[key] = layout[key].decode(value, f"{where}.{key}" if where else key)
            else:
                unknown[key] = value
        if unknown:
            if "unknown_keys" not in layout:
                raise InvalidInput(f"{where or cls.__name__} has the unknown key '{sorted(unknown)[0]}'.")
            values["unknown_keys"] = unknown
        missing = [name for name, slot in layout.items() if name not in values and slot.default is _NOTHING]
        if missing:
            raise InvalidInput(f"{where or cls.__name__} lacks '{missing[0]}'.")
        return cls(**values)

    def but(self: R, **changes: Any) -> R:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True)
class Document(Record):
    """A record with a kind and a version of its own.

    Subclasses set `KIND`, `VERSION`, and in `UPGRADES` a function per older major that turns its
    data into the next major's. They declare ``unknown_keys`` last, so that what a newer minor
    added survives being read and written here.
    """

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[str] = "1.0"
    UPGRADES: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}

    def as_document(self, sparse: bool = True, version_cap: Optional[str] = None) -> dict[str, Any]:
        """Return `as_dict` behind ``kind`` and ``version``.

        Args:
            version_cap: The newest version that every reader knows, ``major.minor``.

        Raises:
            VersionNotSupported: The cap is of an older major, which this release cannot write.
        """
        version = self.written_version(version_cap)
        head = {"kind": self.KIND, "version": f"{version[0]}.{version[1]}"}
        return {**head, **self.as_dict(sparse, version)}

    @classmethod
    def written_version(cls, version_cap: Optional[str]) -> tuple[int, int]:
        """Return the version that is written under a cap.

        Raises:
            InvalidInput: The cap is no version.
            VersionNotSupported: It is of an older major, which this release cannot write.
        """
        version = parse_version(cls.VERSION)
        if version_cap is None:
            return version
        cap = parse_version(version_cap)
        if cap[0] < version[0]:
            raise VersionNotSupported(
                f"Documents of kind '{cls.KIND}' cannot be written at {version_cap}; "
                f"this release writes {cls.VERSION}.",
                f"Raise the cap to {version[0]}.0 or newer, or use the older release.",
            )
        return min(version, cap)

    @classmethod
    def from_document(cls: type[D], data: Mapping[str, Any], where: str = "") -> D:
        """Read a document of any known version.

        Raises:
            VersionNotSupported: Its major is newer than this release's, or too old to upgrade.
            InvalidInput: It is of another kind, or malformed.
        """
        name = where or f"The {cls.KIND} document"
        if not isinstance(data, Mapping) or data.get("kind") != cls.KIND:
            kind = data.get("kind") if isinstance(data, Mapping) else type(data).__name__
            raise InvalidInput(f"{name} should be of kind '{cls.KIND}', but is '{kind}'.")
        content = {key: value for key, value in data.items() if key not in ("kind", "version")}
        major = parse_version(data.get("version", ""))[0]
        ours = parse_version(cls.VERSION)[0]
        if major > ours:
            raise VersionNotSupported(
                f"{name} has version {data['version']}; this release reads {cls.KIND} documents up to {ours}.x.",
                "Upgrade novella.compute here, or cap the writer's version.",
            )
        for older in range(major, ours):
            if older not in cls.UPGRADES:
                raise VersionNotSupported(f"{name} has version {data['version']}, which is too old to be upgraded.")
            content = cls.UPGRADES[older](content)
        return cls.from_dict(content, where)


_NOTHING = object()


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return _NOTHING


def _encode(value: Any, sparse: bool, cap: Optional[tuple[int, int]]) -> Any:
    if value is None or type(value) in _SCALARS:
        return value
    if isinstance(value, Record):
        return value.as_dict(sparse, cap)
    if isinstance(value, (list, tuple)):
        return [_encode(item, sparse, cap) for item in value]
    if isinstance(value, dict):
        return {key: _encode(item, sparse, cap) for key, item in value.items()}
    return value


@dataclasses.dataclass(frozen=True)
class _Slot:
    """What there is to know of one field, found out once."""

    decode: Decode
    default: Any
    since: tuple[int, int]


@functools.cache
def _layout(cls: Any) -> dict[str, _Slot]:
    hints = typing.get_type_hints(cls)
    return {
        field.name: _Slot(_decoder(hints[field.name]), _default(field), field.metadata.get("since", (0, 0)))
        for field in dataclasses.fields(cls)
    }


def _decoder(kind: Any) -> Decode:
    """Return what reads values of a type. Hosts read hundreds of records: the type is looked at once."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return lambda value, where: value
    if origin is typing.Union:
        inner = _decoder(next(argument for argument in arguments if argument is not type(None)))
        return lambda value, where: None if value is None else inner(value, where)
    if origin in (list, tuple):
        return functools.partial(_decode_list, origin, _decoder(arguments[0]))
    if origin is dict:
        return functools.partial(_decode_mapping, _decoder(arguments[1]))
    if isinstance(kind, type) and issubclass(kind, Record):
        return lambda value, where: value if isinstance(value, kind) else kind.from_dict(value, where)
    return functools.partial(_scalar, kind)


def _decode_list(kind: Any, inner: Decode, value: Any, where: str) -> Any:
    if not isinstance(value, (list, tuple)):
        raise _wrong(where, "a list", value)
    return kind([inner(item, f"{where}[{index}]") for index, item in enumerate(value)])


def _decode_mapping(inner: Decode, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, "a mapping", value)
    return {str(key): inner(item, f"{where}.{key}") for key, item in value.items()}


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if value.__class__ is kind:
        return value
    # bool is an int to Python, but never to a user.
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        # Plain types only: Ansible hands over tagged subclasses that neither pickle nor compare cheaply.
        return kind(value)
    names = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}
    raise _wrong(where, names.get(kind, str(kind)), value)


def _wrong(where: str, expected: str, value: Any) -> InvalidInput:
    return InvalidInput(f"{where} must be {expected}, not {value!r:.60}.")
