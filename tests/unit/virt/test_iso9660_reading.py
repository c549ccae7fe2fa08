# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Config drives are read back as they were written, or refused."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError
from ansible_collections.novella.compute.plugins.module_utils.virt.iso9660 import build_iso
from ansible_collections.novella.compute.plugins.module_utils.virt.iso9660_reading import read_iso


def test_what_was_written_is_read_back() -> None:
    files = {f"openstack/content/{number:04}": bytes([number]) * number * 97 for number in range(200)}
    files |= {"openstack/latest/meta_data.json": b"{}", "openstack/latest/Grüße": b"", "a": b"x" * 2048}
    assert read_iso(build_iso("config-2", files)) == files


@pytest.mark.parametrize("length", [0, 17 * 2048 + 100, 24 * 2048, 30000])
def test_an_image_that_is_damaged_is_refused(length: int) -> None:
    image = build_iso("config-2", {f"content/{number}": b"x" * 5000 for number in range(9)})
    with pytest.raises(HypervisorError, match="The config drive is damaged"):
        read_iso(image[:length])
