# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of a fleet changed under guests that run, and whether each is felt exactly as the table of impacts says."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.impacts import (
    DATA_LOST,
    LIVE,
    NEXT_BOOT,
    NONE,
    REFUSED,
    RESTART,
    impact_of_key,
)
from support.lab_fleet import POOL, LabFleet, await_condition
from support.lab_guest import Guest, guest_of

CONSENT = {RESTART: "restart", DATA_LOST: "rebuild"}
# Such as two emulated guests need that boot at once on a machine that does other things as well.
BOOT_TIMEOUT = 180


@dataclass(frozen=True)
class Change:
    """A change of one field.

    Args:
        key: Its row in the table of impacts.
        parts: What is laid over the fleet. A number is a position in a list; None takes a key away.
        told: What the plan says of it, or the refusal.
        shows: What to look at. Nothing where nobody feels anything.
        becomes: What is seen there as soon as the guest has it, and not before.
        guest: Whom it is about.
    """

    key: str
    parts: dict[str, Any]
    told: str = ""
    shows: Callable[[Guest], Any] | None = None
    becomes: Any = None
    guest: str = "web"

    @property
    def impact(self) -> str:
        return impact_of_key(self.key)


def lay(base: Any, parts: Any) -> Any:
    """Return a document with parts laid over it."""
    if not isinstance(parts, dict):
        return copy.deepcopy(parts)
    if isinstance(base, list) and all(isinstance(key, int) for key in parts):
        items = dict(enumerate(base))
        items.update({place: lay(items.get(place), item) for place, item in parts.items()})
        return [items[place] for place in sorted(items) if items[place] is not None]
    laid = dict(base) if isinstance(base, dict) else {}
    for key, value in parts.items():
        if value is None:
            laid.pop(key, None)
        else:
            laid[key] = lay(laid.get(key), value)
    return laid


def boots(guest: Guest) -> list[str]:
    """What each boot found on the disk that it booted from: how often that one was booted, itself included."""
    return re.findall(r"NOVELLA-GUEST boots=(\w+)", guest.console)


def words(text: str) -> str:
    return " ".join(text.split())


@dataclass
class Trial:
    """A fleet whose guests run on kvm2, and what is declared of it by now.

    Args:
        bootless: Guests that no image of the lab boots: with them, it is the life of the domain that counts.
    """

    fleet: LabFleet
    document: dict[str, Any]
    bootless: Sequence[str] = field(default_factory=tuple)

    def begin(self) -> None:
        """Have the guests, and wait until they have booted."""
        self.declare()
        self.fleet.apply()
        for name in self.booting:
            self._await_boot(name, 1)

    @property
    def booting(self) -> list[str]:
        return [name for name in self.names if name not in self.bootless]

    @property
    def names(self) -> list[str]:
        """The guests: with a count, the first one."""
        return [f"{name}-1" if "count" in body else name for name, body in self.document["instances"].items()]

    def guest(self, name: str) -> Guest:
        return guest_of(self.fleet, name)

    def declare(self, *changes: Change) -> None:
        """Declare what is there by now, and these changes besides."""
        document = self.document
        for change in changes:
            document = lay(document, change.parts)
        (self.fleet.folder / "fleet.yml").write_text(yaml.safe_dump({"name": self.fleet.name, **document}))

    def keep(self, *changes: Change) -> None:
        for change in changes:
            self.document = lay(self.document, change.parts)
        self.declare()

    def feel(self, *changes: Change) -> None:
        """Make changes that are all of one impact, and see that it is this one."""
        [impact] = {change.impact for change in changes}
        felt = {
            NONE: self._unfelt,
            LIVE: self._felt_at_once,
            NEXT_BOOT: self._felt_at_the_next_boot,
            RESTART: self._felt_by_consent,
            DATA_LOST: self._felt_by_consent,
            REFUSED: self.refused,
        }[impact]
        felt(*changes)

    def plan(self, **extra_vars: Any) -> dict[str, Any]:
        """Return the plan of what is declared."""
        path = self.fleet.folder / "plan.yml"
        path.unlink(missing_ok=True)
        ended = self.fleet.run("plan", plan_file=str(path), **extra_vars)
        assert path.exists(), ended.text
        return yaml.safe_load(path.read_text())

    def sights(self) -> dict[str, tuple[str, list[str], int]]:
        """By guest: its life, its boots, and which file its root disk is."""
        return {name: (self.guest(name).life(), boots(self.guest(name)), self._root_disk(name)) for name in self.names}

    def pictures(self) -> dict[str, tuple[str, ...]]:
        """By guest: all that libvirt says of it, as it runs and as it is defined."""
        return {
            name: tuple(self._virsh("dumpxml", name, *view) for view in ([], ["--inactive", "--security-info"]))
            for name in self.names
        }

    def refused(self, *changes: Change) -> None:
        """Declare changes that are refused in one run, each by its own words; the guests are as they were after it."""
        before = self.sights(), self.pictures()
        self.declare(*changes)
        ended = self.fleet.run(consent="restart,rebuild")
        assert ended.code == 2, ended.text
        silent = {change.key: change.told for change in changes if change.told not in words(ended.text)}
        assert not silent, f"{silent} in {ended.text}"
        assert (self.sights(), self.pictures()) == before
        self.declare()

    def fails(self, change: Change, reason: str) -> None:
        """See that the host tries a change as the table says, fails for want of something, and keeps its guests."""
        before, plugged = self.sights(), self._virsh("domiflist", change.guest)
        self.declare(change)
        self._see_told([change], change.impact)
        ended = self.fleet.run()
        assert ended.code == 2, ended.text
        assert reason in words(ended.text), ended.text
        assert self.sights() == before
        assert _macs(self._virsh("domiflist", change.guest)) == _macs(plugged)
        self.declare()
        self.fleet.apply()
        self._see_converged()
        assert self.sights() == before

    def waits_for_consent(self, change: Change) -> None:
        """See that a plan of this change alone does nothing to its guest, and says which consent that takes."""
        self.declare(change)
        plan = self.plan()
        assert [action for action in plan.get("actions", []) if action["name"] == change.guest] == [], change.key
        [waits] = [
            item for item in plan.get("findings", []) if item["kind"] == "consent" and item["name"] == change.guest
        ]
        assert change.told in waits["reason"], (change.key, waits["reason"])
        assert f"Say consent={CONSENT[change.impact]} to have it done" in waits["reason"], (change.key, waits["reason"])

    def _unfelt(self, *changes: Change) -> None:
        before = self.sights(), self.pictures()
        self.keep(*changes)
        ended = self.fleet.apply()
        assert ended.changed == 0, ended.text
        assert (self.sights(), self.pictures()) == before

    def _felt_at_once(self, *changes: Change) -> None:
        before = self.sights()
        self._see_none(changes)
        self.keep(*changes)
        self._see_told(changes, LIVE)
        self.fleet.apply()
        for change in changes:
            what = f"{change.key}: the guest has {change.becomes!r}"
            await_condition(lambda change=change: self._seen(change) == change.becomes, what, BOOT_TIMEOUT)
        assert self.sights() == before
        self._see_converged()

    def _felt_at_the_next_boot(self, *changes: Change) -> None:
        before = self.sights()
        self._see_none(changes)
        self.keep(*changes)
        self._see_told(changes, NEXT_BOOT)
        self.fleet.apply()
        self._see_none(changes)
        assert self.sights() == before
        self._see_converged()
        names = sorted({change.guest for change in changes})
        rebooted = self.fleet.run("hard_reboot", instances=names, only_fleet=self.fleet.name)
        assert rebooted.code == 0, rebooted.text
        self._see_booted(names, before, NEXT_BOOT)
        self._see_all(changes)
        self._see_converged()

    def _felt_by_consent(self, *changes: Change) -> None:
        """Each change waits alone for consent; then all are done at once."""
        before, impact = self.sights(), changes[0].impact
        self._see_none(changes)
        for change in changes:
            self.waits_for_consent(change)
        self.keep(*changes)
        asked = self.fleet.run()
        assert asked.code == 2, asked.text
        self._see_none(changes)
        assert self.sights() == before, "done without consent"
        self.fleet.apply(consent=CONSENT[impact])
        self._see_booted(sorted({change.guest for change in changes}), before, impact)
        self._see_all(changes)
        self._see_converged()

    def _see_told(self, changes: Sequence[Change], impact: str) -> None:
        actions = self.plan().get("actions", [])
        for change in changes:
            found = {action["impact"] for action in actions if change.told in action["reason"]}
            assert found == {impact}, (change.key, change.told, [action["reason"] for action in actions])

    def _see_none(self, changes: Sequence[Change]) -> None:
        early = {change.key: change.becomes for change in changes if self._seen(change) == change.becomes}
        assert not early, f"It has them already: {early}"

    def _see_all(self, changes: Sequence[Change]) -> None:
        seen = {change.key: self._seen(change) for change in changes}
        assert seen == {change.key: change.becomes for change in changes}

    def _see_booted(self, names: Sequence[str], before: dict[str, Any], impact: str) -> None:
        """See that these were booted once, on their root disks or on fresh ones, and the others were let alone."""
        for name in names:
            life, earlier, disk = before[name]
            assert self.guest(name).life() != life, f"{name} was not restarted"
            assert (self._root_disk(name) != disk) == (impact == DATA_LOST), f"the root disk of {name}"
            if name not in self.bootless:
                self._await_boot(name, len(earlier) + 1)
                found = "1" if impact == DATA_LOST else str(int(earlier[-1]) + 1)
                assert boots(self.guest(name)) == [*earlier, found], f"{name}: not {impact}, once"
        others = {name: sight for name, sight in self.sights().items() if name not in names}
        assert others == {name: sight for name, sight in before.items() if name not in names}

    def _see_converged(self) -> None:
        ended = self.fleet.run()
        assert (ended.code, ended.changed) == (0, 0), ended.text

    def _seen(self, change: Change) -> Any:
        assert change.shows is not None, f"{change.key}: nothing to look at"
        return change.shows(self.guest(change.guest))

    def _await_boot(self, name: str, number: int) -> None:
        guest = self.guest(name)
        await_condition(lambda: guest.console.count("READY hostname") >= number, f"boot {number}", BOOT_TIMEOUT)
        if "org.qemu.guest_agent.0" in self._virsh("dumpxml", name):
            await_condition(lambda: guest.answers, "the agent answers", BOOT_TIMEOUT)

    def _root_disk(self, name: str) -> int:
        guest = self.guest(name)
        uuid = guest.home.virsh("domuuid", guest.domain).strip()
        return (guest.home.files / POOL / f"{uuid}.root.qcow2").stat().st_ino

    def _virsh(self, command: str, name: str, *arguments: str) -> str:
        guest = self.guest(name)
        return guest.home.virsh(command, guest.domain, *arguments)


def _macs(interfaces: str) -> list[str]:
    """Return the MAC addresses in what virsh tells of a guest's NICs."""
    return sorted(re.findall(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", interfaces))
