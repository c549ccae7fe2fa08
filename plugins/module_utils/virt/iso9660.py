# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small ISO 9660 writer with Joliet names, so that a host needs no genisoimage for config drives.

The image holds two directory trees over one copy of the data: the plain one with upper-case names, which
every reader knows, and the Joliet one with the real names, which Linux, the BSDs and Windows prefer.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Union

from ..objects.errors import InvalidInput

SECTOR = 2048
FIRST_DESCRIPTOR = 16
# Programs that look for a label read this much of a device, and give up on one that is smaller (busybox: 68 KiB).
SMALLEST = 128 * 1024 // SECTOR
LONGEST_NAME = 64
LONGEST_LABEL = 16
LONGEST_STEM, LONGEST_SUFFIX = 20, 8
# Fixed, so that equal content gives an equal image: 1 January 2000, 00:00:00 UTC.
RECORD_TIME = bytes([100, 1, 1, 0, 0, 0, 0])
VOLUME_TIME = b"2000010100000000\x00"
NO_TIME = b"0" * 16 + b"\x00"
UNUSABLE_IN_NAMES = re.compile(r"[\x00-\x1f*/:;?\\]|\.$|[^\x00-\uffff]")


@dataclass
class _File:
    name: str
    content: bytes
    plain_name: bytes = b""
    sector: int = 0


@dataclass
class _Directory:
    name: str
    parent: Union[_Directory, None] = None
    entries: dict[str, Union[_File, _Directory]] = field(default_factory=dict)
    plain_name: bytes = b""
    plain_sector: int = 0
    joliet_sector: int = 0

    def directories(self) -> list[_Directory]:
        return [entry for entry in self.entries.values() if isinstance(entry, _Directory)]

    def files(self) -> list[_File]:
        return [entry for entry in self.entries.values() if isinstance(entry, _File)]


@dataclass(frozen=True)
class _Tree:
    """One of the two views: how names, places and records look in it."""

    joliet: bool

    def identifier(self, entry: Union[_File, _Directory]) -> bytes:
        return entry.name.encode("utf-16-be") if self.joliet else entry.plain_name

    def sector(self, entry: Union[_File, _Directory]) -> int:
        if isinstance(entry, _File):
            return entry.sector
        return entry.joliet_sector if self.joliet else entry.plain_sector

    def place(self, directory: _Directory, sector: int) -> None:
        if self.joliet:
            directory.joliet_sector = sector
        else:
            directory.plain_sector = sector

    def ordered(self, directory: _Directory) -> list[Union[_File, _Directory]]:
        return sorted(directory.entries.values(), key=self.identifier)

    def walk(self, root: _Directory) -> Iterator[_Directory]:
        """Yield the directories level by level, as path tables want them."""
        level = [root]
        while level:
            yield from level
            level = [e for directory in level for e in self.ordered(directory) if isinstance(e, _Directory)]


PLAIN, JOLIET = _Tree(joliet=False), _Tree(joliet=True)


def build_iso(label: str, files: Mapping[str, bytes]) -> bytes:
    """Build the image of a volume.

    Args:
        label: The volume label, up to 16 characters; ``blkid`` reports it as it stands.
        files: Relative path with forward slashes, to content.

    Returns:
        The whole image. Equal arguments give equal bytes.

    Raises:
        InvalidInput: The label or a path cannot be written.
    """
    if not 0 < len(label) <= LONGEST_LABEL or not label.isascii():
        raise InvalidInput(f"'{label}' cannot be a volume label.", f"Use 1 to {LONGEST_LABEL} ASCII characters.")
    root = _grow_tree(files)
    _name_plainly(root)

    sector = FIRST_DESCRIPTOR + 3
    tables = {}
    for tree in (PLAIN, JOLIET):
        length = len(_path_table(tree, root, "<"))
        tables[tree] = (sector, length)
        sector += 2 * _sectors(length)
    for tree in (PLAIN, JOLIET):
        for directory in tree.walk(root):
            tree.place(directory, sector)
            sector += _sectors(_directory_length(tree, directory))
    contents = [file for directory in PLAIN.walk(root) for file in directory.files()]
    places: dict[bytes, int] = {}
    for file in contents:
        # Equal files are one on the medium.
        file.sector = places.setdefault(file.content, sector)
        if file.sector == sector:
            sector += _sectors(len(file.content))
    sector = max(sector, SMALLEST)

    image = bytearray(FIRST_DESCRIPTOR * SECTOR)
    for tree in (PLAIN, JOLIET):
        image += _descriptor(tree, label, root, sector, *tables[tree])
    image += _padded(b"\xffCD001\x01")
    for tree in (PLAIN, JOLIET):
        image += _padded(_path_table(tree, root, "<")) + _padded(_path_table(tree, root, ">"))
    for tree in (PLAIN, JOLIET):
        for directory in tree.walk(root):
            image += _directory(tree, directory)
    for content in places:
        image += _padded(content)
    return bytes(image.ljust(sector * SECTOR, b"\x00"))


def _grow_tree(files: Mapping[str, bytes]) -> _Directory:
    root = _Directory("")
    for path in sorted(files):
        directory = root
        *parents, name = path.split("/")
        for part in parents:
            _check_name(part, path)
            child = directory.entries.setdefault(part, _Directory(part, directory))
            if not isinstance(child, _Directory):
                raise InvalidInput(f"'{path}' cannot be written: '{part}' is a file and a directory.")
            directory = child
        _check_name(name, path)
        if name in directory.entries:
            raise InvalidInput(f"'{path}' cannot be written: it is a file and a directory.")
        directory.entries[name] = _File(name, files[path])
    return root


def _check_name(name: str, path: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or name == ".." or UNUSABLE_IN_NAMES.search(name):
        raise InvalidInput(
            f"'{path}' cannot be a path of a config drive.",
            f"Each part needs 1 to {LONGEST_NAME} characters, none of * / : ; ? \\ and no dot at its end.",
        )


def _name_plainly(directory: _Directory) -> None:
    """Give every entry an upper-case name that is unique in its directory: 8.3-like, but longer."""
    taken: set[str] = set()
    for entry in directory.entries.values():
        is_file = isinstance(entry, _File)
        stem, ending = _plain_parts(entry.name, is_file)
        candidate, number = stem + ending, 0
        while candidate in taken:
            number += 1
            candidate = f"{stem[: LONGEST_STEM - len(str(number))]}{number}{ending}"
        taken.add(candidate)
        entry.plain_name = (candidate + ";1" if is_file else candidate).encode("ascii")
    for child in directory.directories():
        _name_plainly(child)


def _plain_parts(name: str, is_file: bool) -> tuple[str, str]:
    stem, dot = name, name.rfind(".")
    suffix = ""
    if is_file and dot > 0:
        stem, suffix = name[:dot], name[dot + 1 :]
    stem, suffix = (re.sub(r"[^A-Z0-9_]", "_", part.upper()) for part in (stem, suffix))
    return stem[:LONGEST_STEM], f".{suffix[:LONGEST_SUFFIX]}" if is_file else ""


def _record(identifier: bytes, sector: int, length: int, is_directory: bool) -> bytes:
    size = 33 + len(identifier) + (len(identifier) + 1) % 2
    head = struct.pack("<BB", size, 0) + _both(sector, 4) + _both(length, 4) + RECORD_TIME
    head += struct.pack("<BBB", 2 if is_directory else 0, 0, 0) + _both(1, 2)
    return (head + bytes([len(identifier)]) + identifier).ljust(size, b"\x00")


def _records(tree: _Tree, directory: _Directory) -> Iterator[bytes]:
    parent = directory.parent or directory
    for identifier, entry in ((b"\x00", directory), (b"\x01", parent)):
        yield _record(identifier, tree.sector(entry), _directory_length(tree, entry), True)
    for child in tree.ordered(directory):
        is_directory = isinstance(child, _Directory)
        length = _directory_length(tree, child) if isinstance(child, _Directory) else len(child.content)
        yield _record(tree.identifier(child), tree.sector(child), length, is_directory)


def _directory(tree: _Tree, directory: _Directory) -> bytes:
    extent = bytearray()
    for record in _records(tree, directory):
        room = -len(extent) % SECTOR
        if len(record) > room > 0:
            extent += bytes(room)
        extent += record
    return _padded(bytes(extent))


def _directory_length(tree: _Tree, directory: _Directory) -> int:
    length = 2 * 34
    for entry in tree.ordered(directory):
        identifier = tree.identifier(entry)
        size = 33 + len(identifier) + (len(identifier) + 1) % 2
        room = -length % SECTOR
        length += size + (room if size > room else 0)
    return _sectors(length) * SECTOR


def _path_table(tree: _Tree, root: _Directory, order: str) -> bytes:
    numbers: dict[int, int] = {}
    table = b""
    for number, directory in enumerate(tree.walk(root), start=1):
        numbers[id(directory)] = number
        identifier = tree.identifier(directory) if directory.parent else b"\x00"
        above = numbers[id(directory.parent or directory)]
        table += struct.pack(f"{order}BBIH", len(identifier), 0, tree.sector(directory), above)
        table += identifier + bytes(len(identifier) % 2)
    return table


def _descriptor(tree: _Tree, label: str, root: _Directory, sectors: int, table: int, table_length: int) -> bytes:
    def name(value: str, width: int) -> bytes:
        if tree.joliet:
            # An odd width leaves one byte over.
            return value.ljust(width // 2).encode("utf-16-be").ljust(width, b"\x00")
        return value.ljust(width).encode("ascii")

    parts = [
        b"\x02" if tree.joliet else b"\x01",
        b"CD001\x01\x00",
        name("", 32),
        name(label, 32),
        bytes(8),
        _both(sectors, 4),
        (b"%/E" if tree.joliet else b"").ljust(32, b"\x00"),
        _both(1, 2) + _both(1, 2) + _both(SECTOR, 2) + _both(table_length, 4),
        struct.pack("<II", table, 0) + struct.pack(">II", table + _sectors(table_length), 0),
        _record(b"\x00", tree.sector(root), _directory_length(tree, root), True),
        name("", 128) * 4,
        name("", 37) * 3,
        VOLUME_TIME * 2 + NO_TIME * 2,
        b"\x01",
    ]
    return _padded(b"".join(parts))


def _both(value: int, width: int) -> bytes:
    """Encode a number the way ISO 9660 does: little-endian, then big-endian."""
    return value.to_bytes(width, "little") + value.to_bytes(width, "big")


def _sectors(length: int) -> int:
    return -(-length // SECTOR)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % SECTOR)
