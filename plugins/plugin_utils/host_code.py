# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of this collection runs on hosts, as one archive that a host keeps from run to run."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

# As they are imported: a folder that holds ansible_collections.
COLLECTION = Path("ansible_collections/novella/compute")
PARTS = ("plugins/module_utils", "plugins/modules")
_EPOCH = (1980, 1, 1, 0, 0, 0)


class HostCode:
    """The code of this checkout or installation.

    It is told from any other by its digest, so that controllers of several releases can share hosts.
    """

    def __init__(self, collection: Path | None = None) -> None:
        """Read nothing yet.

        Args:
            collection: The collection's own folder; the one that this file is in.
        """
        # Not resolved: a checkout is where a link says, and is to be imported from there.
        self._collection = collection or Path(__file__).parents[2]

    @property
    def in_place(self) -> Path:
        """Return the folder that a process of this machine can import the code from."""
        return self._collection.parents[2]

    def digest(self) -> str:
        """Return what names this code: 32 hexadecimal digits."""
        told = hashlib.sha256()
        for name, content in self._read().items():
            told.update(f"{name}\0{len(content)}\0".encode())
            told.update(content)
        return told.hexdigest()[:32]

    def write_archive(self, path: Path) -> None:
        """Write the code to a zip file that Python can import from as it is."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._read().items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)

    def _read(self) -> dict[str, bytes]:
        files = {
            str(COLLECTION / path.relative_to(self._collection)): path.read_bytes()
            for part in PARTS
            for path in (self._collection / part).rglob("*.py")
        }
        # Python before 3.13 finds no package in an archive that is not told to be one.
        folders = {parent for name in files for parent in Path(name).parents if parent.name}
        return dict(sorted({**{str(folder / "__init__.py"): b"" for folder in folders}, **files}.items()))
