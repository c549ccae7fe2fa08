# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scheduler
author: The Novella team (@novella-compute)
version_added: 0.1.0
short_description: Choose hosts for instances
description:
  - Chooses a host for each request, as Nova's filter scheduler does, from what the hosts said of themselves. Nothing is
    changed anywhere.
  - The requests are placed in order; each sees what the ones before it took. Every request sees all hosts.
  - Use C(query) for several requests; C(lookup) returns the selection of a single request as a dictionary.
options:
  _terms:
    description:
      - The requests, or lists of them. Unknown keys are errors.
      - C(name) (a string) and C(flavor) (C(name), C(vcpus), C(memory_mb); C(root_gb), C(ephemeral_gb), C(swap_mb),
        C(extra_specs)) are required.
      - C(project_id), C(availability_zone), C(image), C(scheduler_hints) are those of Nova.
      - C(server_group) has C(name) and C(policy) (C(affinity) or C(anti-affinity)), C(max_server_per_host), and the
        C(members) (uuids) and C(hosts) that it has already.
      - C(requested_destination) with C(host) reduces the candidates to that host; the filters still run.
      - C(ignore_hosts) are left out. C(force_hosts) are the only candidates, and only capacity, availability zone and
        the service's state are tested.
      - C(where) is a list of predicates on the host, each with C(key), C(operator) and C(value).
      - C(instance_uuid) is derived from the default fleet, the project and the name where it is left out.
    type: list
    elements: raw
    required: true
  hosts_from:
    description:
      - The hosts to choose from, as the path of a document or as its content. It is a snapshot that playbook
        C(novella.compute.audit) has saved, or a list of hosts written by hand. Of each it holds a host document, or
        C(host), C(vcpus), C(memory_mb), C(local_gb) and what else of a compute node is not as usual.
      - C(count) in an entry stands for so many equal hosts.
      - Left out, the fact C(novella_host) of each host of O(group) is read. Hosts without it cannot be chosen, and are
        named in the explanation.
    type: raw
  group:
    description:
      - The inventory group of the compute nodes.
      - Left out, the variable C(novella_group) names it; without that it is C(compute).
    type: str
  aggregates:
    description:
      - The host aggregates. Each has a C(name), and C(hosts), C(availability_zone) and C(metadata).
    type: list
    elements: dict
    default: []
  options:
    description:
      - The scheduler's options, as in the section C(scheduler) of a fleet, such as C(enabled_filters) and
        C(ram_weight_multiplier).
    type: dict
    default: {}
  on_unplaceable:
    description: What to do about a request that fits on no host.
    type: str
    choices:
      fail: Fail, and say why for each such request.
      report: Return its selection without a host, and with the reason as its C(message).
    default: fail
  version_cap:
    description:
      - The newest version of the answer that its readers know, as C(major.minor) or as the release of Novella that
        brought it. What is younger is left out.
    type: str
"""

EXAMPLES = r"""
- name: Where would a small instance go?
  ansible.builtin.debug:
    msg: "{{ lookup('novella.compute.scheduler', request).host }}"
  vars:
    request:
      name: web-1
      flavor: {name: small, vcpus: 1, memory_mb: 512, root_gb: 5}

- name: Place three instances on three different hosts, and stack rather than spread
  ansible.builtin.set_fact:
    selections: "{{ query('novella.compute.scheduler', requests, options={'ram_weight_multiplier': -1.0}) }}"
  vars:
    web: {name: web, policy: anti-affinity}
    small: {name: small, vcpus: 1, memory_mb: 512, root_gb: 5}
    requests:
      - {name: web-1, flavor: "{{ small }}", server_group: "{{ web }}"}
      - {name: web-2, flavor: "{{ small }}", server_group: "{{ web }}"}
      - {name: web-3, flavor: "{{ small }}", server_group: "{{ web }}"}

- name: Would it fit on the hosts of a saved audit, and if not, why?
  ansible.builtin.debug:
    msg: "{{ query('novella.compute.scheduler', request, hosts_from='snapshot.json', on_unplaceable='report') }}"
  vars:
    request:
      name: web-1
      flavor: {name: large, vcpus: 4, memory_mb: 32768, root_gb: 100}

- name: Would it fit on two hosts that are yet to be bought?
  ansible.builtin.debug:
    msg: "{{ lookup('novella.compute.scheduler', request, hosts_from=hosts) }}"
  vars:
    hosts: [{host: new, count: 2, vcpus: 32, memory_mb: 131072, local_gb: 2000}]
    request:
      name: web-1
      flavor: {name: large, vcpus: 4, memory_mb: 32768, root_gb: 100}
"""

RETURN = r"""
_raw:
  description: One selection per request, in the order of the requests.
  type: list
  elements: dict
  contains:
    instance_uuid:
      description: The instance that was asked for.
      type: str
    name:
      description: Its name.
      type: str
    host:
      description: The chosen host, or C(null) where no host is valid.
      type: str
    alternates:
      description: The next best hosts, at most O(options) C(max_attempts) - 1.
      type: list
      elements: str
    limits:
      description: What the claim on the host is tested against, as C(memory_mb), C(disk_gb) and C(vcpu).
      type: dict
    weight:
      description: The score of the chosen host. A single candidate is not weighed.
      type: float
    weights:
      description: The score by weigher.
      type: dict
    funnel:
      description: The filters in the order they ran.
      type: list
      elements: dict
      contains:
        name:
          description: The filter.
          type: str
        before:
          description: How many hosts it saw.
          type: int
        after:
          description: How many hosts it left.
          type: int
    refusals:
      description: Each refused host with the first filter that refused it.
      type: list
      elements: dict
      contains:
        host:
          description: The host.
          type: str
        filter:
          description: The filter.
          type: str
        reason:
          description: Why, and by what margin.
          type: str
    refusals_left_out:
      description:
        - How many refused hosts RV(_raw[].refusals) leaves out. The option C(explained_refusals) says how many it may
          hold; of a request that was placed it holds all or none.
      type: int
    nearest_miss:
      description: Where no host is valid, the smallest single change that would make one so.
      type: str
    message:
      description: Where no host is valid, why; else C(null).
      type: str
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import Selection
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import (
    observe_hosts,
    read_group,
    to_plain,
)
from ansible_collections.novella.compute.plugins.plugin_utils.controller_lookup import read_options, speaking_ansible
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import AUDIT, FACT, read_answer
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_manager import HostManager
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.requests import read_requests
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.scheduler_api import SchedulerAPI


class LookupModule(LookupBase):
    """The door to the scheduler: reads what Ansible knows, asks, and answers in plain data."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        variables = variables or {}
        with speaking_ansible():
            read_options(self, variables, kwargs)
            api, selections = self._select(terms, variables)
        unplaced = [selection for selection in selections if selection.host is None]
        if unplaced and self.get_option("on_unplaceable") == "fail":
            _fail(unplaced, len(selections))
        return [api.written(selection) for selection in selections]

    def _select(self, terms: list[Any], variables: dict[str, Any]) -> tuple[SchedulerAPI, list[Selection]]:
        requests = read_requests(to_plain(terms, "the requests"))
        options = SchedulerOptions.from_mapping(self._plain_option("options"), "options")
        aggregates = [
            Aggregate.from_dict(data, f"aggregates[{index}]")
            for index, data in enumerate(self._plain_option("aggregates"))
        ]
        manager = HostManager()
        manager.update_hosts(*self._read_hosts(variables))
        manager.update_aggregates(aggregates)
        api = SchedulerAPI(manager, options, self._plain_option("version_cap") or None)
        return api, api.select_destinations(requests)

    def _read_hosts(self, variables: dict[str, Any]) -> tuple[list[HostReport], dict[str, str]]:
        hosts_from = self.get_option("hosts_from")
        if hosts_from is None:
            return self._audited(variables)
        _group, observation = observe_hosts(hosts_from, self.get_option("group"), variables, self._templar)
        return list(observation.reports.values()), observation.unreachable

    def _audited(self, variables: dict[str, Any]) -> tuple[list[HostReport], dict[str, str]]:
        """Read each host of the group once, and name those that have nothing to say."""
        reports, unavailable = [], {}
        for host in variables["groups"][read_group(self._plain_option("group"), variables, self._templar)]:
            document, silence = _document(host, variables["hostvars"].raw_get(host))
            if document is None:
                unavailable[str(host)] = silence
                continue
            try:
                reports.append(HostReport.from_document(to_plain(document, f"the fact of {host}")))
            # One host that speaks another version must not cost the others.
            except InvalidInput as exc:
                unavailable[str(host)] = exc.message
        return reports, unavailable

    def _plain_option(self, name: str) -> Any:
        return to_plain(self.get_option(name), name)


def _document(host: str, variables: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """Return the host's document, or why there is none. A cached fact will do, unless this run's audit failed."""
    if AUDIT in variables:
        answer = read_answer(str(host), variables)
        return answer.document, answer.silence
    return variables.get("ansible_facts", {}).get(FACT), "was never audited"


def _fail(unplaced: list[Selection], total: int) -> NoReturn:
    messages = [str(selection.message) for selection in unplaced]
    if len(messages) > 1:
        messages.insert(0, f"{len(messages)} of {total} requests cannot be placed:")
    raise AnsibleLookupError(
        "\n".join(messages),
        help_text="Set on_unplaceable='report' to get the selections all the same, with each host's refusal.",
    )
