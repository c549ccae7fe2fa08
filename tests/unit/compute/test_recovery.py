# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What recovery makes of a run that died, beyond what can be seen at once."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute import operation
from support.fake_host import FakeHost, create


class Killed(BaseException):
    """The process ends here."""


def test_an_instance_whose_create_died_after_its_last_step_is_missed_when_its_domain_vanishes(
    host: FakeHost, monkeypatch
) -> None:
    def die(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(operation, "_close", die)
        host.reconcile(create("web-1"))
    with host.db.transaction() as connection:
        connection.execute("UPDATE journal SET owner = 'another-boot:1:1'")
    assert [seen.instance.uuid for seen in host.manager().audit().instances] == ["uuid-of-web-1"]
    host.driver.undefine("uuid-of-web-1")
    assert [(item.uuid, item.has_disk) for item in host.manager().audit().lost] == [("uuid-of-web-1", True)]
