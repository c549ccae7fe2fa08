# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for any fleet, and for anything that is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from hypothesis import example, given, settings
from hypothesis import strategies as st

names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,8}[A-Za-z])?", fullmatch=True)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, object]:
    """A sound fleet. Names end in a letter where they are long, so that none looks like another's member."""
    flavors = draw(
        st.dictionaries(
            names,
            st.fixed_dictionaries({"vcpus": st.integers(1, 64), "memory_mb": st.integers(1, 2**20)}),
            min_size=1,
            max_size=4,
        )
    )
    networks = draw(st.dictionaries(names, st.fixed_dictionaries({"bridge": st.just("br0")}), min_size=1, max_size=3))
    instance = st.fixed_dictionaries(
        {"flavor": st.sampled_from(sorted(flavors)), "image": st.just("debian")},
        optional={
            "count": st.integers(0, 5),
            "networks": st.lists(st.fixed_dictionaries({"network": st.sampled_from(sorted(networks))}), max_size=3),
            "metadata": st.dictionaries(names, texts, max_size=2),
            "vm_state": st.sampled_from(["active", "stopped", "any"]),
        },
    )
    return {
        "version": "1.0",
        "name": draw(names),
        "flavors": flavors,
        "images": {"debian": {"source": "/srv/debian.qcow2"}},
        "networks": networks,
        "instances": draw(st.dictionaries(names, instance, max_size=8)),
    }


@given(fleets())
def test_expansion_gives_the_same_again(fleet):
    assert expand(load_fleet(fleet)) == expand(load_fleet(fleet))


@given(fleets(), st.randoms())
def test_an_identity_does_not_hang_on_the_order_of_the_file(fleet, random):
    entries = list(fleet["instances"].items())
    random.shuffle(entries)
    shuffled = {**fleet, "instances": dict(entries)}
    assert {wanted.uuid: wanted for wanted in expand(load_fleet(shuffled))} == {
        wanted.uuid: wanted for wanted in expand(load_fleet(fleet))
    }


@given(fleets())
def test_uuids_and_mac_addresses_are_distinct(fleet):
    wanted = expand(load_fleet(fleet))
    macs = [nic.mac_address for item in wanted for nic in item.spec.networks]
    assert len({item.uuid for item in wanted}) == len(wanted)
    assert len(set(macs)) == len(macs)


@settings(max_examples=60, deadline=None)
@given(fleets(), st.data())
def test_a_fleet_in_several_files_equals_the_whole(fleet, data):
    parts: list[dict[str, object]] = [{} for _ in range(3)]
    for key, value in fleet.items():
        if not isinstance(value, dict):
            data.draw(st.sampled_from(parts))[key] = value
            continue
        for name, body in value.items():
            data.draw(st.sampled_from(parts)).setdefault(key, {})[name] = body
    with TemporaryDirectory() as folder:
        for index, part in enumerate(parts):
            (Path(folder) / f"{index}.yml").write_text(yaml.safe_dump(part))
        assert load_fleet(folder) == load_fleet(fleet)


yaml_like = st.text(st.sampled_from(list("ab:- \n{}[]&*!|>'\"#?,%@`<~01.\t\\")), max_size=80)
sections = st.sampled_from(["version", "name", "flavors", "images", "networks", "aggregates", "instances", "scheduler"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | sections | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(sections | names | st.integers(), inner, max_size=3),
    max_leaves=12,
)


def is_fleet_or_has_faults(source: Any, variables: Mapping[str, Any] | None = None) -> bool:
    """Whether it is read, or refused in words; any other exception is a traceback, and fails the test."""
    try:
        expand(load_fleet(source, variables))
    except InvalidInput as refusal:
        return bool(refusal.message.strip())
    return True


@settings(max_examples=200, deadline=None)
@given(yaml_like | st.text(max_size=60))
@example('version: "1.0"\nname: "\\ud800"\n')
@example("%YAML 2.0\n---\na: b\n")
@example("<<: {version: '1.0'}\n")
@example("version: '\u00b2.0'\n")
@example("? &a b\n: *a\n")
def test_any_text_is_a_fleet_or_has_faults(text):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.yml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        assert is_fleet_or_has_faults(file)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(sections | names, plain, max_size=5))
def test_any_variables_are_a_fleet_or_have_faults(variables):
    assert is_fleet_or_has_faults(None, {"version": "1.0", **variables})


@settings(max_examples=200, deadline=None)
@given(fleets(), st.data())
def test_a_fleet_with_any_value_replaced_is_a_fleet_or_has_faults(fleet, data):
    target = fleet
    while True:
        steps = list(target) if isinstance(target, dict) else list(range(len(target)))
        if not steps:
            break
        step = data.draw(st.sampled_from(steps))
        if isinstance(target[step], (dict, list)) and data.draw(st.booleans()):
            target = target[step]
            continue
        target[step] = data.draw(plain)
        break
    assert is_fleet_or_has_faults(fleet)
