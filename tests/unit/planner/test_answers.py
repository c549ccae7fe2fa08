# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import observe_answers, read_answer


@pytest.fixture
def document(kit):
    return kit.report("kvm1").as_document()


@pytest.mark.parametrize(
    ("variables", "silence"),
    [
        ({}, "was not audited in this run (--limit?)"),
        ({"novella_audit": {"skipped": True}}, "was not audited in this run (--limit?)"),
        ({"novella_audit": {"unreachable": True, "msg": "No route to host\nmore"}}, "No route to host"),
        ({"novella_audit": {"failed": True, "msg": "libvirt does not answer."}}, "libvirt does not answer."),
        ({"novella_audit": {"failed": True}}, "it gave no reason"),
        ({"novella_audit": {}}, "its audit returned no document"),
        (
            {"novella_audit": {}, "novella_reconcile": {"unreachable": True, "msg": "gone"}},
            "fell silent while it was changed: gone",
        ),
        (
            {"novella_audit": {}, "novella_reconcile": {"failed": True, "msg": "libvirt does not answer."}},
            "fell silent while it was changed: libvirt does not answer.",
        ),
    ],
)
def test_a_host_without_an_audit_of_this_run_is_silent_whatever_a_cache_says(document, variables, silence):
    facts = {} if variables == {"novella_audit": {}} else {"novella_host": document}
    answer = read_answer("kvm1", {"ansible_facts": facts, **variables})
    assert (answer.document, answer.silence) == (None, silence)
    assert observe_answers([answer]).unreachable == {"kvm1": silence}


def test_what_ansible_adds_to_a_failed_result_is_left_out(document):
    failed = {"failed": True, "msg": "gone", "exception": object(), "warnings": [object()]}
    answer = read_answer("kvm1", {"novella_audit": {}, "novella_reconcile": failed})
    assert answer.reconcile == {"failed": True, "msg": "gone"}


def test_an_audited_host_is_seen(kit, document):
    answer = read_answer("kvm1", {"novella_audit": {"changed": False}, "ansible_facts": {"novella_host": document}})
    assert observe_answers([answer]) == kit.observation(kit.report("kvm1"))
