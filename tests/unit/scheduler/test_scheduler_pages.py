# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The worked examples of docs/filters and docs/weighers come out as the pages say.

A worked example is a fenced yaml block with `requests`. Its keys:

hosts      short host figures: `host`, and any field of ComputeNode; `disabled`, `disabled_reason`; and `instances` by
           uuid, each with `flavor` (a name or a whole flavor) and other fields of InstanceSpec
aggregates, options, requests   as the scheduler lookup takes them
answer     per request what is to be seen of its selection: `host`, `alternates`, `message` (a part of it), `refusals`
           by host, `funnel` as [before, after] by filter, `weights` by weigher, `weight`, `limits`. Of mappings, what
           is not named is not looked at.
"""

import importlib
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_manager import HostManager
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.requests import read_requests
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.scheduler_api import SchedulerAPI
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.weights import BaseHostWeigher

ROOT = Path(__file__).parents[3]
PAGES = [*sorted((ROOT / "docs/filters").glob("*.md")), *sorted((ROOT / "docs/weighers").glob("*.md"))]
KEYS = {"hosts", "aggregates", "options", "requests", "answer"}
SIZE = {"vcpus": 4, "memory_mb": 8192, "local_gb": 100}


def name_of(page):
    return str(page.relative_to(ROOT))


def worked_examples(page):
    """Return the page's worked examples, each with the line it starts at."""
    text = page.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    examples = [(text.count("\n", 0, block.start()) + 1, yaml.safe_load(block[1])) for block in blocks]
    return [(line, data) for line, data in examples if isinstance(data, dict) and "requests" in data]


def host_document(host, disabled=False, disabled_reason=None, instances=None, **node):
    """Return the host document of short host figures."""
    instances = instances or {}
    node = {"uuid": f"node-{host}", "host": host, "hypervisor_hostname": host, **SIZE, **node}
    node["stats"] = {"num_instances": len(instances), **node.get("stats", {})}
    return {
        "kind": "host",
        "version": "1.0",
        "compute_node": node,
        "service": {"disabled": disabled, "disabled_reason": disabled_reason},
        "instances": [observed(host, uuid, **spec) for uuid, spec in instances.items()],
    }


def observed(host, uuid, flavor="small", **spec):
    if isinstance(flavor, str):
        flavor = {"name": flavor, "vcpus": 1, "memory_mb": 512, "root_gb": 5}
    record = {"uuid": uuid, "vm_state": "active", "host": host, "spec": {"name": uuid, "flavor": flavor, **spec}}
    return {"instance": record, "power_state": "running"}


def place(example):
    manager = HostManager()
    manager.update_hosts(HostReport.from_document(host_document(**figures)) for figures in example["hosts"])
    manager.update_aggregates(Aggregate.from_dict(data) for data in example.get("aggregates", []))
    options = SchedulerOptions.from_mapping(example.get("options", {}))
    return SchedulerAPI(manager, options).select_destinations(read_requests([example["requests"]]))


def seen(selection, wanted):
    """Return what the page looks at, as the page writes it."""
    found = {
        "host": selection.host,
        "alternates": selection.alternates,
        "message": selection.message,
        "refusals": {refusal.host: refusal.reason for refusal in selection.refusals},
        "funnel": {step.name: [step.before, step.after] for step in selection.funnel},
        "weights": selection.weights,
        "weight": selection.weight,
        "limits": selection.limits,
    }
    if str(wanted.get("message") or "") in str(found["message"]):
        found["message"] = wanted.get("message")
    narrowed = {key: found[key] for key in wanted}
    for key, value in wanted.items():
        if isinstance(value, dict):
            narrowed[key] = {name: found[key].get(name) for name in value}
    return narrowed


EXAMPLES = [pytest.param(data, id=f"{name_of(page)}:{line}") for page in PAGES for line, data in worked_examples(page)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_worked_example_comes_out_as_its_page_says(example):
    assert example.keys() <= KEYS, f"keys of a worked example are {sorted(KEYS)}"
    selections = place(example)
    assert len(selections) == len(example["answer"]), "there must be one answer per request"
    for selection, wanted in zip(selections, example["answer"], strict=True):
        found = seen(selection, wanted)
        assert found == {key: rounded(value) for key, value in wanted.items()}, selection.message


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return pytest.approx(value, abs=0.005) if isinstance(value, float) else value


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES])
def test_every_page_has_a_worked_example(page):
    assert worked_examples(page)


@pytest.mark.parametrize(
    ("kind", "base"), [("scheduler_filter", BaseHostFilter), ("scheduler_weigher", BaseHostWeigher)]
)
def test_each_filter_and_weigher_is_told_of(kind, base):
    told = {
        name
        for page in [*PAGES, ROOT / "docs/scheduler.md"]
        for name in re.findall(r"`(\w+)`", page.read_text(encoding="utf-8"))
    }
    modules = [
        importlib.import_module(f"ansible_collections.novella.compute.plugins.sub_plugins.{kind}.{file.stem}")
        for file in (ROOT / "plugins/sub_plugins" / kind).glob("*.py")
    ]
    names = {
        item.__name__
        for module in modules
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, base) and item.__module__ == module.__name__
    }
    assert sorted(names - told) == []
