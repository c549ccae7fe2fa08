# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import sys

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Service
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import (
    Instance,
    InstanceSpec,
    ObservedInstance,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import InstanceGroup, RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filtering import explain, passing
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_manager import HostManager
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters, load_weighers
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.scheduler_api import SchedulerAPI

# The fixtures are functions without state, so that property tests may use them too.


def make_flavor(vcpus=1, memory_mb=512, root_gb=5, **more):
    return Flavor("small", vcpus, memory_mb, root_gb, **more)


def make_spec(name="web-1", vcpus=1, memory_mb=512, root_gb=5, swap_mb=0, ephemeral_gb=0, **more):
    flavor = make_flavor(vcpus, memory_mb, root_gb, swap_mb=swap_mb, ephemeral_gb=ephemeral_gb)
    return RequestSpec(instance_uuid=f"uuid-{name}", name=name, flavor=flavor, **more)


def make_group(name="web", policy="anti-affinity", **more):
    return InstanceGroup(name, policy, **more)


def make_report(host="kvm1", instances=(), disabled=False, disabled_reason=None, maintenance=False, **node):
    figures = {"vcpus": 4, "memory_mb": 4608, "local_gb": 50, "memory_mb_used": 512, **node}
    observed = [
        ObservedInstance(Instance(uuid, InstanceSpec(uuid, make_flavor()), "active", host=host), "running")
        for uuid in instances
    ]
    service = Service(disabled, disabled_reason, maintenance)
    return HostReport(ComputeNode(f"node-{host}", host, host, **figures), service, instances=observed)


def make_manager(*reports, aggregates=(), unavailable=None):
    manager = HostManager()
    manager.update_hosts(reports, unavailable)
    manager.update_aggregates(aggregates)
    return manager


def make_host(aggregates=(), **report):
    """One host state: 4 CPUs, 4096 MB free of 4608, 50 GB."""
    manager = make_manager(make_report(**report), aggregates=aggregates)
    state = next(manager.get_all_host_states())
    assert isinstance(state, HostState)
    return state


def make_api(*reports, aggregates=(), unavailable=None, version_cap=None, **options):
    manager = make_manager(*reports, aggregates=aggregates, unavailable=unavailable)
    return SchedulerAPI(manager, SchedulerOptions.from_mapping(options), version_cap)


def weigh_all(name, hosts, spec, **options):
    """Return what one weigher makes of hosts, in their order, whichever way it is asked."""
    (item,) = load_weighers([name], SchedulerOptions.from_mapping(options))
    at_once, one_by_one = item.raw(HostColumns(hosts), spec), [item.weigh_object(state, spec) for state in hosts]
    assert not item.concerns(spec) or at_once is None or list(at_once) == one_by_one
    weighed = HostManager().get_weighed_hosts(hosts, spec, [item])
    weights = {weighed_host.host_state.host: weighed_host.weight for weighed_host in weighed}
    return [weights[state.host] for state in hosts]


def refuse_all(name, hosts, spec, **options):
    """Return why one filter refuses each host, in their order; None for one that passes."""
    (item,) = load_filters([name], SchedulerOptions.from_mapping(options))
    columns = HostColumns(hosts)
    passed = passing(item, columns, columns.all(), spec)
    reasons = [item.refusal_among(columns, state, spec) for state in hosts]
    assert [reason is None for reason in reasons] == list(passed)
    return [None if good else explain(item, spec, columns, state) for state, good in zip(hosts, passed, strict=True)]


@pytest.fixture(scope="session")
def weights():
    return weigh_all


@pytest.fixture(scope="session")
def refusals():
    return refuse_all


def verdict_of(name, host_state, spec, **options):
    """Return why one filter refuses one host; None where it passes."""
    (reason,) = refuse_all(name, [host_state], spec, **options)
    return reason


@pytest.fixture(scope="session")
def verdict():
    return verdict_of


@pytest.fixture(scope="session")
def spec():
    return make_spec


@pytest.fixture(scope="session")
def group():
    return make_group


@pytest.fixture(scope="session")
def report():
    return make_report


@pytest.fixture(scope="session")
def manager():
    return make_manager


@pytest.fixture(scope="session")
def host():
    return make_host


@pytest.fixture(scope="session")
def api():
    return make_api


@pytest.fixture
def collection(tmp_path, monkeypatch):
    """Write a plugin of the collection acme.sched, as a user would."""

    def write(kind, name, code):
        folder = tmp_path / "ansible_collections" / "acme" / "sched" / "plugins" / "sub_plugins" / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
        return f"acme.sched.{name}"

    for module in [name for name in sys.modules if name.startswith("ansible_collections.acme")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(str(tmp_path))
    return write
