# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passphrases of encrypted volumes: what a host keeps, and what libvirt is told."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_driving import VolumeDriving
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_keys import VolumeKeys

UUID, OTHER = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b", "0d6b7c1f-5c3e-5e0c-9f0a-8f2c9d522a3b"


class FakeSecrets:
    """libvirt's store of secrets."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def host(self) -> FakeSecrets:
        return self

    def secretDefineXML(self, xml: str) -> Any:
        tree = ET.fromstring(xml)
        uuid = tree.findtext("uuid") or ""
        assert (tree.get("private"), tree.get("ephemeral")) == ("yes", "no")
        return SimpleNamespace(setValue=lambda value: self.values.update({uuid: value}))


@pytest.fixture
def secrets() -> FakeSecrets:
    return FakeSecrets()


@pytest.fixture
def keys(secrets: FakeSecrets, tmp_path: Path) -> VolumeKeys:
    return VolumeKeys(secrets, str(tmp_path / "passphrases"))  # type: ignore[arg-type]


def start(keys: VolumeKeys, *volumes: str) -> None:
    """Start a guest that has volumes."""
    plug = SimpleNamespace(list_volumes=lambda _uuid: list(volumes))
    VolumeDriving.lend_passphrases(SimpleNamespace(_keys=keys, _plug=plug), "web")  # type: ignore[arg-type]


def test_libvirt_is_told_again_what_a_guest_that_starts_needs_and_nothing_else(
    keys: VolumeKeys, secrets: FakeSecrets
) -> None:
    keys.keep(UUID, b"correct horse")
    keys.keep(OTHER, b"battery staple")
    start(keys, UUID, "plain")
    assert secrets.values == {UUID: b"correct horse"}


def test_a_host_without_passphrases_asks_no_guest_for_its_volumes(secrets: FakeSecrets, tmp_path: Path) -> None:
    keys = VolumeKeys(secrets, str(tmp_path / "none"))  # type: ignore[arg-type]
    VolumeDriving.lend_passphrases(SimpleNamespace(_keys=keys), "web")  # type: ignore[arg-type]
    assert secrets.values == {}


def test_a_passphrase_is_the_roots_alone(keys: VolumeKeys, tmp_path: Path) -> None:
    keys.keep(UUID, b"correct horse")
    path = tmp_path / "passphrases" / UUID
    assert (path.read_bytes(), path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (
        b"correct horse",
        0o600,
        0o700,
    )
