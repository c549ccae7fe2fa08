# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers against each other: who starts what, and whether each says truly what came of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.controllers import Controller, Ended, start


@dataclass(frozen=True)
class Contender:
    """One controller and its fleet."""

    fleet: str
    names: tuple[str, ...]
    controller: Controller

    def refusal(self, name: str, ended: Ended) -> str:
        """Return what the run said of an instance that it did not make; empty where it said nothing."""
        pattern = rf"(?m)(?:No valid host for {re.escape(name)} |create {re.escape(name)} on \S+: ).*$"
        found = re.search(pattern, ended.complaints)
        return found[0] if found else ""


def write_fleet(folder: Path, name: str, parts: Mapping[str, Any], instances: Mapping[str, Any]) -> Path:
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump({"version": "1.0", **parts, "name": name, "instances": dict(instances)}))
    return path


def begin(inventory: Path, folder: Path, fleet: Path, run: str, names: Iterable[str], **extra_vars: Any) -> Contender:
    """Start an apply."""
    controller = start("apply", inventory, folder, run, fleet=str(fleet), **extra_vars)
    return Contender(fleet.stem, tuple(names), controller)


def end(contenders: Iterable[Contender], timeout: float = 600) -> list[tuple[Contender, Ended]]:
    """Wait for all, and leave none behind whatever happens."""
    contenders = list(contenders)
    try:
        return [(contender, contender.controller.wait(timeout)) for contender in contenders]
    finally:
        for contender in contenders:
            contender.controller.stop()


def check_words(ended: Iterable[tuple[Contender, Ended]], running: Mapping[str, set[str]]) -> list[str]:
    """Hold what the controllers said against what is there, and return the names that were refused.

    Args:
        running: By fleet, the names of its instances that run.
    """
    refused = []
    for contender, outcome in ended:
        assert "Traceback" not in outcome.text, outcome.text
        there = running.get(contender.fleet, set())
        missing = [name for name in contender.names if name not in there]
        for name in contender.names:
            said = contender.refusal(name, outcome)
            assert bool(said) == (name in missing), (
                f"{name} of {contender.fleet}, of which it said {said!r}\n{outcome.text}"
            )
        assert outcome.code == (2 if missing else 0), outcome.text
        refused += missing
    return refused
