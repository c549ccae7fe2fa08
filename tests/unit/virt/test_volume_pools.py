# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has a volume that several hosts see, and where a host's volumes are."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidVolume
from ansible_collections.novella.compute.plugins.module_utils.objects.pool import StoragePool
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import Volume, VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_owners import VolumeOwners
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_pools import VolumePools

UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
KEYS: Any = None


def on(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)


def test_one_instance_at_a_time_has_a_volume_whatever_host_it_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = VolumeOwners(tmp_path)
    on("kvm1", monkeypatch)
    owners.take(UUID, "data", "web", 0)
    owners.take(UUID, "data", "web", 0)
    on("kvm2", monkeypatch)
    with pytest.raises(InvalidVolume, match="attached to the instance web on kvm1, and one guest at a time"):
        owners.take(UUID, "data", "peer", 0)
    assert owners.is_held_elsewhere(UUID)
    owners.release(UUID, "peer")
    with pytest.raises(InvalidVolume):
        owners.check(UUID, "data", "peer")
    on("kvm1", monkeypatch)
    owners.release(UUID, "web")
    on("kvm2", monkeypatch)
    owners.take(UUID, "data", "peer", 0)
    assert [path.name for path in tmp_path.iterdir()] == [f"{UUID}.volume.owner"]


def test_an_instance_may_have_its_own_volume_on_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = VolumeOwners(tmp_path)
    on("kvm1", monkeypatch)
    owners.take(UUID, "data", "web", 0)
    on("kvm2", monkeypatch)
    owners.take(UUID, "data", "web", 0)
    assert "kvm2" in (tmp_path / f"{UUID}.volume.owner").read_text()


def test_a_mark_that_nobody_can_read_keeps_everybody_out(tmp_path: Path) -> None:
    (tmp_path / f"{UUID}.volume.owner").write_text("{")
    with pytest.raises(InvalidVolume, match="unreadable"):
        VolumeOwners(tmp_path).take(UUID, "data", "web", 0)


def test_a_host_finds_what_lies_in_the_pools_that_it_has_used(tmp_path: Path) -> None:
    pool = StoragePool("big", "dir", path=str(tmp_path / "big"))
    pools = VolumePools(str(tmp_path / "own"), 30.0, KEYS)
    request = VolumeRequest(UUID, "data", 1, pool=pool)
    with pytest.raises(InvalidVolume, match="this host has no such directory"):
        pools.look_for(request)
    (tmp_path / "big").mkdir()
    assert pools.look_for(request) is None
    pools.remember(pool)
    pools.open(pool).create(Volume(UUID, "data", 1, pool=pool))
    [found] = VolumePools(str(tmp_path / "own"), 30.0, KEYS).find_all()
    assert (found.name, found.pool) == ("data", pool)
    assert pools.find(UUID) is not None


def test_nothing_is_made_where_a_pool_is_not_mounted(tmp_path: Path) -> None:
    pool = StoragePool("nas", "nfs", host="nas1", export="/export", path=str(tmp_path))
    with pytest.raises(InvalidVolume, match="Nothing is mounted at"):
        VolumePools(str(tmp_path / "own"), 30.0, KEYS).open(pool)
