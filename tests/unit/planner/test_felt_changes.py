# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What running guests are tried with (tests/support/felt) is planned as the table of impacts says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.network_building import network_on_hosts
from support.felt import instances, networks, shapes, volumes
from support.felt.trial import CONSENT, Change, lay

FILES = {**instances.FILES, **volumes.KEYS, "script": shapes.SCRIPT_FILE}
BEFORE = {
    instances: instances.BEFORE,
    networks: networks.BEFORE,
    shapes: shapes.BEFORE,
    volumes: volumes.before("192.0.2.1"),
}


# It asks for what a fleet of one host cannot have.
NO_HINTS = {"instances": {"web": {"scheduler_hints": None}}}


def cases() -> list[Any]:
    """Return what is declared before, and what is changed: a round at once, and alone what waits for consent."""
    found = []
    for of, document in BEFORE.items():
        for name, round_ in of.ROUNDS.items():
            if round_[0].impact in CONSENT:
                found += [pytest.param(document, [change], id=change.key) for change in round_]
            else:
                found.append(pytest.param(document, round_, id=name))
            for change in round_ if round_[0].impact != "refused" else ():
                document = lay(document, change.parts)
        if of is instances:
            found += [pytest.param(document, [change], id=change.key) for change in instances.OTHERS]
            found.append(pytest.param(document, [instances.ADOPTED], id=instances.ADOPTED.key))
    return found


@pytest.fixture
def load(tmp_path: Path) -> Callable[[dict[str, Any]], Fleet]:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)

    def load(document: dict[str, Any]) -> Fleet:
        (tmp_path / "fleet.yml").write_text(yaml.safe_dump(document))
        return load_fleet(str(tmp_path / "fleet.yml"))

    return load


@pytest.fixture
def plan(kit: SimpleNamespace, load: Callable[[dict[str, Any]], Fleet]) -> Callable[..., Plan]:
    """Plans a change of a fleet whose guests run as they were declared before."""

    def plan(before: dict[str, Any], changes: Sequence[Change]) -> Plan:
        fleet, empty = load(lay(before, NO_HINTS)), kit.observation(kit.report("kvm2", memory_mb=65536))
        made = kit.plan(fleet, empty)
        seen = kit.carry_out(fleet, empty, made.but(actions=[item for item in made.actions if item.spec is not None]))
        own = [network_on_hosts(fleet, network) for network in fleet.networks.values()]
        report = seen.reports["kvm2"].but(networks=[network for network in own if network is not None])
        for change in changes:
            before = lay(before, change.parts)
        return kit.plan(load(before), kit.observation(report))

    return plan


@pytest.mark.parametrize(("before", "changes"), cases())
def test_changes_are_planned_with_the_impact_of_their_rows(
    plan: Callable[..., Plan], before: dict[str, Any], changes: Sequence[Change]
) -> None:
    impact = changes[0].impact
    try:
        planned = plan(before, changes)
    except NovellaError as error:
        assert impact == "refused", error
        assert all(change.told in str(error) for change in changes), error
        return
    if impact in ("none", "refused") or impact in CONSENT:
        assert [item for item in planned.actions if item.operation != "create" or not changes[0].told] == []
    reasons = " ".join(item.reason for item in planned.findings if item.fatal)
    for change in changes:
        impacts = {item.impact for item in planned.actions if change.told in item.reason}
        if impact == "none":
            # Others are created, or nothing is done.
            assert change.told in reasons or impacts == {None}
        elif impact == "refused" or impact in CONSENT:
            assert change.told in reasons
            assert impact == "refused" or f"Say consent={CONSENT[impact]}" in reasons
        else:
            assert impacts == {impact}, change.key
