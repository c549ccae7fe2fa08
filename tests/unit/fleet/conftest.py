# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet

HEAD = """\
version: "1.0"
flavors: {small: {vcpus: 1, memory_mb: 512}}
images: {debian: {source: /srv/debian.qcow2}}
networks: {front: {bridge: br0}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, so that messages name files as a user gave them."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def faults(folder: Path) -> Callable[[str], list[str]]:
    """Return the faults of a fleet.yml with this text."""

    def load(text: str) -> list[str]:
        (folder / "fleet.yml").write_text(text, "utf-8")
        with pytest.raises(FleetInvalid) as caught:
            load_fleet("fleet.yml")
        return caught.value.faults

    return load


@pytest.fixture
def faults_after_head(faults: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Return the faults of a text that comes after the four sound lines of HEAD."""
    return lambda text: faults(HEAD + text)
