# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host as a service: enabled, disabled, in maintenance; and the builds that fail on it."""

from dataclasses import replace

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.service import ServiceWish
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from support.fake_host import FakeHost, act, create


def failed_builds(host: FakeHost) -> int:
    return host.manager().audit().compute_node.stats.get("failed_builds", 0)


def test_a_host_is_disabled_with_a_reason_and_enabled_again(host: FakeHost) -> None:
    before, after = host.manager().change_service(ServiceWish(enabled=False, disabled_reason="new fan"))
    assert (before.service.disabled, after.service.disabled, after.service.disabled_reason) == (False, True, "new fan")
    assert after.service.updated_at is not None
    results = host.reconcile(create("web-1"))
    assert "it is disabled: new fan" in results[0]["error"]["message"]
    _before, after = host.manager().change_service(ServiceWish(enabled=True))
    assert (after.service.disabled, after.service.disabled_reason) == (False, None)
    assert host.reconcile(create("web-1"))[0]["status"] == "done"


def test_maintenance_refuses_claims_and_is_apart_from_disabling(host: FakeHost) -> None:
    host.reconcile(create("web-1"))
    host.manager().change_service(ServiceWish(maintenance=True))
    host.manager().change_service(ServiceWish(enabled=True))
    assert "it is in maintenance" in host.reconcile(create("web-2"))[0]["error"]["message"]
    # Its guests go on.
    assert [result["status"] for result in host.reconcile(act("stop", "web-1"), act("start", "web-1"))] == ["done"] * 2
    host.manager().change_service(ServiceWish(maintenance=False))
    assert host.reconcile(create("web-2"))[0]["status"] == "done"


def test_saying_the_same_again_changes_nothing(host: FakeHost) -> None:
    wish = ServiceWish(enabled=False, disabled_reason="new fan", maintenance=True)
    host.manager().change_service(wish)
    before, after = host.manager().change_service(wish)
    assert before == after
    before, after = host.manager().change_service(ServiceWish(enabled=False))
    assert before == after  # the reason stays where none is given


def test_a_prediction_changes_nothing(host: FakeHost) -> None:
    _before, after = host.manager().predict_service(ServiceWish(maintenance=True))
    assert after.service.maintenance
    assert not host.manager().audit().service.maintenance


@pytest.mark.parametrize("enabled", [None, True])
def test_a_reason_without_disabling_is_refused(host: FakeHost, enabled: bool | None) -> None:
    with pytest.raises(OptionInvalid, match="enabled is not false"):
        host.manager().change_service(ServiceWish(enabled=enabled, disabled_reason="new fan"))


def test_a_reason_that_is_too_long_is_refused(host: FakeHost) -> None:
    with pytest.raises(OptionInvalid, match="256 letters, of at most 255"):
        host.manager().change_service(ServiceWish(enabled=False, disabled_reason="x" * 256))


def test_builds_that_fail_are_counted_until_one_does_not(host: FakeHost) -> None:
    host.settings(failures={"power_on": {"web-1": "no such luck"}})
    for count in (1, 2, 3):
        host.reconcile(create("web-1"))
        assert failed_builds(host) == count
    host.reconcile(create("web-2"))
    assert failed_builds(host) == 0


def test_neither_a_refused_claim_nor_another_operation_is_a_failed_build(host: FakeHost) -> None:
    host.reconcile(create("web-1", memory_mb=10**6))
    host.reconcile(create("web-2"))
    host.settings(failures={"shut_down": {"web-2": "no such luck"}})
    host.reconcile(act("stop", "web-2"))
    assert failed_builds(host) == 0


def test_failed_builds_can_be_reset_and_need_not_be_counted(host: FakeHost) -> None:
    host.settings(failures={"power_on": {"web-1": "no such luck"}})
    host.reconcile(create("web-1"))
    before, after = host.manager().change_service(ServiceWish(reset_failed_builds=True))
    assert (before.failed_builds, after.failed_builds, failed_builds(host)) == (1, 0, 0)
    host.options = replace(host.options, consecutive_build_service_disable_threshold=0)
    host.reconcile(create("web-1"))
    assert failed_builds(host) == 0
