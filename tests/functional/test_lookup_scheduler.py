# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
SMALL = {"name": "small", "vcpus": 1, "memory_mb": 512, "root_gb": 5}


def document(host, **node):
    figures = {"vcpus": 4, "memory_mb": 4096, "local_gb": 50, "memory_mb_used": 512, **node}
    identity = {"uuid": f"node-{host}", "host": host, "hypervisor_hostname": host}
    return {"kind": "host", "version": "1.0", "compute_node": {**identity, **figures}}


@pytest.fixture
def play(tmp_path):
    """Run plays with ansible-playbook; return its exit code and all that it printed."""

    def run(*plays, inventory="localhost ansible_connection=local\n"):
        (tmp_path / "play.yml").write_text(yaml.safe_dump(list(plays)), encoding="utf-8")
        (tmp_path / "inventory").write_text(inventory, encoding="utf-8")
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", "inventory", "play.yml"],
            cwd=tmp_path,
            env={**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def on_localhost(*tasks, **variables):
    return {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": list(tasks)}


def check(*conditions):
    return {"ansible.builtin.assert": {"that": list(conditions)}}


def failing(expression, *conditions):
    """A block that passes when the expression fails, and its error meets the conditions."""
    return {
        "block": [
            {"ansible.builtin.debug": {"msg": "{{ " + expression + " }}"}, "register": "told"},
            {"ansible.builtin.fail": {"msg": "it did not fail"}},
        ],
        "rescue": [check(*conditions)],
    }


def test_host_documents_and_templated_requests_give_selections(play):
    code, output = play(
        on_localhost(
            check(
                "batch | map(attribute='host') == ['kvm1', 'kvm2', 'kvm1']",
                "batch | map(attribute='name') == ['web-1', 'web-2', 'db']",
                "batch[2].alternates == ['kvm2']",
                "batch[0].limits.memory_mb == 4096.0",
                "batch[0].refusals == []",
                "batch[0].message is none",
                "single is mapping",
                "single.host == 'kvm2'",
                "single.instance_uuid == zoned.instance_uuid",
                "single.weight is float",
            ),
            small=SMALL,
            memory=1024,
            hosts=[document("kvm1"), document("kvm2")],
            group={"name": "web", "policy": "anti-affinity"},
            requests=[
                {"name": "web-1", "flavor": "{{ small }}", "server_group": "{{ group }}"},
                {"name": "web-2", "flavor": "{{ small }}", "server_group": "{{ group }}"},
                {"name": "db", "flavor": {"name": "big", "vcpus": 1, "memory_mb": "{{ memory }}"}},
            ],
            zoned={"name": "one", "flavor": "{{ small }}", "availability_zone": "az{{ 2 }}", "instance_uuid": "u-one"},
            aggregates=[{"name": "second", "hosts": ["kvm2"], "availability_zone": "az2"}],
            batch="{{ query('novella.compute.scheduler', requests, hosts_from=hosts) }}",
            single="{{ lookup('novella.compute.scheduler', zoned, hosts_from=hosts, aggregates=aggregates,"
            " options={'ram_weight_multiplier': -1.5}) }}",
        )
    )
    assert code == 0, output


def test_the_facts_of_the_group_are_read_and_hosts_without_them_are_named(play):
    inventory = (
        "localhost ansible_connection=local\n"
        "[hypervisors]\nkvm1\nkvm2\nkvm3\n[hypervisors:vars]\nansible_connection=local\n"
    )
    facts = {"kvm1": document("kvm1"), "kvm2": {**document("kvm2"), "version": "9.0"}}
    audit = {
        "hosts": "kvm1:kvm2",
        "gather_facts": False,
        "vars": {"facts": facts},
        "tasks": [{"ansible.builtin.set_fact": {"novella_host": "{{ facts[inventory_hostname] }}", "cacheable": True}}],
    }
    code, output = play(
        audit,
        on_localhost(
            check("lookup('novella.compute.scheduler', fits).host == 'kvm1'"),
            failing("lookup('novella.compute.scheduler', huge)", f"'{NOWHERE}' in ansible_failed_result.msg"),
            failing(
                "lookup('novella.compute.scheduler', fits, group='hypervisor')",
                "\"The inventory has no group 'hypervisor'. Did you mean 'hypervisors'?\" in ansible_failed_result.msg",
            ),
            prefix="hyper",
            novella_group="{{ prefix }}visors",
            fits={"name": "one", "flavor": SMALL},
            huge={"name": "huge", "flavor": {**SMALL, "memory_mb": 3585}},
        ),
        inventory=inventory,
    )
    assert code == 0, output


NOWHERE = (
    "No valid host for huge (small): 0 of 1 host fit. RamFilter refused 1. Nearest: kvm1 lacks 1 MB of memory. "
    "Not available: kvm2 (The host document has version 9.0; this release reads host documents up to 1.x.), "
    "kvm3 (was never audited)."
)


def test_what_does_not_fit_fails_or_is_reported_as_asked(play):
    variables = {
        "hosts": [document("kvm1", memory_mb=1536)],
        "requests": [{"name": f"vm-{n}", "flavor": SMALL} for n in range(3)],
    }
    report = "query('novella.compute.scheduler', requests, hosts_from=hosts, on_unplaceable='report')"
    code, output = play(
        on_localhost(
            check(
                f"({report}) | map(attribute='host') == ['kvm1', 'kvm1', none]",
                f"({report})[2].nearest_miss == 'kvm1 lacks 512 MB of memory'",
                f"({report})[2].refusals == [{{'host': 'kvm1', 'filter': 'RamFilter',"
                " 'reason': 'lacks 512 MB of memory (0 of 1536 MB free)'}]",
            ),
            {"ansible.builtin.debug": {"msg": "{{ query('novella.compute.scheduler', requests, hosts_from=hosts) }}"}},
            **variables,
        )
    )
    assert code == 2, output
    assert (
        "No valid host for vm-2 (small): 0 of 1 host fit. RamFilter refused 1. Nearest: kvm1 lacks 512 MB of memory."
    ) in output
    assert "Set on_unplaceable='report'" in output
    assert "Traceback" not in output


BAD = {
    "affinty='x'": "The lookup novella.compute.scheduler has no option 'affinty'.",
    "option={}": "The lookup novella.compute.scheduler has no option 'option'. Did you mean 'options'?",
    "options={'max_attempt': 1}": "options has the unknown option 'max_attempt'. Did you mean 'max_attempts'?",
    "options={'enabled_filters': ['RamFiltr']}": "There is no filter 'RamFiltr'. Did you mean 'RamFilter'?",
    "hosts_from=[{'kind': 'plan'}]": "hosts_from[0] should be of kind 'host', but is 'plan'.",
    "aggregates=[{'host': []}]": "aggregates[0] has the unknown key 'host'.",
    "version_cap='0.0'": "The scheduler cannot answer at version 0.0; this release answers at 1.1.",
    "on_unplaceable='never'": "",
}


def test_bad_input_is_one_clear_message_each(play):
    def task(arguments, message):
        hosts = "" if "hosts_from=" in arguments else "hosts_from=[], "
        call = f"lookup('novella.compute.scheduler', request, {hosts}{arguments})"
        return failing(call, "wanted in ansible_failed_result.msg") | {"vars": {"wanted": message}}

    tasks = [task(arguments, message) for arguments, message in BAD.items()]
    code, output = play(on_localhost(*tasks, request={"name": "one", "flavor": SMALL}))
    assert code == 0, output
    assert "Traceback" not in output


def test_the_documented_example_prints_what_it_says(play):
    page = (REPOSITORY / "docs" / "scheduler.md").read_text(encoding="utf-8")
    example, printed = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("yaml", "text"))
    code, output = play(*yaml.safe_load(example))
    assert code == 0, output
    told = " ".join(output.replace("''", "'").split())
    positions = [told.index(line) for line in printed.strip().splitlines()]
    assert positions == sorted(positions)
