# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IsolatedHostsFilter and AllHostsFilter."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image

NAME = "IsolatedHostsFilter"
HOST_ALONE = "is isolated, and the image is not"
IMAGE_ALONE = "is not isolated, and the image is"


@pytest.mark.parametrize(
    ("images", "hosts", "restrict", "image", "refusal"),
    [
        (["secret"], ["kvm1"], True, "secret", None),
        (["secret"], ["kvm1"], True, "debian", HOST_ALONE),
        (["secret"], ["kvm2"], True, "secret", IMAGE_ALONE),
        (["secret"], ["kvm2"], True, "debian", None),
        (["secret"], ["kvm1"], False, "secret", None),
        (["secret"], ["kvm1"], False, "debian", None),
        (["secret"], ["kvm2"], False, "secret", IMAGE_ALONE),
        (["secret"], ["kvm2"], False, "debian", None),
        ([], ["kvm1"], True, "debian", HOST_ALONE),
        ([], ["kvm2"], True, "debian", None),
        ([], ["kvm1"], False, "debian", None),
        ([], [], True, "debian", None),
        (["secret"], [], True, "secret", IMAGE_ALONE),
        (["secret"], [], True, "debian", None),
        (["secret"], ["kvm1"], True, None, HOST_ALONE),
        (["secret"], ["kvm2"], True, None, None),
    ],
)
def test_isolated_images_and_hosts_go_together(verdict, host, spec, images, hosts, restrict, image, refusal):
    request = spec(image=Image(image, "/srv/image.qcow2") if image else None)
    found = verdict(
        NAME,
        host(),
        request,
        isolated_images=images,
        isolated_hosts=hosts,
        restrict_isolated_hosts_to_isolated_images=restrict,
    )
    assert found == refusal


def test_without_options_nothing_is_isolated(verdict, host, spec):
    assert verdict(NAME, host(), spec()) is None


def test_all_hosts_pass(verdict, host, spec):
    assert verdict("AllHostsFilter", host(disabled=True), spec(memory_mb=999999)) is None
