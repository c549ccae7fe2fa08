# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image of a config drive: the label by which guests find it, and the dated folders of OpenStack's form."""

from __future__ import annotations

from collections.abc import Mapping

from .iso9660 import build_iso
from .iso9660_reading import read_iso

# By a file that only drives of the form have.
LABELS = {"openstack/latest/meta_data.json": "config-2", "meta-data": "cidata"}
LATEST = "openstack/latest/"
# OpenStack's versions of its metadata, and since when there is which file. Older readers look for the newest they know.
VERSIONS = (
    *("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06"),
    *("2017-02-22", "2018-08-27", "2020-10-14", "2025-04-04"),
)
SINCE = {"vendor_data.json": "2013-10-17", "network_data.json": "2015-10-15", "vendor_data2.json": "2016-10-06"}


def build_image(files: Mapping[str, bytes]) -> bytes:
    """Return the image of a volume with these files, path to content."""
    label = next((label for path, label in LABELS.items() if path in files), "config-2")
    return build_iso(label, {**files, **_dated(files)})


def read_image(image: bytes) -> dict[str, bytes]:
    """Return the files that `build_image` was given.

    Raises:
        HypervisorError: It is no such image.
    """
    dated = tuple(f"openstack/{version}/" for version in VERSIONS)
    return {path: content for path, content in read_iso(image).items() if not path.startswith(dated)}


def _dated(files: Mapping[str, bytes]) -> dict[str, bytes]:
    latest = {path[len(LATEST) :]: content for path, content in files.items() if path.startswith(LATEST)}
    return {
        f"openstack/{version}/{name}": content
        for version in VERSIONS
        for name, content in latest.items()
        if version >= SINCE.get(name, "")
    }
